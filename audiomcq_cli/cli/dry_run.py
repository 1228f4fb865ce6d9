"""Shows a dry run: a table of what each stage would send to which model, and how the numbers were made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from audiomcq_cli import registry
from audiomcq_cli.cli.console import describe_time, out

if TYPE_CHECKING:
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.engine.views.dry_run import Estimate
    from audiomcq_cli.recipe.read import Recipe

TITLE = "Dry run: what is not in the journal yet"
COLUMNS = ("stage", "items", "rows", "model", "calls", "prompt tokens", "completion tokens", "money", "time")
FEW = 20
"""Number of clips that is enough to estimate the cost of the others."""


def show_estimates(
    jobs: Sequence[Job], recipe: Recipe, estimates: Sequence[Estimate], problems: Sequence[str], *, markdown: bool
) -> None:
    """Show a dry run; ``problems`` would stop the run. Markdown goes to stdout."""
    out.summary["dry_run"] = [asdict(one) for one in estimates]
    out.summary["dry_run_total"] = total = total_estimate(estimates, recipe)
    rows = [row for job, one in zip(jobs, estimates, strict=True) for row in _list_rows(job, one, recipe)]
    sums = (total["calls"], total["prompt_tokens"], total["completion_tokens"])
    money = f"{total['cost']:,.4f}" if any(one.cost for one in estimates) else ""
    rows.append(("all", estimates[0].items, estimates[-1].rows, "", *sums, money, describe_time(total["seconds"])))
    notes = [*_explain(jobs, recipe, estimates, total), *problems]
    if markdown:
        from audiomcq_cli.release.markdown import escape, write_table

        out.data("\n\n".join([f"### {TITLE}", write_table(COLUMNS, rows), *map(escape, notes)]))
        return
    out.table(TITLE, COLUMNS, rows)
    for line in [*_list_work(estimates), *notes]:
        out.say(line)
    if nothing := next((one for one in estimates if one.items and not one.rows), None):
        out.say(f"{nothing.stage} would keep nothing of {nothing.items:,}, so the later stages have nothing to do")


def total_estimate(estimates: Sequence[Estimate], recipe: Recipe) -> dict[str, Any]:
    """Return the sums of calls to models, tokens, money and seconds over all stages.

    ``seconds`` is None if the time of any stage that calls a model is unknown.
    """
    times = [one.seconds for one in estimates if _list_models(one, recipe)]
    known = [seconds for seconds in times if seconds is not None]
    sums: dict[str, Any] = {
        name: sum(number for one in estimates for model, number in getattr(one, name).items() if model in recipe.models)
        for name in ("calls", "prompt_tokens", "completion_tokens", "cost")
    }
    return sums | {"seconds": sum(known) if len(known) == len(times) else None}


def _list_models(one: Estimate, recipe: Recipe) -> list[str]:
    """Return the models that a stage would call, without analyses on this machine."""
    return [name for name, calls in one.calls.items() if calls and name in recipe.models]


def _list_rows(job: Job, one: Estimate, recipe: Recipe) -> list[tuple[Any, ...]]:
    """Return the rows of a stage: work on this machine, then its models in the order of their calls."""
    order = list(dict.fromkeys(need.model for need in job.needs))
    names = sorted(one.calls, key=lambda name: order.index(name) if name in order else -1)
    return [
        (
            one.stage,
            one.items,
            one.rows,
            name if not name or name in recipe.models else f"(this machine) {name}",
            one.calls.get(name, 0),
            one.prompt_tokens.get(name, 0) if name in recipe.models or not name else "",
            one.completion_tokens.get(name, 0) if name in recipe.models or not name else "",
            f"{one.cost[name]:,.4f}" if name in one.cost else "",
            describe_time(one.seconds) if name in recipe.models else "",
        )
        for name in names or [""]
    ]


def _list_work(estimates: Sequence[Estimate]) -> list[str]:
    """Describe which shards would be made; empty if every stage makes its only shard for the first time."""
    works = [one.work for one in estimates if one.work]
    if all(work.why == {"missing": 1} and work.shards == 1 and not work.open for work in works):
        return []
    return [work.told for work in works]


def _explain(
    jobs: Sequence[Job], recipe: Recipe, estimates: Sequence[Estimate], total: Mapping[str, Any]
) -> Iterator[str]:
    """Yield notes on how to read the numbers."""
    for one in estimates:
        calls = sum(one.calls[name] for name in _list_models(one, recipe))
        if calls > one.items and not one.known:
            unit = "clip" if one.stage == jobs[0].name and jobs[0].sources else "question"
            yield f"{one.stage}: {calls / one.items:.2g} calls a {unit}" if one.items else ""
    called = dict.fromkeys(name for one in estimates for name in _list_models(one, recipe))
    billed = [name for name in called if "base_url" not in registry.backend(recipe.models[name].backend).unused]
    priced = {name for one in estimates for name in one.cost}
    if priced and (free := [name for name in billed if name not in priced]):
        has = "have" if len(free) > 1 else "has"
        yield f"money counts {_join(sorted(priced))} only: {_join(free)} {has} no price"
    unknown = [one.stage for one in estimates if _list_models(one, recipe) and not one.known]
    if unknown:
        yield (
            f"These numbers are estimates: {_join(unknown)} {'have' if len(unknown) > 1 else 'has'} not asked anything"
            " yet. Calls and tokens are guessed from the prompts' examples, and every row is taken to be kept, but for"
            f" what [expect] says. Better numbers: run a part first (--limit {FEW}), and ask again"
        )
    if called and total["seconds"] is None:
        yield "Time: add --throughput TOKENS_A_SECOND"


def _join(names: Sequence[str]) -> str:
    """Join names with commas and "and"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
