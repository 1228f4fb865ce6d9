"""What the engine tells while it works, and how fast a stage goes; the command line shows it."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

RECENT = 60.0
"""Seconds that the rate is taken over."""

FEW = 20
"""Rows that the rate is taken over at least: where rows take minutes each, the last minute says little."""

SETTLED = 3.0
"""Seconds without a row from the journal after which those before say nothing more."""

BETWEEN = 0.5
"""Seconds between two points that the rate is taken from, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a piece of work stands.

    Attributes:
        what: The stage, or what is read. unit: What its rows are, in the plural: clips, questions, rows.
        done: Rows whose work has ended; every reply behind them is in the journal, or on its way there.
        known: How many of those the journal answered alone. total: Rows there are in all; None where nobody knows.
        about: Whether ``total`` is an estimate. size: Bytes there are to read, where they are known and rows are not.
        outcomes: Work items kept, rejected and failed. rate: Rows a second lately. left: Seconds to the end, at that
            rate. from_journal: Whether most rows lately came from the journal, which says nothing of the others.
        seconds: So far. calls, prompt_tokens, completion_tokens: Sent and received by this stage in this run.
        cost: In money; None without prices.
    """

    what: str
    unit: str = "rows"
    done: int = 0
    known: int = 0
    total: int | None = None
    about: bool = False
    size: int | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    rate: float | None = None
    left: float | None = None
    from_journal: bool = False
    seconds: float = 0.0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


class Progress(Protocol):
    """Somebody who wants to know."""

    def begin(self, stage: str, shards: int, rows: int | None) -> None:
        """A stage begins, with so many shards and (where known) input rows to do."""

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        """The work on so many input rows has ended, with so many items kept, rejected and failed.

        ``known``: the journal answered all that they asked. Less than nothing takes back what is to be done again.
        """

    def show(self, standing: Standing) -> None:
        """Where the work stands now; told every now and then, also while nothing ends."""

    def say(self, message: str) -> None:
        """Something worth a line."""

    def end(self) -> None:
        """The stage is over."""


@dataclass(frozen=True, slots=True)
class _Point:
    at: float
    done: int
    known: int


class Pace:
    """Rows that are done, how many of them lately, and how long the others will take.

    The rate is that of the last ``RECENT`` seconds, or of the last ``FEW`` rows where those took longer: a resume runs
    through what it knows a thousand times faster than it asks, so the mean since the start would promise too much.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = self.known = 0
        self.outcomes: Counter[str] = Counter()
        self._clock = clock
        self._points = deque([_Point(clock(), 0, 0)])

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        """Count rows that are done, or to be done again."""
        self.done += rows
        self.known += rows if known else 0
        for outcome, items in outcomes.items():
            self.outcomes[outcome] += items

    def look(self, total: int | None) -> tuple[float | None, float | None, bool]:
        """Rows a second lately, seconds that the rest of ``total`` takes, and whether the journal answered most."""
        now = self._clock()
        if now - self._points[-1].at >= BETWEEN:
            self._points.append(_Point(now, self.done, self.known))
        while len(self._points) > 2 and self._is_enough(self._points[1], now):
            self._points.popleft()
        first = self._find_first(now)
        seconds, rows = now - first.at, self.done - first.done
        if seconds < BETWEEN or rows <= 0:
            return None, None, False
        from_journal = 4 * (self.known - first.known) > 3 * rows
        rate = rows / seconds
        left = None if total is None or from_journal else max(0, total - self.done) / rate
        return rate, left, from_journal

    def _find_first(self, now: float) -> _Point:
        """Where the rate begins: with the first row asked once the known ones are through, which were much faster."""
        asked = next((point for point in self._points if point.known == self.known), self._points[-1])
        return asked if now - asked.at >= SETTLED and self.done > asked.done else self._points[0]

    def _is_enough(self, point: _Point, now: float) -> bool:
        return now - point.at >= RECENT and self.done - point.done >= FEW
