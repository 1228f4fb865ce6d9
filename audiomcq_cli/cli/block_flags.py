"""The two flags that say what becomes of the blocks that a work folder holds."""

from __future__ import annotations

from dataclasses import dataclass

from audiomcq_cli.errors import RecipeError

KEEP, NEW = "--keep-blocks", "--new-blocks"
HELP = {
    KEEP: "Keep the blocks that the work folder holds: added clips join new ones. They are copied, and the line is"
    " printed that the recipe needs from then on.",
    NEW: "Plan all blocks anew, though models were asked about those that the work folder holds.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says of the blocks that a work folder holds; at most one of both.

    Raises:
        RecipeError: Both are given.
    """

    keep: bool = False
    new: bool = False

    def __post_init__(self) -> None:
        if self.keep and self.new:
            raise RecipeError(f"{KEEP} and {NEW} contradict each other", hint="leave one of them out")
