"""Tests of ``grounded/measured/families/pulse.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import all_options, answers, draft, is_proved, make_row


@pytest.mark.parametrize("tempo", [52.3, 76.0, 97.2, 120.4, 168.0, 201.0])
def test_bpm(tempo: float) -> None:
    """The tempo in beats a minute; no option is half or twice as fast, nor nearly the same."""
    for seed in range(10):
        [one] = draft(make_row(tempo=tempo), "bpm", seed=seed)
        assert one.question_type == "music"
        assert is_proved(one)
        key, *wrong = (int(re.findall(r"\d+", option)[0]) for option in all_options(one))
        assert key == round(tempo)
        assert not any(abs(other / tempo / ratio - 1) < 0.06 for other in wrong for ratio in (1 / 2, 1, 2))


@pytest.mark.parametrize(("tempo", "said"), [(60, "Slow"), (95, "Moderate"), (126, "Fast"), (170, "Very fast")])
def test_pace(tempo: float, said: str) -> None:
    """The class of a tempo, with its bounds in the options."""
    [answer] = answers(make_row(tempo=tempo), "pace")
    assert answer.startswith(said)


@pytest.mark.parametrize(
    "row",
    [
        make_row(tempo=83),
        make_row(tempo=108),
        make_row(tempo=95, tempo_change="faster 1.3"),
        make_row(tempo=95, repetition_period=0.83),
        make_row(),
    ],
    ids=["near", "near above", "changes", "another period", "unknown"],
)
def test_no_pace(row: Row) -> None:
    """Near the bound of a class, with a tempo that changes, or against the period nothing is asked."""
    assert answers(row, "pace") == []


def test_a_period_of_whole_beats_agrees() -> None:
    """A pattern of four beats is no contradiction."""
    assert answers(make_row(tempo=120, repetition_period=2.0), "bpm")
    assert not answers(make_row(tempo=120, tempo_change="faster 1.3"), "bpm")


def test_a_pattern_is_no_beat() -> None:
    """Where all repeats with each beat it is one only if nothing else sets in between."""
    assert not answers(make_row(tempo=55, repetition_period=1.09), "bpm")
    assert answers(make_row(tempo=55, repetition_period=1.09, onset=[0.4, 1.49, 2.58, 3.67]), "bpm")


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
