"""Clocks of tests, so that no test waits as long as a run does.

A test without servers moves the clock: by hand, or by an event loop that never sleeps but goes to the next timer at
once. With a real server, whose replies take real time, the clock runs faster.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SimulatedClock:
    """A clock that moves when it is told to, and never by itself.

    Attributes:
        time: What it shows. coarse: Seconds of one step that it shows: what lies between is cut off.
        early: Gives the seconds by which the next timer fires too early.
    """

    def __init__(self, coarse: float = 0.0, early: Callable[[], float] = lambda: 0.0) -> None:
        self.time = 0.0
        self.coarse = coarse
        self.early = early

    def now(self) -> float:
        return self.time // self.coarse * self.coarse if self.coarse else self.time

    def call_later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(1e-5, seconds - self.early()), callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HurriedClock:
    """A clock that is so many times as fast as the machine's: pauses between attempts and looks are shorter."""

    def __init__(self, speed: float = 20.0) -> None:
        self.speed = speed

    def now(self) -> float:
        return time.monotonic() * self.speed

    def call_later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds / self.speed, callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


class _Selector(selectors.DefaultSelector):
    """Instead of waiting for files it moves the clock to the next timer."""

    clock: SimulatedClock

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("nothing is left that could wake anybody")
        self.clock.time += timeout
        return super().select(0)


def simulate(clock: SimulatedClock, main: Coroutine[Any, Any, T]) -> T:
    """Run something in a loop whose time is the clock's: hours of waiting take milliseconds."""
    selector = _Selector()
    selector.clock = clock

    class Loop(asyncio.SelectorEventLoop):
        def time(self) -> float:
            return clock.time

    with asyncio.Runner(loop_factory=lambda: Loop(selector)) as runner:
        return runner.run(main)
