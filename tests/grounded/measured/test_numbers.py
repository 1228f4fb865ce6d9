"""Tests of ``grounded/measured/numbers.py``."""

from __future__ import annotations

from collections import Counter

from audiomcq_cli.grounded.measured.family import Key, Offer
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.mcq import lint

CROWDED = Numbers(("{}s",), reach=4, crowded=True)
KEYS = [tenth / 10 for tenth in range(8, 44)]


def test_places_of_crowded_keys() -> None:
    """Though few keys have room for three numbers below, none of the four places is a good guess."""
    usual = dict.fromkeys((f"{value:.1f}" for value in KEYS), 2)
    places: Counter[int] = Counter()
    for turn in range(12):
        for value in KEYS:
            key = Key(numbers=(value,), tolerance=0.2, low=0.1, high=30)
            options = [CROWDED.show(key, 0), *CROWDED.draw_wrong(key, Offer(lambda *_: (), usual=usual), 0, turn)]
            assert not CROWDED.find_fault(key, options, options[0])
            places[sorted(options, key=lambda option: float(option[:-1])).index(options[0])] += 1
    assert max(places.values()) < 0.35 * places.total()
    assert min(places.values()) > 0.15 * places.total()


def test_numbers_of_the_clip_that_break_a_rule() -> None:
    """A number of the clip that is made of the same words as the key, as 1.4 and 4.1, gives way to another."""
    times = Numbers(("{} seconds",))
    key = Key(numbers=(1.4,), tolerance=0.2, low=0.5, high=9.5)
    for turn in range(20):
        options = [times.show(key, 0), *times.draw_wrong(key, Offer(lambda *_: (), near=(4.1,)), 0, turn)]
        assert not lint("When?", options, options[0])
