from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from audiomcq_cli.engine.executors.workers import CRASHES, Workers
from tests.cli import ROOT
from tests.listening import make_tone, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="who has a file open is seen in /proc")


def holds(process: int, path: Path) -> bool:
    """Whether a process has a file open."""
    with suppress(OSError):
        return any(one.readlink() == path for one in Path(f"/proc/{process}/fd").iterdir())
    return False


@contextmanager
def killing(path: Path, times: int) -> Iterator[list[int]]:
    """Kill the worker that has a file open, as the system does with one that takes too much memory; so many times."""
    ended, killed = threading.Event(), list[int]()

    def watch() -> None:
        while not ended.wait(0.005) and len(killed) < times:
            for child in multiprocessing.active_children():
                if child.pid is not None and child.pid not in killed and holds(child.pid, path):
                    os.kill(child.pid, signal.SIGKILL)
                    killed.append(child.pid)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def analyse(paths: list[Path]) -> list[dict[str, Any]]:
    """Probe files at the same time, in two processes."""

    async def run() -> list[dict[str, Any]]:
        workers = Workers(2)
        try:
            return await asyncio.gather(*(workers.analyse("probe", path, {}) for path in paths))
        finally:
            workers.close()

    return asyncio.run(run())


@pytest.mark.parametrize(("times", "problem"), [pytest.param(1, None, marks=pytest.mark.check), (2, CRASHES)])
def test_clip_that_kills_its_worker(times: int, problem: str | None, tmp_path: Path) -> None:
    """The clips that were in work are tried again; one that ends its process twice is named, and the others go on."""
    long = write(tmp_path / "long.flac", np.zeros(3_000_000, np.int16), 16_000)
    short = [write(tmp_path / f"{number}.wav", make_tone()) for number in range(3)]
    with killing(long, times) as killed:
        found = analyse([short[0], long, *short[1:]])
    assert len(killed) == times
    assert [one.get("duration") for one in found] == [1.0, None if problem else 187.5, 1.0, 1.0]
    assert found[1].get("problem") == problem


CHOOSE = """
from concurrent.futures import ProcessPoolExecutor
from audiomcq_cli.engine.executors.workers import _choose_start

context = _choose_start()
with ProcessPoolExecutor(1, mp_context=context) as pool:
    loaded = pool.submit(eval, "'pyloudnorm' in __import__('sys').modules").result()
print(context.get_start_method(), loaded)
"""


@pytest.mark.parametrize(("folder", "start"), [("short", "forkserver True"), ("long" * 30, "spawn False")])
def test_workers_begin_with_the_libraries(folder: str, start: str) -> None:
    """A worker is a copy of a process that has them; if the path of the folder is too long for a socket, it is not."""
    with TemporaryDirectory(dir="/tmp") as temporary:  # the folder of a test may be too long already
        place = Path(temporary) / folder
        place.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", CHOOSE], cwd=ROOT, env={**os.environ, "TMPDIR": str(place)},
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    assert done.stdout.strip() == start
