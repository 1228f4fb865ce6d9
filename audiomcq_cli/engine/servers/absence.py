"""Measures how long no address could answer, and ends the wait when that is too long."""

from __future__ import annotations

from collections.abc import Callable

from audiomcq_cli.engine.servers.clock import Clock, Timer

ABSENT_AFTER = 120.0
"""Seconds without any reachable address after which the wait ends."""

LOOK_AGAIN = 0.5
"""Least seconds between two checks once the time is over."""


class Absence:
    """Measures the time during which all addresses of a model are gone, and ends the wait."""

    def __init__(self, seconds: float, clock: Clock, give_up: Callable[[], bool]) -> None:
        """Begin; ``give_up`` is called once ``seconds`` are over, repeatedly until it returns true."""
        self.seconds = seconds
        self._clock = clock
        self._give_up = give_up
        self._since: float | None = None
        self._timer: Timer | None = None

    def note(self, gone: bool) -> None:
        """Note whether all addresses are gone now."""
        if not gone:
            self._since = None
        elif self._since is None:
            self._since = self._clock.now()
            if self._timer is None:
                self._timer = self._clock.call_later(self.seconds, self._look)

    def end(self) -> None:
        """Count no more."""
        self._since = None
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left = self._since + self.seconds - self._clock.now()
        if left > 0 or not self._give_up():
            self._timer = self._clock.call_later(max(left, LOOK_AGAIN), self._look)
