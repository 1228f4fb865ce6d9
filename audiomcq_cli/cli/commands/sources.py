"""``sources``: lists the formats that can be read, and what each expects."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.console import out, printable
from audiomcq_cli.cli.options import Json
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.options import schema_of

Name = Annotated[
    str | None,
    typer.Argument(metavar="ADAPTER", help="Adapter to show in full (default: list all of them).", show_default=False),
]


_KINDS = {"string": "text", "array": "list", "object": "table"}
_WIDEST = 24
"""Longest name that has its text beside it, in characters."""


def sources(adapter: Name = None, json: Json = False) -> None:
    """List the sources: the files, columns and options that each adapter expects."""
    names = registry.names("sources")
    if adapter is not None and adapter not in names:
        raise RecipeError(f"unknown source {adapter!r}", hint=f"there are {', '.join(names)}")
    found = [describe_source(name) for name in ([adapter] if adapter else names)]
    out.summary["sources"] = found
    if json:
        return
    if adapter:
        out.data(printable(_write_whole(found[0])))
        return
    out.table("Sources", ("adapter", "what it reads"), [(one["name"], one["help"]) for one in found])
    out.say("audiomcq sources ADAPTER shows one in full")


def describe_source(name: str) -> dict[str, Any]:
    """Return what is known about a source, as plain data."""
    source = registry.source(name)
    options = schema_of(source.options)["properties"]
    return {
        "name": name,
        "help": source.help,
        "dataset": source.dataset,
        "path": source.layout.path,
        "columns": dict(source.layout.columns),
        "audio": source.layout.audio,
        "rights": source.layout.rights,
        "options": {key: {"type": one["type"], "help": one["description"]} for key, one in options.items()},
    }


def example_of(name: str) -> str:
    """Return a recipe table that reads such a source."""
    path = {"hf": "org/name:config:split"}.get(name, "PATH")
    return f'[[sources]]\nadapter = "{name}"\npath = "{path}"'


def _write_whole(found: dict[str, Any]) -> str:
    lines = [f"{found['name']}: {found['help']}", ""]
    if found["dataset"]:
        lines.append(f"name     {found['dataset']} (in ids and source_dataset; another with name)")
    lines += [f"{head:8} {found[head]}" for head in ("path", "audio", "rights") if found[head]]
    if found["columns"]:
        lines += ["", "columns", *_align(found["columns"])]
    options = {f"{key} ({_KINDS.get(one['type'], one['type'])})": one["help"] for key, one in found["options"].items()}
    lines += ["", "options", *_align(options)] if options else []
    return "\n".join([*lines, "", example_of(found["name"]), ""])


def _align(texts: dict[str, str]) -> list[str]:
    """Return names with their meanings beside them, or below a long name."""
    width = min(_WIDEST, max(map(len, texts)))
    return [
        f"  {name:{width}}  {text}" if len(name) <= width else f"  {name}\n  {'':{width}}  {text}"
        for name, text in texts.items()
    ]
