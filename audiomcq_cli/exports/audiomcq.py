"""``data.jsonl`` as the public AudioMCQ release has it and NeMo-RL's ``AudioMCQDataset`` reads it.

One object a line: source_dataset, id, question_type, audio_path, question, choices, answer (the text of a choice) and,
where a question is labelled, ``audio-contribution`` with a hyphen: NeMo-RL trains only on rows where that key is
``strong`` or missing. Audio files are not copied; ``audio_path`` is relative to the audio root of its source.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.contracts import Export, Row, option
from audiomcq_cli.errors import InputError

_COLUMNS = ("source_dataset", "id", "question_type", "audio_path", "question", "choices", "answer")
_COT = {
    "none": (),
    "simple": ("simple_cot",),
    "structured": ("structured_cot",),
    "both": ("structured_cot", "simple_cot"),
}


@dataclass(frozen=True, slots=True)
class AudiomcqOptions:
    """What can be set for this export."""

    cot: str = option("none", "which chains of thought the records carry", choices=tuple(_COT))


def write(rows: Iterable[Row], folder: Path, options: AudiomcqOptions) -> int:
    """Write ``data.jsonl``.

    Raises:
        InputError: A row has no chain of thought where one is asked for.
    """
    count = 0
    with (folder / "data.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(_make_record(row, options), ensure_ascii=False) + "\n")
            count += 1
    return count


def _make_record(row: Row, options: AudiomcqOptions) -> Row:
    record = {name: row[name] for name in _COLUMNS}
    if row.get("audio_contribution"):
        record["audio-contribution"] = row["audio_contribution"]
    for name in _COT[options.cot]:
        if not row.get(name):
            raise InputError(
                f"question {row['id']!r} has none", column=name, hint="export a folder that cot or a later stage wrote"
            )
        record[name] = row[name]
    return record


EXPORT: Export[AudiomcqOptions] = Export(
    help="data.jsonl as the public AudioMCQ release has it and NeMo-RL reads it.",
    options=AudiomcqOptions,
    write=write,
)
