"""Importers: formats of existing multiple-choice question sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from audiomcq_cli.contracts.options import O
from audiomcq_cli.contracts.rows import Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedQuestion:
    """One question of an existing set, unchanged.

    Attributes:
        id: Id of the question within the set.
        clip: Id of the clip; questions with the same one are about the same audio.
        row: Number of the row in its file, counted from 1 without the header, for messages.
        question: Text of the question.
        choices: Options in the order of the set, each different and none empty.
        answer: Index of the right option.
        question_type: One of ``records.TYPES``, or None if the set has no types.
        difficulty: Difficulty, if the set has one.
        structured_cot: Chain of thought in stages, if the set has one.
        simple_cot: Chain of thought in one paragraph, if the set has one.
        cot_model: Model that wrote the chain of thought.
        tags: Everything else in the set, by name.
        flags: Repairs of the question.
        audio: As in ``SourceRow``.
        guesses: As in ``SourceRow``.
        license: As in ``SourceRow``.
        origin: As in ``SourceRow``.
        problem: Why this row alone cannot be used; its readable parts are set as well.
    """

    id: str
    clip: str
    row: int
    question: str = ""
    choices: tuple[str, ...] = ()
    answer: int = 0
    question_type: str | None = None
    difficulty: str | None = None
    structured_cot: str | None = None
    simple_cot: str | None = None
    cot_model: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    license: str | None = None
    origin: str | None = None
    problem: Reject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer(Generic[O]):
    """A format of multiple-choice questions.

    Attributes:
        help: One line: the files and columns it expects.
        dataset: Default ``source_dataset`` of its clips; empty to take the name of the folder or file.
        read: Streams the questions of a path; raises ``InputError`` if the file itself is invalid.
    """

    help: str
    dataset: str
    read: Callable[[Path, O], Iterator[ImportedQuestion]]
    options: type[O]
