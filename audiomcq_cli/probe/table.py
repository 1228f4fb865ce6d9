"""Rows as whole numbers: one entry for each option of each row (a *slot*), with what it has in common with others.

Rows are guessed by what was counted in other rows, which may not be related: the same clip, block or cluster of
recordings, or the same four options. Joining rows by all of these would in the end join them all, so there are two
kinds of folds side by side: by relation, and by the set of options. A row in fold 2 of the one and 4 of the other is
guessed by the rows that are neither in 2 of the one nor in 4 of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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

    options, words, stems, sets = _Options(), dict[str, int](), dict[str, int](), dict[tuple[str, ...], int]()
    row, option, tie, places, longer = (list[int]() for _ in range(5))
    counts, keys, stem, set_, set_folds = (list[int]() for _ in range(5))
    word_slots, word_ids = list[int](), list[int]()
    for number, asked in enumerate(rows):
        found = [options.find(text) for text in asked.options]
        whole = tuple(sorted(one.folded for one in found))
        seen = draw("probe tie", fold_option(asked.question), *whole)
        sizes = [len(one.folded) for one in found]
        counts.append(len(found))
        keys.append(len(row) + asked.key)
        stem.append(stems.setdefault(asked.stem, len(stems)))
        set_.append(sets.setdefault(whole, len(sets)))
        set_folds.append(_draw_set(whole) % FOLDS)
        for place, one in enumerate(found):
            for word in one.words:
                word_slots.append(len(row))
                word_ids.append(words.setdefault(word, len(words)))
            row.append(number)
            option.append(one.number)
            tie.append(seen ^ one.draw)
            places.append(place)
            longer.append(sum(map(sizes[place].__lt__, sizes)))
    rows_of, option_of, count_of = np.array(row, np.int64), np.array(option, np.int64), np.array(counts, np.int64)[row]
    key = np.zeros(len(row), np.int64)
    key[keys] = 1
    related, folds = _relate(rows)
    return Table(
        rows=rows,
        row=rows_of,
        key=key,
        chance=UNIT // count_of,
        tie=np.array(tie, np.uint64),
        related=related,
        folds=folds,
        set_folds=np.array(set_folds, np.int64),
        options=option_of,
        pairs=_pair(np.array(stem, np.int64)[row], option_of),
        sets=_pair(np.array(set_, np.int64)[row], option_of),
        positions=_pair(count_of, np.array(places, np.int64)),
        lengths=_pair(count_of, np.array(longer, np.int64)),
        word_slots=np.array(word_slots, np.int64),
        words=np.array(word_ids, np.int64),
        vocabulary=list(words),
    )


@lru_cache(maxsize=100_000)
def fold_option(text: str) -> str:
    """The text of an option, or a question, as it is compared."""
    return fold(text)


def list_words(folded: str) -> list[str]:
    """The different words of a folded text, without articles."""
    return [word for word in dict.fromkeys(_WORD.findall(folded)) if word not in _ARTICLES]


@dataclass(frozen=True, slots=True)
class _Option:
    """A text that is offered: its number, the text as it is compared, its words, and a hash of it."""

    number: int
    folded: str
    words: Sequence[str]
    draw: int


class _Options:
    """Looks at each text once."""

    def __init__(self) -> None:
        self._by_text: dict[str, _Option] = {}
        self._by_folded: dict[str, _Option] = {}

    def find(self, text: str) -> _Option:
        if (found := self._by_text.get(text)) is None:
            folded = fold_option(text)
            if (found := self._by_folded.get(folded)) is None:
                found = _Option(len(self._by_folded), folded, list_words(folded), draw("probe option", folded))
                self._by_folded[folded] = found
            self._by_text[text] = found
        return found


@lru_cache(maxsize=10_000)
def _draw_set(folded: tuple[str, ...]) -> int:
    return draw("probe set", *folded)


def _pair(one: Ints, other: Ints) -> Ints:
    """A number for each different pair."""
    import numpy as np

    numbers: Ints = np.unique(one * (int(other.max(initial=0)) + 1) + other, return_inverse=True)[1]
    return numbers.astype(np.int64)


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
    names = [find(_name_clip(asked)) for asked in rows]
    folds = {name: draw("probe fold", name) % FOLDS for name in dict.fromkeys(names)}
    groups = {name: number for number, name in enumerate(folds)}
    related, fold_of = (np.array([found[name] for name in names], np.int64) for found in (groups, folds))
    return related, fold_of


def _list_ties(asked: Asked) -> Iterator[str]:
    """Names of what a row may share with others."""
    yield _name_clip(asked)
    if asked.block:
        yield f"block {asked.block}"
    if asked.cluster:
        yield f"cluster {asked.cluster}"


def _name_clip(asked: Asked) -> str:
    return f"clip {asked.clip or asked.id}"
