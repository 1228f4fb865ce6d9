"""A diff as text for a terminal, as Markdown ready for GitHub, and as plain data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audiomcq_cli.release.diff import COUNTED, Change, Diff
from audiomcq_cli.release.markdown import escape

_NAMES = {
    "question_type": "type",
    "source_dataset": "source",
    "audio_contribution": "label",
    "subset": "subset",
}
_WIDTH = 70  # signs of a value that are shown


@dataclass(frozen=True, slots=True)
class Part:
    """A table of a diff; ``folded`` where it is long, ``total`` where only the first of so many are in it."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    folded: bool = False
    total: int = 0


def render_text(diff: Diff) -> str:
    """A diff as text, in aligned columns."""
    blocks = [_summarise(diff)]
    for part in _list_parts(diff):
        blocks.append(f"{part.title}{_tell_rest(part)}\n{_align(part)}")
    return "\n\n".join(blocks) + "\n"


def render_markdown(diff: Diff) -> str:
    """A diff as Markdown: tables, and long lists that can be opened; whatever stands in rows is but text."""
    blocks = [f"### {_escape(_name(diff))}", _escape(_summarise(diff, named=False))]
    for part in _list_parts(diff):
        title = f"{part.title}{_tell_rest(part)}"
        table = _tabulate(part)
        folded = f"<details>\n<summary>{title}</summary>\n\n{table}\n\n</details>"
        blocks.append(folded if part.folded else f"**{title}**\n\n{table}")
    return "\n\n".join(blocks) + "\n"


