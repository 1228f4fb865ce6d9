"""``diff``: compares two releases or stage folders."""

from __future__ import annotations

from typing import Annotated

import typer

from audiomcq_cli.cli.commands.validate import PLACE
from audiomcq_cli.cli.console import out, printable
from audiomcq_cli.cli.ending import DIFFERENT
from audiomcq_cli.cli.options import Json


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=f"The older one. {PLACE}", show_default=False)],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="The newer one, named in the same way.", show_default=False)
    ],
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, ready for a comment on GitHub.")
    ] = False,
    rows: Annotated[
        int,
        typer.Option(
            help="How many rows to list of each kind of change (0: none). Default: 20.",
            metavar="N",
            min=0,
            show_default=False,
        ),
    ] = 20,
    full: Annotated[
        bool,
        typer.Option("--full", help="Also list journal keys, hashes and provenance, and print changed texts in full."),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help=f"End with exit code {DIFFERENT} if they differ.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what changed between two releases or two folders of a stage: rows, labels, card, recipe, prompts."""
    import shutil

    from audiomcq_cli.release.diff.compare import compare, open_side
    from audiomcq_cli.release.diff.text import as_data, render_markdown, render_text

    found = compare(open_side(old), open_side(new), rows, full=full or json)
    out.summary["diff"] = as_data(found)
    if not json:
        width = shutil.get_terminal_size().columns
        text = render_markdown(found, full=full) if markdown else render_text(found, width=width, full=full)
        out.data(printable(text))
    if exit_code and found.differs:
        raise typer.Exit(DIFFERENT)
