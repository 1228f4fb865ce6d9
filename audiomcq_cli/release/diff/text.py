"""A diff as text for a terminal, as Markdown ready for GitHub, and as plain data."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from audiomcq_cli.release.diff.compare import Diff
from audiomcq_cli.release.diff.parts import Pair, Pairs, Part, Patch, Table, list_parts
from audiomcq_cli.release.markdown import escape


def render_text(diff: Diff, *, width: int = 80, full: bool = False) -> str:
    """Return a diff as text in lines of at most ``width``, except for longer words; ``full`` includes bookkeeping."""
    blocks = [_name(diff) + "\n" + "\n".join(_wrap(_summarise(diff, full=full), width))]
    for part in list_parts(diff, full=full):
        body = (
            _show_table(part, width) if isinstance(part, Table)
            else _show_pairs(part.pairs, width) if isinstance(part, Pairs)
            else [f"  {line}" for line in part.lines]
        )  # fmt: skip
        blocks.append("\n".join([_head(part), *body]))
    return "\n\n".join(blocks) + "\n"


def render_markdown(diff: Diff, *, full: bool = False) -> str:
    """Return a diff as Markdown: tables, and long lists that can be opened. Text from rows is escaped."""
    blocks = [f"### {_escape(_name(diff))}", _escape(_summarise(diff, full=full))]
    for part in list_parts(diff, full=full):
        title = _escape(_head(part))
        if isinstance(part, Patch):
            blocks.append(f"<details>\n<summary>{title}</summary>\n\n{_fence(part.lines)}\n\n</details>")
            continue
        table = _tabulate(part if isinstance(part, Table) else _list_pairs(part))
        folded = f"<details>\n<summary>{title}</summary>\n\n{table}\n\n</details>"
        blocks.append(folded if part.folded else f"**{title}**\n\n{table}")
    return "\n\n".join(blocks) + "\n"


def as_data(diff: Diff) -> dict[str, Any]:
    """Return a diff as plain data, for ``--json``."""

    def pairs(counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
        return [{"old": old, "new": new, "rows": rows} for (old, new), rows in sorted(counts.items())]

    def before_after(found: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
        return {name: {"old": old, "new": new} for name, (old, new) in found.items()}

    return {
        "old": {"name": diff.old, "version": diff.old_version, "rows": diff.rows[0]},
        "new": {"name": diff.new, "version": diff.new_version, "rows": diff.rows[1]},
        "differs": diff.differs,
        "rows_differ": diff.rows_differ,
        "rows": {"added": diff.added, "removed": diff.removed, "changed": diff.changed},
        "bookkeeping_only": diff.unseen,
        "sources": {name: {"added": one, "removed": other} for name, (one, other) in sorted(diff.sources.items())},
        "columns": dict(diff.columns.most_common()),
        "moved": pairs(diff.moved),
        "flipped": pairs(diff.flipped),
        "counts": {name: before_after(values) for name, values in diff.counts.items()},
        "schema": before_after(diff.schema),
        "configs": before_after(diff.configs),
        "card": before_after(diff.card),
        "recipe": before_after(diff.settings),
        "prompts": before_after(diff.prompts),
        "breaks": diff.breaks,
        "files": {"same": diff.files[0], "all": diff.files[1]},
        "listed": {
            "added": diff.added_ids,
            "removed": diff.removed_ids,
            "changed": [asdict(change) for change in diff.changes],
            "flipped": [asdict(flip) for flip in diff.flips],
        },
    }


def _name(diff: Diff) -> str:
    names = []
    for name, version in ((diff.old, diff.old_version), (diff.new, diff.new_version)):
        names.append(f"{name} ({version})" if version else name)
    return " → ".join(names)


def _summarise(diff: Diff, *, full: bool) -> str:
    if not diff.differs:
        return f"No differences: {diff.rows[0]:,} rows."
    parts = [] if diff.rows_differ else [f"The rows are the same: {diff.rows[0]:,}."]
    if diff.rows_differ:
        flipped = diff.flipped.total()
        parts.append(
            f"{diff.rows[0]:,} → {diff.rows[1]:,} rows: {diff.added:,} added, {diff.removed:,} removed,"
            f" {diff.changed:,} changed; {flipped:,} {'label' if flipped == 1 else 'labels'} flipped,"
            f" {diff.moved.total():,} moved between subsets; {diff.files[0]:,} of {diff.files[1]:,} data files are"
            " the same."
        )
    if diff.unseen and not full:
        parts.append(f"Of {diff.unseen:,} changed rows only journal keys and hashes are others (see --full).")
    others = [
        f"{len(found):,} {noun if len(found) == 1 else f'{noun}s'}"
        for noun, found in (("fact of the card", diff.card), ("setting", diff.settings), ("prompt", diff.prompts))
        if found
    ]
    if others:
        parts.append(f"Changed beside the rows: {', '.join(others).replace('fact of the cards', 'facts of the card')}.")
    return " ".join(parts)


def _head(part: Part) -> str:
    """Return the title of a part, with how much of it is shown."""
    if isinstance(part, Patch):
        return part.title
    told = part.things if isinstance(part, Pairs) else len(part.rows)
    return f"{part.title} (first {told:,} of {part.total:,} rows)" if part.total > told else part.title


# ------------------------------------------------------------------------------------------------------------ text


def _show_table(table: Table, width: int) -> list[str]:
    """Return a table aligned with spaces; if it is too wide, values before and after are put below each other."""
    lines = [list(table.head), *([_text(cell) for cell in row] for row in table.rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(table.head))]
    if sum(widths) + 2 * len(widths) > width and table.head[-2:] == ("old", "new"):
        rows = [[str(cell) for cell in row] for row in table.rows]
        return _show_pairs([Pair("", name, old, new) for name, old, new in rows], width)
    numbers = _numbers(table)
    return [
        "  " + "  ".join(cell.rjust(size) if number else cell.ljust(size)
                         for cell, size, number in zip(line, widths, numbers, strict=True)).rstrip()
        for line in lines
    ]  # fmt: skip


def _show_pairs(pairs: Sequence[Pair], width: int) -> list[str]:
    """Return values before and after, below each other, under the name of the thing."""
    lines: list[str] = []
    wide = min(max((len(pair.name) for pair in pairs), default=0), 20)
    for of, some in groupby(pairs, key=lambda pair: pair.of):
        indent = "    " if of else "  "
        lines += [f"  {_text(of)}"] if of else []
        for pair in some:
            name = f"{indent}{pair.name:{wide}}"
            if len(pair.name) > wide:  # a long name has a line of its own
                lines.append(name)
                name = indent + " " * wide
            both = ((" ", pair.new),) if pair.old == pair.new else (("-", pair.old), ("+", pair.new))
            for mark, value in both:
                lines += _wrap(_text(value), width, f"{name} {mark} ", " " * len(f"{name} {mark} "))
                name = indent + " " * wide
    return lines


def _wrap(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Wrap a text to a width; longer words stay whole."""
    width = max(width, len(rest) + 20)
    found = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return found or [first.rstrip()]


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else " ".join(str(cell).split())


