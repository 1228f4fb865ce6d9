from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Seed, SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources.compa_r import SOURCE

ROW = {"audio_id": "/fs/data/audioset/Yabc-_123456.wav", "instruction": "What may follow?", "output": "A storm nears.",
       "dataset": "compa_r", "task": "open-ended"}  # fmt: skip


def read(folder: Path, rows: Any) -> list[SourceRow]:
    path = folder / "compa_r.json"
    path.write_text(json.dumps(rows))
    return list(SOURCE.read(path, SOURCE.options()))


def test_entry_is_a_question_and_a_caption(tmp_path: Path) -> None:
    """The instruction with its answer is a question of the source; the answer says what is heard."""
    assert read(tmp_path, [ROW]) == [
        SourceRow(
            source_id="fs/data/audioset/Yabc-_123456.wav",
            row=1,
            captions=("A storm nears.",),
            seeds=(Seed("What may follow?", "A storm nears."),),
            audio=(
                "fs/data/audioset/Yabc-_123456.wav", "fs/data/audioset/Yabc-_123456", "data/audioset/Yabc-_123456.wav",
                "data/audioset/Yabc-_123456", "audioset/Yabc-_123456.wav", "audioset/Yabc-_123456", "Yabc-_123456.wav",
                "Yabc-_123456",
            ),
            origin="compa_r",
        )
    ]  # fmt: skip


def test_questions_of_a_clip_are_rows_of_one_clip(tmp_path: Path) -> None:
    """Entries about one file have one id and need not stand together."""
    rows = read(tmp_path, [ROW, ROW | {"audio_id": "x.wav"}, ROW | {"instruction": "Why?"}])
    assert rows[0].source_id == rows[2].source_id != rows[1].source_id
    assert not SOURCE.grouped


def test_empty_texts(tmp_path: Path) -> None:
    """No answer leaves a question without one; no file is a problem of that entry alone."""
    first, second = read(tmp_path, [ROW | {"output": ""}, ROW | {"audio_id": " / "}])
    assert (first.captions, first.seeds) == ((), (Seed("What may follow?"),))
    assert second.problem is not None and second.problem.reason == "no_id"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"audio_id": "x.wav", "output": "a"},
            "compa_r.json, row 2: no key 'instruction'; found: audio_id",
        ),
        (ROW | {"output": 3}, "compa_r.json, row 2, column 'output': expected a text, found int"),
    ],
)
def test_entry_of_another_kind(tmp_path: Path, row: Any, message: str) -> None:
    """A key that is missing, or not a text, is told with its row."""
    with pytest.raises(InputError, match=message):
        read(tmp_path, [ROW, row])
