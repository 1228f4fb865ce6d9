"""Which rows are looked at where there are too many."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.probe.sample import Sample
from tests.probe.corpora import make_blocks, make_fair


def _take(rows: list, most: int) -> Sample:  # type: ignore[type-arg]
    sample = Sample(most)
    sample.add(rows)
    return sample


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.integers(1, 300))
def test_the_sample_does_not_depend_on_the_order(seed: int, most: int) -> None:
    """The same rows are kept in whatever order they come, at most so many."""
    rows = make_fair(1, 200)
    kept = {row.id for row in _take(rows, most).rows}
    assert kept == {row.id for row in _take(Random(seed).sample(rows, 200), most).rows}
    assert len(kept) <= most


def test_blocks_are_kept_whole() -> None:
    """A sample has all rows of a block or none."""
    kept = [row.block for row in _take(make_blocks(1, 100), 150).rows]
    assert 0 < len(kept) <= 150
    assert {kept.count(block) for block in kept} == {4}


def test_what_fits_is_kept_and_all_is_counted() -> None:
    """Few enough rows are all kept; how many were offered is known in any case."""
    assert len(_take(make_fair(1, 50), 50).rows) == 50
    assert _take(make_fair(1, 51), 10).seen == 51
