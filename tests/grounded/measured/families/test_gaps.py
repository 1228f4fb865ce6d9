"""Tests of ``grounded/measured/families/gaps.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import BELL, all_options, answers, draft, is_proved, make_row

PULSES = [(1.5, 2.0), (3.0, 3.5), (6.2, 7.0), (8.0, 8.5)]


def test_sounds_are_counted() -> None:
    """Separate sounds are counted where their number and their spans agree."""
    [one] = draft(make_row(sounds=PULSES, separate_sounds=4), "sounds")
    assert one.answer == "4"
    assert set(all_options(one)) == {"2", "3", "4", "5"}


@pytest.mark.parametrize(
    "row",
    [
        make_row(sounds=PULSES),
        make_row(sounds=PULSES, separate_sounds=5),
        make_row(sounds=PULSES[:1], separate_sounds=1),
        make_row((BELL, 1.5, 2.0), (BELL, 3.0, 3.5), sounds=PULSES, separate_sounds=4),
    ],
    ids=["unsure", "disagree", "one", "source says otherwise"],
)
def test_no_count(row: Row) -> None:
    """The number is not asked where it is not sure."""
    assert answers(row, "sounds") == []


def test_gap() -> None:
    """The longest silence between two sounds, not the one before the first or after the last."""
    [one] = draft(make_row(sounds=PULSES), "gap")
    assert one.answer.startswith("2.7")
    assert is_proved(one)


def test_no_gap() -> None:
    """Without a silence that one hears as a pause nothing is asked."""
    assert answers(make_row(sounds=[(1.0, 4.0), (4.3, 6.0)]), "gap") == []
    assert answers(make_row(sounds=[(5.0, 6.0)]), "gap") == []
    assert answers(make_row(), "gap") == []


def test_entry() -> None:
    """When the silence at the beginning ends."""
    [one] = draft(make_row(sounds=PULSES), "entry")
    assert one.answer.startswith("1.5")


def test_sounds_that_die_away() -> None:
    """Where it is not known when sounds end, they are counted, and nothing is said of the silence between them."""
    row = make_row(sounds=PULSES, separate_sounds=4)
    row["events"] = [event | {"offset": None} for event in row["events"] if event["label"] == "sound"]
    assert answers(row, "sounds") == ["4"]
    assert answers(row, "entry")
    assert answers(row, "gap") == []


@pytest.mark.parametrize(
    "row",
    [make_row(sounds=[(0.1, 4.0)]), make_row((BELL, 0.6, 2.0), sounds=PULSES), make_row()],
    ids=["at once", "source says otherwise", "unknown"],
)
def test_no_entry(row: Row) -> None:
    """Nothing is asked where the clip begins with a sound, or the source says that it does."""
    assert answers(row, "entry") == []
