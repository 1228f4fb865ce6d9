"""MMAR (github.com/ddlBoJack/MMAR): ``MMAR-meta.json``, a list of objects or one object a line.

Clips are parts of videos: the address and time are the origin. The modality may be a mix (``mix-sound-speech``): such a
question has the type speech if there is speech, else music.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import ImportedQuestion, Importer, NoOptions
from audiomcq_cli.importers._questions import Columns, read_set, tags_of

_HELP = "MMAR JSON or JSON Lines: id, audio_path, question, choices, answer, modality, category, sub-category, url"

_COLUMNS = Columns(
    question_type="modality",
    origin="url",
    tags=tags_of("category", "sub-category", "language", "source", "url", "timestamp"),
    expected=_HELP,
    files=("MMAR-meta.json*",),
)


def read(path: Path, options: NoOptions) -> Iterator[ImportedQuestion]:
    """Stream the questions of a file; raises ``InputError`` if it is invalid."""
    return read_set(path, _COLUMNS)


IMPORTER: Importer[NoOptions] = Importer(help=_HELP, dataset="MMAR", read=read, options=NoOptions)
