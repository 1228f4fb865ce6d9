"""Counts the labels of the questions in a stage folder, by type."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiomcq_cli import parquet
from audiomcq_cli.records import LABELS

_COLUMNS = ("question_type", "audio_contribution")


def count_labels(paths: Sequence[Path]) -> dict[str, dict[str, int]]:
    """Questions by type and label over some shards; empty where they have no labels, or one cannot be read."""
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
