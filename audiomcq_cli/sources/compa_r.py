"""CompA-R: JSON, a list of questions about clips with free-text answers; a clip has several.

It has no captions. An answer describes the audio, so it serves as a caption. With its instruction it is also one of the
source's own questions (``seeds``), which are shown to the writer of new questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import Layout, NoOptions, Seed, Source, SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._csv import reject_row
from audiomcq_cli.sources._identity import find_id_problem, is_address, name_audio
from audiomcq_cli.sources._json import JsonRow, read_json

_EXPECTED = "a JSON list of objects with audio_id, instruction and output"


def read(path: Path, options: NoOptions) -> Iterator[SourceRow]:
    """Stream the entries of the file; raises ``InputError`` if it is invalid."""
    for record in read_json(path, _EXPECTED):
        yield _read_row(record, path)


def _read_row(record: JsonRow, path: Path) -> SourceRow:
    row = record.row
    texts = {key: _read_text(record, key, path) for key in ("audio_id", "instruction", "output")}
    name = texts["audio_id"]
    if problem := find_id_problem(name):
        return reject_row(path, row, "bad_id", "audio_id", problem)
    names = name_audio(name)
    if not names.sure:
        return reject_row(path, row, "no_id", "audio_id", "is empty")
    answer, instruction = texts["output"], texts["instruction"]
    return SourceRow(
        source_id=name if is_address(name) else names.sure[0],
        row=row,
        captions=(answer,) if answer else (),
        seeds=(Seed(instruction, answer or None),) if instruction else (),
        audio=names.sure,
        guesses=names.guesses,
        origin=_read_text(record, "dataset", path, required=False) or None,
    )


def _read_text(record: JsonRow, key: str, path: Path, *, required: bool = True) -> str:
    if required and key not in record.cells:
        found = ", ".join(list(record.cells)[:20])
        raise InputError(f"no key {key!r}; found: {found}", file=str(path), row=record.row, hint=_EXPECTED)
    value = record.cells.get(key)
    if not isinstance(value, str | None):
        message = f"expected a text, found {type(value).__name__}"
        raise InputError(message, file=str(path), row=record.row, column=key)
    return (value or "").strip()


SOURCE: Source[NoOptions] = Source(
    help="CompA-R JSON: a list of audio_id, instruction, output",
    dataset="CompA-R",
    read=read,
    options=NoOptions,
    grouped=False,
    layout=Layout(
        path="a JSON list, or JSON Lines",
        columns={
            "audio_id": "path of the audio file, on whatever machine; it names the clip",
            "instruction": "a question that is asked of the clip",
            "output": "its answer in free text; also what serves as a caption",
            "dataset": "where the clip comes from, if it is there",
        },
        audio="the end of audio_id that is found below the audio folder, also in another format",
        rights="captions for research only; nothing is said of the audio (AudioSet): say it with license",
    ),
)
