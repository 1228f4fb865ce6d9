"""Rows of JSON, JSON Lines, CSV and Parquet files, one at a time, and what is said of files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli.errors import InputError
from audiomcq_cli.importers._records import Record, read_records

ROWS = [{"question": "What barks?", "n": 1}, {"question": "Was bellt da? \u00fc", "n": 2}]


def read(path: Path, *needed: str, patterns: tuple[str, ...] = ()) -> list[Record]:
    """All rows of a file that needs a question, or what else is said."""
    return list(read_records(path, needed or ("question",), "a set", patterns))


@pytest.mark.parametrize("name", ["set.json", "lines.json", "set.jsonl", "mark.json", "mark.jsonl", "set.parquet"])
def test_each_format_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    """A list, an object a line, with or without a byte order mark, and Parquet."""
    path = tmp_path / name
    mark = "\ufeff" if name.startswith("mark") else ""
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif name in ("set.json", "mark.json"):
        path.write_text(mark + "\n " + json.dumps(ROWS, indent=1), "utf-8")
    else:
        path.write_text(mark + "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS), "utf-8")
    found = read(path)
    assert [dict(record.cells) for record in found] == ROWS
    assert [(record.file, record.row) for record in found] == [(name, 1), (name, 2)]


def test_csv(tmp_path: Path) -> None:
    """The cells of a CSV file are texts."""
    (tmp_path / "set.csv").write_text('question,n\n"What, barks?",1\n')
    [record] = read(tmp_path / "set.csv")
    assert record.cells == {"question": "What, barks?", "n": "1"}


def test_audio_in_parquet_is_not_read(tmp_path: Path) -> None:
    """Of a column of audio only the names are read, and columns of bytes not at all."""
    rows = [{"question": "What?", "audio": {"bytes": b"RIFF", "path": "a.wav"}, "raw": b"x"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "set.parquet")
    [record] = read(tmp_path / "set.parquet")
    assert record.cells == {"question": "What?", "audio": {"path": "a.wav"}}


def test_files_of_a_folder(tmp_path: Path) -> None:
    """Of a folder the files of the first pattern that finds some are read in the order of their names."""
    (tmp_path / "data").mkdir()
    for name in ("b", "a"):
        (tmp_path / "data" / f"{name}.jsonl").write_text(json.dumps({"question": name}))
    (tmp_path / ".c.jsonl").write_text("x")
    (tmp_path / "other.csv").write_text("question\nx\n")
    found = read(tmp_path, patterns=("dev.jsonl", "data/*.jsonl"))
    assert [(record.file, record.cells["question"]) for record in found] == [
        ("data/a.jsonl", "a"),
        ("data/b.jsonl", "b"),
    ]
    assert [record.cells["question"] for record in read(tmp_path)] == ["x"]


def test_empty_folder(tmp_path: Path) -> None:
    """A folder without such a file is refused by name."""
    with pytest.raises(InputError, match="holds nothing to import"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '[{"question": "x"}, {"question": }]', r"a\.json, row 2: is not JSON"),
        ("a.json", '[{"question": "x"}, {"question": "y"', r"a\.json, row 2: is not JSON"),
        ("a.json", '[{"question": "x"}, 7]', r"a\.json, row 2: expected an object, found int"),
        ("a.jsonl", '{"question": "x"}\n{"question"\n', r"a\.jsonl, row 2: is not JSON"),
        ("a.jsonl", '{"question": "x"}\n[1]\n', r"a\.jsonl, row 2: expected an object, found list"),
        ("a.csv", 'question\n"x\n', r"a\.csv, row 1: is not CSV"),
        ("a.parquet", "no", r"a\.parquet: cannot be read as Parquet"),
        ("a.xlsx", "no", r"a\.xlsx: has the extension '\.xlsx'"),
    ],
)
def test_a_file_that_is_wrong(name: str, text: str, message: str, tmp_path: Path) -> None:
    """File and row are named."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / name)


def test_text_in_another_encoding(tmp_path: Path) -> None:
    """Text that is not UTF-8 is refused with its row."""
    (tmp_path / "a.json").write_bytes('[{"question": "\u00e9"}]'.encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.json, row 1: is not JSON"):
        read(tmp_path / "a.json")


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is named, and what was expected."""
    with pytest.raises(InputError, match="no such file, expected a set"):
        read(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.parquet", "a.csv"])
def test_column_that_is_missing(name: str, tmp_path: Path) -> None:
    """A file without a column that is needed is refused, with the columns there are."""
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist([{"text": "x"}]), path)
    else:
        path.write_text({"a.json": '[{"text": "x"}]', "a.jsonl": '{"text": "x"}', "a.csv": "text\nx\n"}[name])
    with pytest.raises(InputError, match=r"no (column|key) 'question'.*found: text"):
        read(path)


def test_half_of_a_pair(tmp_path: Path) -> None:
    """Half of a surrogate pair does not end the reading: whoever takes the row sees it."""
    (tmp_path / "a.jsonl").write_text('{"question": "\\ud800"}\n{"question": "b"}\n')
    assert [record.cells["question"] for record in read(tmp_path / "a.jsonl")] == ["\ud800", "b"]
