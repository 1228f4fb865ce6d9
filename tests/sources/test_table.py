from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources.table import SOURCE

ROWS = [{"clip": "a", "text": "rain", "file": "a.wav"}, {"clip": "b", "text": "wind", "file": "b.wav"}]
COLUMNS = {"id": "clip", "caption": "text", "audio": "file"}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix:
        case ".csv":
            path.write_text("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n")
        case ".jsonl":
            path.write_text("\n".join(map(json.dumps, rows)))
        case ".json":
            path.write_text(json.dumps(rows))
        case _:
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read(path: Path, columns: dict[str, str] = COLUMNS) -> list[SourceRow]:
    return list(SOURCE.read(path, SOURCE.options(columns=columns)))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.json", "t.parquet"])
def test_every_form_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """CSV, JSON Lines, a JSON list and Parquet with the same rows are the same source."""
    rows = read(write(tmp_path / name, ROWS))
    assert [(row.row, row.source_id, row.captions, row.audio) for row in rows] == [
        (1, "a", ("rain",), ("a.wav", "a")), (2, "b", ("wind",), ("b.wav", "b")),
    ]  # fmt: skip


def test_folder_of_parquet_files(tmp_path: Path) -> None:
    """The files of a folder follow one another by name; others and hidden ones are left out."""
    for name, row in (("2.parquet", ROWS[1]), ("1.parquet", ROWS[0]), (".3.parquet", ROWS[0])):
        write(tmp_path / name, [row])
    (tmp_path / "README.md").write_text("x")
    assert [row.source_id for row in read(tmp_path)] == ["a", "b"]


def test_rows_of_several_files_are_kept_apart(tmp_path: Path) -> None:
    """Rows that nothing else names are named by file and number: first rows of two files are two clips."""
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", [{"text": f"rain {name}"}])
    assert [(row.source_id, row.row) for row in read(tmp_path, {"caption": "text"})] == [
        ("a.parquet-row-1", 1), ("b.parquet-row-1", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("own_names", [False, True])
def test_ends_of_paths(tmp_path: Path, own_names: bool) -> None:
    """Files of two folders may have one name, unless it is said that each has its own."""
    path = write(tmp_path / "t.jsonl", [{"text": "rain", "file": "x/a.wav"}])
    columns = {"caption": "text", "audio": "file"}
    [row] = SOURCE.read(path, SOURCE.options(columns=columns, own_names=own_names))
    assert (*row.audio, *row.guesses)[2:] == (("a.wav", "a") if own_names else ("/a.wav", "/a"))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t"])
def test_no_file(tmp_path: Path, name: str) -> None:
    """A file that is not there is told, whatever it is called."""
    with pytest.raises(InputError, match="no such file, expected a table"):
        read(tmp_path / name)


def test_keys_of_json_may_differ(tmp_path: Path) -> None:
    """A key that some rows lack is no fault; one that no row has is a mistake in the mapping."""
    path = write(tmp_path / "t.jsonl", [ROWS[0], {"clip": "b", "file": "b.wav"}])
    assert [row.captions for row in read(path)] == [("rain",), ()]
    with pytest.raises(InputError, match="column 'caption_text': no key of that name in any of 2 rows"):
        read(path, {**COLUMNS, "caption": "caption_text"})


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_column_that_is_not_there(tmp_path: Path, name: str) -> None:
    """A column that is named and is not there is told, with those that are."""
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / name, ROWS), {"caption": "txt"})
    assert "txt" in str(caught.value)
    assert "clip" in f"{caught.value} {caught.value.hint}"


def test_audio_in_parquet(tmp_path: Path) -> None:
    """A column of audio as datasets writes it brings the file along."""
    [row] = read(write(tmp_path / "t.parquet", [{"caption": "a", "audio": {"bytes": b"RIFF", "path": "x.wav"}}]), {})
    assert row.content is not None
    assert (row.source_id, row.content()) == ("x.wav", b"RIFF")


def test_damaged_parquet_is_told_with_its_row(tmp_path: Path) -> None:
    """A file whose middle was overwritten is refused from where it cannot be read."""
    rows = [{"caption": f"{n:0200d}", "id": str(n)} for n in range(5_000)]
    path = write(tmp_path / "t.parquet", rows)
    content = bytearray(path.read_bytes())
    content[1_000:20_000] = b"\xff" * 19_000
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"t\.parquet, row \d+: cannot be read as Parquet"):
        read(path, {})


@pytest.mark.parametrize(
    ("name", "message"), [("t.tsv", "has the extension '.tsv'"), ("t.parquet", "cannot be read as Parquet")]
)
def test_file_of_another_kind(tmp_path: Path, name: str, message: str) -> None:
    """What is no table is refused."""
    (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=message):
        read(tmp_path / name)
