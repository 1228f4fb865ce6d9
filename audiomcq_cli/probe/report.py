"""Probes rows and reports how many can be guessed, in which groups, and which words give keys away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiomcq_cli.probe.asked import DIMENSIONS, Asked
from audiomcq_cli.probe.counting import GUESSERS, Guesses, guess
from audiomcq_cli.probe.scoring import Share, score
from audiomcq_cli.probe.table import Table, make_table
from audiomcq_cli.probe.telling import Counted, count_lengths, count_positions, count_words

if TYPE_CHECKING:
    import numpy as np

LEAST = 40
"""Rows below which nothing is said of a group, or of the whole: guessing among four options gives 12 to 41 % right of
40 rows in 95 % of cases."""

WORDS = 10
"""Most words of each kind in a report."""

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Guessed:
    """The results of one guesser on some rows, for its most likely and its least likely option."""

    guesser: str
    most: Share
    least: Share


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with one value of one of ``DIMENSIONS``.

    Attributes:
        rows: How many they are. best: The guesser that is right most often; None where there are too few rows.
        word: The word of their options that is the key most often above chance, if any.
    """

    dimension: str
    value: str
    rows: int
    best: Guessed | None
    word: Counted | None


@dataclass(frozen=True, slots=True)
class Report:
    """The results of a probe.

    Attributes:
        rows: How many rows there are. probed: How many of them were looked at.
        guessers: What each guesser gets right; empty where there are too few rows. groups: By dimension, largest first.
        above, below: Words that are the key more, and less, often than chance. positions, lengths: The same of those.
        learned: What a trained model gets right, where it was asked for.
    """

    rows: int
    probed: int
    guessers: Sequence[Guessed] = ()
    groups: Sequence[Group] = ()
    above: Sequence[Counted] = ()
    below: Sequence[Counted] = ()
    positions: Sequence[Counted] = ()
    lengths: Sequence[Counted] = ()
    learned: Guessed | None = None

    @property
    def best(self) -> Guessed | None:
        """The guesser that is right most often; None where there are too few rows."""
        return _find_best(self.guessers)

    @property
    def told(self) -> str:
        """Reason for the absence of results, if there are none."""
        return "" if self.guessers else tell_few(self.probed)

    def of(self, dimension: str) -> list[Group]:
        """The groups of one dimension."""
        return [one for one in self.groups if one.dimension == dimension]


def probe(rows: Sequence[Asked], *, of: int | None = None, learned: int = 0) -> Report:
    """Probe rows, in any order: the result is the same.

    Args:
        rows: The rows. of: How many there are of which these are a sample. learned: Train a model on up to so many of
            them as well, which takes its time.
    """
    whole = len(rows) if of is None else of
    if len(rows) < LEAST:
        return Report(whole, len(rows))
    table = make_table(rows)
    guesses = guess(table)
    everything = _flags(table, None)
    above, below = count_words(table, everything, WORDS)
    return Report(
        rows=whole,
        probed=len(rows),
        guessers=_score_all(table, guesses, everything),
        groups=list(_list_groups(table, guesses)),
        above=above,
        below=below,
        positions=count_positions(table),
        lengths=count_lengths(table),
        learned=_learn(rows, learned),
    )


def find_above(report: Report, limit: float) -> list[Group]:
    """Return the forms above a limit, worst first.

    The limit is for four options; rows with more or fewer may be as far above their own chance. A form counts where the
    whole of its interval is above: of many forms, some small one is above by luck.
    """
    forms = [one for one in report.of("form") if one.best and exceeds(one.best.most, one.best.most.low, limit)]
    return sorted(forms, key=lambda one: (-one.best.most.excess if one.best else 0.0, one.value))


def exceeds(found: Share, share: float, limit: float) -> bool:
    """Return whether a share, or an end of its interval, is above a limit for four options."""
    return share - found.chance > limit - 0.25 + 1e-9


def tell_few(rows: int) -> str:
    """Text in place of a number."""
    return f"too few rows: {rows:,}"


