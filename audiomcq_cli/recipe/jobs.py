"""Makes jobs from a recipe: its stages in order, each with its options, folders and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiomcq_cli import registry
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.planned import count_earlier_shards
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.recipe.check import error_at
from audiomcq_cli.recipe.read import Recipe
from audiomcq_cli.recipe.specs import source_specs

PUBLISH = "publish"
"""The last step of a run. It makes a release and is not a stage."""

WORKDIR = Path("build")


def list_stages(recipe: Recipe, until: str | None = None) -> list[str]:
    """Return the names of the stages of a run in order, ``publish`` last; a run of question sets begins with the stage
    that they join.

    Raises:
        RecipeError: ``until`` is not one of them.
    """
    stages = registry.stages()
    names = [
        name for name, stage in stages.items() if not stage.joins and (not stage.named_only or name in recipe.stages)
    ]
    if recipe.imports:
        names = ["import", *names[names.index(stages["import"].joins) :]]
    names.append(PUBLISH)
    if until is None:
        return names
    if until not in names:
        hint = f"stages of this recipe are {', '.join(names)}"
        raise RecipeError(f"--until {until!r}: no such stage", hint=hint)
    return names[: names.index(until) + 1]


def make_jobs(
    recipe: Recipe, names: Sequence[str], flags: Mapping[str, Mapping[str, Any]], **changes: Any
) -> list[Job]:
    """Return the stages of a run as jobs, each reading the folder of the one before.

    Args:
        recipe: Recipe with its sources.
        names: Names of the stages, in order.
        flags: Options by stage that override the recipe's.
        changes: Fields to set in every job.
    """
    folder = find_workdir(recipe)
    jobs: list[Job] = []
    for name in names:
        reads: dict[str, Any] = (
            {"source": jobs[-1].target} if jobs else {"sources": recipe.sources, "imports": recipe.imports}
        )
        jobs.append(make_job(recipe, name, flags.get(name), target=folder / name, workdir=folder, **reads, **changes))
    return [replace(jobs[0], shards=recipe.shards if recipe.imports else find_shards(recipe)), *jobs[1:]]


def make_job(recipe: Recipe, name: str, flags: Mapping[str, Any] | None = None, **changes: Any) -> Job:
    """Return one stage as a job: the recipe's options overridden by ``flags``, other fields by ``changes``."""
    said: dict[str, Any] = {
        "seed": recipe.seed,
        "keep_broken": recipe.keep_broken,
        "reuse": recipe.reuse,
        "max_failed": recipe.limit("max_failed", name, 0.0),
        "max_rejected": recipe.limit("max_rejected", name, 1.0),
        "expected": recipe.expect.get(name, 1.0),
    }
    return Job(name=name, stage=registry.stages()[name], options=recipe.options(name, flags), **{**said, **changes})


def find_workdir(recipe: Recipe) -> Path:
    """Return the folder that a run builds in."""
    return recipe.workdir or WORKDIR


def find_shards(recipe: Recipe, given: int | None = None) -> int | None:
    """Return the number of shards of a new corpus; None where its clips decide.

    ``given`` on the command line counts before the recipe's. Blocks of an earlier version that the recipe names fix it.

    Raises:
        InputError: The file of the earlier version does not say its number of shards, and nothing else does.
        RecipeError: The number is another than that of the earlier version.
    """
    for name, stage in registry.stages().items():
        path = recipe.stages.get(name, {}).get(stage.earlier.option) if stage.earlier else None
        if path and Path(path).is_file():
            return inherit_shards(Path(path), recipe, given)
    return given or recipe.shards


def inherit_shards(path: Path, recipe: Recipe, given: int | None = None) -> int:
    """Return the number of shards of the version that kept a file of blocks: each of its blocks lies within one shard.

    Raises:
        InputError: The file does not say it, and neither the recipe nor ``given`` does.
        RecipeError: ``given``, or the recipe, says another.
    """
    wanted, found = given or recipe.shards, count_earlier_shards(path)
    if found is None and wanted is None:
        hint = "name .audiomcq/blocks.parquet of the generate folder of the earlier version, or an unchanged copy of it"
        raise InputError("holds no blocks with the number of their shards", file=str(path), hint=hint)
    if found is None or wanted is None or found == wanted:
        return found or wanted or 1
    message = f"the earlier blocks lie in {found} shard{'s'[: found != 1]}, and a block lies within one: {path}"
    if given:
        raise RecipeError(f"--shard-count {given}: {message}", hint="leave --shard-count out")
    hint = f"leave shards out, or write shards = {found}"
    if recipe.path is None:
        raise RecipeError(message, hint=hint)
    raise error_at(recipe.path, recipe.text, ["project", "shards"], message, hint)


OF_SOURCES = ("limit", "sample", "audio", "name", "license")
"""Flags about sources; the last three describe one that the command line names."""


def choose_sources(texts: Sequence[str], recipe: Recipe, given: Mapping[str, Any]) -> tuple[SourceSpec, ...]:
    """Return the sources of the command line, else the recipe's, changed by the flags about sources.

    Raises:
        RecipeError: A flag is for one source, and the command line names several or none.
    """
    of_one = sorted(set(given) - {"limit", "sample"})
    if not texts:
        if of_one:
            raise RecipeError(f"--{of_one[0]} describes a source on the command line, but none is named")
        return tuple(replace(spec, **given) for spec in recipe.sources)
    if len(texts) > 1 and of_one:
        raise RecipeError(f"--{of_one[0]} is for one source", hint="put several sources into a recipe")
    return source_specs(texts, **given)
