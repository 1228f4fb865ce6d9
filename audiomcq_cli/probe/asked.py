"""The text of a row, its key, and the groups by which results are reported. Nothing about the audio."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.mcq import fold
from audiomcq_cli.records import COLUMNS as RECORDED
from audiomcq_cli.records import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from audiomcq_cli.contracts import Row

NEEDED = ("id", "clip_id", "question", "choices", "answer_index")
"""Columns without which there is nothing to guess."""

DIMENSIONS: Mapping[str, str] = {
    "form": "",
    "type": "question_type",
    "source": "source_dataset",
    "method": "method",
    "label": "audio_contribution",
    "subset": "subset",
}
"""Dimensions by which results are reported, with their columns. The form has no column: see ``form_of``."""

COLUMNS = (*NEEDED, *filter(None, DIMENSIONS.values()), "provenance", "proof", "block", "cluster")
"""Columns that are read where a table has them."""

_OPENING = re.compile(
    r"\b(how many|how often|how long|how much|how|which|what|whom|whose|who|where|when|why)\b(?:'s)?(?: (\w+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as a guesser sees it.

    Attributes:
        id: Id of the row. question, options: The text. key: Position of the right option, from 0.
        stem: What of the question it has in common with others: its form, or its opening words.
        clip, block, cluster: Rows that share one of them are never trained on to guess one another; empty: none.
        groups: The value of the row for each of ``DIMENSIONS`` that it has.
    """

    id: str
    question: str
    options: tuple[str, ...]
    key: int
    stem: str = ""
    clip: str = ""
    block: str = ""
    cluster: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)


def read_asked(table: pa.Table) -> Iterator[Asked]:
    """Yield the rows of a table. It needs the columns ``NEEDED``; of the others, those in ``COLUMNS`` are read.

    Raises:
        InputError: A row has no question, or its answer is none of its options. pyarrow.ArrowException: A column is of
            another type.
    """
    import polars as pl

    names = [name for name in COLUMNS if name in table.column_names]
    known = [name for name in names if name in RECORDED]
    others = [name for name in names if name not in RECORDED]
    whole = table.select(known).cast(arrow_schema(known))
    for name in others:
        whole = whole.append_column(name, table[name])
    frame = pl.DataFrame(whole)
    if "provenance" in frame.columns:  # of many entries one is looked at
        entry = pl.element().struct
        frame = frame.with_columns(
            pl.col("provenance").list.eval(pl.element().filter(entry.field("column") == "question"))
        )
    for row in frame.iter_rows(named=True):
        yield asked_of(row)


def asked_of(row: Row) -> Asked:
    """Return what a guesser sees of a row of a stage or a release.

    Raises:
        InputError: It has no question, or its answer is none of its options.
    """
    choices, key = row["choices"] or (), row["answer_index"]
    if row["question"] is None or None in choices or key is None or not 0 <= key < len(choices):
        hint = "audiomcq validate lists all rows that are wrong"
        raise InputError(f"row {row['id']!r} is no question with an answer among its options", hint=hint)
    form = form_of(row)
    values = {name: form if name == "form" else row.get(column) for name, column in DIMENSIONS.items()}
    grounded = row.get("method") == "grounded"
    return Asked(
        id=_text(row["id"]),
        question=row["question"],
        options=tuple(choices),
        key=key,
        stem=form if grounded else open_question(row["question"]),
        clip=_text(row["clip_id"]),
        block=_text(row.get("block")),
        cluster=_text(row.get("cluster")),
        groups={name: str(value) for name, value in values.items() if value not in (None, "")},
    )


def form_of(row: Row) -> str:
    """Return the form of a question: the form that the rules note, else its method and its question word.

    The grounded method notes the form as the prompt of the column ``question``; a question about measurements also
    names its family in its proof. A question that a model wrote, or a set brought, has the form of its first question
    word, as ``llm: which``.
    """
    method = row.get("method") or ""
    if method == "grounded":
        made = [one["prompt"] for one in row.get("provenance") or () if one["column"] == "question" and one["prompt"]]
        proved = [fact["text"] for fact in row.get("proof") or () if fact["name"] == "family" and fact["text"]]
        if made or proved:
            return str((made or proved)[-1])
    found = _OPENING.search(fold(row["question"]))
    opening = found[1] if found else "other"
    return f"{method}: {opening}" if method else opening


def open_question(question: str) -> str:
    """Return the first question word and the next word, such as ``which animal``; empty if there is none."""
    found = _OPENING.search(fold(question))
    return " ".join(filter(None, found.groups())) if found else ""


def _text(value: Any) -> str:
    return "" if value is None else str(value)
