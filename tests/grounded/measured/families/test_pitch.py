"""Tests of ``grounded/measured/families/pitch.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import all_options, answers, draft, is_proved, make_row


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("rising 3.0", ("It rises a little", "It ends slightly higher")),
        ("rising 12.0", ("It rises a lot", "It ends far higher")),
        ("falling -3.0", ("It falls a little", "It ends slightly lower")),
        ("falling -9.0", ("It falls a lot", "It ends far lower")),
        ("steady 0.2", ("It stays at the same height", "It ends where it began")),
    ],
)
def test_contour(change: str, said: tuple[str, ...]) -> None:
    """How the pitch moves."""
    [one] = draft(make_row(pitch_change=change), "contour")
    assert one.answer in said
    assert is_proved(one)
    assert one.question_type == "sound"


@pytest.mark.parametrize(
    "row",
    [
        make_row(pitch_change="rising 1.0"),
        make_row(pitch_change="rising 6.0"),
        make_row(pitch_change="falling 3.0"),
        make_row(pitch_change="steady 0.8"),
        make_row(),
    ],
    ids=["small", "between", "disagree", "no standstill", "unknown"],
)
def test_no_contour(row: Row) -> None:
    """Nothing is asked of a small change, or of one between little and much."""
    assert answers(row, "contour") == []


def make_halves(first: float, second: float) -> Row:
    """A clip of one tone in the first half and one in the second."""
    low, high = sorted((first, second))
    return make_row(pitch_first_half=first, pitch_second_half=second, pitch_low=low, pitch_high=high)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [(200, 400, "The second half, by about 12 semitones"), (300, 225, "The first half, by about 5 semitones")],
)
def test_halves(first: float, second: float, said: str) -> None:
    """Which half is higher and by how much; sizes of options are clearly apart."""
    for seed in range(5):
        [one] = draft(make_halves(first, second), "halves", seed=seed)
        assert one.answer == said
        assert is_proved(one)
        assert len({option.split(",")[0] for option in all_options(one)}) == 2


def test_no_halves() -> None:
    """Halves that are nearly as high, of which one has no pitch, or that are melodies, are not compared."""
    assert answers(make_halves(200, 215), "halves") == []
    assert answers(make_row(pitch_first_half=200, pitch_low=200, pitch_high=400), "halves") == []
    assert answers(make_row(pitch_first_half=200, pitch_second_half=400, pitch_low=150, pitch_high=400), "halves") == []
