"""Tests of ``grounded/measured/families/loudness.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.grounded.measured import answers, draft, is_proved, make_row


def test_loudest() -> None:
    """Every second that is heard to be louder than three others; options are those three or more, and no others."""
    levels = [-40.0, -30, -21.5, -20, -35, -22.5, -40, -40]
    for seed in range(20):
        drafts = {one.answer: one for one in draft(make_row(second_loudness=levels), "loudest", seed=seed)}
        assert set(drafts) == {"1s to 2s", "2s to 3s", "3s to 4s", "4s to 5s", "5s to 6s"}
        assert set(drafts["4s to 5s"].draw_wrong()) == {"0s to 1s", "6s to 7s", "7s to 8s"}
        assert all(is_proved(one) for one in drafts.values())
        assert {one.question_type for one in drafts.values()} == {"temporal"}


@pytest.mark.parametrize(
    "levels", [[-20.0, -30, -30], [-20.0, -20.5, -30, -30], [-20.0] * 8, [-20.0, -22, -22.5, -22, -22.8, -30]]
)
def test_no_loudest(levels: Sequence[float]) -> None:
    """Where too few seconds are heard to be softer nothing is asked."""
    assert answers(make_row(second_loudness=levels), "loudest") == []


def test_softest() -> None:
    """The same for soft seconds, without the first and the last, and without those that are too soft to be heard."""
    levels = [-70.0, -30, -67, -45, -20, -35, -68, -25, -70]
    for seed in range(20):
        drafts = {one.answer: one for one in draft(make_row(second_loudness=levels), "softest", seed=seed)}
        assert set(drafts) == {"3s to 4s", "5s to 6s"}
        assert set(drafts["5s to 6s"].draw_wrong()) == {"1s to 2s", "4s to 5s", "7s to 8s"}
        assert all(is_proved(one) for one in drafts.values())


@pytest.mark.parametrize(
    "levels",
    [[-40.0, -30, -20, -20, -20], [-20.0, -30.0, -28, -27.5, -10, -10, -10], [-20, -66.0, -66, -20, -69, -20, -20]],
)
def test_no_softest(levels: Sequence[float]) -> None:
    """Where too few seconds are heard to be louder nothing is asked."""
    assert answers(make_row(second_loudness=levels), "softest") == []


def test_what_is_not_sure_is_not_used() -> None:
    """A measurement of low confidence is as good as none."""
    row = make_row(second_loudness=[-40.0, -30, -21.5, -20, -35, -40])
    for entry in row["measurements"]:
        entry["confidence"] = 0.3
    assert draft(row) == []
