"""Batches: many calls handed to a provider at once, answered hours later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from audiomcq_cli.contracts.backends import Backend, Call, Completion
from audiomcq_cli.errors import AudiomcqError


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTerms:
    """The limits of a provider for one batch, and the waiting for it.

    Attributes:
        requests: Most requests in one file.
        bytes: Most bytes of one file.
        poll_seconds: Seconds between two checks of a batch, once it takes long.
        ask_online_below: A round of fewer requests is sent call by call instead.
    """

    requests: int
    bytes: int
    poll_seconds: float
    ask_online_below: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """The state of a batch.

    Attributes:
        id: The provider's id.
        status: The provider's word for the state.
        done: Number of completed requests.
        failed: Number of failed requests.
        total: Number of all requests.
        ended: Whether no more results will come.
        results: Names of the files with the results.
        cancelled: Whether it was cancelled.
        problem: Why the whole batch was refused; else empty.
        later: Whether the same batch may be accepted later (the provider's queue is full).
    """

    id: str
    status: str
    done: int = 0
    failed: int = 0
    total: int = 0
    ended: bool = False
    results: tuple[str, ...] = ()
    cancelled: bool = False
    problem: str = ""
    later: bool = False


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of one request of a batch: its name, and a completion or the error that ``send`` would raise."""

    name: str
    outcome: Completion | AudiomcqError


@runtime_checkable
class BatchBackend(Backend, Protocol):
    """A backend that also takes many calls at once and returns their replies hours later."""

    @property
    def terms(self) -> BatchTerms:
        """Return the limits of a batch."""

    async def write(self, name: str, call: Call) -> bytes:
        """Return a call as a line of a request file; raises ``InputError`` for audio that cannot be sent."""

    async def upload(self, path: Path) -> str:
        """Upload a file of requests, which costs nothing yet; return its name at the provider."""

    async def submit(self, file: str, token: str) -> str:
        """Begin a batch and return its id; ``find`` finds it by the token, which is ours and used once."""

    async def find(self, token: str, since: float) -> str:
        """Return the id of the batch with a token, not older than a time (seconds since 1970);
        empty if there is none.
        """

    async def poll(self, batch: str) -> BatchState:
        """Return the state of a batch."""

    def fetch(self, state: BatchState) -> AsyncIterator[BatchResult]:
        """Yield the results of a batch that has ended, in any order; lines that are not results are skipped."""
