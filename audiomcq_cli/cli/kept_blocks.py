"""Decides what becomes of the blocks of a work folder whose input changed: a run that would move clips that models were
asked about stops first, and offers to keep the blocks or to plan new ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli import registry
from audiomcq_cli.cli.block_flags import KEEP, NEW, Choice
from audiomcq_cli.cli.console import out
from audiomcq_cli.cli.looking import count_of
from audiomcq_cli.engine.planned import find_earlier, find_kept
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.recipe.jobs import inherit_shards
from audiomcq_cli.storage.files import hash_file, replacing
from audiomcq_cli.storage.shards import list_shards

if TYPE_CHECKING:
    from audiomcq_cli.engine.due.anew import Ahead
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.engine.runtime import Runtime
    from audiomcq_cli.recipe.read import Recipe

COPY = "earlier-blocks"
"""Name of a copy of kept blocks."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The jobs of a run, with blocks named that are to be kept.

    Attributes:
        jobs: The jobs. doubtful: Stage whose input is known once the stages before it have run; empty if there is none.
        remark: What would stop a run, for a dry run.
    """

    jobs: list[Job]
    doubtful: str = ""
    remark: str = ""


def settle(jobs: Sequence[Job], recipe: Recipe, choice: Choice, runtime: Runtime, *, dry: bool = False) -> Settled:
    """Decide about the blocks of a run before it does anything; a dry run copies nothing, and does not stop.

    Raises:
        RecipeError: Blocks that models were asked about would be planned anew, and the command line does not say
            whether they should. Or they are to be kept, and the recipe says another number of shards.
    """
    from audiomcq_cli.engine.due.anew import count_groups, is_anew, look_ahead

    settled = Settled(list(jobs))
    for number, job in enumerate(jobs):
        if choice.new or job.stage.earlier is None or find_earlier(job) or (job.replay and not choice.keep):
            continue
        blocks, replies = count_groups(job), _count_paid(job)
        if not blocks or not (replies or choice.keep):
            if choice.keep:
                out.say(f"{job.name}: {job.target} holds no blocks, so {KEEP} has nothing to keep")
            continue
        if choice.keep and jobs[0].source is None:
            settled.jobs[0] = replace(jobs[0], shards=inherit_shards(find_kept(job), recipe))
        ahead = look_ahead(settled.jobs[: number + 1], runtime)
        anew = is_anew(job, ahead)
        if choice.keep and anew is not False:
            settled.jobs[number] = _name_kept(job, ahead, recipe, blocks, dry=dry)
            check_shards(settled.jobs, recipe)
        elif anew:
            error = _stop(job, blocks, replies)
            if not dry:
                raise error
            settled = replace(settled, remark=f"{error}; a run stops at this: {error.hint}")
        elif anew is None:
            settled = replace(settled, doubtful=job.name)
    return settled


def check_again(job: Job, runtime: Runtime) -> None:
    """Decide about the blocks of a stage whose input was not known when the run began.

    Raises:
        RecipeError: They would be planned anew.
    """
    from audiomcq_cli.engine.due.anew import count_groups, is_anew, look_ahead

    if is_anew(job, look_ahead([job], runtime)):
        raise _stop(job, count_groups(job), _count_paid(job))


def check_shards(jobs: Sequence[Job], recipe: Recipe) -> None:
    """Check that the input of a single stage has as many shards as the blocks that it is to keep.

    Raises:
        RecipeError: It has another number.
    """
    path, source = find_earlier(jobs[0]), jobs[0].source
    if path is None or source is None or not path.is_file():
        return
    found, wanted = list_shards(source)[0].count, inherit_shards(path, replace(recipe, shards=None))
    if found != wanted:
        raise RecipeError(
            f"the earlier blocks lie in {count_of(wanted, 'shard')}, and {source} has {found}: {path}",
            hint=f"make the input anew in {count_of(wanted, 'shard')}: audiomcq caption --shard-count {wanted}",
        )


def _count_paid(job: Job) -> Mapping[str, int]:
    """Return the number of replies of later stages, by stage."""
    from audiomcq_cli.engine.due.anew import count_replies

    names = list(registry.stages())
    return count_replies(job.workdir, names[names.index(job.name) + 1 :])


def _stop(job: Job, blocks: int, replies: Mapping[str, int]) -> RecipeError:
    from audiomcq_cli.cli.session import command_line

    paid = ", ".join(f"{name} {number:,}" for name, number in replies.items())
    return RecipeError(
        f"{job.name}: its input or its options changed, so the {count_of(blocks, 'block')} in {job.target} would be"
        f" planned anew, and models were asked about them (replies: {paid})",
        hint=f"keep them, so that added clips join new ones: {command_line()} {KEEP}; or plan all anew: {NEW}",
    )


# ------------------------------------------------------------------------------------------------------- the copy


def _name_kept(job: Job, ahead: Ahead, recipe: Recipe, blocks: int, *, dry: bool) -> Job:
    """Return the job with its own blocks named as earlier ones: by their copy, or in a dry run in place.

    A copy from which the existing blocks were made is taken again: a run that goes on makes no other.
    """
    from audiomcq_cli.engine.due.anew import is_anew

    folder = recipe.path.parent if recipe.path else job.workdir
    made = (one for path in _list_copies(folder) if path.is_file() and is_anew(one := _name(job, path), ahead) is False)
    named = next(made, None)
    if named is None:
        named = _name(job, find_kept(job) if dry else _copy(find_kept(job), folder))
    if dry:
        out.say(f"{job.name}: {KEEP} keeps {count_of(blocks, 'block')}")
        return named
    path = find_earlier(named)
    where = f"in {recipe.path}, under [{job.name}]" if recipe.path else f"in a recipe, under [{job.name}]"
    place = os.path.relpath(path or folder, folder)
    line = f'{_option(job)} = "{place}"'
    out.say(f"{job.name}: keeps the {count_of(blocks, 'block')} in {path}; from now on write {where}:")
    out.say(f"  {line}")
    out.summary["keep_blocks"] = {"path": str(path), "line": line}
    return named


def _option(job: Job) -> str:
    return job.stage.earlier.option if job.stage.earlier else ""


def _name(job: Job, path: Path) -> Job:
    return replace(job, options=replace(job.options, **{_option(job): str(path)}))


def _list_copies(folder: Path) -> list[Path]:
    """Return the copies in a folder, in the order of their names."""
    return sorted(folder.glob(f"{COPY}*.parquet"))


def _copy(kept: Path, folder: Path) -> Path:
    """Copy a file of blocks; one with other content is not replaced."""
    for path in _list_names(folder):
        if not path.exists():
            with replacing(path) as temporary:
                shutil.copyfile(kept, temporary)
            return path
        if path.is_file() and hash_file(path) == hash_file(kept):
            return path
    raise InputError("no name is left for a copy", file=str(folder))


def _list_names(folder: Path) -> Iterator[Path]:
    yield folder / f"{COPY}.parquet"
    yield from (folder / f"{COPY}-{number}.parquet" for number in count(2))
