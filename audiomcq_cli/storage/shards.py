"""Parquet shards: their names, and reading and atomic writing.

A stage folder shows only ``part-00003-of-00064.parquet``; ``.audiomcq/`` beside them holds the rejects under the same
names, the manifest and the run log. This program's note in a Parquet footer has the key ``audiomcq``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from audiomcq_cli import parquet, records
from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.storage.descriptors import advise, is_exhausted
from audiomcq_cli.storage.files import HIDDEN, hash_file, replacing

if TYPE_CHECKING:
    import pyarrow as pa


ROW_GROUP = 1_000
"""Rows in a row group. The number is fixed, so that the same rows give the same bytes."""

_NAME = re.compile(r"part-(\d{5})-of-(\d{5})\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One shard of a folder: its number, the number of shards, and its path."""

    index: int
    count: int
    path: Path

    @property
    def rejects(self) -> Path:
        """Path of the file with the rejected and failed items of this shard."""
        return self.path.parent / HIDDEN / "rejects" / self.path.name

    @property
    def plan(self) -> Path:
        """Where the table that the plan of this shard leaves behind is, of a stage that keeps one."""
        return self.path.parent / HIDDEN / "plans" / self.path.name

    @property
    def digest(self) -> Path:
        """Path of the file with the shard's SHA-256. It is written with the shard; the manifest follows when all shards
        are complete.
        """
        return self.path.parent / HIDDEN / "digests" / f"{self.path.stem}.sha256"


def shard(folder: Path, index: int, count: int) -> Shard:
    """Return the shard of a folder by number, whether it exists or not."""
    return Shard(index, count, folder / f"part-{index:05d}-of-{count:05d}.parquet")


def list_shards(folder: Path) -> list[Shard]:
    """Return the shards that a folder holds, in order.

    Raises:
        InputError: The folder does not exist, holds no shard, or holds shards of different counts.
    """
    if not folder.is_dir():
        if folder.exists():
            raise InputError(
                "is a file, expected the folder of a stage", file=str(folder), hint=_name_stages_in(folder)
            )
        raise InputError("no such folder", file=str(folder), hint="run the stage before this one first")
    found = sorted(iterate_shards(folder))
    if not found:
        message = "no Parquet shards (part-00000-of-00001.parquet)"
        raise InputError(message, file=str(folder), hint=_name_stages_in(folder))
    if len({shard.count for shard in found}) > 1:
        raise InputError("shards of different counts", file=str(folder), hint="remove those of the older version")
    return found


def iterate_shards(folder: Path) -> Iterator[Shard]:
    """Yield the shards that a folder holds, of any count and in no order."""
    for path in folder.glob("part-*.parquet"):
        if match := _NAME.fullmatch(path.name):
            yield Shard(int(match[1]), int(match[2]), path)


def find_kept_count(folder: Path) -> int | None:
    """Return the number of shards that a folder was cut into; None unless it is one number above 1.

    A single shard is no choice: a trial of a few clips leaves one, and a corpus grows out of it.
    """
    counts = {one.count for one in iterate_shards(folder)}
    return max(counts) if len(counts) == 1 and counts != {1} else None


def _name_stages_in(folder: Path) -> str:
    """Return a hint for a folder without shards: its subfolders that have some, else the commands that write shards."""
    inside = sorted(path.parent for path in folder.glob("*/part-*.parquet") if _NAME.fullmatch(path.name))
    names = list(dict.fromkeys(map(str, inside)))
    return f"name a stage's folder: {', '.join(names)}" if names else "name the folder of a stage that has run"


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Stream the rows of a Parquet file as plain data.

    Raises:
        InputError: It is not a Parquet file, or lacks a column.
    """
    import pyarrow as pa

    try:
        with parquet.open_parquet(path) as file:
            if missing := set(columns or ()) - set(file.schema_arrow.names):
                raise InputError("column is missing", file=str(path), column=min(missing))
            for batch in file.iter_batches(batch_size=ROW_GROUP, columns=list(columns) if columns else None):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        _raise_if_exhausted(path, error)
        raise InputError(f"not a readable Parquet file: {error}", file=str(path)) from error


def read_note(path: Path) -> dict[str, Any]:
    """Return this program's note in a file's footer; empty if the file does not exist or has no note."""
    import pyarrow as pa

    try:
        metadata = parquet.read_metadata(path).metadata or {}
        note = read_json(metadata.get(b"audiomcq", b"{}"), str(path))
    except (OSError, pa.ArrowException, InputError) as error:
        _raise_if_exhausted(path, error)
        return {}
    return note if isinstance(note, dict) else {}


def _raise_if_exhausted(path: Path, error: Exception) -> None:
    """Raise ``StorageError`` if the limit of open files is reached: the file is then neither missing nor damaged."""
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and is_exhausted(error):
        raise StorageError(f"{path}: cannot be opened: {error}", hint=advise(error)) from error


def write_digest(target: Shard, digest: str) -> None:
    """Write the hash of a shard in the form that ``sha256sum -c`` reads in the stage folder."""
    with replacing(target.digest) as temporary:
        temporary.write_text(f"{digest}  {target.path.name}\n", "ascii")


def is_intact(target: Shard) -> bool:
    """Return whether a shard exists with the bytes that were written. All of it is read."""
    try:
        return target.digest.read_bytes() == f"{hash_file(target.path)}  {target.path.name}\n".encode()
    except OSError as error:
        _raise_if_exhausted(target.path, error)
        return False


class ShardWriter:
    """Writes rows of declared columns into a Parquet file, in row groups of fixed size.

    A context manager, used with a path from ``replacing``. Every row is checked against ``records.py``.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._columns = columns
        self._schema = records.arrow_schema(columns)
        self._writer = parquet.open_writer(path, self._schema, compression="zstd", write_page_index=True)
        self._rows: list[Row] = []
        self.written = 0

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def close(self) -> None:
        """Write the remaining rows and close the file; a second call does nothing."""
        self._flush()
        self._writer.close()

    def write_table(self, table: pa.Table) -> None:
        """Add a table of the declared columns.

        Raises:
            StorageError: Its columns do not fit, or a required value is missing.
        """
        import pyarrow as pa

        try:
            fitting = table.select(self._columns).cast(self._schema)
        except (pa.ArrowException, KeyError) as error:
            raise StorageError(f"the table does not fit its columns: {error}") from error
        for name in self._columns:
            if records.COLUMNS[name].required and fitting.column(name).null_count:
                raise StorageError(f"column {name!r} has rows without a value")
        self._writer.write_table(fitting, row_group_size=ROW_GROUP)
        self.written += table.num_rows

    def write(self, row: Row) -> None:
        """Add a row.

        Raises:
            StorageError: The row does not fit the columns declared for it.
        """
        if problem := records.find_problem(row, self._columns):
            raise StorageError(f"row {row.get('id', row.get('clip_id'))!r} cannot be written: {problem}")
        self._rows.append(row)
        self.written += 1
        if len(self._rows) == ROW_GROUP:
            self._flush()

    def note(self, note: Mapping[str, Any]) -> None:
        """Add the program's note to the footer."""
        self._writer.add_key_value_metadata({"audiomcq": json.dumps(note, sort_keys=True)})

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        try:
            table = pa.Table.from_pylist(self._rows, schema=self._schema)
        except (pa.ArrowException, TypeError, OverflowError, UnicodeEncodeError) as error:
            first = self._rows[0]
            name = first.get("id", first.get("clip_id"))
            raise StorageError(f"rows from {name!r} on do not fit their columns: {error}") from error
        self._writer.write_table(table, row_group_size=ROW_GROUP)
        self._rows.clear()
