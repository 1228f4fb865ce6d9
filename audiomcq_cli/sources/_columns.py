"""Finds the columns of a table, as the recipe names them or their names suggest, and reads its rows.

For tables whose columns are not known beforehand: the user's own files (``table``) and any dataset of the Hub (``hf``).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from audiomcq_cli.contracts import Event, Reject, Seed, SourceRow
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.sources._csv import credit, describe_cell, name_row, reject_row
from audiomcq_cli.sources._identity import AudioNames, find_id_problem, is_address, name_audio
from audiomcq_cli.sources._json import parse_json
from audiomcq_cli.sources._lists import GluedTexts, parse_list

FIELDS: Mapping[str, str] = {
    "id": "id of the clip; rows with the same one are one clip (else its audio names it)",
    "audio": "its audio file: a path, or the file itself",
    "caption": "what is heard: a text or a list of them; caption_1, caption_2, … for more columns",
    "events": "sounds that are known to be in it: a list of {label, onset, offset}, or JSON of that",
    "question": "a question that the set itself asks of the clip",
    "answer": "its answer, in free text; with its question it is a caption too",
    "license": "license of the audio",
    "origin": "where the audio comes from",
    "author": "who recorded it",
}
"""Kinds of content of a column, by the names that ``columns`` uses."""

_GUESSES: Mapping[str, tuple[str, ...]] = {
    "id": ("clip_id", "audio_id", "id", "__key__"),
    "audio": ("audio", "audio_path", "file_name", "filename", "audio_file", "file", "path"),
    "caption": ("captions", "caption", "description"),
    "events": ("events",),
    "license": ("license", "licence"),
    "origin": ("origin", "source_url", "url"),
    "author": ("author",),
}
"""Usual names of columns in public sets, likeliest first. Questions are not guessed: they may be the set's test."""

_CAPTION = re.compile(r"caption(_[0-9]+)?")


def check_mapping(columns: Mapping[str, str]) -> None:
    """Refuse names outside ``FIELDS``; raises ``RecipeError``."""
    for name in columns:
        if name not in FIELDS and not _CAPTION.fullmatch(name):
            raise RecipeError(
                f"columns: nothing is called {name!r}; there are {', '.join(FIELDS)} and caption_1, caption_2, …",
                hint='on the left stands what a column holds, on the right its name, as caption = "text"',
            )
    if columns.get("answer") and not columns.get("question"):
        raise RecipeError("columns: an answer needs a question", hint='name its column too, as question = "prompt"')


@dataclass(frozen=True, slots=True)
class Plan:
    """The column of each field; None, or empty, if there is none. ``captions`` may be several columns.

    Attributes:
        file: Name of the file, for messages.
        own_names: Whether file names are unique across folders.
        prefix: Prefix for the number of a row that has no other name.
    """

    file: str
    captions: tuple[str, ...]
    own_names: bool = False
    prefix: str = ""
    id: str | None = None
    audio: str | None = None
    events: str | None = None
    question: str | None = None
    answer: str | None = None
    license: str | None = None
    origin: str | None = None
    author: str | None = None

    @property
    def used(self) -> list[str]:
        """Names of the columns to read, each once."""
        single = (self.id, self.audio, self.events, self.question, self.answer, self.license, self.origin, self.author)
        return list(dict.fromkeys([*(name for name in single if name), *self.captions]))


