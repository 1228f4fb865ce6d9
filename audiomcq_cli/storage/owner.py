"""Whose a work folder is: a small file beside the shards, so that one corpus does not replace another in silence.

``run`` enters its project in the work folder and in every stage folder; a command of one stage in the folder that it
writes. A run without a project (no recipe) is known by its sources. A folder without the file is adopted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.errors import InputError, RecipeError, StorageError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.storage.files import HIDDEN, replacing

FILE = "owner.json"
OF_ALL = "journal"
"""Folder of it in a work folder, which has no hidden one: that is how stage folders are known."""

LEFT_BY_READING = ("audio.sqlite", "audio.sqlite-journal")
LOCKS = "locks"
"""Hashes of audio and locks: files that are there as soon as a stage begins to read its sources."""

ON_PURPOSE = "build elsewhere (--workdir, or another OUT), or replace it on purpose: --take-over"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who builds: a project by its name, else the sources as ``ADAPTER:PATH``; neither is known of some commands.

    Of a project the name alone is recorded: its sources may change. They count in a folder where only sources are
    recorded, by a run before there was a recipe.
    """

    project: str = ""
    sources: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.project or self.sources)

    def __str__(self) -> str:
        return f"the project {self.project!r}" if self.project else f"a corpus of {', '.join(self.sources)}"


def read_owner(folder: Path) -> Owner:
    """The owner of a folder; nobody where none is recorded, or what is recorded cannot be read."""
    if not owner_path(folder).is_file():
        return Owner()
    try:
        found = read_json(owner_path(folder).read_bytes(), "")
        return Owner(str(found.get("project", "")), tuple(map(str, found.get("sources", ()))))
    except (OSError, InputError, ValueError, AttributeError, TypeError):
        return Owner()


def check_owner(owner: Owner, folders: Iterable[Path]) -> None:
    """Refuse to build in a folder of somebody else; raises ``RecipeError`` naming both."""
    for folder in folders:
        there = read_owner(folder)
        same = there.project == owner.project if there.project else there.sources == owner.sources
        if owner and there and not same:
            raise RecipeError(f"{folder}: belongs to {there}, and this run builds {owner}", hint=ON_PURPOSE)


def write_owner(owner: Owner, folder: Path) -> None:
    """Enter the owner of a folder. Where that cannot be done the work goes on: whatever writes there will say why."""
    there = read_owner(folder)
    if not owner or there == (Owner(owner.project) if owner.project else owner):
        return
    entry = {"project": owner.project} if owner.project else {"sources": list(owner.sources)}
    path = owner_path(folder)
    with suppress(StorageError), replacing(path) as temporary:
        temporary.write_text(json.dumps(entry) + "\n", "utf-8")


def withdraw_owner(owner: Owner, folder: Path) -> None:
    """Remove the record of an owner where nothing has been built for it."""
    if not owner or read_owner(folder) != (Owner(owner.project) if owner.project else owner) or holds_work(folder):
        return
    path = owner_path(folder)
    with suppress(OSError):
        path.unlink()
        path.parent.rmdir()


def holds_work(folder: Path) -> bool:
    """Whether a work folder or a stage folder holds anything but what reading the sources leaves until it ends."""
    return any(
        path.is_file() and path.name not in (FILE, *LEFT_BY_READING) and path.parent.name != LOCKS
        for path in folder.rglob("*")
    )


def name_sources(sources: Sequence[tuple[str, Path, bool]], folder: Path) -> tuple[str, ...]:
    """Sources (adapter, path, whether it lies elsewhere) as they are known to the owner of a folder.

    Paths are relative to it, so that both can be moved together.
    """
    named = (
        f"{adapter}:{path.as_posix() if remote else _spell(Path(os.path.relpath(path, folder)))}"
        for adapter, path, remote in sources
    )
    return tuple(sorted(named))


def _spell(path: Path) -> str:
    """A path in letters that do not depend on the locale that a command is run in."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def owner_path(folder: Path) -> Path:
    """Where the owner of a stage folder, or of the folder that they lie in, is recorded."""
    return folder / HIDDEN / FILE if (folder / HIDDEN).is_dir() else folder / OF_ALL / FILE
