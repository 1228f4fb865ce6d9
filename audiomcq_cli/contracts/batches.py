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
    """What a provider takes as one batch, and how it is waited for.

    Attributes:
        requests, bytes: Most of each in one file. poll_seconds: Between two looks at a batch, once it takes long.
        ask_online_below: A round of fewer requests than this is sent call by call instead.
    """

    requests: int
    bytes: int
    poll_seconds: float
    ask_online_below: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """How far a batch is.

    Attributes:
        id, status: As the provider calls them. done, failed, total: Counts of its requests.
        ended: Whether no more will come of it. results: Names of the files that hold what came of it.
        cancelled: Whether somebody ended it. problem: Why the whole of it was refused, else empty.
        later: Whether the same batch may be taken another time (the provider's queue is full).
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
    """What came of one request of a batch: its name, and a completion or the error that ``send`` would raise."""

    name: str
    outcome: Completion | AudiomcqError


@runtime_checkable
class BatchBackend(Backend, Protocol):
    """A backend that also takes many calls at once and gives their replies hours later."""

    @property
    def terms(self) -> BatchTerms:
        """Limits of a batch."""

    async def write(self, name: str, call: Call) -> bytes:
        """A call as it stands in a file of requests; raises ``InputError`` for audio that cannot be sent."""

    async def upload(self, path: Path) -> str:
        """Bring a file of requests to the provider, which costs nothing yet; returns its name there."""

    async def submit(self, file: str, token: str) -> str:
        """Begin a batch and return its id; ``find`` knows it by the token, which is ours and used once."""

    async def find(self, token: str, since: float) -> str:
        """The id of the batch of a token, not older than a time (seconds since 1970); empty where there is none."""

    async def poll(self, batch: str) -> BatchState:
        """Look how far a batch is."""

    def fetch(self, state: BatchState) -> AsyncIterator[BatchResult]:
        """What came of a batch that has ended, in any order; of lines that are no results nothing."""
