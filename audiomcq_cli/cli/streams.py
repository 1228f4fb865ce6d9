"""The three streams that a process is started with: made usable, whatever they are, before anything is opened.

A shell can close a stream (``2>&-``), put it on a full disk, or give it an encoding that lacks most letters. None of
that may end a run with a traceback: whoever closed stderr wants no messages, and data that cannot be written is an
error.
"""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from audiomcq_cli.errors import StorageError

STDOUT_HINT = "where does stdout go? the disk may be full, or the stream closed"


def open_streams() -> None:
    """Give the null device to each of the descriptors 0 to 2 that is closed, and every text an encoding that works.

    Else the next file or socket gets its number: uvloop refuses those, and messages would be written into it.
    A write to the stand-in of stdout fails: data that nobody gets is an error. One to that of stderr does not.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    sys.stdin = sys.stdin or _open(0, "r")
    sys.stdout = sys.stdout or _open(1, "w")
    sys.stderr = sys.stderr or _open(2, "w")
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # a letter that the encoding lacks, and a path that is no Unicode


def holds_unicode(stream: TextIO) -> bool:
    """Whether every text can be written to a stream as it is."""
    return (stream.encoding or "utf-8").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def silence(stream: TextIO) -> None:
    """Send what is still to be written to a stream nowhere: it has failed, and would fail again at the exit."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # not one of the process
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def write_data(text: str = "") -> bool:
    """Write data to stdout, with what is left in its buffer; returns whether anyone still reads it.

    Raises:
        StorageError: It cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as in `| head`: nothing is wrong, and nothing more to say there
        silence(sys.stdout)
        return False
    except OSError as error:
        silence(sys.stdout)
        raise StorageError(f"stdout cannot be written: {error.strerror}", hint=STDOUT_HINT) from error
    return True


def _open(number: int, mode: str) -> Any:
    return open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
