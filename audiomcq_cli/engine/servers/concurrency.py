"""Limits the calls that an address takes at once: a number that falls after refusals, or the knee found while working.

A server with a queue (vLLM) never refuses: past the knee, more calls in flight only wait longer. Throughput shows the
knee; by Little's law it is calls in flight over latency. Latency alone does not: a server that batches gets slower with
every call, long before more calls stop paying off.
"""

from __future__ import annotations

from typing import Protocol

HIGHEST = 1024
"""Most calls in flight to one address when the number is found automatically."""

FIRST = 16
"""Calls in flight at the beginning."""

PAYS = 0.2
"""More calls pay off while twice as many give 2 to this power times the throughput: 15 % more."""

SAMPLES = 50
"""Least calls by which a level is judged (below level 6 a few rounds); four times as many if latencies vary."""

STAY = 32
"""Most windows at the knee before its neighbours are tried again; 2 at first, doubled each time."""

CHANGED = 1.3
"""Factor between throughputs at the same level that means another server or other work."""

HELD = 10
"""Windows for which a level that the server refused is not tried again."""

_TOP = 20  # the level of HIGHEST: levels from 1 on are half powers of two: 1, 2, 3, 4, 6, 8, 11, 16, …


class Limiter(Protocol):
    """Limits the calls in flight to one address."""

    limit: int

    @property
    def found(self) -> int:
        """The limit that was found; 0 while unknown, or if none is searched for."""

    def note(self, began: float, ended: float, in_flight: int) -> None:
        """Note an answered call; ``in_flight`` includes it."""

    def cut(self) -> None:
        """Note refusals because of too many calls (429, 503)."""

    def look(self, running: int, waiting: int, in_flight: int) -> None:
        """Note the server's own count of running and waiting calls."""


