"""The first step of import: one streaming pass over question sets that only sorts their rows into shards.

A shard is read with the questions of a clip together, as every stage leaves them. Ids within a set come from the set,
which may repeat them: rows of one clip and id with the same question and options are one question, the others get a
number after the id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import orjson

from audiomcq_cli import records
from audiomcq_cli.audio_files import normalize
from audiomcq_cli.characters import find_control
from audiomcq_cli.contracts import ImportedQuestion, Importer, Row, Stage
from audiomcq_cli.engine.extent import UNKNOWN, measure
from audiomcq_cli.engine.intake.audio_hashes import AudioHashes
from audiomcq_cli.engine.intake.partition import read_partition, write_partition
from audiomcq_cli.engine.intake.sources import AudioFinder, InputSpec
from audiomcq_cli.engine.intake.watching import Watch, watched

METHOD = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSpec(InputSpec):
    """One question set: ``[[imports]]``; ``importer`` is its format."""

    importer: Importer[Any]

    def read(self) -> Iterator[ImportedQuestion]:
        """Yield its questions unchanged; raises ``InputError`` if the set is invalid."""
        return self.importer.read(self.path, self.options)


def partition_questions(
    specs: Sequence[ImportSpec], folder: Path, shards: int | None, watch: Watch | None = None
) -> list[Path]:
    """Sort the questions of all sets into shards by their clips, as ``partition`` does with clips.

    Raises:
        InputError: A set is invalid, or there is no question at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with AudioHashes(folder / "audio.sqlite") as hashes:
        return write_partition(_read_sets(specs, folder, hashes, watch), specs, folder, shards)


def read_first(path: Path, stage: Stage[Any]) -> Iterator[Row]:
    """Yield the rows of one shard for a first stage: clips or, for a stage that joins later stages, questions."""
    return read_questions(path) if stage.joins else read_partition(path)


def read_questions(path: Path) -> Iterator[Row]:
    """Yield the questions of one shard, those of a clip together, in the order of the clips' first rows."""
    places: dict[str, list[int]] = {}
    with path.open("rb") as file:
        begin = 0
        for line in file:
            places.setdefault(orjson.loads(line)["clip_id"], []).append(begin)
            begin += len(line)
        for offsets in places.values():
            rows = []
            for offset in offsets:
                file.seek(offset)
                rows.append(orjson.loads(file.readline()))
            yield from _tell_apart(rows)


def _tell_apart(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the questions of a clip, each with its own id; repeated or contradictory ones get a problem."""
    same_id: dict[str, list[Row]] = {}
    for row in rows:
        same_id.setdefault(row["id"], []).append(row)
    for id_, same in list(same_id.items()):
        numbers = (name for number in count(2) if (name := f"{id_}#{number}") not in same_id)
        for row in same[1:]:
            row["id"] = next(numbers)
        same_content: dict[str, list[Row]] = {}
        for row in same:
            if not row["problem"]:
                same_content.setdefault(_content(row), []).append(row)
        for twins in same_content.values():
            _note_twins(twins)
        yield from same


def _note_twins(twins: Sequence[Row]) -> None:
    """Give rows with the same question and options a problem: all but the first, or all if their answers differ."""
    places = " and ".join(f"row {row['row']}" for row in twins[:4])
    if len({row["choices"][row["answer_index"]] for row in twins}) > 1:
        detail = f"{places} have the same id, question and options, and different answers"
        for row in twins:
            row["problem"] = {"reason": "conflicting_answers", "detail": detail}
    for row in twins[1:]:
        detail = f"row {row['row']} has the id, question and options of row {twins[0]['row']}"
        row["problem"] = row["problem"] or {"reason": "duplicate_question", "detail": detail}


def _content(row: Row) -> str:
    return json.dumps([row["question"], sorted(row["choices"])])


def _read_sets(specs: Sequence[ImportSpec], folder: Path, hashes: AudioHashes, watch: Watch | None) -> Iterator[Row]:
    for spec in specs:
        extent = measure(spec.path) if watch and spec.limit is None else UNKNOWN
        questions = watched(spec.read(), spec.name, watch, extent)
        rows = (_make_unicode(_make_row(question, spec)) for question in islice(questions, spec.limit))
        yield from AudioFinder(spec.audio_root, hashes).settle(rows, folder, spec.path.name, watch)


def _make_unicode(row: Row) -> Row:
    """Reject a row with a lone surrogate, which no file can hold, or with a control character (U+0000)."""
    if row["problem"] is None and (sign := find_control(row)):
        return row | {"problem": {"reason": "control_characters", "detail": f"row {row['row']} holds {sign}"}}
    try:
        orjson.dumps(row)
    except orjson.JSONEncodeError:
        problem = {"reason": "not_unicode", "detail": f"row {row['row']} is not valid Unicode"}
        text = json.dumps(row | {"problem": problem}, ensure_ascii=False).encode("utf-8", "replace")
        whole: Row = orjson.loads(text)
        return whole
    return row


def _make_row(question: ImportedQuestion, spec: ImportSpec) -> Row:
    source_id = normalize(question.clip)
    clip = records.clip_id(spec.name, source_id)
    problem = question.problem
    return {
        "id": records.question_id(clip, METHOD, normalize(question.id)),
        "clip_id": clip,
        "source_dataset": spec.name,
        "source_id": source_id,
        "row": question.row,
        "question": question.question,
        "choices": list(question.choices),
        "answer_index": question.answer,
        "question_type": question.question_type,
        "difficulty": question.difficulty,
        "structured_cot": question.structured_cot,
        "simple_cot": question.simple_cot,
        "cot_model": question.cot_model,
        "tags": [{"name": name, "value": value} for name, value in question.tags.items()],
        "flags": list(question.flags),
        "audio": list(map(normalize, question.audio)),
        "guesses": list(map(normalize, question.guesses)),
        "audio_path": None,
        "audio_present": False,
        "audio_sha256": None,
        "license": question.license or spec.license,
        "origin": question.origin or spec.origin,
        "problem": asdict(problem) if problem else None,
    }