def plan_columns(
    given: Mapping[str, str],
    found: Sequence[str],
    file: str,
    *,
    audio: str = "",
    own_names: bool = False,
    prefix: str = "",
) -> Plan:
    """Find the column of each field: the one that ``given`` names, else one whose name suggests it.

    Args:
        given: The recipe's mapping; an empty name means that there is no such column.
        found: The columns of the table.
        file: As in ``Plan``.
        audio: The column with audio type, if there is one.
        own_names: As in ``Plan``.
        prefix: As in ``Plan``.

    Raises:
        InputError: A named column does not exist, or no column could identify a clip.
    """
    names = ", ".join(found[:40])
    for field, column in given.items():
        if column and column not in found:
            hint = f"columns = {{ {field} = {column!r} }} names it; found: {names}"
            raise InputError("no such column", file=file, column=column, hint=hint)
    lower = {name.lower(): name for name in reversed(found)}
    guessed = {field: next((lower[one] for one in one_of if one in lower), None) for field, one_of in _GUESSES.items()}
    if audio:
        guessed["audio"] = audio
    single = {
        field: given[field] or None if field in given else guessed.get(field) for field in FIELDS if field != "caption"
    }
    captions = [column for field, column in given.items() if _CAPTION.fullmatch(field) and column]
    if not any(_CAPTION.fullmatch(field) for field in given):
        numbered = [name for name in found if _CAPTION.fullmatch(name.lower()) and name.lower() != "caption"]
        captions = [name for name in (guessed["caption"], *numbered) if name]
    answered = single["question"] and single["answer"]
    if not captions and not answered and not single["audio"] and not single["events"]:
        hint = f'say which, as columns = {{ caption = "text", audio = "file" }}; found: {names}'
        raise InputError("no column is known to hold captions, events or audio", file=file, hint=hint)
    return Plan(file, tuple(captions), own_names, prefix, **single)


def read_row(row: int, cells: Mapping[str, Any], plan: Plan) -> SourceRow:
    """Turn a row of a table into a row of a source.

    The cell of the audio is a path, bytes, or ``{"path", "bytes"}`` as in ``datasets``; the bytes may be a function
    that returns them.

    Raises:
        InputError: A cell holds the wrong kind of value; the error names file, row and column.
    """
    reader = _Reader(row, cells, plan.file)
    name, content = reader.audio(plan.audio)
    names = name_audio(name, own_names=plan.own_names)
    given = reader.text(plan.id) if plan.id else name
    if problem := find_id_problem(given):
        return reject_row(plan.file, row, "bad_id", plan.id or plan.audio or "", problem)
    source_id = given if plan.id else _name_clip(f"{plan.prefix}{name_row(row)}", name, names, content)
    if not source_id:
        return reject_row(plan.file, row, "no_id", plan.id or "", "is empty")
    captions, problem = reader.captions(plan.captions)
    question, answer = reader.text(plan.question), reader.text(plan.answer)
    if question and answer and not any(answer in text for text in captions):
        captions.append(f"{question} {answer}")  # the answer describes the audio as well
    address = reader.text(plan.origin) or (name if is_address(name) else "")
    return SourceRow(
        source_id=source_id,
        row=row,
        captions=tuple(captions),
        events=reader.events(plan.events),
        seeds=(Seed(question, answer or None),) if question else (),
        audio=names.sure,
        guesses=names.guesses,
        content=content,
        license=reader.text(plan.license) or None,
        origin=credit(address, reader.text(plan.author)),
        problem=Reject("bad_caption", problem) if problem else None,
    )


def read_number(value: float | Decimal) -> str:
    """Return a number as text, a whole one without a point: a column of whole numbers with gaps holds 3.0."""
    if value.is_nan() if isinstance(value, Decimal) else math.isnan(value):
        return ""  # pandas writes NaN for a missing value
    if math.isinf(value):
        return str(value)
    return str(int(value)) if value == int(value) else str(value)


def _name_clip(row: str, name: str, names: AudioNames, content: Callable[[], bytes] | None) -> str:
    """Return the id of a clip without one: its address, its path, else a hash of its content.

    The number of its row is the last resort: it changes with the rows before.
    """
    if is_address(name):
        return name
    if names.sure:
        return names.sure[0]
    return hashlib.sha256(content()).hexdigest()[:32] if content else row


def parse_events(value: object, file: str, row: int, column: str = "events") -> tuple[Event, ...]:
    """Parse events from a list of objects with ``label``, ``onset`` and ``offset``; raises ``InputError``."""
    if not isinstance(value, list | None):
        raise _refuse_event(file, row, column, f"expected a list, found {type(value).__name__}")
    return tuple(_parse_event(event, file, row, column) for event in value or ())


