"""Tests of ``grounded/measured/families/pulse.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import answers, draft, is_proved, make_row


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("faster 1.2", "It gets a little faster"),
        ("faster 1.7", "It gets a lot faster"),
        ("slower 0.83", "It gets a little slower"),
        ("slower 0.6", "It gets a lot slower"),
        ("steady 1.01", "It keeps the same speed"),
    ],
)
def test_accelerate(change: str, said: str) -> None:
    """How the tempo changes."""
    [one] = draft(make_row(tempo_change=change), "accelerate")
    assert one.answer == said
    assert is_proved(one)


@pytest.mark.parametrize("change", ["faster 1.06", "faster 1.5", "slower 0.68", "steady 1.1", "slower 1.3"])
def test_no_accelerate(change: str) -> None:
    """Between little and none, little and much, or where value and text disagree nothing is asked."""
    assert answers(make_row(tempo_change=change), "accelerate") == []


def test_period() -> None:
    """After what time the clip repeats itself; no option is a multiple of that."""
    for seed in range(10):
        [one] = draft(make_row(repetition_period=0.84), "period", seed=seed)
        assert one.answer.startswith("0.84")
        wrong = [float(re.findall(r"[\d.]+", option)[0]) for option in one.draw_wrong()]
        assert not any(abs(other / 0.84 / ratio - 1) < 0.06 for other in wrong for ratio in (1 / 3, 1 / 2, 1, 2, 3))


@pytest.mark.parametrize("row", [make_row(repetition_period=0.2), make_row(repetition_period=8.0), make_row()])
def test_no_period(row: Row) -> None:
    """What repeats too quickly to time, or hardly repeats at all, is not asked about."""
    assert answers(row, "period") == []
