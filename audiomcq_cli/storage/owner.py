"""Records the owner of a work folder in a small file, so that one corpus does not silently replace another.

``run`` records its project in the work folder and in every stage folder; the command of one stage does so in the folder
that it writes. A run without a project (no recipe) is identified by its sources. A folder without the file is adopted.
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
"""Subfolder for the record in a work folder. A work folder has no hidden folder, because that marks stage folders."""

LEFT_BY_READING = ("audio.sqlite", "audio.sqlite-journal")
LOCKS = "locks"
"""Folder of locks. Like the hashes of audio, it exists as soon as a stage begins to read its sources."""

ON_PURPOSE = "build elsewhere (--workdir, or another OUT), or replace it on purpose: --take-over"


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a folder: a project by name, else its sources as ``ADAPTER:PATH``; some commands know neither.

    For a project only the name is recorded: its sources may change. Sources count if they were recorded alone, by a run
    before there was a recipe.
    """

    project: str = ""
    sources: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.project or self.sources)

    def __str__(self) -> str:
        return f"the project {self.project!r}" if self.project else f"a corpus of {', '.join(self.sources)}"


def read_owner(folder: Path) -> Owner:
    """Return the owner of a folder; an empty owner if none is recorded, or the record cannot be read."""
    if not owner_path(folder).is_file():
        return Owner()
    try:
        found = read_json(owner_path(folder).read_bytes(), "")
        return Owner(str(found.get("project", "")), tuple(map(str, found.get("sources", ()))))
    except (OSError, InputError, ValueError, AttributeError, TypeError):
        return Owner()


def check_owner(owner: Owner, folders: Iterable[Path]) -> None:
    """Refuse to build in a folder of another owner; raises ``RecipeError`` naming both."""
    for folder in folders:
        there = read_owner(folder)
        same = there.project == owner.project if there.project else there.sources == owner.sources
        if owner and there and not same:
            raise RecipeError(f"{folder}: belongs to {there}, and this run builds {owner}", hint=ON_PURPOSE)


def write_owner(owner: Owner, folder: Path) -> None:
    """Record the owner of a folder. A failure is ignored: the next write there will report it."""
    there = read_owner(folder)
    if not owner or there == (Owner(owner.project) if owner.project else owner):
        return
    entry = {"project": owner.project} if owner.project else {"sources": list(owner.sources)}
    path = owner_path(folder)
    with suppress(StorageError), replacing(path) as temporary:
        temporary.write_text(json.dumps(entry) + "\n", "utf-8")


def withdraw_owner(owner: Owner, folder: Path) -> None:
    """Remove the record of an owner if nothing has been built for it."""
    if not owner or read_owner(folder) != (Owner(owner.project) if owner.project else owner) or holds_work(folder):
        return
    path = owner_path(folder)
    with suppress(OSError):
        path.unlink()
        path.parent.rmdir()


def holds_work(folder: Path) -> bool:
    """Return whether a work folder or a stage folder holds more than the temporary files of reading sources."""
    return any(
        path.is_file() and path.name not in (FILE, *LEFT_BY_READING) and path.parent.name != LOCKS
        for path in folder.rglob("*")
    )


def name_sources(sources: Sequence[tuple[str, Path, bool]], folder: Path) -> tuple[str, ...]:
    """Return sources (adapter, path, whether it is remote) in the form in which an owner records them.

    Paths are relative to the folder, so that both can be moved together.
    """
    named = (
        f"{adapter}:{path.as_posix() if remote else _spell(Path(os.path.relpath(path, folder)))}"
        for adapter, path, remote in sources
    )
    return tuple(sorted(named))


def _spell(path: Path) -> str:
    """Return a path in an encoding that does not depend on the locale."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def owner_path(folder: Path) -> Path:
    """Return the path of the owner record of a stage folder or a work folder."""
    return folder / HIDDEN / FILE if (folder / HIDDEN).is_dir() else folder / OF_ALL / FILE
