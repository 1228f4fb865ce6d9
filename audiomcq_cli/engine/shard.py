"""The unit of work: one shard of one stage, from its input file to its kept rows and rejects.

``run_shard`` streams: rows enter in order, many are in flight, and outcomes leave in the order of the rows, whatever
the order of the replies. No file is put in place before every reply behind it is committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiomcq_cli import parquet
from audiomcq_cli.contracts import Context, Row, Stage
from audiomcq_cli.engine.flows.answerers import Noting, Replay
from audiomcq_cli.engine.flows.asker import Answerer, Asker, Suspended
from audiomcq_cli.engine.flows.catch_up import Ahead
from audiomcq_cli.engine.flows.drive import Driven, drive
from audiomcq_cli.engine.intake.questions import read_first
from audiomcq_cli.engine.journal.journal import Journal
from audiomcq_cli.engine.ledger.output import ShardOutput, count_outcomes, read_failed_run, read_pair
from audiomcq_cli.engine.planned import find_kept_table, plan_shard
from audiomcq_cli.engine.progress import Progress
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import AudiomcqError, InputError, StorageError
from audiomcq_cli.storage.shards import ROW_GROUP, Shard, read_rows

BUFFER = 4_096
"""Most finished rows held back while an earlier row still waits for its replies."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One shard to be done: all that ``run_shard`` needs beside the runtime.

    Attributes:
        name, stage, context: What is done. source: Input shard: Parquet, or a partition (jsonl) of the sources.
        target: Where the kept rows go. journal: Path of the journal. fingerprint: Of this shard.
        audio_roots: Folders below which the audio of the rows lies, by source.
        reuse: Journals looked into for what it lacks. replay: Answer from journals alone.
    """

    name: str
    stage: Stage[Any]
    context: Context[Any]
    source: Path
    target: Shard
    journal: Path
    fingerprint: str
    audio_roots: Mapping[str, Path]
    reuse: tuple[Path, ...] = ()
    replay: bool = False


async def run_shard(
    unit: Unit, runtime: Runtime, progress: Progress, slots: asyncio.Semaphore, answerer: Answerer
) -> dict[str, Any]:
    """Do one shard and return its note (counts, fingerprint), which is also in its footer.

    Raises:
        Suspended: Rows wait for replies that come later; all of them have asked. Nothing is written.
        Interrupted: The run was asked to end; replies so far are in the journal.
        ModelError: A model cannot be used; replies so far are in the journal.
        StorageError: Something cannot be written.
    """
    if unit.stage.divide is not None:
        return _divide_shard(unit, progress)
    plan = find_kept_table(unit.name, unit.stage, unit.context.plan)
    # A pair left half by a kill does not end its run, or what failed in it would be asked once more.
    current = read_pair(unit.target).get("fingerprint") == unit.fingerprint
    done_run = read_failed_run(unit.target) if current else None
    if unit.replay:
        journal = runtime.journals.read(unit.journal, unit.reuse, replay=True)
    else:
        journal = runtime.journals.open(unit.journal, unit.reuse)
    try:
        run = (journal.leased() or ("", 0))[1] if unit.replay else journal.lease(unit.fingerprint, done_run)
        with ShardOutput(unit.name, unit.stage.writes, unit.target, unit.fingerprint, run, plan) as output:
            tally = _Tally(progress, unit.stage.key, ahead=_is_resumed(unit, journal))
            rows = _Rows(unit, runtime, journal, run, Replay() if unit.replay else answerer, tally)
            await _drive_rows(rows, output, slots)
            await journal.flush()
            return output.finish()
    finally:
        if unit.replay:
            journal.close()
        else:
            await runtime.journals.close_journal(journal)


async def plan_unit(unit: Unit, runtime: Runtime) -> Unit:
    """The unit with the plan of its rows, if its stage plans; in a thread, as other shards are at work meanwhile.

    Raises:
        Interrupted: The run was asked to end.
    """
    if unit.stage.plan is None:
        return unit

    def read() -> Iterator[Row]:
        for row in input_rows(unit):
            runtime.raise_if_stopping()
            yield row

    return replace(unit, context=await asyncio.to_thread(plan_shard, unit.stage, unit.context, read()))


def input_rows(unit: Unit) -> Iterator[Row]:
    """Yield the rows of a unit's input, each id once."""
    if unit.source.suffix == ".jsonl":
        yield from read_first(unit.source, unit.stage)
        return
    rows = read_rows(unit.source, unit.stage.reads)
    seen: set[str] = set()
    for row in rows:
        name = row[unit.stage.key]
        if name in seen:
            raise _refuse_double(unit, name)
        seen.add(name)
        yield row


def _refuse_double(unit: Unit, name: str) -> InputError:
    return InputError(f"{name!r} is there twice", file=str(unit.source), column=unit.stage.key)


