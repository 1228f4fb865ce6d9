"""Drives a flow: passes it the replies to its requests until it returns.

Every driver shares this loop; they differ in who answers (``answerers.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from audiomcq_cli.contracts import Ask, Context, Failure, Outcome, Reply, Request, Row, Stage
from audiomcq_cli.engine.flows.asker import Suspended
from audiomcq_cli.errors import StorageError

R = TypeVar("R")

AskOne = Callable[[Request], Awaitable[Reply]]

FindLikely = Callable[[Ask], Awaitable[Sequence[Callable[[], Awaitable[None]]]]]
"""Returns what to send beside the needed requests of a round; nothing if a reply may not be worth its call."""


@dataclass(frozen=True, slots=True)
class Driven:
    """The outcome of each work item of one input row, and every request of the flow with its reply."""

    outcomes: Mapping[str, Outcome]
    exchanges: Sequence[tuple[Request, Reply]]


async def drive(
    stage: Stage[object], row: Row, context: Context[object], ask: AskOne, find_likely: FindLikely | None = None
) -> Driven:
    """Drive the flow of one input row to its end.

    A failed reply to a request that is not optional fails every work item of the row. The flow never sees the replies
    to likely requests; without ``find_likely`` none is sent.

    Raises:
        StorageError: The flow does not account for each of its work items: a fault of the stage.
    """
    items = items_of(stage, row, context.options)
    if stage.flow is None:
        raise StorageError("the stage has no flow")
    result, exchanges = await converse(stage.flow(row, context), ask, find_likely)
    outcomes = result if isinstance(result, Mapping) else dict.fromkeys(items, result)
    if set(outcomes) != set(items):
        raise StorageError(f"the stage does not account for the items of {row.get(stage.key)!r}: {sorted(items)}")
    if empty := [item for item, outcome in outcomes.items() if outcome == []]:
        raise StorageError(f"the stage keeps {empty[0]!r} without a row")
    return Driven({item: outcomes[item] for item in items}, exchanges)


async def converse(
    flow: Generator[Sequence[Request], Sequence[Reply], R], ask: AskOne, find_likely: FindLikely | None = None
) -> tuple[R | Failure, list[tuple[Request, Reply]]]:
    """Return the result of a flow and every exchange on the way; a failed request that is not optional ends it."""
    exchanges: list[tuple[Request, Reply]] = []
    try:
        requests = next(flow)
        while True:
            beside = await find_likely(requests) if find_likely and isinstance(requests, Ask) else ()
            replies = await _ask_all(requests, ask, beside)
            exchanges += zip(requests, replies, strict=True)
            if failed := next((reply for request, reply in exchanges if _fails(request, reply)), None):
                flow.close()
                return Failure(failed), exchanges
            requests = flow.send(replies)
    except StopIteration as stop:
        result: R = stop.value
        return result, exchanges


def items_of(stage: Stage[object], row: Row, options: object) -> Sequence[str]:
    """Return the ids of the work items of one input row."""
    return stage.items(row, options) if stage.items else (row[stage.key],)


async def _ask_all(
    requests: Sequence[Request], ask: AskOne, beside: Sequence[Callable[[], Awaitable[None]]]
) -> list[Reply]:
    if len(requests) == 1 and not beside:  # most flows ask one at a time; a task less a call
        return [await ask(requests[0])]
    # Not a TaskGroup: that would cancel the calls in flight when one of them is told that the run is to stop.
    work = [*map(ask, requests), *(send() for send in beside)]
    results = await asyncio.gather(*work, return_exceptions=True)
    if errors := [result for result in results if isinstance(result, BaseException)]:
        raise min(errors, key=lambda error: isinstance(error, Suspended))  # what is wrong goes before what is to come
    return [result for result in results if isinstance(result, Reply)]


def _fails(request: Request, reply: Reply) -> bool:
    return reply.failed and not request.optional
