"""The forms that options take beside numbers in a unit: counts, set statements, names, and orders of three."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from audiomcq_cli.grounded.drafts import rank
from audiomcq_cli.grounded.measured.family import Key, Offer, Say
from audiomcq_cli.mcq import fold
from audiomcq_cli.records import draw

COUNTS = (
    "once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times", "nine times",
)  # fmt: skip
"""How often something can be heard, in words."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Options that are numbers of things, two at least: four that follow each other, such as 2 to 5 or 6 to 9.

    The four do not depend on which is true: were they laid around that one, the middle ones would be right more often.
    """

    names: tuple[str, ...] = ()
    drawn_by_use: bool = False

    def show(self, key: Key, way: int) -> str:
        """The key as an option."""
        return self._write(round(key.numbers[0]))

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """The rest of the four."""
        true = round(key.numbers[0])
        first = true - (true - 2) % 4
        return [self._write(number) for number in range(first, first + 4) if number != true]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Every choice is a number, the answer the one that was counted."""
        for choice in choices:
            number = self._read(choice)
            if number is None:
                return f"{choice!r} is no number of the form of the others"
            off = abs(number - key.numbers[0])
            if choice == answer and off:
                return f"the answer is {choice!r}, counted were {self.show(key, 0)!r}"
            if choice != answer and not off:
                return f"{choice!r} is right as well"
        return ""

    def deny(self, key: Key, wrong: Sequence[str], say: Say) -> str:
        """Which options are too few and which are too many."""
        read = {text: self._read(text) or 0 for text in wrong}
        less = sorted((text for text in wrong if read[text] < key.numbers[0]), key=read.__getitem__)
        more = sorted((text for text in wrong if read[text] >= key.numbers[0]), key=read.__getitem__)
        groups = ((less, "too few"), (more, "too many"))
        parts = [f"{join(group, 'or')} would be {word}" for group, word in groups if group]
        return f"{capitalize(' and '.join(parts))}."

    def _write(self, number: int) -> str:
        return self.names[number - 1] if self.names and 1 <= number <= len(self.names) else str(number)

    def _read(self, text: str) -> int | None:
        if self.names:
            return self.names.index(text) + 1 if text in self.names else None
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Statements:
    """Options that are set sentences, one of which is true: by name, in one wording or several."""

    wordings: tuple[Mapping[str, str], ...]
    drawn_by_use: bool = False

    def show(self, key: Key, way: int) -> str:
        """The true sentence."""
        return self._write(key.name, key, way)

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Three of the others."""
        others = [name for name in self.wordings[0] if name != key.name and name not in key.unclear]
        drawn = sorted(others, key=lambda name: draw(turn, name))[:3]
        return [self._write(name, key, way) for name in drawn]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """The answer is the true sentence, and every other choice is another one."""
        for choice in choices:
            name = self._read(choice, key)
            if not name:
                return f"{choice!r} is none of the sentences of this question"
            if (choice == answer) != (name == key.name):
                return f"the numbers say {self.show(key, 0)!r}, the answer is {answer!r}"
            if name in key.unclear:
                return f"{choice!r} may be right as well"
        return ""

    def deny(self, key: Key, wrong: Sequence[str], say: Say) -> str:
        """That nothing else fits."""
        quoted = [f'"{text}"' for text in wrong]
        ways = ("That rules out {wrong}.", "So {wrong} can be set aside.", "It does not match {wrong}.")
        return say(ways).format(wrong=join(quoted, "and"))

    def _write(self, name: str, key: Key, way: int) -> str:
        return capitalize(self.wordings[way % len(self.wordings)][name].format(**key.words))

    def _read(self, text: str, key: Key) -> str:
        for way in range(len(self.wordings)):
            for name in self.wordings[way]:
                if self._write(name, key, way) == text:
                    return name
        return ""


@dataclass(frozen=True, slots=True)
class Names:
    """Options that are names: of what the clip has, filled up with what it has not.

    Attributes:
        own: Sentence about wrong options that the clip has.
        foreign: Sentence about wrong options that it does not have.
        each: Clause about one wrong option and its word in the key, in place of these sentences.
        fill: Whether others than the clip's are offered.
        drawn_by_use: See ``Options``.
    """

    own: str = ""
    foreign: str = ""
    each: str = ""
    fill: bool = True
    drawn_by_use: bool = False

    def show(self, key: Key, way: int) -> str:
        """The key as an option."""
        return key.name

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """The clip's own others, and further ones where those do not suffice."""
        own = [name for name in key.others if name != key.name and name not in key.unclear]
        own = rank([(name, offer.usual.get(name, 0) + 1) for name in dict.fromkeys(own)], turn)[:3]
        if len(own) == 3 or not self.fill:
            return own
        known = {fold(name) for name in (key.name, *key.others, *key.unclear)}
        return [*own, *(name for name in offer.names(key.name, 3 - len(own)) if fold(name) not in known)]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """The answer is what the numbers say; no other choice is that, or may be."""
        if answer != key.name:
            return f"the numbers say {key.name!r}, the answer is {answer!r}"
        for choice in choices:
            if choice != answer and (fold(choice) == fold(key.name) or choice in key.unclear):
                return f"{choice!r} may be right as well"
            if not self.fill and choice not in (key.name, *key.others):
                return f"{choice!r} is not of this clip"
        return ""

    def deny(self, key: Key, wrong: Sequence[str], say: Say) -> str:
        """Return which options are there but at another place, which are not there, or what speaks against each."""
        if self.each:
            return capitalize(join([self.each.format(text, key.words[text]) for text in wrong])) + "."
        own = [text for text in wrong if text in key.others]
        foreign = [text for text in wrong if text not in key.others]
        parts = [self.own.format(join(own)) if own else "", self.foreign.format(join(foreign, "or")) if foreign else ""]
        return " ".join(filter(None, parts))


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
        """The true order."""
        return ORDERS[way % 4](*key.others)

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Three other orders, each in another wording."""
        others = [order for order in permutations(range(3)) if order != (0, 1, 2)]
        drawn = sorted(others, key=lambda order: draw(turn, *order))[:3]
        ways = [(way + number) % 4 for number in (1, 2, 3)]
        return [ORDERS[one](*(key.others[n] for n in order)) for one, order in zip(ways, drawn, strict=True)]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """The answer is the true order in some wording, and no other choice is."""
        known = {write(*(key.others[n] for n in order)): order for order in permutations(range(3)) for write in ORDERS}
        for choice in choices:
            if choice not in known:
                return f"{choice!r} is no order of the three"
            if (choice == answer) != (known[choice] == (0, 1, 2)):
                return f"the numbers say {self.show(key, 0)!r}, the answer is {answer!r}"
        return ""

    def deny(self, key: Key, wrong: Sequence[str], say: Say) -> str:
        """That every other option changes the order."""
        return say(("The other choices put them in another order.", "None of the other choices keeps that order."))


def join(texts: Sequence[str], word: str = "and") -> str:
    """A list as one says it."""
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}" if len(texts) > 1 else "".join(texts)


def capitalize(text: str) -> str:
    """With a capital, whatever follows."""
    return text[:1].upper() + text[1:]
