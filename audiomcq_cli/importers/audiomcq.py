"""AudioMCQ and its StrongAC-GeminiCoT subset (arXiv 2509.21060): lists of objects, or ``data.jsonl``.

Audio is in a folder for each source, and files of two sources may have the same name. A published label becomes the tag
``audio-contribution``; ``filter`` makes its own label. A chain of thought in three tagged stages is kept as
``structured_cot``, any other as ``simple_cot``. The names of the whole set's columns are not documented; the ones that
are read are listed below.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import ImportedQuestion, Importer, NoOptions
from audiomcq_cli.importers._questions import Columns, read_set, tags_of

_HELP = "AudioMCQ JSON or data.jsonl: source_dataset, id, question_type, audio_path, question, choices, answer"

_COLUMNS = Columns(
    question_type="question_type",
    tags=tags_of("source_dataset", "audio-contribution"),
    cot={"gemini_cot": "gemini_cot", "structured_cot": "AudioMCQ", "simple_cot": "AudioMCQ"},
    own_names=False,
    expected=_HELP,
    files=("data.jsonl", "datasets/**/*.json*"),
)


def read(path: Path, options: NoOptions) -> Iterator[ImportedQuestion]:
    """Stream the questions of a file or folder; raises ``InputError`` if one is invalid."""
    return read_set(path, _COLUMNS)


IMPORTER: Importer[NoOptions] = Importer(help=_HELP, dataset="AudioMCQ", read=read, options=NoOptions)
