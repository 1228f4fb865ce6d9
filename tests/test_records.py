"""The columns, the ids, and what is wrong with a row."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli import records
from audiomcq_cli.contracts import Row

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ORDERS = ("CLIP", "QUESTION", "VERIFIED", "REASONED", "LABELLED", "RELEASED", "REJECT")

QUESTION: Row = {
    "id": "Clotho:a:llm:0",
    "choices": ["a dog", "a cat"],
    "answer": "a cat",
    "answer_index": 1,
    "duration": None,
    "audio_contribution": "weak",
}


@pytest.mark.parametrize("name", ORDERS)
def test_columns_of_a_stage_are_declared(name: str) -> None:
    """Every column of every kind of row has a type and is there once."""
    columns = getattr(records, name)
    assert len(set(columns)) == len(columns)
    schema = records.arrow_schema(columns)
    assert schema.names == list(columns)


@pytest.mark.parametrize("name", records.COLUMNS)
def test_columns_say_what_they_hold(name: str) -> None:
    """Every column has a type that Arrow knows and a description."""
    assert records.COLUMNS[name].doc
    assert isinstance(records.arrow_schema([name]).field(name).type, pa.DataType)


def test_later_rows_hold_what_earlier_ones_did() -> None:
    """From the question to the release columns are only added."""
    orders = [set(getattr(records, name)) for name in ORDERS[1:6]]
    assert all(earlier < later for earlier, later in itertools.pairwise(orders))


def test_types_are_plain_data() -> None:
    """Names are Arrow types, a list is a list of one type, a table is a struct."""
    schema = records.arrow_schema(["captions", "choices", "answer_index", "votes"])
    assert schema.field("captions").type == pa.list_(pa.struct([("text", pa.string()), ("origin", pa.string())]))
    assert schema.field("choices").type == pa.list_(pa.string())
    assert schema.field("answer_index").type == pa.int16()
    assert schema.field("votes").type.value_type.field("order").type == pa.list_(pa.int16())


def test_ids_are_made_of_their_parts() -> None:
    """A clip's id holds its source and its id there; a question's the clip's, how it was made, and its slot."""
    clip = records.clip_id("Clotho", "a:b.wav")
    assert clip == "Clotho:a:b.wav"
    assert records.question_id(clip, "llm", 2) == "Clotho:a:b.wav:llm:2"


@pytest.mark.parametrize(("clip", "shard"), [("Clotho:a", 18), ("AudioCaps:7", 55), ("", 20)])
def test_shard_of_a_clip_never_changes(clip: str, shard: int) -> None:
    """The shard of an id is part of the format: it is the same in every version."""
    expected = int(hashlib.sha256(clip.encode()).hexdigest()[:16], 16) % 64
    assert records.shard_of(clip, 64) == expected == shard


@given(TEXTS, st.integers(1, 1_000))
def test_every_clip_has_a_shard(clip: str, shards: int) -> None:
    """Any id is in one of the shards there are."""
    assert 0 <= records.shard_of(clip, shards) < shards


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3))
def test_draws_depend_on_their_parts(one: list[str], other: list[str]) -> None:
    """The same parts always draw the same 64 bits, and other parts others."""
    assert 0 <= records.draw(*one) < 2**64
    if "\x1f" not in "".join(one + other):
        same = "\x1f".join(one) == "\x1f".join(other)
        assert (records.draw(*one) == records.draw(*other)) == same


def test_parts_of_a_draw_are_kept_apart() -> None:
    """Where one part ends and the next begins counts."""
    assert records.draw("ab", "c") != records.draw("a", "bc")
    assert records.draw("split", 1, "a") != records.draw("split", "1a")


def test_good_row_has_no_problem() -> None:
    """A row with a value wherever one is needed is fine; optional columns may be null."""
    assert records.find_problem(QUESTION, ["id", "duration", "answer", "audio_contribution"]) == ""


@pytest.mark.parametrize(
    ("changes", "columns", "problem"),
    [
        ({}, ["question"], "column 'question' is missing"),
        ({"id": None}, ["id"], "column 'id' has no value"),
        ({"answer_index": 0}, ["id"], "answer 'a cat' is not choice 0"),
        ({"answer_index": 2}, ["id"], "answer 'a cat' is not choice 2"),
        ({"answer_index": -1}, ["id"], "answer 'a cat' is not choice -1"),
        ({"answer": "a cow"}, ["id"], "answer 'a cow' is not choice 1"),
        ({"audio_contribution": "medium"}, ["id"], "audio_contribution is 'medium'"),
    ],
)
def test_problem_of_a_row_is_named(changes: dict[str, Any], columns: list[str], problem: str) -> None:
    """What is missing, empty or contradicts itself is told."""
    assert problem in records.find_problem(QUESTION | changes, columns)


@given(st.text(), st.integers(0, 10**7), st.integers(1, 10**7))
def test_window_of_a_caption_can_be_read(model: str, start: int, length: int) -> None:
    """Who wrote a caption of a part, and from when to when that lasts, stand in its origin; of a whole clip the model
    alone does."""
    times = (start / 1000, (start + length) / 1000)
    first, last = records.read_window(records.name_window(model, *times)).removesuffix(" s").split(" s to ")
    assert (float(first), float(last)) == times


@pytest.mark.parametrize("origin", ["AudioCaps", "Qwen/Qwen2-Audio-7B-Instruct", "model (16 bit)", ""])
def test_other_origins_are_of_whole_clips(origin: str) -> None:
    """Sources and models have no window in their names."""
    assert records.read_window(origin) == ""