def _parse_event(event: object, file: str, row: int, column: str) -> Event:
    if not isinstance(event, dict):
        raise _refuse_event(file, row, column, f"expected objects, found {type(event).__name__}")
    label = event.get("label")
    if not isinstance(label, str) or not label.strip():
        raise _refuse_event(file, row, column, f"expected a text as label, found {label!r}")
    times = {name: event.get(name) for name in ("onset", "offset")}
    for name, seconds in times.items():
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds)
        if seconds is not None and not number:
            raise _refuse_event(file, row, column, f"expected seconds or null as {name}, found {seconds!r}")
    return Event(label.strip(), **{name: None if one is None else float(one) for name, one in times.items()})


def _refuse_event(file: str, row: int, column: str, message: str) -> InputError:
    hint = 'as in "events": [{"label": "dog barking", "onset": 0.5, "offset": 2.0}]'
    return InputError(message, file=file, row=row, column=column, hint=hint)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the cells of one row; its errors name the place."""

    row: int
    cells: Mapping[str, Any]
    file: str

    def text(self, column: str | None) -> str:
        """Return a text, or a number as text; empty if the column does not exist or has no value."""
        value = self.cells.get(column) if column else None
        if value is None:
            return ""
        if isinstance(value, float | Decimal):
            return read_number(value)
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise self._refuse(column, f"expected a text, found {type(value).__name__}")
        return str(value).strip()

    def captions(self, columns: Sequence[str]) -> tuple[list[str], str]:
        """Return the texts of some columns, and what is wrong with one of them, if anything."""
        texts: list[str] = []
        for column in columns:
            try:
                texts += self.texts(column)
            except GluedTexts as error:
                return texts, describe_cell(PurePath(self.file).name, self.row, column, str(error))
        return texts, ""

    def texts(self, column: str) -> Iterator[str]:
        """Yield a text, or each item of a list of texts or of objects with a ``text``; empty ones are dropped.

        A list may be written as text in the cell, as in CSV.
        """
        value = self.cells.get(column)
        if isinstance(value, str) and isinstance(read := parse_list(value), list | tuple):
            value = list(read) if all(isinstance(one, str) for one in read) else value
        for one in value if isinstance(value, list) else [value]:
            text = one["text"] if isinstance(one, dict) and "text" in one else one
            if not isinstance(text, str | None):
                raise self._refuse(column, f"expected a text or a list of texts, found {type(text).__name__}")
            if text and text.strip():
                yield text.strip()

    def events(self, column: str | None) -> tuple[Event, ...]:
        """Return events, from a list or from JSON in a cell."""
        value = self.cells.get(column) if column else None
        if isinstance(value, str):
            try:
                value = parse_json(value.encode()) if value.strip() else None
            except ValueError as error:
                raise _refuse_event(self.file, self.row, column or "", f"is not JSON: {error}") from error
        return parse_events(value, self.file, self.row, column or "")

    def audio(self, column: str | None) -> tuple[str, Callable[[], bytes] | None]:
        """Return the name of the audio file, and a function that returns its bytes, if there is one."""
        value = self.cells.get(column) if column else None
        if not isinstance(value, dict) or not {"path", "bytes"} & set(value):
            value = {"bytes": value} if isinstance(value, bytes) else {"path": value}
        path, content = value.get("path") or "", value.get("bytes")
        if not isinstance(path, str) or not (content is None or isinstance(content, bytes) or callable(content)):
            found = type(content if isinstance(path, str) else path).__name__
            raise self._refuse(column, f"expected a path or an audio file, found {found}")
        if isinstance(content, bytes):
            return path.strip(), lambda: content
        return path.strip(), content

    def _refuse(self, column: str | None, message: str) -> InputError:
        hint = 'columns says which column holds what, as in columns = { caption = "text" }'
        return InputError(message, file=self.file, row=self.row, column=column or "", hint=hint)
