"""Ends vLLM's engine when the process that loaded it is gone, even if that was killed.

A killed process cannot end its children, and vLLM's engine does not check whether its parent lives: it would keep the
GPU's memory, and the next run would find none. A small separate process therefore notes the children that this one
starts, waits for its end, and kills those that are left (on Linux, where vLLM runs). Their own children then end by
themselves.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

LOOK_SECONDS = 0.5
"""Seconds between two looks at the children."""


class Guard:
    """The guarding process. It covers all children that this process starts after it."""

    def __init__(self) -> None:
        command = [sys.executable, __file__, str(os.getpid())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if self._process.stdout:
            self._process.stdout.read(1)  # it has begun

    def close(self) -> None:
        """End the guarding process; leave the children that it guards running."""
        self._process.communicate(b".")


def watch(parent: int) -> None:
    """Guard a process until our input ends (the process has ended), or until a word on it says to stop."""
    known = _list_children(parent)
    handles = dict[int, int]()
    sys.stdout.write(".")
    sys.stdout.close()
    while not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        for child in _list_children(parent) - known - set(handles):
            with suppress(ProcessLookupError):
                handles[child] = os.pidfd_open(child)  # no later process with the same number can be mistaken for it
    if not sys.stdin.read():
        for handle in handles.values():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)


def _list_children(parent: int) -> set[int]:
    found = set[int]()
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):  # that thread has ended
            found |= set(map(int, path.read_text().split()))
    return found


if __name__ == "__main__":
    watch(int(sys.argv[1]))
