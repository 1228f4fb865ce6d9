"""A folder of audio files and, if there is one, a captions file: the format for data of one's own.

The captions file is CSV or JSON Lines, with ``file_name`` (relative to the folder) and ``caption``, or ``caption_1``,
``caption_2`` and so on; ``license``, ``source_url`` or ``origin``, and ``author`` are kept where they are there. JSON
Lines may have ``events`` too, the sounds that are known to be in a clip: a list of objects with ``label`` and, where
they are known, ``onset`` and ``offset`` in seconds. A clip may have several rows. Audio files without a row follow,
without a caption.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from audiomcq_cli.audio import index_folder
from audiomcq_cli.contracts import Event, Layout, Reject, Source, SourceRow, option
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._columns import parse_events
from audiomcq_cli.sources._csv import Record, credit, read_csv, reject_row
from audiomcq_cli.sources._json import parse_json, read_lines

_TABLES = (".csv", ".jsonl")
_EXPECTED = "a CSV or JSON Lines file with file_name and caption"


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set for a folder."""

    captions: str = option("", "captions file, relative to the folder or absolute; else the only .csv or .jsonl in it")


@dataclass(frozen=True, slots=True)
class Line(Record):
    """A row of the captions file: its texts, and the events."""

    events: tuple[Event, ...] = ()


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows of the captions file in its order, then the audio files that have none, by name.

    Raises:
        InputError: The folder is not there, holds nothing, or has several captions files to choose from; or the
            captions file itself is wrong.
    """
    index = index_folder(path)
    table = path / options.captions if options.captions else _find_table(path)
    if index.empty and not table:
        raise InputError("holds no audio and no captions file", file=str(path), hint=f"expected audio or {_EXPECTED}")
    last = 0
    for record in _read_table(table) if table else ():
        row = _read_row(record, table or path)
        if found := index.find(row.audio):
            index.mark(found)
        last = record.row
        yield row
    for number, name in enumerate(index.unmarked(), last + 1):
        yield _read_file(name, number)


def _find_table(folder: Path) -> Path | None:
    found = sorted(
        file for file in folder.iterdir() if file.suffix.lower() in _TABLES and not file.name.startswith(".")
    )
    if len(found) > 1:
        raise InputError(
            f"holds several files that could have the captions: {', '.join(file.name for file in found[:5])}",
            file=str(folder),
            hint=f"choose one with the option captions, as in captions = {found[0].name!r}",
        )
    return found[0] if found else None


def _read_table(path: Path) -> Iterator[Line]:
    kind = path.suffix.lower()
    if kind == ".csv":
        return (_read_cells(record, path) for record in read_csv(path, ("file_name",)))
    if kind == ".jsonl":
        return _read_jsonl(path)
    raise InputError(f"has the extension {kind!r}, expected {' or '.join(_TABLES)}", file=str(path))


def _read_jsonl(path: Path) -> Iterator[Line]:
    for row, (_, cells) in enumerate(read_lines(path, _EXPECTED), 1):
        if not isinstance(cells, dict) or "file_name" not in cells:
            raise InputError("expected an object with the key 'file_name'", file=str(path), row=row)
        texts = {key: _read_text(value, path, row, key) for key, value in cells.items() if _is_used(key)}
        yield Line(row, texts, parse_events(cells.get("events"), str(path), row))


def _read_cells(record: Record, path: Path) -> Line:
    """A row of a CSV file; its events are JSON in a cell."""
    cells = dict(record.cells)
    text = cells.pop("events", "").strip()
    try:
        events = parse_json(text.encode()) if text else None
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", file=str(path), row=record.row, column="events") from error
    return Line(record.row, cells, parse_events(events, str(path), record.row))


def _is_used(key: str) -> bool:
    return key in ("file_name", "license", "source_url", "origin", "author") or _is_caption(key)


def _is_caption(key: str) -> bool:
    return re.fullmatch(r"caption(_[0-9]+)?", key) is not None


def _read_text(value: object, path: Path, row: int, column: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        message = f"expected a text, found {type(value).__name__}"
        raise InputError(message, file=str(path), row=row, column=column, hint="captions go to caption_1, caption_2, …")
    return value


def _read_row(record: Line, table: Path) -> SourceRow:
    row, cells = record.row, record.cells
    columns = [column for column in cells if _is_caption(column)]
    if not columns and not record.events:
        found = ", ".join(list(cells)[:20])
        hint = f"{_EXPECTED}; the source table reads columns of other names, and audio alone needs no table"
        raise InputError(f"is missing; found: {found}", file=str(table), row=row, column="caption", hint=hint)
    name = cells["file_name"].strip().replace("\\", "/")
    if not name:
        return reject_row(table, row, "no_id", "file_name", "is empty")
    name = str(PurePosixPath(name))
    captions = (cells[column].strip() for column in columns)
    return SourceRow(
        source_id=name,
        row=row,
        captions=tuple(caption for caption in captions if caption),
        events=record.events,
        audio=(name,),
        license=cells.get("license", "").strip() or None,
        origin=_read_origin(cells),
    )


def _read_origin(cells: Mapping[str, str]) -> str | None:
    address = cells.get("source_url", "").strip() or cells.get("origin", "").strip()
    return credit(address, cells.get("author", "").strip())


def _read_file(name: str, number: int) -> SourceRow:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
        problem = Reject("file_name_not_utf8", f"rename the file {shown!r}")
        return SourceRow(source_id=shown, row=number, problem=problem)
    return SourceRow(source_id=name, row=number, audio=(name,))


SOURCE: Source[Options] = Source(
    help="folder of audio files with a CSV or JSON Lines file: file_name, caption (or caption_1, …), events (JSON)",
    dataset="",
    read=read,
    options=Options,
    grouped=False,
    audio_root=lambda path: path,
    layout=Layout(
        path="a folder; its captions file may be missing: then there is the audio alone",
        columns={
            "file_name": "audio file, relative to the folder, which names the clip",
            "caption, or caption_1, caption_2, …": "what is heard; a clip may have several rows too",
            "events": "sounds that are known to be in it: a list of {label, onset, offset}",
            "license": "licence of the audio",
            "source_url or origin, author": "where it comes from",
        },
        audio="anywhere below the folder",
        rights="as the columns say",
    ),
)
