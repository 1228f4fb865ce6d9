"""``import``: converts an existing question set into the rows that filter reads."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.commands.stages import MOST_SHARDS, OWN, USUAL_SHARDS, load_recipe, run_stage, shared_flags
from audiomcq_cli.cli.options import argument, as_sentence, escape_markup, flag, flags_of, given_flags
from audiomcq_cli.errors import RecipeError

if TYPE_CHECKING:
    from audiomcq_cli.engine.intake.questions import ImportSpec
    from audiomcq_cli.recipe.read import Recipe

IMPORT = "import"
SET = "Options of the question set"


def add_import_command(app: typer.Typer) -> None:
    """Add the command; its help describes each adapter and has the options of all of them."""
    stage = registry.stages()[IMPORT]
    adapters = {name: registry.importer(name) for name in registry.names("importers")}
    text = "Question set as ADAPTER:PATH (default: the recipe's); the adapters are listed below."
    shards = f"Number of shards, up to {MOST_SHARDS:,} (default: {USUAL_SHARDS})."
    parameters = [
        argument("sets", list[str] | None, text, metavar="SET", required=False),
        argument("target", Path, "Folder to write.", metavar="OUT"),
        *flags_of(stage.options, OWN),
        flag("limit", int | None, "Read only the first N questions of each set.", panel=SET, minimum=1),
        flag(
            "audio", Path | None, "Folder with the audio files (default: the set itself, if it is a folder).", panel=SET
        ),
        flag("name", str | None, "Name of the set in ids and in the column source_dataset.", panel=SET),
        flag("license", str | None, "License of the audio (not of the questions), for rows that name none.", panel=SET),
        flag("origin", str | None, "Where the audio comes from, for rows that do not say.", panel=SET),
        flag("shard_count", int | None, shards, panel=SET, minimum=1),
        *(one for name, kind in adapters.items() for one in flags_of(kind.options, f"Options of {name}")),
        *shared_flags(),
    ]

    def command(**values: Any) -> None:
        recipe = load_recipe(values)
        run_stage(IMPORT, stage, values, recipe, imports=_find_sets(values, recipe))

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    shown = "\n\n".join(f"[bold]{name}[/bold]  {escape_markup(kind.help)}" for name, kind in adapters.items())
    help_ = escape_markup(as_sentence(stage.help))
    app.command(IMPORT, help=help_, epilog=f"Adapters:\n\n{shown}", rich_help_panel="Corpus")(command)


def _find_sets(values: Mapping[str, Any], recipe: Recipe) -> tuple[ImportSpec, ...]:
    from audiomcq_cli.recipe.specs import import_spec

    of_one = ("audio", "name", "license", "origin")
    given = {name: values[name] for name in ("limit", *of_one) if values[name] is not None}
    texts = values["sets"] or []
    if not texts:
        if not recipe.imports:
            hint = "name one as ADAPTER:PATH before OUT, or give a --recipe with [[imports]]"
            raise RecipeError("no question set", hint=hint)
        if wrong := [name for name in of_one if name in given] + _list_own(values):
            hint = "name the set as ADAPTER:PATH before OUT, or set this under [[imports]] in the recipe"
            raise RecipeError(f"{_dash(wrong[0])} is only for a set named on the command line", hint=hint)
        return tuple(replace(spec, limit=given.get("limit", spec.limit)) for spec in recipe.imports)
    if len(texts) > 1:
        raise RecipeError("several question sets", hint="put them into a recipe, each as [[imports]]")
    return (import_spec(texts[0], options=_read_own(texts[0].partition(":")[0], values), **given),)


def _list_own(values: Mapping[str, Any], but: str = "") -> list[str]:
    """Return options that were given but do not belong to the adapter ``but``."""
    importers = {name: registry.importer(name).options for name in registry.names("importers")}
    taken = set(given_flags(importers[but], values)) if but in importers else set()
    return [one for options in importers.values() for one in given_flags(options, values) if one not in taken]


def _read_own(adapter: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the adapter, as a recipe would hold them."""
    from audiomcq_cli.recipe.read import check_flags

    if adapter not in registry.names("importers"):
        return {}  # whoever reads it next refuses it
    if wrong := _list_own(values, but=adapter):
        raise RecipeError(f"{_dash(wrong[0])} is not an option of {adapter}")
    options = registry.importer(adapter).options
    given = given_flags(options, values)
    check_flags(given, options)
    return given


def _dash(name: str) -> str:
    return f"--{name.replace('_', '-')}"
