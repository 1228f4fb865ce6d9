"""One open batch: what was reported about it, its reserve, and the results of its download."""

from __future__ import annotations

from collections.abc import Callable

from audiomcq_cli.contracts import BatchState, Completion
from audiomcq_cli.engine.batch.store import Batch, Refusal
from audiomcq_cli.engine.servers.budget import Reserved, count_at_most
from audiomcq_cli.engine.servers.endpoint import DENIALS
from audiomcq_cli.errors import AudiomcqError, CallDenied, CallError, CallUnavailable

SAY_SECONDS = 60.0
"""Least seconds between two reports on a batch."""


class Watch:
    """An open batch.

    Attributes:
        batch: Its record.
        refusals: Number of times the provider refused it.
        not_before: Time of the next attempt to begin it, by the run's clock.
        unreachable_since: Time since when it cannot be checked, by that clock.
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
        """Report once that the batch does not fit the budget yet."""
        if not self._told_short:
            self._told_short = True
            say(f"of {len(self.batch.keys):,} requests does not fit into the budget until others have ended")

    def hold(self, release: Callable[[], None]) -> None:
        """Keep a reserve for it until ``release`` is called."""
        self._release = release

    def free(self) -> None:
        """Release the reserve."""
        if self._release is not None:
            self._release()
            self._release = None

    def tell(self, state: BatchState, now: float, say: Callable[[str], None]) -> None:
        """Report the state of the batch if it changed and the last report is old enough."""
        news = (state.status, state.done, state.failed)
        if news != self._told and now - self._told_at >= SAY_SECONDS:
            self._told, self._told_at = news, now
            failed = f", {state.failed:,} failed" if state.failed else ""
            say(f"{state.status}: {state.done:,} of {state.total or len(self.batch.keys):,} done{failed}")


class Yield:
    """The results of a download: calls without a reply and why, tokens, lines that belong to no call, a fatal error.

    ``each`` is the average a call of the batch may use: it counts if the provider did not report tokens. ``uncounted``
    is the number of such calls.
    """

    def __init__(self, missing: dict[bytes, CallError | None], each: Reserved) -> None:
        self.missing = missing
        self.prompt_tokens = self.completion_tokens = self.strange = self.uncounted = 0
        self.error: AudiomcqError | None = None
        self._each = each
        self._denied: dict[bytes, CallDenied] = {}
        self._answers = 0

    def take(self, key: bytes, outcome: Completion | AudiomcqError) -> Completion | Refusal | None:
        """Return the reply of one call if it is final."""
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
        """Return the denied calls, each with its refusal; empty if all calls were denied, which is a fatal error."""
        if not self._answers and len(self._denied) >= DENIALS:
            self.error = self.error or next(iter(self._denied.values())).problem
            return []
        for key in self._denied:
            del self.missing[key]
        return [(key, Refusal(error.code, str(error))) for key, error in self._denied.items()]


def read_name(name: str) -> bytes:
    """Return the journal key in the name of a request; empty if the name is not ours."""
    try:
        return bytes.fromhex(name)
    except ValueError:
        return b""
