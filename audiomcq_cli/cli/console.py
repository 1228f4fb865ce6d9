"""The one output object: data on stdout, everything for people on stderr, and what a stage shows while it works."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiomcq_cli.cli.streams import holds_unicode, silence, write_data

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

LINE_SECONDS = 60.0
"""Where stderr is no terminal, progress is a line this often."""


class Out:
    """Where everything that is printed goes through."""

    def __init__(self) -> None:
        self._people: Console | None = None
        self.quiet = False
        """Whether people want errors only (``--quiet``)."""
        self.verbose = False
        """Whether they want to know more (``--verbose``)."""
        self.summary: dict[str, Any] = {}
        """What ``--json`` prints when the command has ended, well or not; commands add to it as they go."""

    @property
    def people(self) -> Console:
        """The console on stderr."""
        if self._people is None:
            from rich.console import Console

            class People(Console):
                def on_broken_pipe(self) -> None:  # rich would end the program, and send stdout nowhere
                    silence(sys.stderr)

            self._people = People(stderr=True, highlight=False, soft_wrap=True)
        return self._people

    def say(self, message: str, *, style: str = "") -> None:
        """A line for people. Names and captions in it are no markup, and cannot steer the terminal."""
        if not self.quiet:
            self._print(printable(message), style)

    def detail(self, message: str) -> None:
        """A line for people who asked for more."""
        if self.verbose:
            self.say(message)

    def error(self, message: str, hint: str = "") -> None:
        """An error and what to do about it, for people."""
        self._print(f"error: {printable(message)}", "bold red")
        if hint:
            self._print(f"  hint: {printable(hint)}")

    def data(self, text: str) -> None:
        """Text that is the result of a command; raises ``StorageError`` where it cannot be written."""
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")  # a path may hold what is no Unicode
        if not write_data(text if text.endswith("\n") else text + "\n"):
            raise SystemExit(0)

    def json(self, value: Any) -> None:
        """One machine-readable value."""
        self.data(json.dumps(value, indent=2, ensure_ascii=not holds_unicode(sys.stdout)))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table for people; numbers stand to the right, and a column without a cell is left out.

        Where the terminal is too narrow each row is its first cell, and the others with their headings below it.
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
            # Each word of a heading on a line of its own: rich would cut a name or a number before it wraps a heading.
            table.add_column(column.replace(" ", "\n"), justify="right" if number else "left", no_wrap=True)
        for row in texts:
            table.add_row(*map(Text, row))
        if not self.quiet:
            self._print(table)

    def _print(self, what: Any, style: str = "") -> None:
        """Print on stderr; where nobody can read it, the work goes on without."""
        try:
            self.people.print(what, style=style or None, markup=False)
        except OSError:
            silence(sys.stderr)


def _stack(columns: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """A row as lines: its first cell, then the others that hold something, each behind its heading, as many as fit."""
    lines = [row[0]]
    for part in (f"{name} {cell}" for name, cell in zip(columns[1:], row[1:], strict=True) if cell):
        if len(lines) > 1 and len(lines[-1]) + len(part) + 3 < width:
            lines[-1] += f", {part}"
        else:
            lines.append(f"  {part}")
    return lines


class StageProgress:
    """Shows a stage at work: a live line in a terminal, a plain line a minute elsewhere."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._counts: Counter[str] = Counter()
        self._stage = ""
        self._began = self._said = time.monotonic()

    def begin(self, stage: str, shards: int, items: int | None) -> None:
        """A stage begins."""
        self._stage, self._counts = stage, Counter()
        self._began = self._said = time.monotonic()
        if not shards:
            return
        if self._out.people.is_terminal:
            from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self._out.people, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(stage, total=items)

    def advance(self, outcome: str, items: int) -> None:
        """Items were kept, rejected or failed."""
        self._counts[outcome] += items
        done = sum(self._counts.values())
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, description=f"{self._stage}  {self._describe()}")
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            rate = done / (self._said - self._began)
            self._out.say(f"{self._stage}: {done:,} items, {rate:,.1f} a second, {self._describe()}")

    def say(self, message: str) -> None:
        """A line for people."""
        self._out.say(message)

    def end(self) -> None:
        """The stage is over."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None

    def _describe(self) -> str:
        return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(self._counts.items()))


def printable(text: str) -> str:
    """Text with characters that steer a terminal, or turn the order of others round, shown as escapes.

    Captions and replies are not ours.
    """
    return re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
        lambda found: found[0].encode("unicode_escape").decode(),
        text,
    )


def describe_reasons(reasons: Mapping[str, Mapping[str, int]]) -> str:
    """Reason codes with their counts, most frequent first."""
    counts = Counter({code: count for codes in reasons.values() for code, count in codes.items()})
    return ", ".join(f"{code} {count:,}" for code, count in counts.most_common())


def describe_time(seconds: float | None) -> str:
    """A time in the unit that suits it."""
    if seconds is None:
        return "?"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} s"


def describe_spent(spent: Mapping[str, Any]) -> str:
    """Calls, tokens and money, by model in ``spent``, in a line."""
    calls, retries = sum(spent["calls"].values()), sum(spent["retries"].values())
    prompt, completion = sum(spent["prompt_tokens"].values()), sum(spent["completion_tokens"].values())
    again = f", {retries:,} sent again" if retries else ""
    money = f", {sum(spent['cost'].values()):,.4f} in money" if spent["cost"] else ""
    return f"{calls:,} calls{again}, {prompt:,} prompt and {completion:,} completion tokens{money}"


out = Out()
