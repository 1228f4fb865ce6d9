"""TACOS: ``annotations_strong.csv`` (sounds with their times), with weak captions and metadata beside it.

``annotations_weak.csv`` has a caption of the whole clip, ``metadata.csv`` its author and license. The metadata of some
ten thousand recordings are held in memory, the annotations are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from audiomcq_cli.audio_files import normalize
from audiomcq_cli.contracts import Event, Layout, Reject, Source, SourceRow, option
from audiomcq_cli.sources._csv import Record, credit, describe_cell, read_csv, reject_row
from audiomcq_cli.sources._identity import find_id_problem

_STRONG, _WEAK, _METADATA = "annotations_strong.csv", "annotations_weak.csv", "metadata.csv"


@dataclass(frozen=True, slots=True)
class Options:
    """Options for TACOS."""

    split: str = option("", "take the clips of one split, as its file says", choices=("", "development", "test"))


@dataclass(frozen=True, slots=True)
class _Recording:
    license: str | None = None
    origin: str | None = None


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the sounds, then the captions; raises ``InputError`` if a file is invalid."""
    folder = _find_folder(path)
    strong = path / _STRONG if path.is_dir() else path
    recordings = _read_metadata(folder / _METADATA) if (folder / _METADATA).is_file() else {}
    taken = _read_split(folder / f"{options.split}_split.csv") if options.split else None
    for record in read_csv(strong, ("filename", "text", "onset", "offset")):
        if taken is None or _read_name(record) in taken:
            yield _read_row(record, recordings, strong, timed=True)
    if (folder / _WEAK).is_file():
        for record in read_csv(folder / _WEAK, ("filename", "text")):
            if taken is None or _read_name(record) in taken:
                yield _read_row(record, recordings, folder / _WEAK, timed=False)


def _find_folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _read_row(record: Record, recordings: Mapping[str, _Recording], path: Path, *, timed: bool) -> SourceRow:
    row, name, text = record.row, _read_name(record), record.cells["text"].strip()
    if not name:
        return reject_row(path, row, "no_id", "filename", "is empty")
    if no_id := find_id_problem(name):
        return reject_row(path, row, "bad_id", "filename", no_id)
    recording = recordings.get(name, _Recording())
    events: tuple[Event, ...] = ()
    problem = None
    if timed:
        times = {column: _parse_time(record.cells[column]) for column in ("onset", "offset")}
        if wrong := next((column for column, seconds in times.items() if seconds is None), None):
            what = f"is {record.cells[wrong]!r}, expected seconds, 0 or more"
            problem = Reject("bad_time", describe_cell(path.name, row, wrong, what))
        elif text:
            events = (Event(text, times["onset"], times["offset"]),)
    return SourceRow(
        source_id=name,
        row=row,
        captions=(text,) if text and not timed else (),
        events=events,
        audio=(name, PurePosixPath(name).stem),
        license=recording.license,
        origin=recording.origin,
        problem=problem,
    )


def _read_name(record: Record) -> str:
    """Return the name of a recording in the form that all files of the set share."""
    return normalize(record.cells["filename"].strip())


def _parse_time(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _read_metadata(path: Path) -> dict[str, _Recording]:
    found = {}
    for record in read_csv(path, ("filename", "sound_link", "manufacturer", "license")):
        name, link, author, license_ = (
            record.cells[column].strip() for column in ("filename", "sound_link", "manufacturer", "license")
        )
        found[normalize(name)] = _Recording(license=license_ or None, origin=credit(link, author))
    return found


def _read_split(path: Path) -> set[str]:
    return {_read_name(record) for record in read_csv(path, ("filename",))}


SOURCE: Source[Options] = Source(
    help="TACOS folder: annotations_strong.csv (filename, text, onset, offset), annotations_weak.csv, metadata.csv",
    dataset="TACOS",
    read=read,
    options=Options,
    grouped=False,
    audio_root=_find_folder,
    layout=Layout(
        path="the folder, or annotations_strong.csv in it; of the other files those are read that are there",
        columns={
            "annotations_strong.csv: filename, text, onset, offset": "a sound and its times in seconds",
            "annotations_weak.csv: filename, text": "a caption of the clip",
            "metadata.csv: filename, sound_link, manufacturer, license": "origin and license",
            "development_split.csv, test_split.csv: filename": "clips of a split (option split)",
        },
        audio="{filename} anywhere below the folder, also in another format",
        rights="captions CC BY 4.0; license and author of each recording in metadata.csv",
    ),
)
