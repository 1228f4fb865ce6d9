"""Makes the three standard streams usable, whatever they are, before anything is opened.

A shell can close a stream (``2>&-``), put it on a full disk, or give it an encoding that lacks most letters. None of
these may end a run with a traceback: whoever closed stderr wants no messages, and data that cannot be written is an
error.
"""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from audiomcq_cli.errors import StorageError

STDOUT_HINT = "where does stdout go? the disk may be full, or the stream closed"


def open_streams() -> None:
    """Open the null device for each closed descriptor of 0 to 2, and give each text stream a working encoding.

    Otherwise the next file or socket would get the number of a closed stream: uvloop refuses those, and messages would
    be written into it. Writing to the replacement of stdout fails, because losing data is an error; writing to that of
    stderr does not.
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
            reconfigure(errors="backslashreplace")  # for letters that the encoding lacks and paths with lone surrogates


def holds_unicode(stream: TextIO) -> bool:
    """Return whether a stream can encode every text."""
    return (stream.encoding or "utf-8").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def silence(stream: TextIO) -> None:
    """Discard what is still in the buffer of a broken stream: it would fail again at the exit."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # not a stream of the process
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def write_data(text: str = "") -> bool:
    """Write data to stdout and flush it; return whether anyone still reads it.

    Raises:
        StorageError: The data cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as in `| head`: no error, and nothing more to write
        silence(sys.stdout)
        return False
    except OSError as error:
        silence(sys.stdout)
        raise StorageError(f"stdout cannot be written: {error.strerror}", hint=STDOUT_HINT) from error
    return True


def _open(number: int, mode: str) -> Any:
    return open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
