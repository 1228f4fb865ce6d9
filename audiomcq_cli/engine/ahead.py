"""On a resume: asks for what is missing while what is known is still gone through.

Rows leave a shard in the order in which they came, and to take one of which every reply is known costs half a
millisecond: with 90,000 of them before the first that is not, the models would wait for a minute. So the first row
group that is not known is looked for, and its rows and those after it are driven ahead. Of that nothing is kept but the
replies, which the journal then has when the row's turn comes; a call in flight is shared. So neither the order nor the
number of calls changes, and a row that is driven twice comes out the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.engine.drive import Driven
from audiomcq_cli.errors import ReplayMiss

DriveRow = Callable[[Row], Coroutine[Any, Any, Driven]]


class Ahead:
    """Drives the rows of a Parquet file from the first row group that is not known on, until it is overtaken."""

    def __init__(
        self, path: Path, columns: Sequence[str], probe: DriveRow, drive: DriveRow, slots: asyncio.Semaphore
    ) -> None:
        """Begin; ``probe`` drives a row by the journal alone, ``drive`` asks and gives its slot back."""
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
        """Say that the next row in order has its turn; raises what a row that was driven ahead ended in."""
        self._turn += 1
        if self._failed:
            raise self._failed

    async def close(self, *, wait: bool) -> None:
        """Drive no more rows; let those that are being driven end, or end them."""
        self._task.cancel()
        for task in self._rows_driven if not wait else ():
            task.cancel()
        await asyncio.gather(self._task, *self._rows_driven, return_exceptions=True)

    async def _run(self) -> None:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._path) as file:
            group = await self._find_group(file)
            if group is None:
                return
            number = sum(file.metadata.row_group(before).num_rows for before in range(group))
            for row in _read(file, range(group, file.num_row_groups), self._columns):
                await self._slots.acquire()
                if number < self._turn or self._failed:
                    self._slots.release()
                    return
                task = asyncio.create_task(self._drive(row))
                self._rows_driven.add(task)
                task.add_done_callback(self._end)
                number += 1

    async def _find_group(self, file: Any) -> int | None:
        """The row group before the first that begins with a row that is not known; None where that is the first."""
        if not file.num_row_groups or not await self._is_known(file, 0):
            return None
        known, unknown = 0, file.num_row_groups
        while unknown - known > 1:
            middle = (known + unknown) // 2
            if await self._is_known(file, middle):
                known = middle
            else:
                unknown = middle
        return known

    async def _is_known(self, file: Any, group: int) -> bool:
        try:
            await self._probe(next(_read(file, [group], self._columns)))
        except ReplayMiss:
            return False
        return True

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._rows_driven.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failed = self._failed or error


def _read(file: Any, groups: Sequence[int], columns: list[str]) -> Iterator[Row]:
    for group in groups:
        yield from file.read_row_group(group, columns=columns).to_pylist()
