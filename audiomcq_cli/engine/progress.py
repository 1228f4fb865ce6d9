"""What the engine tells while it works; the command line shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Somebody who wants to know."""

    def begin(self, stage: str, shards: int, items: int | None) -> None:
        """A stage begins, with so many shards and (where known) items to do."""

    def advance(self, outcome: str, items: int) -> None:
        """So many items were kept, rejected or failed."""

    def say(self, message: str) -> None:
        """Something worth a line."""

    def end(self) -> None:
        """The stage is over."""
