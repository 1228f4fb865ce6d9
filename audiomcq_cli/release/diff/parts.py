"""Arranges a diff for a reader: tables, values before and after, and changed texts, in their order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiomcq_cli.release.diff.compare import ASKED, BOOKKEEPING, COUNTED, Change, Diff
from audiomcq_cli.release.diff.made import WRITTEN, compare_texts

_NAMES = {
    "question_type": "type",
    "source_dataset": "source",
    "audio_contribution": "label",
    "subset": "subset",
}
_WIDTH = 70  # characters of a long value that are shown
_TOLD = ("votes", "audio_contribution")
_LINES = 20  # lines of a changed text that are shown


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``folded`` if it is long, ``total`` if it holds only the first rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    folded: bool = False
    total: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A value before and after. An unchanged value is shown once, as context."""

    of: str
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Values before and after, grouped by thing; ``total`` if only the first things are shown.

    ``of`` names the kind of thing, ``name`` the thing whose values they are.
    """

    title: str
    of: str
    name: str
    pairs: Sequence[Pair]
    folded: bool = False
    total: int = 0

    @property
    def things(self) -> int:
        """Number of things in this part."""
        return len({pair.of for pair in self.pairs})


@dataclass(frozen=True, slots=True)
class Patch:
    """The lines of a text that changed, marked by ``-`` and ``+``."""

    title: str
    lines: Sequence[str]


Part = Table | Pairs | Patch


def list_parts(diff: Diff, *, full: bool = False) -> Iterator[Part]:
    """Yield the parts of a diff that are not empty; ``full`` includes bookkeeping and shows changed
    texts to their end.
    """
    for title, of, found in (
        ("Card", "fact", {name: pair for name, pair in diff.card.items() if name != WRITTEN}),
        ("Recipe", "setting", diff.settings),
    ):
        if found:
            yield Table(title, (of, "old", "new"), [(name, *_tell(*pair)) for name, pair in found.items()])
    for name, (old, new) in ((WRITTEN, diff.card.get(WRITTEN, (None, None))), *diff.prompts.items()):
        if old != new:
            lines = compare_texts(old or "", new or "")
            what = f"Prompt {name}" if name != WRITTEN else "Text of people in the card"
            title = f"{what}: is new" if old is None else f"{what}: is gone" if new is None else what
            rest = [f"… and {len(lines) - _LINES:,} more lines (--full)"] if len(lines) > _LINES and not full else []
            yield Patch(title, [*(lines if full else lines[:_LINES]), *rest])
    for title, found in (("Columns", diff.schema), ("Configs", diff.configs)):
        if found:
            rows = [(name, old or "not there", new or "gone") for name, (old, new) in found.items()]
            yield Table(title, (title.lower().removesuffix("s"), "old", "new"), rows)
    yield from _list_counts(diff, full=full)
    yield from _list_rows(diff, full=full)


def describe_flips(flipped: Mapping[tuple[str, str], int]) -> str:
    """Return labels that flipped, as ``weak → strong 3, strong → weak 1``."""
    return ", ".join(f"{old} → {new} {rows:,}" for (old, new), rows in sorted(flipped.items(), key=_by_count))


def describe_votes(votes: Sequence[Mapping[str, Any]]) -> str:
    """Return how many judges were right, and the answer of each."""
    statuses = Counter(str(vote.get("status")) for vote in votes)
    told = ", ".join(f"{vote.get('judge')} {vote.get('status')}" for vote in votes)
    return f"{statuses['right']} of {len(votes)} right: {told}" if votes else "no votes"


def _list_counts(diff: Diff, *, full: bool) -> Iterator[Part]:
    """Yield the tables of row counts that changed."""
    if diff.sources:
        rows = [(name, *pair) for name, pair in sorted(diff.sources.items())]
        yield Table("Rows added and removed by source", ("source", "added", "removed"), rows)
    for name in COUNTED:
        counts = diff.counts.get(name, {})
        if any(old != new for old, new in counts.values()):
            of_values = [(value, old, new, _sign(new - old)) for value, (old, new) in counts.items()]
            yield Table(f"Rows by {_NAMES[name]}", (_NAMES[name], "old", "new", "change"), of_values)
    columns = diff.columns if full else diff.seen
    if columns:
        yield Table("Rows changed by column", ("column", "rows"), columns.most_common())
    for title, pairs in (("Moved between subsets", diff.moved), ("Labels flipped", diff.flipped)):
        if pairs:
            ordered = [(old, new, count) for (old, new), count in sorted(pairs.items(), key=_by_count)]
            yield Table(title, ("from", "to", "rows"), ordered)


def _list_rows(diff: Diff, *, full: bool) -> Iterator[Part]:
    """Yield the parts that list rows."""
    if diff.flips:
        told = []
        for flip in diff.flips:
            told += [
                Pair(flip.id, "question", flip.question, flip.question),
                Pair(flip.id, "label", flip.old, flip.new),
                *_tell_changes(
                    [one for one in diff.changes if one.id == flip.id and one.column not in _TOLD], full=full
                ),
                Pair(flip.id, "votes", describe_votes(flip.old_votes), describe_votes(flip.new_votes)),
            ]
        yield Pairs("Flips with their votes", "id", "column", told, True, diff.flipped.total())
    flips = {flip.id for flip in diff.flips}
    changes = [one for one in diff.changes if one.id not in flips]
    asked = {change.id for change in changes if change.column in ASKED}
    for title, of, total in (
        ("Changed questions", asked, diff.asked),
        ("Changed rows", {change.id for change in changes} - asked, diff.changed - diff.asked - diff.flipped.total()),
    ):
        pairs = list(_tell_changes([change for change in changes if change.id in of], full=full))
        if pairs:
            yield Pairs(title, "id", "column", pairs, True, total if full else total - _unseen(diff, of, asked))
    for title, ids, total in (("Added", diff.added_ids, diff.added), ("Removed", diff.removed_ids, diff.removed)):
        if ids:
            yield Table(title, ("id",), [(id,) for id in ids], True, total)


def _unseen(diff: Diff, of: set[str], asked: set[str]) -> int:
    """Return the number of rows left out because only bookkeeping changed; rows whose question changed are never left
    out.
    """
    return 0 if of is asked else diff.unseen


def _tell_changes(changes: Sequence[Change], *, full: bool) -> Iterator[Pair]:
    """Yield cells before and after: the question first and whole, the others around their first difference."""
    order = {name: place for place, name in enumerate(ASKED)}
    ids = {id: place for place, id in enumerate(dict.fromkeys(change.id for change in changes))}
    for change in sorted(changes, key=lambda one: (ids[one.id], order.get(one.column, len(order)))):
        if change.column in BOOKKEEPING and not full:
            continue
        old, new = change.old, change.new
        if change.column == "votes":
            old, new = describe_votes(old or []), describe_votes(new or [])
            if full or old != new:
                yield Pair(change.id, "votes", old, new)
        elif change.column == "choices":
            yield Pair(change.id, "choices", *(" · ".join(map(str, one or ())) for one in (old, new)))
        elif change.column in ASKED or full:
            yield Pair(change.id, change.column, _plain(old), _plain(new))
        else:
            yield Pair(change.id, change.column, *_shorten_pair(old, new))


def _tell(old: str | None, new: str | None) -> tuple[str, str]:
    """Return a setting before and after, as text."""
    return ("not there" if old is None else old or '""'), ("gone" if new is None else new or '""')


def _shorten_pair(old: Any, new: Any) -> tuple[str, str]:
    """Return two values as text around the place where they begin to differ."""
    one, other = _plain(old), _plain(new)
    if max(len(one), len(other)) <= _WIDTH:
        return one, other
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - _WIDTH // 3)
    return _cut(one, start), _cut(other, start)


def _cut(text: str, start: int) -> str:
    end = start + _WIDTH
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _sign(change: int) -> str:
    return f"{change:+,}" if change else "="


def _by_count(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    return -item[1], item[0]
