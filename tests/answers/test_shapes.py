"""Shapes in which models answer, refuse, think, deny and break off; the options are those of ``CHOICES``.

Each group is read as a whole: what has an answer is read as that answer, and what has none is never a vote.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiomcq_cli.answers import parse_answer

CHOICES = ["a dog barking", "a cat meowing", "a horse neighing", "a cow mooing"]

THOUGHTS = "A dog barking is usual. <answer>a dog barking</answer> No, wait. The answer is A."

SHAPES = json.loads((Path(__file__).parent / "shapes.json").read_text(encoding="utf-8"))
MARKS: dict[str, list[str]] = SHAPES["marks"]
"""Marks before and after thinking, by model family."""

ANSWERED: dict[str, list[str]] = SHAPES["answered"]
"""Replies that answer the second option."""

NOTHING: dict[str, list[str]] = SHAPES["nothing"]
"""Replies that answer nothing, or two things."""


@pytest.mark.parametrize("family", MARKS)
def test_thinking_is_no_answer(family: str) -> None:
    """Whatever is thought before the last closing mark counts for nothing; what follows it is the answer."""
    begin, end = MARKS[family]
    for answer in ("B", "\n\nB", "The answer is B.", "<answer>B</answer>", "a cat meowing", '{"answer": "B"}'):
        assert parse_answer(begin + THOUGHTS + end + answer, CHOICES) == 1, answer


@pytest.mark.parametrize("family", sorted(set(MARKS) - {"opening mark in the template", "twice"}))
def test_unfinished_thinking_is_no_answer(family: str) -> None:
    """Thinking that was opened and not closed has said nothing."""
    assert parse_answer(MARKS[family][0] + THOUGHTS, CHOICES) is None


@pytest.mark.parametrize("group", ANSWERED)
def test_answers_are_read(group: str) -> None:
    """Every common form of an answer is read as the second option."""
    assert {text: parse_answer(text, CHOICES) for text in ANSWERED[group]} == dict.fromkeys(ANSWERED[group], 1)


@pytest.mark.parametrize("group", NOTHING)
def test_no_vote_that_nobody_gave(group: str) -> None:
    """A reply without an answer, or with two, is never read as one."""
    assert {text: parse_answer(text, CHOICES) for text in NOTHING[group]} == dict.fromkeys(NOTHING[group])


def test_there_are_many_shapes() -> None:
    """The groups above hold at least 200 different replies."""
    shapes = {text for groups in (ANSWERED, NOTHING) for texts in groups.values() for text in texts}
    assert len(shapes) + len(MARKS) * 6 >= 200
