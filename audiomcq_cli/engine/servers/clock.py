"""What tells the time and wakes those who wait: the machine's own clock, or one that a test moves.

Everything that waits for servers (addresses, routes, quotas) takes a clock, so that a test goes through hours of
pauses, rests and retries in milliseconds, with timers that fire early and clocks that are coarse.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that will be called later."""

    def cancel(self) -> None:
        """Do not call it."""


class Clock(Protocol):
    """Tells the time and wakes.

    A timer may fire early: uvloop's has whole milliseconds. Whoever is woken looks at ``now`` and waits again if it is
    too soon.
    """

    def now(self) -> float:
        """Seconds since some moment in the past; they never go back."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call something after about so many seconds, in the running loop."""

    async def sleep(self, seconds: float) -> None:
        """Return after about so many seconds."""


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
