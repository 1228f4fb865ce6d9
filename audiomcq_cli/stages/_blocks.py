"""What stages do with questions of balanced blocks that have lost one of their four."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audiomcq_cli.contracts import Context, Reject, Row
from audiomcq_cli.wholeness import find_broken

BROKEN = "block_broken"
"""Reason code of a question whose block is not whole."""


def plan_blocks(rows: Iterable[Row], ctx: Context[Any]) -> Mapping[str, str]:
    """By block of a shard, what is wrong with it: counted from the rows that are there, before the first is asked."""
    return find_broken(rows)


def hold(row: Row, ctx: Context[Any]) -> Row | Reject:
    """A row as it is worked on: a question of a broken block is rejected, or with ``keep_broken`` one of its own."""
    fault = ctx.plan[row["block"]] if row["block"] is not None else ""
    if not fault:
        return row
    return row | {"block": None} if ctx.keep_broken else Reject(BROKEN, fault)
