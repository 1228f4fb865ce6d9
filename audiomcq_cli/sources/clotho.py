"""Clotho v2.1: ``clotho_captions_{development,validation,evaluation}.csv``, five captions a clip.

Its metadata file (ISO-8859-1) has the author and license of each recording. It has a few thousand rows and is held in
memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from audiomcq_cli.audio_files import normalize
from audiomcq_cli.contracts import Layout, Source, SourceRow, option
from audiomcq_cli.sources._csv import Record, credit, read_csv, reject_row
from audiomcq_cli.sources._identity import find_id_problem

_CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))
_UNKNOWN = ("", "not found")  # values for "unknown" in the metadata, in lower case


@dataclass(frozen=True, slots=True)
class Options:
    """Options for Clotho."""

    metadata: str = option("", "metadata CSV with license and author, relative to the captions file or absolute")


@dataclass(frozen=True, slots=True)
class _Recording:
    license: str | None = None
    origin: str | None = None


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows of a captions file; raises ``InputError`` if it, or the metadata file, is invalid."""
    recordings = _read_metadata(path.parent / options.metadata) if options.metadata else {}
    for record in read_csv(path, ("file_name", *_CAPTIONS)):
        yield _read_row(record, recordings, path)


def _read_row(record: Record, recordings: Mapping[str, _Recording], path: Path) -> SourceRow:
    name = normalize(record.cells["file_name"].strip())
    if not name:
        return reject_row(path, record.row, "no_id", "file_name", "is empty")
    if wrong := find_id_problem(name):
        return reject_row(path, record.row, "bad_id", "file_name", wrong)
    captions = (record.cells[column].strip() for column in _CAPTIONS)
    recording = recordings.get(name, _Recording())
    return SourceRow(
        source_id=name,
        row=record.row,
        captions=tuple(caption for caption in captions if caption),
        audio=(name, PurePosixPath(name).stem),  # the stem, because the set may be kept as FLAC
        license=recording.license,
        origin=recording.origin,
    )


def _read_metadata(path: Path) -> dict[str, _Recording]:
    columns = ("file_name", "sound_link", "manufacturer", "license")
    found = {}
    for record in read_csv(path, columns, encoding="iso-8859-1"):
        name, link, author, license_ = (_drop_unknown(record.cells[column]) for column in columns)
        found[normalize(name)] = _Recording(license=license_ or None, origin=credit(link, author))
    return found


def _drop_unknown(text: str) -> str:
    text = text.strip()
    return "" if text.lower() in _UNKNOWN else text


SOURCE: Source[Options] = Source(
    help="Clotho captions CSV: file_name, caption_1 to caption_5",
    dataset="Clotho",
    read=read,
    options=Options,
    layout=Layout(
        path="clotho_captions_development.csv, …_validation.csv or …_evaluation.csv",
        columns={
            "file_name": "audio file, which names the clip",
            "caption_1 to caption_5": "what is heard",
            "metadata: file_name, sound_link, manufacturer, license": "origin and license",
        },
        audio="{file_name}, also in another format",
        rights="captions non-commercial; license and author of each recording in the metadata file",
    ),
)
