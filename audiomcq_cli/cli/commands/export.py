"""``export``: writes rows in a format that a trainer reads, one subcommand for each format."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.console import describe_reasons, out
from audiomcq_cli.cli.looking import count_of
from audiomcq_cli.cli.options import argument, escape_markup, flag, flags_of, given_flags
from audiomcq_cli.recipe.options import build

if TYPE_CHECKING:
    from audiomcq_cli.engine.exporting.export import ExportReport


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
        argument(
            "target",
            Path,
            "Folder to write: new, empty, or with an earlier export in this format, which is brought up to date.",
            metavar="OUT",
        ),
        *flags_of(options, "Options of this format"),
        flag("strict", bool, "End with an error, and write nothing, where a row would be left out.", default=False),
        flag("json", bool, "Print one machine-readable summary on stdout.", default=False),
    ]

    def command(**values: Any) -> None:
        given = given_flags(options, values)
        _export(name, values["source"], values["target"], given, strict=values["strict"])

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _export(name: str, source: Path, target: Path, given: dict[str, Any], *, strict: bool) -> None:
    from audiomcq_cli.cli.preflight import check_folder
    from audiomcq_cli.engine.exporting.export import ExportJob, run_export

    export = registry.export(name)
    check_folder(target, source)
    options = build(export.options, given)
    job = ExportJob(name=name, export=export, options=options, source=source, target=target, strict=strict)
    report = run_export(job)
    written = report.written
    out.summary["export"] = {
        "format": name,
        "folder": str(target),
        "rows": written.rows,
        "written": written.written,
        "left_out": dict(written.left_out),
        "records": sum(written.records.values()),
        "current": report.current,
        "cause": report.cause,
    }
    _tell(report, source, target)


def _tell(report: ExportReport, source: Path, target: Path) -> None:
    """Say what was written, what was left out and where that is listed."""
    from audiomcq_cli.engine.exporting.rows import LEFT_OUT

    written = report.written
    records = count_of(sum(written.records.values()), "record")
    if report.missing:
        out.say(f"{source}: the stage is not finished: {count_of(report.missing, 'shard')} of it are not there yet")
    if report.cause:
        out.say(f"{target} was written again: {report.cause}")
    if report.current:
        out.say(f"{target} holds this export already: {records}; nothing to do")
    else:
        out.say(f"{records} in {target}")
    if written.left_out:
        reasons = describe_reasons({"left_out": written.left_out})
        left = f"{written.rows:,} in = {written.written:,} written + {written.rows - written.written:,} left out"
        out.say(f"{left} ({reasons}); they are listed in {target / LEFT_OUT}")
