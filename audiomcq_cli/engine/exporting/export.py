"""Exports a stage folder: one entry, ``run_export``, which an export's description and a folder are given to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli import __version__, records
from audiomcq_cli.audio_files import check_relative
from audiomcq_cli.contracts import Export, Written
from audiomcq_cli.engine.exporting.audio import Brought, Clips, Named, Referenced, copy, link
from audiomcq_cli.engine.exporting.folder import (
    AUDIO_LIST,
    FORMAT,
    begin,
    drop_unlisted_audio,
    find_cause,
    list_made,
    put_in_place,
    read_audio_list,
    read_former,
)
from audiomcq_cli.engine.exporting.rows import LEFT_OUT, write_rows
from audiomcq_cli.engine.ledger.manifest import plain
from audiomcq_cli.errors import InputError, Interrupted, StorageError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.storage.descriptors import advise
from audiomcq_cli.storage.files import hash_file, holding
from audiomcq_cli.storage.manifest import read_manifest
from audiomcq_cli.storage.shards import Shard, list_shards, read_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """A stage folder to be exported.

    Attributes:
        name: Name of the format.
        export: Description of the format.
        options: Options of the format.
        source: Folder of a stage.
        target: Folder of the export.
        strict: If true, an export that would leave out a row is refused.
    """

    name: str
    export: Export[Any]
    options: Any
    source: Path
    target: Path
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """The result of an export.

    Attributes:
        written: Counts of the rows and records that the folder holds.
        current: True if the folder held this export already and nothing was done.
        cause: Reason why an existing export was written again; empty for a new one.
        missing: Number of shards that the stage has not written yet.
    """

    written: Written
    current: bool
    cause: str
    missing: int


def run_export(job: ExportJob) -> ExportReport:
    """Export a folder, unless the target holds that very export already.

    Raises:
        InputError: The rows are not what the export needs, or the target is not its own; nothing is changed then.
        StorageError: The target cannot be written, or another process writes it.
    """
    target = job.target.resolve()
    lock = target.with_name(f".{target.name}.lock")
    shards = list_shards(job.source)
    with holding(lock, f"{job.target}: another export is being written there"):
        try:
            return _export(job, target, shards)
        except OSError as error:
            raise StorageError(f"{job.target}: the export cannot be written: {error}", hint=advise(error)) from error
        finally:
            with suppress(OSError):  # it is only tidier without
                lock.unlink()


def _export(job: ExportJob, target: Path, shards: Sequence[Shard]) -> ExportReport:
    former = read_former(target, job.name)
    for shard in shards:
        next(read_rows(shard.path, records.QUESTION), None)  # raises if a column is missing
    made_of = _describe(job, target, shards)
    missing = shards[0].count - len(shards)
    cause = find_cause(target, former, made_of) if former else ""
    if former and not cause:
        written = Written(**former["counts"])
        _check_strict(job, written, target)
        return ExportReport(written=written, current=True, cause="", missing=missing)
    building = target.with_name(f".{target.name}.building")
    try:
        begin(building, made_of)
        written = _write_rows(job, shards, building, target, made_of, former)
        _check_strict(job, written, building)
        drop_unlisted_audio(building)
        _write_companions(job, written, building)
        made = {"tool_version": __version__, "counts": asdict(written), "files": list_made(building), "leaving": []}
        put_in_place(building, target, {**made_of, **made}, former)
    except Interrupted:
        raise  # the next run uses what was copied
    except Exception:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return ExportReport(written=written, current=False, cause=cause, missing=missing)


def _describe(job: ExportJob, target: Path, shards: Sequence[Shard]) -> dict[str, Any]:
    """Return the inputs of an export. It is written again if any of them differs."""
    how = job.export.audio(job.options) if job.export.audio else "named"
    roots = {} if how == "named" else _find_roots(job.source)
    return {
        "format": FORMAT,
        "export": job.name,
        "version": job.export.version,
        "options": plain(job.options),
        "audio": how,
        "input": [{"file": shard.path.name, "sha256": hash_file(shard.path)} for shard in shards],
        "audio_roots": {name: os.path.relpath(root, target) for name, root in sorted(roots.items())},
    }


def _find_roots(source: Path) -> dict[str, Path]:
    """Folder below which the audio of every source lies, by the manifest of a stage."""
    manifest = read_manifest(source)
    if manifest is None:
        hint = "run the stage to its end: its manifest then says where the audio lies"
        raise InputError("the stage is not finished, and the export needs the audio", file=str(source), hint=hint)
    return {name: source.resolve() / root for name, root in manifest["audio_roots"].items()}


def _write_rows(
    job: ExportJob,
    shards: Sequence[Shard],
    building: Path,
    target: Path,
    made_of: Mapping[str, Any],
    former: Mapping[str, Any] | None,
) -> Written:
    how = made_of["audio"]
    roots = {name: target / root for name, root in made_of["audio_roots"].items()}
    rows = (row for shard in shards for row in read_rows(shard.path))
    clips: Clips = Named() if how == "named" else Referenced(roots, target)
    if how not in _BRING:
        return write_rows(job.export, job.options, rows, building, clips)
    known = read_audio_list(target) if former and former["audio"] == how else {}
    with (building / AUDIO_LIST).open("w", encoding="utf-8", newline="\n") as listing:
        clips = Brought(roots, target, building, _BRING[how], listing, known)
        return write_rows(job.export, job.options, rows, building, clips)


_BRING = {"copy": copy, "link": link}
"""Function that puts a file into the folder of an export, by place."""


def _check_strict(job: ExportJob, written: Written, folder: Path) -> None:
    """Refuse what leaves out rows, where all of them are wanted."""
    if not (job.strict and written.left_out):
        return
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in written.left_out.items())
    with (folder / LEFT_OUT).open("rb") as file:
        first = read_json(file.readline(), str(folder / LEFT_OUT))
    why = f"the first is {first['id']!r}: {first['detail'] or first['reason']}"
    message = f"{written.rows - written.written:,} of {written.rows:,} rows would be left out ({reasons}); {why}"
    raise InputError(message, file=str(job.source), hint="without --strict they are left out and listed")


def _write_companions(job: ExportJob, written: Written, building: Path) -> None:
    """Write what goes with the records; no companion takes the place of another file."""
    found = job.export.companions(written, job.options) if job.export.companions else {}
    for name, content in found.items():
        check_relative(name)
        place = building / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
