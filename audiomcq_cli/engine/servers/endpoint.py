"""One address of a model: its limits and its state.

An answer changes the state of the address, beside what it means for the call:

- **Busy** (429, 503): no call goes there for the time that the server asks, or for a time that doubles.
- **Down** (nothing listens), or five failures in a row: it is set aside, and asked for its models after a rest that
  doubles, until it answers.
- **Refused** (a wrong key, an account without money, an unknown model): likewise; if all addresses refuse, it is an
  error. A 401, 403 or 404 may be about one call, and counts for the address only if no other answer comes.
- **Gone**: it takes no connections, or does not answer when asked for its models. If all addresses are gone for long,
  the wait ends. A slow call, or a 429 and its pause, does not make an address gone.
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
"""Consecutive failures before an address is set aside. One row that crashes the server never gets there: other rows are
answered in between.
"""

FIRST_REST = 1.0
LONGEST_REST = 120.0
"""Longest rest, in seconds, of an address that was set aside; it doubles each time."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
"""Longest pause, in seconds, after a 429 or 503 without a time; it doubles each time.

It also applies after a second one in a row with any time: servers that round down say "0".
"""

REFUSALS = 3
"""Consecutive busy answers (429, 503) after which the address counts as failing."""

DENIALS = 5
"""Consecutive denied calls (403) after which the address is taken to deny all calls."""

LONGEST_RETRY_AFTER = 3_600.0
"""Longest wait, in seconds, that a server may request before it is tried again."""

WARN = 60.0
"""Least seconds between two lines for people about one address."""


class Endpoint:
    """One address.

    Attributes:
        model: Name of the model.
        address: The address.
        name: Model and address in words.
        in_flight: Calls sent to it that have not ended.
        problem: Why it is set aside; None if it is not.
        rest_until: Time when it is asked again whether it answers.
        paused_until: Time when it takes calls again.
        heard: Time of its last answer, or of its first call after it was idle.
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
        """Begin with an address; ``say`` receives lines for people that begin with model and address."""
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
        """True if it answers and refuses to serve this model."""
        return isinstance(self.problem, ModelError) and not self.problem.retryable

    @property
    def is_gone(self) -> bool:
        """True if nothing there could answer.

        A server that takes connections and does not list its models may be busy with earlier calls.
        """
        if isinstance(self.problem, EndpointUnreachable):
            return self.problem.down or not self.in_flight
        return self.refuses or (isinstance(self.problem, CallUnavailable) and self.problem.down)

    @property
    def fails(self) -> bool:
        """True if no call can succeed there now."""
        return self.problem is not None or self._pauses >= REFUSALS

    def judge(self, began: float, error: BaseException | None) -> None:
        """Update the state of an address after a call."""
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
        """Pause calls for a while, then send fewer at once; an answer to an older call may only prolong the pause."""
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
        """Report changes, and lines that were held back."""
        found = self.limiter.found
        if found and not found / 1.5 < self._told < found * 1.5:
            self._told = found
            self._warn(f"takes {found:,} calls at once")
        elif self._unsaid:
            self._warn(self._unsaid)

    def _warn(self, message: str) -> None:
        """Report a line, at most one a minute; the last of those in between is reported later."""
        now = self._clock.now()
        if now - self._warned < WARN:
            self._unsaid = message
            return
        self._warned, self._unsaid = now, ""
        self._say(shorten(f"{self.name} {message}"))


def is_answer(error: BaseException | None) -> bool:
    """Return whether a call that ended with this error was answered, with a reply or a refusal of the call itself."""
    refused = isinstance(error, CallError) and not error.retryable and not isinstance(error, CallDenied)
    return error is None or refused
