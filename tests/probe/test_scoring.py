"""Intervals of shares."""

from __future__ import annotations

import numpy as np
import pytest

from audiomcq_cli.probe.scoring import score, wilson
from audiomcq_cli.probe.table import UNIT


def test_the_interval_is_wilsons() -> None:
    """Ten of 40 at 95 % give the limits that textbooks give."""
    assert wilson(0.25, 40, 0.95) == pytest.approx((0.1419, 0.4019), abs=1e-4)


def _score(right: list[bool], related: list[int]) -> tuple[float, float]:
    found = score(np.array(right), np.array(related), np.full(len(right), UNIT // 4), 1)
    return found.low, found.high


def test_rows_that_are_right_together_are_worth_less() -> None:
    """Where rows of a group are all right or all wrong, the interval is that of as many rows as there are groups."""
    right = [place // 5 % 4 == 0 for place in range(200)]
    alone, together = _score(right, list(range(200))), _score(right, [place // 5 for place in range(200)])
    assert alone == pytest.approx(wilson(0.25, 199, 0.95))
    assert together == pytest.approx(wilson(0.25, 39, 0.95))


def test_rows_of_whole_blocks_are_worth_no_more_than_they_are() -> None:
    """Where one of each four is right the sums do not spread at all, and the interval is still that of the rows."""
    right = [place % 4 == 0 for place in range(200)]
    assert _score(right, [place // 4 for place in range(200)]) == pytest.approx(wilson(0.25, 200, 0.95))


@pytest.mark.parametrize("right", [True, False])
def test_all_or_none_right_count_by_groups(right: bool) -> None:
    """Where all rows are right, or none, nothing spreads: each group counts once."""
    assert _score([right] * 100, [place // 10 for place in range(100)]) == pytest.approx(wilson(right, 10, 0.95))


def test_several_intervals_at_once_are_wider() -> None:
    """The intervals of several guessers hold together."""
    right, related, chance = np.arange(100) % 4 == 0, np.arange(100), np.full(100, UNIT // 4)
    one, five = (score(right, related, chance, count) for count in (1, 5))
    assert five.low < one.low < one.high < five.high
