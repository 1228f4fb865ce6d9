"""Whose the folders are that a command writes: asked before anything is done, entered when there is something."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.owner import Owner, check_owner, name_sources, read_owner, withdraw_owner, write_owner

if TYPE_CHECKING:
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.recipe.read import Recipe


class Claim:
    """What a run of some jobs says of the folders that it builds in.

    Args:
        whole: The work folder, where all stages are run; None for a command of one stage.
        take_over: Whether folders of somebody else are replaced on purpose.
    """

    def __init__(self, jobs: Sequence[Job], recipe: Recipe, whole: Path | None, *, take_over: bool) -> None:
        self._whole = whole
        self._take_over = take_over
        self._owner = _find_owner(jobs[0], recipe, whole)
        self._folders = [whole, *(job.target for job in jobs)] if whole else [jobs[0].target]

    @property
    def names_a_corpus(self) -> bool:
        """Whether a recipe gives a name to what was built of its sources without one: the same corpus goes on."""
        there = read_owner(self._whole) if self._whole else Owner()
        return bool(not there.project and there.sources and there.sources == self._owner.sources)

    def check(self) -> None:
        """Raise ``RecipeError`` where a folder is somebody else's; a stage's that does not say is its work folder's."""
        if self._take_over:
            return
        check_owner(self._owner, self._folders)
        if self._whole is None:
            check_owner(
                self._owner,
                [one.parent for one in self._folders if (one / HIDDEN).is_dir() and not read_owner(one)],
            )

    def begin(self) -> None:
        """Enter the owner of the work folder."""
        if self._whole:
            write_owner(self._owner, self._whole)

    def enter(self, target: Path) -> None:
        """Enter the owner of a stage folder that is there by now, and once more of the work folder: see withdraw."""
        self.begin()
        if (target / HIDDEN).is_dir():
            write_owner(self._owner, target)

    def withdraw(self) -> None:
        """Take the owner out of folders in which nothing was built: a source that was mistyped owns nothing.

        Another run of the same project that has just begun there may lose its record with it, and enters it again.
        """
        for folder in reversed(self._folders):  # the work folder last: it holds the others
            withdraw_owner(self._owner, folder)


def _find_owner(first: Job, recipe: Recipe, whole: Path | None) -> Owner:
    """The project that a recipe names and the sources, else whoever the folder is of that is read."""
    inputs = first.inputs or (*recipe.sources, *recipe.imports)
    named = [(one.adapter, one.path, one.remote) for one in inputs]
    sources = name_sources(named, whole or first.target.parent)
    if recipe.named or first.source is None:
        return Owner(recipe.name if recipe.named else "", sources)
    return read_owner(first.source) or read_owner(first.source.parent)
