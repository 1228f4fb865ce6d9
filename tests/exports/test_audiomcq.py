"""Tests of ``exports/audiomcq.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.engine.exporting.audio import Named
from audiomcq_cli.engine.exporting.rows import write_rows
from audiomcq_cli.errors import InputError
from audiomcq_cli.exports.audiomcq import EXPORT, AudiomcqOptions

ROW: Row = {
    "source_dataset": "AudioCaps",
    "id": "AudioCaps:1:llm:0",
    "question_type": "sound",
    "audio_path": "1.wav",
    "question": "What is\nheard\u2028 — “rain”?",
    "choices": ["rain", "wind", "a dog", "a bell"],
    "answer": "rain",
    "answer_index": 0,
    "clip_id": "AudioCaps:1",
    "structured_cot": "<stage1>…</stage1>",
    "simple_cot": "It rains.",
    "audio_contribution": "strong",
    "subset": "rl",
}
PLAIN = ["source_dataset", "id", "question_type", "audio_path", "question", "choices", "answer"]


def export(rows: list[Row], folder: Path, cot: str = "none", labels: str = "auto") -> list[Any]:
    """Write some rows and read the lines back."""
    written = write_rows(EXPORT, AudiomcqOptions(cot=cot, labels=labels), iter(rows), folder, Named())
    assert (written.rows, written.records) == (len(rows), {"data.jsonl": len(rows)})
    lines = (folder / "data.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    return [json.loads(line) for line in lines]


def test_records_have_the_fields_of_the_public_release(tmp_path: Path) -> None:
    """Field for field as NeMo-RL reads them, the label with a hyphen, texts as they are."""
    [record] = export([ROW], tmp_path)
    assert list(record) == [*PLAIN, "audio-contribution"]
    assert record["audio-contribution"] == "strong"
    assert all(record[name] == ROW[name] for name in PLAIN)


UNLABELLED = {name: ROW[name] for name in PLAIN}


def test_questions_without_a_label_have_no_such_key(tmp_path: Path) -> None:
    """Where no row has the key NeMo-RL trains on all of them."""
    [record] = export([UNLABELLED], tmp_path)
    assert list(record) == PLAIN


def test_label_of_some_rows_is_refused_with_counts(tmp_path: Path) -> None:
    """NeMo-RL drops rows without the key where any has it, so a mix is never written."""
    rows = [ROW, ROW | {"audio_contribution": "weak"}, UNLABELLED, UNLABELLED | {"audio_contribution": None}]
    for labels in ("auto", "with"):
        with pytest.raises(InputError, match="1 weak, 1 strong, 2 without a label: NeMo-RL would train on the strong"):
            export(rows, tmp_path, labels=labels)


def test_label_is_left_out_of_all_rows_on_request(tmp_path: Path) -> None:
    """Weak, strong and unlabelled questions are then all trained on."""
    records = export([ROW, ROW | {"audio_contribution": "weak"}, UNLABELLED], tmp_path, labels="without")
    assert {tuple(record) for record in records} == {tuple(PLAIN)}


@pytest.mark.parametrize(
    ("cot", "names"),
    [
        ("none", []),
        ("simple", ["simple_cot"]),
        ("structured", ["structured_cot"]),
        ("both", ["structured_cot", "simple_cot"]),
    ],
)
def test_chains_of_thought_come_on_request(cot: str, names: list[str], tmp_path: Path) -> None:
    """The option says which of the two a record carries."""
    [record] = export([ROW], tmp_path, cot)
    assert [name for name in record if name.endswith("_cot")] == names


def test_a_missing_chain_of_thought_is_an_error(tmp_path: Path) -> None:
    """Rows from before cot cannot carry one, and the message says which row and column."""
    with pytest.raises(InputError, match=r"column 'simple_cot': question 'AudioCaps:1:llm:0' has none"):
        export([{name: ROW[name] for name in PLAIN}], tmp_path, "simple")


def test_rows_keep_their_order(tmp_path: Path) -> None:
    """One line a row, in the order they came."""
    rows = [ROW | {"id": f"AudioCaps:{number}:llm:0"} for number in range(50)]
    assert [record["id"] for record in export(rows, tmp_path)] == [row["id"] for row in rows]


def test_datasets_reads_it(tmp_path: Path) -> None:
    """The reader behind the public release opens the file."""
    import datasets

    out = tmp_path / "out"
    out.mkdir()
    export([ROW, ROW | {"id": "AudioCaps:2:llm:0", "audio_path": None}], out)
    datasets.disable_progress_bars()
    rows = datasets.load_dataset(
        "json", data_files=str(out / "data.jsonl"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert rows["id"][:] == ["AudioCaps:1:llm:0", "AudioCaps:2:llm:0"]
    assert rows["choices"][0] == ROW["choices"]
