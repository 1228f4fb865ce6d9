"""``journal``: packs the journal into one movable file, unpacks it, shows what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiomcq_cli.cli.console import out

if TYPE_CHECKING:
    from audiomcq_cli.engine.journal.pack import StageSum

Workdir = Annotated[
    Path, typer.Argument(metavar="WORKDIR", help="Folder that holds journal/, as build.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable summary on stdout.")]


def add_journal_commands(app: typer.Typer) -> None:
    """Add ``journal`` with its subcommands."""
    group = typer.Typer(help="Move the journal (every reply that was paid for) as one file.", no_args_is_help=True)
    for command in (pack, unpack, info):
        group.command()(command)
    app.add_typer(group, name="journal", rich_help_panel="Corpus")


def pack(
    workdir: Workdir,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.", show_default=False)],
    stage: Annotated[
        list[str] | None,
        typer.Option(help="Take this stage only. Give it once for each.", metavar="STAGE", show_default=False),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace FILE if it exists. Without this flag, an existing FILE is an error."),
    ] = False,
    json: Json = False,
) -> None:
    """Copy all journals of a work folder into one file, for --reuse or unpack on another machine."""
    from audiomcq_cli.engine.journal.pack import pack as put

    _sum_up(put(workdir, file, stage or (), replace=replace))
    out.say(f"{file}: {file.stat().st_size:,} bytes")
    out.summary["journal"] |= {"file": str(file), "file_bytes": file.stat().st_size}


def unpack(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File that pack wrote.", show_default=False)],
    workdir: Workdir,
    json: Json = False,
) -> None:
    """Put the journals of a packed file into a workdir, so that run --replay works there.

    Existing journals gain the replies that they lack; a reply that is already there stays.
    """
    from audiomcq_cli.engine.journal.pack import unpack as put

    _sum_up(put(file, workdir))


def info(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A packed file, or a work folder with journals.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Show what a packed file or a work folder holds, and check it for damage."""
    from audiomcq_cli.engine.journal.pack import summarise

    _sum_up(summarise(path))


def _sum_up(sums: Sequence[StageSum]) -> None:
    for one in sums:
        known = f" ({one.known:,} of them were there already)" if one.known else ""
        journals = f"{one.journals:,} journal{'s' if one.journals != 1 else ''}"
        out.say(f"{one.stage}: {one.replies:,} replies{known} in {journals}, {one.bytes:,} bytes")
    out.summary["journal"] = {"stages": [asdict(one) for one in sums]}
