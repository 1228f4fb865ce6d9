"""Makes a question from a row of a set: the part that all layouts share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from audiomcq_cli.audio_files import check_relative, drop_audio_extension
from audiomcq_cli.contracts import ImportedQuestion, Reject
from audiomcq_cli.errors import InputError
from audiomcq_cli.importers._answers import Choices, find_answer, read_choices, read_text
from audiomcq_cli.importers._records import Record, read_records
from audiomcq_cli.mcq import Problem
from audiomcq_cli.sources._csv import credit, describe_cell, name_row
from audiomcq_cli.sources._identity import find_id_problem, has_query, is_address, name_audio

_STAGE_TAG = re.compile(r"<stage[123]>")
_DRIVE = re.compile("[A-Za-z]:")
_LIST_OF_ONE = re.compile(r"\[\s*'[^'\"\\]*'\s*\]")  # as in 13 categories of MMAU
_TYPES = {
    "temporal": {"temporal"},
    "speech": {"speech"},
    "music": {"music"},
    "sound": {"sound", "sounds", "audio", "environment", "environmental"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns of a set; an empty name means that the set has no such column.

    Attributes:
        id: Column with the id.
        question: Column with the question.
        answer: Column with the key.
        choices: One column with a list, or one for each option.
        audio: Columns with the name of the audio file; the first with a value counts.
        form: Form of the key, one of ``_answers.FORMS``.
        question_type: Column with a type, or ``=`` and the type of all questions.
        difficulty: Column with the difficulty.
        license: Column with the license.
        origin: Column with the origin of the audio.
        credit: Column with the author, which is added to the origin.
        tags: Columns that become tags, with the name of the tag.
        cot: Columns with a chain of thought, with the model that wrote it.
        own_names: Whether file names are unique across folders.
        expected: Description of the set, for messages.
        files: Files of the set in a folder, best first.
    """

    id: str = "id"
    audio: tuple[str, ...] = ("audio_path",)
    question: str = "question"
    choices: tuple[str, ...] = ("choices",)
    answer: str = "answer"
    form: str = "text"
    question_type: str = ""
    difficulty: str = ""
    license: str = ""
    origin: str = ""
    credit: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    cot: Mapping[str, str] = field(default_factory=dict)
    own_names: bool = True
    expected: str
    files: tuple[str, ...] = ()

    @property
    def used(self) -> frozenset[str]:
        """Names of all columns that are read."""
        single = (self.id, self.question, self.answer, self.question_type, self.difficulty, self.license, self.origin)
        return frozenset((*single, self.credit, *self.audio, *self.choices, *self.tags, *self.cot))


def tags_of(*columns: str) -> dict[str, str]:
    """Return the names of the tags with their columns."""
    return {column: column for column in columns}


def read_set(path: Path, columns: Columns) -> Iterator[ImportedQuestion]:
    """Stream the questions of a set; raises ``InputError`` if a file is invalid."""
    needed = (columns.question, *columns.choices)
    folder = path.is_dir()
    for record in read_records(path, needed, columns.expected, columns.files, columns.used):
        yield read_question(record, columns, fallback=f"{record.file}-" if folder else "")


def read_question(record: Record, columns: Columns, *, fallback: str = "") -> ImportedQuestion:
    """Make a question from a row; ``fallback`` and the row number make the id of a row without one."""
    cells = record.cells
    own = _read_cell(cells, columns.id) or fallback + name_row(record.row)
    name = next(filter(None, (_read_path(cells.get(column)) for column in columns.audio)), "")
    names = name_audio(name, own_names=columns.own_names)
    cot = next(
        ((text, model) for column, model in columns.cot.items() if (text := _read_cell(cells, column))), ("", "")
    )
    type_, said = _read_type(cells, columns.question_type)
    common: dict[str, Any] = {
        "id": own,
        "clip": _name_clip(name, columns.own_names) or own,
        "row": record.row,
        "question": _read_cell(cells, columns.question),
        "question_type": type_,
        "difficulty": _read_cell(cells, columns.difficulty) or None,
        "structured_cot" if _STAGE_TAG.search(cot[0]) else "simple_cot": cot[0] or None,
        "cot_model": cot[1],
        "tags": {tag: value for column, tag in columns.tags.items() if (value := _read_tag(cells.get(column)))} | said,
        "audio": names.sure,
        "guesses": names.guesses,
        "license": _read_cell(cells, columns.license) or None,
        "origin": credit(_read_cell(cells, columns.origin), _read_cell(cells, columns.credit)),
    }
    choices = read_choices(_gather_choices(cells, columns.choices))
    if isinstance(choices, Choices):
        common |= {"choices": choices.texts, "flags": choices.flags}
    answer = find_answer(cells.get(columns.answer), choices, columns.form) if isinstance(choices, Choices) else choices
    return ImportedQuestion(
        **common,
        answer=answer if isinstance(answer, int) else 0,
        problem=_find_problem(record, columns, name, common["question"], choices, answer),
    )


