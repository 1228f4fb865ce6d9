"""Counts the questions in a stage folder: their labels by type, the votes by judge, and their blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli import parquet
from audiomcq_cli.records import LABELS, UNDECIDED
from audiomcq_cli.wholeness import COLUMNS, find_broken

_COLUMNS = ("question_type", "audio_contribution")


def count_labels(paths: Sequence[Path]) -> dict[str, dict[str, int]]:
    """Count questions by type and label over some shards; empty if they have no labels, or one cannot be read."""
    import polars as pl
    import pyarrow as pa

    try:
        if not paths or not set(_COLUMNS) <= set(parquet.read_schema(paths[0]).names):
            return {}
        rows = parquet.scan_frames(list(paths)).group_by(_COLUMNS).len().collect()
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError):
        return {}
    counts: dict[str, dict[str, int]] = {}
    for kind, label, count in sorted(rows.rows(), key=str):
        if label in LABELS:
            counts.setdefault(str(kind), dict.fromkeys(LABELS, 0))[label] = count
    return counts


def count_blocks(paths: Sequence[Path]) -> dict[str, int]:
    """Return the numbers of questions in whole balanced blocks, in broken ones and in none; empty without blocks."""
    import polars as pl
    import pyarrow as pa

    counts = dict.fromkeys(("whole", "broken", "alone"), 0)
    try:
        for path in paths:
            if not set(COLUMNS) <= set(parquet.read_schema(path).names):
                return {}
            rows = parquet.read_frame(path, COLUMNS)
            broken = find_broken(rows.iter_rows(named=True))
            for block in rows["block"]:
                counts["alone" if block is None else "broken" if broken[block] else "whole"] += 1
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError):
        return {}
    return counts if counts["whole"] + counts["broken"] else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A judge with unreadable answers.

    Attributes:
        judge: Name of the judge.
        asked: Number of questions that it was asked.
        unread: Number of its answers that could not be read.
        undecided: Number of those questions whose label the unread votes could change.
        example: Id of one of those questions.
    """

    judge: str
    asked: int
    unread: int
    undecided: int
    example: str


def count_unread(paths: Sequence[Path]) -> tuple[Unread, ...]:
    """Count the unreadable answers of each judge in some shards; judges without any are left out.

    Empty if the shards have no votes, or one of them is damaged.
    """
    import polars as pl
    import pyarrow as pa

    try:
        if not paths or not {"id", "votes", "flags"} <= set(parquet.read_schema(paths[0]).names):
            return ()
        vote, lost = pl.col("votes").struct, pl.col("status") == "unparsable"
        found = (
            parquet.scan_frames(list(paths))
            .select("id", "votes", undecided=pl.col("flags").list.contains(UNDECIDED))
            .explode("votes")
            .select("id", "undecided", judge=vote.field("judge"), status=vote.field("status"))
            .group_by("judge")
            .agg(
                asked=pl.len(),
                unread=lost.sum(),
                undecided=(lost & pl.col("undecided")).sum(),
                example=pl.col("id").filter(lost).min(),
            )
            .filter(pl.col("unread") > 0)
            .sort("judge")
            .collect()
        )
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError):
        return ()
    return tuple(Unread(**row) for row in found.to_dicts())
