"""Makes a release folder, ready for the Hub, of what split wrote.

    README.md, statistics.json, plots/, …      what is not rows: see companions.py
    data/SUBSET/LABEL-00003-of-00064.parquet   rows of one input shard in one subset with one label
    .audiomcq/manifest.json                    every file with its hash, counts, where the rows come from

Shards are read and written in pieces, so memory does not grow with the corpus; a clip stays in its shard, so a new
version changes only the files whose rows changed. The folder is built beside its target and takes its place when it is
whole: a reader sees the old release or the new one. Nothing in it depends on when or where it was built.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.release.card import list_configs
from audiomcq_cli.release.companions import write_companions
from audiomcq_cli.release.embed import Gate
from audiomcq_cli.release.former import CARD, find_former
from audiomcq_cli.release.recipe import hide_places
from audiomcq_cli.release.rows import ShardFiles, read_clips
from audiomcq_cli.release.statistics import Statistics, count_rows
from audiomcq_cli.storage.manifest import manifest_path, read_manifest, write_manifest
from audiomcq_cli.storage.shards import hash_file, list_shards

FORMAT = 1

_LAYOUT = 2
"""Number of the set of files that a release has beside its rows: with another it is built again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInfo:
    """What a release is called: the recipe's ``[project]`` and ``[publish]`` tables.

    Attributes:
        name: Of the project. version: Of the release. title: For people; the name where it is empty.
        license: Of the questions: an identifier of the Hub, or any text. languages: ISO 639 codes.
        repo: ``org/name`` on the Hub, where it is known.
        audio: ``embed`` puts the bytes of the audio into the rows, ``reference`` leaves it where it is.
        redistribute: Sources whose audio is embedded though its license is not known to allow it.
    """

    name: str
    version: str
    title: str = ""
    license: str = "unknown"
    languages: tuple[str, ...] = ("en",)
    repo: str = ""
    audio: str = "reference"
    redistribute: tuple[str, ...] = ()

    @property
    def embed(self) -> bool:
        """Whether the rows carry their audio."""
        return self.audio == "embed"


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a release: its path below the folder, its rows (None for the card), size in bytes and SHA-256."""

    path: str
    rows: int | None
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What was built: the folder, its files in order, the names of its configs and what it counts."""

    folder: Path
    files: tuple[ReleaseFile, ...]
    configs: tuple[str, ...]
    statistics: Statistics


