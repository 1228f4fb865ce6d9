"""The flow of import: a question in the columns that filter reads, and what becomes of its audio."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli import records
from audiomcq_cli.contracts import Clip, Context, Listen, Origin, Outcome, Reject, Reply, Request, Row
from audiomcq_cli.measurements import make_entry
from audiomcq_cli.records import AUDIO_MISSING
from audiomcq_cli.stages.filter import STAGE as FILTER
from audiomcq_cli.stages.import_ import STAGE, TYPE_NOT_KNOWN, Options, flow
from tests.stages.dialogue import ask_once

ROW: Row = {
    "id": "Set:c:imported:q", "clip_id": "Set:c", "source_dataset": "Set", "source_id": "c", "row": 4,
    "question": "What barks?", "choices": ["a cat", "a dog"], "answer_index": 1, "question_type": "music",
    "difficulty": "hard", "structured_cot": None, "simple_cot": None, "cot_model": "",
    "tags": [{"name": "category", "value": "Reasoning"}], "flags": ["repeated_choice_dropped"],
    "audio_path": "c.wav", "audio_present": False, "audio_sha256": None, "license": "CC0", "origin": "web",
    "problem": None,
}  # fmt: skip
PRESENT = {"audio_present": True, "audio_sha256": "ab"}
MEASURED = {
    "duration": 2.5, "sample_rate": 8_000, "channels": 1, "format": "WAV", "sha256": "ab", "fingerprint": [7, 9],
    "measurements": [make_entry("loudness", -23.0, 1.0)],
}  # fmt: skip


def run(row: Row, reply: Reply | None = None, options: Options | None = None) -> tuple[list[Request], Outcome]:
    return ask_once(flow(row, Context(options or Options())), reply)


def keep(row: Row, reply: Reply | None = None) -> Row:
    """The one row that is kept."""
    _, outcome = run(row, reply)
    assert isinstance(outcome, list)
    [kept] = outcome
    return kept


def heard(value: Any = None, error: str = "") -> Reply:
    """A reply of the analysis."""
    return Reply(stage="import", key="k", origin=Origin("probe", "1"), value=value, error=error)


def test_columns_are_those_that_filter_reads() -> None:
    """The row has every column of the stage that it joins, with a value where one has to be."""
    kept = keep(ROW)
    assert STAGE.joins == "filter"
    assert set(FILTER.reads) <= set(STAGE.writes) == set(kept)
    assert records.find_problem(kept, STAGE.writes) == ""


def test_question_is_as_the_set_has_it() -> None:
    """Options keep their order, the key is the text of its index, and what the set says beside is there."""
    kept = keep(ROW)
    assert (kept["method"], kept["answer"], kept["answer_index"]) == ("imported", "a dog", 1)
    for name in ("id", "choices", "question", "question_type", "difficulty", "tags", "license", "origin"):
        assert kept[name] == ROW[name]


def test_without_audio() -> None:
    """A question whose audio is not there is kept and flagged; nothing is asked."""
    asked, outcome = run(ROW)
    assert asked == []
    assert isinstance(outcome, list)
    assert outcome[0]["flags"] == ["repeated_choice_dropped", AUDIO_MISSING]


def test_audio_that_has_to_be_there() -> None:
    """With require_audio it is rejected."""
    _, outcome = run(ROW, options=Options(require_audio=True))
    assert isinstance(outcome, Reject)
    assert (outcome.reason, outcome.detail) == (AUDIO_MISSING, "row 4: no audio file 'c.wav' below the audio root")


def test_with_audio() -> None:
    """Audio is measured as caption does it, and the row says by what."""
    asked, _ = run(ROW | PRESENT, heard(MEASURED))
    assert asked == [Listen(analysis="probe", audio=Clip("Set", "c.wav", "ab"))]
    kept = keep(ROW | PRESENT, heard(MEASURED))
    assert (kept["duration"], kept["sample_rate"], kept["channels"], kept["audio_sha256"]) == (2.5, 8_000, 1, "ab")
    assert kept["flags"] == ["repeated_choice_dropped"]
    assert [call["key"] for call in kept["calls"]] == ["k"]
    assert (kept["fingerprint"], kept["measurements"]) == ([7, 9], MEASURED["measurements"])
    columns = {"audio_sha256", "duration", "sample_rate", "channels", "fingerprint", "measurements"}
    assert {one["column"] for one in kept["provenance"]} == columns


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (heard({"problem": "audio_unreadable", "detail": "no header"}), "audio_unreadable"),
        (heard(error="path_outside_root"), "path_outside_root"),
    ],
)
def test_audio_that_cannot_be_read(reply: Reply, reason: str) -> None:
    """A question about a broken file is rejected for the file's reason."""
    _, outcome = run(ROW | PRESENT, reply)
    assert isinstance(outcome, Reject)
    assert outcome.reason == reason


def test_row_at_fault() -> None:
    """What the set made of a row is why it is rejected."""
    _, outcome = run(ROW | {"problem": {"reason": "no_answer", "detail": "a.json, row 4"}, "choices": []})
    assert outcome == Reject("no_answer", "a.json, row 4")


def test_type_that_is_not_known() -> None:
    """A question of no known type is called sound, and says that this was not the set's word."""
    kept = keep(ROW | {"question_type": None})
    assert kept["question_type"] == "sound"
    assert TYPE_NOT_KNOWN in kept["flags"]


def test_chain_of_thought() -> None:
    """A chain of thought comes with what wrote it."""
    kept = keep(ROW | {"simple_cot": "It barks.", "cot_model": "gemini_cot"})
    assert kept["simple_cot"] == "It barks."
    assert [(one["column"], one["model"]) for one in kept["provenance"]] == [("simple_cot", "gemini_cot")]
