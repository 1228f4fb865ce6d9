"""Which balanced blocks are whole: four questions about four clips that are one question with one list of options.

Whoever loses a row of a block loses what the block was made for: in what is left, one option is never right, and those
who know that guess better. So wholeness is counted afresh wherever it matters, from the rows that are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

SIZE = 4
"""Questions of a block."""

COLUMNS = ("block", "clip_id", "question", "choices", "answer_index")
"""Columns that wholeness is seen from."""


def find_broken(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By block of some rows, what is wrong with it; empty for one that is whole."""
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