def _find_problem(
    record: Record, columns: Columns, name: str, question: str, choices: Choices | Problem, answer: int | Problem
) -> Reject | None:
    """Return the first reason why a row cannot be used; None if there is none."""
    found: tuple[str, Problem] | None = None
    try:
        check_relative(name or ".")
    except InputError as error:
        found = columns.audio[0], Problem("path_outside_root", str(error))
    own, audio = _read_cell(record.cells, columns.id), columns.audio[0]
    for column, text in ((columns.id, own), (audio, name)):
        if wrong := find_id_problem(text):
            found = column, Problem("bad_id", wrong)
    if not question:
        found = columns.question, Problem("no_question", "there is no question")
    elif isinstance(choices, Problem):
        found = ", ".join(columns.choices), choices
    elif isinstance(answer, Problem):
        found = columns.answer, answer
    if not found:
        return None
    column, problem = found
    return Reject(problem.code, describe_cell(record.file, record.row, column, problem.detail))


def _gather_choices(cells: Mapping[str, Any], columns: tuple[str, ...]) -> object:
    return cells.get(columns[0]) if len(columns) == 1 else [cells.get(column) for column in columns]


def _read_cell(cells: Mapping[str, Any], column: str) -> str:
    value = cells.get(column) if column else None
    return "" if isinstance(value, list | dict) else read_text(value)


def _read_path(value: object) -> str:
    """Return the name of an audio file, from a text or a table of bytes and path, without the root of the machine that
    wrote it.
    """
    text = read_text(value.get("path") if isinstance(value, Mapping) else value)
    if is_address(text):
        return text
    text = text.replace("\\", "/")
    return "/".join(part for part in text.split("/") if part not in ("", ".") and not _DRIVE.fullmatch(part))


def _name_clip(name: str, own_names: bool) -> str:
    """Return the id of a clip: the path of its file, or only the name if names are unique.

    An address with a query is used whole.
    """
    if has_query(name):
        return name
    if is_address(name):
        name = "/".join(part for part in name.split("/") if part not in ("", "."))
    return drop_audio_extension(name.rpartition("/")[2] if own_names else name)


def _read_type(cells: Mapping[str, Any], column: str) -> tuple[str | None, dict[str, str]]:
    """Return the type of a question, and a tag with the set's own words for it."""
    if column.startswith("="):
        return column[1:], {}
    said = " ".join(_read_cell(cells, column).split())
    return _find_type(said), {column: said} if said else {}


@lru_cache(maxsize=1_024)  # a set has few different values
def _find_type(said: str) -> str | None:
    """Return one of our types; of a mix, the one that is hardest to understand: speech before music before sound."""
    words = set(re.findall("[a-z]+", said.lower()))
    return next((type_ for type_, known in _TYPES.items() if words & known), None)


def _read_tag(value: object) -> str:
    """Return the value of a tag on one line; the items of a list are joined, even if the list is written as text."""
    if isinstance(value, str) and value.startswith("[") and _LIST_OF_ONE.fullmatch(value):
        value = value.strip("[]' ")
    if isinstance(value, list):
        value = ", ".join(filter(None, map(read_text, value)))
    return "" if isinstance(value, Mapping) else " ".join(read_text(value).split())
