"""Where units run: in order, a few at a time, and all of them end when one fails."""

from __future__ import annotations

import asyncio

import pytest

from audiomcq_cli.engine.executors.local import OPEN_SHARDS, LocalExecutor
from audiomcq_cli.errors import Interrupted, ModelError


def test_results_come_in_the_order_of_units() -> None:
    """Units that end in another order than they began are returned in theirs."""

    async def work(unit: int) -> int:
        await asyncio.sleep(0.01 * (unit % 3))
        return unit * 2

    assert asyncio.run(LocalExecutor().run(range(10), work)) == [2 * unit for unit in range(10)]


@pytest.mark.parametrize("at_once", [OPEN_SHARDS, 7])
def test_few_units_are_open_at_once(at_once: int) -> None:
    """As many units as it is told are open together, and never more."""
    flying = most = 0

    async def work(unit: int) -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1

    asyncio.run(LocalExecutor().run(range(20), work, at_once))
    assert most == at_once


def test_no_units_are_no_work() -> None:
    """An empty list of units gives an empty list."""

    async def work(unit: int) -> None:
        raise AssertionError

    assert asyncio.run(LocalExecutor().run([], work)) == []


def test_first_error_ends_the_others() -> None:
    """When a unit fails the others are cancelled, those waiting are not begun, and its error is raised."""
    begun, cancelled = [], []

    async def work(unit: int) -> None:
        begun.append(unit)
        if unit == 1:
            raise ModelError("no key")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(unit)
            raise

    with pytest.raises(ModelError, match="no key"):
        asyncio.run(LocalExecutor().run(range(10), work))
    assert begun == [0, 1, 2]
    assert sorted(cancelled) == [0, 2]


def test_interrupted_units_end_by_themselves() -> None:
    """After an interruption nothing is cancelled: each unit ends when its calls in flight have."""
    ended = []

    async def work(unit: int) -> None:
        if unit == 0:
            raise Interrupted("interrupted")
        if unit > 2:
            raise Interrupted("interrupted")  # as every unit does once the run is stopping
        await asyncio.sleep(0.02)
        ended.append(unit)

    with pytest.raises(Interrupted):
        asyncio.run(LocalExecutor().run(range(6), work))
    assert ended == [1, 2]
