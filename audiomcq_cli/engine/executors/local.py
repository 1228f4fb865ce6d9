"""Runs units of work. No executor knows a stage, and no stage knows an executor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from audiomcq_cli.errors import Interrupted

U = TypeVar("U")

OPEN_SHARDS = 3
"""Least number of shards open at once, so that the models never wait for one shard's last replies."""


class Executor(Protocol):
    """Runs units of work and returns the results in the order of the units."""

    async def run(
        self, units: Sequence[U], work: Callable[[U], Awaitable[Any]], at_once: int = OPEN_SHARDS
    ) -> list[Any]:
        """Run ``work`` on every unit, ``at_once`` at a time; the first error ends the others and is raised."""


class LocalExecutor:
    """Runs units of work in this process, a few at a time, started in order."""

    async def run(
        self, units: Sequence[U], work: Callable[[U], Awaitable[Any]], at_once: int = OPEN_SHARDS
    ) -> list[Any]:
        """Run ``work`` on every unit, ``at_once`` at a time; the first error ends the others and is raised."""
        results: list[Any] = [None] * len(units)
        todo = iter(enumerate(units))

        async def work_on() -> None:
            for index, unit in todo:
                results[index] = await work(unit)

        workers = [asyncio.create_task(work_on()) for _ in range(min(at_once, len(units)))]
        try:
            await asyncio.gather(*workers)
        except Interrupted:  # every worker ends by itself, when its calls in flight have
            await asyncio.gather(*workers, return_exceptions=True)
            raise
        except BaseException:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            raise
        return results
