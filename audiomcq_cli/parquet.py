"""Opens Parquet files; no other module does. Every name is taken literally.

Polars expands ``[1]``, ``*`` and ``?`` in a path and makes columns of folders named ``a=b``; pyarrow does the latter in
``read_table`` and takes ``s3:x/…`` for an address. A work folder may have any name, so all of that is turned off.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq


def open_parquet(source: Path | Any, **options: Any) -> pq.ParquetFile:
    """Open a Parquet file by its path, or from an open file; options are those of ``pyarrow.parquet.ParquetFile``."""
    import pyarrow.parquet as pq

    if not isinstance(source, Path):
        return pq.ParquetFile(source, **options)
    return pq.ParquetFile(_name(source), filesystem=_disk(), **options)


def read_table(path: Path) -> pa.Table:
    """Return a whole file, with exactly the columns that are in it."""
    with open_parquet(path) as file:
        return file.read()


def read_schema(path: Path) -> pa.Schema:
    """Return the Arrow schema of a file."""
    with open_parquet(path) as file:
        return file.schema_arrow


def read_metadata(path: Path) -> pq.FileMetaData:
    """Return the footer of a file."""
    with open_parquet(path) as file:
        return file.metadata


def read_frame(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return a file, or some columns of it, as a Polars table."""
    import polars as pl

    names = list(columns) if columns is not None else None
    return pl.read_parquet(_name(path), columns=names, glob=False, hive_partitioning=False)


def scan_frames(paths: Sequence[Path]) -> pl.LazyFrame:
    """Return the rows of some files, one after the other, read lazily."""
    import polars as pl

    return pl.scan_parquet([_name(path) for path in paths], glob=False, hive_partitioning=False)


def open_writer(path: Path | Any, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """Return a writer for a path or an open file; options are those of ``pyarrow.parquet.ParquetWriter``."""
    import pyarrow.parquet as pq

    if not isinstance(path, Path):
        return pq.ParquetWriter(path, schema, **options)
    return pq.ParquetWriter(_name(path), schema, filesystem=_disk(), **options)


def write_table(table: pa.Table, path: Path, **options: Any) -> None:
    """Write a table to a file."""
    with open_writer(path, table.schema, **options) as writer:
        writer.write_table(table)


def _name(path: Path) -> str:
    """Return a path that begins with a slash, so that it is never an address or a home folder."""
    return str(path.absolute())


def _disk() -> Any:
    from pyarrow.fs import LocalFileSystem

    return LocalFileSystem()
