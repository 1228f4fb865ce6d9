"""The commands that look at releases and stage folders: what changed between two, and whether one is whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.console import out, printable
from audiomcq_cli.cli.ending import DIFFERENT
from audiomcq_cli.cli.options import Json
from audiomcq_cli.errors import StorageError

if TYPE_CHECKING:
    from audiomcq_cli.release.check.validate import Report

_PLACE = "A release or stage folder, or a dataset on the Hub as org/name or org/name@revision."

_PRINTED = 100
"""Problems that are printed one by one."""


def validate(
    place: Annotated[str, typer.Argument(metavar="PLACE", help=_PLACE, show_default=False)],
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="Open the audio files and compare them with their rows.")
    ] = True,
    sample: Annotated[
        int | None,
        typer.Option(help="Open the audio of N rows only, evenly spread.", metavar="N", min=1, show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Check a release or a stage folder: files, rows, ids, answers, labels, counts, audio, card.

    Exit code 8 if something is wrong.
    """
    from audiomcq_cli.release.check.validate import validate as check
    from audiomcq_cli.release.tree import open_tree

    report = check(open_tree(place), _columns_of, audio=audio, sample=sample)
    checked = f"{report.rows:,} rows in {report.files:,} files, {_describe_heard(report, wanted=audio)}"
    out.summary["validate"] = {
        "name": report.name,
        "kind": report.kind,
        "version": report.version,
        "files": report.files,
        "rows": report.rows,
        "audio": report.heard,
        "problems": report.total,
        "by_kind": dict(sorted(report.counts.items())),
        "listed": [asdict(problem) for problem in report.problems],
    }
    if not json and report.problems:
        lines = [printable(" ".join(str(problem).split())) for problem in report.problems[:_PRINTED]]
        if report.total > len(lines):
            lines.append(f"… and {report.total - len(lines):,} more")
        out.data("\n".join(lines))
    if report.total:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in report.counts.most_common())
        raise StorageError(
            f"{report.name}: {report.total:,} problem{'s'[: report.total > 1]} ({kinds}) in {checked}",
            hint=_find_hint(report.kind, report.counts),
        )
    out.say(f"{report.name}: nothing wrong: {checked}")


def _describe_heard(report: Report, *, wanted: bool) -> str:
    """Of how many rows the audio was opened, and where it was of none, why."""
    if report.heard:
        return f"audio of {report.heard:,} opened"
    if not wanted:
        return "audio not opened (--no-audio)"
    if report.kind == "release":
        how = 'audio = "embed" under [publish] puts in what licenses allow'
        return f"no audio opened: this release only names its audio ({how})"
    return "no audio opened: no row names an audio file that is there"


def _find_hint(kind: str, problems: Collection[str]) -> str:
    """What mends these kinds of problems."""
    if kind != "release":
        return "run the stage again: what is whole is kept"
    if set(problems) == {"license"}:
        return (
            "publish it again with the licenses: --question-license, or license under [publish] of the recipe, for the"
            " questions; license under [[sources]], or run --license, for the audio"
        )
    return "publish it again from the folder of split"


def _columns_of(stage: str) -> Sequence[str]:
    """The columns that a stage writes; none where it is not known here."""
    stages = registry.stages()
    return stages[stage].writes if stage in stages else ()


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=f"The older one. {_PLACE}", show_default=False)],
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
