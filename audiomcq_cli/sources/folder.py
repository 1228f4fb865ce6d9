"""A folder of audio files with optional captions files: the format for the user's own data.

A captions file is CSV, TSV, JSON Lines or Parquet, with ``file_name`` (relative to its own folder) and ``caption``, or
``caption_1``, ``caption_2`` and so on. ``license``, ``source_url`` or ``origin``, and ``author`` are optional.
``events`` are known sounds of a clip: a list of objects with ``label`` and, if known, ``onset`` and ``offset`` in
seconds. A clip may have several rows. Subfolders may have captions files too, as in the AudioFolder layout. Audio files
without a row follow, without a caption.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from audiomcq_cli.audio_files import AUDIO_EXTENSIONS, FolderIndex, index_folder
from audiomcq_cli.contracts import Event, Layout, Reject, Source, SourceRow, option
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._columns import parse_events
from audiomcq_cli.sources._csv import Record, credit, read_csv, reject_row
from audiomcq_cli.sources._json import parse_json, read_lines
from audiomcq_cli.sources._parquet import check_columns, read_parquet, read_schema

_TABLES = (".csv", ".jsonl", ".tsv", ".ndjson", ".parquet")
_OWN_KEYS = (".jsonl", ".ndjson")
_SURE = (".csv", ".jsonl")  # beside the audio they are captions or an error; other types may be anything
_EXPECTED = "a CSV, TSV, JSON Lines or Parquet file with file_name and caption"
_KEPT = ("license", "source_url", "origin", "author")
_SHOWN = 5  # names shown in a line for people


@dataclass(frozen=True, slots=True)
class Options:
    """Options for a folder."""

    captions: str = option(
        "", "captions file, relative to the folder or absolute; else the only one in it and in each folder below"
    )


@dataclass(frozen=True, slots=True)
class Line(Record):
    """A row of a captions file: its texts, its events, and the names of all its columns or keys."""

    events: tuple[Event, ...] = ()
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A captions file, and its folder relative to the source: file names in it are relative to that folder."""

    path: Path
    folder: str = ""


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows of the captions files in their order, then the audio files without a row, by name.

    A name means the file at that path. If there is none, it means the only file of that name in any subfolder, unless a
    row has that file's path.

    Raises:
        InputError: The folder does not exist, is empty, has several captions files to choose from, or a captions file
            is invalid.
    """
    index = index_folder(path)
    tables = _find_tables(path, options)
    if index.empty and not tables:
        raise InputError("holds no audio and no captions file", file=str(path), hint=f"expected audio or {_EXPECTED}")
    for table in tables:
        for record in _read_table(table.path):
            row = _read_row(record, table)
            if row.audio and (found := index.find(row.audio, exact=True)):
                index.mark(found)
    last = 0
    for table in tables:
        for record in _read_table(table.path):
            last = record.row
            yield _find_audio(_read_row(record, table), index)
    for number, name in enumerate(index.unmarked(), last + 1):
        yield _read_file(name, number)


def _find_audio(row: SourceRow, index: FolderIndex) -> SourceRow:
    """Return a row; if its audio is not at its path, the only file of that name is used."""
    if not row.audio or index.find(row.audio, exact=True):
        return row
    [name] = row.audio
    found = index.find_by_name(name)
    if len({one.rpartition(".")[0] for one in found}) > 1:
        what = f"row {row.row}: {name!r} may be {found[0]!r} or {found[1]!r}"
        return replace(row, problem=Reject("audio_ambiguous", what))
    if not found:
        return row
    index.mark(found[0], by_path=False)
    return replace(row, audio=(found[0],))


def list_unread(path: Path, options: Options) -> Iterator[str]:
    """Yield lines about the files that are neither audio by name nor read as captions."""
    read_ = {table.path for table in _find_tables(path, options)}
    tables, others, hidden, links = [], defaultdict[str, list[str]](list), [], []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(folder)
        links += [_name(path, below / name) for name in folders if (below / name).is_symlink()]
        for name in sorted(files):
            kind = PurePosixPath(name).suffix.lower()
            if name.startswith("."):
                hidden += [_name(path, below / name)] if kind in AUDIO_EXTENSIONS else []
            elif kind in (*_TABLES, ".json") and below / name not in read_:
                tables.append(_name(path, below / name))
            elif kind not in (*_TABLES, *AUDIO_EXTENSIONS):
                others[kind].append(_name(path, below / name))
    if tables:
        yield f"not read as captions: {_show(tables)}"
    for kind, names in sorted(others.items()):
        yield f"not taken, by the name no audio ({kind or 'no extension'}): {_show(names)}"
    if hidden:
        yield f"not taken, hidden: {_show(hidden)}"
    if links:
        yield f"not looked into, a link to a folder: {_show(links)}"


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()


def _show(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _find_tables(root: Path, options: Options) -> list[Table]:
    """Return the captions files: the one in the options, else those of the folder and its subfolders."""
    if options.captions:
        return [Table(root / options.captions)]
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(folder)
        top = here == root
        paths = [here / name for name in sorted(files) if name.lower().endswith(_TABLES) and not name.startswith(".")]
        wanted = [path for path in paths if (top and path.suffix.lower() in _SURE) or _is_captions(path)]
        named = [path for path in wanted if path.stem.lower() == "metadata"] if not top else []
        if len(chosen := named or wanted) > 1:
            raise InputError(
                f"holds several files that could have the captions: {', '.join(path.name for path in chosen[:5])}",
                file=str(here),
                hint=f"choose one with the option captions, as in captions = {_name(root, chosen[0])!r}",
            )
        found += [Table(path, "" if top else here.relative_to(root).as_posix()) for path in chosen]
    return found


def _is_captions(path: Path) -> bool:
    """Return whether a file in a subfolder has the columns of a captions file."""
    try:
        if path.suffix.lower() == ".parquet":
            names = list(read_schema(path).names)
        elif path.suffix.lower() in _OWN_KEYS:
            _, cells = next(read_lines(path, _EXPECTED), ("", None))
            names = list(cells) if isinstance(cells, dict) else []
        else:
            record = next(read_csv(path, (), delimiter=_find_delimiter(path)), None)
            names = list(record.cells) if record else []
    except InputError:
        return False
    return "file_name" in names and any(_is_caption(name) or name == "events" for name in names)


def _find_delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","


def _read_table(path: Path) -> Iterator[Line]:
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        return (_read_cells(record, path) for record in read_csv(path, ("file_name",), delimiter=_find_delimiter(path)))
    if kind in _OWN_KEYS:
        return _read_jsonl(path)
    if kind == ".parquet":
        return _read_parquet(path)
    raise InputError(f"has the extension {kind!r}, expected {' or '.join(_TABLES)}", file=str(path))


def _read_parquet(path: Path) -> Iterator[Line]:
    check_columns(path, ("file_name",))
    found = tuple(read_schema(path).names)
    names = [name for name in found if _is_used(name) or name == "events"]
    for record in read_parquet(path, names):
        cells = dict(record.cells)
        events = cells.pop("events", None)
        texts = {key: _read_text(value, path, record.row, key) for key, value in cells.items()}
        if isinstance(events, str):
            yield _read_cells(Record(record.row, texts | {"events": events}), path)
        else:
            yield Line(record.row, texts, parse_events(events, str(path), record.row), found)


def _read_jsonl(path: Path) -> Iterator[Line]:
    for row, (_, cells) in enumerate(read_lines(path, _EXPECTED), 1):
        if not isinstance(cells, dict) or "file_name" not in cells:
            raise InputError("expected an object with the key 'file_name'", file=str(path), row=row)
        texts = {key: _read_text(value, path, row, key) for key, value in cells.items() if _is_used(key)}
        yield Line(row, texts, parse_events(cells.get("events"), str(path), row), tuple(cells))


def _read_cells(record: Record, path: Path) -> Line:
    """Return a row of a CSV file; events are JSON in a cell."""
    cells = dict(record.cells)
    text = cells.pop("events", "").strip()
    try:
        events = parse_json(text.encode()) if text else None
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", file=str(path), row=record.row, column="events") from error
    return Line(record.row, cells, parse_events(events, str(path), record.row), tuple(record.cells))


def _is_used(key: str) -> bool:
    return key in ("file_name", *_KEPT) or _is_caption(key)


def _is_caption(key: str) -> bool:
    return re.fullmatch(r"caption(_[0-9]+)?", key) is not None


def _read_text(value: object, path: Path, row: int, column: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        message = f"expected a text, found {type(value).__name__}"
        raise InputError(message, file=str(path), row=row, column=column, hint="captions go to caption_1, caption_2, …")
    return value


def _read_row(record: Line, table: Table) -> SourceRow:
    row, cells = record.row, record.cells
    columns = [column for column in cells if _is_caption(column)]
    if not columns and not record.events:
        raise _refuse_uncaptioned(record, table.path)
    name = cells["file_name"].strip().replace("\\", "/")
    if not name:
        rejected = reject_row(table.path, row, "no_id", "file_name", "is empty")
        return replace(rejected, source_id=str(PurePosixPath(table.folder, rejected.source_id)))
    name = str(PurePosixPath(table.folder, name))
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


def _refuse_uncaptioned(record: Line, path: Path) -> InputError:
    """Return the error about a row that says nothing about its clip; it blames the header, unless each row has its own
    keys.
    """
    found = ", ".join(record.found[:20])
    hint = f"expected {_EXPECTED}; the source table reads other column names; audio alone needs no captions file"
    if path.suffix.lower() in _OWN_KEYS:
        return InputError(f"no key 'caption'; found: {found}", file=str(path), row=record.row, hint=hint)
    if "events" in record.found:
        message = "neither events nor a column 'caption' says what is heard"
        return InputError(message, file=str(path), row=record.row, hint=hint)
    return InputError(f"the header has no column 'caption'; found: {found}", file=str(path), hint=hint)


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
    help="folder of audio files with CSV, TSV, JSON Lines or Parquet: file_name, caption (or caption_1, …), events",
    dataset="",
    read=read,
    options=Options,
    grouped=False,
    audio_root=lambda path: path,
    exact=True,
    remarks=list_unread,
    layout=Layout(
        path="a folder; each folder in it may have captions files too; without any there is the audio alone",
        columns={
            "file_name": "audio file, relative to the folder of the captions file; its path names the clip",
            "caption, or caption_1, caption_2, …": "what is heard; a clip may have several rows too",
            "events": "sounds that are known to be in it: a list of {label, onset, offset}",
            "license": "license of the audio",
            "source_url or origin, author": "where it comes from",
        },
        audio="anywhere below the folder",
        rights="as the columns say",
    ),
)
