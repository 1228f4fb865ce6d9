"""Tests of ``grounded/measured/families/moments.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.records import EVENT_OUTSIDE_CLIP
from tests.grounded.measured import BELL, DOG, MAN, RAIN, all_options, answers, draft, is_proved, make_row

ORDERED = make_row((DOG, 3.37, 4.4), (BELL, 1.2, 2.9), (MAN, 6.3, 9.4), (RAIN, 11.6, 16.0))


def seconds(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def forms(row: Row) -> set[str]:
    return {one.form for one in draft(row)}


@pytest.mark.parametrize(
    ("family", "label", "time"),
    [("begin", DOG, 3.4), ("end", DOG, 4.4), ("length", RAIN, 4.4), ("begin", RAIN, 11.6), ("end", MAN, 9.4)],
)
def test_times(family: str, label: str, time: float) -> None:
    """When a sound begins and ends and how long it lasts is asked to a tenth of a second."""
    [one] = [one for one in draft(ORDERED, family) if label in one.question]
    assert seconds(one.answer) == [time]
    assert is_proved(one)
    assert {len(seconds(option)) for option in all_options(one)} == {1}
    assert one.question_type == "temporal"


@pytest.mark.parametrize("seed", range(20))
def test_wrong_times_are_clearly_others(seed: int) -> None:
    """Options of a time lie in the clip, 0.6 s apart at least."""
    for one in draft(ORDERED, "begin", seed=seed):
        times = sorted(second for option in all_options(one) for second in seconds(option))
        assert times[0] >= 0.5
        assert times[-1] <= 19.5
        assert all(second - first >= 0.6 for first, second in pairwise(times))


def test_the_key_has_no_place() -> None:
    """Whether the earliest, the latest or another option is right does not follow from the options."""
    places: Counter[int] = Counter()
    for seed in range(300):
        [one] = draft(make_row((BELL, 9.7, 11.2)), "begin", seed=seed)
        places[sorted(all_options(one), key=lambda option: seconds(option)[0]).index(one.answer)] += 1
    assert min(places.values()) > 50


def test_rounded_times() -> None:
    """Times that a source rounds to whole seconds are asked about in whole seconds, further apart."""
    [one, _] = draft(make_row((BELL, 4, 6), (DOG, 9, 12), duration=30), "begin")
    assert all("." not in option for option in all_options(one))
    times = sorted(second for option in all_options(one) for second in seconds(option))
    assert all(second - first >= 1.5 for first, second in pairwise(times))


@pytest.mark.parametrize(
    "row",
    [
        make_row((BELL, 0.3, 2.0)),
        make_row((BELL, 3.1, 3.5)),
        make_row((BELL, 3.1, 5.0), duration=None),
        make_row((BELL, 3.1, 5.0), (BELL, 7.3, 9.0)),
        make_row((BELL, 3.1, 5.0), ("a bell ringing loudly", 7.3, 9.0)),
        make_row((BELL, None, None)),
        make_row(("Bell", 3.1, 5.0)),
        make_row((BELL, 3.1, 5.0), sounds=[(4.2, 5.1)]),
        make_row((BELL, 3.1, 5.0), sounds=[(9.0, 11.0)]),
        make_row((BELL, 3.1, 5.0), flags=[EVENT_OUTSIDE_CLIP]),
    ],
    ids=["edge", "short", "no duration", "again", "alike", "no time", "class", "later", "silence", "left out"],
)
def test_no_begin(row: Row) -> None:
    """No time is asked of what opens the clip, is short, comes back, has no time, or is silent at that time."""
    assert answers(row, "begin") == []


def test_energy_that_agrees() -> None:
    """Where energy was measured and agrees, a time is asked."""
    assert answers(make_row((BELL, 3.1, 5.0), sounds=[(3.12, 4.9)]), "begin")


def test_what_is_cut_has_no_length() -> None:
    """What goes on to the end of the clip has no length and no end that anybody heard."""
    assert not {"length", "end"} & forms(make_row((BELL, 3.1, 19.9)))


@pytest.mark.parametrize("count", range(2, 10))
def test_times_are_counted(count: int) -> None:
    """What is heard several times is counted; options are four numbers in a row."""
    [one] = draft(make_row(*((BELL, 1.2 + 2 * n, 1.9 + 2 * n) for n in range(count))), "times")
    words = ("once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times")
    assert one.answer == (*words, "nine times")[count - 1]
    block = range(2, 6) if count < 6 else range(6, 10)
    assert set(all_options(one)) == {(*words, "nine times")[number - 1] for number in block}


@pytest.mark.parametrize(
    "row",
    [
        make_row((BELL, 1.2, 2)),
        make_row((BELL, 1.2, 3.5), (BELL, 3.4, 5.1)),
        make_row((BELL, 1.2, 5.2), (BELL, 7.1, 11.0)),
        make_row((BELL, 1.2, 2), (BELL, 4.1, 5), ("a bell ringing twice", 7, 9)),
        make_row((BELL, 1.2, 2), (BELL, 4.1, 5), sounds=[(1.2, 1.5), (1.7, 2.0), (4.1, 5.0)]),
        make_row((BELL, 1.2, 2), (BELL, 4.1, 5), sounds=[(1.2, 5.0)]),
        make_row(*((BELL, 1.2 * n, 1.2 * n + 0.6) for n in range(1, 11))),
    ],
    ids=["once", "overlap", "long", "alike", "two in one", "one in all", "too many"],
)
def test_no_count(row: Row) -> None:
    """Nothing is counted that may be heard as another number."""
    assert answers(row, "times") == []
