"""Reads a pushed release as users will: the files of the commit, and the first rows of every config.

``datasets`` streams the rows from the pushed commit, without caches. They are compared with those of the release
folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from audiomcq_cli import parquet
from audiomcq_cli.errors import HubError
from audiomcq_cli.release.hub.commits import LocalFile, compare_files, read_release
from audiomcq_cli.release.hub.repo import HubRepo

ROWS = 3
"""Number of rows of each config that are read."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The extent of a comparison: files and their bytes, and the number of rows read of each config."""

    files: int
    bytes: int
    rows: dict[str, int]


def read_back(folder: Path, hub: HubRepo, commit: str) -> ReadBack:
    """Compare a commit with the release folder that it was made from.

    Raises:
        HubError: A file or a row differs from the folder, or cannot be read.
    """
    _, files = read_release(folder)
    if difference := str(compare_files(hub, folder, files, commit)):
        raise HubError(
            f"{hub.name}@{commit[:8]} is not there as it was sent: {difference}",
            hint="see its commits, mend what is wrong, and push again",
        )
    rows = {config: _read_config(folder, hub.name, commit, config, glob, files) for config, glob in _configs(folder)}
    return ReadBack(len(files), sum(file.size for file in files), rows)


def _configs(folder: Path) -> list[tuple[str, str]]:
    """Return the name and glob of every config in the card."""
    from huggingface_hub import DatasetCard

    configs: list[dict[str, Any]] = DatasetCard.load(folder / "README.md").data["configs"]
    return [(config["config_name"], split["path"]) for config in configs for split in config["data_files"]]


def _read_config(folder: Path, repo: str, commit: str, config: str, glob: str, files: Sequence[LocalFile]) -> int:
    """Stream the first rows of a config and compare their ids; return how many there were."""
    from datasets import Audio, load_dataset

    wanted = _first_ids(folder, [file.path for file in files if fnmatch(file.path, glob)])
    try:
        with tempfile.TemporaryDirectory(prefix="audiomcq-readback-") as cache:
            rows = load_dataset(repo, config, split="train", streaming=True, revision=commit, cache_dir=cache)
            for name, feature in (rows.features or {}).items():
                if isinstance(feature, Audio):
                    rows = rows.cast_column(name, Audio(decode=False))
            found = [row["id"] for row in rows.take(len(wanted))]
    except Exception as error:  # any error that a reader would get
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HubError(
            f"{repo}@{commit[:8]}: config {config!r} cannot be read: {reason}",
            hint="it is pushed and tagged; see whether it loads, and push a mended version",
        ) from error
    if found != wanted:
        raise HubError(f"{repo}@{commit[:8]}: config {config!r} begins with {found}, and not with {wanted}")
    return len(found)


def _first_ids(folder: Path, paths: Sequence[str]) -> list[str]:
    ids: list[str] = []
    for path in sorted(paths):
        if len(ids) < ROWS:
            with parquet.open_parquet(folder / path) as file:
                batch = next(file.iter_batches(ROWS, columns=["id"]), None)
                ids += [] if batch is None else batch.column("id").to_pylist()
    return ids[:ROWS]