def _is_resumed(unit: Unit, journal: Journal) -> bool:
    """Return whether many known rows may come before the first unknown one."""
    return not unit.replay and unit.source.suffix == ".parquet" and journal.size >= ROW_GROUP


class _Tally:
    """Reports every finished row once: a row that was driven ahead is driven again in its turn."""

    def __init__(self, progress: Progress, key: str, *, ahead: bool) -> None:
        self.ahead = ahead
        self._progress = progress
        self._key = key
        self._counted: set[str] = set()

    def count(self, row: Row, driven: Driven, *, asked: bool) -> None:
        """Count a row; ``asked`` says whether the journal lacked something."""
        if self.ahead:
            if row[self._key] in self._counted:
                return
            self._counted.add(row[self._key])
        self._progress.advance(1, count_outcomes(driven), known=bool(driven.exchanges) and not asked)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Drives the rows of one shard."""

    unit: Unit
    runtime: Runtime
    journal: Journal
    run: int
    answerer: Answerer
    tally: _Tally

    async def drive(self, row: Row) -> Driven:
        """Drive a row to its end and count it."""
        self.runtime.raise_if_stopping()
        noting = Noting(self.answerer)
        driven = await self._drive(row, noting)
        self.tally.count(row, driven, asked=noting.asked)
        return driven

    async def probe(self, row: Row) -> Driven:
        """Drive a row by the journal alone; raises ``ReplayMiss`` if it lacks a reply."""
        return await self._drive(row, Replay())

    async def _drive(self, row: Row, answerer: Answerer) -> Driven:
        unit = self.unit
        asker = Asker(unit.name, self.runtime, self.journal, self.run, answerer, unit.audio_roots)
        return await drive(unit.stage, row, unit.context, asker.ask, asker.find_likely)


async def _drive_rows(rows: _Rows, output: ShardOutput, slots: asyncio.Semaphore) -> None:
    """Drive all rows in order; on a resume also drive some ahead of their turn."""
    unit, runtime = rows.unit, rows.runtime
    waiting: deque[asyncio.Task[Driven | None]] = deque()
    suspended = 0

    async def drive_one(row: Row) -> Driven | None:
        try:
            return await rows.drive(row)
        except Suspended:
            return None
        finally:
            slots.release()

    ahead = Ahead(unit.source, unit.stage.reads, rows.probe, drive_one, slots) if rows.tally.ahead else None

    def take(driven: Driven | None) -> None:
        nonlocal suspended
        suspended += driven is None
        if driven is not None and not suspended:
            output.add(driven)

    try:
        for row in input_rows(unit):
            await slots.acquire()
            runtime.raise_if_stopping()
            if ahead:
                ahead.pass_row()
            waiting.append(asyncio.create_task(drive_one(row)))
            while waiting and (waiting[0].done() or len(waiting) > BUFFER):
                take(await waiting.popleft())
        while waiting:
            take(await waiting.popleft())
        if ahead:
            await ahead.close(wait=True)
    except BaseException as error:
        wait = runtime.stopping and not isinstance(error, asyncio.CancelledError)
        await _end_tasks(waiting, wait=wait)
        if ahead:
            await ahead.close(wait=wait)
        raise _unwrap(error) from error
    if suspended:
        raise Suspended(f"{unit.target.path.name}: {suspended} rows wait")


async def _end_tasks(tasks: Iterable[asyncio.Task[Driven | None]], *, wait: bool) -> None:
    """Let the calls in flight end (each row stops at its next request), or cancel them."""
    for task in tasks:
        if not wait:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _unwrap(error: BaseException) -> BaseException:
    """Return the first of our own errors in a group: requests made together fail as one."""
    if isinstance(error, BaseExceptionGroup):
        ours = error.subgroup(AudiomcqError)
        first: BaseException = (ours or error).exceptions[0]
        return _unwrap(first)
    return error


def _divide_shard(unit: Unit, progress: Progress) -> dict[str, Any]:
    """Run a stage without requests on the whole shard as one table."""
    import polars as pl

    if unit.stage.divide is None:
        raise StorageError(f"stage {unit.name} has nothing to divide")
    try:
        table = parquet.read_frame(unit.source, unit.stage.reads)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"cannot be read: {error}", file=str(unit.source)) from error
    items = table[unit.stage.key]
    if (twice := items.filter(items.is_duplicated())).len():
        raise _refuse_double(unit, twice[0])
    divided = unit.stage.divide(table, unit.context)
    plan = find_kept_table(unit.name, unit.stage, unit.context.plan)
    with ShardOutput(unit.name, unit.stage.writes, unit.target, unit.fingerprint, plan=plan) as output:
        output.add_table(divided, unit.stage.key, items)
        progress.advance(len(items), output.items)
        return output.finish()
