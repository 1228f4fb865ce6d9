"""Counts the rows of a release shard by shard; memory does not grow with the corpus.

All numbers are whole (lengths in characters, durations in milliseconds), so sums do not depend on their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiomcq_cli import parquet
from audiomcq_cli.wholeness import COLUMNS, find_broken

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

Counts = Counter[tuple[str, ...]]

EDGES: Mapping[str, tuple[int, ...]] = {
    "duration": tuple(
        1_000 * seconds for seconds in (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 45, 60, 90, 120, 300, 600)
    ),
    "question": (0, 20, 40, 60, 80, 100, 125, 150, 200, 300, 500),
    "answer": (0, 5, 10, 20, 30, 40, 50, 75, 100, 150, 250),
    "other_choices": (0, 5, 10, 20, 30, 40, 50, 75, 100, 150, 250),
    "structured_cot": (0, 250, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000),
    "simple_cot": (0, 50, 100, 150, 200, 300, 400, 600, 1_000, 2_000),
}
"""Lower edges of the bins of each histogram, each inside its bin; the last bin is open."""

_GROUPS = ("method", "difficulty", "skill")


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram: count, sum, least and greatest of some numbers, and how many are in each bin of ``EDGES``."""

    count: int = 0
    total: int = 0
    least: int = 0
    greatest: int = 0
    bins: tuple[int, ...] = ()

    def __add__(self, other: Histogram) -> Histogram:
        if not self.count or not other.count:
            return self if self.count else other
        return Histogram(
            self.count + other.count,
            self.total + other.total,
            min(self.least, other.least),
            max(self.greatest, other.greatest),
            tuple(mine + theirs for mine, theirs in zip(self.bins, other.bins, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of rows: of some whole clips, of a shard, or of a release.

    Attributes:
        questions: Questions by subset, label and question type.
        origins: Questions by source, question type and label.
        groups: Questions by column (``method`` and the columns of ``difficulty`` and ``skill`` that exist) and value.
        positions: Questions by number of choices and position of the answer, from 0.
        clips: Distinct clips by source. Each is counted whole in one place, so counts add up.
        licenses: Questions by source and license of their audio (empty if not known).
        located: Questions whose row says where the audio comes from, by source.
        votes: Judges' answers by judge, model, revision, condition, question type, number of choices and status.
        embedded: Clips whose audio is in the rows, by source and license.
        withheld: Clips whose audio was to be embedded and is not, by source, license and reason (``embed.WITHHELD``).
        blocks: Questions by state of their balanced block: ``whole``, ``broken``, or ``alone`` for questions without.
        sizes: Histograms by the names of ``EDGES``: of distinct clips, questions, answers, the other choices and chains
            of thought.
    """

    questions: Counts = field(default_factory=Counter)
    origins: Counts = field(default_factory=Counter)
    groups: Counts = field(default_factory=Counter)
    positions: Counts = field(default_factory=Counter)
    clips: Counts = field(default_factory=Counter)
    licenses: Counts = field(default_factory=Counter)
    located: Counts = field(default_factory=Counter)
    votes: Counts = field(default_factory=Counter)
    embedded: Counts = field(default_factory=Counter)
    withheld: Counts = field(default_factory=Counter)
    blocks: Counts = field(default_factory=Counter)
    sizes: Mapping[str, Histogram] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of questions."""
        return self.questions.total()

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.questions + other.questions,
            self.origins + other.origins,
            self.groups + other.groups,
            self.positions + other.positions,
            self.clips + other.clips,
            self.licenses + other.licenses,
            self.located + other.located,
            self.votes + other.votes,
            self.embedded + other.embedded,
            self.withheld + other.withheld,
            self.blocks + other.blocks,
            {name: self.sizes.get(name, Histogram()) + other.sizes.get(name, Histogram()) for name in EDGES},
        )


def count_rows(table: pa.Table) -> Statistics:
    """Count the rows of a table with the columns of ``records.RELEASED``."""
    import pyarrow.compute as pc

    counts = pc.list_value_length(table["choices"])
    placed = table.select(["answer_index"]).append_column("choices", counts)
    groups: Counts = Counter()
    for column in _GROUPS:
        if column in table.column_names:
            groups += Counter({(column, *value): rows for value, rows in _count(table, column).items()})
    return Statistics(
        questions=_count(table, "subset", "audio_contribution", "question_type"),
        origins=_count(table, "source_dataset", "question_type", "audio_contribution"),
        groups=groups,
        positions=_count(placed, "choices", "answer_index"),
        clips=_count(table.group_by(["source_dataset", "clip_id"]).aggregate([]), "source_dataset"),
        licenses=_count(table, "source_dataset", "license"),
        located=_count(table.filter(pc.is_valid(table["origin"])), "source_dataset"),
        votes=_count_votes(table),
        sizes=_measure(table),
    )


def _count(table: pa.Table, *keys: str) -> Counts:
    """Count rows by the values of some columns, as text; null counts as empty."""
    groups = table.group_by(list(keys)).aggregate([([], "count_all")])
    counts: Counts = Counter()
    for row in groups.to_pylist():
        counts[tuple("" if row[key] is None else str(row[key]) for key in keys)] += row["count_all"]
    return counts


def count_blocks(path: Path) -> Statistics:
    """Count the questions of a shard by the state of their blocks; a part of a shard may hold a part of a block."""
    rows = parquet.read_frame(path, COLUMNS)
    broken = find_broken(rows.iter_rows(named=True))
    states = {None: "alone"} | {block: "broken" if fault else "whole" for block, fault in broken.items()}
    return Statistics(blocks=Counter((states[block],) for block in rows["block"]))


def _count_votes(table: pa.Table) -> Counts:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table["votes"].combine_chunks()
    rows = pc.list_parent_indices(column)
    votes = pa.Table.from_batches([pa.RecordBatch.from_struct_array(pc.list_flatten(column))])
    votes = votes.append_column("question_type", table["question_type"].take(rows))
    votes = votes.append_column("choices", pc.list_value_length(table["choices"]).take(rows))
    return _count(votes, "judge", "model", "revision", "condition", "question_type", "choices", "status")


def _measure(table: pa.Table) -> dict[str, Histogram]:
    import pyarrow.compute as pc

    clips = table.group_by("clip_id").aggregate([("duration", "max")])["duration_max"]
    durations = pc.round(pc.multiply(clips, 1_000))
    choices = table["choices"].combine_chunks()
    lengths = pc.utf8_length(pc.list_flatten(choices)).to_numpy(zero_copy_only=False)
    right = _find_answers(choices, table["answer_index"])
    texts = ("question", "structured_cot", "simple_cot")
    return {
        "duration": _bin("duration", _drop_nulls(durations)),
        "answer": _bin("answer", lengths[right]),
        "other_choices": _bin("other_choices", lengths[~right]),
        **{name: _bin(name, _drop_nulls(pc.utf8_length(table[name]))) for name in texts},
    }


def _find_answers(choices: pa.ListArray, index: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Return a mask over all choices, one after another: true for answers."""
    import numpy as np
    import pyarrow.compute as pc

    counts = pc.list_value_length(choices).to_numpy(zero_copy_only=False)
    found = np.zeros(int(counts.sum()), dtype=bool)
    found[np.cumsum(counts) - counts + index.to_numpy()] = True
    return found


def _drop_nulls(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    values: np.ndarray[Any, Any] = column.drop_null().to_numpy()
    return values


def _bin(name: str, values: np.ndarray[Any, Any]) -> Histogram:
    import numpy as np

    if not len(values):
        return Histogram()
    whole = values.astype(np.int64)
    edges: Sequence[int] = EDGES[name]
    places = np.clip(np.searchsorted(edges, whole, side="right") - 1, 0, None)
    bins = tuple(np.bincount(places, minlength=len(edges)).tolist())
    return Histogram(len(whole), int(whole.sum()), int(whole.min()), int(whole.max()), bins)
