"""Measures how much there is to do: rows of a shard, rows or bytes of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from audiomcq_cli import parquet

LINES = frozenset((".csv", ".tsv", ".jsonl"))
"""Extensions of files with about one row a line."""

BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Extent:
    """The amount to read.

    Attributes:
        rows: Number of rows, if known.
        about: Whether ``rows`` counts lines, some of which may not be rows.
        size: Bytes, if the number of rows is unknown.
    """

    rows: int | None = None
    about: bool = False
    size: int | None = None


UNKNOWN = Extent()


def measure(path: Path) -> Extent:
    """Return how much there is to read at a path; unknown for folders, addresses and unreadable files."""
    import pyarrow as pa

    try:
        if not path.is_file():
            return UNKNOWN
        if path.suffix == ".parquet":
            return Extent(int(parquet.read_metadata(path).num_rows))
        if path.suffix in LINES:
            return Extent(_count_lines(path), about=True)
        return Extent(size=path.stat().st_size)
    except (OSError, ValueError, pa.ArrowException):  # whoever reads it says what is wrong
        return UNKNOWN


def count_rows(paths: Sequence[Path], *, joined: bool) -> int | None:
    """Return the number of input rows of some shards; None if one cannot be read, which its reader reports.

    ``joined``: in shards of sources, the lines of a clip are one row.
    """
    import pyarrow as pa

    try:
        return sum(_count_shard(path, joined) for path in paths)
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None


def _count_shard(path: Path, joined: bool) -> int:
    if path.suffix == ".parquet":
        return int(parquet.read_metadata(path).num_rows)
    if not joined:
        return _count_lines(path)
    with path.open("rb") as file:
        return len({orjson.loads(line)["clip_id"] for line in file})


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))
