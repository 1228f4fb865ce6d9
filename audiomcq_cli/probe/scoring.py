"""Counts right guesses, compares them with chance, and gives an interval.

The interval is Wilson's, for as many rows as the guesses are worth: rows of one clip, block or cluster are not right
independently of each other, and the spread of the sums of such groups says how many independent rows would spread as
much. It is a formula over whole numbers: a bootstrap would say much the same, slower, and depend on its draws. As
several guessers are compared and the best is told, each interval is so wide that all of them hold together in 95 % of
cases (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from audiomcq_cli.probe.table import UNIT

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """The share of rows guessed right, with its interval and the share by chance."""

    rows: int
    right: int
    low: float
    high: float
    chance: float

    @property
    def share(self) -> float:
        """The share that is right."""
        return self.right / self.rows

    @property
    def excess(self) -> float:
        """Share above chance."""
        return self.share - self.chance


def score(
    right: np.ndarray[Any, np.dtype[np.bool_]],
    related: np.ndarray[Any, np.dtype[np.int64]],
    chances: np.ndarray[Any, np.dtype[np.int64]],
    at_once: int,
) -> Share:
    """Score guesses of at least one row.

    Args:
        right: Whether the guess of each row is. related: The group of each row. chances: In parts of ``UNIT``.
        at_once: How many intervals are to hold together.
    """
    rows, hits = len(right), int(right.sum())
    worth = _count_worth(right, related)
    low, high = wilson(hits / rows, worth, 1 - (1 - CONFIDENCE) / at_once)
    return Share(rows, hits, low, high, int(chances.sum()) / UNIT / rows)


def wilson(share: float, rows: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share of so many independent rows."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    middle = share + z * z / (2 * rows)
    spread = z * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    whole = 1 + z * z / rows
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def _count_worth(right: np.ndarray[Any, Any], related: np.ndarray[Any, Any]) -> float:
    """Return the number of independent rows with the same spread: from 1 to the number of rows."""
    import numpy as np

    counted = np.bincount(related)
    there = counted > 0
    sizes, hits = counted[there], np.bincount(related[right], minlength=len(counted))[there]
    rows, total, groups = len(right), int(right.sum()), len(sizes)
    if total in (0, rows) or groups == 1:
        return groups
    kinds, counts = np.unique(sizes * (rows + 1) + hits, return_counts=True)
    squares: int = sum(
        count * (kind % (rows + 1) * rows - total * (kind // (rows + 1))) ** 2
        for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True)
    )  # in whole numbers of any size: the order of rows does not show
    if not squares:
        return rows
    return min(rows, max(1.0, total * (rows - total) * rows * rows * (groups - 1) / (squares * groups)))
