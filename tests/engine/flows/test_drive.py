"""The loop that every driver shares: replies go to the flow in order, and every item comes out once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from audiomcq_cli.contracts import Chat, Context, Failure, Flow, Origin, Outcome, Reject, Reply, Request, Row
from audiomcq_cli.engine.flows.drive import Driven, drive
from audiomcq_cli.errors import Interrupted, ModelError, StorageError
from tests.engine import make_stage

ROW: Row = {"clip_id": "c", "source_id": "c"}


def chat(text: str, *, optional: bool = False) -> Chat:
    return Chat(model="writer", prompt="ask", variables={"text": text}, optional=optional)


def reply(request: Request, **changes: Any) -> Reply:
    text = request.variables["text"] if isinstance(request, Chat) else ""
    usual: dict[str, Any] = {"stage": "small", "key": "k", "origin": Origin("m"), "text": text}
    return Reply(**usual | changes)


async def echo(request: Request) -> Reply:
    return reply(request)


async def fail_bad(request: Request) -> Reply:
    bad = isinstance(request, Chat) and request.variables["text"] == "bad"
    return reply(request, error="not_json" if bad else "")


def run(flow: Any, ask: Any = echo, items: Sequence[str] = ("c",)) -> Driven:
    stage = make_stage(flow, items=lambda row, options: items)
    return asyncio.run(drive(stage, ROW, Context(stage.options()), ask))


def test_replies_come_in_the_order_of_requests() -> None:
    """Whatever order the answers take, a flow receives them in the order it asked."""

    async def later_first(request: Request) -> Reply:
        await asyncio.sleep(0.02 if isinstance(request, Chat) and request.variables["text"] == "0" else 0)
        return reply(request)

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        replies = yield [chat(str(number)) for number in range(5)]
        return [{"text": [one.text for one in replies]}]

    assert run(flow, later_first).outcomes == {"c": [{"text": ["0", "1", "2", "3", "4"]}]}


def test_requests_of_one_round_are_asked_together() -> None:
    """Requests that a flow yields at once are in flight at once."""
    flying = most = 0

    async def count(request: Request) -> Reply:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1
        return reply(request)

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [chat(str(number)) for number in range(4)]
        return [row]

    run(flow, count)
    assert most == 4


def test_flow_may_ask_nothing() -> None:
    """A row that needs no model is decided at once."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return Reject("no", "because")
        yield []

    driven = run(flow)
    assert driven.outcomes == {"c": Reject("no", "because")}
    assert driven.exchanges == []


def test_flow_may_yield_no_requests() -> None:
    """An empty round gets an empty list of replies."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        replies = yield []
        return [{"replies": list(replies)}]

    assert run(flow).outcomes == {"c": [{"replies": []}]}


def test_failed_reply_fails_the_row() -> None:
    """A failure that the flow did not call optional ends it; the failure of the first request counts."""
    ended = []

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        try:
            yield [chat("good"), chat("bad")]
            return [row]
        finally:
            ended.append("closed")

    driven = run(flow, fail_bad, items=("a", "b"))
    assert all(isinstance(outcome, Failure) and outcome.reply.text == "bad" for outcome in driven.outcomes.values())
    assert list(driven.outcomes) == ["a", "b"]
    assert len(driven.exchanges) == 2
    assert ended == ["closed"]


def test_optional_failure_goes_to_the_flow() -> None:
    """A failure that the flow said it could bear is a reply like any other."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        [one] = yield [chat("bad", optional=True)]
        return Reject("unclear", one.error)

    assert run(flow, fail_bad).outcomes == {"c": Reject("unclear", "not_json")}


def test_one_outcome_stands_for_all_items() -> None:
    """A flow that returns one outcome gives it to every item of the row."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return Reject("no")
        yield []

    assert run(flow, items=("a", "b")).outcomes == {"a": Reject("no"), "b": Reject("no")}


def test_outcomes_come_in_the_order_of_items() -> None:
    """A mapping in another order is put into the order of the items, so that bytes do not depend on it."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return {"b": Reject("no"), "a": [row]}
        yield []

    assert list(run(flow, items=("a", "b")).outcomes) == ["a", "b"]


@pytest.mark.parametrize("outcomes", [{"a": [ROW]}, {"a": [ROW], "b": [ROW], "c": [ROW]}, {}])
def test_flow_that_loses_or_invents_an_item_is_refused(outcomes: dict[str, Outcome]) -> None:
    """Every item must be accounted for, and no other."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return outcomes
        yield []

    with pytest.raises(StorageError, match="does not account"):
        run(flow, items=("a", "b"))


def test_item_that_is_kept_without_a_row_is_refused() -> None:
    """Whatever is kept has at least one row; nothing goes away in silence."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return []
        yield []

    with pytest.raises(StorageError, match="keeps 'c' without a row"):
        run(flow)


def test_model_error_among_several_requests_is_raised_itself() -> None:
    """An error that stops the stage comes out as it is, not in a group."""

    async def stop(request: Request) -> Reply:
        raise ModelError("no key")

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [chat("a"), chat("b")]
        return []

    with pytest.raises(ModelError, match="no key"):
        run(flow, stop)


def test_calls_in_flight_end_where_another_is_interrupted() -> None:
    """A request that is told to stop does not cut off the others of its round: they are paid for."""
    answered = []

    async def stop_one(request: Request) -> Reply:
        if isinstance(request, Chat) and request.variables["text"] == "stopped":
            raise Interrupted("interrupted")
        await asyncio.sleep(0.02)
        answered.append(request)
        return reply(request)

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [chat("stopped"), chat("a"), chat("b")]
        return []

    with pytest.raises(Interrupted):
        run(flow, stop_one)
    assert len(answered) == 2


def test_error_of_a_flow_comes_out() -> None:
    """A fault of a stage is not swallowed."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [chat("a")]
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        run(flow)
