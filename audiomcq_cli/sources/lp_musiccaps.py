"""LP-MusicCaps (MTT): Parquet, one row a track, with captions that a language model wrote from tags.

Its card advises against the two columns made of predicted attributes, so they are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Layout, Source, SourceRow, option
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.sources._columns import read_number
from audiomcq_cli.sources._csv import credit, reject_row
from audiomcq_cli.sources._identity import find_id_problem, name_audio
from audiomcq_cli.sources._parquet import ParquetRow, check_columns, list_parquet, read_parquet

_KINDS = ("writing", "summary", "paraphrase")
_COLUMNS = ("track_id", "title", "artist_name", "release", "path")


@dataclass(frozen=True, slots=True)
class Options:
    """Options for LP-MusicCaps.

    Raises:
        RecipeError: ``kinds`` is empty or has an unknown kind.
    """

    kinds: tuple[str, ...] = option(_KINDS, "captions taken: writing, summary, paraphrase")

    def __post_init__(self) -> None:
        if not self.kinds or set(self.kinds) - set(_KINDS):
            raise RecipeError(f"kinds: expected some of {', '.join(_KINDS)}, found {', '.join(self.kinds) or 'none'}")


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows of a file, or of all files in a folder; raises ``InputError`` if one is invalid."""
    captions = [f"caption_{kind}" for kind in options.kinds]
    for file in list_parquet(path):
        check_columns(file, [*_COLUMNS, *captions])
        for record in read_parquet(file, [*_COLUMNS, *captions]):
            yield _read_row(record, captions, file)


def _read_row(record: ParquetRow, captions: Sequence[str], file: Path) -> SourceRow:
    row = record.row
    texts = {name: _read_text(record, name, file) for name in (*_COLUMNS, *captions)}
    track = texts["track_id"]
    if not track:
        return reject_row(file, row, "no_id", "track_id", "is empty")
    if problem := find_id_problem(track):
        return reject_row(file, row, "bad_id", "track_id", problem)
    names = name_audio(texts["path"])
    title = ", ".join(text for text in (texts["title"], texts["release"]) if text)
    return SourceRow(
        source_id=track,
        row=row,
        captions=tuple(texts[name] for name in captions if texts[name]),
        audio=(*names.sure, track),
        guesses=names.guesses,
        origin=credit(title, texts["artist_name"]),
    )


def _read_text(record: ParquetRow, column: str, file: Path) -> str:
    value: Any = record.cells[column]
    if isinstance(value, float | Decimal):
        return read_number(value)
    if not isinstance(value, str | int | None):
        message = f"expected a text, found {type(value).__name__}"
        raise InputError(message, file=str(file), row=record.row, column=column)
    return "" if value is None else str(value).strip()


SOURCE: Source[Options] = Source(
    help="LP-MusicCaps-MTT Parquet: track_id, title, artist_name, release, path, caption_writing, …",
    dataset="LP-MusicCaps",
    read=read,
    options=Options,
    grouped=False,
    layout=Layout(
        path="a Parquet file (train-….parquet), or the folder of all of them",
        columns={
            "track_id": "id of the clip",
            "caption_writing, caption_summary, caption_paraphrase": "captions",
            "path": "audio file, as f/artist-album-01-title-30-59.mp3",
            "title, artist_name, release": "origin",
        },
        audio="named as in path, in its folders or not, else {track_id}.EXT",
        rights="captions MIT; nothing is said of the audio (MagnaTagATune): say it with license",
    ),
)
