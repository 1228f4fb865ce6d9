"""Requests and tokens a minute: never more than is allowed, and all of what is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.engine.servers.quota import BLOCK, Quota, QuotaOwner
from tests.engine.clock import SimulatedClock


def send(owner: QuotaOwner, clock: SimulatedClock, sizes: list[float], workers: int = 1) -> list[float]:
    """When each of several requests of these sizes may be sent, by workers that take turns."""
    quotas = [Quota(owner) for _ in range(workers)]
    times = []
    for number, size in enumerate(sizes):
        while wait := quotas[number % workers].take(size):
            clock.time += wait
        times.append(clock.time)
    return times


def test_without_limits_nothing_waits() -> None:
    """A model without limits is never waited for."""
    clock = SimulatedClock()
    assert set(send(QuotaOwner(None, None, clock), clock, [100.0] * 1_000)) == {0.0}


def test_grants_come_in_blocks() -> None:
    """Workers are granted a block at once, and no more than is there."""
    clock = SimulatedClock()
    assert QuotaOwner(None, None, clock).lease(10).requests == BLOCK
    assert QuotaOwner(180, None, clock).lease(10).requests == 3


@given(per_minute=st.integers(1, 2_000), count=st.integers(1, 300), workers=st.integers(1, 4))
def test_requests_a_minute_hold(per_minute: int, count: int, workers: int) -> None:
    """In every minute no more requests are sent than allowed, but for a second's worth and the blocks held."""
    clock = SimulatedClock()
    times = send(QuotaOwner(per_minute, None, clock), clock, [1.0] * count, workers)
    slack = max(1.0, per_minute / 60) + workers * BLOCK
    for start in times:
        assert sum(start <= time < start + 60 for time in times) <= per_minute + slack


@given(per_minute=st.integers(60, 100_000), sizes=st.lists(st.floats(1, 5_000), min_size=1, max_size=200))
def test_tokens_a_minute_hold(per_minute: int, sizes: list[float]) -> None:
    """In every minute no more tokens are sent than allowed, but for a second's worth, one request and one block."""
    clock = SimulatedClock()
    times = send(QuotaOwner(None, per_minute, clock), clock, sizes)
    slack = per_minute / 60 + max(sizes) * (BLOCK + 1)
    for start in times:
        sent = sum(size for time, size in zip(times, sizes, strict=True) if start <= time < start + 60)
        assert sent <= per_minute + slack


def test_allowance_is_used_up() -> None:
    """A run that is bound by its limit sends at its rate, not below it."""
    clock = SimulatedClock()
    times = send(QuotaOwner(600, None, clock), clock, [1.0] * 1_000)
    assert times[-1] == pytest.approx(99, abs=2)


def test_allowance_is_used_up_whatever_the_sizes() -> None:
    """Requests of changing size do not cost more of the requests a minute than there are of them."""
    clock = SimulatedClock()
    times = send(QuotaOwner(600, None, clock), clock, [10.0, 1_000.0] * 500)
    assert times[-1] == pytest.approx(99, abs=2)


def test_request_larger_than_the_allowance_is_sent() -> None:
    """A request that no second's worth of tokens could pay for waits for a full one and is sent all the same."""
    clock = SimulatedClock()
    times = send(QuotaOwner(None, 600, clock), clock, [5_000.0, 5_000.0])
    assert times[0] == 0.0
    assert times[1] == pytest.approx(500, abs=2)


def test_idle_time_is_not_saved_up() -> None:
    """After an hour without requests no more than a second's worth goes out at once."""
    clock = SimulatedClock()
    owner = QuotaOwner(600, None, clock)
    clock.time = 3_600.0
    times = send(owner, clock, [1.0] * 100)
    assert sum(time == 3_600.0 for time in times) <= 10


def test_tokens_not_used_are_given_back() -> None:
    """Calls that were taken for larger than they were do not slow down those after them."""
    clock = SimulatedClock()
    quota = Quota(QuotaOwner(None, 60_000, clock))
    for _ in range(600):
        while wait := quota.take(3_000):
            clock.time += wait
        quota.correct(3_000, 1_000)
    assert clock.time == pytest.approx(600, abs=30)


def test_tokens_used_beyond_are_paid_for() -> None:
    """Calls that were taken for smaller than they were are made up for by waiting."""
    clock = SimulatedClock()
    quota = Quota(QuotaOwner(None, 60_000, clock))
    for _ in range(100):
        while wait := quota.take(500):
            clock.time += wait
        quota.correct(500, 1_500)
    assert clock.time == pytest.approx(150, abs=20)
