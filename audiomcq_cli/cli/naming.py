"""Says which recipe, models, graders and judges apply, before a stage begins: nobody has to know the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.recipe.read import Recipe

ROLES = ("captioners", "writer", "graders", "grader", "judges")
"""Options of stages that name models."""

NOBODY = {
    "graders": "no graders: nobody grades the questions, the rules alone say which are kept",
    "grader": "no grader: nobody grades the reasoning",
    "judges": "no judges: nobody answers without the audio",
}
"""What it means that an option of this name names nobody."""


def name_recipe(recipe: Recipe) -> str:
    """Which recipe applies."""
    if recipe.path is None:
        return "no recipe is given: models and options of examples/laptop.toml"
    return f"recipe {recipe.path}"


def describe_plan(jobs: Sequence[Job], recipe: Recipe) -> list[str]:
    """One line on the recipe and on who is asked, and one for each stage that would grade or judge with nobody.

    Of a stage that asks nobody and never would there is nothing to say.
    """
    named = [(job.name, names) for job in jobs if (names := _name_models(job, recipe))]
    nobody = [
        f"{job.name}: {NOBODY[role]}"
        for job in jobs
        for role, entries in _read_roles(job)
        if role in NOBODY and not entries
    ]
    if len(jobs) == 1 and not named and not nobody:
        return []
    asked = "; ".join(names if len(jobs) == 1 else f"{name}: {names}" for name, names in named)
    before = f"{jobs[0].name}: " if len(jobs) == 1 else ""
    return [f"{before}{name_recipe(recipe)}; {asked or 'no model is asked'}", *nobody]


def _name_models(job: Job, recipe: Recipe) -> str:
    """The models of a stage by what they do there."""
    used = {need.model for need in job.needs}
    parts = []
    for role, names in _read_roles(job):
        entries = [name for name in names if name.partition(":")[0] in used]
        if entries:
            parts.append(f"{role} {', '.join(entries)}")
    models = [f"{name} is {recipe.models[name].model}" for name in sorted(used) if name in recipe.models]
    known = f" ({', '.join(models)})" if models else ""
    return ", ".join(parts) + known if parts else ""


def _read_roles(job: Job) -> list[tuple[str, tuple[str, ...]]]:
    """Every option that names models, with the names in it."""
    found = []
    for one in fields(job.options):
        value: Any = getattr(job.options, one.name)
        if one.name in ROLES:
            found.append((one.name, (value,) if isinstance(value, str) and value else tuple(value)))
    return found
