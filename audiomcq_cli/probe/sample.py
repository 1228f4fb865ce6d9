"""Chooses the rows to probe if a corpus has too many for time and memory: whole clips and blocks, by hash."""

from __future__ import annotations

from collections.abc import Iterable

from audiomcq_cli.probe.asked import Asked
from audiomcq_cli.records import draw

MOST = 50_000
"""Rows that are looked at: with so many the shares of the whole are known to half a per cent."""


class Sample:
    """Takes rows in any order and keeps at most ``most``; which ones depends on the rows alone.

    A row is kept while the hash of its block (of its clip where it has none) is below a bound; each time there are too
    many the bound is halved. So the bound in the end is the largest that leaves few enough, whatever came first.
    """

    def __init__(self, most: int = MOST) -> None:
        self.seen = 0
        """Number of rows offered."""
        self._most = most
        self._bound = 1 << 64
        self._kept: list[tuple[int, Asked]] = []

    def add(self, rows: Iterable[Asked]) -> None:
        """Offer rows."""
        for row in rows:
            self.seen += 1
            place = draw("probe sample", row.block or row.clip or row.id)
            if place < self._bound:
                self._kept.append((place, row))
                while len(self._kept) > self._most:
                    self._bound //= 2
                    self._kept = [one for one in self._kept if one[0] < self._bound]

    @property
    def rows(self) -> list[Asked]:
        """The rows that were kept."""
        return [row for _, row in self._kept]
