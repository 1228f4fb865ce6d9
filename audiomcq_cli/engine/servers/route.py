"""The way of one call: from address to address, until one answers or its attempts are used up.

Every failure that may be the call's own fault uses an attempt. These do not: an address that was set aside or is busy,
if the call goes on to another; a 429, if calls were answered since the last one; an address that was already gone, if
calls were answered since that last happened to the call. As long as an address takes calls and the call has not failed
there, it goes there at once; back-off begins when it has failed at all of them. A last attempt whose server ended with
it (a check finds it gone) is repeated once when a server is back. While no address takes calls the call waits; each
time that all were too busy again costs an attempt. A call that is denied (403) at one address is tried at the others
before it fails.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from types import TracebackType

from audiomcq_cli.contracts import Call, Completion
from audiomcq_cli.engine.servers.endpoint import Endpoint
from audiomcq_cli.engine.servers.endpoints import Endpoints
from audiomcq_cli.errors import CallDenied, CallUnavailable, ModelError

Pause = Callable[[float], Awaitable[None]]
"""Sleeps for some seconds, or raises if the run is to end."""

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 60.0
"""Longest back-off in seconds before the next attempt; it doubles each time, with full jitter."""

BROKEN = ("connection", "timeout")
"""Codes of answers that broke off or never came: after the last attempt, the server is checked."""

PATIENCE = 100
"""Most refusals of one call because of load (429, 503) that cost no attempt."""


class Route:
    """Yields the legs of a call's way, one after another, as an asynchronous iterator."""

    def __init__(self, endpoints: Endpoints, tokens: float, attempts: int, pause: Pause) -> None:
        self.tokens = tokens
        self.failed: set[Endpoint] = set()
        self._endpoints = endpoints
        self._pause = pause
        self._attempts = self._left = attempts
        self._moves = len(endpoints)
        self._patience = PATIENCE
        self._wait = 0.0
        self._refused = endpoints.clock.now()  # for the last time, because of too many
        self._missed: float | None = None  # when it last found every address gone at no cost
        self._doubted: Endpoint | None = None  # where the last attempt broke off
        self._pardoned = False
        self._legs = 0
        self._error: CallUnavailable | None = None

    def __aiter__(self) -> Route:
        return self

    async def __anext__(self) -> Leg:
        """Wait for the next leg; no time-out counts meanwhile.

        Raises:
            CallUnavailable: The last error, when no attempt is left.
            ModelError: No address serves the model.
            Interrupted: The run was asked to end.
        """
        if self._doubted is not None:
            await self._look(self._doubted)
        if self._wait:
            await self._pause(self._wait)
            self._wait = 0.0
        while True:
            try:
                endpoint = await self._endpoints.enter(self)
            except CallUnavailable as error:
                self._left -= 1
                if not self._left:
                    raise (self._error or error) from error
                continue
            self._legs += 1
            self._endpoints.traffic.retries[self._endpoints.model] += self._legs > 1
            return Leg(self, self._endpoints, endpoint)

    def goes_on(self, endpoint: Endpoint, error: BaseException | None) -> bool:
        """Return whether another leg follows a leg that ended with this error."""
        if isinstance(error, ModelError | CallDenied):
            return self._goes_elsewhere(endpoint)
        if not isinstance(error, CallUnavailable):
            return False
        self._error = error
        self.failed.add(endpoint)
        if (endpoint.problem or error.busy) and self._endpoints.serving(without={endpoint}) and self._moves:
            self._moves -= 1
        elif error.busy and self._endpoints.answered > self._refused and self._patience:
            self._patience -= 1
        elif error.down and (self._missed is None or self._endpoints.answered > self._missed):
            self._missed = self._endpoints.clock.now()
        else:
            self._left -= 1
            self._moves = len(self._endpoints)
        if error.busy:
            self._refused = self._endpoints.clock.now()
        if not self._endpoints.serving(without=self.failed):
            self.failed.clear()
            if self._endpoints.serving():
                number = self._attempts - self._left
                self._wait = random.uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** max(0, number - 1)))
        if not self._left and error.code in BROKEN and not error.down and not self._pardoned:
            self._doubted = endpoint
        return self._left > 0 or self._doubted is not None

    async def _look(self, endpoint: Endpoint) -> None:
        """Check whether an address still answers; if it is gone, the call is not at fault and goes on once.

        Raises:
            CallUnavailable: The address answers, and the call has no attempt left.
        """
        self._doubted = None
        await self._endpoints.probe(endpoint)
        if not endpoint.is_gone and self._error is not None:
            raise self._error
        self._pardoned = True
        self._left = 1

    def _goes_elsewhere(self, endpoint: Endpoint) -> bool:
        """Return whether a call that one address refused goes on to another."""
        self.failed.add(endpoint)
        if self._endpoints.refused:
            return False
        if endpoint.problem is None and not self._endpoints.serving(without=self.failed):
            return False  # it alone was denied, and everywhere
        if self._moves:
            self._moves -= 1
        else:
            self._left -= 1
        return self._left > 0


class Leg:
    """One sending of a call to one address; a context manager that hides the error if the way goes on."""

    def __init__(self, route: Route, endpoints: Endpoints, endpoint: Endpoint) -> None:
        self._route = route
        self._endpoints = endpoints
        self._endpoint = endpoint
        self._began: float | None = None

    async def send(self, call: Call) -> Completion:
        """Send the call."""
        self._began = self._endpoints.clock.now()
        completion = await self._endpoint.backend.send(call)
        used = completion.prompt_tokens + completion.completion_tokens
        if used and completion.counted:
            self._endpoint.quota.correct(self._route.tokens, used)
        return completion

    def __enter__(self) -> Leg:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._began is None:
            self._endpoints.leave(self._endpoint)
            return False
        self._endpoints.judge(self._endpoint, self._began, error)
        self._endpoints.leave(self._endpoint)
        if self._route.goes_on(self._endpoint, error):
            return True
        if isinstance(error, CallDenied) and self._endpoint.refuses and self._endpoints.over:
            raise self._endpoints.over from error  # it is not this call that is refused
        return False
