"""Tests of ``grounded/measured/families/loudness.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from audiomcq_cli.contracts import Row
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


SWELLS: dict[str, tuple[Sequence[float], str, tuple[str, ...]]] = {
    "louder": (range(-40, -20, 2), "louder 18", ("It gets louder and louder", "It rises steadily")),
    "softer": (range(-20, -40, -2), "softer -18", ("It gets softer and softer", "It fades steadily")),
    "steady": ([-30, -30.2, -29.8, -30, -30.4, -30], "steady 0.1", ("It stays about the same", "It hardly changes")),
    "swell": ([-40, -36, -30, -26, -26, -30, -36, -40], "",
              ("It grows towards the middle and fades again", "It swells up, then dies down")),
    "dip": ([-25, -28, -34, -39, -39, -34, -28, -25], "",
            ("It drops towards the middle and comes back", "It sinks, then returns")),
}  # fmt: skip


@pytest.mark.parametrize(("levels", "change", "said"), SWELLS.values(), ids=SWELLS)
def test_swell(levels: Sequence[float], change: str, said: tuple[str, ...]) -> None:
    """How the level moves in the whole."""
    [one] = draft(make_row(second_loudness=list(levels), loudness_change=change or ()), "swell")
    assert one.answer in said
    assert is_proved(one)
    assert one.question_type == "sound"


@pytest.mark.parametrize(("levels", "change"), [(one[0], one[1]) for one in SWELLS.values()], ids=SWELLS)
def test_no_swell_against_what_was_measured(levels: Sequence[float], change: str) -> None:
    """Where the measured change of loudness is missing or another one, nothing is asked."""
    row = make_row(second_loudness=list(levels), loudness_change=() if change else "louder 7")
    assert answers(row, "swell") == []


@pytest.mark.parametrize(
    "row",
    [
        make_row(second_loudness=[-40.0, -20, -40, -20, -38, -20, -30, -15, -20]),
        make_row(second_loudness=[-30.0, -29, -29, -28, -28, -27, -27]),
        make_row(second_loudness=[-40.0, -30, -20]),
        make_row(second_loudness=SWELLS["dip"][0], onset=[1.0, 2.5, 4.0]),
        make_row(second_loudness=[-90.0, -80, -60, -50, -40, -30, -20]),
        make_row(),
    ],
    ids=["jumps", "little", "short", "beats", "silence", "unknown"],
)
def test_no_swell(row: Row) -> None:
    """Nothing is asked where the level jumps, moves little, or was measured otherwise."""
    assert answers(row, "swell") == []


def test_what_is_not_sure_is_not_used() -> None:
    """A measurement of low confidence is as good as none."""
    row = make_row(second_loudness=[-40.0, -30, -21.5, -20, -35, -40])
    for entry in row["measurements"]:
        entry["confidence"] = 0.3
    assert draft(row) == []
