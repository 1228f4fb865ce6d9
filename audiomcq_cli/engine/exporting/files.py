"""Data files of an export: records in, bytes out, the same bytes for the same records."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiomcq_cli import parquet
from audiomcq_cli.contracts import Record
from audiomcq_cli.errors import StorageError
from audiomcq_cli.records import arrow_type
from audiomcq_cli.storage.shards import ROW_GROUP

Write = Callable[[Record], None]
"""Adds one record to a data file."""


@contextmanager
def open_data_file(path: Path, columns: Mapping[str, Any]) -> Iterator[Write]:
    """Begin a data file of the kind that its name ends in; it is whole, and on disk, when the block ends.

    Args:
        path: The file. columns: Names and types of the columns of a table; other kinds do without.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _OPENERS[path.suffix](path, columns) as write:
        yield write
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _open_lines(path: Path, columns: Mapping[str, Any]) -> Iterator[Write]:
    """One JSON object a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:

        def write(record: Record) -> None:
            file.write(_to_json(record) + "\n")

        yield write


@contextmanager
def _open_list(path: Path, columns: Mapping[str, Any]) -> Iterator[Write]:
    """One JSON list of objects, an object a line."""
    before = "[\n"
    with path.open("w", encoding="utf-8", newline="\n") as file:

        def write(record: Record) -> None:
            nonlocal before
            file.write(before + _to_json(record))
            before = ",\n"

        yield write
        file.write("[]\n" if before == "[\n" else "\n]\n")


@contextmanager
def _open_csv(path: Path, columns: Mapping[str, Any]) -> Iterator[Write]:
    """A heading, then a line for each record."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)

        def write(record: Record) -> None:
            _check_columns(record, columns)
            writer.writerow([record[name] for name in columns])

        yield write


@contextmanager
def _open_parquet(path: Path, columns: Mapping[str, Any]) -> Iterator[Write]:
    """Row groups of fixed size, so that the same records give the same bytes."""
    import pyarrow as pa

    schema = pa.schema([pa.field(name, arrow_type(type_)) for name, type_ in columns.items()])
    waiting: list[Record] = []
    with parquet.open_writer(path, schema, compression="zstd") as writer:

        def flush() -> None:
            if waiting:
                try:
                    table = pa.Table.from_pylist(waiting, schema=schema)
                except (pa.ArrowException, TypeError, OverflowError, UnicodeEncodeError) as error:
                    raise StorageError(f"records do not fit the columns of the export: {error}") from error
                writer.write_table(table, row_group_size=ROW_GROUP)
                waiting.clear()

        def write(record: Record) -> None:
            _check_columns(record, columns)
            waiting.append(record)
            if len(waiting) == ROW_GROUP:
                flush()

        yield write
        flush()


_OPENERS = {".jsonl": _open_lines, ".json": _open_list, ".csv": _open_csv, ".parquet": _open_parquet}
"""Function that opens a data file, by kind (``contracts.exports.KINDS``)."""


def _check_columns(record: Record, columns: Mapping[str, Any]) -> None:
    """Refuse a record with other keys than the table has columns: a value would be lost, or be missing, in silence."""
    if record.keys() != columns.keys():
        names = sorted(record.keys() ^ columns.keys())
        raise StorageError(f"a record and the columns of the export differ in {', '.join(names)}")


def _to_json(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False)
