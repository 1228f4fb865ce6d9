"""The command line: the table of all commands."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
import typer.main

from audiomcq_cli import __version__
from audiomcq_cli.cli.belonging import RunCommand
from audiomcq_cli.cli.commands.demo import demo
from audiomcq_cli.cli.commands.diff import diff
from audiomcq_cli.cli.commands.export import add_export_commands
from audiomcq_cli.cli.commands.importing import add_import_command
from audiomcq_cli.cli.commands.journal import add_journal_commands
from audiomcq_cli.cli.commands.probe import probe
from audiomcq_cli.cli.commands.publish import publish
from audiomcq_cli.cli.commands.recipe_schema import recipe_schema
from audiomcq_cli.cli.commands.run import run
from audiomcq_cli.cli.commands.sources import sources
from audiomcq_cli.cli.commands.stages import add_stage_commands
from audiomcq_cli.cli.commands.status import status
from audiomcq_cli.cli.commands.trace import trace
from audiomcq_cli.cli.commands.validate import validate
from audiomcq_cli.cli.console import out
from audiomcq_cli.cli.ending import HELP, run_to_end

METAVARS = {"int": "N", "float": "X", "Path": "PATH"}

EPILOG = (
    "Exit codes: 0 done, 1 unexpected error, 2 wrong usage, 3 bad input, 4 recipe or option, 5 model or server,"
    " 6 incomplete (some rows failed: run again), 7 replay misses a reply, 8 storage, 9 budget used up (run again),"
    " 10 too many rejected, 11 the Hub refuses or does not answer, 12 different (diff --exit-code), 13 too guessable,"
    " 130 interrupted."
)


def make_app() -> typer.Typer:
    """Put the commands together, stages first and in order."""
    app = typer.Typer(
        help="Turn captioned audio into a multiple-choice-question corpus with weak/strong audio-contribution labels.",
        epilog=EPILOG,
        no_args_is_help=True,
        context_settings={"help_option_names": sorted(HELP)},
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_shared)
    add_stage_commands(app)
    app.command(rich_help_panel="Stages, in order")(publish)
    add_import_command(app)
    for command in (demo, run, status, trace, probe, diff, validate, sources, recipe_schema):
        app.command(rich_help_panel="Corpus", cls=RunCommand if command is run else None)(command)
    add_journal_commands(app)
    add_export_commands(app)
    return app


def make_command() -> Any:
    """Return the whole command line, with uniform names for values in the help."""
    command = typer.main.get_command(make_app())
    tidy(command)
    return command


def tidy(command: Any, parent: Any = None) -> None:
    """Name values N, X, PATH and TEXT, give switches no value name, and write arguments in the usage line as the docs
    do.
    """
    context = command.context_class(command, parent=parent, **command.context_settings)
    for one in (*command.params, command.get_help_option(context)):
        if one.param_type_name == "argument":
            one.display_type_rich = lambda ctx: None  # its name says what it is
            one.get_usage_pieces = lambda ctx, one=one: [write_usage(one)]
        elif one.metavar is None:
            one.metavar = "" if one.is_flag else METAVARS.get(one.bare_type(), "TEXT")
    for child in getattr(command, "commands", {}).values():
        tidy(child, context)


def write_usage(argument: Any) -> str:
    """Return an argument as the usage line shows it: ``DIR``, ``[RECIPE]``, ``[ID...]``."""
    name = name_argument(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def name_argument(argument: Any) -> str:
    """Return the name of an argument, without brackets."""
    return str(argument.metavar).strip("[]")


def main() -> None:
    """Run the command line to its end."""
    run_to_end(lambda arguments: make_command()(args=arguments, prog_name="audiomcq"), sys.argv[1:])


def _print_version(wanted: bool) -> None:
    if wanted:
        out.data(f"audiomcq {__version__}")
        raise typer.Exit


def _shared(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of an error (may be placed anywhere on the command line)."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only (may be placed anywhere on the command line).")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Print more: options, servers, files (may be placed anywhere on the command line)."
        ),
    ] = False,
) -> None:
    pass
