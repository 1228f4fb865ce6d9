"""One batch that is waited for: what was told of it, what is reserved for it, and what its download brings."""

from __future__ import annotations

from collections.abc import Callable

from audiomcq_cli.contracts import BatchState, Completion
from audiomcq_cli.engine.batch.store import Batch, Refusal
from audiomcq_cli.engine.servers.budget import Reserved, count_at_most
from audiomcq_cli.engine.servers.endpoint import DENIALS
from audiomcq_cli.errors import AudiomcqError, CallDenied, CallError, CallUnavailable

SAY_SECONDS = 60.0
"""Counts of a batch that change are told this often, at most."""


class Watch:
    """A batch that is waited for.

    Attributes:
        batch: As it is written down. refusals: How often the provider did not take it. not_before: When it is begun
            again (by the run's clock). unreachable_since: Since when it cannot be looked at (by that clock).
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._release: Callable[[], None] | None = None
        self.refusals = 0
        self.not_before = 0.0
        self.unreachable_since: float | None = None
        self._told = ("", 0, 0)
        self._told_at = -SAY_SECONDS
        self._told_short = False

    def tell_short(self, say: Callable[[str], None]) -> None:
        """Say once that the budget does not reach for the batch yet."""
        if not self._told_short:
            self._told_short = True
            say(f"of {len(self.batch.keys):,} requests does not fit into the budget until others have ended")

    def hold(self, release: Callable[[], None]) -> None:
        """Something is reserved for it, until ``release`` is called."""
        self._release = release

    def free(self) -> None:
        """Reserve nothing any more."""
        if self._release is not None:
            self._release()
            self._release = None

    def tell(self, state: BatchState, now: float, say: Callable[[str], None]) -> None:
        """Say how far the batch is, if that is news and the last news is not fresh."""
        news = (state.status, state.done, state.failed)
        if news != self._told and now - self._told_at >= SAY_SECONDS:
            self._told, self._told_at = news, now
            failed = f", {state.failed:,} failed" if state.failed else ""
            say(f"{state.status}: {state.done:,} of {state.total or len(self.batch.keys):,} done{failed}")


class Yield:
    """What a download brought: calls without a reply and why, tokens, lines that belong to no call, a fatal error.

    ``each`` is what a call of the batch may take on average: taken where the provider did not count its tokens, which
    ``uncounted`` tells the number of.
    """

    def __init__(self, missing: dict[bytes, CallError | None], each: Reserved) -> None:
        self.missing = missing
        self.prompt_tokens = self.completion_tokens = self.strange = self.uncounted = 0
        self.error: AudiomcqError | None = None
        self._each = each
        self._denied: dict[bytes, CallDenied] = {}
        self._answers = 0

    def take(self, key: bytes, outcome: Completion | AudiomcqError) -> Completion | Refusal | None:
        """The reply of one call, if it is one for good."""
        match outcome:
            case CallUnavailable():
                self.missing[key] = outcome
                return None
            case CallDenied():
                self._denied[key] = outcome
                return None
            case CallError():
                self._answers += 1
                del self.missing[key]
                return Refusal(outcome.code, str(outcome))
            case AudiomcqError():  # the key or the model is refused
                self.error = self.error or outcome
                return None
        del self.missing[key]
        self._answers += 1
        counted = outcome if outcome.counted else count_at_most(outcome, self._each)
        self.uncounted += not outcome.counted
        self.prompt_tokens += counted.prompt_tokens
        self.completion_tokens += counted.completion_tokens
        return outcome

    def settle_denied(self) -> list[tuple[bytes, Refusal]]:
        """The calls that were denied, each by itself; none where that is all that came: then it is a fatal error."""
        if not self._answers and len(self._denied) >= DENIALS:
            self.error = self.error or next(iter(self._denied.values())).problem
            return []
        for key in self._denied:
            del self.missing[key]
        return [(key, Refusal(error.code, str(error))) for key, error in self._denied.items()]


def read_name(name: str) -> bytes:
    """The journal key that a request is named by; empty where the name is none of ours."""
    try:
        return bytes.fromhex(name)
    except ValueError:
        return b""
