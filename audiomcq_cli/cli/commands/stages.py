"""One command for each stage, made from the options that the stage declares."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.block_flags import HELP, KEEP, NEW, Choice
from audiomcq_cli.cli.options import argument, as_sentence, escape_markup, flag, flags_of, given_flags, read_budget
from audiomcq_cli.contracts import Stage
from audiomcq_cli.errors import RecipeError

if TYPE_CHECKING:
    from audiomcq_cli.engine.intake.questions import ImportSpec
    from audiomcq_cli.engine.intake.sources import SourceSpec
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.recipe.read import Recipe

OWN = "Options of this stage"
SHARED = "Options of every stage"
SOURCE = "Options of the source"
REUSE = (
    "Another journal (a packed file or a work folder) to search for replies that this work folder does not have."
    " Give it once for each (default: the recipe's)."
)
TAKE_OVER = "Replace what another project built in the folder."
DROP_LATER = "Accept the folder of a later stage as IN, and drop the columns that later stages added."
MOST_SHARDS = 99_999
"""Largest number that fits in the five digits of a shard's name."""
USUAL_SHARDS = "1 below 5,000 clips, else the largest power of two up to 64 with at least 1,000 clips a shard"


def usual_options() -> Mapping[str, Mapping[str, Any]]:
    """Return the stage tables that apply without a recipe, for the help. They are not checked,
    which would take long.
    """
    from audiomcq_cli.storage.resources import DEFAULT_RECIPE, shipped

    return tomllib.loads((shipped("examples") / DEFAULT_RECIPE).read_text("utf-8"))


def add_stage_commands(app: typer.Typer) -> None:
    """Add the commands in the order of the pipeline; a second way in has a command of its own."""
    usual = usual_options()
    for name, stage in registry.stages().items():
        if stage.joins:
            continue
        text = escape_markup(as_sentence(stage.help))
        app.command(name, help=text, rich_help_panel="Stages, in order")(
            _make_command(name, stage, usual.get(name, {}))
        )


def shared_flags() -> list[inspect.Parameter]:
    """Return the flags that every stage takes."""
    return [
        flag(
            "recipe",
            Path | None,
            "Recipe with the models and options (default: examples/laptop.toml). A flag overrides the recipe.",
            panel=SHARED,
        ),
        flag(
            "workdir",
            Path | None,
            "Work folder, which holds the journal (default: the recipe's, else the folder of OUT).",
            panel=SHARED,
        ),
        flag("reuse", list[Path] | None, REUSE, panel=SHARED),
        flag(
            "prompts",
            Path | None,
            "Folder of your own prompts. A prompt that is not in it is the shipped one.",
            panel=SHARED,
        ),
        flag("seed", int | None, "Seed of every random choice (default: the recipe's, else 0).", panel=SHARED),
        flag(
            "shards", str | None, "Shards to work on, as 0-15 or 3,7. Other shards are left as they are.", panel=SHARED
        ),
        flag("keep_failed", bool, "Continue without the failed items.", default=False, panel=SHARED),
        flag(
            "budget",
            list[str] | None,
            "Limit of what this run may spend: tokens=N, money=X (in the currency of the prices) or hours=X."
            " Give it once for each.",
            metavar="NAME=VALUE",
            panel=SHARED,
        ),
        flag(
            "max_failed",
            float | None,
            "Share (0 to 1) of the items that may fail (default: the recipe's, else 0).",
            panel=SHARED,
        ),
        flag(
            "max_rejected",
            float | None,
            "Share (0 to 1) of the items that may be rejected (default: the recipe's, else 1).",
            panel=SHARED,
        ),
        flag(
            "throughput",
            float | None,
            "Assumed tokens per second, used by --dry-run to estimate time (default: measured in earlier runs).",
            panel=SHARED,
        ),
        flag("replay", bool, "Answer from the journal only; call no model.", default=False, panel=SHARED),
        flag(
            "dry_run",
            bool,
            "Print what the run would do and cost. Nothing is called or written.",
            default=False,
            panel=SHARED,
        ),
        flag("take_over", bool, TAKE_OVER, default=False, panel=SHARED),
        flag("json", bool, "Print one machine-readable summary on stdout.", default=False, panel=SHARED),
    ]


def _source_flags() -> list[inspect.Parameter]:
    shards = f"Number of shards, up to {MOST_SHARDS:,} (default: {USUAL_SHARDS})."
    return [
        flag("limit", int | None, "Read only the first N clips of each source.", panel=SOURCE, minimum=1),
        flag("sample", int | None, "Take N clips of each source, drawn by the seed.", panel=SOURCE, minimum=1),
        flag("audio", Path | None, "Folder with the audio files of the source.", panel=SOURCE),
        flag("name", str | None, "Name of the source in ids and in the column source_dataset.", panel=SOURCE),
        flag(
            "license", str | None, "License of the audio (not of the questions), for rows that name none.", panel=SOURCE
        ),
        flag("shard_count", int | None, shards, panel=SOURCE, minimum=1),
    ]


