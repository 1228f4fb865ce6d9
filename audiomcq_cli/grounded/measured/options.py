"""The forms that options take beside numbers in a unit: counts, set statements, names, and orders of three."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from audiomcq_cli.grounded.drafts import rank
from audiomcq_cli.grounded.measured.family import Key, Offer
from audiomcq_cli.mcq import fold
from audiomcq_cli.records import draw

COUNTS = (
    "once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times", "nine times",
)  # fmt: skip
"""How often something can be heard, in words."""

_NUMERALS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counts:
    """Options that are numbers of things, two at least: four that follow each other, such as 2 to 5 or 6 to 9.

    The four do not depend on which is true: were they laid around that one, the middle ones would be right more often.
    """

    names: tuple[str, ...] = ()
    drawn_by_use: bool = False

    def show(self, key: Key, way: int) -> str:
        """Return the key as an option."""
        return self._write(round(key.numbers[0]))

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Return the rest of the four."""
        true = round(key.numbers[0])
        first = true - (true - 2) % 4
        return [self._write(number) for number in range(first, first + 4) if number != true]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Return a fault unless every choice is a number and the answer the one that was counted."""
        for choice in choices:
            number = self.read(choice)
            if number is None:
                return f"{choice!r} is no number of the form of the others"
            off = abs(number - key.numbers[0])
            if choice == answer and off:
                return f"the answer is {choice!r}, counted were {self.show(key, 0)!r}"
            if choice != answer and not off:
                return f"{choice!r} is right as well"
        return ""

    def _write(self, number: int) -> str:
        return self.names[number - 1] if self.names and 1 <= number <= len(self.names) else str(number)

    def read(self, text: str) -> int | None:
        """Return the number that an option says; None where it is none."""
        if self.names:
            return self.names.index(text) + 1 if text in self.names else None
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Statements:
    """Options that are set sentences, one of which is true: by name, in one wording or several."""

    wordings: tuple[Mapping[str, str], ...]
    drawn_by_use: bool = False

    def show(self, key: Key, way: int) -> str:
        """Return the true sentence."""
        return self._write(key.name, key, way)

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Return three of the others."""
        others = [name for name in self.wordings[0] if name != key.name and name not in key.unclear]
        drawn = sorted(others, key=lambda name: draw(turn, name))[:3]
        return [self._write(name, key, way) for name in drawn]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Return a fault unless the answer is the true sentence and every other choice another one."""
        for choice in choices:
            name = self.read(choice, key)
            if not name:
                return f"{choice!r} is none of the sentences of this question"
            if (choice == answer) != (name == key.name):
                return f"the numbers say {self.show(key, 0)!r}, the answer is {answer!r}"
            if name in key.unclear:
                return f"{choice!r} may be right as well"
        return ""

    def _write(self, name: str, key: Key, way: int) -> str:
        return capitalize(self.wordings[way % len(self.wordings)][name].format(**key.words))

    def read(self, text: str, key: Key) -> str:
        """Return the name of the sentence that an option is; empty where it is none of them."""
        for way in range(len(self.wordings)):
            for name in self.wordings[way]:
                if self._write(name, key, way) == text:
                    return name
        return ""


@dataclass(frozen=True, slots=True)
class Names:
    """Options that are names: of what the clip has, filled up with what it has not.

    Attributes:
        fill: Whether others than the clip's are offered.
        drawn_by_use: See ``Options``.
    """

    fill: bool = True
    drawn_by_use: bool = False

    def show(self, key: Key, way: int) -> str:
        """Return the key as an option."""
        return key.name

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Return the clip's own others, and further ones where those do not suffice."""
        own = [name for name in key.others if name != key.name and name not in key.unclear]
        own = rank([(name, offer.usual.get(name, 0) + 1) for name in dict.fromkeys(own)], turn)[:3]
        if len(own) == 3 or not self.fill:
            return own
        known = {fold(name) for name in (key.name, *key.others, *key.unclear)}
        return [*own, *(name for name in offer.names(key.name, 3 - len(own)) if fold(name) not in known)]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Return a fault unless the answer is what the numbers say, and no other choice is that or may be."""
        if answer != key.name:
            return f"the numbers say {key.name!r}, the answer is {answer!r}"
        for choice in choices:
            if choice != answer and (fold(choice) == fold(key.name) or choice in key.unclear):
                return f"{choice!r} may be right as well"
            if not self.fill and choice not in (key.name, *key.others):
                return f"{choice!r} is not of this clip"
        return ""


ORDERS: tuple[Callable[[str, str, str], str], ...] = (
    lambda a, b, c: f"{a}, then {b}, then {c}",
    lambda a, b, c: f"first {a}, next {b}, last {c}",
    lambda a, b, c: f"{a}, followed by {b} and finally {c}",
    lambda a, b, c: f"{a} before {b}, with {c} at the end",
)
"""Ways to name an order. Each option has its own: a scorer that ignores the order of words can tell them apart."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Options that are orders of three sounds; the key's ``others`` are those sounds in their true order."""

    drawn_by_use: bool = False

    def show(self, key: Key, way: int) -> str:
        """Return the true order."""
        return ORDERS[way % 4](*key.others)

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Return three other orders, each in another wording."""
        others = [order for order in permutations(range(3)) if order != (0, 1, 2)]
        drawn = sorted(others, key=lambda order: draw(turn, *order))[:3]
        ways = [(way + number) % 4 for number in (1, 2, 3)]
        return [ORDERS[one](*(key.others[n] for n in order)) for one, order in zip(ways, drawn, strict=True)]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Return a fault unless the answer is the true order in some wording, and no other choice is."""
        known = {write(*(key.others[n] for n in order)): order for order in permutations(range(3)) for write in ORDERS}
        for choice in choices:
            if choice not in known:
                return f"{choice!r} is no order of the three"
            if (choice == answer) != (known[choice] == (0, 1, 2)):
                return f"the numbers say {self.show(key, 0)!r}, the answer is {answer!r}"
        return ""


def join(texts: Sequence[str], word: str = "and") -> str:
    """Return a list as one says it."""
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}" if len(texts) > 1 else "".join(texts)


def capitalize(text: str) -> str:
    """Return a text with a capital, whatever follows."""
    return text[:1].upper() + text[1:]


def count_in_words(number: int) -> str:
    """Return a number as one says it, up to twelve."""
    return _NUMERALS[number] if 0 <= number < len(_NUMERALS) else str(number)
