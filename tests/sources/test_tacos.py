from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Event, SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources.tacos import SOURCE

STRONG = ["filename,text,onset,offset", 'a.mp3,"A dog barks, twice",0.5,1.75', "b.mp3,rain,0,12", "a.mp3,a door,2.0,3"]
WEAK = ["filename,text", "a.mp3,A dog barks at a door", "b.mp3,It rains"]
METADATA = [
    "filename,keywords,freesound_id,sound_link,manufacturer,license,superclass,title",
    "a.mp3,dog;door,1,https://freesound.org/s/1,ann,http://creativecommons.org/licenses/by/4.0/,animal,Dog",
]


def write(folder: Path, **files: list[str]) -> Path:
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


def read(path: Path, **options: Any) -> list[SourceRow]:
    return list(SOURCE.read(path, SOURCE.options(**options)))


def test_sounds_captions_and_rights(tmp_path: Path) -> None:
    """Sounds with their times, then captions, each with author and license of its recording where they are known."""
    write(tmp_path, annotations_strong=STRONG, annotations_weak=WEAK, metadata=METADATA)
    rows = read(tmp_path)
    by: Any = {"license": "http://creativecommons.org/licenses/by/4.0/", "origin": "https://freesound.org/s/1 (by ann)"}
    assert rows[0] == SourceRow(
        source_id="a.mp3", row=1, events=(Event("A dog barks, twice", 0.5, 1.75),), audio=("a.mp3", "a"), **by
    )
    assert rows[3] == SourceRow(
        source_id="a.mp3", row=1, captions=("A dog barks at a door",), audio=("a.mp3", "a"), **by
    )
    assert [(row.source_id, row.events, row.license) for row in rows[1:3]] == [
        ("b.mp3", (Event("rain", 0.0, 12.0),), None), ("a.mp3", (Event("a door", 2.0, 3.0),), by["license"]),
    ]  # fmt: skip


def test_strong_annotations_alone_will_do(tmp_path: Path) -> None:
    """The file may be named itself, and the others may be missing."""
    write(tmp_path, annotations_strong=STRONG)
    assert [row.source_id for row in read(tmp_path / "annotations_strong.csv")] == ["a.mp3", "b.mp3", "a.mp3"]
    assert SOURCE.audio_root is not None
    assert SOURCE.audio_root(tmp_path / "annotations_strong.csv") == SOURCE.audio_root(tmp_path) == tmp_path


def test_split(tmp_path: Path) -> None:
    """A split takes the clips that its file names, sounds and captions."""
    write(tmp_path, annotations_strong=STRONG, annotations_weak=WEAK, test_split=["filename", "b.mp3"])
    assert [row.source_id for row in read(tmp_path, split="test")] == ["b.mp3", "b.mp3"]
    with pytest.raises(InputError, match=r"development_split\.csv: no such file"):
        read(tmp_path, split="development")


@pytest.mark.parametrize(
    ("line", "reason"), [("a.mp3,x,soon,2", "bad_time"), ("a.mp3,x,1,-2", "bad_time"), (",x,1,2", "no_id")]
)
def test_row_at_fault_is_a_problem(tmp_path: Path, line: str, reason: str) -> None:
    """A time that is none, or a missing name, is told for that row; the others are read."""
    rows = read(write(tmp_path, annotations_strong=[*STRONG, line]))
    assert [row.problem is None for row in rows] == [True, True, True, False]
    assert rows[3].problem is not None and rows[3].problem.reason == reason


def test_another_file_is_refused(tmp_path: Path) -> None:
    """Columns that are missing are named with the file."""
    with pytest.raises(InputError, match=r"annotations_strong\.csv: the header has no column 'onset', 'offset'"):
        read(write(tmp_path, annotations_strong=WEAK))