def _numbers(table: Table) -> list[bool]:
    """Return which columns are aligned to the right."""
    return [name == "change" or all(isinstance(row[n], int) for row in table.rows) for n, name in enumerate(table.head)]


# -------------------------------------------------------------------------------------------------------- Markdown


def _list_pairs(part: Pairs) -> Table:
    """Return values before and after as a table."""
    rows = [(pair.of, pair.name, pair.old, pair.new if pair.new != pair.old else "") for pair in part.pairs]
    return Table(part.title, (part.of, part.name, "old", "new"), rows)


def _escape(text: str) -> str:
    """Escape text for Markdown. A word joiner keeps GitHub from notifying a user whom a caption happens to name."""
    return escape(text).replace("@", "@\u2060")


def _fence(lines: Sequence[str]) -> str:
    """Return lines as a code block that no line can close; a word joiner follows each @, as in ``_escape``."""
    whole = [_flatten(line).replace("@", "@\u2060") for line in lines]
    longest = max((len(run) for line in whole for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}diff", *whole, fence])


def _flatten(line: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in line)


def _tabulate(table: Table) -> str:
    """Return a table as Markdown."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    rule = ["---:" if number else "---" for number in _numbers(table)]
    rows: Iterator[str] = (line(_escape(_text(cell)) for cell in row) for row in table.rows)
    return "\n".join((line(map(escape, table.head)), line(rule), *rows))