def as_data(diff: Diff) -> dict[str, Any]:
    """A diff as plain data, for ``--json``."""

    def pairs(counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
        return [{"old": old, "new": new, "rows": rows} for (old, new), rows in sorted(counts.items())]

    def before_after(found: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
        return {name: {"old": old, "new": new} for name, (old, new) in found.items()}

    return {
        "old": {"name": diff.old, "version": diff.old_version, "rows": diff.rows[0]},
        "new": {"name": diff.new, "version": diff.new_version, "rows": diff.rows[1]},
        "differs": diff.differs,
        "rows": {"added": diff.added, "removed": diff.removed, "changed": diff.changed},
        "columns": dict(diff.columns.most_common()),
        "moved": pairs(diff.moved),
        "flipped": pairs(diff.flipped),
        "counts": {name: before_after(values) for name, values in diff.counts.items()},
        "schema": before_after(diff.schema),
        "configs": before_after(diff.configs),
        "breaks": diff.breaks,
        "files": {"same": diff.files[0], "all": diff.files[1]},
        "listed": {
            "added": diff.added_ids,
            "removed": diff.removed_ids,
            "changed": [asdict(change) for change in diff.changes],
            "flipped": [asdict(flip) for flip in diff.flips],
        },
    }


def describe_flips(flipped: Mapping[tuple[str, str], int]) -> str:
    """Labels that flipped, as ``weak → strong 3, strong → weak 1``."""
    return ", ".join(f"{old} → {new} {rows:,}" for (old, new), rows in sorted(flipped.items(), key=_by_count))


def describe_votes(votes: Sequence[Mapping[str, Any]]) -> str:
    """How many judges were right, and what each said."""
    statuses = Counter(str(vote.get("status")) for vote in votes)
    told = ", ".join(f"{vote.get('judge')} {vote.get('status')}" for vote in votes)
    return f"{statuses['right']} of {len(votes)} right: {told}" if votes else "no votes"


def _name(diff: Diff) -> str:
    names = []
    for name, version in ((diff.old, diff.old_version), (diff.new, diff.new_version)):
        names.append(f"{name} ({version})" if version else name)
    return " → ".join(names)


def _summarise(diff: Diff, *, named: bool = True) -> str:
    name = f"{_name(diff)}\n" if named else ""
    if not diff.differs:
        return f"{name}No differences: {diff.rows[0]:,} rows."
    flipped = sum(diff.flipped.values())
    return (
        f"{name}{diff.rows[0]:,} → {diff.rows[1]:,} rows: {diff.added:,} added, {diff.removed:,} removed,"
        f" {diff.changed:,} changed; {flipped:,} {'label' if flipped == 1 else 'labels'} flipped,"
        f" {sum(diff.moved.values()):,} moved between subsets; {diff.files[0]:,} of {diff.files[1]:,} data files are"
        " the same."
    )


def _list_parts(diff: Diff) -> Iterator[Part]:
    """The tables of a diff that have something in them."""
    for title, found in (("Columns", diff.schema), ("Configs", diff.configs)):
        if found:
            pairs = [(name, old or "not there", new or "gone") for name, (old, new) in found.items()]
            yield Part(title, (title.lower().removesuffix("s"), "old", "new"), pairs)
    if diff.differs:
        for name in COUNTED:
            if counts := diff.counts.get(name):
                rows = [(value, old, new, _sign(new - old)) for value, (old, new) in counts.items()]
                yield Part(f"Rows by {_NAMES[name]}", (_NAMES[name], "old", "new", "change"), rows)
    if diff.columns:
        yield Part("Rows changed by column", ("column", "rows"), diff.columns.most_common())
    for title, counts_ in (("Moved between subsets", diff.moved), ("Labels flipped", diff.flipped)):
        if counts_:
            rows_ = [(old, new, rows) for (old, new), rows in sorted(counts_.items(), key=_by_count)]
            yield Part(title, ("from", "to", "rows"), rows_)
    yield from _list_rows(diff)


def _list_rows(diff: Diff) -> Iterator[Part]:
    """The tables that name rows."""
    if diff.flips:
        flips = [
            (flip.id, _cut(flip.question, 0), f"{flip.old} ({describe_votes(flip.old_votes)})",
             f"{flip.new} ({describe_votes(flip.new_votes)})")
            for flip in diff.flips
        ]  # fmt: skip
        yield Part("Flips with their votes", ("id", "question", "old", "new"), flips, True, sum(diff.flipped.values()))
    if diff.changes:
        cells = [(change.id, change.column, *_tell_cell(change)) for change in diff.changes]
        ids = len({change.id for change in diff.changes})
        rest = diff.changed if diff.changed > ids else len(cells)
        yield Part("Changed rows, column by column", ("id", "column", "old", "new"), cells, True, rest)
    for title, ids_, total in (("Added", diff.added_ids, diff.added), ("Removed", diff.removed_ids, diff.removed)):
        if ids_:
            yield Part(title, ("id",), [(id,) for id in ids_], True, total)


def _tell_rest(part: Part) -> str:
    shown = len({str(row[0]) for row in part.rows})
    return f" (first {shown:,} of {part.total:,} rows)" if part.total > len(part.rows) else ""


def _tell_cell(change: Change) -> tuple[str, str]:
    """A cell before and after, as text."""
    if change.column == "votes":
        return describe_votes(change.old or []), describe_votes(change.new or [])
    return _shorten_pair(change.old, change.new)


def _shorten_pair(old: Any, new: Any) -> tuple[str, str]:
    """Two values as text around the place where they begin to differ."""
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


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else " ".join(str(cell).split())


def _numbers(part: Part) -> list[bool]:
    """Which columns are set to the right."""
    return [name == "change" or all(isinstance(row[n], int) for row in part.rows) for n, name in enumerate(part.head)]


def _align(part: Part) -> str:
    """A table in columns of spaces; the last one is not filled up."""
    lines = [list(part.head), *([_text(cell) for cell in row] for row in part.rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(part.head))]
    numbers = _numbers(part)
    return "\n".join(
        "  "
        + "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    )


def _escape(text: str) -> str:
    """Text that means itself; a word joiner keeps GitHub from telling somebody that a caption has named them."""
    return escape(text).replace("@", "@\u2060")


def _tabulate(part: Part) -> str:
    """A table of Markdown."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    rule = ["---:" if number else "---" for number in _numbers(part)]
    rows = (line(_escape(_text(cell)) for cell in row) for row in part.rows)
    return "\n".join((line(map(escape, part.head)), line(rule), *rows))
