"""What a release counts: questions, clips, licences and the judges' answers, shard by shard."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of rows: of some whole clips, of a shard, of a release.

    Attributes:
        questions: By subset, label and question type.
        clips: Distinct clips by source. Each is counted whole in one place, so counts add up.
        licenses: Questions by source and licence of their audio (empty where it is not known).
        votes: Judges' answers by judge, model, revision, condition and status.
        embedded: Clips whose audio is in the rows, by source and licence.
        withheld: Clips whose audio was to be embedded and is not, by source, licence and reason (``embed.WITHHELD``).
    """

    questions: Counter[tuple[str, ...]] = field(default_factory=Counter)
    clips: Counter[tuple[str, ...]] = field(default_factory=Counter)
    licenses: Counter[tuple[str, ...]] = field(default_factory=Counter)
    votes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    embedded: Counter[tuple[str, ...]] = field(default_factory=Counter)
    withheld: Counter[tuple[str, ...]] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """How many questions there are."""
        return self.questions.total()

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.questions + other.questions,
            self.clips + other.clips,
            self.licenses + other.licenses,
            self.votes + other.votes,
            self.embedded + other.embedded,
            self.withheld + other.withheld,
        )


def count_rows(table: pa.Table) -> Statistics:
    """Count the rows of a table with the columns of ``records.RELEASED``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    votes = pc.list_flatten(table["votes"].combine_chunks())
    return Statistics(
        questions=_count(table, "subset", "audio_contribution", "question_type"),
        clips=_count(table.group_by(["source_dataset", "clip_id"]).aggregate([]), "source_dataset"),
        licenses=_count(table, "source_dataset", "license"),
        votes=_count(
            pa.Table.from_batches([pa.RecordBatch.from_struct_array(votes)]),
            "judge", "model", "revision", "condition", "status",
        ),
    )  # fmt: skip


def _count(table: pa.Table, *keys: str) -> Counter[tuple[str, ...]]:
    """Rows by the values of some text columns; null counts as an empty text."""
    groups = table.group_by(list(keys)).aggregate([([], "count_all")])
    counts: Counter[tuple[str, ...]] = Counter()
    for row in groups.to_pylist():
        counts[tuple(row[key] or "" for key in keys)] += row["count_all"]
    return counts
