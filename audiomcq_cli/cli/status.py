"""The command that tells how far a corpus is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.console import describe_reasons, describe_spent, out
from audiomcq_cli.cli.options import Json

if TYPE_CHECKING:
    from audiomcq_cli.engine.status import StageStatus


def status(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that a run builds in, or a stage's.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Tell what is done, left, failed and spent, and the command that goes on; while a run is going and after."""
    from audiomcq_cli.engine.status import read_status

    found = read_status(folder, list(registry.stages()))
    out.summary["stages"] = [asdict(one) for one in found]
    if json:
        return
    columns = ("stage", "state", "shards", "in", "kept", "rejected", "failed", "rows left")
    rows = [
        (
            one.stage,
            f"{one.state} ({one.how})" if one.how else one.state,
            f"{one.shards_done} of {one.shards}",
            *(one.items[name] for name in ("in", "kept", "rejected", "failed")),
            "?" if one.rows_left is None else f"{one.rows_left:,}",
        )
        for one in found
    ]
    out.table(str(folder), columns, rows)
    for one in found:
        _tell_more(one)
    if open_stages := [one for one in found if one.state != "done" or one.items["failed"]]:
        command = open_stages[0].command
        if command and open_stages[0].state != "running":
            out.say(f"to go on: {command}")


def _tell_more(one: StageStatus) -> None:
    for outcome in ("rejected", "failed"):
        if one.reasons[outcome]:
            out.say(f"{one.stage}: {outcome}: {describe_reasons({outcome: one.reasons[outcome]})}")
    if one.calls:
        out.say(f"{one.stage}: {describe_spent(asdict(one))}, {one.seconds:,.0f} s at work")
    for run in one.runs:
        at_work = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(one.at_work.items()))
        out.say(f"{one.stage}: at work: process {run['pid']} on {run['host']}: {at_work or 'just begun'}")
