"""Holds a commit on the Hub against a release folder: whether it has every file of it, and among the data no other."""

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
"""Commits that are looked at for the one that brought a release."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the release folder."""

    path: str
    size: int
    sha256: str


def read_release(folder: Path) -> tuple[dict[str, Any], tuple[LocalFile, ...]]:
    """The manifest of a release folder and all its files, the manifest among them; raises ``StorageError``."""
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
    """How the files of a commit differ from those of a release folder.

    Attributes:
        missing, changed: Files of the release that are not there, or others. extra: Files among the data that are not
            of the release, which its configs would take in. What people put beside the data is theirs.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    def __str__(self) -> str:
        """All three kinds in words; empty where there is no difference."""
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
    """Hold the files of a commit against those of a release folder."""
    there = hub.list_files(commit)
    ours = {file.path for file in files}
    return Difference(
        missing=tuple(sorted(ours - there.keys())),
        changed=tuple(file.path for file in files if file.path in there and not holds(there[file.path], folder, file)),
        extra=tuple(sorted(path for path in there.keys() - ours if path.startswith("data/"))),
    )


def check_files(hub: HubRepo, folder: Path, files: Sequence[LocalFile], commit: str) -> None:
    """Make sure that a commit holds this release and no other data: a merge takes in what others changed meanwhile.

    Raises:
        HubError: It holds something else; it has no tag then.
    """
    if difference := str(compare_files(hub, folder, files, commit)):
        raise HubError(
            f"{hub.name}@{commit[:8]} is not this release, somebody else changed it at the same time: {difference}",
            hint="see its commits; the same command puts this release there, once files that are not its own are gone",
            status=412,
        )


def find_first(hub: HubRepo, folder: Path, files: Sequence[LocalFile], head: str) -> str:
    """The oldest of the last commits that all hold this release: the one that brought it, where others followed."""
    first = head
    for commit in hub.list_ancestors(head)[:_LOOK_BACK]:
        if str(compare_files(hub, folder, files, commit)):
            break
        first = commit
    return first


def holds(stored: Stored, folder: Path, file: LocalFile) -> bool:
    """Whether a file of a commit is this file of a release folder."""
    return stored.holds(folder / file.path, file.size, file.sha256)
