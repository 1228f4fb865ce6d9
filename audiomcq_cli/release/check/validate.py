"""Checks a release or a stage folder, here or on the Hub: files, manifest, rows, card and audio.

Problems are yielded as they are found, so memory does not grow with the rows. On the Hub, hashes come with the listing;
only text columns (and the audio, if requested) are downloaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.foreign.shape import find_faults
from audiomcq_cli.release.check.audio import check_embedded, check_referenced
from audiomcq_cli.release.check.card import check_card
from audiomcq_cli.release.check.rows import Problem, RowChecks
from audiomcq_cli.release.layout import CARD
from audiomcq_cli.release.rows.licenses import normalize_license
from audiomcq_cli.release.tree import MANIFEST, Tree, read_manifest_of
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.manifest import total_items, total_reasons
from audiomcq_cli.storage.resources import schema

KEPT = 1_000
"""Problems that are kept in a report. All of them are counted."""

_EDITED = ("README.md", "CHANGELOG.md")
"""Files that people may edit, so their hash is not checked."""

_SCHEMAS = {"croissant.json": "croissant", "statistics.json": "statistics"}


@dataclass(slots=True)
class Report:
    """The result of a check.

    Attributes:
        name: Name of the folder or dataset.
        kind: ``release`` or the name of a stage.
        version: Version of a release.
        files: Number of data files.
        rows: Number of rows in them.
        heard: Number of rows whose audio was opened.
        problems: The first problems.
        counts: Number of all problems by kind.
    """

    name: str
    kind: str = ""
    version: str = ""
    files: int = 0
    rows: int = 0
    heard: int = 0
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Number of problems."""
        return self.counts.total()


def validate(
    tree: Tree, columns: Callable[[str], Sequence[str]], *, audio: bool = True, sample: int | None = None
) -> Report:
    """Check everything about a release or a stage folder.

    Args:
        tree: The folder, here or on the Hub.
        columns: Returns the columns that a stage writes.
        audio: Open the audio.
        sample: Number of rows whose audio is opened, evenly spread; None opens all.

    Raises:
        InputError: The folder is neither a release nor a stage folder.
        HubError: The Hub refuses or does not answer.
    """
    manifest = read_manifest_of(tree)
    release = "release" in manifest
    report = Report(tree.name, "release" if release else str(manifest["stage"]), str(manifest.get("version", "")))
    _collect(report, _check_manifest(manifest))
    sound = not report.total  # nothing is compared with an invalid manifest
    rows = RowChecks(tree, manifest if sound else {}, columns("split" if release else report.kind), release=release)
    checks: list[Iterator[Problem]] = [_check_files(tree, manifest), rows.check()]
    if sound:
        checks += [_check_release(tree, manifest, rows)] if release else [_check_stage(tree, manifest, rows)]
    checks.append(rows.find_twins())
    for check in checks:
        _collect(report, check)
    if audio and sound:
        hear = check_embedded if release else check_referenced
        _collect(report, hear(tree, manifest, rows, sample))
    report.files, report.rows, report.heard = len(rows.rows), sum(rows.rows.values()), rows.heard
    return report


def _collect(report: Report, problems: Iterator[Problem]) -> None:
    for problem in problems:
        report.counts[problem.kind] += 1
        if len(report.problems) < KEPT:
            report.problems.append(problem)


