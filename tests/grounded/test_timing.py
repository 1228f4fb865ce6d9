"""Tests of ``grounded/timing.py``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest

from audiomcq_cli.grounded.drafts import Draft
from audiomcq_cli.grounded.timing import COUNTS, draft_timed, list_counts

Times = Sequence[tuple[str, float | None, float | None]]
ORDER = {"first", "last", "after", "before"}
BELL, DOG, MAN = "a bell ringing", "a dog barking", "a man speaking"


def draft(*events: tuple[str, float | None, float | None], duration: float | None = 10.0, seed: int = 0) -> list[Draft]:
    """All drafts about some events (label, onset, offset)."""
    rows = [{"label": label, "onset": onset, "offset": offset} for label, onset, offset in events]

    def stem(form: str, about: str) -> str:
        return f"{form} of {{sound}}?"

    def pick(label: str, count: int, form: str) -> list[str]:
        return ["water dripping", "a cow mooing", "a train moving"][:count]

    return list(draft_timed("Small:1", rows, duration, stem, pick, seed))


def answers(drafts: Sequence[Draft], form: str) -> list[str]:
    return [draft.answer for draft in drafts if draft.form == form]


def test_order() -> None:
    """Of sounds one after another it is known which comes first, last, and next to each."""
    drafts = draft((DOG, 3, 4), (BELL, 1, 2), (MAN, 5, 6))
    assert (answers(drafts, "first"), answers(drafts, "last")) == ([BELL], [MAN])
    assert answers(drafts, "after") == [DOG, MAN]
    assert answers(drafts, "before") == [BELL, DOG]
    [after, _] = [draft for draft in drafts if draft.form == "after"]
    assert after.question == f"after of {BELL}?"
    assert {draft.question_type for draft in drafts} == {"temporal"}


def test_options_of_the_first_are_what_else_is_heard() -> None:
    """What else the clip has are wrong options of what comes first, filled up with what it has not."""
    [first] = [one for one in draft((BELL, 1, 2), (DOG, 3, 4), (MAN, 5, 6)) if one.form == "first"]
    assert list(first.draw_wrong()) == [DOG, MAN, "water dripping"]


def test_several_in_a_row_are_one() -> None:
    """A sound that is heard twice without another between has one place."""
    drafts = draft((BELL, 1, 2), (BELL, 2.5, 3), (DOG, 4, 5))
    assert (answers(drafts, "first"), answers(drafts, "last")) == ([BELL], [DOG])


@pytest.mark.parametrize(
    "events",
    [
        [(BELL, 1, 4), (DOG, 3, 5)],
        [(BELL, 1, 9), (DOG, 3, 5)],
        [(BELL, 1, 2), (DOG, 3, 4), (BELL, 5, 6)],
        [(BELL, 1, 2)],
        [(BELL, 1, 2), (DOG, 1, 2)],
    ],
    ids=["overlap", "behind", "comes back", "alone", "at once"],
)
def test_no_order(events: Times) -> None:
    """Sounds that overlap or come back, or one by itself, have no order to ask about."""
    assert not ORDER & {one.form for one in draft(*events)}


@pytest.mark.parametrize(
    "events", [[(BELL, None, None)], [(BELL, 1, 2), (DOG, None, None)], [(BELL, 1, None), (DOG, 3, 4)], []]
)
def test_unknown_times(events: Times) -> None:
    """Where the time of any event is unknown nothing is asked about time."""
    assert draft(*events) == []


def test_count() -> None:
    """What is heard several times is counted, and the wrong numbers are near."""
    [times] = [one for one in draft((BELL, 1, 2), (BELL, 3, 4), (BELL, 5, 6)) if one.form == "times"]
    assert times.answer == "three times"
    wrong = times.draw_wrong()
    assert len(set(wrong)) == 3
    assert all(0 < abs(COUNTS.index(option) - 2) <= 3 for option in wrong)


def test_what_overlaps_itself_is_not_counted() -> None:
    """Two rings at once may be heard as one."""
    assert answers(draft((BELL, 1, 3), (BELL, 2, 4)), "times") == []


def test_what_is_heard_once_is_not_counted() -> None:
    """How often is no question about what is heard once, nor about what is heard more often than anybody counts."""
    assert answers(draft((BELL, 1, 2)), "times") == []
    assert answers(draft(*((BELL, n, n + 0.5) for n in range(len(COUNTS) + 1)), duration=20), "times") == []


@pytest.mark.parametrize("place", range(len(COUNTS)))
def test_numbers_near_one(place: int) -> None:
    """There are three wrong numbers for every right one."""
    wrong = list_counts(place, "Small:1", BELL, 0)
    assert len(set(wrong) - {COUNTS[place]}) == 3


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("onset", [1.0, 4.2, 8.9])
def test_begin(onset: float, seed: int) -> None:
    """The times on offer lie in the clip, two seconds apart at least."""
    [begin] = [one for one in draft((BELL, onset, onset + 1), duration=10.0, seed=seed) if one.form == "begin"]
    assert begin.answer.startswith(f"after about {round(onset)} second")
    seconds = sorted(int(re.findall(r"\d+", text)[0]) for text in (begin.answer, *begin.draw_wrong()))
    assert 1 <= seconds[0] <= seconds[-1] <= 10
    assert all(second - first >= 2 for first, second in pairwise(seconds))


@pytest.mark.parametrize(
    ("onset", "duration"), [(0.0, 10.0), (0.4, 10.0), (4.5, 10.0), (4.0, None)], ids=["start", "early", "half", "open"]
)
def test_no_begin(onset: float, duration: float | None) -> None:
    """What begins with the clip, or half-way between two seconds, or in a clip of unknown length is not asked."""
    assert answers(draft((BELL, onset, onset + 1), duration=duration), "begin") == []


def test_short_clip_has_too_few_times() -> None:
    """In a clip of a few seconds there are not three other times."""
    [begin] = [one for one in draft((BELL, 2.0, 3.0), duration=4.0) if one.form == "begin"]
    assert len(begin.draw_wrong()) < 3


def test_what_begins_together_has_no_order() -> None:
    """Events of no length at the same moment do not come one after another."""
    assert not {one.form for one in draft((DOG, 1, 1), (BELL, 1, 1), (MAN, 3, 4))} & ORDER


@pytest.mark.parametrize("label", ["Speech", "Dog_bark", "/m/0bt9lr", "dog", "Male speech, man speaking"])
def test_names_of_classes_are_not_asked_about(label: str) -> None:
    """A label that does not read as a phrase would stand out among the options."""
    assert draft((label, 1, 2), (BELL, 3, 4)) == []
