"""Makes a release folder, ready for the Hub, from what split wrote.

README.md, statistics.json, plots/, …      files other than rows: see companions.py
CHANGELOG.md                               changes from version to version
data/SUBSET/LABEL-00003-of-00064.parquet   rows of one input shard in one subset with one label
.audiomcq/manifest.json                    every file with its hash, the counts, the origin of the rows

Shards are read and written in pieces, so memory does not grow with the corpus. A clip stays in its shard, so a new
version changes only the files whose rows changed. The folder is built beside its target and takes the target's place
once it is whole: a reader sees the old release or the new one. Nothing in it depends on when or where it was built.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.probe.report import Report, as_data
from audiomcq_cli.release.companions import write_companions
from audiomcq_cli.release.layout import CARD, ReleaseFile, ReleaseInfo
from audiomcq_cli.release.marked import find_former, find_theirs
from audiomcq_cli.release.rows.embed import Gate
from audiomcq_cli.release.rows.files import ShardFiles, read_clips
from audiomcq_cli.release.rows.guesses import check_guessable, probe_stage
from audiomcq_cli.release.rows.statistics import Statistics, count_blocks, count_rows
from audiomcq_cli.release.texts import changelog
from audiomcq_cli.release.texts.card import TAGS, list_configs
from audiomcq_cli.release.texts.changelog import CHANGELOG, find_base, write_changelog
from audiomcq_cli.release.texts.recipe import hide_places
from audiomcq_cli.release.texts.samples import Samples, draw_samples, merge_samples
from audiomcq_cli.release.tree import MANIFEST, Tree, open_tree, read_manifest_of, read_release_manifest
from audiomcq_cli.storage.descriptors import advise
from audiomcq_cli.storage.files import hash_file, holding
from audiomcq_cli.storage.manifest import manifest_path, read_manifest, write_manifest
from audiomcq_cli.storage.shards import list_shards

FORMAT = 1

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that file managers leave in folders. They may be overwritten."""

_LAYOUT = 4
"""Version of the form of the files beside the rows. A release with another number is built again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """A release that was built: its folder, files in order, names of configs, counts, and what can be guessed."""

    folder: Path
    files: tuple[ReleaseFile, ...]
    configs: tuple[str, ...]
    statistics: Statistics
    guesses: Report


def build_release(
    source: Path, target: Path, info: ReleaseInfo, *, since: Tree | None = None, replaces: Tree | None = None
) -> ReleaseReport:
    """Build a release from a stage folder.

    Args:
        source: Folder that split wrote.
        target: Folder of the release: new, empty, or holding a release to replace.
        info: Names of the release.
        since: The previous release, if it is not the one that is replaced.
        replaces: The release that is replaced, if it is not in the target. What people wrote into its card and
            changelog stays.

    Raises:
        InputError: The rows are not what split writes, or there are none.
        RecipeError: The version is too low for what changed since the previous release.
        TooGuessable: More can be guessed from the text alone than ``info`` allows.
        StorageError: The stage is unfinished or contradicts its manifest; the target is not a release or holds other
            files; or another process is building it.
    """
    target = target.resolve()
    if source.resolve() in target.parents:
        raise StorageError(f"{target} is inside the stage folder", hint="name a folder beside it")
    lock = _beside(target, "lock")
    with holding(lock, f"{target}: another publish is building this release"):
        try:
            return _build(source, target, info, since, replaces)
        finally:
            with suppress(OSError):  # cleaning up is optional
                lock.unlink()


def _build(source: Path, target: Path, info: ReleaseInfo, since: Tree | None, replaces: Tree | None) -> ReleaseReport:
    building, previous = _beside(target, "building"), _beside(target, "previous")
    try:
        _recover(target, previous)
        check_target(target)
        replaced = replaces or (open_tree(target) if target.is_dir() else None)
        base = find_base(replaced, info, since)
        lineage = _check_source(source)
        guesses = probe_stage(source)
        check_guessable(guesses, info.max_guessable, source)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        files, statistics, samples = _write_rows(building, source, info, lineage)
        former = _read_former(replaced)
        companions = write_companions(
            building, info, statistics, lineage, files, samples=samples, former=former, guessed=as_data(guesses)
        )
        files += [_describe(building, path, rows=None) for path in companions]
        manifest = _make_manifest(info, statistics, files, lineage)
        files.append(_describe(building, write_changelog(building, base, info, statistics, manifest), rows=None))
        files.sort(key=lambda file: file.path)
        manifest = _make_manifest(info, statistics, files, lineage) | {"input": hash_file(manifest_path(source))}
        write_manifest(building, {**manifest, "fingerprint": _fingerprint(source, info, since, replaces)})
        if target.exists():
            target.rename(previous)
        building.rename(target)
    except OSError as error:
        raise StorageError(f"{target}: the release cannot be built: {error}", hint=advise(error)) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
        _recover(target, previous)
    return ReleaseReport(
        folder=target,
        files=tuple(files),
        configs=tuple(list_configs(statistics)),
        statistics=statistics,
        guesses=guesses,
    )


def is_current(
    source: Path, target: Path, info: ReleaseInfo, *, since: Tree | None = None, replaces: Tree | None = None
) -> bool:
    """Return whether a release is up to date.

    It is when it is whole, was made from this stage folder with these names since the same release, and has what people
    wrote into the release that it replaces.
    """
    try:
        path = manifest_path(target)
        manifest = read_release_manifest(path.read_bytes(), str(path))
        return bool(manifest["fingerprint"] == _fingerprint(source, info, since, replaces)) and all(
            hash_file(target / file["file"]) == file["sha256"] for file in manifest["files"]
        )
    except (OSError, InputError):
        return False


def _fingerprint(source: Path, info: ReleaseInfo, since: Tree | None, replaces: Tree | None) -> str:
    """Return the hash of everything that a release depends on.

    This is its names and the manifest of its input, which names the hash of every shard. If given, the previous release
    (the changelog is made against it) and what people wrote into the replaced release count too.
    """
    names = json.dumps([FORMAT, _LAYOUT, asdict(info)], sort_keys=True).encode()
    before = since.read(MANIFEST) if since and MANIFEST in since.files else b""
    texts = [_read_former(replaces), _read_text(replaces, CHANGELOG)]
    theirs = [find_theirs(texts[0], TAGS) if texts[0] else "", changelog.find_theirs(texts[1])]
    written = json.dumps(theirs).encode() if any(theirs) else b""
    return hashlib.sha256(names + manifest_path(source).read_bytes() + before + written).hexdigest()


def _check_source(source: Path) -> dict[str, Any]:
    """Return the manifest of a stage folder; its shards must match the manifest."""
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


def check_target(target: Path) -> None:
    """Refuse to replace a folder that is not a release or holds files outside it: those files would be lost.

    Raises:
        StorageError: The folder is not a release or holds other files.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    try:
        manifest = read_manifest_of(open_tree(target))
    except (OSError, InputError):
        manifest = {}
    if "release" not in manifest:
        raise StorageError(f"{target} is in the way: it is not a release", hint="name a new or empty folder")
    known = {MANIFEST, *(file["file"] for file in manifest.get("files", ()))}
    others = sorted(
        path.relative_to(target).as_posix()
        for path in target.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.name not in _LITTER
    )
    if strangers := [path for path in others if path not in known]:
        more = f" and {len(strangers) - 1:,} more" if len(strangers) > 1 else ""
        raise StorageError(
            f"{target} holds what is not the release's: {strangers[0]}{more}",
            hint="move it elsewhere: a new release takes the place of the whole folder",
        )


