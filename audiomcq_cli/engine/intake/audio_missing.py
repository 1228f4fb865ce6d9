"""Lists the clips of which there is no audio file, so that somebody can get them: a table beside the clips."""

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
"""Name of the table in the hidden folder of a stage; not there where no audio is missing."""

SHOWN = 3
"""Paths that are named in a line."""

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


@dataclass(frozen=True, slots=True)
class Strays:
    """Clips without an audio file, and audio files of which their source says nothing, each with the first paths."""

    clips: int
    clip_paths: Sequence[str]
    files: int
    file_paths: Sequence[str]


def find_strays(folder: Path) -> Strays:
    """What of a stage folder's clips has no counterpart: a name that is misspelled leaves one of each kind."""
    with (folder / HIDDEN / LIST).open(encoding="utf-8", newline="") as file:
        clips, clip_paths = _count(row["audio_path"] for row in csv.DictReader(file))
    return Strays(clips, clip_paths, *_count(_find_unsaid(folder)))


def _count(paths: Iterator[str]) -> tuple[int, list[str]]:
    """How many paths there are, and the first of them; no more than those are held."""
    first = list(islice(paths, SHOWN))
    return len(first) + sum(1 for _ in paths), first


def describe_strays(strays: Strays) -> str:
    """The strays of a stage folder in one line."""
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
    """Paths of the audio files of which their source has neither a caption nor an event."""
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
