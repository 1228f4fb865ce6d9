"""The workplace of the tests of exports: a format of every kind, and one call that exports a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Export, Record, Reject, Row, option
from audiomcq_cli.contracts.exports import PLACES
from audiomcq_cli.engine.exporting.export import ExportJob, ExportReport, run_export
from tests.release.conftest import record, released_row, write_stage


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set for the format of the tests."""

    audio: str = option("named", "what is done with the audio", choices=PLACES)
    shortest: int = option(0, "leave out questions of fewer letters")
    each: int = option(1, "records of a row")
    readme: bool = option(True, "write a README")


def make_records(row: Row, options: Options) -> Sequence[Record] | Reject:
    """As many records as are asked for, unless the question is too short."""
    if len(row["question"]) < options.shortest:
        return Reject("too_few_letters", row["question"])
    record = {"id": row["id"], "question": row["question"], "audio": row["audio_path"]}
    return [record | {"id": f"{row['id']}:{number}"} for number in range(options.each)]


def lint(record: Record, options: Options) -> list[Reject]:
    """A reader that takes a mark in the question for audio."""
    return [Reject("literal_audio", record["question"])] if "<audio>" in record["question"] else []


EXPORT: Export[Options] = Export(
    help="questions of weak and strong rows, apart",
    version=1,
    options=Options,
    files=("weak.jsonl", "strong.json"),
    records=make_records,
    pick=lambda row, options: "weak.jsonl" if row["audio_contribution"] == "weak" else "strong.json",
    audio=lambda options: options.audio,
    lint=lint,
    tally=lambda row, options: row["question_type"],
    companions=lambda written, options: {"README.md": f"{written.written} rows\n"} if options.readme else {},
)


def export(source: Path, target: Path, *, using: Export[Any] = EXPORT, **changes: Any) -> ExportReport:
    """Export a folder; ``strict`` is the job's, all other keywords are options."""
    strict = changes.pop("strict", False)
    options = using.options(**changes)
    return run_export(
        ExportJob(name="apart", export=using, options=options, source=source, target=target, strict=strict)
    )


def write_rows_with_audio(folder: Path, count: int, **values: Any) -> Path:
    """A stage folder of rows of both labels in two shards, with a clip each."""
    rows = [
        released_row(number, label=("weak", "strong")[number % 2], **record(folder / "audio", number, seconds=0.1))
        | values
        for number in range(count)
    ]
    return write_stage(folder / "build/split", rows, shards=2)


def read_records(folder: Path) -> list[Any]:
    """All records of an export in the format above."""
    lines: list[Any] = [json.loads(line) for line in (folder / "weak.jsonl").read_text("utf-8").split("\n") if line]
    return [*lines, *json.loads((folder / "strong.json").read_text("utf-8"))]
