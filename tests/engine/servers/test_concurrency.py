"""Concurrency that is found: against a simulated server, the limit comes to where more calls stop being worth it."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from audiomcq_cli.engine.servers.concurrency import FIRST, HIGHEST, Auto, Fixed, Limiter


@dataclass
class Queueing:
    """A server that works on ``slots`` calls at once and lets the others wait, and a client that keeps to a limit.

    A call takes a second, give or take ``noise`` (standard deviation), times ``slower`` of the calls being worked on.
    ``work`` is how many calls there are to send at once; ``refuses`` those in flight beyond which it answers 429.
    """

    limiter: Limiter
    slots: int
    noise: float = 0.0
    slower: Callable[[int], float] = lambda running: 1.0
    work: int = 1 << 30
    refuses: int = 1 << 30
    tells: bool = False
    now: float = 0.0
    limits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(7)
        self._waiting: list[float] = []
        self._running: list[tuple[float, int, float]] = []
        self._count = 0
        self._looked = 0.0

    def answer(self, calls: int) -> list[int]:
        """Answer so many calls; the limits while it did."""
        for _ in range(calls):
            self._fill()
            ended, _, began = heapq.heappop(self._running)
            self.now = ended
            if not self.tells:
                self.limiter.note(began, ended, self.in_flight + 1)
            elif self.now - self._looked >= 2:
                self._looked = self.now
                self.limiter.look(len(self._running), len(self._waiting), self.in_flight)
            self.limits.append(self.limiter.limit)
        return self.limits[-calls:]

    @property
    def in_flight(self) -> int:
        return len(self._waiting) + len(self._running)

    def _fill(self) -> None:
        while self.in_flight < min(self.limiter.limit, self.work):
            if self.in_flight >= self.refuses:
                self.limiter.cut()
                break
            self._waiting.append(self.now)
        while self._waiting and len(self._running) < self.slots:
            self._count += 1
            seconds = max(0.05, self._random.gauss(1, self.noise)) * self.slower(len(self._running) + 1)
            heapq.heappush(self._running, (self.now + seconds, self._count, self._waiting.pop(0)))


def share(limits: list[int], low: float, high: float) -> float:
    """Share of the limits that lie within bounds."""
    return sum(low <= limit <= high for limit in limits) / len(limits)


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("slots", [4, 32, 128])
def test_knee_is_found(slots: int, noise: float) -> None:
    """From a few hundred calls on the limit lies between the server's slots and twice as many."""
    server = Queueing(Auto(), slots, noise)
    first = next(number for number, limit in enumerate(server.answer(2_000)) if 0.9 * slots <= limit <= 2 * slots)
    assert first <= 700
    assert share(server.answer(6_000), 0.7 * slots, 2 * slots) > 0.85


@pytest.mark.parametrize("tells", [False, True])
@pytest.mark.parametrize(("before", "after"), [(32, 128), (32, 8), (128, 4), (4, 64)])
def test_knee_is_followed(before: int, after: int, tells: bool) -> None:
    """A server that gets more slots or fewer is followed, up and down."""
    server = Queueing(Auto(), before, 0.2, tells=tells)
    server.answer(3_000)
    server.slots = after
    server.answer(6_000)
    assert share(server.answer(2_000), 0.7 * after, max(4, 2 * after)) > 0.9


def test_server_that_batches_is_used() -> None:
    """Latency that grows with every call is no reason to stop while throughput grows as well."""
    server = Queueing(Auto(), 10_000, 0.2, slower=lambda running: 1 + running / 64)
    assert share(server.answer(12_000)[-3_000:], 128, 600) == 1.0  # 67 % to 90 % of what could ever be had


@pytest.mark.parametrize("slots", [4, 32, 128])
def test_queue_that_is_told_is_believed(slots: int) -> None:
    """Where the server tells its queue, the limit is its slots and a little more."""
    server = Queueing(Auto(), slots, 0.3, tells=True)
    server.answer(1_500)
    assert share(server.answer(1_000), slots, 1.5 * slots) > 0.95


def test_stall_is_recovered_from() -> None:
    """After minutes without an answer the limit comes back to where it was."""
    server = Queueing(Auto(), 64, 0.2)
    server.answer(3_000)
    server.now += 600
    server.answer(4_000)
    assert share(server.answer(1_000), 45, 128) > 0.9


@pytest.mark.parametrize("limiter", [Auto(), Fixed(64)])
def test_refusals_cut_and_are_recovered_from(limiter: Limiter) -> None:
    """A server that answers 429 gets fewer calls at once, and never so few for long that it stands idle."""
    server = Queueing(limiter, 1_000, 0.2, refuses=20)
    server.answer(2_000)
    limits = server.answer(4_000)
    assert max(limits) <= 64
    assert sum(limits) / len(limits) > 9
    server.refuses = 1 << 30
    assert server.answer(8_000)[-1] >= 64


def test_too_little_work_says_nothing() -> None:
    """Where there are fewer calls to send than the limit allows, it stays."""
    server = Queueing(Auto(), 64, 0.2, work=6)
    assert set(server.answer(2_000)) == {FIRST}


def test_number_is_kept_to() -> None:
    """A number that was chosen is never exceeded, whatever the latency and the queue."""
    server = Queueing(Fixed(12), 1_000)
    assert set(server.answer(1_000)) == {12}
    assert Fixed(12).found == 0


def test_limit_is_bounded() -> None:
    """However much a server takes, there is an end to what is sent at once, and always something is."""
    auto = Auto()
    assert max(Queueing(auto, 100_000).answer(40_000)) == HIGHEST
    for _ in range(30):
        auto.cut()
    assert auto.limit >= 1
    told = Auto()
    for _ in range(30):
        told.look(0, 500, told.limit)
    assert told.limit >= 4


def test_what_was_found_is_told_once_it_is() -> None:
    """While it still looks about nothing is said to be found."""
    auto = Auto()
    assert auto.found == 0
    Queueing(auto, 32).answer(2_000)
    assert 32 <= auto.found <= 64
