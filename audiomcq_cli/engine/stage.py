"""Runs one stage over a folder: finds shards with work, prepares, runs them, accounts for every item, writes the
manifest.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiomcq_cli import parquet
from audiomcq_cli.engine.batch.rounds import batch_folder, find_batch_models, run_rounds, uses_batches
from audiomcq_cli.engine.due.plan import Plan, Work, count_reasons, explain_work, find_work, make_plan, read_notes
from audiomcq_cli.engine.executors.local import OPEN_SHARDS, Executor
from audiomcq_cli.engine.extent import count_rows
from audiomcq_cli.engine.flows.answerers import Online
from audiomcq_cli.engine.flows.asker import Answerer
from audiomcq_cli.engine.intake.watching import Watch, Watching
from audiomcq_cli.engine.job import Job, Part, audio_roots
from audiomcq_cli.engine.ledger.alive import enter_killed, find_alive
from audiomcq_cli.engine.ledger.endings import DONE, name_ending
from audiomcq_cli.engine.ledger.manifest import write_manifest
from audiomcq_cli.engine.ledger.report import StageReport, make_report
from audiomcq_cli.engine.ledger.run_log import Logbook
from audiomcq_cli.engine.opening import run_opening
from audiomcq_cli.engine.planned import gather_plans
from audiomcq_cli.engine.prepared import name_inputs
from audiomcq_cli.engine.progress import Progress
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.shard import Unit, plan_unit, run_shard
from audiomcq_cli.errors import AccountExhausted, InputError, ModelAbsent, RecipeError, StorageError
from audiomcq_cli.listening.analyses import ANALYSES
from audiomcq_cli.records import COLUMNS
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.descriptors import RESERVED, raise_limit
from audiomcq_cli.storage.files import HIDDEN, hash_file, locked
from audiomcq_cli.storage.shards import Shard, iterate_shards, list_shards, read_note, shard

MOST_OPEN = 64
"""Most shards open at once: each has a journal and two files."""


async def run_stage(
    job: Job,
    runtime: Runtime,
    executor: Executor,
    progress: Progress,
    tell: Callable[[StageReport], None] = lambda report: None,
) -> StageReport:
    """Run a stage: redo the shards that need it and write the manifest when all exist.

    ``tell`` receives the report even if the stage does not come to its end.

    Raises:
        Interrupted, ModelError, StorageError, InputError: Work done so far is kept.
        RecipeError: There is no such shard, or the folder to write holds something else.
    """
    _check_target(job)
    job = await asyncio.to_thread(job.pinned)
    # In a thread: reading a source may take hours, and the signals that end a run come to this one.
    try:
        parts = await asyncio.to_thread(find_parts, job, Watching(job.name, runtime.raise_if_stopping, progress))
    finally:
        progress.end()
    for line in [*await asyncio.to_thread(_list_remarks, job), *_list_recut(job, parts)]:
        progress.say(line)
    roots = audio_roots(job)
    if job.only is not None and (wrong := sorted(job.only - {part.target.index for part in parts})):
        raise RecipeError(
            f"no shard {wrong[0]}: there are 0 to {len(parts) - 1}",
            hint="--shards says which shards to work on; how many there are is chosen at caption, with --shard-count",
        )
    with locked(job.target, "prepared", wait=True):
        plan = make_plan(job, runtime, parts, roots)
    todo = await asyncio.to_thread(find_work, job, plan)
    enter_killed(job.target)
    if todo:
        report, notes = await _work_logged(job, runtime, executor, progress, plan, todo, tell)
    else:
        notes = read_notes(plan.units)
        report = make_report(job, notes, len(plan.units), why={}, causes={}, seconds=0.0, spent={})
        tell(report)
    if report.missing == 0:
        with locked(job.target, "manifest", wait=True):
            inputs = name_inputs(job, [part.digest for part in parts], plan.parts["beside"])
            gather_plans(job, [part.target for part in parts], inputs)
            write_manifest(job, runtime, parts, notes, plan.parts["beside"])
    return report


def _check_target(job: Job) -> None:
    """Refuse a folder with shards of another stage, or with files that no stage wrote: they would be replaced."""
    for path in sorted(job.target.glob("part-*.parquet")):
        stage = read_note(path).get("stage")
        if stage != job.name and (stage or not (job.target / HIDDEN).is_dir()):  # else it is a damaged one of ours
            what = f"what {stage} wrote" if stage else f"{path.name}, which this program did not write"
            raise RecipeError(f"{job.target}: holds {what}", hint="name another folder as OUT")


def find_parts(job: Job, watch: Watch | None = None) -> list[Part]:
    """Return every input shard with its output shard; sources are partitioned first if the stage reads them.

    Raises:
        InputError: The input does not exist or is not whole.
    """
    recorded: Mapping[str, str] = {}
    if job.source is None:
        with locked(job.target, "partition", wait=True):
            paths = job.partition(job.target / HIDDEN / "partition", watch)
        found = [Shard(index, len(paths), path) for index, path in enumerate(paths)]
    else:
        found, recorded = _whole(job, job.source)
        check_columns(found[0].path, job)
    parts = [Part(one.path, shard(job.target, one.index, one.count), hash_file(one.path)) for one in found]
    for part in parts:
        if recorded.get(part.source.name, part.digest) != part.digest:
            hint = "damaged, or changed by hand? run the stage that writes this folder again: it makes that shard anew"
            raise InputError(
                "its SHA-256 differs from the one in .audiomcq/manifest.json", file=str(part.source), hint=hint
            )
    return parts


def _list_remarks(job: Job) -> list[str]:
    """Return remarks about what the sources do not read."""
    return [
        f"{spec.name}: {line}"
        for spec in job.sources
        if spec.source.remarks is not None
        for line in spec.source.remarks(spec.path, spec.options)
    ]


def _list_recut(job: Job, parts: Sequence[Part]) -> list[str]:
    """Return a remark if a corpus is cut into another number of shards than before: all that is built is made again."""
    wanted = parts[0].target.count
    others = {one.count for one in iterate_shards(job.target)} - {wanted}
    if job.source is not None or not others:
        return []
    return [
        f"{job.name}: {wanted} shard{'s'[: wanted != 1]}, and not {max(others)} as before: every stage is made again,"
        " with the replies in the journal"
    ]


def check_columns(path: Path, job: Job) -> None:
    """Check that a shard has the columns that a stage reads, and none of later stages, which would be lost.

    Raises:
        InputError: A column is missing.
        RecipeError: Columns of later stages would be lost without ``drop_later``.
    """
    import pyarrow as pa

    try:
        names = parquet.read_schema(path).names
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"not a readable Parquet file: {error}", file=str(path)) from error
    if missing := [name for name in job.stage.reads if name not in names]:
        hint = f"{job.name} reads what {job.stage.after} writes"
        raise InputError("column is missing", file=str(path), column=missing[0], hint=hint)
    later = [name for name in names if name in COLUMNS and name not in {*job.stage.reads, *job.stage.writes}]
    if later and not job.drop_later:
        message = f"{path.parent}: a later stage has added {', '.join(later)}, which {job.name} would leave out"
        hint = f"name the folder that {job.stage.after} wrote, or leave them out on purpose: --drop-later"
        raise RecipeError(message, hint=hint)


def _whole(job: Job, folder: Path) -> tuple[list[Shard], dict[str, str]]:
    """Return the shards of an input folder, and their hashes if it has a manifest."""
    found = list_shards(folder)
    if len(found) < found[0].count:
        raise InputError(
            f"{found[0].count - len(found)} of {found[0].count} shards are missing",
            file=str(folder),
            hint="finish the stage before this one first",
        )
    manifest = manifests.read_manifest(folder)
    if manifest is None and (folder / HIDDEN).is_dir():
        raise InputError("the stage that writes this folder has not ended", file=str(folder), hint="run it again first")
    items = manifest["totals"]["items"] if manifest else {"in": 0, "failed": 0}
    if (failed := items["failed"]) > job.max_failed * items["in"] and not job.keep_failed:
        hint = "run that stage again to retry them, or go on without them: --keep-failed"
        raise InputError(f"{failed:,} items of this stage failed", file=str(folder), hint=hint)
    return found, {one["file"]: one["sha256"] for one in manifest["shards"]} if manifest else {}


async def _work_logged(
    job: Job,
    runtime: Runtime,
    executor: Executor,
    progress: Progress,
    plan: Plan,
    todo: Sequence[Work],
    tell: Callable[[StageReport], None],
) -> tuple[StageReport, list[dict[str, Any]]]:
    """Do the work, and add its effort to the run log, however it ends; return the report and the notes of existing
    shards.
    """
    units, reasons = plan.units, [work.reason for work in todo]
    if line := explain_work(job.name, len(units), reasons):
        progress.say(line)
    with Logbook(job, runtime, progress, await asyncio.to_thread(plan.note)) as book:
        how = DONE
        beating = asyncio.ensure_future(book.keep_beating())
        try:
            sources = [work.unit.source for work in todo]
            rows = await asyncio.to_thread(count_rows, sources, joined=job.stage.joins is None)
            book.begin(job.name, len(todo), rows)
            await _work(job, runtime, executor, book, plan, [work.unit for work in todo])
        except BaseException as error:
            how = name_ending(error)
            if isinstance(error, ModelAbsent | AccountExhausted) and job.command:
                error.hint = f"{error.hint}; this goes on: {job.command}"
            raise
        finally:
            beating.cancel()
            book.end()
            notes = read_notes(units)
            why, causes = count_reasons(reasons)
            report = make_report(job, notes, len(units), why=why, causes=causes, seconds=book.seconds, spent=book.spent)
            report = replace(report, how=how, **book.rows)
            book.enter(report)
            if how == DONE or report.calls or report.items["in"] or report.done:
                tell(report)
    return report, notes


async def _work(
    job: Job, runtime: Runtime, executor: Executor, progress: Progress, plan: Plan, todo: Sequence[Unit]
) -> None:
    if not job.replay:
        for analysis, settings in job.listens.items():
            ANALYSES[analysis].check(analysis, settings)
        await runtime.check(job.name, job.needs)
    context = await run_opening(job, todo[0].context, runtime, progress, plan.asks_of, todo[0].audio_roots)
    todo = [replace(unit, context=context) for unit in todo]
    manifests.manifest_path(job.target).unlink(missing_ok=True)  # not whole from here on
    _remove_stale(job.target, todo[0].target.count)
    rows = max(16, 2 * runtime.concurrency(job.needs))
    slots = asyncio.Semaphore(rows)

    early = len(todo) + RESERVED <= raise_limit()
    planned: dict[Path, Unit] = {}  # a shard that waits for a batch begins again, with the plan that it has

    async def work(unit: Unit, answerer: Answerer, progress: Progress) -> Any:
        runtime.raise_if_stopping()
        with ExitStack() as own:
            if not early:
                _lock(job, unit, own)
            path = unit.target.path
            planned[path] = planned.get(path) or await plan_unit(unit, runtime)
            note = await run_shard(planned[path], runtime, progress, slots, answerer)
            del planned[path]
            return note

    with ExitStack() as locks:
        # All of them, in order, before any work: of two runs the second stops, and only it. Where this process may not
        # open as many files, each shard has its lock while it is worked on.
        for unit in todo if early else ():
            _lock(job, unit, locks)
        at_once = _count_open(todo[0].source, rows)
        batched = {} if job.replay else find_batch_models(runtime, job.needs)
        folder = batch_folder(job.workdir, job.name)
        if not job.replay and uses_batches(folder, batched):
            await run_rounds(todo, work, runtime, executor, progress, batched, folder, at_once)
        else:
            await executor.run(todo, lambda unit: work(unit, Online(runtime), progress), at_once)


def _count_open(source: Path, rows: int) -> int:
    """Return how many shards to open so that enough rows are in flight; all are of about one size."""
    import pyarrow as pa

    try:
        held = int(parquet.read_metadata(source).num_rows)
    except (OSError, pa.ArrowException):  # sources, not a shard; or a damaged one, as its reader will say
        return OPEN_SHARDS
    fill = -(-rows // max(1, held))
    return min(max(OPEN_SHARDS, fill + 1), MOST_OPEN)  # one more: while that is filled another is drained


def _lock(job: Job, unit: Unit, locks: ExitStack) -> None:
    """Keep other runs from a shard; raises ``StorageError`` naming the run that has it."""
    try:
        locks.enter_context(locked(job.target, unit.target.path.stem, wait=False))
    except StorageError as error:
        runs = [now for now in find_alive(job.target) if now["pid"] != os.getpid()]
        named = [f"process {now['pid']} on {now['host']} ({now['command']})" for now in runs]
        raise StorageError(
            str(error), hint=f"wait for it to end: {'; '.join(named)}" if named else error.hint
        ) from error


def _remove_stale(folder: Path, count: int) -> None:
    """Remove shards of an older version with another number of shards."""
    hidden = folder / HIDDEN
    for path in (
        *folder.glob("part-*.parquet"),
        *hidden.glob("rejects/part-*.parquet"),
        *hidden.glob("plans/part-*.parquet"),
        *hidden.glob("digests/part-*"),
    ):
        if not path.stem.endswith(f"-of-{count:05d}"):
            path.unlink()
