"""Reports the progress of reading sources and question sets, and ends it at a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from audiomcq_cli.engine.extent import UNKNOWN, Extent
from audiomcq_cli.engine.progress import Pace, Progress, Standing

T = TypeVar("T")

Watch = Callable[[str, int, Extent], None]
"""Called every ``WATCHED`` rows with what is read, the number of rows so far, and how much there is."""

WATCHED = 200


def watched(rows: Iterable[T], name: str, watch: Watch | None, extent: Extent = UNKNOWN) -> Iterator[T]:
    """Yield the rows of a source or question set; report the count so far every ``WATCHED`` rows and at the end."""
    number = 0
    for number, row in enumerate(rows, start=1):
        if watch and number % WATCHED == 1:
            watch(name, number - 1, extent)
        yield row
    if watch:
        watch(name, number, extent)


class Watching:
    """Reports the progress of reading, and ends it when the run is to stop."""

    def __init__(self, stage: str, raise_if_stopping: Callable[[], None], progress: Progress) -> None:
        """Report for the stage that reads."""
        self._stage = stage
        self._raise_if_stopping = raise_if_stopping
        self._progress = progress
        self._name = ""
        self._pace = Pace()

    def __call__(self, name: str, rows: int, extent: Extent) -> None:
        """Report progress; called in the thread that reads."""
        self._raise_if_stopping()
        if name != self._name:
            self._name, self._pace = name, Pace()
        self._pace.advance(rows - self._pace.done, {})
        rate, left, _ = self._pace.look(extent.rows)
        self._progress.show(
            Standing(
                what=f"{self._stage}: reading {name}",
                done=rows,
                total=extent.rows,
                about=extent.about,
                size=extent.size,
                rate=rate,
                left=left,
            )
        )