def as_data(report: Report) -> dict[str, Any]:
    """A report as plain data, as in ``statistics.json``."""
    best = report.best
    return {
        "rows": report.rows,
        "probed": report.probed,
        "guessable": _round(best.most.share) if best else None,
        "note": report.told,
        "best": _describe(best) if best else None,
        "guessers": [_describe(one) for one in report.guessers],
        "groups": {
            name: {one.value: _describe_group(one) for one in report.of(name)} for name in DIMENSIONS if report.of(name)
        },
        "words": {"above": list(map(_describe_count, report.above)), "below": list(map(_describe_count, report.below))},
        "positions": list(map(_describe_count, report.positions)),
        "lengths": list(map(_describe_count, report.lengths)),
        **({"learned": {**_describe(report.learned), "decides": False}} if report.learned else {}),
    }


def _score_all(table: Table, guesses: Mapping[str, Guesses], chosen: np.ndarray[Any, Any]) -> list[Guessed]:
    chances = table.chance[_first_slots(table)][chosen]
    related = table.related[chosen]
    return [
        Guessed(name, *(score(right[chosen], related, chances, len(guesses)) for right in (one.most, one.least)))
        for name, one in guesses.items()
    ]


def _list_groups(table: Table, guesses: Mapping[str, Guesses]) -> Iterator[Group]:
    for dimension in DIMENSIONS:
        places: dict[str, list[int]] = {}
        for place, asked in enumerate(table.rows):
            if value := asked.groups.get(dimension):
                places.setdefault(value, []).append(place)
        for value, mine in sorted(places.items(), key=lambda item: (-len(item[1]), item[0])):
            if len(mine) < LEAST:
                yield Group(dimension, value, len(mine), None, None)
                continue
            chosen = _flags(table, mine)
            words, _ = count_words(table, chosen, 1)
            best = _find_best(_score_all(table, guesses, chosen))
            yield Group(dimension, value, len(mine), best, next(iter(words), None))


def _find_best(guessers: Sequence[Guessed]) -> Guessed | None:
    """The guesser that is right most often, the first of equal ones."""
    return max(guessers, key=lambda one: one.most.right, default=None)


def _learn(rows: Sequence[Asked], most: int) -> Guessed | None:
    """Return the results of a trained model on a sample of the rows, in the order of their ids."""
    if not most:
        return None
    from audiomcq_cli.probe.learning import learn
    from audiomcq_cli.probe.sample import Sample

    sample = Sample(most)
    sample.add(rows)
    table = make_table(sorted(sample.rows, key=lambda one: one.id))
    if len(table.rows) < LEAST:
        return None
    return _score_all(table, {"learned": learn(table)}, _flags(table, None))[0]


def _flags(table: Table, places: Sequence[int] | None) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a mask of the chosen rows: those at some places, or all."""
    import numpy as np

    flags = np.full(len(table.rows), places is None)
    if places is not None:
        flags[places] = True
    return flags


def _first_slots(table: Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    import numpy as np

    return np.searchsorted(table.row, np.arange(len(table.rows)), side="left")


def _describe(one: Guessed) -> dict[str, Any]:
    return {
        "guesser": one.guesser,
        "goes_by": GUESSERS.get(one.guesser, "a logistic regression over words of question and option"),
        "rows": one.most.rows,
        "right": one.most.right,
        "share": _round(one.most.share),
        "interval": [_round(one.most.low), _round(one.most.high)],
        "chance": _round(one.most.chance),
        "excess": _round(one.most.excess),
        "least_likely": _round(one.least.share),
        "least_likely_interval": [_round(one.least.low), _round(one.least.high)],
    }


def _describe_group(one: Group) -> dict[str, Any]:
    best = one.best
    return {
        "rows": one.rows,
        "guessable": _round(best.most.share) if best else None,
        "note": "" if best else tell_few(one.rows),
        "best": {name: value for name, value in _describe(best).items() if name != "goes_by"} if best else None,
        "word": _describe_count(one.word) if one.word else None,
    }


def _describe_count(one: Counted) -> dict[str, Any]:
    return {"name": one.name, "offered": one.offered, "key": one.key, "chance": round(one.chance, 2)}


def _round(share: float) -> float:
    return round(share, _DIGITS)
