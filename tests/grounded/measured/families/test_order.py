"""Tests of ``grounded/measured/families/order.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from tests.grounded.measured import BELL, DOG, FOREIGN, MAN, RAIN, all_options, answers, draft, make_row

ORDERED = make_row((DOG, 3.37, 4.4), (BELL, 1.2, 2.9), (MAN, 6.3, 9.4), (RAIN, 11.6, 16.0))


ORDERS = {"order", "first", "last", "after", "before"}


def forms(row: Row) -> set[str]:
    return {one.form for one in draft(row)}


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
