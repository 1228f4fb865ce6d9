"""What a probe reads of a row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from audiomcq_cli.errors import InputError
from audiomcq_cli.probe.asked import asked_of, form_of, open_question, read_asked
from audiomcq_cli.records import QUESTION, RELEASED, arrow_schema
from tests.release.conftest import released_row


def _made(column: str, prompt: str) -> dict[str, str]:
    return {"column": column, "model": "grounded", "revision": "", "prompt": prompt, "prompt_version": ""}


def test_the_form_of_a_question_by_rule_is_the_one_it_was_made_by() -> None:
    """The grounded method notes the form in the provenance of the question."""
    row = released_row(1, method="grounded", provenance=[_made("captions", "x"), _made("question", "background")])
    assert form_of(row) == "background"
    assert asked_of(row).stem == "background"


def test_the_form_of_a_measured_question_is_the_family_of_its_proof() -> None:
    """Where the provenance does not say it, the proof names the family."""
    fact = {"name": "family", "value": None, "text": "tempo_faster", "unit": "", "tolerance": 0.0}
    assert form_of(released_row(1, method="grounded", provenance=[], proof=[fact])) == "tempo_faster"


@pytest.mark.parametrize(
    ("question", "form", "opening"),
    [
        ("Which animal is heard?", "llm: which", "which animal"),
        ("In this clip, how many dogs bark?", "llm: how many", "how many dogs"),
        ("What's that?", "llm: what", "what that"),
        ("Name the instrument.", "llm: other", ""),
        ("Somehow it rings: why?", "llm: why", "why"),
    ],
)
def test_the_form_of_any_other_question_is_how_it_opens(question: str, form: str, opening: str) -> None:
    """A question that a model wrote has the form of its first question word."""
    assert form_of(released_row(1, question=question)) == form
    assert open_question(question) == opening


@pytest.mark.parametrize("columns", [RELEASED, QUESTION])
def test_a_table_is_read_as_its_rows(columns: tuple[str, ...]) -> None:
    """A table gives what its rows give one by one; columns that a stage does not have yet are null."""
    rows = [released_row(n, provenance=[_made("question", "who")], method="grounded") for n in range(3)]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(columns))
    found = list(read_asked(table))
    assert found == [asked_of(row) for row in table.to_pylist()]
    assert found[0].groups["form"] == "who"
    assert ("subset" in found[0].groups) == (columns is RELEASED)
    assert (found[0].block, found[0].cluster) == ("", "")


@pytest.mark.parametrize("values", [["b", None], [7, None]])
def test_blocks_and_clusters_are_read_where_there_are_some(values: list[Any]) -> None:
    """A table with the columns block and cluster gives them, whatever their type; null is none."""
    table = pa.Table.from_pylist([released_row(n) for n in range(2)], schema=arrow_schema(QUESTION))
    table = table.drop(["block", "cluster"])
    table = table.append_column("block", pa.array(values)).append_column("cluster", pa.array(values))
    assert [(one.block, one.cluster) for one in read_asked(table)] == [(str(values[0]), str(values[0])), ("", "")]


@pytest.mark.parametrize(
    "wrong",
    [{"question": None}, {"answer_index": None}, {"answer_index": 4}, {"answer_index": -1}, {"choices": []},
     {"choices": ["rain", None, "a", "b"]}, {"choices": None}],
)  # fmt: skip
def test_a_row_without_an_answer_among_its_options_is_named(wrong: dict[str, Any]) -> None:
    """A damaged row is an error that names it."""
    with pytest.raises(InputError, match="AudioCaps:3:llm:0"):
        asked_of(released_row(3) | wrong)
