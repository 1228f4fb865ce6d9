"""The two flags that say what becomes of the blocks that a work folder holds."""

from __future__ import annotations

from dataclasses import dataclass

from audiomcq_cli.errors import RecipeError

KEEP, NEW = "--keep-blocks", "--new-blocks"
HELP = {
    KEEP: "Keep the blocks of the work folder, so that added clips join new ones. The command copies their file and"
    " prints the line that the recipe needs.",
    NEW: "Plan all blocks anew, although models were asked about those of the work folder.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Choice on the command line about the blocks of a work folder: keep them, plan new ones, or neither.

    Raises:
        RecipeError: Both are given.
    """

    keep: bool = False
    new: bool = False

    def __post_init__(self) -> None:
        if self.keep and self.new:
            raise RecipeError(f"{KEEP} and {NEW} contradict each other", hint="leave one of them out")
