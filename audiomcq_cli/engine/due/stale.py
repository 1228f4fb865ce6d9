"""Whether a finished stage is still that of its input: which of its shards were made of other input shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.engine.due.made_of import find_made_of
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.files import HIDDEN


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a stage is to be run again, in words, and which of its shards were made of another input than is there now.

    Of a stage after a stale one the shards are not known.
    """

    why: str = ""
    files: frozenset[str] = frozenset()


def find_stale(
    folder: Path, manifest: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], shards: Mapping[str, str]
) -> Stale:
    """How far a finished stage is behind its input.

    Args:
        folder: Of the stage. manifest: Its own. entries: Of its run log, the last one first. shards: Fingerprint of
            each of its shards by file.
    """
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
    made = {file: find_made_of(entries, file, fingerprint) for file, fingerprint in shards.items()}
    behind = frozenset(
        file for file, one in made.items() if file not in hashes or (one and one.input and one.input != hashes[file])
    ) | (hashes.keys() - made.keys())
    if not behind:
        return Stale()
    return Stale(
        f"{found['stage']} was done again: {len(behind)} of {len(hashes)} shards that it reads changed", behind
    )
