"""The manifest of a stage folder. It is written last and proves that the stage is complete.

It holds what made the rows (the lineage: all stages so far with options, models and prompts) and what became of every
item, shard by shard. Nothing in it depends on when, where or how often the stage was run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.foreign.shape import require
from audiomcq_cli.storage.files import HIDDEN, replacing
from audiomcq_cli.storage.resources import schema

FORMAT = 1
_WRITE_AGAIN = "run the stage that writes this folder again: what is done is kept, and the manifest written anew"
COUNTS = ("in", "kept", "rejected", "failed")


def manifest_path(folder: Path) -> Path:
    """Return the path of a folder's manifest."""
    return folder / HIDDEN / "manifest.json"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder, or None if the stage is not finished.

    Raises:
        InputError: The file exists and is not a manifest.
    """
    path = manifest_path(folder)
    if path.is_fifo():  # reading it might never end
        raise InputError("is a pipe, no file", file=str(path), hint=_WRITE_AGAIN)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot be read: {error}", file=str(path)) from error
    manifest = read_json(data, str(path), hint=_WRITE_AGAIN)
    if isinstance(manifest, dict) and "release" in manifest:
        hint = "name the folder of the stage that it was made from"
        raise InputError("this is a release, not a stage", file=str(folder), hint=hint)
    if isinstance(manifest, dict) and "export" in manifest:
        hint = "name the folder of the stage that it was made from"
        raise InputError("this is an export, not a stage", file=str(folder), hint=hint)
    return require(manifest, schema("manifest"), "a manifest", str(path), hint=_WRITE_AGAIN)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of a folder atomically."""
    with replacing(manifest_path(folder)) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def total_items(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of the item counts of several shards."""
    sums = dict.fromkeys(COUNTS, 0)
    for part in parts:
        for name in COUNTS:
            sums[name] += part[name]
    return sums


def total_reasons(parts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Return the sum of the counts by outcome and reason code of several shards, sorted by code."""
    sums: dict[str, dict[str, int]] = {"rejected": {}, "failed": {}}
    for part in parts:
        for outcome, codes in part.items():
            for code, count in codes.items():
                sums[outcome][code] = sums[outcome].get(code, 0) + count
    return {outcome: dict(sorted(codes.items())) for outcome, codes in sums.items()}
