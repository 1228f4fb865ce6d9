"""How the program ends: one message, one exit code and, where it is asked for, one JSON document. The only ``try``."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn

from audiomcq_cli.cli.console import out
from audiomcq_cli.errors import AudiomcqError, Interrupted, StorageError
from audiomcq_cli.storage.descriptors import advise

DIFFERENT = 12
"""Exit code of ``diff --exit-code`` where the two differ: an answer, no failure."""


def run_to_end(command: Callable[[list[str]], object], arguments: Sequence[str]) -> NoReturn:
    """Run a command line and exit.

    ``--debug`` may stand anywhere. With ``--json`` stdout is one JSON document, also where the command ends in an
    error; it is looked for here, so that wrong usage is answered so too.
    """
    given = [argument for argument in arguments if argument != "--debug"]
    debug = len(given) < len(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    code: Any = 0
    failure: dict[str, Any] = {}
    try:
        command(given)
    except SystemExit as ended:  # Typer has printed what there is to say
        code = ended.code
        if code != DIFFERENT:
            failure = _summarise("WrongUsage", "the command line is wrong; stderr says how", code)
    except Exception as error:  # noqa: BLE001 - nothing stands above this
        if debug:
            traceback.print_exception(error)
        failure = _describe(error)
        code = failure["exit_code"]
        out.error(failure["message"], failure["hint"])
    document = out.summary | ({"error": failure} if code and failure else {})
    if document and "--json" in given:
        out.json(document)
    sys.exit(code)


def _describe(error: Exception) -> dict[str, Any]:
    """What an error is to the outside: its kind, message, hint and exit code."""
    code, message, retryable = 1, f"unexpected: {type(error).__name__}: {error}", False
    hint = "run again with --debug for the traceback"
    if isinstance(error, AudiomcqError):
        code, message, hint, retryable = error.exit_code, str(error), error.hint, error.retryable
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        code, message = StorageError.exit_code, f"{place}{error.strerror or error}"
        hint = advise(error)
    return _summarise(type(error).__name__, message, code, hint, retryable)


def _summarise(type_: str, message: str, code: Any, hint: str = "", retryable: bool = False) -> dict[str, Any]:
    return {"type": type_, "message": message, "hint": hint, "retryable": retryable, "exit_code": code}


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End a command that is not at work on a stage: those stop in their own way."""
    from audiomcq_cli.cli.session import command_line

    raise Interrupted("interrupted", hint=f"what is done is kept; this goes on: {command_line()}")
