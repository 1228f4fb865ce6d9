"""The addresses of one model: where a call goes, what it waits for, and which of them are set aside for now.

A call goes to the address with the most room that its limits allow; the others wait in order. ``endpoint.py`` says what
an answer means for the address, ``route.py`` what it means for the call.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from audiomcq_cli.contracts import Backend, Load, QueueingBackend
from audiomcq_cli.engine.endpoint import Endpoint, is_answer
from audiomcq_cli.errors import CallUnavailable, Interrupted, ModelError

QUIET = 60.0
"""Seconds that an address may keep all its calls waiting before it is asked whether it is still there."""

TICK = 0.5
LOOK = 1.0
"""Seconds between two looks at an address, and at what its server says of its load."""


@dataclass
class Traffic:
    """What went on, by model: calls sent again, addresses set aside, and seconds that calls were in flight."""

    retries: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)


class Caller(Protocol):
    """A call on its way: about how many tokens it takes, and where it has failed."""

    tokens: float
    failed: set[Endpoint]


class Endpoints:
    """All addresses of one model, and the calls that wait for one."""

    def __init__(
        self,
        model: str,
        endpoints: Sequence[Endpoint],
        *,
        traffic: Traffic,
        look: Callable[[Backend], Awaitable[Load | None]] | None = None,
    ) -> None:
        """Make them; ``look`` asks a server for its load, where concurrency is to be found."""
        self.model = model
        self.traffic = traffic
        self.answered = -math.inf  # when any call was answered
        self._endpoints = endpoints
        self._look = look
        self._looked = dict.fromkeys(endpoints, -math.inf)
        self._waiting: deque[tuple[Caller, asyncio.Future[Endpoint]]] = deque()
        self._timer: asyncio.Handle | None = None
        self._wakes = -math.inf  # when the timer looks again; uvloop's handle of less than a millisecond does not say
        self._failed = 0  # looks at addresses, of which none can be used
        self._tasks: list[asyncio.Task[None]] = []
        self._over: BaseException | None = None  # why no call is sent any more

    @property
    def backends(self) -> Sequence[Backend]:
        """What reaches each address."""
        return [endpoint.backend for endpoint in self._endpoints]

    def __len__(self) -> int:
        return len(self._endpoints)

    async def check(self) -> None:
        """Look for the model everywhere; where it is not, the address is set aside.

        Raises:
            ModelError: It is nowhere.
        """
        found = await asyncio.gather(*(one.backend.check() for one in self._endpoints), return_exceptions=True)
        problems = [problem for problem in found if isinstance(problem, ModelError)]
        for problem in found:
            if problem is not None and problem not in problems:
                raise problem
        if len(problems) == len(self):
            raise min(problems, key=lambda problem: problem.retryable)  # of several, one that only people can mend
        for endpoint, result in zip(self._endpoints, found, strict=True):
            if isinstance(result, ModelError):
                self._set_aside(endpoint, result)
            elif endpoint.problem:
                self._bring_back(endpoint)

    def stop(self, reason: Interrupted) -> None:
        """Send nothing more: calls that wait are given up."""
        self._end(reason)
        for endpoint in self._endpoints:
            if isinstance(endpoint.backend, QueueingBackend):
                endpoint.backend.give_up(reason)

    async def close(self) -> None:
        """Give back connections and memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._timer:
            self._timer.cancel()
        for endpoint in self._endpoints:
            await endpoint.backend.close()

    # ------------------------------------------------------------------------------------------------- a call

    async def enter(self, caller: Caller) -> Endpoint:
        """Wait until an address may be sent a call, and take a place there.

        Raises:
            CallUnavailable: None can be used, and the one that might have been has failed again.
            ModelError: No address serves the model. Interrupted: The run is to end.
        """
        if self._over:
            raise self._over
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._attend(endpoint)) for endpoint in self._endpoints]
            for task in self._tasks:
                task.add_done_callback(self._surface)
        if not self._waiting and (endpoint := self._pick(caller)):
            return endpoint
        future: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
        waiter = (caller, future)
        self._waiting.append(waiter)
        try:
            return await future
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif future.done() and not future.cancelled() and not future.exception():
                self.leave(future.result())
            raise

    def leave(self, endpoint: Endpoint) -> None:
        """Give a place back."""
        endpoint.in_flight -= 1
        self._dispatch()

    def serving(self, without: set[Endpoint] | None = None) -> bool:
        """Whether there is an address that takes calls now."""
        now = time.monotonic()
        return any(
            not one.problem and one.paused_until <= now for one in self._endpoints if one not in (without or set())
        )

    def _pick(self, caller: Caller) -> Endpoint | None:
        """Take a place at the address with the most room, not one where the call failed if there is another."""
        now = time.monotonic()
        there = [one for one in self._endpoints if not one.problem]
        serving = [one for one in there if one.paused_until <= now]
        waits = [one.paused_until - now for one in there if one.paused_until > now]
        for one in sorted(
            [one for one in serving if one not in caller.failed] or serving,
            key=lambda one: one.in_flight / one.limiter.limit,
        ):
            if one.in_flight >= one.limiter.limit:
                continue  # whoever leaves it looks again
            if wait := one.quota.take(caller.tokens):
                waits.append(wait)
                continue
            if not one.in_flight:
                one.heard = now
            one.in_flight += 1
            return one
        if waits:
            self._wake_in(min(waits))
        return None

    def _dispatch(self) -> None:
        """Send those that wait on their way, in order; one that failed here does not hold up the others."""
        while self._waiting:
            place = 0
            caller, future = self._waiting[0]
            endpoint = None if future.done() else self._pick(caller)
            if endpoint is None and caller.failed and not future.done():
                place = next((at for at, (other, _) in enumerate(self._waiting) if not other.failed), 0)
                caller, future = self._waiting[place]
                endpoint = self._pick(caller) if place and not future.done() else None
            if endpoint is None and not future.done():
                return
            del self._waiting[place]
            if endpoint is not None:
                future.set_result(endpoint)

    def _wake_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if self._timer and not self._timer.cancelled() and loop.time() < self._wakes <= when:
            return
        if self._timer:
            self._timer.cancel()
        self._wakes, self._timer = when, loop.call_later(seconds, self._dispatch)

    # ------------------------------------------------------------------------------------- what an answer says

    def judge(self, endpoint: Endpoint, began: float, error: BaseException | None) -> None:
        """Make of the end of a call what it says of its address."""
        now = time.monotonic()
        self.traffic.seconds[self.model] = self.traffic.seconds.get(self.model, 0.0) + now - began
        there = not endpoint.problem
        endpoint.judge(began, error)
        if is_answer(error):
            self.answered = now
            self._failed = 0
        elif there and endpoint.problem:
            self._note_aside(endpoint.problem)
        elif isinstance(error, CallUnavailable) and error.busy and all(one.fails for one in self._endpoints):
            self._disappoint(error)

    @property
    def refused(self) -> bool:
        """Whether all addresses are there and none will serve the model."""
        return all(one.refuses for one in self._endpoints)

    def _set_aside(self, endpoint: Endpoint, problem: ModelError) -> None:
        there = not endpoint.problem
        endpoint.set_aside(problem)
        if there or self.refused:
            self._note_aside(problem)

    def _note_aside(self, problem: Exception) -> None:
        self.traffic.set_aside[self.model] += 1
        if self.refused:
            self._end(problem)

    def _bring_back(self, endpoint: Endpoint) -> None:
        endpoint.bring_back()
        self._failed = 0
        self._dispatch()

    def _disappoint(self, error: CallUnavailable) -> None:
        """Tell those that wait, once for each time that every address has failed again."""
        self._failed += 1
        if self._failed < len(self):
            return
        self._failed = 0
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if not future.done():  # cancelled
                future.set_exception(error)

    def _end(self, error: BaseException) -> None:
        self._over = self._over or error
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if not future.done():  # cancelled
                future.set_exception(error)

    # ------------------------------------------------------------------------------------------- looking after

    async def _attend(self, endpoint: Endpoint) -> None:
        """Bring an address back once it answers, notice one that has gone silent, and look at its server's load."""
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            if endpoint.problem:
                if now >= endpoint.rest_until:
                    await self._probe(endpoint)
            elif endpoint.in_flight and now - endpoint.heard >= QUIET:
                await self._probe(endpoint)
                endpoint.heard = time.monotonic()
            elif endpoint.in_flight and self._look and now - self._looked[endpoint] >= LOOK:
                self._looked[endpoint] = now
                if load := await self._look(endpoint.backend):
                    endpoint.limiter.look(load.running, load.waiting, endpoint.in_flight)
                    self._dispatch()
            endpoint.tell()

    async def _probe(self, endpoint: Endpoint) -> None:
        try:
            await endpoint.backend.check()
        except ModelError as problem:
            self._set_aside(endpoint, problem)
            if all(one.problem for one in self._endpoints):
                self._disappoint(CallUnavailable("no address of the model answers", code="connection", down=True))
        else:
            if endpoint.problem:
                self._bring_back(endpoint)

    def _surface(self, task: asyncio.Task[None]) -> None:
        """A fault of ours ends the calls that wait, which would else wait for ever."""
        if not task.cancelled() and (error := task.exception()):
            self._end(error)
