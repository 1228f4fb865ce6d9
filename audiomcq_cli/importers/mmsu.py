"""MMSU (Hub: ddwang2000/MMSU): one column for each option; Parquet as on the Hub, or JSON Lines.

All of it is speech. The key is the text of an option or a letter; a row whose text and letter lead to different options
has no key. Audio in the Parquet files is not read, only its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import ImportedQuestion, Importer, NoOptions
from audiomcq_cli.importers._questions import Columns, read_set, tags_of

_HELP = "MMSU Parquet or JSON Lines: id, audio or audio_path, question, choice_a to choice_d, answer_gt, category"

_COLUMNS = Columns(
    audio=("audio_path", "audio"),
    choices=("choice_a", "choice_b", "choice_c", "choice_d"),
    answer="answer_gt",
    form="auto",
    question_type="=speech",
    tags=tags_of("task_name", "category", "sub-category")
    | {
        "sub_category": "sub-category",
        "sub-sub-category": "sub-sub-category",
        "linguistics_sub_discipline": "discipline",
    },
    expected=_HELP,
    files=("*.jsonl", "data/*.parquet", "**/*.parquet"),
)


def read(path: Path, options: NoOptions) -> Iterator[ImportedQuestion]:
    """Stream the questions of a file or folder; raises ``InputError`` if one is invalid."""
    return read_set(path, _COLUMNS)


IMPORTER: Importer[NoOptions] = Importer(help=_HELP, dataset="MMSU", read=read, options=NoOptions)
