"""Compares a commit on the Hub with a release folder: it must hold every file, and no other file among the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import HubError, InputError, StorageError
from audiomcq_cli.release.hub.repo import HubRepo, Stored
from audiomcq_cli.release.tree import MANIFEST, read_release_manifest
from audiomcq_cli.storage.manifest import manifest_path

_LOOK_BACK = 20
"""Number of commits searched for the one that brought a release."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the release folder."""

    path: str
    size: int
    sha256: str


def read_release(folder: Path) -> tuple[dict[str, Any], tuple[LocalFile, ...]]:
    """Return the manifest of a release folder and all its files, including the manifest; raises ``StorageError``."""
    from audiomcq_cli.storage.files import hash_file

    try:
        manifest = read_release_manifest(manifest_path(folder).read_bytes(), str(manifest_path(folder)))
        files = [LocalFile(file["file"], file["size"], file["sha256"]) for file in manifest["files"]]
        if wrong := [one.path for one in files if (folder / one.path).stat().st_size != one.size]:
            raise StorageError(f"{folder / wrong[0]} is not as the manifest says", hint="publish it again")
        own = folder / MANIFEST
        files.append(LocalFile(MANIFEST, own.stat().st_size, hash_file(own)))
    except (OSError, InputError) as error:
        raise StorageError(f"{folder} is not a whole release: {error}", hint="publish it again") from error
    return manifest, tuple(sorted(files, key=lambda file: file.path))


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between the files of a commit and those of a release folder.

    Attributes:
        missing: Files of the release that the commit lacks.
        changed: Files of the release that differ in the commit.
        extra: Files among the data that are not part of the release; its configs would include them. Files that people
            put beside the data do not count.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    def __str__(self) -> str:
        """Return the difference in words; empty if there is none."""
        told = (
            (self.missing, "not there"),
            (self.changed, "not as it was sent"),
            (self.extra, "among the data and not of this release"),
        )
        return "; ".join(
            f"{paths[0]}{f' and {len(paths) - 1:,} more' if len(paths) > 1 else ''}: {what}"
            for paths, what in told
            if paths
        )


def compare_files(hub: HubRepo, folder: Path, files: Sequence[LocalFile], commit: str) -> Difference:
    """Compare the files of a commit with those of a release folder."""
    there = hub.list_files(commit)
    ours = {file.path for file in files}
    return Difference(
        missing=tuple(sorted(ours - there.keys())),
        changed=tuple(file.path for file in files if file.path in there and not holds(there[file.path], folder, file)),
        extra=tuple(sorted(path for path in there.keys() - ours if path.startswith("data/"))),
    )


def check_files(hub: HubRepo, folder: Path, files: Sequence[LocalFile], commit: str) -> None:
    """Check that a commit holds this release and no other data: a merge includes what others changed meanwhile.

    Raises:
        HubError: The commit holds something else; it then gets no tag.
    """
    if difference := str(compare_files(hub, folder, files, commit)):
        raise HubError(
            f"{hub.name}@{commit[:8]} is not this release, somebody else changed it at the same time: {difference}",
            hint="see its commits; the same command puts this release there, once files that are not its own are gone",
            status=412,
        )


def find_first(hub: HubRepo, folder: Path, files: Sequence[LocalFile], head: str) -> str:
    """Return the commit that brought this release: the oldest of the last commits that all hold it."""
    first = head
    for commit in hub.list_ancestors(head)[:_LOOK_BACK]:
        if str(compare_files(hub, folder, files, commit)):
            break
        first = commit
    return first


def holds(stored: Stored, folder: Path, file: LocalFile) -> bool:
    """Return whether a file of a commit equals this file of a release folder."""
    return stored.holds(folder / file.path, file.size, file.sha256)
