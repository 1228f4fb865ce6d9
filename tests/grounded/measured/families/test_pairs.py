"""Tests of ``grounded/measured/families/pairs.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import BELL, DOG, RAIN, all_options, answers, draft, make_row


def seconds(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def test_two_at_a_time() -> None:
    """When two sounds overlap is known from their ends; so is which of them begins."""
    row = make_row((RAIN, 2.1, 9.0), (DOG, 6.3, 12.2))
    [together] = draft(row, "together")
    assert seconds(together.answer) == [6.3, 9.0]
    assert all(second - first == pytest.approx(2.7) for first, second in map(seconds, all_options(together)))
    assert answers(row, "relation") == ["Rain falling starts first, and a dog barking joins in while that lasts"]
    [after] = answers(make_row((DOG, 6.3, 12.2), (BELL, 1.2, 3.0)), "relation")
    assert after == "A bell ringing is over before a dog barking begins"


@pytest.mark.parametrize(
    "row",
    [make_row((RAIN, 2.1, 6.0), (DOG, 5.9, 12.2)), make_row((RAIN, 2.1, 6.0), (DOG, 2.2, 12.2))],
    ids=["ends as it begins", "together"],
)
def test_no_relation(row: Row) -> None:
    """Where the ends of two sounds are close nothing is asked about how they lie."""
    assert answers(row, "relation") == []
