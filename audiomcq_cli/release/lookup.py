"""Finds rows of a release, here or on the Hub, and what can be shown of a row without its journal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError
from audiomcq_cli.release.tree import Tree
from audiomcq_cli.storage.manifest import read_manifest

_BYTES = "audio"
"""Column of the embedded audio, which a terminal cannot show."""


def list_ids(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield the id and clip of every row of a release."""
    for file in tree.data_files():
        for batch in tree.batches(file.path, ("id", "clip_id"), rows=10_000):
            for row in batch.to_pylist():
                yield str(row["id"]), str(row["clip_id"])


def read_released(tree: Tree, wanted: Collection[str]) -> list[Row]:
    """Return the rows with the given ids, in the order of the files, without audio; of other files
    only ids are read.
    """
    found: list[Row] = []
    for file in tree.data_files():
        ids = [row["id"] for batch in tree.batches(file.path, ("id",), rows=10_000) for row in batch.to_pylist()]
        if not set(ids) & set(wanted):
            continue
        with tree.parquet(file.path) as opened:
            columns = [name for name in opened.schema_arrow.names if name != _BYTES]
        for batch in tree.batches(file.path, columns):
            found += [row for row in batch.to_pylist() if row["id"] in wanted]
    return found


def find_origin(tree: Tree, manifest: Mapping[str, Any]) -> Path | None:
    """Return the stage folder that a release was built from, by its lineage; None if it is not beside the release."""
    if tree.folder is None:
        return None
    for place in sorted(path for path in tree.folder.parent.iterdir() if path.is_dir() and path != tree.folder):
        try:
            found = read_manifest(place)
        except InputError:
            continue
        if found and found["lineage"] == manifest.get("lineage"):
            return place
    return None
