"""Identifies the release in a folder: its version, its rows, and the stage manifest that it was built from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.errors import InputError
from audiomcq_cli.release.tree import read_release_manifest
from audiomcq_cli.storage.manifest import manifest_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A release in its folder.

    Attributes:
        folder: Folder of the release.
        name: Name of the project.
        version: Version of the release.
        rows: Number of rows.
        input: SHA-256 of the manifest of the stage folder that it was built from; empty if it does not say.
    """

    folder: str
    name: str
    version: str
    rows: int
    input: str


def find_releases(folder: Path) -> list[Standing]:
    """Return the release in a folder, or the releases in its subfolders."""
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())] if folder.is_dir() else []
    return [found for path in folders if (found := _read_standing(path))]


def _read_standing(folder: Path) -> Standing | None:
    path = manifest_path(folder)
    try:
        found = read_release_manifest(path.read_bytes(), str(path))
    except (OSError, InputError):
        return None
    return Standing(
        folder=str(folder),
        name=found["release"],
        version=found["version"],
        rows=found["rows"],
        input=found.get("input", ""),
    )
