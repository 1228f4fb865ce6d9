"""Reads Parquet files of rows, one or a folder of them, a few hundred rows in memory at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli import parquet
from audiomcq_cli.errors import InputError

_ROWS = 256
"""Rows read at once: rows may hold audio."""
_BUFFER = 2**20
"""Bytes read ahead of each column; otherwise a whole row group is in memory."""


@dataclass(frozen=True, slots=True)
class ParquetRow:
    """One row of a file: its number, counted from 1, and its cells by column."""

    row: int
    cells: dict[str, Any]


def list_parquet(path: Path) -> list[Path]:
    """Return the file itself, or the Parquet files in a folder and its subfolders, by name, without hidden ones.

    Raises:
        InputError: There are none.
    """
    if not path.is_dir():
        if not path.exists():
            raise InputError("no such file", file=str(path), hint="expected a Parquet file, or a folder of them")
        return [path]
    found = sorted(
        file
        for file in path.rglob("*.parquet")
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not found:
        raise InputError("holds no Parquet file", file=str(path))
    return found


def read_schema(path: Path) -> Any:
    """Return the Arrow schema of a file; raises ``InputError`` if it is not Parquet, or has a column twice."""
    with _refusing(path):
        schema = parquet.read_schema(path)
    if twice := [name for name, count in Counter(schema.names).items() if count > 1]:
        raise InputError("is there more than once", file=str(path), column=twice[0])
    return schema


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Check that a file has some columns; raises ``InputError`` naming those that it lacks."""
    names = read_schema(path).names
    if missing := [name for name in columns if name not in names]:
        found = ", ".join(names[:40])
        raise InputError(f"no column {', '.join(map(repr, missing))}; found: {found}", file=str(path))


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[ParquetRow]:
    """Stream some columns of a file.

    Raises:
        InputError: The file is not Parquet; it is damaged, with the first unreadable row; a column occurs twice; or a
            value does not exist in Python, such as a time in the year 300,000.
    """
    read_schema(path)
    row = 0
    with _refusing(path), parquet.open_parquet(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        batches = file.iter_batches(_ROWS, columns=list(columns), use_threads=False)
        while True:
            with _refusing(path, row + 1):
                batch = next(batches, None)
            if batch is None:
                return
            read = {name: _read_column(batch.column(name), path, row + 1, name) for name in batch.schema.names}
            for place in range(batch.num_rows):
                row += 1
                yield ParquetRow(row, {name: cells[place] for name, cells in read.items()})


def _read_column(column: Any, path: Path, row: int, name: str) -> list[Any]:
    """Return the cells of a column as Python values; ``row`` is the number of the first."""
    import pyarrow as pa

    no_value = (pa.ArrowException, ValueError, ArithmeticError, LookupError, TypeError, ImportError)
    try:
        cells: list[Any] = column.to_pylist()
        return cells
    except no_value:
        pass  # the cells are tried one by one
    cells = []
    for place, cell in enumerate(column, row):
        try:
            cells.append(cell.as_py())
        except no_value as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            message = f"cannot be read as Parquet: {said} ({column.type})"
            raise InputError(message, file=str(path), row=place, column=name) from error
    return cells


@contextmanager
def _refusing(path: Path, row: int | None = None) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"cannot be read as Parquet: {said}", file=str(path), row=row) from error
