"""Tests of ``grounded/measured/families/tempo.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.measured.family import read_facts
from audiomcq_cli.grounded.measured.proof import FAMILIES, list_rivals, solve
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


@pytest.mark.parametrize(
    ("tempo", "said"),
    [
        (55, "Very slow"),
        (69, "Slow"),
        (86, "Rather slow"),
        (106, "Moderate"),
        (130, "Rather fast"),
        (163, "Fast"),
    ],
)
def test_pace(tempo: float, said: str) -> None:
    """The class of a tempo, with its bounds in the options, none of which holds half, double or three times of it."""
    for seed in range(5):
        [one] = draft(make_row(tempo=tempo), "pace", seed=seed)
        answer, *wrong = all_options(one)
        assert answer.startswith(said)
        for option in wrong:
            low, high = map(float, re.findall(r"\d+", option))
            assert not any(low <= tempo * ratio <= high for ratio in (1, 1 / 2, 1 / 3, 2, 3))


def test_tempo_is_asked_once() -> None:
    """The number of beats a minute and their class are one subject."""
    subjects = {one.subject for family in ("bpm", "pace") for one in draft(make_row(tempo=86), family)}
    assert len(subjects) == 1
    assert list_rivals("pace") == {"bpm", "pace"}


@pytest.mark.parametrize(("option", "fault"), [("126", True), ("31", True), ("21", True), ("190", True), ("82", False)])
def test_octave_is_no_option(option: str, fault: bool) -> None:
    """A tempo that is twice or three times the true one or the inverse, nearly, is not offered, in a block either."""
    family = FAMILIES["bpm"]
    [one] = draft(make_row(tempo=63), "bpm")
    key = solve(family, read_facts(one.proof))
    assert key
    key = replace(key, low=10.0)
    assert bool(family.options.find_fault(key, ["63 BPM", f"{option} BPM"], "63 BPM")) == fault


@pytest.mark.parametrize(
    "row",
    [
        make_row(tempo=79),
        make_row(tempo=93),
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
