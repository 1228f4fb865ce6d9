"""Checks the owner of the folders that a command writes, and records it once there is something in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli.errors import RecipeError
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.owner import Owner, check_owner, name_sources, read_owner, withdraw_owner, write_owner

if TYPE_CHECKING:
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.recipe.read import Recipe


class Claim:
    """The claim of a run on the folders that it builds in.

    Args:
        whole: The work folder, if all stages run; None for a command of one stage.
        take_over: Replace the folders of another project on purpose.
    """

    def __init__(self, jobs: Sequence[Job], recipe: Recipe, whole: Path | None, *, take_over: bool) -> None:
        self._whole = whole
        self._take_over = take_over
        self._owner = _find_owner(jobs[0], recipe, whole)
        self._folders = [whole, *(job.target for job in jobs)] if whole else [jobs[0].target]

    @property
    def names_a_corpus(self) -> bool:
        """True if a recipe names a corpus that was built from the same sources without a name: it
        is the same corpus.
        """
        there = read_owner(self._whole) if self._whole else Owner()
        return bool(not there.project and there.sources and there.sources == self._owner.sources)

    def check(self) -> None:
        """Raise ``RecipeError`` if a folder has another owner. A stage folder without an owner has that of its work
        folder.
        """
        if not self._take_over:
            self._check()

    @property
    def replaces(self) -> bool:
        """True if the run replaces the build of another owner: ``--take-over`` was given and is needed."""
        try:
            self._check()
        except RecipeError:
            return self._take_over
        return False

    def _check(self) -> None:
        check_owner(self._owner, self._folders)
        if self._whole is None:
            check_owner(
                self._owner,
                [one.parent for one in self._folders if (one / HIDDEN).is_dir() and not read_owner(one)],
            )

    def begin(self) -> None:
        """Record the owner of the work folder."""
        if self._whole:
            write_owner(self._owner, self._whole)

    def enter(self, target: Path) -> None:
        """Record the owner of a finished stage folder, and again of the work folder: see ``withdraw``."""
        self.begin()
        if (target / HIDDEN).is_dir():
            write_owner(self._owner, target)

    def withdraw(self) -> None:
        """Remove the owner from folders in which nothing was built: a mistyped source owns nothing.

        Another run of the same project that has just begun may lose its record too, and then records it again.
        """
        for folder in reversed(self._folders):  # the work folder last: it holds the others
            withdraw_owner(self._owner, folder)


def _find_owner(first: Job, recipe: Recipe, whole: Path | None) -> Owner:
    """Return the owner: the project and sources of the recipe, else the owner of the folder that is read."""
    inputs = first.inputs or (*recipe.sources, *recipe.imports)
    named = [(one.adapter, one.path, one.remote) for one in inputs]
    sources = name_sources(named, whole or first.target.parent)
    if recipe.named or first.source is None:
        return Owner(recipe.name if recipe.named else "", sources)
    return read_owner(first.source) or read_owner(first.source.parent)
