"""``data.jsonl`` as the public AudioMCQ release has it and NeMo-RL's ``AudioMCQDataset`` reads it.

One object a line: source_dataset, id, question_type, audio_path, question, choices, answer (the text of a choice) and,
where every question has a label, ``audio-contribution`` with a hyphen. NeMo-RL looks at the whole file: where any row
has that key, every row that is not ``strong`` is dropped, one without the key as well. So all records have it or none
has. Audio files are not copied; ``audio_path`` is relative to the audio root of its source.
"""

from __future__ import annotations

from dataclasses import dataclass

from audiomcq_cli.contracts import Export, Record, Row, Written, option
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
    """Options of this export."""

    labels: str = option(
        "auto",
        "whether records carry the label: NeMo-RL trains on strong ones alone where they do, on all where they do not"
        " (auto: where every question has one)",
        choices=("auto", "with", "without"),
    )
    cot: str = option("none", "which chains of thought the records carry", choices=tuple(_COT))


def make_records(row: Row, options: AudiomcqOptions) -> list[Record]:
    """The record of a row; raises ``InputError`` where it has no chain of thought and one is asked for."""
    record = {name: row[name] for name in _COLUMNS}
    if options.labels != "without" and row.get("audio_contribution"):
        record["audio-contribution"] = row["audio_contribution"]
    for name in _COT[options.cot]:
        if not row.get(name):
            hint = "export a folder that cot or a later stage wrote, where a writer wrote all of it; or leave cot out"
            raise InputError(f"question {row['id']!r} has none", column=name, hint=hint)
        record[name] = row[name]
    return [record]


def check_labels(written: Written, options: AudiomcqOptions) -> None:
    """Refuse a mix of records with and without label: the reader drops those without."""
    without = written.tally.get("", 0)
    if options.labels == "without" or not without or (options.labels == "auto" and without == written.written):
        return
    labels = sorted(written.tally.items(), reverse=True)
    told = ", ".join(f"{rows:,} {label or 'without a label'}" for label, rows in labels)
    hint = "export a folder that filter or a later stage wrote, or leave the label out of all: --labels without"
    raise InputError(f"{told}: NeMo-RL would train on the strong ones alone", column="audio_contribution", hint=hint)


EXPORT: Export[AudiomcqOptions] = Export(
    help="data.jsonl as the public AudioMCQ release has it and NeMo-RL reads it.",
    version=1,
    options=AudiomcqOptions,
    files=("data.jsonl",),
    records=make_records,
    tally=lambda row, options: str(row.get("audio_contribution") or ""),
    check=check_labels,
)
