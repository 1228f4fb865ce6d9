"""Lists the clips of which there is no audio file, so that somebody can get them: a table beside the clips."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli import parquet
from audiomcq_cli.records import AUDIO_MISSING
from audiomcq_cli.storage.files import HIDDEN, replacing
from audiomcq_cli.storage.shards import list_shards

LIST = "audio_missing.csv"
"""Name of the table in the hidden folder of a stage; not there where no audio is missing."""

_COLUMNS = ["source_dataset", "clip_id", "audio_path"]


def list_missing(folder: Path) -> int:
    """Write the table of a stage folder anew, or remove it; returns how many clips it names."""
    path = folder / HIDDEN / LIST
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in _find(folder):
            writer.writerow(row)
            count += 1
    if not count:
        path.unlink(missing_ok=True)  # another process may have been here
    return count


def _find(folder: Path) -> Iterator[tuple[str, ...]]:
    """Source, id and looked-for path of each clip without audio, a batch in memory at a time.

    The rows of a clip, which may be questions, stand together.
    """
    last = None
    for one in list_shards(folder):
        with parquet.open_parquet(one.path) as file:
            if not {*_COLUMNS, "flags"} <= set(file.schema_arrow.names):
                return  # a stage of somebody's own
            for batch in file.iter_batches(columns=[*_COLUMNS, "flags"]):
                columns = batch.to_pydict()
                for *row, flags in zip(*(columns[name] for name in (*_COLUMNS, "flags")), strict=True):
                    if AUDIO_MISSING in flags and row != last:
                        yield tuple("" if cell is None else cell for cell in row)
                        last = row