def _check_manifest(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that the manifest fits its schema."""
    for fault in find_faults(manifest, schema("release" if "release" in manifest else "manifest")):
        yield Problem("manifest", MANIFEST, fault)


def _check_files(tree: Tree, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that the files are those of the manifest, byte for byte, and that loaders find no other files."""
    listed = {entry["file"]: entry for entry in manifest.get("files", manifest.get("shards", ()))}
    for path, entry in sorted(listed.items()):
        if path not in tree.files:
            yield Problem("files", path, "is not there, and the manifest names it")
        elif path in _EDITED:
            continue
        elif entry.get("size") not in (None, tree.files[path].size):
            yield Problem(
                "files", path, f"has {tree.files[path].size:,} bytes, the manifest says {entry['size']!s:.30}"
            )
        elif tree.hash(path) != entry.get("sha256"):
            yield Problem("files", path, "is not the file that the manifest names: its hash is another")
    release = "release" in manifest
    for path in sorted(set(tree.files) - set(listed)):
        if path.startswith("data/") if release else not path.startswith("."):
            yield Problem("files", path, "is not in the manifest, and loaders would read it")


def _check_release(tree: Tree, manifest: Mapping[str, Any], rows: RowChecks) -> Iterator[Problem]:
    """Check the parts that only a release has: counts, card, licenses and the descriptions in JSON."""
    told = {(one["subset"], one["label"], one["question_type"]): one["rows"] for one in manifest.get("counts", ())}
    for key in sorted(told.keys() | rows.counts.keys()):
        if told.get(key, 0) != rows.counts[key]:
            what = f"counts {told.get(key, 0):,} rows of {', '.join(key)}; there are {rows.counts[key]:,}"
            yield Problem("counts", MANIFEST, what)
    if manifest.get("rows") != sum(rows.rows.values()):
        yield Problem(
            "counts", MANIFEST, f"counts {manifest.get('rows'):,} rows; there are {sum(rows.rows.values()):,}"
        )
    if CARD not in tree.files:
        yield Problem("card", CARD, "is not there: without it loaders know no configs")
    else:
        paths = [file.path for file in tree.data_files()]
        yield from (Problem("card", CARD, what) for what in check_card(tree.read(CARD), paths, rows.schema))
    yield from _check_licenses(manifest, rows)
    for path, name in _SCHEMAS.items():
        if path in tree.files:
            yield from _check_json(tree, path, name)


def _check_licenses(manifest: Mapping[str, Any], rows: RowChecks) -> Iterator[Problem]:
    """Check that the questions have a license, the card names each source, and no audio of unknown
    terms is included.
    """
    if manifest.get("license") in (None, "", "unknown"):
        yield Problem("license", MANIFEST, "the questions have no license")
    told = {source["name"] for source in manifest.get("sources", ())}
    for source in sorted(rows.sources - told):
        yield Problem("license", MANIFEST, f"the source {source} has rows, but is missing in the manifest")
    stated = {source["name"]: source.get("license") for source in manifest.get("sources", ())}
    for (source, license), count in sorted(rows.licenses.items()):
        text = license or stated.get(source) or ""
        if source not in manifest.get("redistribute", ()) and normalize_license(text) is None:
            what = f"{count:,} rows of {source} have audio in them whose license is not known to allow it"
            what += f": {text}" if text else ""
            yield Problem("license", MANIFEST, what)


def _check_json(tree: Tree, path: str, name: str) -> Iterator[Problem]:
    try:
        value = read_json(tree.read(path), path)
    except InputError as error:
        yield Problem("json", path, f"is {str(error).removeprefix(f'{path}: ')}")
        return
    for fault in find_faults(value, schema(name)):
        yield Problem("json", path, fault)


def _check_stage(tree: Tree, manifest: Mapping[str, Any], rows: RowChecks) -> Iterator[Problem]:
    """Check the accounts of a stage: every item is kept, rejected or failed, in each shard and in all."""
    shards = manifest["shards"]
    totals = manifest.get("totals", {})
    for shard in shards:
        items, path = shard.get("items", {}), shard["file"]
        if items and items.get("in") != sum(items.get(name, 0) for name in ("kept", "rejected", "failed")):
            yield Problem("items", path, f"{items['in']:,} items in are not those kept, rejected and failed: {items}")
        yield from _check_rejects(tree, shard, rows)
    try:
        sums = {
            "rows": sum(shard["rows"] for shard in shards),
            "items": total_items(shard["items"] for shard in shards),
            "reasons": total_reasons(shard["reasons"] for shard in shards),
        }
    except (LookupError, TypeError, AttributeError):
        return  # the check of the manifest reports it
    for name, value in sums.items():
        if totals.get(name) != value:
            yield Problem("items", MANIFEST, f"totals of {name} are {totals.get(name)}; the shards add up to {value}")


def _check_rejects(tree: Tree, shard: Mapping[str, Any], rows: RowChecks) -> Iterator[Problem]:
    """Check that the rejects of a shard match the counts of its manifest by outcome and reason."""
    path = f"{HIDDEN}/rejects/{shard['file']}"
    items, reasons = shard.get("items", {}), shard.get("reasons", {})
    left_out = items.get("rejected", 0) + items.get("failed", 0)
    if path not in tree.files:
        if left_out:
            yield Problem("rejects", path, f"is not there, and {left_out:,} items are counted as not kept")
        return
    found: dict[str, Counter[str]] = {"rejected": Counter(), "failed": Counter()}
    try:
        for outcome, reason in rows.read_rejects(path):
            found.setdefault(outcome, Counter())[reason] += 1
    except InputError as error:
        yield Problem("rejects", path, str(error).partition(": ")[2])
        return
    if {name: dict(counts) for name, counts in found.items()} != {name: dict(codes) for name, codes in reasons.items()}:
        counted = {name: dict(sorted(counts.items())) for name, counts in found.items()}
        yield Problem("rejects", path, f"its rows are {counted}, the manifest counts {reasons}")
    note = rows.notes.get(shard["file"], {}).get("rejects")
    if isinstance(note, str) and note and tree.hash(path) != note:
        yield Problem("rejects", path, "is not the file that the shard was written with: its hash is another")