class Fixed:
    """A fixed number: halved when the server refuses calls, then raised by one for each round of answers."""

    def __init__(self, number: int) -> None:
        self.limit = number
        self._number = number
        self._answered = 0

    @property
    def found(self) -> int:
        """Nothing is looked for."""
        return 0

    def note(self, began: float, ended: float, in_flight: int) -> None:
        """A call was answered."""
        self._answered += 1
        if self._answered >= self.limit:
            self._answered = 0
            self.limit = min(self._number, self.limit + 1)

    def cut(self) -> None:
        """Halve the limit."""
        self.limit = max(1, self.limit // 2)
        self._answered = 0

    def look(self, running: int, waiting: int, in_flight: int) -> None:
        """Do nothing: the number is fixed."""


class Auto:
    """Finds the number of calls in flight beyond which more do not pay off.

    A level is judged by a window of calls that begin after the first call at this level has ended, so that the level is
    measured and not the change. Levels double while that pays off; then the neighbours of the knee are tried from time
    to time, to follow it up and down. Windows with too little work for the limit do not count. A server that reports
    its queue is trusted instead.
    """

    def __init__(self) -> None:
        self.limit = FIRST
        self._knee = _level_of(FIRST)
        self._throughput = 0.0  # at the knee; 0 where it is not known
        self._step = 2  # levels to try next, up or down; 0: none, for a while
        self._stayed, self._stay_for = 0, 2
        self._held = {_TOP + 1: 1 << 62}  # level: windows for which it is not tried
        self._told = self._met = False  # whether the server tells its queue, and has had one
        self._go(self._knee)

    @property
    def found(self) -> int:
        """The knee, once neither more nor fewer calls are better."""
        if self._told:
            return self.limit if self._met else 0
        return self.limit if not self._step else 0

    def note(self, began: float, ended: float, in_flight: int) -> None:
        """A call was answered."""
        if self._told:
            return
        if in_flight > self.limit:  # of an earlier, higher level
            self._window = _Window()
        elif self._window.add(began, ended, in_flight, self.limit):
            self._judge(self._window)

    def cut(self) -> None:
        """Halve the limit, and block the refused level for a while."""
        self._held[max(2, self._level)] = HELD
        self._knee, self._throughput, self._step = max(1, self._level - 2), 0.0, 1
        self._go(self._knee)

    def look(self, running: int, waiting: int, in_flight: int) -> None:
        """Grow while the server's queue is empty; shrink by what waits, except for a tenth that keeps it busy."""
        self._told = True
        self._met = self._met or waiting > 1 + running / 10
        if waiting > 1 + running / 10:
            share = running / (running + waiting)
            self.limit = max(4, round(1.1 * self.limit * share), self.limit // 2)
        elif waiting == 0 and in_flight >= 0.9 * self.limit - 1:
            self.limit = min(HIGHEST, self.limit + (max(1, self.limit // 8) if self._met else self.limit))

    def _judge(self, window: _Window) -> None:
        if window.in_flight < 0.9 * self.limit:  # not enough work to tell
            self._window = _Window()
            return
        self._held = {level: left - 1 for level, left in self._held.items() if left > 1}
        if self._level == self._knee:
            self._stay(window.throughput)
        else:
            self._compare(window.throughput)
        self._go(self._next())

    def _stay(self, throughput: float) -> None:
        """Handle a new measurement of the knee: try neighbours if it has changed, or been the same for long."""
        known, self._throughput = self._throughput, throughput
        if not known:
            return
        self._stayed += 1
        if not 1 / CHANGED < throughput / known < CHANGED:
            self._throughput, self._step, self._stayed, self._stay_for = (
                0.0,
                1,
                0,
                2,
            )  # the window may hold calls of before the change
        else:
            self._throughput = (throughput + known) / 2
            if self._stayed >= self._stay_for:
                self._step, self._stayed, self._stay_for = 1, 0, min(STAY, 2 * self._stay_for)

    def _compare(self, throughput: float) -> None:
        """Handle a measurement of a neighbour: move there and on if it is better, else try the other direction."""
        if throughput >= self._throughput * (self.limit / _limit_of(self._knee)) ** PAYS:
            self._knee, self._throughput = self._level, throughput
            self._step = 2 if self._step > 0 else -2
        else:
            self._step = -1 if self._step in (1, 2, -2) else 0
            self._stayed = 0

    def _next(self) -> int:
        """Return the level to try: the knee itself if its throughput is unknown or nothing else is to be tried."""
        if not self._throughput:
            return self._knee
        while self._step and not self._is_possible(self._knee + self._step):
            self._step = -1 if self._step in (1, 2, -2) else 0
        return self._knee + self._step

    def _is_possible(self, level: int) -> bool:
        return 0 < level < min(self._held)

    def _go(self, level: int) -> None:
        self._level = level
        self.limit = _limit_of(level)
        self._window = _Window()


class _Window:
    """The calls by which a level is judged."""

    def __init__(self) -> None:
        self._first: float | None = None  # when a call ended
        self._from: float | None = None  # when one ended that began after that: since then calls count
        self._calls = self._flying = 0
        self._seconds = self._squares = 0.0

    @property
    def in_flight(self) -> float:
        """Mean number of calls in flight."""
        return self._flying / self._calls

    @property
    def throughput(self) -> float:
        """Calls a second, by Little's law."""
        return self._flying / max(self._seconds, 1e-9)

    def add(self, began: float, ended: float, in_flight: int, limit: int) -> bool:
        """Count an answered call; return whether there are enough."""
        if self._first is None:
            self._first = ended
        elif self._from is None:
            self._from = ended if began >= self._first else None
        elif began >= self._from:
            self._calls += 1
            self._flying += in_flight
            self._seconds += ended - began
            self._squares += (ended - began) ** 2
            enough = max(limit, min(SAMPLES, 8 * limit))
            return self._calls >= enough and (self._is_good() or self._calls >= 4 * enough)
        return False

    def _is_good(self) -> bool:
        """Return whether the standard error of the mean latency is within a twentieth."""
        mean = self._seconds / self._calls
        return (self._squares / self._calls - mean**2) / self._calls <= (mean / 20) ** 2


def _limit_of(level: int) -> int:
    return round(2 ** (level / 2))


def _level_of(limit: int) -> int:
    return 2 * (limit.bit_length() - 1)
