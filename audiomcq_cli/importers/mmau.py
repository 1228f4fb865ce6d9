"""MMAU (github.com/Sakshi113/MMAU): ``mmau-test-mini.json`` or ``mmau-test.json``, a list of objects.

The questions of the test set have no answers: each is rejected for that reason. The column ``audio_id`` is a path
(``./test-mini-audios/ID.wav``), and every question has a recording of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import ImportedQuestion, Importer, NoOptions
from audiomcq_cli.importers._questions import Columns, read_set, tags_of

_HELP = "MMAU JSON: id, audio_id, question, choices, answer, dataset, task, split, category, sub-category, difficulty"

_COLUMNS = Columns(
    audio=("audio_id",),
    question_type="task",
    difficulty="difficulty",
    tags=tags_of("dataset", "split", "category", "sub-category", "difficulty"),
    expected=_HELP,
    files=("mmau-test-mini.json", "mmau-test.json"),
)


def read(path: Path, options: NoOptions) -> Iterator[ImportedQuestion]:
    """Stream the questions of a file; raises ``InputError`` if it is invalid."""
    return read_set(path, _COLUMNS)


IMPORTER: Importer[NoOptions] = Importer(help=_HELP, dataset="MMAU", read=read, options=NoOptions)
