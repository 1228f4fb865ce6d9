from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.sources.lp_musiccaps import SOURCE

ROW: dict[str, Any] = {
    "track_id": "28587", "title": "Allemande", "artist_name": "A Consort", "release": "Dances",
    "tag_top50": ["flute"], "tag_top188": ["flute", "slow"], "caption_writing": "A slow piece for flute.",
    "caption_summary": "Slow flute.", "caption_paraphrase": "A flute plays slowly.",
    "caption_attribute_prediction": "A sad tune from 1850.", "pseudo_attribute": ["sad"],
    "path": "0/a_consort-dances-02-allemande-30-59.mp3",
}  # fmt: skip


def write(path: Path, *rows: dict[str, Any]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def read(path: Path, **options: Any) -> list[SourceRow]:
    return list(SOURCE.read(path, SOURCE.options(**options)))


def test_row_becomes_a_clip(tmp_path: Path) -> None:
    """Three captions of a track, its file and whose it is; what was predicted is left out."""
    assert read(write(tmp_path / "train.parquet", ROW)) == [
        SourceRow(
            source_id="28587",
            row=1,
            captions=("A slow piece for flute.", "Slow flute.", "A flute plays slowly."),
            audio=(
                "0/a_consort-dances-02-allemande-30-59.mp3",
                "0/a_consort-dances-02-allemande-30-59",
                "a_consort-dances-02-allemande-30-59.mp3",
                "a_consort-dances-02-allemande-30-59",
                "28587",
            ),
            origin="Allemande, Dances (by A Consort)",
        )
    ]


def test_captions_can_be_chosen(tmp_path: Path) -> None:
    """Only the kinds that are named are taken, in that order; the predicted ones cannot be."""
    path = write(tmp_path / "train.parquet", ROW)
    assert read(path, kinds=("summary", "writing"))[0].captions == ("Slow flute.", "A slow piece for flute.")
    for kinds in ((), ("attribute_prediction",)):
        with pytest.raises(RecipeError, match="kinds: expected some of writing, summary, paraphrase"):
            SOURCE.options(kinds=kinds)


def test_folder_of_splits(tmp_path: Path) -> None:
    """All files of the folder are read, each with its own row numbers."""
    write(tmp_path / "data" / "train-00000-of-00001-28.parquet", ROW, ROW | {"track_id": "2"})
    write(tmp_path / "data" / "test-00000-of-00001-94.parquet", ROW | {"track_id": "3"})
    assert [(row.source_id, row.row) for row in read(tmp_path)] == [("3", 1), ("28587", 1), ("2", 2)]


def test_values_that_are_missing(tmp_path: Path) -> None:
    """A row without an id is a problem, one without a caption or a path is still a clip."""
    bare = {"track_id": "3", "caption_summary": None, "path": None, "title": None, "release": None}
    path = write(tmp_path / "t.parquet", ROW, ROW | {"track_id": None}, ROW | bare)
    rows = read(path)
    assert rows[1].problem is not None and rows[1].problem.reason == "no_id"
    assert (len(rows[2].captions), rows[2].audio, rows[2].origin) == (2, ("3",), "A Consort")


def test_missing_columns_are_named(tmp_path: Path) -> None:
    """A Parquet file of something else is refused with what it has and what it lacks."""
    path = write(tmp_path / "t.parquet", {"track_id": "1", "caption": "x"})
    with pytest.raises(InputError, match=r"t\.parquet: no column .*'caption_writing'.*; found: track_id, caption"):
        read(path)
