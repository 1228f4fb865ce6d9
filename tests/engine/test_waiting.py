"""Nobody waits for ever: whatever servers answer and whenever timers fire, every call ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Call, Completion, Message
from audiomcq_cli.engine.servers.concurrency import Auto, Fixed
from audiomcq_cli.engine.servers.endpoint import Endpoint
from audiomcq_cli.engine.servers.endpoints import Endpoints
from audiomcq_cli.engine.servers.quota import Quota, QuotaOwner
from audiomcq_cli.engine.servers.route import Route
from audiomcq_cli.engine.servers.traffic import Traffic
from audiomcq_cli.errors import (
    AccountExhausted,
    AudiomcqError,
    AuthenticationFailed,
    CallDenied,
    CallRefused,
    CallUnavailable,
    EndpointUnreachable,
    ModelAbsent,
)
from tests.engine.clock import SimulatedClock, simulate

CALL = Call(messages=(Message("user", "rain"),), sampling={}, prompt="ask")

LONG = 8 * 3_600.0
"""Seconds after which a call that has not ended hangs: pauses and rests end within minutes, attempts after a few."""

DENIED = CallDenied("no", code="status_403", problem=AuthenticationFailed("no"))

ANSWERS: Sequence[tuple[float, AudiomcqError | None]] = (
    (8.0, None),
    (2.0, CallUnavailable("busy", code="status_429", busy=True)),
    (2.0, CallUnavailable("busy", code="status_429", retry_after=0.0)),
    (1.0, CallUnavailable("busy", code="status_429", retry_after=0.0007)),
    (1.0, CallUnavailable("busy", code="status_503", retry_after=90.0)),
    (1.0, CallUnavailable("broken", code="status_500")),
    (1.0, CallUnavailable("gone", code="connection", down=True)),
    (1.0, CallUnavailable("cut", code="connection")),
    (0.5, CallRefused("too long", code="status_400")),
    (0.5, DENIED),
    (0.1, AccountExhausted("no money")),
)


@dataclass(frozen=True)
class Weather:
    """How servers and clocks behave in one run."""

    seed: int
    addresses: int
    limit: int
    calls: int
    attempts: int
    coarse: float
    early: float
    per_minute: int | None
    tokens: int | None
    storm: float
    dead: bool


WEATHER = st.builds(
    Weather,
    seed=st.integers(0, 2**32),
    addresses=st.integers(1, 3),
    limit=st.integers(1, 6),
    calls=st.integers(1, 40),
    attempts=st.integers(1, 5),
    coarse=st.sampled_from([0.0, 0.001, 0.016]),
    early=st.sampled_from([0.0, 0.0009, 0.02]),
    per_minute=st.sampled_from([None, 30, 600]),
    tokens=st.sampled_from([None, 600, 60_000]),
    storm=st.floats(0, 1),
    dead=st.booleans(),
)


class Address:
    """A server that answers as its weather is."""

    def __init__(self, weather: Weather, chance: random.Random) -> None:
        self._weather = weather
        self._chance = chance

    async def check(self) -> None:
        await asyncio.sleep(self._chance.choice((0.0, 0.01, 3.0)))
        if self._weather.dead or self._chance.random() < self._weather.storm / 2:
            raise EndpointUnreachable("nothing answers", down=self._chance.random() < 0.5)

    async def send(self, call: Call) -> Completion:
        chance = self._chance
        await asyncio.sleep(chance.choice((0.0, 0.0004, 0.01, 1.0, 100.0)))
        weights = [weight if error is None else weight * self._weather.storm for weight, error in ANSWERS]
        [(_, error)] = chance.choices(ANSWERS, weights)
        if self._weather.dead:
            error = CallUnavailable("gone", code="connection", down=True)
        if error is not None:
            raise error
        return Completion(text="fine", prompt_tokens=10, completion_tokens=5)

    async def close(self) -> None:
        pass


async def send(endpoints: Endpoints, weather: Weather) -> Completion:
    """What the runtime does with a call."""
    async for leg in Route(endpoints, 50.0, weather.attempts, endpoints.clock.sleep):
        with leg:
            return await leg.send(CALL)
    raise AssertionError("a route ends by raising")


async def work(weather: Weather, clock: SimulatedClock, chance: random.Random) -> list[object]:
    """Send calls, some of which are given up; what came of each."""
    each = [
        Endpoint(
            "m",
            f"http://{number}",
            Address(weather, chance),
            Auto() if weather.limit == 6 else Fixed(weather.limit),
            Quota(QuotaOwner(weather.per_minute, weather.tokens, clock)),
            lambda line: None,
            clock,
        )
        for number in range(weather.addresses)
    ]
    endpoints = Endpoints("writer", each, traffic=Traffic(), clock=clock)
    tasks = []
    for _ in range(weather.calls):
        tasks.append(asyncio.create_task(send(endpoints, weather)))
        if chance.random() < 0.2:
            asyncio.get_running_loop().call_later(chance.uniform(0, 30), tasks[-1].cancel)
        if chance.random() < 0.3:
            await asyncio.sleep(chance.uniform(0, 2))
    _, hanging = await asyncio.wait(tasks, timeout=LONG)
    assert not hanging, f"{len(hanging)} of {len(tasks)} calls wait and nothing wakes them"
    assert [one.in_flight for one in each] == [0] * len(each)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await endpoints.close()
    return list(results)


def run(weather: Weather) -> list[object]:
    chance = random.Random(weather.seed)
    clock = SimulatedClock(weather.coarse, lambda: chance.uniform(0, weather.early))
    return simulate(clock, work(weather, clock, chance))


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a run that hangs goes through hours of ticks: one is enough
    suppress_health_check=list(HealthCheck),
)
@given(weather=WEATHER)
def test_every_call_ends(weather: Weather) -> None:
    """Refusals, pauses, quotas, failures, rests, calls given up, timers that fire early, coarse clocks: no call hangs,
    and each ends in an answer or in an error of ours."""
    for result in run(weather):
        assert isinstance(result, Completion | AudiomcqError | asyncio.CancelledError), repr(result)


CALM = Weather(
    seed=1, addresses=1, limit=4, calls=30, attempts=3, coarse=0.0, early=0.0, per_minute=None, tokens=None,
    storm=0.0, dead=False,
)  # fmt: skip


@pytest.mark.parametrize("early", [0.0, 0.0005, 0.001, 0.01])
@pytest.mark.parametrize("coarse", [0.0, 0.001])
def test_timer_that_fires_early_is_set_again(early: float, coarse: float) -> None:
    """All calls wait for the end of one pause, and the only timer goes off before it: they are sent all the same."""

    async def wait(clock: SimulatedClock) -> int:
        one = Endpoint("m", "a", Address(CALM, random.Random(1)), Fixed(4), Quota(QuotaOwner(None, None)), print, clock)
        endpoints = Endpoints("writer", [one], traffic=Traffic(), clock=clock)
        one.paused_until = 0.5
        results = await asyncio.gather(*(send(endpoints, CALM) for _ in range(30)))
        await endpoints.close()
        return len(results)

    clock = SimulatedClock(coarse, lambda: early)
    assert simulate(clock, wait(clock)) == 30


def test_nobody_left_ends_the_wait() -> None:
    """Where no address takes a connection every call ends after the stated time, none by its attempts."""
    dead = replace(CALM, dead=True, addresses=3, attempts=1)
    assert {type(result) for result in run(dead)} <= {ModelAbsent, asyncio.CancelledError}
