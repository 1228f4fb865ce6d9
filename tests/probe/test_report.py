"""What a report says, and what it does not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audiomcq_cli.probe.report import LEAST, as_data, exceeds, find_above, probe
from audiomcq_cli.probe.scoring import Share
from tests.probe.corpora import make_fair


@pytest.mark.parametrize("rows", [0, 1, LEAST - 1])
def test_of_few_rows_nothing_is_said(rows: int) -> None:
    """Below the least number of rows there is no number, and the report says why."""
    report = probe(make_fair(1, rows))
    assert report.best is None
    assert as_data(report)["guessable"] is None
    assert as_data(report)["note"] == f"too few rows: {rows}"
    assert find_above(report, 0.25) == []


def test_of_a_small_group_nothing_is_said() -> None:
    """A group with few rows is counted, and has no number."""
    rows = [*make_fair(1, 100), *(replace(row, groups={"form": "rare"}) for row in make_fair(2, 12))]
    forms = as_data(probe(rows))["groups"]["form"]
    assert forms["rare"] == {"rows": 12, "guessable": None, "note": "too few rows: 12", "best": None, "word": None}


def test_groups_are_told_largest_first() -> None:
    """Each dimension that rows have is told of, its values by the number of rows."""
    rows = [
        replace(row, groups={"form": "common" if n % 3 else "rare", "label": "weak"})
        for n, row in enumerate(make_fair(1, 150))
    ]
    report = probe(rows)
    assert [(one.dimension, one.value, one.rows) for one in report.groups] == [
        ("form", "common", 100), ("form", "rare", 50), ("label", "weak", 150),
    ]  # fmt: skip


def test_only_the_form_that_can_be_guessed_is_above() -> None:
    """Of two forms the one whose keys are told is above the limit, and named first are the worst."""
    fair = [replace(row, groups={"form": "fair"}) for row in make_fair(1, 300)]
    told = [replace(row, key=1, stem="told", groups={"form": "told"}) for row in make_fair(2, 100)]
    half = [
        replace(row, groups={"form": "half"}, key=row.key if n % 2 else 1) for n, row in enumerate(make_fair(3, 100))
    ]
    mixed = [replace(row, id=f"{n}", clip=f"{n}") for n, row in enumerate([*fair, *told, *half])]
    assert [one.value for one in find_above(probe(mixed), 0.4)] == ["told", "half"]
    assert find_above(probe(mixed), 1.0) == []


def test_the_limit_counts_from_the_chance_of_each_row() -> None:
    """A limit is for four options: two options may be as far above a half as four may be above a quarter."""
    two = Share(rows=100, right=60, low=0.5, high=0.7, chance=0.5)
    assert exceeds(two, two.share, 0.3)
    assert not exceeds(two, two.share, 0.35)
    assert not exceeds(two, two.share, 0.4)


def test_mixed_numbers_of_options_have_their_own_chance() -> None:
    """Rows with two, four and five options count each with their own chance."""
    rows = [
        replace(row, id=f"{n}-{row.id}", clip=f"{n}-{row.clip}")
        for n in (2, 4, 5)
        for row in make_fair(n, 200, options=n)
    ]
    best = probe(rows).best
    assert best is not None
    assert best.most.chance == pytest.approx((0.5 + 0.25 + 0.2) / 3, abs=1e-6)


def test_positions_and_lengths_are_counted() -> None:
    """The report counts the position of the key, and how often the longest and the shortest option is it."""
    rows = [replace(row, options=("a", "bb", "cc", "ddd"), key=3) for row in make_fair(1, 60)]
    data = as_data(probe(rows))
    assert [one["key"] for one in data["positions"]] == [0, 0, 0, 60]
    assert data["lengths"] == [
        {"name": "longest", "offered": 60, "key": 60, "chance": 15.0},
        {"name": "shortest", "offered": 60, "key": 0, "chance": 15.0},
    ]
