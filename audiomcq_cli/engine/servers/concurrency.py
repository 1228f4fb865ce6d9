"""How many calls an address takes at once: a number that gives way to refusals, or the knee found while working.

A server that queues (vLLM) never says that it has had enough: past the knee more calls in flight only wait longer. What
tells is throughput, which by Little's law is calls in flight over latency. Latency alone would not: a server that
batches gets slower with every call it takes, long before more calls stop being worth it.
"""

from __future__ import annotations

from typing import Protocol

HIGHEST = 1024
"""Calls in flight to one address, at most, where the number is found."""

FIRST = 16
"""Calls in flight to begin with."""

PAYS = 0.2
"""More calls are worth it while twice as many give 2 to this power times the throughput: 15 % more."""

SAMPLES = 50
"""Calls that a level is judged by, at least (of a level below 6 a few rounds); four times as many where they vary."""

STAY = 32
"""Windows spent at the knee before its neighbours are tried again, at most; 2 at first, twice as many each time."""

CHANGED = 1.3
"""Where throughput at the same level differs by this factor, the server or the work is another one."""

HELD = 10
"""Windows for which a level that the server refused is not tried again."""

_TOP = 20  # the level of HIGHEST: levels from 1 on are half powers of two: 1, 2, 3, 4, 6, 8, 11, 16, …


class Limiter(Protocol):
    """Says how many calls may be in flight to one address."""

    limit: int

    @property
    def found(self) -> int:
        """The limit that was found to be right; 0 while that is not known, or where nothing is looked for."""

    def note(self, began: float, ended: float, in_flight: int) -> None:
        """A call was answered; ``in_flight`` counts it."""

    def cut(self) -> None:
        """Calls were refused because there are too many (429, 503)."""

    def look(self, running: int, waiting: int, in_flight: int) -> None:
        """The server says how many calls it works on and how many wait."""


class Fixed:
    """A number of the recipe: halved where the server refuses calls, then one more for each round of answers."""

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
        """A number that was chosen is not changed by this."""


class Auto:
    """Finds where more calls in flight stop being worth it.

    A level is judged by a window of calls that begin after the first one that began at this level has ended, so that
    what is measured is the level and not the change. Levels double while that pays; then the neighbours of the knee are
    tried now and again, so that it is followed up and down. Windows with too little work for the limit say nothing.
    A server that tells its queue is believed instead.
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
        """Halve the limit, and hold the level that was refused back for a while."""
        self._held[max(2, self._level)] = HELD
        self._knee, self._throughput, self._step = max(1, self._level - 2), 0.0, 1
        self._go(self._knee)

    def look(self, running: int, waiting: int, in_flight: int) -> None:
        """Grow while nothing waits in the server's queue, and take back what does, but for a tenth that feeds it."""
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
        """The knee was measured once more: look about again where it has changed, or been the same for long."""
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
        """A neighbour of the knee was measured: move there and on if it is better, else look the other way."""
        if throughput >= self._throughput * (self.limit / _limit_of(self._knee)) ** PAYS:
            self._knee, self._throughput = self._level, throughput
            self._step = 2 if self._step > 0 else -2
        else:
            self._step = -1 if self._step in (1, 2, -2) else 0
            self._stayed = 0

    def _next(self) -> int:
        """The level to try: the knee itself where its throughput is not known or nothing else is to be tried."""
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
    """The calls that a level is judged by."""

    def __init__(self) -> None:
        self._first: float | None = None  # when a call ended
        self._from: float | None = None  # when one ended that began after that: since then calls count
        self._calls = self._flying = 0
        self._seconds = self._squares = 0.0

    @property
    def in_flight(self) -> float:
        """Calls in flight, on average."""
        return self._flying / self._calls

    @property
    def throughput(self) -> float:
        """Calls a second, by Little's law."""
        return self._flying / max(self._seconds, 1e-9)

    def add(self, began: float, ended: float, in_flight: int, limit: int) -> bool:
        """Count a call that was answered; returns whether there are enough."""
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
        """Whether the standard error of the mean latency is within a twentieth."""
        mean = self._seconds / self._calls
        return (self._squares / self._calls - mean**2) / self._calls <= (mean / 20) ** 2


def _limit_of(level: int) -> int:
    return round(2 ** (level / 2))


def _level_of(limit: int) -> int:
    return 2 * (limit.bit_length() - 1)
