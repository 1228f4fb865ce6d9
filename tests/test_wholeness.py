"""Tests of ``wholeness.py``: which blocks are whole."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.wholeness import find_broken

OPTIONS = ["a dog", "a cat", "a cow", "a pig"]


def make_block(name: str = "b", **changes: Any) -> list[Row]:
    """The four questions of a block; ``changes`` are those of the last one."""
    rows: list[Row] = [
        {"block": name, "clip_id": f"{name}:{n}", "question": "Which?", "choices": OPTIONS, "answer_index": n}
        for n in range(4)
    ]
    return [*rows[:3], rows[3] | changes]


def test_whole_block() -> None:
    """Four clips with one question, one list of options and four answers are whole; other rows do not count."""
    alone = make_block()[0] | {"block": None}
    assert find_broken([*make_block("a"), alone, *make_block("b")]) == {"a": "", "b": ""}
    assert find_broken([alone]) == {}


@pytest.mark.parametrize(
    "changes",
    [{"block": None}, {"clip_id": "b:0"}, {"question": "Who?"}, {"choices": OPTIONS[::-1]}, {"answer_index": 0},
     {"choices": OPTIONS[:3]}],
)  # fmt: skip
def test_broken_block(changes: dict[str, Any]) -> None:
    """A block that lost a row, or of which one differs, is broken."""
    assert find_broken(make_block(**changes))["b"]


def test_a_fifth_question_breaks_it() -> None:
    """More than four are no block."""
    [*rows] = make_block()
    assert find_broken([*rows, rows[0] | {"clip_id": "b:9"}])["b"]
