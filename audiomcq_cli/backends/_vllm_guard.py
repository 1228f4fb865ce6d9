"""Ends vLLM's engine when the process that loaded it is gone, however that ended.

A process that is killed cannot end its children, and vLLM's engine does not look whether anybody is left: it would keep
the GPU's memory, and the next run would find none. So a small process of its own notes the children that this one
starts, waits for its end, and kills those that are left (on Linux, where vLLM runs). Theirs end by themselves.
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
"""Between two looks at what children there are."""


class Guard:
    """The process that watches, over all children that this one starts after it."""

    def __init__(self) -> None:
        command = [sys.executable, __file__, str(os.getpid())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if self._process.stdout:
            self._process.stdout.read(1)  # it has begun

    def close(self) -> None:
        """End the watching, and nothing else."""
        self._process.communicate(b".")


def watch(parent: int) -> None:
    """Watch a process until our input ends: with it, or after a word that there is nothing to do."""
    known = _list_children(parent)
    handles = dict[int, int]()
    sys.stdout.write(".")
    sys.stdout.close()
    while not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        for child in _list_children(parent) - known - set(handles):
            with suppress(ProcessLookupError):
                handles[child] = os.pidfd_open(child)  # which no later process of that number can be taken for
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
