"""Turns the rows of an existing question set into rows of the pipeline, and measures their audio.

The engine has read the set, given every question an id and looked for its audio, so a row of the input is::

    {"id", "clip_id", "source_dataset", "source_id", "row", "question", "choices", "answer_index", "question_type",
     "difficulty", "structured_cot", "simple_cot", "cot_model", "tags": [{"name", "value"}], "flags", "audio_path",
     "audio_present", "audio_sha256", "license", "origin", "problem": {"reason", "detail"} or None}

No model is called, no question is changed, and options keep their order: the order that a set uses is worth studying.
"""

from __future__ import annotations

from dataclasses import dataclass

from audiomcq_cli.contracts import Clip, Context, Flow, Listen, Reject, Row, Stage, option
from audiomcq_cli.records import AUDIO_MISSING, REASONED

TYPE_NOT_KNOWN = "question_type_not_known"
"""Flag of a question whose type is missing in the set or is not one of ours: its type is set to sound."""

_MEASURED = ("audio_sha256", "duration", "sample_rate", "channels", "fingerprint")
_EMPTY = ("captions", "events", "transcript", "measurements", "proof", "scores", "calls", "provenance")
_TAKEN = (
    "id", "clip_id", "source_dataset", "source_id", "audio_path", "question", "choices", "answer_index", "difficulty",
    "structured_cot", "simple_cot", "tags", "license", "origin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """Options of import."""

    require_audio: bool = option(False, "reject questions whose audio file is not there")


def flow(row: Row, context: Context[Options]) -> Flow:
    """Bring one question into its columns and, if its audio exists, measure it."""
    if row["problem"]:
        return Reject(row["problem"]["reason"], row["problem"]["detail"])
    question = _begin_question(row)
    if not row["audio_present"]:
        if context.options.require_audio:
            return Reject(AUDIO_MISSING, f"row {row['row']}: no audio file {row['audio_path']!r} below the audio root")
        return [question | {"flags": [*question["flags"], AUDIO_MISSING]}]
    [reply] = yield [Listen(analysis="probe", audio=Clip.of_row(row))]
    if reply.failed:
        return Reject(reply.error, reply.detail)
    measured = reply.value
    if "problem" in measured:
        return Reject(measured["problem"], measured["detail"])
    return [
        question
        | {
            "audio_sha256": measured["sha256"],
            **{name: measured[name] for name in (*_MEASURED[1:], "measurements")},
            "calls": [reply.call],
            "provenance": [*question["provenance"], *(reply.made(column) for column in (*_MEASURED, "measurements"))],
        }
    ]


def _begin_question(row: Row) -> Row:
    """Return the question before its audio is analysed."""
    written = [column for column in ("structured_cot", "simple_cot") if row[column]]
    return {
        **{name: row[name] for name in _TAKEN},
        **dict.fromkeys(_MEASURED),
        **{name: [] for name in _EMPTY},
        "block": None,
        "cluster": None,
        "method": "imported",
        "answer": row["choices"][row["answer_index"]],
        "question_type": row["question_type"] or "sound",
        "flags": [*row["flags"], *([] if row["question_type"] else [TYPE_NOT_KNOWN])],
        "provenance": [
            {"column": name, "model": row["cot_model"], "revision": "", "prompt": "", "prompt_version": ""}
            for name in written
        ],
    }


STAGE: Stage[Options] = Stage(
    help="Import an existing question set, ready for filter.",
    after=None,
    version=2,
    options=Options,
    reads=(),  # not columns of a folder: see above
    writes=REASONED,
    flow=flow,
    joins="filter",
)
