"""The audio of exported rows: where it is, whether it is still the file of its row, and how it gets into the folder.

Paths of rows are untrusted: ``audio.resolve`` leads from them to a file, and names in the folder are checked as well.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from audiomcq_cli.audio_files import check_relative, hash_file, resolve
from audiomcq_cli.contracts import Reject, Row
from audiomcq_cli.errors import InputError
from audiomcq_cli.records import AUDIO_MISSING

FOLDER = "audio"
"""Folder inside an export that holds the audio: ``audio/SOURCE/PATH``."""

CHANGED, UNREADABLE = "audio_changed", "audio_unreadable"


@dataclass(frozen=True, slots=True)
class Clip:
    """The audio of a row: the file, what it must hash to (empty: not known), and its path as the trainer reads it."""

    file: Path
    sha256: str
    path: str


class Clips(Protocol):
    """How an export places the audio of its rows."""

    def find(self, row: Row) -> Clip | Reject | None:
        """Return the audio of a row, a ``Reject`` if it cannot be used, or None if the export places no audio."""
        ...

    def put(self, clip: Clip) -> Reject | None:
        """Put the audio where its path says; return a ``Reject`` if that is impossible."""
        ...


class Named:
    """Leaves ``audio_path`` as the row has it."""

    def find(self, row: Row) -> None:
        """Return None: no audio is placed."""

    def put(self, clip: Clip) -> None:
        """Do nothing."""


class Referenced:
    """Leaves audio where it lies; ``audio_path`` leads from the folder of the export to it.

    Attributes:
        roots: Audio root by ``source_dataset``. target: Folder of the export, resolved.
    """

    def __init__(self, roots: Mapping[str, Path], target: Path) -> None:
        self._roots, self._target = roots, target
        self._known: dict[tuple[str, str], Reject | None] = {}

    def find(self, row: Row) -> Clip | Reject:
        """The file of a row, if it is there."""
        source, relative = row["source_dataset"], row["audio_path"]
        if not relative:
            return Reject(AUDIO_MISSING, "the row has no audio")
        if source not in self._roots:
            return Reject(AUDIO_MISSING, f"no audio root is known for {source!r}")
        try:
            file = resolve(self._roots[source], relative)
            path = self._name(file, source, relative)
        except InputError as error:
            return Reject(AUDIO_MISSING, str(error))
        return Clip(file, row["audio_sha256"] or "", path) if file.is_file() else Reject(AUDIO_MISSING, relative)

    def _name(self, file: Path, source: str, relative: str) -> str:
        return Path(os.path.relpath(file, self._target)).as_posix()

    def put(self, clip: Clip) -> Reject | None:
        """Check once that a file is the one that its rows were made from."""
        key = (clip.path, clip.sha256)
        if key not in self._known:
            self._known[key] = self._take(clip)
        return self._known[key]

    def _take(self, clip: Clip) -> Reject | None:
        try:
            found = hash_file(clip.file)
        except InputError as error:
            return Reject(UNREADABLE, str(error))
        if clip.sha256 and found != clip.sha256:
            return Reject(CHANGED, f"{clip.file.name} has changed since it was captioned")
        self._bring(clip, found)
        return None

    def _bring(self, clip: Clip, sha256: str) -> None:
        """The file stays where it lies."""


class Brought(Referenced):
    """Puts audio into the folder of the export.

    Args:
        roots, target: As of ``Referenced``. building: Folder in which the export is being made.
        bring: Copies or links a file. listing: Takes a line for each file put. known: Hashes of the files that the
            export in ``target`` brought in the same way: they need not be brought again.
    """

    def __init__(
        self,
        roots: Mapping[str, Path],
        target: Path,
        building: Path,
        bring: Callable[[Path, Path], None],
        listing: IO[str],
        known: Mapping[str, str],
    ) -> None:
        super().__init__(roots, target)
        self._building, self._bring_file, self._listing, self._there = building, bring, listing, known

    def _name(self, file: Path, source: str, relative: str) -> str:
        name = f"{FOLDER}/{source}/{relative}"
        check_relative(name)
        return name

    def _bring(self, clip: Clip, sha256: str) -> None:
        """Put a file into the folder that is being made, unless a former or a killed export brought it already."""
        place = self._building / clip.path
        kept = self._there.get(clip.path) == sha256 and holds(self._target / clip.path, sha256)
        if not kept and not holds(place, sha256):
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary = place.with_name(f".{place.name}.tmp")
            temporary.unlink(missing_ok=True)
            self._bring_file(clip.file, temporary)
            temporary.replace(place)
        self._listing.write(json.dumps({"file": clip.path, "sha256": sha256}, ensure_ascii=False) + "\n")


def copy(source: Path, place: Path) -> None:
    """Copy the bytes of a file."""
    shutil.copyfile(source, place)


def link(source: Path, place: Path) -> None:
    """Link a file: hard, so that it is still there when the original has moved; else by its path."""
    with suppress(OSError):  # another file system, or one without hard links
        os.link(source, place)
        return
    place.symlink_to(source)


def holds(path: Path, sha256: str) -> bool:
    """Return whether a file exists and has a hash."""
    try:
        return hash_file(path) == sha256
    except InputError:
        return False
