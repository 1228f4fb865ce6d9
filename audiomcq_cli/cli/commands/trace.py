"""``trace``: shows the history of a row, in a work folder, a stage folder or a release, here or on the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.console import out, printable
from audiomcq_cli.cli.options import Json
from audiomcq_cli.errors import InputError, ReplayMiss
from audiomcq_cli.recipe.options import restore

if TYPE_CHECKING:
    from audiomcq_cli.engine.views.finding import Ids, Rejected
    from audiomcq_cli.engine.views.trace import Step
    from audiomcq_cli.release.tree import Tree

_PLACE = "Folder that a run builds in, a stage's, a release's, or a release on the Hub as org/name[@revision]."
_ID = (
    "Id of a question or a clip, or a part of an id that only one row has. With --random: a number of rows. With"
    " --rejected: a reason code."
)
_REJECTED = (
    "List the rows that were rejected or failed. --rejected CODE: only rows with that reason code. With --random: show"
    " rows drawn from them."
)


def trace(
    place: Annotated[str, typer.Argument(metavar="DIR", help=_PLACE, show_default=False)],
    words: Annotated[list[str] | None, typer.Argument(metavar="[ID]", help=_ID, show_default=False)] = None,
    random: Annotated[
        bool, typer.Option("--random", help="Show a row drawn at random. --random N: show N rows.")
    ] = False,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help=_REJECTED),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of --random (default: another each time).", metavar="N", show_default=False),
    ] = None,
    workdir: Annotated[
        Path | None, typer.Option(help="Folder that holds journal/ (default: where the stage had it).", metavar="PATH")
    ] = None,
    reuse: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another journal (packed file or work folder) to search for missing replies. Give it once for each.",
            metavar="PATH",
            show_default=False,
        ),
    ] = None,
    short: Annotated[bool, typer.Option("--short", help="Leave the prompts out.")] = False,
    json: Json = False,
) -> None:
    """Show every prompt, raw reply, grade and vote behind a row, stage by stage; or list what was rejected, and why."""
    from audiomcq_cli.cli.tracing_text import describe_item, describe_rejected, describe_released

    choice = _read_words(words or [], random=random, rejected=rejected, seed=seed)
    folder, tree = _open(place)
    if choice.lists:
        dropped = _list_rejected(folder, tree, choice, place)
        out.summary["items"] = [asdict(one) for one in dropped]
        if not json:
            out.data(printable(describe_rejected(dropped)))
        return
    if tree is not None:
        rows, prompts = _find_released(tree, choice, place)
        out.summary["items"] = [{"id": row["id"], "row": row} for row in rows]
        out.summary["prompts"] = prompts
        if not json:
            out.data(printable(describe_released(rows, {} if short else prompts, _width())))
        return
    items = _follow_all(folder, choice, place, workdir, reuse or ())
    out.summary["items"] = [{"id": name, "steps": [asdict(step) for step in steps]} for name, steps in items]
    if len(items) == 1:
        out.summary["steps"] = out.summary["items"][0]["steps"]
    if not json:
        out.data(printable("\n".join(describe_item(name, steps, _width(), short=short) for name, steps in items)))


class _Choice:
    """The rows to show: an id, ``count`` rows at random, or a list of rejected ones."""

    def __init__(self, asked: str, count: int, *, rejected: bool, reason: str, seed: int | None) -> None:
        self.asked, self.count, self.rejected, self.reason, self._seed = asked, count, rejected, reason, seed
        self.lists = rejected and not count

    def choose(self, ids: Ids, place: str) -> list[str]:
        """Return the chosen ids. A random seed is printed, so that the same rows can be shown again."""
        from audiomcq_cli.engine.views.finding import draw_items, find_items

        if not self.count:
            return find_items(ids, self.asked, place)
        if self._seed is None:
            import secrets

            self._seed = secrets.randbelow(1_000_000)
            out.say(f"drawn with --seed {self._seed}")
        return draw_items(ids, self.count, self._seed, place, rejected=self.rejected, reason=self.reason)


def _read_words(words: Sequence[str], *, random: bool, rejected: bool, seed: int | None) -> _Choice:
    """Read the words after the folder: an id; a number with ``--random``; a reason code with ``--rejected``.

    ``--rejected`` without ``--random`` lists.

    Raises:
        InputError: The words contradict each other.
    """
    if not random:
        if seed is not None:
            raise InputError("--seed goes with --random", hint="add --random, or leave it out")
        if rejected and len(words) > 1:
            hint = "--rejected lists all rejected rows, --rejected REASON those with one reason; leave the id out"
            raise InputError(f"not understood: {' '.join(words)}", hint=hint)
        if rejected:
            return _Choice("", 0, rejected=True, reason="".join(words), seed=None)
        if len(words) != 1:
            hint = "audiomcq trace DIR ID, or audiomcq trace DIR --random"
            raise InputError("name one id" if words else "no id is given", hint=hint)
        return _Choice(words[0], 0, rejected=False, reason="", seed=None)
    numbers = [int(word) for word in words if word.isascii() and word.isdigit()]
    codes = [word for word in words if not (word.isascii() and word.isdigit())]
    if len(numbers) > 1 or len(codes) > rejected or 0 in numbers:
        hint = "as in --random 3, --random --rejected, --random 3 --rejected REASON; leave the id out"
        raise InputError(f"not understood: {' '.join(words)}", hint=hint)
    return _Choice("", *(numbers or [1]), rejected=rejected, reason="".join(codes), seed=seed)


def _open(place: str) -> tuple[Path, Tree | None]:
    """Return the stage folder to trace from, and the tree of a release whose stage folder is not at hand."""
    from audiomcq_cli.engine.views.finding import find_stage_folder
    from audiomcq_cli.release.lookup import find_origin
    from audiomcq_cli.release.tree import MANIFEST, open_tree, read_manifest_of

    folder = Path(place)
    if folder.is_dir() and not (folder / MANIFEST).is_file():
        return find_stage_folder(folder), None
    tree = open_tree(place)
    manifest = read_manifest_of(tree)
    if "release" not in manifest:
        if tree.folder is None:
            raise InputError("not a release", file=place, hint="trace reads releases on the Hub, and no stage folders")
        return folder, None
    if origin := find_origin(tree, manifest):
        out.say(f"built from {origin}: traced there")
        return origin, None
    return folder, tree


def _find_released(tree: Tree, choice: _Choice, place: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the chosen rows of a release, and the prompts of its recipe."""
    from audiomcq_cli.engine.views.finding import Ids
    from audiomcq_cli.release.diff.made import list_prompts
    from audiomcq_cli.release.lookup import list_ids, read_released
    from audiomcq_cli.release.tree import read_manifest_of

    ids = Ids()
    for name, clip in list_ids(tree):
        ids.add(name, clip)
        ids.kept.append(name)
    wanted = choice.choose(ids, place)
    rows = {row["id"]: row for row in read_released(tree, wanted)}
    return [rows[name] for name in wanted if name in rows], list_prompts(read_manifest_of(tree))


