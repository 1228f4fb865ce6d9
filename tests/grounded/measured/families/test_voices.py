"""Tests of ``grounded/measured/families/voices.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import BELL, MAN, answers, draft, is_proved, make_row

LEVELS = [-70.0] * 3 + [-20.0] * 5 + [-70.0] * 12
SAID = "the quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize(
    ("voices", "said"),
    [
        ([("speech", 1, 4)], "Somebody speaks, without any music"),
        ([("music", 1, 4)], "Music plays, and nobody speaks or sings"),
        ([("music", 0, 9), ("speech", 3, 6)], "There is talking as well as music"),
        ([("singing", 1, 4), ("music", 0, 9)], "Somebody sings"),
    ],
)
def test_kinds(voices: list[tuple[str, float, float]], said: str) -> None:
    """What there is of speech, singing and music."""
    words = SAID if {"speech", "singing"} & {label for label, *_ in voices} else ()
    [one] = draft(make_row(voices=voices, words=words), "voices")
    assert one.answer == said
    assert is_proved(one)
    assert one.question_type == "speech"


@pytest.mark.parametrize(
    "row",
    [
        make_row(),
        make_row(voices=[("speech", 1, 1.4)], words=SAID),
        make_row(voices=[("speech", 1, 9), ("music", 3, 3.4)], words=SAID),
        make_row(voices=[("singing", 1, 4), ("speech", 5, 9)], words=SAID),
        make_row(voices=[("music", 1, 5)], captions=["A man speaks"]),
        make_row((MAN, 2.0, 5.0), voices=[("music", 1, 5)]),
        make_row((BELL, 2.0, 5.0), voices=[("music", 1, 5)]),
        make_row(voices=[("music", 1, 5)], words=SAID),
        make_row(voices=[("speech", 1, 5)]),
        make_row(voices=[("speech", 1, 5)], words="yay yay yay yay"),
        make_row(voices=[("music", 1, 3)]),
        make_row(voices=[("music", 1, 9)], pitch_change="steady 0"),
        make_row(voices=[("music", 1, 9)], sounds=[(1, 2), (3, 5), (6, 9)]),
    ],
    ids=["unknown", "a moment", "a moment of music", "both voices", "caption", "event", "no music", "words", "no words",
         "one word", "short", "one tone", "single sounds"],
)  # fmt: skip
def test_no_kinds(row: Row) -> None:
    """Nothing is asked where little was found, or something else says that there is more."""
    assert answers(row, "voices") == []


def test_range_and_entrance() -> None:
    """From when to when somebody speaks, where that is one stretch; when it begins, where there are several."""
    one = make_row(voices=[("speech", 3.25, 7.51)], words=SAID, second_loudness=LEVELS)
    assert [re.findall(r"[\d.]+", answer) for answer in answers(one, "range")] == [["3.2", "7.5"]]
    several = make_row(voices=[("speech", 3.25, 7.51), ("speech", 9, 12)], words=SAID, second_loudness=LEVELS)
    assert answers(several, "range") == []
    assert [answer[:3] for answer in answers(several, "entrance")] == ["3.2"]


def test_no_range_where_something_follows() -> None:
    """When it ends is not asked where other sound goes on."""
    row = make_row(voices=[("speech", 3.25, 7.51)], words=SAID, second_loudness=[-70.0] * 3 + [-20.0] * 17)
    assert answers(row, "range") == []
    assert answers(row, "entrance")


def test_range_that_the_source_confirms() -> None:
    """Where the source has it there as well, silence is not needed."""
    assert answers(make_row((MAN, 3.2, 7.5), voices=[("speech", 3.25, 7.51)], words=SAID), "range")


def test_no_range_that_the_source_ends_elsewhere() -> None:
    """When it begins may still be asked."""
    row = make_row((MAN, 3.2, 5.0), (MAN, 6.0, 9.5), voices=[("speech", 3.25, 7.51)], words=SAID)
    assert answers(row, "range") == []
    assert answers(row, "entrance")


@pytest.mark.parametrize(
    "row",
    [
        make_row(voices=[("speech", 0.2, 7.5)], words=SAID, second_loudness=LEVELS),
        make_row((MAN, 8.1, 12.0), voices=[("speech", 3.2, 7.5)], words=SAID, second_loudness=LEVELS),
        make_row(voices=[("music", 3.2, 7.5)], captions=["A woman sings"], second_loudness=LEVELS),
        make_row(voices=[("speech", 3.2, 3.9)], words=SAID, second_loudness=LEVELS),
        make_row(voices=[("speech", 3.2, 7.5)], second_loudness=LEVELS),
        make_row(voices=[("speech", 3.2, 7.5)], words=SAID, second_loudness=[-20.0] * 20),
        make_row(voices=[("speech", 3.2, 7.5)], words=SAID),
        make_row(voices=[("speech", 0.9, 7.5)], words=SAID, second_loudness=LEVELS),
    ],
    ids=["edge", "elsewhere", "doubted", "a moment", "no words", "other sound", "unknown", "early"],
)
def test_no_range(row: Row) -> None:
    """No time is asked at the clip's edge, or where the source has it elsewhere."""
    assert answers(row, "range") == answers(row, "entrance") == []
