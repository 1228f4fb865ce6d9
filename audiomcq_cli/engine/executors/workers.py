"""Worker processes for the local analyses of clips.

A file can end the process that decodes it: a decoder crashes, or the system kills a process that takes too much memory.
All work in progress is then lost, and nothing says which clip was the cause. So those clips are tried again one by one,
each alone. A clip that ends its process again is named and rejected, and the others go on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import StorageError
from audiomcq_cli.listening.analyses import run_analysis

CRASHES = "audio_crashes_decoder"
"""Reason code of a clip that ends the process that decodes it."""

_LIBRARIES = ("soundfile", "soxr", "pyloudnorm")
"""Libraries that every analysis, or the probe of each clip, loads."""


class Workers:
    """Processes that start with the first clip, and restart when one of them dies."""

    def __init__(self, count: int) -> None:
        """Have so many."""
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._suspects = 0
        self._alone = asyncio.Lock()
        self._calm = asyncio.Event()
        self._calm.set()

    async def analyse(self, name: str, path: Path, settings: Mapping[str, Any]) -> Row:
        """Run an analysis of a file in a worker; a crash of the process is returned as a ``problem``.

        Raises:
            StorageError: No process can be kept running, whatever the clip.
        """
        await self._calm.wait()  # what is tried alone shares the memory with nothing else
        pool = self._pool = self._pool or self._begin(self._count)
        work = (name, str(path), dict(settings))
        try:
            return await self._run(pool, work)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
        self._suspects += 1
        self._calm.clear()
        try:
            async with self._alone:
                return await self._try_alone(work)
        finally:
            self._suspects -= 1
            if not self._suspects:
                self._calm.set()

    async def _try_alone(self, work: tuple[str, str, dict[str, Any]]) -> Row:
        pool = self._pool = self._pool or self._begin(self._count)
        try:
            await asyncio.get_running_loop().run_in_executor(pool, os.getpid)
        except BrokenProcessPool as error:
            self._pool = None
            message = "the processes that listen to audio end as soon as they begin"
            raise StorageError(message, hint="is there any memory left? run again: what is done is kept") from error
        try:
            return await self._run(pool, work)
        except BrokenProcessPool:
            self._pool = None
            detail = "ended the process that decodes it, twice: a crash, or it takes more memory than there is"
            return {"problem": CRASHES, "detail": detail}

    async def _run(self, pool: ProcessPoolExecutor, work: tuple[str, str, dict[str, Any]]) -> Row:
        return await asyncio.get_running_loop().run_in_executor(pool, run_analysis, *work)

    def _begin(self, count: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(count, mp_context=_choose_start(), initializer=_begin_worker)

    def close(self) -> None:
        """End them."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _choose_start() -> BaseContext:
    """Return the start method of worker processes.

    On Linux a worker is a copy of one process that has loaded the libraries, which takes a second of processor time;
    the copies share its memory. Elsewhere, and if that process cannot start, each worker loads them itself: copies are
    not safe on macOS, and Windows has none.
    """
    if sys.platform == "linux":
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", run_analysis.__module__, *_LIBRARIES])
        with suppress(OSError):  # its socket has no room: the path of the temporary folder is long, or the disk full
            forkserver.ensure_running()
            return context
    return multiprocessing.get_context("spawn")


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
