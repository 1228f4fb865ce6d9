"""Guesses by counting how often something was the key in unrelated rows, compared with chance.

A *lift* is how many times as often something is the key as chance has it, in whole numbers (``ONE`` is as often as
chance). Little evidence counts little: a lift begins as that of something more general, with the weight of ``WEIGHT``
keys, and moves with what is counted. Options go back to their words, pairs with a stem to options, sets to pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiomcq_cli.probe.table import FOLDS, UNIT, Table

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[Any, np.dtype[np.int64]]

GUESSERS: Mapping[str, str] = {
    "options": "which options, and which words of them, are the key elsewhere",
    "question": "the same, among questions of this form",
    "same options": "which of these very options is the key in other rows that offer the same",
    "position": "at which position the key is elsewhere",
    "length": "whether the key is the longest elsewhere, the second longest, or another",
}
"""Every guesser that counts, with what it goes by."""

ONE = 1 << 20
WEIGHT = 1
OFTEN = 20
"""Unrelated rows that offer the same options before these say anything: below, what is left of a balanced set of rows
would tell the rest by elimination, which says nothing of rows to come."""


@dataclass(frozen=True, slots=True)
class Guesses:
    """For each row, whether the option that a guesser holds most likely is right, and the one it holds least likely."""

    most: np.ndarray[Any, np.dtype[np.bool_]]
    least: np.ndarray[Any, np.dtype[np.bool_]]


def guess(table: Table) -> dict[str, Guesses]:
    """The guesses of every guesser."""
    return {name: rank(table, lift) for name, lift in find_lifts(table).items()}


def find_lifts(table: Table) -> dict[str, Ints]:
    """Return the lift of each slot by guesser: how much more often than by chance it is the key."""
    import numpy as np

    plain = np.full(len(table.row), ONE, np.int64)
    options = _lift(table, table.options, _lift_words(table))
    question = _lift(table, table.pairs, options)
    return {
        "options": options,
        "question": question,
        "same options": _lift_sets(table, question),
        "position": _lift(table, table.positions, plain),
        "length": _lift(table, table.lengths, plain),
    }


def rank(table: Table, lift: np.ndarray[Any, Any]) -> Guesses:
    """Return for each row whether its most and its least likely option is the key; ties are broken by hash."""
    import numpy as np

    order = np.lexsort((table.tie, lift, table.row))
    ends = np.searchsorted(table.row[order], np.arange(len(table.rows)), side="right") - 1
    begins = np.searchsorted(table.row[order], np.arange(len(table.rows)), side="left")
    right = table.key[order].astype(bool)
    return Guesses(right[ends], right[begins])


def _lift(table: Table, kind: Ints, general: Ints) -> Ints:
    """The lift of each slot by what it is, which begins as a more general one."""
    slots = _all(table)
    keys, chances = (_count_elsewhere(table, slots, kind, values) for values in (table.key, table.chance))
    return _mix(keys, chances, general)


def _lift_words(table: Table) -> Ints:
    """The mean lift of the words of each slot."""
    import numpy as np

    slots, plain = table.word_slots, np.full(len(table.words), ONE, np.int64)
    keys, chances = (_count_elsewhere(table, slots, table.words, values) for values in (table.key, table.chance))
    sums, counts = np.zeros(len(table.row), np.int64), np.zeros(len(table.row), np.int64)
    np.add.at(sums, slots, _mix(keys, chances, plain))
    np.add.at(counts, slots, 1)
    return np.where(counts > 0, sums // np.maximum(counts, 1), ONE)


def _lift_sets(table: Table, general: Ints) -> Ints:
    """The lift of each slot among rows of the same options, which are kept apart by relation alone."""
    import numpy as np

    keys, chances, offered = (
        _count_outside(table.sets, table.folds[table.row], values)
        for values in (table.key, table.chance, np.ones_like(table.key))
    )
    return np.where(offered >= OFTEN, _mix(keys, chances, general), general)


def _mix(keys: Ints, chances: Ints, general: Ints) -> Ints:
    lifts: Ints = (keys * UNIT * ONE + WEIGHT * UNIT * general) // (chances + WEIGHT * UNIT)
    return lifts


def _all(table: Table) -> Ints:
    import numpy as np

    return np.arange(len(table.row), dtype=np.int64)


def _count_elsewhere(table: Table, slots: Ints, kind: Ints, values: Ints) -> Ints:
    """For each entry (a slot and what it is) the sum of values of the same kind in rows of both other folds."""
    import numpy as np

    rows = table.row[slots]
    one, other = table.folds[rows], table.set_folds[rows]
    sums = np.zeros((int(kind.max(initial=-1)) + 1, FOLDS, FOLDS), np.int64)
    np.add.at(sums, (kind, one, other), values[slots])
    left = sums.sum((1, 2))[:, None, None] - sums.sum(2)[:, :, None] - sums.sum(1)[:, None, :] + sums
    found: Ints = left[kind, one, other]
    return found


def _count_outside(kind: Ints, folds: Ints, values: Ints) -> Ints:
    """For each slot the sum of values of the same kind in other folds."""
    import numpy as np

    sums = np.zeros((int(kind.max(initial=-1)) + 1, FOLDS), np.int64)
    np.add.at(sums, (kind, folds), values)
    found: Ints = sums.sum(1)[kind] - sums[kind, folds]
    return found
