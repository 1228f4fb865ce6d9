"""Tells the time and sets timers: the machine's own clock, or one that a test moves.

Everything that waits for servers (addresses, routes, quotas) takes a clock, so that a test goes through hours of
pauses, rests and retries in milliseconds, with timers that fire early and coarse clocks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A pending call of a timer."""

    def cancel(self) -> None:
        """Do not call it."""


class Clock(Protocol):
    """Tells the time and sets timers.

    A timer may fire early, because uvloop's has whole milliseconds. The callback must check ``now`` and wait again if
    it is too soon.
    """

    def now(self) -> float:
        """Return the seconds since some moment in the past; they never decrease."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call a function after about ``seconds``, in the running loop."""

    async def sleep(self, seconds: float) -> None:
        """Wait about ``seconds``."""


class MachineClock:
    """The clock of this machine."""

    def now(self) -> float:
        """As the machine has it."""
        return time.monotonic()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """By the running loop."""
        return asyncio.get_running_loop().call_later(seconds, callback)

    async def sleep(self, seconds: float) -> None:
        """Likewise."""
        await asyncio.sleep(seconds)


MACHINE: Clock = MachineClock()
