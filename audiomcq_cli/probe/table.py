"""Rows as whole numbers: one entry for each option of each row (a *slot*), with what it has in common with others.

Rows are guessed by what was counted in other rows, which may not be related: the same clip, block or cluster of
recordings, or the same four options. Joining rows by all of these would in the end join them all, so there are two
kinds of folds side by side: by relation, and by the set of options. A row in fold 2 of the one and 4 of the other is
guessed by the rows that are neither in 2 of the one nor in 4 of the other.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from audiomcq_cli.mcq import fold
from audiomcq_cli.probe.asked import Asked
from audiomcq_cli.records import draw

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[Any, np.dtype[np.int64]]

FOLDS = 5
"""Folds of each of the two kinds."""

UNIT = 720_720
"""A key in whole numbers: so the chance of each of up to 16 options is one too."""

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and their slots.

    Attributes:
        rows: The rows, in the order given.
        row: The row of each slot. key: Whether the slot is the right option (0 or 1).
        chance: ``UNIT`` divided by the options of the row. tie: A hash of all that a guesser sees: which of two equally
            likely options is taken depends on nothing else, so it is the same option in rows with the same text.
        related: The group of each row: rows that share a clip, a block or a cluster. folds: Fold of the group.
        set_folds: Fold of the row's set of options.
        options, pairs, sets: What each slot is: its text; that and the stem; that and the whole set of options.
        positions, lengths: Its place, and how many others are longer, each with the number of options.
        word_slots, words: Slot and number of each word of the options; a word counts once in a slot.
        vocabulary: The words by number.
    """

    rows: Sequence[Asked]
    row: Ints
    key: Ints
    chance: Ints
    tie: np.ndarray[Any, np.dtype[np.uint64]]
    related: Ints
    folds: Ints
    set_folds: Ints
    options: Ints
    pairs: Ints
    sets: Ints
    positions: Ints
    lengths: Ints
    word_slots: Ints
    words: Ints
    vocabulary: Sequence[str]


def make_table(rows: Sequence[Asked]) -> Table:
    """Number everything that rows have in common."""
    import numpy as np

    options, pairs, sets, positions, lengths, words = (_Numbers() for _ in range(6))
    row, key, chance, tie, set_folds = (list[int]() for _ in range(5))
    word_slots, word_ids = list[int](), list[int]()
    for number, asked in enumerate(rows):
        texts = [fold_option(text) for text in asked.options]
        count, sizes = len(texts), [len(text) for text in texts]
        whole = tuple(sorted(texts))
        set_folds.append(_draw_set(whole) % FOLDS)
        seen = draw("probe tie", fold_option(asked.question), *whole)
        for place, text in enumerate(texts):
            for word in list_words(text):
                word_slots.append(len(row))
                word_ids.append(words.number(word))
            row.append(number)
            key.append(place == asked.key)
            chance.append(UNIT // count)
            tie.append(seen ^ _draw_option(text))
            options.add(text)
            pairs.add((asked.stem, text))
            sets.add((whole, text))
            positions.add((count, place))
            lengths.add((count, sum(map(sizes[place].__lt__, sizes))))
    related, folds = _relate(rows)
    return Table(
        rows=rows,
        row=np.array(row, np.int64),
        key=np.array(key, np.int64),
        chance=np.array(chance, np.int64),
        tie=np.array(tie, np.uint64),
        related=related,
        folds=folds,
        set_folds=np.array(set_folds, np.int64),
        options=options.array(),
        pairs=pairs.array(),
        sets=sets.array(),
        positions=positions.array(),
        lengths=lengths.array(),
        word_slots=np.array(word_slots, np.int64),
        words=np.array(word_ids, np.int64),
        vocabulary=list(words.known),
    )


@lru_cache(maxsize=100_000)
def fold_option(text: str) -> str:
    """The text of an option, or a question, as it is compared."""
    return fold(text)


@lru_cache(maxsize=100_000)
def list_words(folded: str) -> tuple[str, ...]:
    """The different words of a folded text, without articles."""
    return tuple(word for word in dict.fromkeys(_WORD.findall(folded)) if word not in _ARTICLES)


@lru_cache(maxsize=100_000)
def _draw_option(folded: str) -> int:
    return draw("probe option", folded)


@lru_cache(maxsize=10_000)
def _draw_set(folded: tuple[str, ...]) -> int:
    return draw("probe set", *folded)


class _Numbers:
    """Gives each thing a number, and keeps the numbers of things in the order they came."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}
        self._came: list[int] = []

    def number(self, thing: Hashable) -> int:
        return self.known.setdefault(thing, len(self.known))

    def add(self, thing: Hashable) -> None:
        self._came.append(self.known.setdefault(thing, len(self.known)))

    def array(self) -> Ints:
        import numpy as np

        return np.array(self._came, np.int64)


def _relate(rows: Sequence[Asked]) -> tuple[Ints, Ints]:
    """The group of each row and the fold of that; a group is known by the first of its names, whatever the order."""
    import numpy as np

    parents: dict[str, str] = {}

    def find(name: str) -> str:
        while parents.setdefault(name, name) != name:
            parents[name] = name = parents[parents[name]]
        return name

    for asked in rows:
        first, *others = map(find, _list_ties(asked))
        for other in others:
            low, high = sorted((find(first), find(other)))
            parents[high] = low
    names = [find(next(iter(_list_ties(asked)))) for asked in rows]
    folds = {name: draw("probe fold", name) % FOLDS for name in set(names)}
    groups = _Numbers()
    for name in names:
        groups.add(name)
    return groups.array(), np.array([folds[name] for name in names], np.int64)


def _list_ties(asked: Asked) -> Iterable[str]:
    """Names of what a row may share with others."""
    named = {"clip": asked.clip or asked.id, "block": asked.block, "cluster": asked.cluster}
    return [f"{kind} {name}" for kind, name in named.items() if name]