def build_release(source: Path, target: Path, info: ReleaseInfo) -> ReleaseReport:
    """Build a release of a stage folder.

    Args:
        source: Folder that split wrote. target: Folder of the release: new, empty, or a release that is replaced.
        info: What the release is called.

    Raises:
        InputError: The rows are not what split writes, or there are none.
        StorageError: The stage is unfinished or contradicts its manifest, or the target is something else.
    """
    target = target.resolve()
    building, previous = _beside(target, "building"), _beside(target, "previous")
    try:
        _recover(target, previous)
        _check_target(target, source.resolve())
        lineage = _check_source(source)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        report = _fill(building, source, target, info, lineage)
        if target.exists():
            target.rename(previous)
        building.rename(target)
    except OSError as error:
        raise StorageError(f"{target}: the release cannot be built: {error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
        _recover(target, previous)
    return report


def is_current(source: Path, target: Path, info: ReleaseInfo) -> bool:
    """Whether a release is whole and was made of this very stage folder under this name."""
    try:
        manifest = json.loads(manifest_path(target).read_text("utf-8"))
        return bool(manifest["fingerprint"] == _fingerprint(source, info)) and all(
            (target / file["file"]).stat().st_size == file["size"] for file in manifest["files"]
        )
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _fingerprint(source: Path, info: ReleaseInfo) -> str:
    """Hash of what a release depends on: the manifest of its input, which names every shard's hash, and its names."""
    names = json.dumps([FORMAT, _LAYOUT, asdict(info)], sort_keys=True)
    return hashlib.sha256(names.encode() + manifest_path(source).read_bytes()).hexdigest()


def _check_source(source: Path) -> dict[str, Any]:
    """The manifest of a stage folder whose shards are those that the manifest names."""
    found = {shard.path.name for shard in list_shards(source)}
    manifest = read_manifest(source)
    if manifest is None:
        raise StorageError(f"{source}: the stage is not finished", hint="run it again: what is done is kept")
    named = {shard["file"]: shard["sha256"] for shard in manifest["shards"]}
    names = sorted(found | named.keys())
    wrong = [name for name in names if name not in found or hash_file(source / name) != named.get(name)]
    if wrong:
        raise StorageError(f"{source / wrong[0]} is not as the manifest says", hint="run the stage again")
    return manifest


def _check_target(target: Path, source: Path) -> None:
    """Refuse to replace what is not a release, and to put one into the folder that it is made of."""
    if source in target.parents:
        raise StorageError(f"{target} is inside the stage folder", hint="name a folder beside it")
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    try:
        ours = "release" in json.loads(manifest_path(target).read_text("utf-8"))
    except (OSError, ValueError):
        ours = False
    if not ours:
        raise StorageError(f"{target} is in the way: it is not a release", hint="name a new or empty folder")


def _fill(folder: Path, source: Path, target: Path, info: ReleaseInfo, lineage: Mapping[str, Any]) -> ReleaseReport:
    """Write everything into an empty folder."""
    files: list[ReleaseFile] = []
    statistics = Statistics()
    gate = Gate(source, lineage, info.redistribute)
    for shard in list_shards(source):
        with ShardFiles(folder / "data", shard, embed=info.embed) as opened:
            for table in read_clips(shard):
                recordings, admitted = gate.admit(table) if info.embed else ([None] * table.num_rows, Statistics())
                statistics += count_rows(table) + admitted
                opened.write(table, recordings)
        files += [_describe(folder, path, rows=rows) for path, rows in opened.rows.items()]
    if not statistics.rows:
        raise InputError(
            "no rows: there is nothing to release", file=str(source), hint="see its rejects for the reasons"
        )
    companions = write_companions(folder, info, statistics, lineage, files, former=_read_former(target))
    files += [_describe(folder, path, rows=None) for path in companions]
    files.sort(key=lambda file: file.path)
    manifest = _make_manifest(info, statistics, files, lineage)
    write_manifest(folder, {**manifest, "fingerprint": _fingerprint(source, info)})
    return ReleaseReport(
        folder=target, files=tuple(files), configs=tuple(list_configs(statistics)), statistics=statistics
    )


def _read_former(target: Path) -> str:
    """The card of the release that is replaced, as far as people had a hand in it."""
    path = target / CARD
    if not path.is_file():
        return ""
    try:
        return find_former(path.read_bytes().decode("utf-8"), json.loads(manifest_path(target).read_text("utf-8")))
    except UnicodeDecodeError as error:
        raise InputError(
            "not UTF-8", file=str(path), hint="save it as UTF-8: what you wrote into it is kept"
        ) from error


def _describe(folder: Path, path: Path, *, rows: int | None) -> ReleaseFile:
    return ReleaseFile(path.relative_to(folder).as_posix(), rows, path.stat().st_size, hash_file(path))


def _make_manifest(
    info: ReleaseInfo, statistics: Statistics, files: list[ReleaseFile], lineage: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest of a release. Audio roots are left out: they are places on the machine that built it."""
    return {
        "format": FORMAT,
        "release": info.name,
        "version": info.version,
        "license": info.license,
        "tool_version": lineage["tool_version"],
        "rows": statistics.rows,
        "counts": [
            {"subset": subset, "label": label, "question_type": kind, "rows": rows}
            for (subset, label, kind), rows in sorted(statistics.questions.items())
        ],
        "files": [
            {"file": file.path, "rows": file.rows, "size": file.size, "sha256": file.sha256} for file in files
        ],
        "lineage": lineage["lineage"],
        "sources": hide_places(lineage["sources"]),
    }  # fmt: skip


def _beside(target: Path, purpose: str) -> Path:
    return target.with_name(f".{target.name}.{purpose}")


def _recover(target: Path, previous: Path) -> None:
    """Bring back the old release where the new one did not take its place; else remove it."""
    if previous.exists() and not target.exists():
        previous.rename(target)
    shutil.rmtree(previous, ignore_errors=True)
