"""Streams the rows of JSON, JSON Lines, CSV and Parquet files, one in memory at a time, with errors that say where."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Never

from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._csv import read_csv, refusing

if TYPE_CHECKING:
    import pyarrow as pa

EXTENSIONS = (".json", ".jsonl", ".csv", ".parquet")

_DEEPEST = 32
"""Lists in lists that are read: none of the sets has more than three, and memory is not for those who nest more."""

_ROWS = 1_000
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # orjson refuses the whole line for half of a pair


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its file as messages name it, its number in it, counted from 1, and its cells by column."""

    file: str
    row: int
    cells: Mapping[str, Any]

    def describe(self, column: str, what: str) -> str:
        """What is wrong with a cell, and where it is."""
        return f"{self.file}, row {self.row}, column {column!r}: {what}"


def read_records(path: Path, needed: Sequence[str], expected: str, patterns: Sequence[str] = ()) -> Iterator[Record]:
    """Stream the rows of a file, or of the files of a folder in the order of their names.

    Args:
        path: File or folder. needed: Columns that the first row of each file has to have.
        expected: What the set is, for messages. patterns: Files of a folder; those of the first that finds some.

    Raises:
        InputError: Nothing is there to read, a file is not what its extension says, or lacks a column.
    """
    for file in _list_files(path, expected, patterns):
        name = file.relative_to(path).as_posix() if file != path else file.name
        for row, cells in enumerate(_read_file(file, needed, expected), 1):
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


def _read_file(path: Path, needed: Sequence[str], expected: str) -> Iterator[Mapping[str, Any]]:
    kind = path.suffix.lower()
    if kind not in EXTENSIONS and path.exists():
        raise InputError(f"has the extension {kind!r}, expected one of {', '.join(EXTENSIONS)}", file=str(path))
    if kind == ".csv":
        yield from (record.cells for record in read_csv(path, needed))
        return
    with refusing(path, expected), path.open("rb") as file:
        if kind == ".parquet":
            yield from _read_parquet(path)
        elif kind == ".json" and _begins_list(file):
            yield from _read_list(path, file)
        else:
            yield from _read_lines(path, file)


def _check_columns(path: Path, cells: Mapping[str, Any], needed: Sequence[str], expected: str) -> None:
    if missing := [name for name in needed if name not in cells]:
        found = ", ".join(list(map(str, cells))[:30])
        raise InputError(
            f"is missing; found: {found}", file=str(path), row=1, column=missing[0], hint=f"expected {expected}"
        )


def _begins_list(file: IO[bytes]) -> bool:
    """Whether a file holds a list; it is left at its beginning, behind a byte order mark."""
    mark = len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
    file.seek(mark)
    while (sign := file.read(1)).isspace():
        pass
    file.seek(mark)
    return sign == b"["


def _read_list(path: Path, file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    """The objects of one long list. The bare events are taken, for their prefixes grow with the depth of the file."""
    import ijson
    from ijson.common import ObjectBuilder

    row, depth = 1, 0
    builder = ObjectBuilder()
    try:
        for event, value in ijson.basic_parse(file, use_float=True):
            depth += (event in ("start_map", "start_array")) - (event in ("end_map", "end_array"))
            if depth > _DEEPEST:
                raise InputError("nested too deeply", file=str(path), row=row)
            if depth == 0 or (depth == 1 and event == "start_array"):
                continue
            builder.event(event, value)
            if depth == 1:
                yield _check_object(builder.value, path, row)
                builder, row = ObjectBuilder(), row + 1
    except ijson.JSONError as error:
        said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise InputError(f"is not JSON: {said.splitlines()[0]}", file=str(path), row=row) from error


def _read_lines(path: Path, file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    row = 0
    for line in file:
        if line.strip():
            row += 1
            try:
                cells = _parse(line.removeprefix(codecs.BOM_UTF8))
            except ValueError as error:
                hint = "expected one object a line, or one list of them"
                raise InputError(f"is not JSON: {error}", file=str(path), row=row, hint=hint) from error
            yield _check_object(cells, path, row)


def _parse(line: bytes) -> object:
    """What a line says, half of a surrogate pair included: whoever takes the row sees that it is no Unicode.

    Raises:
        ValueError: It is not JSON.
    """
    import orjson

    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        if not _SURROGATE.search(line):
            raise
    try:
        return json.loads(line.decode(), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")


def _check_object(value: object, path: Path, row: int) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"expected an object, found {type(value).__name__}", file=str(path), row=row)
    return value


def _read_parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows without what is in them as bytes: of audio only its name is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = [name for field in file.schema_arrow if (name := _name_texts(field))]
            for batch in file.iter_batches(_ROWS, columns=columns):
                yield from batch.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"not a readable Parquet file: {error}", file=str(path)) from error


def _name_texts(field: pa.Field) -> str:
    """The name of a column, of the path in a column of audio; empty for one of bytes."""
    import pyarrow as pa

    def holds_bytes(type_: pa.DataType) -> bool:
        return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))

    if pa.types.is_struct(field.type) and any(holds_bytes(part.type) for part in field.type):
        return f"{field.name}.path" if field.type.get_field_index("path") >= 0 else ""
    return "" if holds_bytes(field.type) else str(field.name)