def _write_rows(
    folder: Path, source: Path, info: ReleaseInfo, lineage: Mapping[str, Any]
) -> tuple[list[ReleaseFile], Statistics, Samples]:
    """Write the files of rows into an empty folder; count the rows and draw the sample questions."""
    files: list[ReleaseFile] = []
    statistics = Statistics()
    samples: Samples = {}
    seed = lineage["lineage"][0].get("seed", 0) if lineage["lineage"] else 0
    gate = Gate(source, lineage, info.redistribute)
    for shard in list_shards(source):
        statistics += count_blocks(shard.path)
        with ShardFiles(folder / "data", shard, embed=info.embed) as opened:
            for table in read_clips(shard):
                recordings, admitted = gate.admit(table) if info.embed else ([None] * table.num_rows, Statistics())
                statistics += count_rows(table) + admitted
                samples = merge_samples(samples, draw_samples(table, seed))
                opened.write(table, recordings)
        files += [_describe(folder, path, rows=rows) for path, rows in opened.rows.items()]
    if not statistics.rows:
        raise InputError(
            "no rows: there is nothing to release", file=str(source), hint="see its rejects for the reasons"
        )
    return files, statistics, samples


def _read_former(tree: Tree | None) -> str:
    """Return the card of the replaced release, if people edited it."""
    if (card := _read_text(tree, CARD)) and tree is not None:
        try:
            manifest = read_manifest_of(tree) if MANIFEST in tree.files else {"files": []}
            return find_former(card, manifest)
        except (InputError, LookupError):  # too damaged to say which part of the card is the program's
            return card
    return ""


def _read_text(tree: Tree | None, path: str) -> str:
    """Return a text of the replaced release; empty if there is none."""
    if tree is None or path not in tree.files:
        return ""
    try:
        return tree.read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8: what you wrote into it is kept"
        raise InputError("not UTF-8", file=f"{tree.name}/{path}", hint=hint) from error


def _describe(folder: Path, path: Path, *, rows: int | None) -> ReleaseFile:
    return ReleaseFile(path.relative_to(folder).as_posix(), rows, path.stat().st_size, hash_file(path))


def _make_manifest(
    info: ReleaseInfo, statistics: Statistics, files: list[ReleaseFile], lineage: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the manifest of a release. Audio roots are left out: they are folders of the machine that built it."""
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
        "redistribute": list(info.redistribute),
    }  # fmt: skip


def _beside(target: Path, purpose: str) -> Path:
    return target.with_name(f".{target.name}.{purpose}")


def _recover(target: Path, previous: Path) -> None:
    """Bring back the old release if the new one did not take its place; otherwise remove it."""
    if previous.exists() and not target.exists():
        previous.rename(target)
    shutil.rmtree(previous, ignore_errors=True)
