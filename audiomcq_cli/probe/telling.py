"""Finds what gives keys away: words more often right than by chance, positions, and the longest and shortest option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiomcq_cli.probe.table import UNIT, Table

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

LEAST = 10
"""Least number of times that a reported word is offered."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Something that options have: how often it was offered, how often it was the key, and how often by chance."""

    name: str
    offered: int
    key: int
    chance: float


def count_words(table: Table, chosen: Flags, most: int) -> tuple[list[Counted], list[Counted]]:
    """The words of some rows that are the key far more often than chance, and those far more rarely; furthest first.

    Args:
        table: The rows. chosen: Which of them count. most: How many words of each kind.
    """
    import numpy as np

    entries = chosen[table.row[table.word_slots]]
    slots, words = table.word_slots[entries], table.words[entries]
    size = len(table.vocabulary)
    offered = np.bincount(words, minlength=size)
    keys, chances = np.zeros(size, np.int64), np.zeros(size, np.int64)
    np.add.at(keys, words, table.key[slots])
    np.add.at(chances, words, table.chance[slots])
    excess = keys * UNIT - chances
    known = [
        (int(excess[number]), table.vocabulary[number], number) for number in np.flatnonzero(offered >= LEAST).tolist()
    ]

    def describe(found: list[tuple[int, str, int]]) -> list[Counted]:
        return [
            Counted(word, int(offered[number]), int(keys[number]), int(chances[number]) / UNIT)
            for _, word, number in found[:most]
        ]

    above = sorted((one for one in known if one[0] > 0), key=lambda one: (-one[0], one[1]))
    below = sorted((one for one in known if one[0] < 0), key=lambda one: (one[0], one[1]))
    return describe(above), describe(below)


def count_positions(table: Table) -> list[Counted]:
    """Count keys by position, from 0."""
    import numpy as np

    begins = np.searchsorted(table.row, table.row, side="left")
    places = np.arange(len(table.row)) - begins
    return [_count(table, str(place), places == place) for place in range(int(places.max(initial=-1)) + 1)]


def count_lengths(table: Table) -> list[Counted]:
    """Count keys that are the longest, or the shortest, option. Options of equal length all count as offered."""
    import numpy as np

    lengths = np.array([len(option) for asked in table.rows for option in asked.options], np.int64)
    longest, shortest = np.zeros(len(table.rows), np.int64), np.full(len(table.rows), np.iinfo(np.int64).max)
    np.maximum.at(longest, table.row, lengths)
    np.minimum.at(shortest, table.row, lengths)
    return [
        _count(table, "longest", lengths == longest[table.row]),
        _count(table, "shortest", lengths == shortest[table.row]),
    ]


def _count(table: Table, name: str, slots: Flags) -> Counted:
    return Counted(name, int(slots.sum()), int(table.key[slots].sum()), int(table.chance[slots].sum()) / UNIT)
