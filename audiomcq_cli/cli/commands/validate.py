"""``validate``: checks that a release or a stage folder is whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.console import out, printable
from audiomcq_cli.cli.options import Json
from audiomcq_cli.errors import StorageError

if TYPE_CHECKING:
    from audiomcq_cli.release.check.validate import Report

PLACE = "A release or stage folder, or a dataset on the Hub as org/name or org/name@revision."

_PRINTED = 100
"""Number of problems that are printed."""


def validate(
    place: Annotated[str, typer.Argument(metavar="PLACE", help=PLACE, show_default=False)],
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
    """Describe for how many rows the audio was opened, or why it was opened for none."""
    if report.heard:
        return f"audio of {report.heard:,} opened"
    if not wanted:
        return "audio not opened (--no-audio)"
    if report.kind == "release":
        how = 'audio = "embed" under [publish] puts in what licenses allow'
        return f"no audio opened: this release only names its audio ({how})"
    return "no audio opened: no row names an audio file that is there"


def _find_hint(kind: str, problems: Collection[str]) -> str:
    """Suggest how to mend these kinds of problems."""
    if kind != "release":
        return "run the stage again: what is whole is kept"
    if set(problems) == {"license"}:
        return (
            "publish it again with the licenses: --question-license, or license under [publish] of the recipe, for the"
            " questions; license under [[sources]], or run --license, for the audio"
        )
    return "publish it again from the folder of split"


def _columns_of(stage: str) -> Sequence[str]:
    """Return the columns that a stage writes; empty if the stage is unknown here."""
    stages = registry.stages()
    return stages[stage].writes if stage in stages else ()
