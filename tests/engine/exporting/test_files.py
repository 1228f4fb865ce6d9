"""Tests of ``engine/exporting/files.py``."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Export, NoOptions
from audiomcq_cli.contracts.exports import KINDS
from audiomcq_cli.engine.exporting.files import open_data_file
from audiomcq_cli.errors import StorageError
from audiomcq_cli.parquet import read_table

COLUMNS = {"text": "string", "number": "int64", "choices": ["string"]}

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
_RECORDS = st.lists(
    st.fixed_dictionaries({"text": _TEXT, "number": st.integers(-9, 9), "choices": st.lists(_TEXT, max_size=2)}),
    max_size=5,
)


def write(path: Path, records: list[dict[str, Any]]) -> bytes:
    """Write a data file and give its bytes."""
    with open_data_file(path, COLUMNS) as add:
        for record in records:
            add(record)
    return path.read_bytes()


def read(path: Path) -> list[dict[str, Any]]:
    """Read a data file back as its kind is read."""
    if path.suffix == ".parquet":
        return list(read_table(path).to_pylist())
    text = path.read_bytes().decode()
    if path.suffix == ".csv":
        heading, *lines = csv.reader(text.splitlines(keepends=True))
        return [dict(zip(heading, line, strict=True)) for line in lines]
    loaded: list[dict[str, Any]] = (
        json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n")[:-1]]
    )
    return loaded


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != ".csv"])
def test_every_kind_reads_back(kind: str, tmp_path: Path) -> None:
    """Whatever the texts hold, the same records come back, and writing them again gives the same bytes."""

    @settings(max_examples=40, deadline=None)
    @given(_RECORDS)
    def check(records: list[dict[str, Any]]) -> None:
        path = tmp_path / f"data{kind}"
        first = write(path, records)
        assert read(path) == records
        assert write(path, records) == first

    check()


def test_csv_has_its_heading_and_quotes(tmp_path: Path) -> None:
    """A table without records has a heading; commas, quotes and ends of lines in a text stay in it."""
    path = tmp_path / "data.csv"
    assert write(path, []) == b"text,number,choices\n"
    write(path, [{"text": 'a,"b"\nc', "number": 1, "choices": []}])
    assert read(path) == [{"text": 'a,"b"\nc', "number": "1", "choices": "[]"}]


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
@pytest.mark.parametrize("record", [{"text": ""}, {"text": "", "number": 1, "choices": [], "more": 1}])
def test_record_that_does_not_fit_its_table_is_refused(kind: str, record: dict[str, Any], tmp_path: Path) -> None:
    """A value is neither dropped nor made up."""
    with pytest.raises(StorageError, match="a record and the columns of the export differ in"):
        write(tmp_path / f"data{kind}", [record])


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (("data.txt",), "name one or more"),
        ((), "name one"),
        (("a.csv",), "needs columns"),
        (("a.json", "b.json"), "pick"),
    ],
)
def test_description_that_cannot_be_followed_is_refused(files: tuple[str, ...], problem: str) -> None:
    """An export with a kind of file that nobody writes fails where it is written."""
    with pytest.raises(ValueError, match=problem):
        Export(help="", version=1, options=NoOptions, files=files, records=lambda row, options: [row])
