"""Streams the rows of JSON, JSON Lines, CSV and Parquet files, one in memory at a time, with errors that name the
place.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._csv import read_csv
from audiomcq_cli.sources._json import JSON_EXTENSIONS, read_json
from audiomcq_cli.sources._parquet import read_parquet, read_schema

if TYPE_CHECKING:
    import pyarrow as pa

EXTENSIONS = (*JSON_EXTENSIONS, ".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the file's name for messages, the row number from 1, and the cells by column."""

    file: str
    row: int
    cells: Mapping[str, Any]


def read_records(
    path: Path, needed: Sequence[str], expected: str, patterns: Sequence[str] = (), used: Container[str] = ()
) -> Iterator[Record]:
    """Stream the rows of a file, or of the files of a folder in the order of their names.

    Args:
        path: File or folder.
        needed: Columns that the first row of each file must have.
        expected: Description of the set, for messages.
        patterns: Patterns for files of a folder, tried before those of ``EXTENSIONS``; only the first match is used.
        used: Columns to read from a Parquet file, because others may be unreadable; all columns if none of them exists.

    Raises:
        InputError: There is nothing to read, a file is not what its extension says, or it lacks a column.
    """
    for file in _list_files(path, expected, patterns):
        name = file.relative_to(path).as_posix() if file != path else file.name
        for row, cells in enumerate(_read_file(file, needed, expected, used), 1):
            if row == 1:
                _check_columns(file, cells, needed, expected)
            yield Record(name, row, cells)


def _list_files(path: Path, expected: str, patterns: Sequence[str]) -> list[Path]:
    if not path.is_dir():
        return [path]
    for pattern in (*patterns, *(f"*{extension}" for extension in EXTENSIONS)):
        if found := sorted(file for file in path.glob(pattern) if file.is_file() and not file.name.startswith(".")):
            return found
    raise InputError("holds nothing to import", file=str(path), hint=f"expected {expected}")


def _read_file(path: Path, needed: Sequence[str], expected: str, used: Container[str]) -> Iterator[Mapping[str, Any]]:
    kind = path.suffix.lower()
    if not path.exists():
        raise InputError(f"no such file, expected {expected}", file=str(path), hint="check the path")
    if kind not in EXTENSIONS:
        raise InputError(f"has the extension {kind!r}, expected one of {', '.join(EXTENSIONS)}", file=str(path))
    if kind == ".csv":
        return (record.cells for record in read_csv(path, needed))
    if kind == ".parquet":
        schema = read_schema(path)
        columns = [name for field in schema if field.name in (used or schema.names) and (name := _name_texts(field))]
        if missing := [name for name in needed if name not in schema.names]:
            found = ", ".join(schema.names[:30])
            message = f"no column {missing[0]!r}; found: {found}"
            raise InputError(message, file=str(path), hint=f"expected {expected}")
        if bytes_ := [name for name in needed if name in schema.names and not _name_texts(schema.field(name))]:
            raise InputError("holds bytes, expected texts", file=str(path), column=bytes_[0], hint=expected)
        return (record.cells for record in read_parquet(path, columns))
    return (record.cells for record in read_json(path, expected))


def _check_columns(path: Path, cells: Mapping[str, Any], needed: Sequence[str], expected: str) -> None:
    if missing := [name for name in needed if name not in cells]:
        found = ", ".join(list(map(str, cells))[:30])
        message = f"no key {missing[0]!r}; found: {found}"
        raise InputError(message, file=str(path), row=1, hint=f"expected {expected}")


def _name_texts(field: pa.Field) -> str:
    """Return the name of a column, or of the path within a column of audio; empty for a column of bytes."""
    import pyarrow as pa

    def holds_bytes(type_: pa.DataType) -> bool:
        return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))

    if pa.types.is_struct(field.type) and any(holds_bytes(part.type) for part in field.type):
        return f"{field.name}.path" if field.type.get_field_index("path") >= 0 else ""
    return "" if holds_bytes(field.type) else str(field.name)
