"""Ends vLLM's processes when the process that loaded it is gone, however that ended.

A process that is killed cannot end its children, and vLLM's engine does not look whether anybody is left: it would keep
the GPU's memory, and the next run would find none. So a small process of its own waits for the end of this one, and
finds them by a mark in the environment that they were started with (on Linux, where vLLM runs).
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "AUDIOMCQ_VLLM"
"""Name of the variable that holds the mark."""


class Guard:
    """The process that watches, over all that is started while ``marking``."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex()
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._mark], stdin=subprocess.PIPE, start_new_session=True
        )

    @contextmanager
    def marking(self) -> Iterator[None]:
        """Mark the processes that are started meanwhile; theirs bear the mark as well."""
        os.environ[MARK] = self._mark
        try:
            yield
        finally:
            del os.environ[MARK]

    def close(self) -> None:
        """End what bears the mark and is still there, and then the watching."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()


def end_marked(mark: str) -> None:
    """Kill every process that bears a mark."""
    wanted = f"{MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # of another user, or gone
            if wanted in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)


if __name__ == "__main__":
    sys.stdin.read()  # ends when the other end is closed: by us, or by the end of the process
    end_marked(sys.argv[1])
