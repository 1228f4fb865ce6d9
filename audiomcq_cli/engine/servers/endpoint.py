"""One address of a model: its limits, and how it fares.

What an answer says of the address, beside what it says of the call:

- **Busy** (429, 503): no call goes there until the time that the server asks for is over, or one that doubles.
- **Down** (nothing listens), or five failures without an answer between: it is set aside, and asked for its models
  after a rest that doubles, until it answers.
- **Refused** (a wrong key, an account without money, a model that it does not serve): likewise; where that is so of
  all, it is an error. A 401, 403 or 404 may be about one call alone, and is about the address only when it is all that
  comes.
- **Gone**: it takes no connections, or does not answer when it is asked for its models. Where that is so of all for
  long, nobody is left to wait for. A slow call, a 429 and its pause are nothing of the kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from audiomcq_cli.contracts import Backend
from audiomcq_cli.engine.servers.clock import MACHINE, Clock
from audiomcq_cli.engine.servers.concurrency import Limiter
from audiomcq_cli.engine.servers.quota import Quota
from audiomcq_cli.engine.servers.remarks import name_place, shorten
from audiomcq_cli.errors import CallDenied, CallError, CallUnavailable, EndpointUnreachable, ModelError

FAULTS = 5
"""Failures without an answer between, after which an address is set aside: a row that breaks its server is no such."""

FIRST_REST = 1.0
LONGEST_REST = 120.0
"""Seconds that an address which was set aside is left alone: twice as many each time, up to these."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
"""Seconds without calls after a 429 or 503 that names no time: twice as many each time, up to these.

Also after a second one without an answer between, whatever it asks for: "0" is said by servers that round down.
"""

REFUSALS = 3
"""Of those without an answer between, after which nobody is served."""

DENIALS = 5
"""Calls denied (403) without an answer between, after which the address is taken to deny them all."""

LONGEST_RETRY_AFTER = 3_600.0
"""Seconds: the most that a server's own word is obeyed for before it is tried again."""

WARN = 60.0
"""Seconds between two lines for people about one address, at least."""


class Endpoint:
    """One address.

    Attributes:
        model, address, name: Of which model, where, and both in words.
        in_flight: Calls sent to it and not ended. problem: Why it is set aside; None where it is not.
        rest_until, paused_until: When it is asked again whether it answers, and when it takes calls again.
        heard: When it last answered, or was given something to do after it had nothing.
    """

    def __init__(
        self,
        model: str,
        address: str,
        backend: Backend,
        limiter: Limiter,
        quota: Quota,
        say: Callable[[str], None],
        clock: Clock = MACHINE,
    ) -> None:
        """Make one; ``say`` is given lines for people, in which model and address stand first."""
        self.model = model
        self.address = address
        self.name = name_place([model], address)
        self.backend = backend
        self.limiter = limiter
        self.quota = quota
        self.in_flight = 0
        self.problem: Exception | None = None
        self.rest_until = self.paused_until = self.heard = 0.0
        self._clock = clock
        self._pauses = self._faults = self._rests = self._denials = 0  # without an answer between
        self._answers = False  # whether it has answered any call
        self._since = 0.0  # when it was last set aside or paused: what was sent before says nothing of it now
        self._say = say
        self._warned = -math.inf
        self._unsaid = ""
        self._told = 0  # the concurrency that people were told

    @property
    def refuses(self) -> bool:
        """Whether it is there and will not serve this model."""
        return isinstance(self.problem, ModelError) and not self.problem.retryable

    @property
    def is_gone(self) -> bool:
        """Whether nothing is there that could answer.

        A server that takes connections and does not say what it serves may be busy with what it was sent.
        """
        if isinstance(self.problem, EndpointUnreachable):
            return self.problem.down or not self.in_flight
        return self.refuses or (isinstance(self.problem, CallUnavailable) and self.problem.down)

    @property
    def fails(self) -> bool:
        """Whether no call can be hoped to be answered there now."""
        return self.problem is not None or self._pauses >= REFUSALS

    def judge(self, began: float, error: BaseException | None) -> None:
        """Make of the end of a call what it says of its address."""
        now = self._clock.now()
        if is_answer(error):
            self.heard = now
            self._answers = True
            self._faults = self._pauses = self._denials = 0
            if not self.problem:
                self._rests = 0
            if error is None:
                self.limiter.note(began, now, self.in_flight)
        elif isinstance(error, CallUnavailable) and error.busy:
            self._hold(error, now, late=began < self._since)
        elif isinstance(error, ModelError):
            if not self.problem:
                self.set_aside(error)
        elif isinstance(error, CallDenied):
            self.heard = now
            self._denials += 1
            known = began < self._since or self.problem
            if not known and (self._denials >= DENIALS or (error.decisive and not self._answers)):
                self.set_aside(error.problem)
        elif isinstance(error, CallUnavailable) and began >= self._since:
            self._faults += 1
            if error.down or self._faults >= FAULTS:
                self.set_aside(error)

    def _hold(self, error: CallUnavailable, now: float, *, late: bool) -> None:
        """Take no calls for a while, then fewer at once; an answer to what was sent before may only prolong it."""
        asked = min(error.retry_after or 0.0, LONGEST_RETRY_AFTER)
        if late:
            self.paused_until = max(self.paused_until, now + asked)
            return
        usual = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._pauses)
        wait = asked if error.retry_after is not None and not self._pauses else max(asked, usual)
        self.limiter.cut()
        self._pauses += 1
        self._faults = 0
        self._since = now
        self.paused_until = max(self.paused_until, now + wait)
        if wait >= 5:
            self._warn(f"has enough calls; no more for {wait:,.0f} s")

    def set_aside(self, problem: Exception) -> None:
        """Take no calls until it answers again."""
        self.problem = problem
        self._since = self._clock.now()
        self.rest_until = self._since + min(LONGEST_REST, FIRST_REST * 2 ** min(self._rests, 10))
        self._rests += 1
        self._faults = 0
        self._warn(f"is set aside until it answers again: {str(problem).removeprefix(f'{self.name}: ')}")

    def bring_back(self) -> None:
        """Take calls again."""
        self.problem = None
        self.paused_until = 0.0
        self._pauses = 0
        self.heard = self._clock.now()
        self._warn("answers again")

    def tell(self) -> None:
        """Say what is new, and what had to wait."""
        found = self.limiter.found
        if found and not found / 1.5 < self._told < found * 1.5:
            self._told = found
            self._warn(f"takes {found:,} calls at once")
        elif self._unsaid:
            self._warn(self._unsaid)

    def _warn(self, message: str) -> None:
        """A line for people, at most one a minute; of those in between the last is said later."""
        now = self._clock.now()
        if now - self._warned < WARN:
            self._unsaid = message
            return
        self._warned, self._unsaid = now, ""
        self._say(shorten(f"{self.name} {message}"))


def is_answer(error: BaseException | None) -> bool:
    """Whether a call that ended so was answered: well, or by being refused itself."""
    refused = isinstance(error, CallError) and not error.retryable and not isinstance(error, CallDenied)
    return error is None or refused
