"""Whether a finished stage is still that of its inputs: which of its shards were made of other ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from audiomcq_cli.engine.beside import hash_content
from audiomcq_cli.engine.due.made_of import MadeOf, find_made_of
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.files import HIDDEN

MOST_FILES = 1_000
"""Files of a folder whose content is compared, at most; a run compares all of them."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The reason why a stage must run again, in words, and the shards whose input changed.

    For a stage after a stale one the shards are unknown.
    """

    why: str = ""
    files: frozenset[str] = frozenset()


def find_stale(
    folder: Path, manifest: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], shards: Mapping[str, str]
) -> Stale:
    """Return how far a finished stage is behind its input.

    Args:
        folder: Folder of the stage.
        manifest: Manifest of the stage.
        entries: Entries of its run log, newest first.
        shards: Fingerprint of each of its shards by file.
    """
    made = {file: find_made_of(entries, file, fingerprint) for file, fingerprint in shards.items()}
    found = [_compare_input(folder, manifest, made), _compare_beside(folder, made)]
    return Stale("; ".join(one.why for one in found if one.why), frozenset().union(*(one.files for one in found)))


def _compare_beside(folder: Path, made: Mapping[str, MadeOf | None]) -> Stale:
    """How far a stage is behind its second inputs, where its run log says that they were."""
    known = {file: one for file, one in made.items() if one and one.places}
    places = {place for one in known.values() for place in one.places.values()}
    now = {place: _hash(folder / place) for place in places if not _is_large(folder / place)}
    changes = {
        file: [
            f"input beside: {name} {'changed' if now[place] else 'is not there'}"
            for name, place in sorted(one.places.items())
            if place in now and now[place] != one.beside.get(name)
        ]
        for file, one in known.items()
    }
    why = dict.fromkeys(change for found in changes.values() for change in found)
    return Stale(", ".join(why), frozenset(file for file, found in changes.items() if found))


def _is_large(path: Path) -> bool:
    """Whether a folder has more in it than a look at a stage should read: anybody can write a path into a run log."""
    return path.is_dir() and next(islice(path.rglob("*"), MOST_FILES, None), None) is not None


def _hash(path: Path) -> str:
    """Hash of what is at a path; empty where nothing can be read there."""
    try:
        return hash_content(path)
    except OSError:
        return ""


def _compare_input(folder: Path, manifest: Mapping[str, Any], made: Mapping[str, MadeOf | None]) -> Stale:
    """How far a stage is behind the stage that writes its input."""
    if not manifest["input"]:
        return Stale()  # sources: what they hold is known when they are read
    source = folder / manifest["input"]
    try:
        found = manifests.read_manifest(source)
    except InputError:
        return Stale()
    if found is None:
        begun = (source / HIDDEN).is_dir()
        return Stale(f"{source.resolve().name}, which it reads, is not done") if begun else Stale()
    hashes = {one["file"]: one["sha256"] for one in found["shards"]}
    behind = frozenset(
        file for file, one in made.items() if file not in hashes or (one and one.input and one.input != hashes[file])
    ) | (hashes.keys() - made.keys())
    if not behind:
        return Stale()
    return Stale(
        f"{found['stage']} was done again: {len(behind)} of {len(hashes)} shards that it reads changed", behind
    )
