"""The plan of a shard: made of all its input rows before the first flow begins, read by every flow, in part kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli import parquet
from audiomcq_cli.contracts import Context, Row, Stage
from audiomcq_cli.engine.job import Job
from audiomcq_cli.errors import StorageError
from audiomcq_cli.storage.files import HIDDEN, replacing
from audiomcq_cli.storage.shards import Shard, read_note

if TYPE_CHECKING:
    import pyarrow as pa


def plan_shard(stage: Stage[Any], context: Context[Any], rows: Iterable[Row]) -> Context[Any]:
    """The context with the plan of a shard with these rows; the context as it is for a stage that plans nothing."""
    return context if stage.plan is None else replace(context, plan=stage.plan(rows, context))


def find_kept_table(name: str, stage: Stage[Any], plan: Any) -> pa.Table | None:
    """Return the table that a shard's plan leaves behind; None for a stage without ``keeps``.

    Raises:
        StorageError: The plan has no Arrow table; this is a fault of the stage.
    """
    if not stage.keeps:
        return None
    import pyarrow as pa

    table = getattr(plan, "table", None)
    if not isinstance(table, pa.Table):
        raise StorageError(f"stage {name} keeps {stage.keeps}, and its plan has no Arrow table named table")
    return table


def write_plan_table(table: pa.Table, path: Path, note: Mapping[str, Any] | None = None) -> None:
    """Write a table so that the same rows give the same bytes, however the table was put together.

    ``note`` goes into the footer, for ``read_note``.
    """
    metadata = {"audiomcq": json.dumps(note, sort_keys=True)} if note else None
    parquet.write_table(table.replace_schema_metadata(metadata).combine_chunks(), path, compression="zstd")


def gather_plans(job: Job, shards: Sequence[Shard], inputs: str) -> None:
    """Put the tables that the plans of all shards left into one file, in the order of the shards.

    The file says of how many shards they are, and what they were made of: ``inputs`` (see ``name_inputs``).

    Raises:
        StorageError: The tables have different columns: a fault of the stage.
    """
    if not job.stage.keeps:
        return
    import pyarrow as pa

    tables = [parquet.read_table(one.plan) for one in shards]
    with replacing(find_kept(job)) as temporary:
        try:
            write_plan_table(pa.concat_tables(tables), temporary, {"shards": len(shards), "inputs": inputs})
        except pa.ArrowInvalid as error:
            raise StorageError(f"{job.target}: the plans of two shards differ in their columns: {error}") from error


def find_kept(job: Job) -> Path:
    """Return the file that keeps the tables of the plans of all shards."""
    return job.target / HIDDEN / job.stage.keeps


def find_earlier(job: Job) -> Path | None:
    """Return the file of an earlier version whose groups are kept; None if the options of a job name none."""
    return job.beside.get(job.stage.earlier.option) if job.stage.earlier else None


def count_earlier_shards(path: Path) -> int | None:
    """Return the number of shards of the version that kept a file; None if the file does not say it."""
    count = read_note(path).get("shards")
    return count if isinstance(count, int) and count > 0 else None
