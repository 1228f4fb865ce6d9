"""Rejects or releases the questions of balanced blocks that lost one of their four."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audiomcq_cli.contracts import Context, Reject, Row
from audiomcq_cli.wholeness import find_broken

BROKEN = "block_broken"
"""Reason code of a question whose block is not whole."""


def plan_blocks(rows: Iterable[Row], ctx: Context[Any]) -> Mapping[str, str]:
    """Return the fault of each block of a shard, counted from all rows of the input before the first request."""
    return find_broken(rows)


def hold(row: Row, ctx: Context[Any]) -> Row | Reject:
    """Return the row; of a broken block a reject, or with ``keep_broken`` the row as a single question."""
    fault = ctx.plan[row["block"]] if row["block"] is not None else ""
    if not fault:
        return row
    return row | {"block": None} if ctx.keep_broken else Reject(BROKEN, fault)
