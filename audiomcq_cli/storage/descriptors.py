"""Raises the limit of open files, and explains the error when it is reached.

A stage holds a lock for each of its shards, and a journal and two files for each shard that is open. If the system's
usual 1,024 is too low, the program raises its limit as far as it may.
"""

from __future__ import annotations

import errno
import os

try:
    import resource  # imported now: when no file can be opened any more, no module can be imported either
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

UNWRITABLE = (
    "is the disk full, the folder gone, or not yours to write? with that mended, run again: what is done is kept"
)
"""Hint for a file that cannot be written."""

MOST = 65_536
"""Most open files that are requested: far more than a stage needs, and few enough for the system's table of them."""

RESERVED = 512
"""Open files that a run needs beside its locks: 64 shards at once with four each, connections, workers, libraries."""


def raise_limit() -> int:
    """Raise this process's limit of open files as far as allowed; return the new limit."""
    if resource is None:
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    wanted = MOST if hard == endless else min(hard, MOST)
    if soft != endless and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # a system that allows less than it says
            wanted = soft
        return wanted
    return MOST if soft == endless else soft


def is_exhausted(error: BaseException | None = None) -> bool:
    """Return whether the limit of open files is reached: by the error, or, for libraries that hide it, by a test."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        error = error.__cause__
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as found:
        return found.errno in (errno.EMFILE, errno.ENFILE)
    return False


def advise(error: BaseException | None = None) -> str:
    """Return the hint for a file that cannot be opened or written."""
    if not is_exhausted(error):
        return UNWRITABLE
    return (
        f"too many files are open: this process may have {raise_limit():,}; allow it more (ulimit -n 65536), or work on"
        " fewer shards at a time (--shards 0-99); what is done is kept"
    )
