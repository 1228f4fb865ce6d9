"""The columns of the rows that pass between stages, with their types. No other module declares columns.

A type is written as plain data: ``"string"`` and the like name Arrow types, a list with one type is a list of it, a
dict is a struct. ``arrow_schema`` builds the Arrow schema on demand. Names follow the public releases if those have
one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from audiomcq_cli.contracts import Row

TYPES = ("sound", "music", "speech", "temporal")
"""Question types of the corpus."""

LABELS = ("weak", "strong")
"""Audio-contribution labels: weak can be answered without the audio, strong needs it."""

UNDECIDED = "undecided"
"""Flag of a row whose label could be the other one if the unreadable answers were right."""

AUDIO_MISSING = "audio_missing"
"""Flag of a clip without an audio file, or its reject reason."""

EVENT_OUTSIDE_CLIP = "event_outside_clip"
"""Flag of a clip whose source has an event outside it; that event was dropped."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type as plain data, whether it must have a value, and its description."""

    type: Any
    doc: str
    required: bool = True


COLUMNS: dict[str, Column] = {
    # clips
    "clip_id": Column("string", "SOURCE_DATASET:SOURCE_ID, stable between versions"),
    "source_dataset": Column("string", "name of the source, as AudioCaps"),
    "source_id": Column("string", "id of the clip within its source"),
    "audio_path": Column("string", "path of the audio below the source's audio root", required=False),
    "audio_sha256": Column("string", "content hash of the audio file, hex", required=False),
    "duration": Column("float64", "length in seconds", required=False),
    "sample_rate": Column("int32", "samples a second", required=False),
    "channels": Column("int16", "number of channels", required=False),
    "captions": Column(
        [{"text": "string", "origin": "string"}],
        "captions, each with its origin: a source or a model, and the part of the clip if it describes only a part",
    ),
    "events": Column(
        [{"label": "string", "onset": "float64", "offset": "float64", "origin": "string"}],
        "sound events with their times in seconds, null where not known",
    ),
    "transcript": Column(
        [{"text": "string", "onset": "float64", "offset": "float64", "confidence": "float64"}],
        "words spoken or sung in the clip, with their times in seconds",
    ),
    "measurements": Column(
        [{"name": "string", "value": "float64", "text": "string", "unit": "string", "confidence": "float64"}],
        "measurements of the audio, as tempo or pitch; measurements.py has names, units and tolerances",
    ),
    "fingerprint": Column(["uint32"], "acoustic fingerprint, which finds copies of a recording", required=False),
    "seeds": Column(
        [{"question": "string", "answer": "string", "origin": "string"}],
        "questions that the source asks about the clip, with its answers in free text if it has some",
    ),
    "license": Column("string", "license of the audio", required=False),
    "origin": Column("string", "where the audio comes from", required=False),
    # questions
    "id": Column(
        "string", "CLIP_ID:METHOD:SLOT, stable between versions; for an imported question SLOT is its id in its set"
    ),
    "method": Column("string", "how the question was made: llm, grounded, imported"),
    "question_type": Column("string", "sound, music, speech or temporal"),
    "difficulty": Column("string", "difficulty that the writer was asked for", required=False),
    "question": Column("string", "the question"),
    "choices": Column(
        ["string"],
        "the options, shuffled by the id of the row or of its block; those of an imported question keep the order of"
        " their set",
    ),
    "answer": Column("string", "the text of the right option"),
    "answer_index": Column("int16", "its position in choices, from 0"),
    "proof": Column(
        [{"name": "string", "value": "float64", "text": "string", "unit": "string", "tolerance": "float64"}],
        "for a question about measurements, the numbers from which its answer can be computed again",
    ),
    "tags": Column(
        [{"name": "string", "value": "string"}], "further fields of an imported question: category, task, split"
    ),
    "block": Column(
        "string",
        "id of the balanced block that the question is one of: four clips, one question, the same four options, each"
        " the answer of one clip; null for a question of its own",
        required=False,
    ),
    "cluster": Column(
        "string",
        "what the clip shares with clips of the same recording or caption; null where it is alone",
        required=False,
    ),
    "structured_cot": Column("string", "chain of thought in three tagged stages", required=False),
    "simple_cot": Column("string", "chain of thought in one short paragraph", required=False),
    "scores": Column(
        [{"dimension": "string", "score": "int8", "grader": "string", "reason": "string"}],
        "grades 1 to 5 by dimension and grader",
    ),
    "votes": Column(
        [
            {
                "judge": "string",
                "model": "string",
                "revision": "string",
                "condition": "string",
                "order": ["int16"],
                "chosen": "int16",
                "status": "string",
                "call": "string",
            }
        ],
        "every answer of every judge: order has the indices of choices in the order shown, chosen is an index of"
        " choices, status is right, wrong or unparsable",
    ),
    "audio_contribution": Column("string", "weak or strong"),
    "subset": Column("string", "the training set that the row belongs to"),
    # everywhere
    "flags": Column(["string"], "remarks that do not reject a row"),
    "calls": Column([{"stage": "string", "prompt": "string", "key": "string"}], "journal keys behind the row"),
    "provenance": Column(
        [
            {
                "column": "string",
                "model": "string",
                "revision": "string",
                "prompt": "string",
                "prompt_version": "string",
            }
        ],
        "the model and the prompt that made each column",
    ),
    # rejects
    "stage": Column("string", "the stage that ended the item"),
    "outcome": Column("string", "rejected (a rule or grader said no) or failed (no usable reply)"),
    "reason": Column("string", "reason code"),
    "detail": Column("string", "what was wrong, for people"),
    "raw_reply": Column("string", "the last raw reply", required=False),
    "tries": Column("int32", "tries of the last call"),
}

