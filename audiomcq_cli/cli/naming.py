"""Names the recipe, models, graders and judges that apply before a stage begins, so that nobody
must know the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from audiomcq_cli.recipe.read import ROLES

if TYPE_CHECKING:
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.recipe.read import Recipe

NOBODY = {
    "graders": "no graders: nobody grades the questions, the rules alone say which are kept",
    "grader": "no grader: nobody grades the reasoning",
    "judges": "no judges: nobody answers without the audio",
}
"""Message if an option of this name lists no models."""


def name_recipe(recipe: Recipe) -> str:
    """Return a line that names the recipe."""
    if recipe.path is None:
        return "no recipe is given: models and options of examples/laptop.toml"
    return f"recipe {recipe.path}"


def describe_plan(jobs: Sequence[Job], recipe: Recipe) -> list[str]:
    """Return the recipe, a line for each model, and a line for each stage that would grade or judge with no model.

    A stage that uses no model, and that the recipe does not mention, has no line.
    """
    models = _list_uses(jobs)
    nobody = [
        f"{job.name}: {NOBODY[role]}"
        for job in jobs
        for role, entries in _read_roles(job)
        if role in NOBODY and not entries
    ]
    chosen = recipe.path is None and any(recipe.stages.get(job.name) for job in jobs)
    if len(jobs) == 1 and not models and not nobody and not chosen:
        return []
    before = f"{jobs[0].name}: " if len(jobs) == 1 else ""
    asked = "" if models else "; no model is asked"
    lines = [
        f"  {name} = {recipe.models[name].model} ({', '.join(uses)})"
        for name, uses in models.items()
        if name in recipe.models
    ]
    return [f"{before}{name_recipe(recipe)}{asked}", *lines, *nobody]


def _list_uses(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """Return the uses of each model, in the order of the stages."""
    models: dict[str, list[str]] = {}
    for job in jobs:
        used = {need.model for need in job.needs}
        roles = [(role, names) for role, names in _read_roles(job) if names]
        for role, entries in roles:
            ways: dict[str, list[str]] = {}
            for entry in entries:
                name, _, way = entry.partition(":")
                ways.setdefault(name, []).extend([way] if way else [])
            for name in [name for name in ways if name in used]:
                plain = len(roles) == 1 or name == role.removesuffix("s")
                use = job.name if plain else f"{job.name} {role.removesuffix('s')}"
                models.setdefault(name, []).append(f"{use}: {', '.join(ways[name])}" if ways[name] else use)
    return models


def _read_roles(job: Job) -> list[tuple[str, tuple[str, ...]]]:
    """Return every option that names models, with the names in it."""
    found = []
    for one in fields(job.options):
        value: Any = getattr(job.options, one.name)
        if one.name in ROLES:
            found.append((one.name, (value,) if isinstance(value, str) and value else tuple(value)))
    return found
