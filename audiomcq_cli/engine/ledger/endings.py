"""Says how a run ended, in words for people: for the run log, ``status`` and the summary."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from audiomcq_cli.errors import (
    BudgetReached,
    InputError,
    Interrupted,
    ModelError,
    RecipeError,
    ReplayMiss,
    StorageError,
)

DONE = "done"

INTERRUPTED = "interrupted"

ENDINGS: Mapping[type[BaseException], str] = {
    BudgetReached: "budget used up",
    Interrupted: INTERRUPTED,
    asyncio.CancelledError: INTERRUPTED,  # by the second Ctrl-C
    KeyboardInterrupt: INTERRUPTED,
    ModelError: "model cannot be used",
    ReplayMiss: "reply not in the journal",
    StorageError: "cannot be stored",
    InputError: "bad input",
    RecipeError: "recipe does not fit",
}
"""Words by the error that ended a run; of two that match, the first."""

UNEXPECTED = "unexpected error"


def name_ending(error: BaseException) -> str:
    """Return how a run ended, from the error that ended it."""
    return next((words for kind, words in ENDINGS.items() if isinstance(error, kind)), UNEXPECTED)
