"""Finds balanced blocks that lost rows: a whole one has four clips with one question and one list of options.

A block that lost a row no longer balances its options: one of them is never right in the rest, and a guesser can learn
that. So every stage counts wholeness afresh, from the rows of its input.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

SIZE = 4
"""Number of questions of a block."""

COLUMNS = ("block", "clip_id", "question", "choices", "answer_index")
"""Columns that decide whether a block is whole."""


def find_broken(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the fault of each block in some rows; an empty string for a whole block."""
    blocks: defaultdict[str, list[tuple[str, str, tuple[str, ...], int]]] = defaultdict(list)
    for row in rows:
        if row["block"] is not None:
            blocks[row["block"]].append((row["clip_id"], row["question"], tuple(row["choices"]), row["answer_index"]))
    return {block: _find_fault(asked) for block, asked in blocks.items()}


def _find_fault(asked: list[tuple[str, str, tuple[str, ...], int]]) -> str:
    clips, questions, choices, keys = map(set, zip(*asked, strict=True))
    if len(asked) != SIZE:
        return f"{len(asked)} of the {SIZE} questions of its block are left"
    if len(clips) != SIZE:
        return "its block asks a clip twice"
    if len(questions) > 1 or len(choices) > 1:
        return "the questions of its block are not the same, or their options are not"
    if len(keys) != SIZE or len(next(iter(choices))) != SIZE:
        return "not every option of its block is the answer once"
    return ""
