"""The opening of a stage: a flow of its own before the first row, whose replies are kept in a journal of their own.

Its result is not part of a fingerprint, just as replies are not: stage, options, prompts and models decide the
requests, and the replies are in the journal. So a finished stage stays finished without its journal, and a run that
continues repeats no request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Context, Failure, Opened, Reply, Request, Stage
from audiomcq_cli.engine.flows.answerers import Counts, Online, Rehearsal, Replay
from audiomcq_cli.engine.flows.asker import Asker
from audiomcq_cli.engine.flows.drive import AskOne, converse
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.journal.file import OPENING
from audiomcq_cli.engine.journal.journal import Journal
from audiomcq_cli.engine.progress import Progress
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import AudiomcqError, Incomplete, JournalBusy, StorageError

WAIT_SECONDS = 0.5
"""Seconds between two looks whether another process, with other shards of the stage, has finished the opening."""

REFUSED = "opening-refused.sqlite"
"""Journal of an opening that stopped its stage: kept for people, and never read."""

_FAILED = ""
"""Lease of an opening with a failed request: the next run repeats that request."""


class _Stopped(Exception):
    """The opening itself stops the stage."""

    def __init__(self, error: AudiomcqError) -> None:
        super().__init__(str(error))
        self.error = error


async def run_opening(
    job: Job,
    context: Context[Any],
    runtime: Runtime,
    progress: Progress,
    fingerprint: str,
    roots: Mapping[str, Path],
) -> Context[Any]:
    """Return the context with the result of the stage's opening, if it has one.

    ``fingerprint`` is that of everything that decides the requests. After an opening that stopped its stage, the next
    run asks anew, as a server may have been mended.

    Raises:
        Incomplete: A request failed; the next run repeats it.
        Interrupted, ModelError: As for a shard.
        AudiomcqError: The opening stops the stage.
    """
    if job.stage.opening is None:
        return context
    path = job.workdir / "journal" / job.name / OPENING
    if job.replay:
        with closing(runtime.journals.read(path, job.reuse, replay=True)) as journal:
            return await reopen(job.name, job.stage, context, runtime, journal, roots)
    journal = await _wait_for_journal(runtime, path, job.reuse)
    try:
        try:
            run = journal.lease(fingerprint, None)
            asker = Asker(job.name, runtime, journal, run, Online(runtime), roots)
            opened = await _hear(job.name, job.stage, context, asker.ask)
        except Incomplete:
            journal.lease(_FAILED, None)
            raise
        finally:
            await runtime.journals.close_journal(journal)
    except _Stopped as stopped:
        path.replace(path.with_name(REFUSED))
        raise stopped.error from None
    for remark in opened.remarks:
        progress.say(f"{job.name}: {remark}")
    return replace(context, opened=opened.value)


async def reopen(
    name: str,
    stage: Stage[Any],
    context: Context[Any],
    runtime: Runtime,
    journal: Journal,
    roots: Mapping[str, Path],
) -> Context[Any]:
    """Return the context with the result of the opening by its journal; raises ``ReplayMiss``."""
    if stage.opening is None:
        return context
    run = (journal.leased() or ("", 0))[1]
    try:
        opened = await _hear(name, stage, context, Asker(name, runtime, journal, run, Replay(), roots).ask)
    except _Stopped as stopped:
        raise stopped.error from None
    return replace(context, opened=opened.value)


async def rehearse_opening(
    job: Job, context: Context[Any], runtime: Runtime, roots: Mapping[str, Path]
) -> tuple[Context[Any], Counts]:
    """Return the context by the journal, with examples for missing replies, and the counts of requests of a run.

    Examples may be replies that stop the stage: ``opened`` is None then.
    """
    rehearsal = Rehearsal(runtime)
    if job.stage.opening is None:
        return context, rehearsal.counts
    path = job.workdir / "journal" / job.name / OPENING
    with closing(runtime.journals.read(path, job.reuse, replay=False)) as journal:
        run = (journal.leased() or ("", 0))[1]
        try:
            asker = Asker(job.name, runtime, journal, run, rehearsal, roots)
            opened = await _hear(job.name, job.stage, context, asker.ask)
        except (_Stopped, Incomplete):
            opened = Opened()
    return replace(context, opened=opened.value), rehearsal.counts


async def _hear(name: str, stage: Stage[Any], context: Context[Any], ask: AskOne) -> Opened:
    """Drive the opening to its end; return its result."""
    if stage.opening is None:
        raise StorageError(f"stage {name} has no opening")
    result, _ = await converse(_marked(stage.opening(context)), ask)
    if isinstance(result, Failure):
        reply = result.reply
        raise Incomplete(
            f"stage {name} cannot begin: a request before its first row failed ({reply.error}): {reply.detail}",
            hint="run again to retry it",
        )
    if not isinstance(result, Opened):
        raise StorageError(f"stage {name}: its opening returns no Opened")
    return result


def _marked(
    flow: Generator[Sequence[Request], Sequence[Reply], Opened],
) -> Generator[Sequence[Request], Sequence[Reply], Opened]:
    """Return the flow with its own errors as ``_Stopped``, so that they differ from those of the answerer."""
    try:
        return (yield from flow)
    except AudiomcqError as error:
        raise _Stopped(error) from error


async def _wait_for_journal(runtime: Runtime, path: Path, reuse: Sequence[Path]) -> Journal:
    """Return the journal as soon as no other process holds it; raises ``Interrupted``."""
    while True:
        try:
            return runtime.journals.open(path, reuse)
        except JournalBusy:
            await runtime.unless_stopping(asyncio.sleep(WAIT_SECONDS))
