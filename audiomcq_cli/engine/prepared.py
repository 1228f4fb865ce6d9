"""Corpus-wide knowledge: one small table from a stage's whole input, kept beside its shards and read by all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli import parquet
from audiomcq_cli.contracts import Context, Materials, Stage
from audiomcq_cli.engine import keys
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.ledger.manifest import plain_but_paths
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage.files import HIDDEN, replacing

if TYPE_CHECKING:
    import pyarrow as pa


def prepare(
    job: Job,
    context: Context[Any],
    parts: Sequence[tuple[Path, str]],
    beside: Mapping[str, str],
    *,
    keep: bool = True,
) -> tuple[Context[Any], str]:
    """The context with the prepared table loaded, and that table's hash; computed once and kept beside the shards.

    Args:
        job, context: What is done. parts: Path and hash of each input shard. beside: Hash of each second input.
        keep: Whether the table may be written.
    """
    if job.stage.prepare is None or job.source is None:
        return context, ""
    wanted = name_inputs(job, [digest for _, digest in parts], beside)
    path = _path(job.target)
    table = _read_kept(path, wanted)
    if table is None:
        rows = parquet.scan_frames([path for path, _ in parts])
        table = job.stage.prepare.build(Materials(rows=rows, beside=job.beside), context)
        if keep:
            noted = table.replace_schema_metadata({"audiomcq": wanted, "sha256": _hash(table)})
            with replacing(path) as temporary:
                parquet.write_table(noted, temporary, compression="zstd")
    loaded = job.stage.prepare.load(table)
    return replace(context, prepared=loaded), _hash(table)


def name_inputs(job: Job, digests: Sequence[str], beside: Mapping[str, str]) -> str:
    """Return one hash of all that a stage knows of a corpus before its first row: its options and its whole input.

    Args:
        job: What is done. digests: Hash of each input shard. beside: Hash of each second input.
    """
    made_of = [job.stage.version, plain_but_paths(job.options), job.seed, list(digests)]
    return keys.digest([*made_of, beside] if beside else made_of).hex()


def load_prepared(stage: Stage[Any], target: Path) -> Any:
    """Return the prepared knowledge of a finished stage; None for a stage without any.

    Raises:
        InputError: The table is missing or damaged.
    """
    if stage.prepare is None:
        return None
    path = _path(target)
    table = _read_kept(path)
    if table is None:
        hint = "run the stage that writes this folder again: it makes the table anew"
        raise InputError("the table of the stage is missing or damaged", file=str(path), hint=hint)
    return stage.prepare.load(table)


def _read_kept(path: Path, wanted: str = "") -> pa.Table | None:
    """Return the kept table if it is whole and, if ``wanted`` is given, was made from that input."""
    import pyarrow as pa

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException):
        return None
    noted = table.schema.metadata or {}
    if wanted and noted.get(b"audiomcq") != wanted.encode():
        return None
    return table if noted.get(b"sha256") == _hash(table).encode() else None


def _hash(table: pa.Table) -> str:
    """Return the hash of a table's content, however it is stored."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as stream:
        stream.write_table(table.replace_schema_metadata(None).combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _path(target: Path) -> Path:
    return target / HIDDEN / "prepared.parquet"
