"""Importers: formats of multiple-choice questions that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from audiomcq_cli.contracts.options import O
from audiomcq_cli.contracts.rows import Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedQuestion:
    """One question of a set that exists, as the set has it.

    Attributes:
        id: Its id within the set. clip: The clip's; questions with the same one are about the same audio.
        row: Number of the row in its file, counted from 1 without the header, for messages.
        question, choices: Texts; the options in the order of the set, each different and none empty.
        answer: Position of the right one.
        question_type: One of ``records.TYPES``, or None where the set does not say.
        difficulty, structured_cot, simple_cot: Where the set has them. cot_model: What wrote its chain of thought.
        tags: All else that the set says of it, by name. flags: What was mended in it.
        audio, guesses, license, origin: As of a ``SourceRow``.
        problem: Why this row cannot be used, where it alone is at fault; what could be read of it stands beside.
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
    """A format of multiple-choice questions that exist.

    Attributes:
        help: One line: the files and columns it expects. dataset: Default ``source_dataset`` of its clips;
            empty to take the name of the folder or file.
        read: Streams the questions of a path; raises ``InputError`` where the file itself is wrong.
    """

    help: str
    dataset: str
    read: Callable[[Path, O], Iterator[ImportedQuestion]]
    options: type[O]
