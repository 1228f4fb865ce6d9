"""The addresses of one model: where a call goes, how long it waits, and which addresses are set aside.

A call goes to the address with the most room within its limits; other calls wait in order. ``endpoint.py`` says what an
answer means for the address, ``route.py`` what it means for the call.

A waiting call is woken by a call that leaves a full address, by the timer for the earliest end of a pause or quota, or
by a check that brings back an address. If all addresses are gone for long, waiting calls fail.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from audiomcq_cli.contracts import Backend, Load, QueueingBackend
from audiomcq_cli.engine.servers.absence import ABSENT_AFTER, Absence
from audiomcq_cli.engine.servers.clock import MACHINE, Clock, Timer
from audiomcq_cli.engine.servers.endpoint import Endpoint, is_answer
from audiomcq_cli.engine.servers.remarks import Remark
from audiomcq_cli.engine.servers.traffic import Traffic
from audiomcq_cli.errors import CallUnavailable, EndpointUnreachable, Interrupted, ModelAbsent, ModelError

QUIET = 60.0
"""Seconds for which an address may keep all its calls waiting before it is asked whether it still answers."""

TICK = 0.5
LOOK = 1.0
"""Seconds between two checks of an address, and of its server's load."""

SHORTEST_WAIT = 0.001
"""Shortest timer in seconds: one that fires early must not leave a wait of zero."""

SHOWN = 3
"""Most addresses whose faults are named in an error about all of them."""