def _list_rejected(folder: Path, tree: Tree | None, choice: _Choice, place: str) -> list[Rejected]:
    """Return what was rejected in a folder and in the stages before it."""
    from audiomcq_cli.engine.views.finding import list_rejected, read_ids

    if tree is not None:
        hint = "name the folder that it was built in: the rejected rows lie there"
        raise InputError("a release holds kept rows only", file=place, hint=hint)
    if not (folder / ".audiomcq" / "manifest.json").is_file():
        raise InputError("no finished stage in this folder", file=place, hint="trace reads a stage folder")
    return list_rejected(read_ids(folder), place, reason=choice.reason)


def _follow_all(
    folder: Path, choice: _Choice, place: str, workdir: Path | None, reuse: Sequence[Path]
) -> list[tuple[str, list[Step]]]:
    """Return every stage of every chosen item."""
    import asyncio

    from audiomcq_cli.engine.views.finding import read_ids
    from audiomcq_cli.engine.views.trace import trace as follow

    stages, kinds = registry.stages(), {name: registry.backend(name) for name in registry.names("backends")}
    found = []
    try:
        if not (folder / ".audiomcq" / "manifest.json").is_file():
            names = [choice.asked]  # the trace raises the error
        else:
            names = choice.choose(read_ids(folder), place)
        for name in names:
            steps = follow(folder, name, workdir=workdir, reuse=reuse, stages=stages, build=restore, backends=kinds)
            found.append((name, asyncio.run(steps)))
    except ReplayMiss as error:
        raise ReplayMiss(str(error), hint="name the folder that holds journal/ with --workdir, or --reuse") from error
    return found


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns
