"""Shows the progress of a stage: one live line in a terminal, a plain line a minute elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiomcq_cli.cli.console import Out, describe_time, printable

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from audiomcq_cli.engine.progress import Standing

LINE_SECONDS = 60.0
"""Seconds between progress lines if stderr is not a terminal."""

REFRESHES = 4
"""Refreshes of the live line per second."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the line: its words, and its rank. In a line that is too long, rank 0 is dropped last."""

    words: str
    rank: int


class StageProgress:
    """Shows the progress of a stage.

    The live line is for people who watch, not for a pipe, a file or a CI job, even if those ask for colours.
    """

    def __init__(self, out: Out, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._said = clock()
        self._live: Live | None = None
        self._standing: Standing | None = None

    def begin(self, stage: str, shards: int, rows: int | None) -> None:
        """Begin a stage; ``show`` displays it."""
        self._said = self._clock()

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        """Ignore single rows."""

    def show(self, standing: Standing) -> None:
        """Show the progress."""
        self._standing = standing
        if self._out.quiet:
            return
        if _is_watched(self._out):
            self._open_live()
        elif self._clock() - self._said >= LINE_SECONDS:
            self._said = self._clock()
            self._out.say(describe_standing(standing))

    def say(self, message: str) -> None:
        """Print a line for people."""
        self._out.say(message)

    def end(self) -> None:
        """End the stage."""
        live, self._live, self._standing = self._live, None, None
        if live is not None:
            live.stop()

    def _open_live(self) -> None:
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                get_renderable=self._render,
                console=self._out.people,
                refresh_per_second=REFRESHES,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _render(self) -> Text:
        from rich.text import Text

        width = self._out.people.width - 1  # in the last column some terminals begin a new line
        line = describe_standing(self._standing, width) if self._standing else ""
        return Text(line, no_wrap=True, overflow="ellipsis")


def describe_standing(standing: Standing, width: int | None = None) -> str:
    """Return the progress in a line; the least important parts are dropped if they do not fit ``width``."""
    parts = _list_parts(standing)
    line = _join(standing, parts)
    while width is not None and len(line) > width and parts:
        last = max(part.rank for part in parts)
        parts = [part for part in parts if part.rank < last]
        line = _join(standing, parts)
    return line


def _join(standing: Standing, parts: Sequence[Part]) -> str:
    return printable(", ".join([f"{standing.what}: {_describe_done(standing)}", *(part.words for part in parts)]))


def _describe_done(standing: Standing) -> str:
    if standing.total is None:
        of = f" of {_describe_size(standing.size)}" if standing.size else ""
        return f"{standing.done:,} {standing.unit}{of}"
    about = "about " if standing.about else ""
    return f"{standing.done:,} of {about}{standing.total:,} {standing.unit}"


def _list_parts(standing: Standing) -> list[Part]:
    """Return the parts of the line after the number of rows, in order."""
    kept, rejected, failed = (standing.outcomes.get(name, 0) for name in ("kept", "rejected", "failed"))
    tokens = standing.prompt_tokens + standing.completion_tokens
    rate = standing.rate
    found: list[tuple[bool, str, int]] = [
        (bool(standing.total and not standing.about), f"{_percent(standing)} %", 5),
        (standing.from_journal, "from the journal", 1),
        (not standing.from_journal and standing.left is not None, f"{describe_time(standing.left)} left", 1),
        (_is_open(standing) and standing.seconds >= 1, f"{describe_time(standing.seconds)} so far", 1),
        (rate is not None, _describe_rate(rate or 0.0), 2),
        (failed > 0, f"{failed:,} failed", 0),
        (standing.calls > 0, f"{standing.calls:,} calls", 4),
        (tokens > 0, f"{_shorten(tokens)} tokens", 4),
        (standing.cost is not None, f"{standing.cost or 0:,.4f} in money", 3),
        (kept > 0, f"{kept:,} kept", 6),
        (rejected > 0, f"{rejected:,} rejected", 6),
        (standing.known > 0 and not standing.from_journal, f"{standing.known:,} from the journal", 7),
    ]
    return [Part(words, rank) for is_known, words, rank in found if is_known]


def _is_open(standing: Standing) -> bool:
    """Return whether the time left is unknown."""
    return standing.left is None and not standing.from_journal


def _percent(standing: Standing) -> int:
    return 100 * standing.done // standing.total if standing.total else 0


def _describe_rate(rate: float) -> str:
    """Return a rate in rows a second, minute or hour, so that the number is readable."""
    for unit, seconds in (("s", 1), ("min", 60)):
        if rate * seconds >= 1:
            return f"{rate * seconds:,.1f}/{unit}"
    return f"{rate * 3600:,.1f}/h"


def _shorten(count: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= 10 * size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,}"


def _describe_size(size: int) -> str:
    for unit, each in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= each:
            return f"{size / each:,.1f} {unit}"
    return f"{size} bytes"


def _is_watched(out: Out) -> bool:
    """Return whether stderr is a terminal that somebody watches: colours may be forced upon a file, and CI has
    terminals.
    """
    people = out.people
    return sys.stderr.isatty() and people.is_terminal and not people.is_dumb_terminal and not os.environ.get("CI")
