"""Makes a release folder, ready for the Hub, of what split wrote.

    README.md                                  dataset card
    CHANGELOG.md                               what changed from version to version
    data/SUBSET/LABEL-00003-of-00064.parquet   rows of one input shard in one subset with one label
    .audiomcq/manifest.json                    every file with its hash, counts, where the rows come from

One input shard is read at a time, so memory does not grow with the corpus; a clip stays in its shard, so a new version
changes only the files whose rows changed. The folder is built beside its target and takes its place when it is whole:
a reader sees the old release or the new one. Nothing in it depends on when or where it was built.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.records import LABELS, RELEASED, arrow_schema
from audiomcq_cli.release.card import list_configs, render_card
from audiomcq_cli.release.changelog import Base, find_base, write_changelog
from audiomcq_cli.release.statistics import Statistics, count_rows
from audiomcq_cli.release.tree import MANIFEST, Tree
from audiomcq_cli.storage.manifest import manifest_path, read_manifest, write_manifest
from audiomcq_cli.storage.shards import ROW_GROUP, Shard, hash_file, list_shards

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
_SUBSET = re.compile(r"(?!all\Z)[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInfo:
    """What a release is called: the recipe's ``[project]`` and ``[publish]`` tables.

    Attributes:
        name: Of the project. version: Of the release. title: For people; the name where it is empty.
        license: Of the questions: an identifier of the Hub, or any text. languages: ISO 639 codes.
        repo: ``org/name`` on the Hub, where it is known.
    """

    name: str
    version: str
    title: str = ""
    license: str = "unknown"
    languages: tuple[str, ...] = ("en",)
    repo: str = ""


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


def build_release(source: Path, target: Path, info: ReleaseInfo, *, since: Tree | None = None) -> ReleaseReport:
    """Build a release of a stage folder.

    Args:
        source: Folder that split wrote. target: Folder of the release: new, empty, or a release that is replaced.
        info: What the release is called. since: The release before, where it is not the one that is replaced.

    Raises:
        InputError: The rows are not what split writes, or there are none.
        RecipeError: The version does not allow for what changed since the release before.
        StorageError: The stage is unfinished or contradicts its manifest, or the target is something else.
    """
    target = target.resolve()
    building, previous = _beside(target, "building"), _beside(target, "previous")
    try:
        _recover(target, previous)
        _check_target(target, source.resolve())
        base = find_base(target, info, since)
        lineage = _check_source(source)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        report = _fill(building, source, target, info, lineage, base, since)
        if target.exists():
            target.rename(previous)
        building.rename(target)
    except OSError as error:
        raise StorageError(f"{target}: the release cannot be built: {error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
        _recover(target, previous)
    return report


def is_current(source: Path, target: Path, info: ReleaseInfo, *, since: Tree | None = None) -> bool:
    """Whether a release is whole and was made of this very stage folder under this name, since the same release."""
    try:
        manifest = json.loads(manifest_path(target).read_text("utf-8"))
        return bool(manifest["fingerprint"] == _fingerprint(source, info, since)) and all(
            (target / file["file"]).stat().st_size == file["size"] for file in manifest["files"]
        )
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _fingerprint(source: Path, info: ReleaseInfo, since: Tree | None) -> str:
    """Hash of what a release depends on: the manifest of its input, which names every shard's hash, and its names.

    That of the release before counts too, where it was named: the changelog is made against it.
    """
    names = json.dumps([FORMAT, asdict(info)], sort_keys=True).encode()
    before = since.read(MANIFEST) if since and MANIFEST in since.files else b""
    return hashlib.sha256(names + manifest_path(source).read_bytes() + before).hexdigest()


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


def _fill(
    folder: Path, source: Path, target: Path, info: ReleaseInfo, lineage: Mapping[str, Any], base: Base,
    since: Tree | None,
) -> ReleaseReport:  # fmt: skip
    """Write everything into an empty folder."""
    files: list[ReleaseFile] = []
    statistics = Statistics()
    for shard in list_shards(source):
        table = _read_shard(shard)
        statistics += count_rows(table)
        files += _write_shard(folder, shard, table)
    if not statistics.rows:
        raise InputError(
            "no rows: there is nothing to release", file=str(source), hint="see its rejects for the reasons"
        )
    (folder / "README.md").write_text(render_card(info, statistics, lineage, files), "utf-8", newline="\n")
    files.append(_describe(folder, folder / "README.md", rows=None))
    manifest = _make_manifest(info, statistics, files, lineage)
    files.append(_describe(folder, write_changelog(folder, base, info, statistics, manifest), rows=None))
    files.sort(key=lambda file: file.path)
    manifest = _make_manifest(info, statistics, files, lineage)
    write_manifest(folder, {**manifest, "fingerprint": _fingerprint(source, info, since)})
    return ReleaseReport(
        folder=target, files=tuple(files), configs=tuple(list_configs(statistics)), statistics=statistics
    )


def _read_shard(shard: Shard) -> pa.Table:
    """The rows of a shard, in the columns and types of a release."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(shard.path) as file:
            if missing := set(RELEASED) - set(file.schema_arrow.names):
                hint = "publish reads what split writes"
                raise InputError("column is missing", file=str(shard.path), column=min(missing), hint=hint)
            return file.read(columns=list(RELEASED)).select(RELEASED).cast(arrow_schema(RELEASED))
    except pa.ArrowException as error:
        raise InputError(f"not rows that split wrote: {error}", file=str(shard.path)) from error


def _write_shard(folder: Path, shard: Shard, table: pa.Table) -> list[ReleaseFile]:
    """Write a file for each subset and label that has rows in a shard."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    files = []
    pairs = table.group_by(["subset", "audio_contribution"]).aggregate([]).to_pylist()
    for subset, label in sorted((str(pair["subset"]), str(pair["audio_contribution"])) for pair in pairs):
        # Both become a path and a glob; subsets come out of rows, which anyone may have written.
        if not _SUBSET.fullmatch(subset) or label not in LABELS:
            raise InputError(f"rows of subset {subset!r} with label {label!r}", file=str(shard.path), column="subset")
        path = folder / "data" / subset / f"{label}-{shard.index:05d}-of-{shard.count:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = table.filter((pc.field("subset") == subset) & (pc.field("audio_contribution") == label))
        # Chunks cut by content: a new version uploads only the pages that changed. The page index lets the Hub's
        # viewer read a page without its row group.
        pq.write_table(
            rows,
            path,
            row_group_size=ROW_GROUP,
            compression="zstd",
            write_page_index=True,
            use_content_defined_chunking=True,
        )
        files.append(_describe(folder, path, rows=rows.num_rows))
    return files


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
        "sources": lineage["sources"],
    }  # fmt: skip


def _beside(target: Path, purpose: str) -> Path:
    return target.with_name(f".{target.name}.{purpose}")


def _recover(target: Path, previous: Path) -> None:
    """Bring back the old release where the new one did not take its place; else remove it."""
    if previous.exists() and not target.exists():
        previous.rename(target)
    shutil.rmtree(previous, ignore_errors=True)
