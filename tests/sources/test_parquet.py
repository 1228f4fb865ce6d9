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
    with pytest.raises(InputError, match=r"t\.parquet, row 1: cannot be read as Parquet: 'utf-8' codec"):
        list(read_parquet(tmp_path / "t.parquet", ["text"]))


def test_file_that_is_cut_off(tmp_path: Path) -> None:
    """A file without its end is none of Parquet."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": ["rain"] * 1_000}), path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(read_parquet(path, ["text"]))
