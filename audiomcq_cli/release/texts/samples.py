"""Draws the sample questions of a dataset card, one of each type, and writes each as a person reads it.

Every row draws a number from the seed and its id, and the lowest number of a type wins. So a new version keeps the
samples whose rows it still has, unless a new row draws a lower number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiomcq_cli.mcq import letter
from audiomcq_cli.records import TYPES, draw
from audiomcq_cli.release.markdown import Link, escape, flatten, write_cell, write_table

if TYPE_CHECKING:
    import pyarrow as pa

    from audiomcq_cli.contracts import Row

COLUMNS = (
    "id", "question_type", "question", "choices", "answer_index", "audio_contribution", "votes", "source_dataset",
    "license", "origin",
)  # fmt: skip

_LONGEST = 600
"""Characters of one text that are shown: a card shows what a question is like, and the rows hold all of it."""

_MOST_CHOICES = 26


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: the number that a row drew, and the row in the columns ``COLUMNS``."""

    number: int
    row: Row


Samples = Mapping[str, Sample]
"""The sample of each question type."""


def draw_samples(table: pa.Table, seed: int) -> Samples:
    """Return the samples of a table: for each question type the row with the lowest number, then the lowest id."""
    numbers = [draw("sample of the card", seed, id_) for id_ in table["id"].to_pylist()]
    best: dict[str, int] = {}
    for place, kind in enumerate(table["question_type"].to_pylist()):
        if kind in TYPES and (kind not in best or numbers[place] < numbers[best[kind]]):
            best[kind] = place
    rows = table.select(COLUMNS).take(list(best.values())).to_pylist()
    return {kind: Sample(numbers[place], row) for (kind, place), row in zip(best.items(), rows, strict=True)}


def merge_samples(one: Samples, other: Samples) -> Samples:
    """Combine the samples of two tables."""
    return {
        kind: min((held[kind] for held in (one, other) if kind in held), key=lambda held: (held.number, held.row["id"]))
        for kind in sorted({*one, *other})
    }


def write_samples(samples: Samples) -> str:
    """Return the section of the card; empty if there are no samples."""
    if not samples:
        return ""
    texts = [_write_sample(samples[kind].row) for kind in TYPES if kind in samples]
    return "\n\n".join(["## Sample questions", "One of each question type, drawn by the seed.", *texts])


def _write_sample(row: Row) -> str:
    choices = list(row["choices"])[:_MOST_CHOICES]
    options = "\n".join(f"- {letter(index)}. {_shorten(choice)}" for index, choice in enumerate(choices))
    key = _name_choice(row["choices"], row["answer_index"])
    return "\n\n".join(
        [
            f"### {escape(row['question_type']).capitalize()}",
            f"**{_shorten(row['question']) or '(no text)'}**",
            options,
            f"Key: {key}. Label: `{escape(row['audio_contribution'])}`. Clip: {_describe_clip(row)}.",
            _write_votes(row["votes"], row["choices"]),
        ]
    )


def _describe_clip(row: Row) -> str:
    """Describe the origin of a clip: its source, the license of its audio and, if the row has one, its address."""
    parts = [escape(row["source_dataset"])]
    parts += [f"license {escape(row['license'])}"] if row["license"] else []
    parts += [write_cell(Link(row["origin"]))] if row["origin"] else []
    return ", ".join(parts)


def _write_votes(votes: Sequence[Mapping[str, Any]], choices: Sequence[str]) -> str:
    rows = [
        (
            vote["judge"],
            describe_condition(vote["condition"]),
            "not readable" if vote["status"] == "unparsable" else _name_choice(choices, vote["chosen"]),
            "" if vote["status"] == "unparsable" else vote["status"],
        )
        for vote in votes
    ]
    return write_table(("Judge", "What it heard", "Its answer", "Result"), rows)


def describe_condition(condition: str) -> str:
    """Return the condition of a vote in words."""
    name, _, seconds = condition.partition(":")
    if name == "none":
        return "nothing"
    return f"{seconds} s of silence" if name == "silence" and seconds else condition


def _name_choice(choices: Sequence[str], index: int | None) -> str:
    """Return the letter under which the card shows a choice."""
    return letter(index) if index is not None and 0 <= index < min(len(choices), _MOST_CHOICES) else "none"


def _shorten(text: str) -> str:
    line = flatten(text)
    return escape(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…")