def _make_command(name: str, stage: Stage[Any], usual: Mapping[str, Any]) -> Callable[..., None]:
    first = stage.after is None
    if first:
        adapters = ", ".join(registry.names("sources"))
        text = f"Sources as ADAPTER:PATH (default: the recipe's); adapters are {adapters}."
        parameters = [
            argument("sources", list[str] | None, text, metavar="SOURCE", required=False),
            argument("target", Path, "Folder to write.", metavar="OUT"),
        ]
    else:
        parameters = [
            argument("source", Path, "Folder of the stage before this one.", metavar="IN"),
            argument("target", Path, "Folder to write.", metavar="OUT"),
        ]
    parameters += flags_of(stage.options, OWN, usual)  # first: the command is about them
    if stage.earlier:
        parameters += [flag(_key(name), bool, HELP[name], default=False, panel=OWN) for name in (KEEP, NEW)]
    parameters += _source_flags() if first else [flag("drop_later", bool, DROP_LATER, default=False, panel=SHARED)]
    parameters += shared_flags()

    def command(**values: Any) -> None:
        recipe = load_recipe(values)
        run_stage(name, stage, values, recipe, sources=_sources(values, recipe) if first else ())

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def run_stage(
    name: str,
    stage: Stage[Any],
    values: Mapping[str, Any],
    recipe: Recipe,
    *,
    sources: tuple[SourceSpec, ...] = (),
    imports: tuple[ImportSpec, ...] = (),
) -> None:
    """Run one stage, or rehearse it, with its flags and a recipe."""
    from audiomcq_cli.cli.kept_blocks import check_shards
    from audiomcq_cli.cli.owning import Claim
    from audiomcq_cli.cli.session import command_line, rehearse_jobs, run_jobs
    from audiomcq_cli.recipe.jobs import find_shards, make_job

    target: Path = values["target"]
    given = values.get("shard_count")
    job = make_job(
        recipe,
        name,
        given_flags(stage.options, values),
        source=values.get("source"),
        sources=sources,
        imports=imports,
        target=target,
        workdir=recipe.workdir or target.parent,
        shards=find_shards(recipe, given) if sources else given or recipe.shards,
        only=parse_numbers(values["shards"]),
        keep_failed=values["keep_failed"],
        replay=values["replay"],
        command=command_line(),
        drop_later=values.get("drop_later", False),
    )
    _check_numbers(job)
    check_shards([job], recipe)
    blocks = Choice(values.get(_key(KEEP), False), values.get(_key(NEW), False))
    claim = Claim([job], recipe, None, take_over=values["take_over"])
    if values["dry_run"]:
        rehearse_jobs([job], recipe, claim, values["throughput"], blocks=blocks)
    else:
        run_jobs([job], recipe, claim, blocks=blocks)


def _key(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def load_recipe(values: Mapping[str, Any]) -> Recipe:
    """The recipe of a command, with what its shared flags override."""
    from dataclasses import replace

    from audiomcq_cli.recipe.read import default_recipe, read_recipe

    recipe = read_recipe(values["recipe"]) if values["recipe"] else default_recipe()
    given = {name: values[name] for name in ("workdir", "prompts", "seed") if values[name] is not None}
    if values["reuse"]:
        given["reuse"] = tuple(values["reuse"])
    return override_limits(replace(recipe, **given), values["budget"], values["max_failed"], values["max_rejected"])


def override_limits(
    recipe: Recipe, budget: Sequence[str] | None, max_failed: float | None, max_rejected: float | None
) -> Recipe:
    """Return a recipe with the budget and limits of the flags in place of its own."""
    from audiomcq_cli.recipe.read import override

    limits = {"max_failed": max_failed, "max_rejected": max_rejected}
    recipe = override(recipe, "budget", read_budget(budget or ()))
    return override(recipe, "limits", {name: value for name, value in limits.items() if value is not None})


def _sources(values: Mapping[str, Any], recipe: Recipe) -> tuple[SourceSpec, ...]:
    from audiomcq_cli.recipe.jobs import OF_SOURCES, choose_sources

    given = {name: values[name] for name in OF_SOURCES if values[name] is not None}
    if not values["sources"] and not recipe.sources:
        hint = "name one as ADAPTER:PATH before OUT, or give a --recipe with [[sources]]"
        raise RecipeError("no source", hint=hint)
    return choose_sources(values["sources"] or (), recipe, given)


def parse_numbers(text: str | None) -> frozenset[int] | None:
    """Parse shard numbers such as ``0-15`` or ``3,7``.

    Raises:
        RecipeError: The text is not of that form.
    """
    if text is None:
        return None
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = (first, last if dash else first)
        span = [int(end) for end in ends if re.fullmatch("[0-9]{1,5}", end)]
        if len(span) < 2 or span[0] > span[1]:
            raise RecipeError(f"--shards {text!r}: expected numbers such as 0-15 or 3,7")
        numbers.update(range(span[0], span[1] + 1))
    return frozenset(numbers)


def _check_numbers(job: Job) -> None:
    """Refuse impossible shard numbers; the number of shards of a new corpus is unknown before it is read."""
    from audiomcq_cli.storage.shards import list_shards

    count = list_shards(job.source)[0].count if job.source else job.shards
    if count and job.only and max(job.only) >= count:
        raise RecipeError(f"--shards: there is no shard {max(job.only)}", hint=f"shards are 0 to {count - 1}")