class Caller(Protocol):
    """A call on its way: its estimated tokens, and the addresses where it has failed."""

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
        absent_after: float = ABSENT_AFTER,
        clock: Clock = MACHINE,
    ) -> None:
        """Begin; ``look`` asks a server for its load, if concurrency is searched for.

        ``absent_after`` is how many seconds calls wait while every address is gone.
        """
        self.clock = clock
        self.model = model
        self.traffic = traffic
        self.answered = -math.inf  # when any call was answered
        self._endpoints = endpoints
        self._look = look
        self._looked = dict.fromkeys(endpoints, -math.inf)
        self._waiting: deque[tuple[Caller, asyncio.Future[Endpoint]]] = deque()
        self._timer: Timer | None = None  # None as soon as it has fired, however early that was
        self._wakes = math.inf  # when it does
        self._absence = Absence(absent_after, clock, self._give_up)
        self._failed = 0  # looks at addresses, of which none can be used
        self._tasks: list[asyncio.Task[None]] = []
        self._over: BaseException | None = None  # why no call is sent any more

    @property
    def backends(self) -> Sequence[Backend]:
        """Return the backend of each address."""
        return [endpoint.backend for endpoint in self._endpoints]

    def __len__(self) -> int:
        return len(self._endpoints)

    async def ask(self) -> list[Remark | ModelError | None]:
        """Ask every address for the model: each gives a remark, a reason why it cannot be used, or None."""
        found = await asyncio.gather(*(one.backend.check() for one in self._endpoints), return_exceptions=True)
        results: list[Remark | ModelError | None] = []
        for endpoint, result in zip(self._endpoints, found, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, ModelError):
                raise result
            results.append(Remark(endpoint.model, endpoint.address, result) if isinstance(result, str) else result)
        return results

    async def check(self) -> list[Remark]:
        """Ask every address for the model; one that does not answer or refuses the key is set aside.

        Returns:
            Remarks about addresses that answer, such as one that does not list the model.

        Raises:
            ModelError: No address can be used.
        """
        found = await self.ask()
        problems = [problem for problem in found if isinstance(problem, ModelError)]
        if len(problems) == len(self):
            raise min(problems, key=lambda problem: problem.retryable)  # of several, one that only people can mend
        for endpoint, result in zip(self._endpoints, found, strict=True):
            if isinstance(result, ModelError):
                self._set_aside(endpoint, result)
            elif endpoint.problem:
                self._bring_back(endpoint)
        return [remark for remark in found if isinstance(remark, Remark)]

    def stop(self, reason: Interrupted) -> None:
        """Send nothing more; waiting calls are cancelled."""
        self._end(reason)
        for endpoint in self._endpoints:
            if isinstance(endpoint.backend, QueueingBackend):
                endpoint.backend.give_up(reason)

    async def close(self) -> None:
        """Release connections and memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._absence.end()
        if self._timer is not None:
            self._timer.cancel()
        for endpoint in self._endpoints:
            await endpoint.backend.close()

    # ------------------------------------------------------------------------------------------------- a call

    async def enter(self, caller: Caller) -> Endpoint:
        """Wait until an address may be sent a call, and take a place there.

        Raises:
            CallUnavailable: No address can be used, and the one that might have been has failed again.
            ModelError: No address serves the model, or none is left.
            Interrupted: The run is to end.
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
        if len(self._waiting) > 1:
            self._dispatch()  # the first may wait for one address only, and this one goes to any
        try:
            return await future
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                self._dispatch()
            elif future.done() and not future.cancelled() and not future.exception():
                self.leave(future.result())
            raise

    def leave(self, endpoint: Endpoint) -> None:
        """Give a place back."""
        endpoint.in_flight -= 1
        self._watch_absence()
        self._dispatch()

    def serving(self, without: set[Endpoint] | None = None) -> bool:
        """Return whether an address takes calls now."""
        now = self.clock.now()
        return any(
            not one.problem and one.paused_until <= now for one in self._endpoints if one not in (without or set())
        )

    def _pick(self, caller: Caller) -> Endpoint | None:
        """Take a place at the address with the most room, preferring addresses where the call has not failed."""
        now = self.clock.now()
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
        """Send waiting calls on their way, in order; one that failed here does not hold up the others."""
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
        """Check again after a time, unless a check is due before."""
        when = self.clock.now() + seconds
        if self._timer is not None:
            if self._wakes <= when:
                return
            self._timer.cancel()
        self._wakes, self._timer = when, self.clock.call_later(max(seconds, SHORTEST_WAIT), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._dispatch()

    # ------------------------------------------------------------------------------------- what an answer says

    def judge(self, endpoint: Endpoint, began: float, error: BaseException | None) -> None:
        """Update the state of an address after a call."""
        now = self.clock.now()
        self.traffic.seconds[self.model] = self.traffic.seconds.get(self.model, 0.0) + now - began
        there = not endpoint.problem
        endpoint.judge(began, error)
        if is_answer(error):
            self.answered = now
            self._failed = 0
            if isinstance(endpoint.problem, EndpointUnreachable):  # it was busy, not gone
                self._bring_back(endpoint)
        elif there and endpoint.problem:
            self._note_aside(endpoint.problem)
        elif isinstance(error, CallUnavailable) and error.busy and all(one.fails for one in self._endpoints):
            self._disappoint(error)
        self._watch_absence()

    @property
    def refused(self) -> bool:
        """True if all addresses answer and none serves the model."""
        return all(one.refuses for one in self._endpoints)

    @property
    def over(self) -> BaseException | None:
        """Return why no call is sent any more; None while calls are sent."""
        return self._over

    def _set_aside(self, endpoint: Endpoint, problem: ModelError) -> None:
        there = not endpoint.problem
        endpoint.set_aside(problem)
        if there or self.refused:
            self._note_aside(problem)
        self._watch_absence()

    def _note_aside(self, problem: Exception) -> None:
        self.traffic.set_aside[self.model] += 1
        if self.refused:
            self._end(problem)

    def _bring_back(self, endpoint: Endpoint) -> None:
        endpoint.bring_back()
        self._failed = 0
        self._watch_absence()
        self._dispatch()

    def _watch_absence(self) -> None:
        """Notice when the last address goes, and when one is back."""
        self._absence.note(self._over is None and all(one.is_gone for one in self._endpoints))

    def _give_up(self) -> bool:
        """Fail the waiting calls because no address is left; false if none waits."""
        if not self._waiting:
            return False
        if refusal := next((one.problem for one in self._endpoints if one.refuses), None):
            self._end(refusal)  # of several, one that only people can mend
            return True
        problems = "; ".join(str(one.problem) for one in self._endpoints[:SHOWN])
        more = f"; and {len(self) - SHOWN} more" if len(self) > SHOWN else ""
        self._end(
            ModelAbsent(
                f"model {self.model!r}: no address has answered for {self._absence.seconds:g} s: {problems}{more}",
                hint="is its server running? What is done is kept, and no row failed on account of it"
                " (absent_after in its table says how long calls wait)",
            )
        )
        return True

    def _disappoint(self, error: CallUnavailable) -> None:
        """Fail the waiting calls, once each time that every address has failed again."""
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
        """Bring an address back once it answers, notice one that has gone silent, and check its server's load."""
        while True:
            await self.clock.sleep(TICK)
            now = self.clock.now()
            if endpoint.problem:
                if now >= endpoint.rest_until:
                    await self.probe(endpoint)
            elif endpoint.in_flight and now - endpoint.heard >= QUIET:
                await self.probe(endpoint)
                endpoint.heard = self.clock.now()
            elif endpoint.in_flight and self._look and now - self._looked[endpoint] >= LOOK:
                self._looked[endpoint] = now
                if load := await self._look(endpoint.backend):
                    endpoint.limiter.look(load.running, load.waiting, endpoint.in_flight)
                    self._dispatch()
            endpoint.tell()

    async def probe(self, endpoint: Endpoint) -> None:
        """Ask an address whether it answers; set it aside if it does not, bring it back if it does."""
        try:
            await endpoint.backend.check()
        except ModelError as problem:
            self._set_aside(endpoint, problem)
        else:
            if endpoint.problem:
                self._bring_back(endpoint)

    def _surface(self, task: asyncio.Task[None]) -> None:
        """End the waiting calls after an error of our own; they would wait for ever."""
        if not task.cancelled() and (error := task.exception()):
            self._end(error)
