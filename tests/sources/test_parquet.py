"""Tests of ``sources/_parquet.py``: what is said of files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._parquet import read_parquet


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    """A column of text that holds something else is told with the row from which on it cannot be read."""
    offsets = pa.array([0, 3], pa.int32()).buffers()[1]
    broken = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"a\xffb")])
    pq.write_table(pa.table({"text": broken}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"t\.parquet, row 1, column 'text': cannot be read as Parquet: 'utf-8' codec"):
        list(read_parquet(tmp_path / "t.parquet", ["text"]))


def test_file_that_is_cut_off(tmp_path: Path) -> None:
    """A file without its end is none of Parquet."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": ["rain"] * 1_000}), path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(read_parquet(path, ["text"]))


def test_time_that_python_has_no_value_for(tmp_path: Path) -> None:
    """A time far out of range is told with file, row and column; a file of which another column is read is fine."""
    far = pa.array([0, 2**62], pa.timestamp("us"))
    pq.write_table(pa.table({"text": ["a", "b"], "when": far}), tmp_path / "t.parquet", version="2.6")
    with pytest.raises(InputError, match=r"t\.parquet, row 2, column 'when': cannot be read as Parquet: .*timestamp"):
        list(read_parquet(tmp_path / "t.parquet", ["text", "when"]))
    assert len(list(read_parquet(tmp_path / "t.parquet", ["text"]))) == 2


def test_column_that_is_there_twice(tmp_path: Path) -> None:
    """Of two columns of one name neither is taken."""
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"t\.parquet, column 'text': is there more than once"):
        list(read_parquet(tmp_path / "t.parquet", ["text"]))
