"""Limits requests and tokens a minute of one address: one owner grants them, workers take them in small blocks.

The owner is in the parent process; every process that runs shards (this one today, others later) leases a block at a
time and spends it locally, so that the limit holds for all together. Tokens are taken as estimated, and corrected when
the actual number is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from audiomcq_cli.engine.servers.clock import MACHINE, Clock

BLOCK = 8
"""Most requests granted at a time."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Granted requests and tokens; if there are none, the seconds until the next attempt."""

    requests: int = 0
    tokens: float = 0.0
    wait: float = 0.0


class Bucket:
    """A token bucket: fills at ``rate`` a second up to a second's worth (at least 1), and may be overdrawn once.

    Returned tokens may bring it above that: they were paid for and not used.
    """

    def __init__(self, per_minute: int, now: float) -> None:
        self.rate = per_minute / 60
        self.size = max(1.0, self.rate)
        self.held = self.size
        self._at = now

    def fill(self, now: float) -> None:
        """Add what has come in since the last call."""
        if self.held < self.size:
            self.held = min(self.size, self.held + (now - self._at) * self.rate)
        self._at = now

    def wait_for(self, amount: float) -> float:
        """Return the seconds until ``amount`` (or, if that exceeds the bucket, a full bucket) is available."""
        missing = min(amount, self.size) - self.held
        return missing / self.rate if missing > 1e-6 else 0.0  # or rounding leaves a wait that moves no clock


class QuotaOwner:
    """Grants the requests and tokens a minute of one address; None means no limit."""

    def __init__(
        self,
        requests: int | None,
        tokens: int | None,
        clock: Clock = MACHINE,
    ) -> None:
        self._clock = clock
        self._requests = None if requests is None else Bucket(requests, clock.now())
        self._tokens = None if tokens is None else Bucket(tokens, clock.now())

    def lease(self, tokens: float) -> Grant:
        """Grant up to ``BLOCK`` requests of about ``tokens`` tokens each, or say how long to wait for one."""
        now = self._clock.now()
        count, wait = BLOCK, 0.0
        for bucket, each in ((self._requests, 1.0), (self._tokens, tokens)):
            if bucket is not None and each > 0:
                bucket.fill(now)
                wait = max(wait, bucket.wait_for(each))
                count = min(count, max(1, int(bucket.held / each)))
        if wait > 0:
            return Grant(wait=wait)
        if self._requests is not None:
            self._requests.held -= count
        if self._tokens is not None:
            self._tokens.held -= count * tokens
        # Without a limit of tokens a change of size must not cost requests.
        return Grant(requests=count, tokens=math.inf if self._tokens is None else count * tokens)

    def correct(self, tokens: float) -> None:
        """Give back granted tokens that were not used; a negative number takes more."""
        if self._tokens is not None:
            self._tokens.fill(self._clock.now())
            self._tokens.held += tokens


class Quota:
    """A worker's side of a ``QuotaOwner``."""

    def __init__(self, owner: QuotaOwner) -> None:
        self._owner = owner
        self._requests = 0
        self._tokens = 0.0

    def take(self, tokens: float) -> float:
        """Take one request of about this many tokens; return 0, or the seconds until the next attempt."""
        while self._requests < 1 or self._tokens < tokens:
            grant = self._owner.lease(tokens)
            if grant.wait:
                return grant.wait
            self._requests += grant.requests
            self._tokens += grant.tokens
        self._requests -= 1
        self._tokens -= tokens
        return 0.0

    def correct(self, taken: float, used: float) -> None:
        """Correct the tokens taken for a call by those that it used."""
        self._owner.correct(taken - used)