CLIP = (
    "clip_id", "source_dataset", "source_id", "audio_path", "audio_sha256", "duration", "sample_rate", "channels",
    "captions", "events", "transcript", "measurements", "fingerprint", "seeds", "license", "origin", "flags", "calls",
    "provenance",
)  # fmt: skip
QUESTION = (
    "source_dataset", "id", "question_type", "audio_path", "question", "choices", "answer", "answer_index", "clip_id",
    "source_id", "audio_sha256", "duration", "sample_rate", "channels", "captions", "events", "transcript",
    "measurements", "fingerprint", "license", "origin", "method", "difficulty", "proof", "tags", "block", "cluster",
    "flags", "calls", "provenance",
)  # fmt: skip
VERIFIED = (*QUESTION, "scores")
REASONED = (*VERIFIED, "structured_cot", "simple_cot")
LABELLED = (*REASONED, "votes", "audio_contribution")
RELEASED = (*LABELLED, "subset")
REJECT = ("id", "stage", "outcome", "reason", "detail", "raw_reply", "tries", "calls")


def clip_id(source_dataset: str, source_id: str) -> str:
    """Return the id of a clip. Names of sources hold no colon, so the two parts can be told apart."""
    return f"{source_dataset}:{source_id}"


def question_id(clip: str, method: str, slot: int | str) -> str:
    """Return the id of a question: from clip, method and slot, not from the text, so that it is stable between
    versions.

    The slot of an imported question is its id in its set.
    """
    return f"{clip}:{method}:{slot}"


def name_window(model: str, start: float, end: float) -> str:
    """Return the origin of a caption of a part of the clip: its author, and the start and end of the part."""
    return f"{model} ({_write_seconds(start)} s to {_write_seconds(end)} s)"


def read_window(origin: str) -> str:
    """Return start and end of the part that a caption of this origin describes; empty if it
    describes the whole clip.
    """
    found = _WINDOW.search(origin)
    return found[1] if found else ""


_WINDOW = re.compile(r" \(([0-9.]+ s to [0-9.]+ s)\)$")


def _write_seconds(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def shard_of(clip: str, shards: int) -> int:
    """Return the shard of a clip and its questions: the first 8 bytes, big-endian, of the id's SHA-256, modulo
    ``shards``.
    """
    return int.from_bytes(hashlib.sha256(clip.encode()).digest()[:8], "big") % shards


def draw(*parts: str | int) -> int:
    """Return a 64-bit number that depends only on ``parts``: the seed of every choice made for a row."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def arrow_schema(names: Sequence[str]) -> pa.Schema:
    """Return the Arrow schema of some columns, in the order given."""
    import pyarrow as pa

    return pa.schema([pa.field(name, arrow_type(COLUMNS[name].type)) for name in names])


def find_problem(row: Row, names: Iterable[str]) -> str:
    """Return what is wrong with a row that is about to be written; empty if nothing is.

    Checks that required columns have a value and that the answer of a question is the choice its index names.
    """
    for name in names:
        if name not in row:
            return f"column {name!r} is missing"
        if row[name] is None and COLUMNS[name].required:
            return f"column {name!r} has no value"
    if "answer_index" in row:
        choices, index = row["choices"], row["answer_index"]
        if not 0 <= index < len(choices) or choices[index] != row["answer"]:
            return f"answer {row['answer']!r} is not choice {index} of {choices!r}"
    if row.get("audio_contribution", "weak") not in LABELS:
        return f"audio_contribution is {row['audio_contribution']!r}, expected one of {', '.join(LABELS)}"
    return ""


def arrow_type(type_: Any) -> pa.DataType:
    """The Arrow type that a type written as plain data stands for."""
    import pyarrow as pa

    if isinstance(type_, list):
        return pa.list_(arrow_type(type_[0]))
    if isinstance(type_, dict):
        return pa.struct([(name, arrow_type(part)) for name, part in type_.items()])
    return pa.type_for_alias(type_)
