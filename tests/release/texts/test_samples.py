"""Tests of ``release/texts/samples.py`` and ``release/texts/settings.py``: what a card shows of rows and settings."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Row
from audiomcq_cli.records import RELEASED, TYPES, arrow_schema
from audiomcq_cli.release.rows.statistics import count_rows
from audiomcq_cli.release.texts.card import render_card
from audiomcq_cli.release.texts.samples import Samples, draw_samples, merge_samples, write_samples
from audiomcq_cli.release.texts.settings import list_settings, write_value
from tests.release.conftest import INFO, released_row
from tests.release.texts.test_card import HOSTILE, inlines, shape


def table_of(*rows: Row) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(RELEASED))


def rows_of(count: int) -> list[Row]:
    """Questions of all four types."""
    return [released_row(number, question_type=TYPES[number % 4]) for number in range(count)]


def draw_all(tables: list[pa.Table], seed: int = 1) -> Samples:
    samples: Samples = {}
    for table in tables:
        samples = merge_samples(samples, draw_samples(table, seed))
    return samples


def ids(samples: Samples) -> dict[str, str]:
    return {kind: sample.row["id"] for kind, sample in samples.items()}


@settings(max_examples=30)
@given(cuts=st.sets(st.integers(1, 39)), seed=st.integers(0, 5), backwards=st.booleans())
def test_samples_do_not_depend_on_how_rows_are_read(cuts: set[int], seed: int, backwards: bool) -> None:
    """One row of each type is drawn, the same ones from any pieces of the rows in either order."""
    rows = rows_of(40)
    edges = [0, *sorted(cuts), 40]
    pieces = [table_of(*rows[begin:end]) for begin, end in itertools.pairwise(edges)]
    found = ids(draw_all(pieces[::-1] if backwards else pieces, seed))
    assert found == ids(draw_samples(table_of(*rows), seed))
    assert set(found) == set(TYPES)


def test_a_new_version_keeps_the_samples_it_still_has() -> None:
    """Taking away another row changes no sample; taking away a sample changes only the one of its type."""
    rows = rows_of(40)
    before = ids(draw_samples(table_of(*rows), 1))
    others = [row for row in rows if row["id"] not in before.values()]
    assert ids(draw_samples(table_of(*[row for row in rows if row is not others[0]]), 1)) == before
    gone = before["music"]
    after = ids(draw_samples(table_of(*[row for row in rows if row["id"] != gone]), 1))
    assert {kind for kind in TYPES if after[kind] != before[kind]} == {"music"}


def test_another_seed_draws_other_samples() -> None:
    """The seed decides over the samples."""
    table = table_of(*rows_of(40))
    assert len({tuple(ids(draw_samples(table, seed)).values()) for seed in range(5)}) > 1


def test_a_sample_is_shown_as_people_read_it() -> None:
    """Question, lettered options, key, label, where the clip is from, and what each judge answered."""
    votes = released_row(1)["votes"]
    votes = [*votes, {**votes[0], "judge": "b", "chosen": 2, "status": "wrong", "condition": "none"}]
    votes.append({**votes[0], "judge": "c", "chosen": None, "status": "unparsable"})
    row = released_row(1, votes=votes, origin="https://example.org/1")
    text = write_samples(draw_samples(table_of(row), 0))
    for line in (
        "### Sound", "**What is heard?**", "- A. rain", "- D. a bell",
        "Key: A. Label: `weak`. Clip: AudioCaps, license CC-BY-4.0, <https://example.org/1>.",
        "| judge\\_a | 30 s of silence | A | right |", "| b | nothing | C | wrong |",
        "| c | 30 s of silence | not readable |  |",
    ):  # fmt: skip
        assert f"\n{line}\n" in f"{text}\n", line


def test_types_without_rows_are_left_out() -> None:
    """Two types of questions are two samples, and without rows there is no section."""
    assert write_samples(draw_samples(table_of(*rows_of(2)), 0)).count("\n### ") == 2
    assert write_samples({}) == ""


@pytest.mark.parametrize("text", [*HOSTILE, "1. x", "---", "===", "+ x", "# h", "> q", "    code", "**", "_a_", ""])
def test_hostile_samples_change_only_themselves(text: str) -> None:
    """A question, option, source, license, origin or judge may say anything; a reader sees it as it is."""
    vote = {**released_row(1)["votes"][0], "judge": text, "condition": text}
    choices = [text, "wind", "a dog", "a bell"]
    values: dict[str, Any] = {"question": text, "choices": choices, "answer": text, "votes": [vote]}
    row = released_row(1, **values, license=text or None, origin=text or None)
    plain = released_row(1, license="L" if text else None, origin="O" if text else None)

    def render(row: Row) -> str:
        table = table_of(row)
        manifest = {"tool_version": "0", "sources": [], "lineage": []}
        return render_card(INFO, count_rows(table), manifest, samples=draw_samples(table, 0)).split("---\n\n", 1)[1]

    card = render(row)
    if text:  # a cell without text has no token of its own
        assert shape(card) == shape(render(plain))
    seen = " ".join(text.split())
    said = [" ".join(one.split()) for one in inlines(card)]
    assert (seen or "(no text)") in [one.strip() for one in said]
    assert f"A. {seen}".strip() in said


def test_a_long_text_is_cut() -> None:
    """A text of a million characters does not make a card that nobody can open."""
    row = released_row(1, question="x" * 1_000_000)
    assert len(write_samples(draw_samples(table_of(row), 0))) < 2_000


def test_settings_are_a_row_each() -> None:
    """A stage is named once, a seed where it changes, and values are written as people write them."""
    steps = [
        {"stage": "generate", "version": 5, "seed": 3, "options": {"types": {"sound": 0.5}, "methods": ["llm", "x"]}},
        {"stage": "cot", "version": 1, "seed": 3, "options": {"grader": "", "on": True, "least": 1.0}},
    ]
    assert list(list_settings(steps)) == [
        ("generate", "version of the stage", "5"), ("", "seed", "3"), ("", "types", "sound 0.5"),
        ("", "methods", "llm, x"), ("cot", "version of the stage", "1"), ("", "grader", "not set"), ("", "on", "yes"),
        ("", "least", "1"),
    ]  # fmt: skip


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_value_is_written(value: object) -> None:
    """Whatever an option holds, it is written as some text."""
    assert write_value(value) != "" or value != ""


def test_a_row_with_an_index_out_of_range_is_shown_without_a_letter() -> None:
    """Votes come out of rows, which anyone may have written."""
    votes = [{**released_row(1)["votes"][0], "chosen": 9}]
    assert "| judge\\_a | 30 s of silence | none | right |" in write_samples(
        draw_samples(table_of(released_row(1, votes=votes)), 0)
    )
