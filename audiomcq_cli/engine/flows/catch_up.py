"""On a resume: asks for missing replies while known ones are still being read.

Rows leave a shard in the order in which they came, and a row whose replies are all known takes half a millisecond: with
90,000 of them before the first other one, the models would wait for a minute. So the point where the earlier run
stopped is found by bisection (nearly all rows before are known, nearly all after are not), and the rows from there on
are driven ahead. Only their replies are kept, in the journal, which has them when the row's turn comes; a call in
flight is shared. So neither the order nor the number of calls changes, and a row that is driven twice comes out the
same.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from audiomcq_cli import parquet
from audiomcq_cli.contracts import Row
from audiomcq_cli.engine.flows.drive import Driven
from audiomcq_cli.errors import ReplayMiss

DriveRow = Callable[[Row], Coroutine[Any, Any, Driven | None]]


class Ahead:
    """Drives the rows of a Parquet file from the first unknown one, until the ordered pass overtakes it."""

    def __init__(
        self, path: Path, columns: Sequence[str], probe: DriveRow, drive: DriveRow, slots: asyncio.Semaphore
    ) -> None:
        """Begin; ``probe`` drives a row by the journal alone, ``drive`` asks and releases its slot."""
        self._path = path
        self._columns = list(columns)
        self._probe = probe
        self._drive = drive
        self._slots = slots
        self._turn = 0
        self._rows_driven: set[asyncio.Task[Any]] = set()
        self._failed: BaseException | None = None
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._end)

    def pass_row(self) -> None:
        """Note that the next row in order has its turn; raises the error of a row that was driven ahead."""
        self._turn += 1
        if self._failed:
            raise self._failed

    async def close(self, *, wait: bool) -> None:
        """Drive no more rows; wait for those in progress, or cancel them."""
        self._task.cancel()
        for task in self._rows_driven if not wait else ():
            task.cancel()
        await asyncio.gather(self._task, *self._rows_driven, return_exceptions=True)

    async def _run(self) -> None:
        with parquet.open_parquet(self._path) as file:
            groups = file.num_row_groups
            group = await _find_first(lambda one: self._is_unknown(_read(file, one, self._columns)[0]), groups) - 1
            if group < 0:
                return  # the first row is not known: those in order ask at once
            rows = _read(file, group, self._columns)
            first = await _find_first(lambda one: self._is_unknown(rows[one]), len(rows))
            number = first + sum(file.metadata.row_group(before).num_rows for before in range(group))
            later = (row for one in range(group + 1, groups) for row in _read(file, one, self._columns))
            for row in itertools.chain(rows[first:], later):
                await self._slots.acquire()
                if number < self._turn or self._failed:
                    self._slots.release()
                    return
                task = asyncio.create_task(self._drive(row))
                self._rows_driven.add(task)
                task.add_done_callback(self._end)
                number += 1

    async def _is_unknown(self, row: Row) -> bool:
        try:
            await self._probe(row)
        except ReplayMiss:
            return True
        return False

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._rows_driven.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failed = self._failed or error


async def _find_first(holds: Callable[[int], Awaitable[bool]], count: int) -> int:
    """Return the first number below ``count`` for which ``holds`` is true, by bisection; ``count`` if there is none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if await holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _read(file: Any, group: int, columns: list[str]) -> list[Row]:
    rows: list[Row] = file.read_row_group(group, columns=columns).to_pylist()
    return rows
