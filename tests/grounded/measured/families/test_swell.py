"""Tests of ``grounded/measured/families/swell.py``: the course where it is clear, nothing where it is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import answers, draft, is_proved, make_row

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
