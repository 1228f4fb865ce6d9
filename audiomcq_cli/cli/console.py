"""The one output object: data on stdout, everything for people on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiomcq_cli.cli.streams import holds_unicode, silence, write_data

if TYPE_CHECKING:
    from rich.console import Console


class Out:
    """The outlet for everything that is printed."""

    def __init__(self) -> None:
        self._people: Console | None = None
        self.quiet = False
        """Print errors only (``--quiet``)."""
        self.verbose = False
        """Print details (``--verbose``)."""
        self.summary: dict[str, Any] = {}
        """Document that ``--json`` prints when the command ends, well or not. Commands add to it as they go."""

    @property
    def people(self) -> Console:
        """The console on stderr."""
        if self._people is None:
            from rich.console import Console

            class People(Console):
                def on_broken_pipe(self) -> None:  # rich would end the program and send stdout nowhere
                    silence(sys.stderr)

            self._people = People(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        return self._people

    def say(self, message: str, *, style: str = "") -> None:
        """Print a line for people. Text from rows is not read as markup and cannot control the terminal."""
        if not self.quiet:
            self._print(printable(message), style)

    def detail(self, message: str) -> None:
        """Print a line for people who asked for details."""
        if self.verbose:
            self.say(message)

    def error(self, message: str, hint: str = "") -> None:
        """Print an error and its hint."""
        self._print(f"error: {printable(message)}", "bold red")
        if hint:
            self._print(f"  hint: {printable(hint)}")

    def data(self, text: str) -> None:
        """Print the result of a command; raises ``StorageError`` if it cannot be written."""
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")  # a path may hold lone surrogates
        if not write_data(text if text.endswith("\n") else text + "\n"):
            raise SystemExit(0)

    def json(self, value: Any) -> None:
        """Print one machine-readable value."""
        self.data(json.dumps(value, indent=2, ensure_ascii=not holds_unicode(sys.stdout)))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table for people; numbers are aligned to the right, and empty columns are left out.

        In a terminal that is too narrow, each row becomes its first cell, with the other cells and their headings
        below.
        """
        from rich import box
        from rich.table import Table
        from rich.text import Text

        used = [n for n in range(len(columns)) if not rows or any(row[n] != "" for row in rows)]
        columns, rows = [columns[n] for n in used], [[row[n] for n in used] for row in rows]
        texts = [[f"{cell:,}" if isinstance(cell, int) else printable(str(cell)) for cell in row] for row in rows]
        widths = [max((len(row[index]) for row in texts), default=0) for index in range(len(columns))]
        words = [max(map(len, column.split())) for column in columns]
        width, needed = self.people.width, sum(map(max, zip(widths, words, strict=True)))
        if needed + 2 * len(columns) > width:
            self.say("\n".join([title, *(line for row in texts for line in _stack(columns, row, width))]))
            return
        if needed + 3 * len(columns) < width:
            table = Table(title=title, title_justify="left")
        else:  # there is room without lines between columns
            table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
        for index, column in enumerate(columns):
            number = all(isinstance(row[index], int | float) for row in rows) and bool(rows)
            # Each word of a heading has its own line: otherwise rich would cut a name or a number before it wraps a
            # heading.
            table.add_column(column.replace(" ", "\n"), justify="right" if number else "left", no_wrap=True)
        for row in texts:
            table.add_row(*map(Text, row))
        if not self.quiet:
            self._print(table)

    def _print(self, what: Any, style: str = "") -> None:
        """Print on stderr; if it is gone, the work continues without messages."""
        try:
            self.people.print(what, style=style or None, markup=False)
        except OSError:
            silence(sys.stderr)


def _stack(columns: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """Return a row as lines: its first cell, then the other filled cells behind their headings, as
    many as fit a line.
    """
    lines = [row[0]]
    for part in (f"{name} {cell}" for name, cell in zip(columns[1:], row[1:], strict=True) if cell):
        if len(lines) > 1 and len(lines[-1]) + len(part) + 3 < width:
            lines[-1] += f", {part}"
        else:
            lines.append(f"  {part}")
    return lines


def printable(text: str) -> str:
    """Return a text with control characters and direction marks shown as escapes: captions and
    replies are not trusted.
    """
    return re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
        lambda found: found[0].encode("unicode_escape").decode(),
        text,
    )


def describe_reasons(reasons: Mapping[str, Mapping[str, int]]) -> str:
    """Return the reason codes with their counts, most frequent first."""
    counts = Counter({code: count for codes in reasons.values() for code, count in codes.items()})
    return ", ".join(f"{code} {count:,}" for code, count in counts.most_common())


def describe_time(seconds: float | None) -> str:
    """Return a time in a suitable unit."""
    if seconds is None:
        return "?"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} s"


def describe_spent(spent: Mapping[str, Any]) -> str:
    """Return calls, tokens and money by model in one line."""
    calls, retries = sum(spent["calls"].values()), sum(spent["retries"].values())
    prompt, completion = sum(spent["prompt_tokens"].values()), sum(spent["completion_tokens"].values())
    again = f", {retries:,} sent again" if retries else ""
    money = f", {sum(spent['cost'].values()):,.4f} in money" if spent["cost"] else ""
    return f"{calls:,} calls{again}, {prompt:,} prompt and {completion:,} completion tokens{money}"


out = Out()
