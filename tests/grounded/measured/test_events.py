"""Tests of ``grounded/measured/events.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.records import EVENT_OUTSIDE_CLIP
from tests.grounded.measured import BELL, DOG, FOREIGN, MAN, RAIN, all_options, answers, draft, is_proved, make_row

ORDERED = make_row((DOG, 3.37, 4.4), (BELL, 1.2, 2.9), (MAN, 6.3, 9.4), (RAIN, 11.6, 16.0))
ORDERS = {"order", "first", "last", "after", "before"}


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


def test_order() -> None:
    """Of sounds one after another it is known which is first, last and next, and the order of any three."""
    assert (answers(ORDERED, "first"), answers(ORDERED, "last")) == ([BELL], [RAIN])
    assert answers(ORDERED, "after") == [DOG, MAN, RAIN]
    assert answers(ORDERED, "before") == [BELL, DOG, MAN]
    for answer in answers(ORDERED, "order"):
        places = [answer.find(label) for label in (BELL, DOG, MAN, RAIN) if label in answer]
        assert len(places) == 3
        assert places == sorted(places)


def test_options_of_an_order() -> None:
    """The clip's own sounds are the wrong options, filled up with what it has not; a cue is none."""
    [one] = draft(ORDERED, "first")
    assert set(all_options(one)) == {BELL, DOG, MAN, RAIN}
    after, _ = draft(make_row((BELL, 1.2, 2.9), (DOG, 4.1, 5.0), (MAN, 6.2, 9.0)), "after")
    assert set(all_options(after)) == {DOG, MAN, *FOREIGN[:2]}
    assert len({frozenset(re.findall(r"\w+", option)) for option in all_options(draft(ORDERED, "order")[0])}) == 4


def test_several_in_a_row_are_one() -> None:
    """A sound that is heard twice without another between has one place."""
    row = make_row((BELL, 1.1, 2), (BELL, 2.5, 3), (DOG, 4.2, 5), (MAN, 6.2, 9.0))
    assert (answers(row, "first"), answers(row, "last")) == ([BELL], [MAN])


@pytest.mark.parametrize(
    "row",
    [
        make_row((BELL, 1.1, 4), (DOG, 3.2, 5)),
        make_row((BELL, 1.1, 2), (DOG, 3.2, 4), (BELL, 5.3, 6)),
        make_row((BELL, 1.1, 2)),
        make_row((BELL, 1.1, 2), (DOG, 1.2, 2)),
        make_row((BELL, 1.1, 2), (DOG, 3.2, 3.4)),
        make_row((BELL, 1.1, 2), (DOG, None, None)),
        make_row((BELL, 1.1, 2), (DOG, 3.1, 4), sounds=[(1.1, 2.0)]),
        make_row((BELL, 1.1, 2), ("a bell ringing twice", 3.1, 4)),
    ],
    ids=["overlap", "comes back", "alone", "tie", "short", "no time", "not heard", "alike"],
)
def test_no_order(row: Row) -> None:
    """Sounds that overlap, come back, tie or are not heard have no order."""
    assert not forms(row) & ORDERS


def test_two_at_a_time() -> None:
    """When two sounds overlap is known from their ends; so is which of them begins."""
    row = make_row((RAIN, 2.1, 9.0), (DOG, 6.3, 12.2))
    [together] = draft(row, "together")
    assert seconds(together.answer) == [6.3, 9.0]
    assert all(second - first == pytest.approx(2.7) for first, second in map(seconds, all_options(together)))
    assert answers(row, "relation") == ["Rain falling starts first, and a dog barking joins in while that lasts"]
    [after] = answers(make_row((DOG, 6.3, 12.2), (BELL, 1.2, 3.0)), "relation")
    assert after == "A bell ringing is over before a dog barking begins"


@pytest.mark.parametrize(
    "row",
    [make_row((RAIN, 2.1, 6.0), (DOG, 5.9, 12.2)), make_row((RAIN, 2.1, 6.0), (DOG, 2.2, 12.2))],
    ids=["ends as it begins", "together"],
)
def test_no_relation(row: Row) -> None:
    """Where the ends of two sounds are close nothing is asked about how they lie."""
    assert answers(row, "relation") == []
