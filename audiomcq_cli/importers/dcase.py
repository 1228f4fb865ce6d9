"""DCASE 2026 task 5, audio-dependent question answering: ``dev.jsonl``; R1-AQA's files have the same columns.

The key is the text of an option; in R1-AQA its number, counted from 0. The development set has no question types.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import ImportedQuestion, Importer, NoOptions
from audiomcq_cli.importers._questions import Columns, read_set, tags_of

_HELP = "DCASE 2026 task 5 dev.jsonl: id, audio_path, question_text, multi_choice, answer"

_COLUMNS = Columns(
    question="question_text",
    choices=("multi_choice",),
    question_type="question_type",
    tags=tags_of("dataset_name"),
    expected=_HELP,
    files=("dev.jsonl",),
)


def read(path: Path, options: NoOptions) -> Iterator[ImportedQuestion]:
    """Stream the questions of a file; raises ``InputError`` if it is invalid."""
    return read_set(path, _COLUMNS)


IMPORTER: Importer[NoOptions] = Importer(help=_HELP, dataset="DCASE2026-Task5", read=read, options=NoOptions)
