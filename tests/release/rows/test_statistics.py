"""Tests of ``release/rows/statistics.py`` and ``release/texts/summary.py``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema

from audiomcq_cli.release.rows.statistics import EDGES, Statistics
from audiomcq_cli.release.texts.card_sections import describe_blocks
from audiomcq_cli.release.texts.summary import summarize, write_json
from audiomcq_cli.storage.resources import schema
from tests.release.conftest import count_stage, released_row, write_stage

OPTIONS = ["rain", "wind", "a dog", "a bell"]


def summarize_rows(folder: Path, rows: list[dict[str, Any]], shards: int = 1) -> dict[str, Any]:
    """The summary of some rows, as it is read back from JSON."""
    summary: dict[str, Any] = json.loads(write_json(summarize(*count_stage(write_stage(folder, rows, shards=shards)))))
    return summary


def vote(status: str, **values: Any) -> dict[str, Any]:
    """A judge's answer."""
    return {**released_row(1)["votes"][0], "status": status, **values}


def test_the_statistics_are_as_their_schema_says(stage: Path) -> None:
    """Every key is there and no other, of a corpus and of nothing."""
    jsonschema.validate(summarize(*count_stage(stage)), schema("statistics"))
    jsonschema.validate(summarize(Statistics(), {"lineage": []}), schema("statistics"))


def test_labels_are_counted_by_source_and_type(tmp_path: Path) -> None:
    """Questions, clips and licenses of each source, and labels of each type in it."""
    rows = [
        released_row(1),
        released_row(1, id="AudioCaps:1:llm:1", question_type="music", label="strong"),
        released_row(2, source_dataset="Clotho", license=None),
    ]
    summary = summarize_rows(tmp_path, rows)
    assert (summary["questions"], summary["clips"], summary["labels"]) == (3, 2, {"strong": 1, "weak": 2})
    assert summary["question_types"] == {"music": {"strong": 1, "weak": 0}, "sound": {"strong": 0, "weak": 2}}
    assert summary["sources"]["AudioCaps"] == {
        "clips": 1, "labels": {"strong": 1, "weak": 1}, "licenses": {"CC-BY-4.0": 2},
        "question_types": {"music": {"strong": 1, "weak": 0}, "sound": {"strong": 0, "weak": 1}},
    }  # fmt: skip
    assert summary["sources"]["Clotho"]["licenses"] == {"": 1}


def test_blocks_are_counted_whole(tmp_path: Path) -> None:
    """Questions of whole blocks, of broken ones and of none, over the rows that are released."""
    kept = [released_row(n, block="b", answer_index=n, answer=OPTIONS[n]) for n in range(4)]
    rows = [*kept, released_row(5, block="c"), released_row(6)]
    assert summarize_rows(tmp_path, rows)["blocks"] == {"whole": 4, "broken": 1, "alone": 1}
    statistics = Statistics(
        questions=Counter({("sft", "weak", "sound"): 6}), blocks=Counter({("whole",): 4, ("broken",): 1, ("alone",): 1})
    )
    told = describe_blocks(statistics)
    assert "4 of 6 questions (66.7 %) belong to whole balanced blocks" in told
    assert "1 question belongs to blocks that lost another" in told
    assert describe_blocks(Statistics()) == ""


def test_durations_are_of_distinct_clips(tmp_path: Path) -> None:
    """A clip with two questions counts once, one without a duration not at all; a bin begins at its lower edge."""
    rows = [released_row(1), released_row(1, id="b"), released_row(2, duration=9.999), released_row(3, duration=None)]
    found = summarize_rows(tmp_path, rows)["duration"]
    assert (found["count"], found["sum"], found["min"], found["max"]) == (2, 19.999, 9.999, 10.0)
    filled = {one["from"]: one["count"] for one in found["bins"] if one["count"]}
    assert filled == {8.0: 1, 10.0: 1}
    assert (found["bins"][0]["from"], found["bins"][-1]["below"], len(found["bins"])) == (
        0.0,
        None,
        len(EDGES["duration"]),
    )


def test_positions_are_held_against_chance(tmp_path: Path) -> None:
    """Questions of two choices expect nothing of the third place."""
    rows = [released_row(1), released_row(2, answer="wind", answer_index=1), released_row(3, choices=["rain", "wind"])]
    summary = summarize_rows(tmp_path, rows)
    assert summary["choices"] == {"2": 1, "4": 2}
    assert [(one["questions"], one["expected"]) for one in summary["answer_positions"]] == [
        (2, 1.0), (1, 1.0), (0, 0.5), (0, 0.5),
    ]  # fmt: skip


def test_lengths_tell_the_answer_from_the_others(tmp_path: Path) -> None:
    """In characters, not bytes; a missing chain of thought has no length."""
    row = released_row(1, choices=["a", "ähm", "bbbbb"], answer="ähm", answer_index=1, simple_cot=None)
    lengths = summarize_rows(tmp_path, [row])["lengths"]
    assert (lengths["answer"]["sum"], lengths["answer"]["count"]) == (3, 1)
    assert (lengths["other_choices"]["sum"], lengths["other_choices"]["count"]) == (6, 2)
    assert lengths["simple_cot"]["count"] == 0 and lengths["simple_cot"]["mean"] is None


def test_unreadable_answers_are_not_wrong_ones(tmp_path: Path) -> None:
    """Accuracy is of the answers that could be read, by judge and by question type, with chance beside it."""
    rows = [
        released_row(1, votes=[vote("right")]),
        released_row(2, votes=[vote("unparsable", chosen=None)], question_type="music"),
        released_row(3, votes=[vote("wrong", judge="b")], choices=["rain", "wind"]),
    ]
    one, other = summarize_rows(tmp_path, rows)["judges"]
    assert (one["judge"], one["answers"], one["accuracy"], one["chance"]) == ("b", 1, 0.0, 0.5)
    assert (other["right"], other["wrong"], other["unparsable"], other["accuracy"]) == (1, 0, 1, 1.0)
    assert other["question_types"]["music"]["accuracy"] is None


def test_shards_change_no_number(tmp_path: Path) -> None:
    """Counts of shards add up to those of the whole, byte for byte."""
    rows = [released_row(number, duration=number * 0.1, question="x" * number) for number in range(1, 60)]
    whole, parts = (summarize_rows(tmp_path / str(shards), rows, shards) for shards in (1, 7))
    assert write_json(whole) == write_json(parts)


def test_reject_reasons_are_those_of_the_stages(stage: Path) -> None:
    """By stage and outcome, as the manifest has them."""
    steps = {step["stage"]: step for step in summarize(*count_stage(stage))["stages"]}
    assert steps["filter"]["reasons"] == {"rejected": {"too_few_votes": 2}, "failed": {"schema": 1}}
    assert steps["filter"]["items"]["in"] == 43
