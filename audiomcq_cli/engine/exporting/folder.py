"""The folder of an export: its manifest says what it was made of and which files are its own.

Nothing else in the folder is ever replaced or removed. An export that is written again first enters what is to come and
what is to go, then moves the files into place, then removes those that go, then enters the final state: a process that
is killed in between leaves a manifest whose hashes do not fit, and the next run completes it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from audiomcq_cli.audio_files import check_relative
from audiomcq_cli.engine.exporting.audio import FOLDER, holds
from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.foreign.shape import require
from audiomcq_cli.storage.files import HIDDEN, hash_file
from audiomcq_cli.storage.manifest import manifest_path, write_manifest
from audiomcq_cli.storage.resources import schema

FORMAT = 1
MANIFEST = f"{HIDDEN}/manifest.json"
AUDIO_LIST = f"{HIDDEN}/audio.jsonl"
"""File inside an export that copies or links audio: one line with name and hash for each audio file."""

_OTHER = "name a new one as OUT"

CAUSES = {
    "version": "the export has a new version",
    "options": "the options differ",
    "audio": "the audio is placed in another way",
    "input": "the rows differ",
    "audio_roots": "the audio lies elsewhere",
}
"""Message for each input of an export that can differ, by key of its manifest."""


def read_former(target: Path, name: str) -> dict[str, Any] | None:
    """Return the manifest of the export in a folder; None if the folder is empty or does not exist.

    Raises:
        InputError: It holds something else, or an export in another format.
    """
    if not target.exists() or not any(target.iterdir()):
        return None
    path = manifest_path(target)
    try:
        found = require(read_json(path.read_bytes(), str(path)), schema("export"), "an export", str(path))
        for file in _list_names(found):
            check_relative(file)
    except (OSError, InputError) as error:
        raise InputError("the folder is not empty", file=str(target), hint=_OTHER) from error
    if found["export"] != name:
        raise InputError(f"the folder holds an export in the format {found['export']}", file=str(target), hint=_OTHER)
    return found


def find_cause(target: Path, former: Mapping[str, Any], made_of: Mapping[str, Any]) -> str:
    """Return why the export in a folder must be written again; empty if it is whole and its inputs are the same."""
    for key, cause in CAUSES.items():
        if former[key] != made_of[key]:
            return cause
    hashes = {one["file"]: one["sha256"] for one in former["files"]} | read_audio_list(target)
    wrong = next((name for name, sha256 in hashes.items() if not holds(target / name, sha256)), None)
    if wrong is not None:
        return f"{wrong} is missing or has changed"
    return "the last export was stopped" if former["leaving"] else ""


def read_audio_list(target: Path) -> dict[str, str]:
    """Hashes of the audio files that an export brought, by name; of a list that is damaged, what can be read."""
    found: dict[str, str] = {}
    with suppress(OSError, InputError, ValueError, KeyError, TypeError), (target / AUDIO_LIST).open("rb") as file:
        for line in file:
            entry = read_json(line, "")
            name = str(entry["file"])
            check_relative(name)
            if name.startswith(f"{FOLDER}/"):
                found[name] = str(entry["sha256"])
    return found


def put_in_place(building: Path, target: Path, manifest: Mapping[str, Any], former: Mapping[str, Any] | None) -> None:
    """Have a folder that is whole take the place of what the export owns in its target.

    Raises:
        InputError: A file of the export would replace one that is not its own.
    """
    if former is None:
        write_manifest(building, manifest)
        building.replace(target)
        return
    names = sorted(path.relative_to(building).as_posix() for path in _list_files(building))
    coming = [name for name in names if name != MANIFEST]
    owned = {MANIFEST, *_list_names(former), *read_audio_list(target)}
    for name in coming:
        if name not in owned and _is_there(target / name):
            raise InputError("is not the export's own and would be replaced", file=str(target / name), hint=_OTHER)
    kept = {MANIFEST, *(one["file"] for one in manifest["files"]), *read_audio_list(building)}
    leaving = sorted(owned - kept)
    write_manifest(target, {**manifest, "leaving": leaving})
    for name in coming:  # the list of audio comes before the audio
        place = target / name
        _check_inside(target, place)
        place.parent.mkdir(parents=True, exist_ok=True)
        (building / name).replace(place)
    _remove(target, leaving)
    write_manifest(target, manifest)
    shutil.rmtree(building)


def _remove(target: Path, names: Iterable[str]) -> None:
    """Remove files of an export that it does not have any more, and folders that are empty then."""
    for name in names:
        place = target / name
        _check_inside(target, place)
        place.unlink(missing_ok=True)
        for folder in [one for one in place.parents if target in one.parents]:
            with suppress(OSError):  # it holds something else
                folder.rmdir()


def _check_inside(target: Path, place: Path) -> None:
    """Refuse to write or remove what a symbolic link in the folder leads to."""
    if not place.parent.resolve().is_relative_to(target.resolve()):
        raise StorageError(f"{place.parent} is a link that leads out of the export", hint="remove the link")


def _list_names(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield from (one["file"] for one in manifest["files"])
    yield from manifest["leaving"]


def _list_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def begin(building: Path, made_of: Mapping[str, Any]) -> None:
    """Empty the folder in which an export is made; the audio that a killed export of the same brought stays."""
    try:
        same = {**read_json(manifest_path(building).read_bytes(), ""), **made_of} == made_of
    except (OSError, InputError, TypeError):
        same = False
    for path in list(building.iterdir()) if building.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            if not (same and path.name == FOLDER):
                shutil.rmtree(path)
        else:
            path.unlink()
    write_manifest(building, made_of)


def drop_unlisted_audio(building: Path) -> None:
    """Remove audio that a killed export brought and this one did not."""
    listed = read_audio_list(building)
    for path in list(_list_files(building / FOLDER)):
        if path.relative_to(building).as_posix() not in listed:
            path.unlink()


def list_made(building: Path) -> list[dict[str, str]]:
    """Every file of an export but its audio and its manifest, with its hash."""
    names = sorted(path.relative_to(building).as_posix() for path in _list_files(building))
    others = [name for name in names if name != MANIFEST and not name.startswith(f"{FOLDER}/")]
    return [{"file": name, "sha256": hash_file(building / name)} for name in others]
