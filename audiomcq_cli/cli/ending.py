"""Ends the program with one message, one exit code and, with ``--json``, one JSON document. The only ``try``."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn

from audiomcq_cli.cli.console import out
from audiomcq_cli.cli.streams import open_streams, write_data
from audiomcq_cli.errors import AudiomcqError, InputError, Interrupted, StorageError
from audiomcq_cli.storage.descriptors import advise

DIFFERENT = 12
"""Exit code of ``diff --exit-code`` if the sides differ: a result, not a failure."""


WRONG_USAGE = 2
HELP = frozenset({"-h", "--help"})
ANYWHERE = {"--debug": "debug", "--quiet": "quiet", "-q": "quiet", "--verbose": "verbose", "-v": "verbose"}
"""Switches that may stand anywhere on the line, before or after the command."""


def run_to_end(command: Callable[[list[str]], object], arguments: Sequence[str]) -> NoReturn:
    """Run a command line and exit.

    The switches in ``ANYWHERE`` are removed first. With ``--json`` stdout is one JSON document, even if the command
    ends in an error. The switch is searched for here, so that wrong usage is answered in JSON too.
    """
    given = [argument for argument in arguments if argument not in ANYWHERE]
    asked = {ANYWHERE[argument] for argument in arguments if argument in ANYWHERE}
    open_streams()
    out.quiet, out.verbose = "quiet" in asked, "verbose" in asked and "quiet" not in asked
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    code: Any = 0
    failure: dict[str, Any] = {}
    try:
        command(given)
    except SystemExit as ended:  # Typer has printed the error
        code = ended.code
        if code == 1:  # rich: the reader of the help or of a usage error has gone
            code = 0 if HELP.intersection(given) else WRONG_USAGE
        if code != DIFFERENT:
            failure = _summarise("WrongUsage", "the command line is wrong; stderr says how", code)
    except Exception as error:  # noqa: BLE001 - the outermost handler
        if "debug" in asked:
            traceback.print_exception(error)
        failure = _tell(error)
        code = failure["exit_code"]
    document = out.summary | ({"error": failure} if code and failure else {})
    sys.exit(_write_rest(document if "--json" in given else {}, code))


def _write_rest(document: dict[str, Any], code: Any) -> Any:
    """Write the document, if any, and the rest of Typer's buffer; return the exit code."""
    try:
        if document:
            out.json(document)
        write_data()
    except SystemExit:  # the reader has gone
        pass
    except AudiomcqError as error:
        failure = _tell(error)
        return code or failure["exit_code"]
    return code


def _tell(error: Exception) -> dict[str, Any]:
    """Print an error; return it as plain data."""
    failure = _describe(error)
    out.error(failure["message"], failure["hint"])
    return failure


def _describe(error: Exception) -> dict[str, Any]:
    """Return an error as plain data: kind, message, hint and exit code."""
    code, message, retryable = 1, f"unexpected: {type(error).__name__}: {error}", False
    hint = "run again with --debug for the traceback"
    if isinstance(error, AudiomcqError):
        code, message, hint, retryable = error.exit_code, str(error), error.hint, error.retryable
    elif isinstance(error, FileNotFoundError) and not _has_folder():
        code, message, hint = InputError.exit_code, "the current folder is not there any more", "cd to one that is"
    elif isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        code, message = InputError.exit_code, f"a name cannot be encoded in this locale: {str(error.object)!r}"
        hint = "run it with LC_ALL=C.UTF-8, or rename the file"
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        code, message = StorageError.exit_code, f"{place}{error.strerror or error}"
        hint = advise(error)
    return _summarise(type(error).__name__, message, code, hint, retryable)


def _has_folder() -> bool:
    """Return whether the current folder still exists."""
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd calls this
    except OSError:
        return False
    return True


def _summarise(type_: str, message: str, code: Any, hint: str = "", retryable: bool = False) -> dict[str, Any]:
    return {"type": type_, "message": message, "hint": hint, "retryable": retryable, "exit_code": code}


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End a command that is not running a stage. A stage ends in its own way."""
    from audiomcq_cli.cli.session import command_line

    raise Interrupted("interrupted", hint=f"what is done is kept; this goes on: {command_line()}")
