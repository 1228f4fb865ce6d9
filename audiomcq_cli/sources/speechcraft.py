"""SpeechCraft (LibriTTS-R): JSON descriptions of a voice, with the spoken words.

The keys differ between the published files, so each is searched for under several names, or under the one in
``columns``. A description in words is used unchanged. If there are only labels (pitch: high, speed: slow), a sentence
is made of them. The spoken words follow in either case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from audiomcq_cli.audio_files import drop_audio_extension
from audiomcq_cli.contracts import Layout, Source, SourceRow, option
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.sources._columns import read_number
from audiomcq_cli.sources._csv import reject_row
from audiomcq_cli.sources._identity import find_id_problem, is_address, name_audio
from audiomcq_cli.sources._json import JsonRow, read_json
from audiomcq_cli.sources._voice import Voice, describe_voice, quote_words

_KEYS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "utt_id", "utterance_id", "item_name", "key"),
    "audio": ("audio_path", "audio", "path", "wav", "file", "file_name", "filename"),
    "description": ("description", "caption", "style_prompt", "instruction"),
    "text": ("text", "transcript", "transcription", "content"),
    "pitch": ("pitch",),
    "speed": ("speed", "tempo", "speaking_rate"),
    "energy": ("energy", "volume"),
    "gender": ("gender", "sex"),
    "age": ("age",),
    "emotion": ("emotion",),
    "emphasis": ("emphasis", "stress"),
}
"""Fields of a row, with the keys under which each is searched for, best first."""

_LIBRITTS = re.compile(r"([0-9]+)_([0-9]+)_[0-9]{6}_[0-9]{6}")
_EXPECTED = "JSON objects that describe a voice: a list, JSON Lines, or an object of them by id"


@dataclass(frozen=True, slots=True)
class Options:
    """Options for SpeechCraft.

    Raises:
        RecipeError: ``columns`` names an unknown field.
    """

    columns: Mapping[str, str] = option({}, 'which key holds what, as { text = "transcription" }')

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.columns) - set(_KEYS)):
            raise RecipeError(f"columns: nothing is called {unknown[0]!r}; there are {', '.join(_KEYS)}")


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows of the file; raises ``InputError`` if it is invalid."""
    keys = {name: (options.columns[name],) if name in options.columns else known for name, known in _KEYS.items()}
    for record in read_json(path, _EXPECTED):
        yield _read_row(record, keys, path)


def _read_row(record: JsonRow, keys: Mapping[str, Sequence[str]], path: Path) -> SourceRow:
    given = {name: _read_text(record, known, path) for name, known in keys.items()}
    if not any(given[name] for name in keys if name not in ("id", "audio")):
        found = ", ".join(list(record.cells)[:20])
        hint = 'say under which key stands what, as columns = { text = "transcription" }'
        raise InputError(
            f"no key is known that describes a voice; found: {found}", file=str(path), row=record.row, hint=hint
        )
    names = name_audio(given["audio"])
    own = next((name for name in ("id", "audio") if given[name]), "id")
    if problem := find_id_problem(given[own] or record.key):
        return reject_row(path, record.row, "bad_id", keys[own][0], problem)
    source_id = given["id"] or record.key or (PurePosixPath(names.sure[0]).stem if names.sure else "")
    if not source_id:
        what = f"no id and no audio file; looked for {', '.join((*keys['id'], *keys['audio']))}"
        return reject_row(path, record.row, "no_id", keys["id"][0], what)
    stem = PurePosixPath(drop_audio_extension(source_id)).name
    address = given["audio"] if is_address(given["audio"]) and not (given["id"] or record.key) else ""
    libritts = _LIBRITTS.fullmatch(stem)
    return SourceRow(
        source_id=address or stem,
        row=record.row,
        captions=_write_caption(given),
        audio=names.sure if address else tuple(dict.fromkeys((*names.sure, source_id, stem))),
        guesses=names.guesses,
        license="CC BY 4.0" if libritts else None,
        origin=f"LibriTTS-R, speaker {libritts[1]}, chapter {libritts[2]}" if libritts else None,
    )


def _write_caption(given: Mapping[str, str]) -> tuple[str, ...]:
    words, gender = given["text"], given["gender"]
    labels = ("gender", "age", "pitch", "speed", "energy", "emotion", "emphasis")
    description = given["description"] or describe_voice(Voice(**{name: given[name] for name in labels}))
    if words and description and words not in description:
        return (f"{description} {quote_words(words, gender)}",)
    return (description or quote_words(words, gender),)


def _read_text(record: JsonRow, keys: Sequence[str], path: Path) -> str:
    """Return the first value that exists; several words (of an emphasis) are joined."""
    key = next((one for one in keys if record.cells.get(one) not in (None, "", [])), None)
    value: Any = record.cells[key] if key is not None else ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    if isinstance(value, dict | list | bool):
        message = f"expected a text, found {type(value).__name__}"
        raise InputError(message, file=str(path), row=record.row, column=key or "")
    return read_number(value) if isinstance(value, float) else str(value).strip()


SOURCE: Source[Options] = Source(
    help="SpeechCraft JSON: text, pitch, speed, energy, gender, age, emotion, emphasis, or a description",
    dataset="SpeechCraft",
    read=read,
    options=Options,
    grouped=False,
    layout=Layout(
        path="a JSON list, JSON Lines, or an object with a row under each id",
        columns={name: f"key {' or '.join(keys)}" for name, keys in _KEYS.items()},
        audio="{id}.wav anywhere below the audio folder, as LibriTTS-R has it (84_121123_000007_000001.wav)",
        rights="audio of LibriTTS-R CC BY 4.0, which clips with its names are given; of others say it with license",
    ),
)
