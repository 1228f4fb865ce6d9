"""Lists the clips without an audio file in a table beside the clips, so that somebody can get the files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from audiomcq_cli import parquet
from audiomcq_cli.measurements import SOURCE
from audiomcq_cli.records import AUDIO_MISSING
from audiomcq_cli.storage.files import HIDDEN, replacing
from audiomcq_cli.storage.shards import list_shards

LIST = "audio_missing.csv"
"""Name of the table in the hidden folder of a stage; it does not exist if no audio is missing."""

SHOWN = 3
"""Most paths in a line."""

_COLUMNS = ["source_dataset", "clip_id", "audio_path"]


def list_missing(folder: Path) -> int:
    """Write the table of a stage folder, or remove it if it would be empty; return the number of clips in it."""
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
    """Yield source, id and expected path of each clip without audio, with one batch in memory at a time.

    The rows of a clip, which may be questions, are adjacent.
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


@dataclass(frozen=True, slots=True)
class Strays:
    """Clips without an audio file, and audio files that their source does not mention, each with the first paths."""

    clips: int
    clip_paths: Sequence[str]
    files: int
    file_paths: Sequence[str]


def find_strays(folder: Path) -> Strays:
    """Return the clips and files without counterpart in a stage folder: a misspelled name causes one of each."""
    with (folder / HIDDEN / LIST).open(encoding="utf-8", newline="") as file:
        clips, clip_paths = _count(row["audio_path"] for row in csv.DictReader(file))
    return Strays(clips, clip_paths, *_count(_find_unsaid(folder)))


def _count(paths: Iterator[str]) -> tuple[int, list[str]]:
    """Return the number of paths, and the first ones; only those are held in memory."""
    first = list(islice(paths, SHOWN))
    return len(first) + sum(1 for _ in paths), first


def describe_strays(strays: Strays) -> str:
    """Describe the strays of a stage folder in one line."""
    has = "clip has" if strays.clips == 1 else "clips have"
    told = f"{strays.clips:,} {has} no audio file ({_show(strays.clip_paths, strays.clips)})"
    if strays.files:
        has = "audio file has" if strays.files == 1 else "audio files have"
        shown = _show(strays.file_paths, strays.files)
        told += f", and {strays.files:,} {has} no caption ({shown}): is a name misspelled?"
    return told


def _show(paths: Sequence[str], count: int) -> str:
    more = f" and {count - len(paths):,} more" if count > len(paths) else ""
    return ", ".join(paths) + more


def _find_unsaid(folder: Path) -> Iterator[str]:
    """Yield the paths of the audio files for which their source has neither a caption nor an event."""
    columns = ["source_dataset", "audio_path", "captions", "events", "flags"]
    for one in list_shards(folder):
        with parquet.open_parquet(one.path) as file:
            if not set(columns) <= set(file.schema_arrow.names):
                return  # questions, or a stage of somebody's own
            for batch in file.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    said = [one for one in row["captions"] if one["origin"] == row["source_dataset"]]
                    said += [one for one in row["events"] if one["origin"] == SOURCE]
                    if not said and AUDIO_MISSING not in row["flags"]:
                        yield row["audio_path"]
