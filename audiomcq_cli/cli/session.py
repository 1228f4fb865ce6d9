"""Runs jobs for a command: builds the runtime from the recipe, handles signals, sums up."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from audiomcq_cli import registry
from audiomcq_cli.cli.block_flags import Choice
from audiomcq_cli.cli.console import describe_reasons, describe_spent, out
from audiomcq_cli.cli.looking import ask_again, count_of, describe_unread, see_line
from audiomcq_cli.cli.progress import StageProgress
from audiomcq_cli.errors import BudgetReached, Incomplete, Interrupted, TooManyRejected

if TYPE_CHECKING:
    from audiomcq_cli.cli.owning import Claim
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.engine.ledger.report import StageReport
    from audiomcq_cli.engine.runtime import Runtime
    from audiomcq_cli.engine.views.dry_run import Estimate
    from audiomcq_cli.recipe.read import Recipe

T = TypeVar("T")

_ASK = Choice()


def run_jobs(
    jobs: Sequence[Job], recipe: Recipe, claim: Claim, notes: Sequence[str] = (), blocks: Choice = _ASK
) -> None:
    """Run stages one after another and sum up each; find what would stop a later one before the first begins.

    ``notes`` are printed once nothing has been found that would stop a stage; ``blocks``: whether blocks are kept.

    Raises:
        Incomplete, TooManyRejected: A stage failed or rejected too many rows; later stages were not begun.
        Interrupted, AudiomcqError: The run was stopped, or a stage raised an error.
    """
    from audiomcq_cli.cli import kept_blocks, kept_nothing, preflight

    reports: list[dict[str, Any]] = []
    out.summary["stages"] = reports

    def tell(report: StageReport) -> None:
        reports.append(asdict(report))
        _sum_up(report)

    async def work(runtime: Runtime) -> None:
        from audiomcq_cli.engine.executors.local import LocalExecutor
        from audiomcq_cli.engine.stage import run_stage

        settled = await asyncio.to_thread(kept_blocks.settle, jobs, recipe, wanted, runtime)
        await preflight.check_servers(settled.jobs, runtime)
        for job in settled.jobs:
            if job.name == settled.doubtful:
                await asyncio.to_thread(kept_blocks.check_again, job, runtime)
            out.detail(f"{job.name}: options {_write_options(job)}; journal in {job.workdir / 'journal' / job.name}")
            claim.enter(job.target)
            try:
                report = await run_stage(job, runtime, LocalExecutor(), StageProgress(out), tell)
            finally:
                claim.enter(job.target)
            _raise_if_incomplete(job, report)
            kept_nothing.raise_if_nothing(job, report)

    claim.check()
    wanted = Choice(new=True) if claim.replaces else blocks
    _tell_plan(jobs, recipe)
    preflight.check_jobs(jobs, recipe)
    for note in notes:
        out.say(note)
    claim.begin()
    try:
        _run(recipe, work)
    except BaseException:
        claim.withdraw()
        raise


def rehearse_jobs(
    jobs: Sequence[Job],
    recipe: Recipe,
    claim: Claim,
    throughput: float | None,
    notes: Sequence[str] = (),
    *,
    markdown: bool = False,
    blocks: Choice = _ASK,
) -> None:
    """Report what the jobs would send and cost, without calling or writing anything; ``markdown`` goes to stdout."""
    from audiomcq_cli.cli import kept_blocks, preflight
    from audiomcq_cli.cli.dry_run import show_estimates
    from audiomcq_cli.engine.views.dry_run import rehearse

    claim.check()
    wanted = Choice(new=True) if claim.replaces else blocks
    _tell_plan(jobs, recipe)
    preflight.check_jobs(jobs, recipe)
    preflight.check_input(jobs[0])
    for note in notes:
        out.say(note)

    async def work(runtime: Runtime) -> tuple[list[Estimate], list[str]]:
        settled = await asyncio.to_thread(kept_blocks.settle, jobs, recipe, wanted, runtime, dry=True)
        problems = [*filter(None, [settled.remark]), *preflight.list_unusable(settled.jobs, runtime)]
        return await rehearse(settled.jobs, runtime, throughput), problems

    estimates, problems = _run(recipe, work)
    show_estimates(jobs, recipe, estimates, problems, markdown=markdown)


def check_models(stage: str, recipe: Recipe) -> None:
    """Check that the models of a stage answer, without running it.

    Raises:
        ModelError: A model does not answer.
    """
    list_needs = registry.stages()[stage].needs
    needs = list(list_needs(recipe.options(stage))) if list_needs else []
    _run(recipe, lambda runtime: runtime.check(stage, needs))


def command_line() -> str:
    """Return the command that was given, as it can be typed again."""
    return shlex.join(["audiomcq", *sys.argv[1:]])


def retry_line() -> str:
    """Return the command that asks again for what failed."""
    return ask_again(command_line())


def _tell_plan(jobs: Sequence[Job], recipe: Recipe) -> None:
    from audiomcq_cli.cli.naming import describe_plan, name_recipe

    lines = describe_plan(jobs, recipe)
    for line in lines:
        out.say(line)
    if not lines:
        out.detail(name_recipe(recipe))
    for name, model in sorted(recipe.models.items()):
        where = f" at {', '.join(model.base_url)}" if model.base_url else ""
        out.detail(f"model {name}: {model.model} by {model.backend}{where}")


def _write_options(job: Job) -> str:
    from audiomcq_cli.engine.ledger.manifest import plain

    return ", ".join(f"{name} = {value!r}" for name, value in plain(job.options).items()) or "none"


def _run(recipe: Recipe, work: Callable[[Runtime], Awaitable[T]]) -> T:
    """Run a coroutine with a runtime; the first Ctrl-C or SIGTERM ends it gently, the second at once."""
    from audiomcq_cli.engine.runtime import Runtime
    from audiomcq_cli.engine.servers.budget import Budget
    from audiomcq_cli.storage.prompts import Prompts

    async def main() -> T:
        kinds = {model.backend: registry.backend(model.backend) for model in recipe.models.values()}
        task = asyncio.current_task()
        budget = Budget(**recipe.budget)
        prompts = Prompts(recipe.prompts)
        async with Runtime(recipe.models, kinds, prompts=prompts, budget=budget, say=out.say) as runtime:

            def on_signal() -> None:
                if runtime.stopping and task is not None:
                    out.say("stopping at once: calls in flight are dropped, what came back is kept")
                    task.cancel()
                    return
                runtime.stop()
                out.say("stopping: calls in flight end and are kept; once more to stop at once")

            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, on_signal)
            return await work(runtime)

    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(main())
    except BudgetReached as error:
        hint = f"what is done is kept; this goes on, with a budget of its own: {command_line()}"
        raise BudgetReached(str(error), hint=hint) from error
    except (Interrupted, asyncio.CancelledError, KeyboardInterrupt) as error:
        raise Interrupted("interrupted", hint=f"what is done is kept; this goes on: {command_line()}") from error


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not available on Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _sum_up(report: StageReport) -> None:
    from audiomcq_cli.cli.kept_nothing import MORE, NO_BLOCK
    from audiomcq_cli.engine.intake.audio_missing import LIST, describe_strays, find_strays
    from audiomcq_cli.engine.ledger.endings import DONE
    from audiomcq_cli.storage.files import HIDDEN

    items = report.items
    parts = " + ".join(f"{items[name]:,} {name}" for name in ("kept", "rejected", "failed"))
    work = f"{report.redone} of {report.shards} shards done" if report.redone else "nothing to do"
    if report.causes:
        work += " again" if report.why["changed"] == report.redone else f", {report.why['changed']} of them again"
    if report.missing:
        work = f"{report.missing} of {report.shards} shards not whole yet"
    if report.how != DONE:
        out.say(f"{report.stage}: stopped ({report.how}): {_tell_rows(report)} ({report.seconds:.1f} s)")
    if report.how == DONE or items["in"]:
        took = f", {report.seconds:.1f} s" if report.how == DONE else ""
        out.say(
            f"{report.stage}: {items['in']:,} in{_explain_items(report)} = {parts}; {report.rows:,} rows ({work}{took})"
        )
    for outcome in ("rejected", "failed"):
        if report.reasons[outcome]:
            out.say(f"  {outcome}: {describe_reasons({outcome: report.reasons[outcome]})}")
            if report.redone and report.how == DONE and not report.missing:
                out.say(f"    see them: {see_line(report.target, report.reasons[outcome])}")
                if NO_BLOCK in report.reasons[outcome] and items["kept"]:
                    out.say(f"    {MORE}")
    for line in describe_unread(report.unread, report.target):
        out.say(f"  {line}")
    if report.audio_missing:
        where = Path(report.target) / HIDDEN / LIST
        out.say(f"  {describe_strays(find_strays(Path(report.target)))}; listed in {where}")
    if report.calls:
        out.say(f"  {describe_spent(asdict(report))}")


def _explain_items(report: StageReport) -> str:
    """Explain why there are more items than input rows, if each row has several."""
    rows, items = report.total, report.items["in"]
    if not rows or report.redone < report.shards or items <= rows or items % rows:
        return ""
    return f" ({rows:,} {report.unit} \u00d7 {items // rows})"


def _tell_rows(report: StageReport) -> str:
    """Describe how far a stopped stage came."""
    of = "" if report.total is None else f" of {report.total:,}"
    replies = sum(report.replies.values())
    kept = f"; {count_of(replies, 'reply', 'replies')} {'is' if replies == 1 else 'are'} kept in the journal"
    return f"{report.done:,}{of} {report.unit} finished{kept if replies else ''}"


def _raise_if_incomplete(job: Job, report: StageReport) -> None:
    if report.missing:
        raise Incomplete(
            f"{job.name}: {report.missing} of {report.shards} shards are not there yet",
            hint="the run that finds all of them writes the manifest",
        )
    if report.items["rejected"] > job.max_rejected * report.items["in"]:
        raise TooManyRejected(
            f"{job.name}: {report.items['rejected']:,} of {report.items['in']:,} items rejected,"
            f" more than max_rejected = {job.max_rejected:g} allows",
            hint=f"see them: {see_line(report.target, report.reasons['rejected'])}; or raise the limit",
        )
    if report.items["failed"] > job.max_failed * report.items["in"] and not job.keep_failed:
        raise Incomplete(
            f"{job.name}: {count_of(report.items['failed'], 'item')} failed",
            hint=f"look at one: {see_line(report.target, report.reasons['failed'], random=True)};"
            f" try just those again: {retry_line()} (or go on without them: add --keep-failed)",
        )
