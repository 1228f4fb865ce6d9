"""``export``: writes rows in a format that a trainer reads, one subcommand for each format."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from audiomcq_cli import records, registry
from audiomcq_cli.cli.console import out
from audiomcq_cli.cli.options import argument, escape_markup, flag, flags_of, given_flags
from audiomcq_cli.errors import InputError
from audiomcq_cli.recipe.options import build


def add_export_commands(app: typer.Typer) -> None:
    """Add ``export`` with one subcommand for each format."""
    group = typer.Typer(help="Write rows in a format that a trainer reads.", no_args_is_help=True)
    for name in registry.names("exports"):
        group.command(name, help=escape_markup(registry.export(name).help))(_make_export(name))
    app.add_typer(group, name="export", rich_help_panel="Corpus")


def _make_export(name: str) -> Callable[..., None]:
    options = registry.export(name).options
    parameters = [
        argument("source", Path, "Stage folder to read.", metavar="IN"),
        argument("target", Path, "Folder to write; it must not hold anything yet.", metavar="OUT"),
        *flags_of(options, "Options of this format"),
        flag("json", bool, "Print one machine-readable summary on stdout.", default=False),
    ]

    def command(**values: Any) -> None:
        _export(name, values["source"], values["target"], given_flags(options, values))

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _export(name: str, source: Path, target: Path, given: dict[str, Any]) -> None:
    """Write a format beside its target and move it into place when it is complete."""
    import shutil

    from audiomcq_cli.cli.preflight import check_folder
    from audiomcq_cli.storage.shards import list_shards, read_rows

    export = registry.export(name)
    shards = list_shards(source)
    check_folder(target, source)
    if target.exists() and any(target.iterdir()):
        raise InputError("the folder is not empty", file=str(target), hint="name a new one as OUT")
    for shard in shards:
        next(read_rows(shard.path, records.QUESTION), None)  # raises if a column is missing
    building = target.resolve().with_name(f".{target.resolve().name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        rows = (row for shard in shards for row in read_rows(shard.path))
        count = export.write(rows, building, build(export.options, given))
        building.replace(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    out.summary["export"] = {"format": name, "folder": str(target), "records": count}
    out.say(f"{count:,} records in {target}")
