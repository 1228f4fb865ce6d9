"""Options that are numbers in one unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from audiomcq_cli.grounded.drafts import rank
from audiomcq_cli.grounded.measured.family import MARGIN, Key, Offer
from audiomcq_cli.mcq import lint
from audiomcq_cli.records import draw

NEARLY = 0.08
"""How near, as a share, a number is to a multiple of the key that it may be taken for it."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TRIES = 3  # draws of each sort, of which the first is taken that no rule of the choices finds fault with
_ENOUGH = 40  # keys of a corpus from which others are drawn
_GRID = 400  # numbers to draw from where nothing is known of a corpus


@dataclass(frozen=True, slots=True)
class Numbers:
    """Options that are numbers in one unit, with as many digits each, such as ``21.2s`` or ``3.2s to 5.1s``.

    Attributes:
        patterns: Wordings, with a place for each number.
        ratios: Where a wrong number may not be that many times the key, nearly: half the tempo is heard as right.
        reach: How many times the key, or its inverse, a wrong number may be; 0 for anything within the bounds.
        crowded: Whether keys lie so close to their lower bound that few have room for three numbers below.
    """

    patterns: tuple[str, ...]
    ratios: tuple[float, ...] = ()
    reach: float = 0.0
    crowded: bool = False
    drawn_by_use: bool = True

    def show(self, key: Key, way: int) -> str:
        """Return the key as an option."""
        return self._write(key.numbers, key, way)

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Return numbers that are clearly others, three of them or none."""
        # The clip's own numbers may be what a rule finds fault with: 1.4 beside 4.1 is made of the same words. And
        # there may be no room for three as far from each other as from the key.
        foreign = replace(offer, near=())
        for attempt in range(3 * _TRIES):
            given, margin = ((offer, MARGIN), (foreign, MARGIN), (foreign, 1))[attempt // _TRIES]
            found = self._draw(key, given, draw(turn, attempt), margin * key.tolerance)
            texts = [self._write(numbers, key, way) for numbers in found]
            if len(texts) == 3 and not lint("When?", [self.show(key, way), *texts], texts[0]):
                return texts
        return []

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Return a fault unless the answer is near enough, and the others three tolerances away, within bounds."""
        half = 0.5 * 10.0**-key.digits + 1e-9
        for choice in choices:
            numbers = self._read(choice, key)
            if numbers is None:
                return f"{choice!r} is not of the form of the others"
            if any(not key.low - half <= number <= key.high + half for number in numbers):
                return f"{choice!r} is not between {key.low:g} and {key.high:g}"
            off = max(abs(number - true) for number, true in zip(numbers, key.numbers, strict=True))
            if choice == answer and off > max(key.tolerance, half):
                return f"the answer {choice!r} is {off:.3g} off {self.show(key, 0)!r}"
            if choice != answer and off < MARGIN * key.tolerance - 1e-9:
                return f"{choice!r} is only {off:.3g} off {self.show(key, 0)!r}"
            if choice != answer and (ratio := self._find_ratio(numbers[0], key)):
                return f"{choice!r} is {ratio:g} times {self.show(key, 0)!r}, or the inverse, and may be heard as well"
        return ""

    def _write(self, numbers: Sequence[float], key: Key, way: int) -> str:
        return self.patterns[way % len(self.patterns)].format(*(f"{number:.{key.digits}f}" for number in numbers))

    def _read(self, text: str, key: Key) -> tuple[float, ...] | None:
        numbers = tuple(float(number) for number in _NUMBER.findall(text))
        same = len(numbers) == len(key.numbers) and any(
            text == self._write(numbers, key, way) for way in range(len(self.patterns))
        )
        return numbers if same else None

    def _draw(self, key: Key, offer: Offer, turn: int, apart: float) -> list[tuple[float, ...]]:
        """Return wrong numbers that leave the place of the key among them open.

        Where it is known which numbers are keys in the corpus they are drawn from those: then every option is as likely
        a key as the others. Otherwise, and where options are too wide or keys too close to a bound for that, it is
        drawn first how many shall be less.
        """
        known = sum(offer.usual.values()) >= _ENOUGH
        numbers = self._list_usual(key, offer, turn) if known else self._list_anywhere(key, offer, turn)
        if known and not self.crowded and len(key.numbers) == 1:
            return self._take(key, numbers, apart)
        drawn: list[list[tuple[float, ...]]] = []
        for below in self._rank_places(key, offer.usual if known else {}, turn):
            packed = self._pack(key, below, turn) if self.crowded else []
            drawn.append(self._take(key, [*packed, *numbers], apart, below))
            if len(drawn[-1]) == 3:
                break
        return max(drawn, key=len)

    def _rank_places(self, key: Key, usual: Mapping[str, int], turn: int) -> list[int]:
        """Return how many wrong numbers shall be less than the key, the count that is wanted first.

        Each is as likely; but where keys crowd at the lower bound few have room for three numbers below, so that those
        get them, and the places even out over the corpus.
        """
        drawn = sorted(range(4), key=lambda count: draw(turn, "below", count))
        if not self.crowded or not usual:
            return drawn
        wanted, mass, total = 0, 0.0, sum(usual.values())
        room = self._count_room(key.numbers[0], key)
        for place in (3, 2, 1):
            mass += sum(clips for name, clips in usual.items() if self._count_room(float(name), key) == place) / total
            if room >= place and draw(turn, "place", place) / 2**64 * mass < 0.25:
                wanted = place
                break
            mass = max(0.0, mass - 0.25)
        return [wanted, *(place for place in drawn if place != wanted)]

    def _count_room(self, number: float, key: Key) -> int:
        """Return how many numbers there is room for between the lower bound and a number, up to three."""
        low, apart = self._measure_room(number, key)
        return min(3, int((number - low) / apart + 1e-6))

    def _pack(self, key: Key, below: int, turn: int) -> list[float]:
        """Return so many numbers below the key, apart from it and each other; none where there is no room for them."""
        low, apart = self._measure_room(key.numbers[0], key)
        slack = key.numbers[0] - low - below * apart
        drawn = sorted(draw(turn, "packed", number) / 2**64 * slack for number in range(below))
        return [low + point + number * apart for number, point in enumerate(drawn)] if slack >= 0 else []

    def _measure_room(self, number: float, key: Key) -> tuple[float, float]:
        """Return the least that a wrong number may be beside a true one, and how far apart two are with rounding."""
        low = max(key.low, number / self.reach) if self.reach else key.low
        return low, MARGIN * key.tolerance + 2 * 10.0**-key.digits

    def _take(
        self, key: Key, numbers: Iterable[float], apart: float, below: int | None = None
    ) -> list[tuple[float, ...]]:
        """Return the first three that are wrong and so far apart from each other, so many of them below the key."""
        taken: list[tuple[float, ...]] = []
        true = key.numbers[0]
        for first in numbers:
            moved = tuple(round(first + number - true, key.digits) for number in key.numbers)
            beside = sum((one[0] < true) == (moved[0] < true) for one in taken)
            if below is not None and beside >= (below if moved[0] < true else 3 - below):
                continue
            if self._is_wrong(moved, key) and all(self._is_apart(moved, one, apart, key) for one in taken):
                taken.append(moved)
            if len(taken) == 3:
                break
        return taken

    def _list_usual(self, key: Key, offer: Offer, turn: int) -> list[float]:
        """Return what the clip offers, then keys of other clips as often as they are keys, then anything."""
        ranked = rank(list(offer.usual.items()), turn)
        return [*_shuffle(offer.near, turn)[:2], *map(float, ranked), *self._list_anywhere(key, offer, turn)]

    def _list_anywhere(self, key: Key, offer: Offer, turn: int) -> list[float]:
        """Return what the clip offers, then numbers on the grid of the digits, in an order drawn."""
        step, true = 10.0**-key.digits, key.numbers[0]
        low, high = key.low, key.high - (key.numbers[-1] - true)
        if self.reach:
            low, high = max(low, true / self.reach), min(high, true * self.reach)
        places = range(round(low / step + 0.4999), int(high / step + 1e-6) + 1)
        thinned = places[:: len(places) // _GRID + 1]
        return [*_shuffle(offer.near, turn)[:2], *_shuffle([place * step for place in thinned], turn)]

    def _is_apart(self, one: Sequence[float], other: Sequence[float], apart: float, key: Key) -> bool:
        margin = apart + 10.0**-key.digits
        return abs(one[0] - other[0]) >= margin and abs(one[-1] - other[-1]) >= margin

    def _is_wrong(self, number: Sequence[float], key: Key) -> bool:
        inside = key.low <= number[0] and number[-1] <= key.high and number[0] > 0
        if not inside or not self._is_apart(number, key.numbers, MARGIN * key.tolerance, key):
            return False
        return not self._find_ratio(number[0], key)

    def _find_ratio(self, number: float, key: Key) -> float:
        """Return how many times the key, or the inverse, a number nearly is, where that may be right as well; or 0."""
        if not self.ratios or number <= 0:
            return 0.0
        factor = abs(log(number / key.numbers[0]))
        return next((ratio for ratio in self.ratios if abs(factor - log(ratio)) < NEARLY), 0.0)


def _shuffle(numbers: Sequence[float], turn: int) -> list[float]:
    return sorted(numbers, key=lambda number: draw(turn, f"{number:.3f}"))
