"""Progress of the engine, and the speed of a stage; the command line shows both."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

RECENT = 60.0
"""Seconds over which the rate is measured."""

FEW = 20
"""Least rows over which the rate is measured: if rows take minutes each, the last minute says little."""

SETTLED = 3.0
"""Seconds without a row from the journal after which earlier ones no longer count for the rate."""

BETWEEN = 0.5
"""Least seconds between two points of the rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The progress of some work.

    Attributes:
        what: The stage, or the source that is read.
        unit: Kind of its rows, in the plural: clips, questions, rows.
        done: Finished rows; every reply for them is in the journal, or about to be.
        known: Number of those that the journal answered alone.
        total: Number of all rows; None if unknown.
        about: Whether ``total`` is an estimate.
        size: Bytes to read, if known while rows are not.
        outcomes: Work items kept, rejected and failed.
        rate: Recent rows a second.
        left: Seconds to the end, at that rate.
        from_journal: Whether most recent rows came from the journal, so that the rate says nothing about the others.
        seconds: Seconds so far.
        calls: Calls of this stage in this run.
        prompt_tokens: Prompt tokens of this stage in this run.
        completion_tokens: Reply tokens of this stage in this run.
        cost: Money; None without prices.
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
    """An observer of progress."""

    def begin(self, stage: str, shards: int, rows: int | None) -> None:
        """Begin a stage with a number of shards and, if known, of input rows."""

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        """Count finished input rows and their items kept, rejected and failed.

        ``known``: the journal answered all their requests. Negative counts take back rows that are done again.
        """

    def show(self, standing: Standing) -> None:
        """Show the current progress; called from time to time, even while no row is finished."""

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
    """Counts finished rows, and estimates the recent rate and the time left.

    The rate covers the last ``RECENT`` seconds, or the last ``FEW`` rows if those took longer: a resume passes known
    rows a thousand times faster than new ones, so the mean since the start would be far too high.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = self.known = 0
        self.outcomes: Counter[str] = Counter()
        self._clock = clock
        self._points = deque([_Point(clock(), 0, 0)])

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        """Count rows that are finished, or taken back."""
        self.done += rows
        self.known += rows if known else 0
        for outcome, items in outcomes.items():
            self.outcomes[outcome] += items

    def look(self, total: int | None) -> tuple[float | None, float | None, bool]:
        """Return recent rows a second, seconds for the rest of ``total``, and whether the journal
        answered most rows.
        """
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
        """Return the start of the rate: the first new row after the known ones, which were much faster."""
        asked = next((point for point in self._points if point.known == self.known), self._points[-1])
        return asked if now - asked.at >= SETTLED and self.done > asked.done else self._points[0]

    def _is_enough(self, point: _Point, now: float) -> bool:
        return now - point.at >= RECENT and self.done - point.done >= FEW
