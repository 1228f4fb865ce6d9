"""What outlives shards: retries, limits, and a run that is asked to stop without losing what it paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Call, Chat, Completion, Context, Flow, Message, Need, Row, Silence
from audiomcq_cli.engine.journal.journal import Journal
from audiomcq_cli.engine.ledger.run_log import read_log
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import AuthenticationFailed, CallRefused, CallUnavailable, Interrupted
from audiomcq_cli.storage.manifest import read_manifest
from tests.conftest import strike
from tests.engine import (
    Bench,
    Puppet,
    answer_well,
    find_temporary,
    good,
    http_model,
    make_stage,
    puppet_model,
    snapshot,
    texts_of,
)
from tests.servers.process import RunningServer


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def make_call(text: str = "rain", **sampling: Any) -> Call:
    return Call(messages=(Message("user", text),), sampling=sampling, prompt="ask")


def use(bench: Bench, work: Callable[[Runtime], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with bench.runtime() as runtime:
            return await work(runtime)

    return asyncio.run(main())


# --------------------------------------------------------------------------------------------------------- retries


@pytest.mark.parametrize(
    "fault", ["status:429:retry-after=0", "status:408", "status:500", "status:503", "reset", "not_json", "hang"]
)
def test_call_is_sent_again_when_the_server_cannot_answer_now(bench: Bench, http: RunningServer, fault: str) -> None:
    """What passes by itself costs another attempt, and the reply counts as one call of one try."""
    bench.models = {"writer": http_model(http, timeout=0.5 if fault == "hang" else 20.0)}
    bench.write_input([strike(fault, 1)])
    report = bench.run()
    assert report.items["kept"] == 1
    assert report.calls == {"writer": 2}
    assert bench.kept()[0]["question"]


def test_attempts_are_bounded(bench: Bench, http: RunningServer) -> None:
    """A server that never answers fails the row after as many attempts as the model's table allows."""
    bench.models = {"writer": http_model(http, attempts=3)}
    bench.write_input([strike("status:429:retry-after=0")])
    assert bench.run().items["failed"] == 1
    assert http.stats()["received"] == 3
    [row] = bench.rejects()
    assert (row["reason"], row["tries"]) == ("status_429", 1)


def test_refused_call_is_not_sent_again(bench: Bench, http: RunningServer) -> None:
    """A 400 fails its row after one attempt, and the other rows are kept."""
    bench.models = {"writer": http_model(http)}
    bench.write_input([strike("status:400"), "rain"])
    report = bench.run()
    assert (report.items["failed"], report.items["kept"]) == (1, 1)
    assert http.stats()["received"] == 2


def test_refused_key_stops_at_once(bench: Bench, http: RunningServer) -> None:
    """A 401 stops the run instead of failing row after row."""
    bench.models = {"writer": http_model(http, concurrency=1)}
    bench.write_input([f"{number} {strike('status:401')}" for number in range(50)])
    with pytest.raises(AuthenticationFailed):
        bench.run()
    assert http.stats()["received"] < 50


# ---------------------------------------------------------------------------------------------------------- limits


def test_concurrency_is_kept_to(bench: Bench) -> None:
    """A model never has more calls in flight than its table allows, over all shards."""
    flying = most = 0

    async def count(call: Call) -> Completion:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return await answer_well(call)

    bench.models = {"writer": puppet_model(concurrency=3)}
    bench.puppet = Puppet(count)
    bench.write_input(texts_of(60), 3)
    bench.run()
    assert most == 3


def test_concurrency_is_used(bench: Bench) -> None:
    """As many calls as allowed are in flight at once, each model for itself."""
    flying = most = 0

    async def answer(call: Call) -> Completion:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.005)
        flying -= 1
        return await answer_well(call)

    bench.puppet = Puppet(answer)
    bench.models = {"writer": puppet_model(concurrency=8)}
    bench.write_input(texts_of(60))
    bench.run()
    assert most == 8


def test_small_shards_fill_the_calls_in_flight(bench: Bench) -> None:
    """As many shards are open as it takes: a model that works on many calls at once is not left half idle."""
    flying = most = 0

    async def answer(call: Call) -> Completion:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.05)
        flying -= 1
        return await answer_well(call)

    bench.puppet = Puppet(answer)
    bench.models = {"writer": puppet_model(concurrency=60)}
    bench.write_input(texts_of(160), 32)
    bench.run()
    assert most == 60


def test_requests_a_minute_of_the_recipe_are_kept_to(bench: Bench) -> None:
    """Calls beyond the quota wait, and a stop ends that wait."""
    bench.models = {"writer": puppet_model(requests_per_minute=1)}
    bench.write_input(texts_of(5))

    def stop_after_a_call(runtime: Runtime) -> None:
        next_ = runtime.stop if bench.puppet.sent else partial(stop_after_a_call, runtime)
        asyncio.get_running_loop().call_later(0.1, next_)

    with pytest.raises(Interrupted):
        asyncio.run(bench.run_in_loop(begun=stop_after_a_call))
    assert len(bench.puppet.sent) == 1


# --------------------------------------------------------------------------------------------------------- stopping


class Stopper:
    """A model that asks the run to stop at its n-th call and answers that call and those in flight later."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.runtime: Runtime | None = None
        self.begun: list[Call] = []
        self.ended: list[Call] = []

    async def answer(self, call: Call) -> Completion:
        self.begun.append(call)
        if len(self.begun) == self.at and self.runtime:
            self.runtime.stop()
        await asyncio.sleep(0.01)
        self.ended.append(call)
        return Completion(text=good(call))

    def begin(self, runtime: Runtime) -> None:
        self.runtime = runtime


class Line(Puppet):
    """A backend that answers one call after another, the n-th of which asks the run to stop."""

    def __init__(self, at: int) -> None:
        super().__init__(self._answer)
        self.at = at
        self.answered = 0
        self.runtime: Runtime | None = None
        self._turn = asyncio.Lock()
        self._over: Interrupted | None = None

    async def _answer(self, call: Call) -> Completion:
        async with self._turn:
            if self._over:
                raise self._over
            self.answered += 1
            if self.answered == self.at and self.runtime:
                self.runtime.stop()
            await asyncio.sleep(0)
            return Completion(text=good(call))

    def give_up(self, reason: Interrupted) -> None:
        self._over = reason

    def begin(self, runtime: Runtime) -> None:
        self.runtime = runtime


@pytest.mark.parametrize("at", [1, 5, 17])
def test_calls_that_wait_in_a_backend_are_given_up(tmp_path: Path, at: int) -> None:
    """A stop ends with the call that is worked on; those behind it are not counted as sent, and are asked later."""
    bench = Bench(tmp_path)
    bench.models = {"writer": puppet_model(concurrency=12)}
    bench.write_input(texts_of(18))
    bench.puppet = line = Line(at)
    with pytest.raises(Interrupted):
        asyncio.run(bench.run_in_loop(begun=line.begin))
    [entry] = read_log(bench.target)
    assert (line.answered, entry["calls"], entry["done"]) == (at, {"writer": at}, at)
    bench.puppet = Puppet(answer_well)
    assert bench.run().items == {"in": 18, "kept": 18, "rejected": 0, "failed": 0}
    assert len(bench.puppet.sent) == 18 - at


def ask_twice(row: Row, ctx: Context[Any]) -> Flow:
    """Ask three things at once and one more after them."""
    texts = [f"{row['source_id']} {word}" for word in ("a", "b", "c")]
    first = yield [Chat(model="writer", prompt="ask", variables={"text": text}) for text in texts]
    [second] = yield [Chat(model="writer", prompt="ask", variables={"text": first[0].text})]
    return [row | {"question": second.text, "calls": [reply.call for reply in (*first, second)]}]


@pytest.mark.parametrize("at", [1, 2, 7, 30, 55])
def test_interrupted_run_goes_on_where_it_was(tmp_path: Path, at: int) -> None:
    """A stop lets calls in flight end and keeps them; the run that goes on repeats none and ends the same."""
    stage = make_stage(ask_twice)
    whole = Bench(tmp_path / "whole")
    whole.write_input(texts_of(18), 3)
    whole.run(stage)

    bench = Bench(tmp_path / "stopped")
    bench.models = {"writer": puppet_model(concurrency=4)}
    bench.write_input(texts_of(18), 3)
    stopper = Stopper(at)
    bench.puppet = Puppet(stopper.answer)
    with pytest.raises(Interrupted):
        asyncio.run(bench.run_in_loop(stage, begun=stopper.begin))
    assert stopper.ended and len(stopper.ended) == len(stopper.begun)
    assert len(stopper.begun) < at + 4  # those that waited for a slot were not sent any more
    assert not list(find_temporary(bench.folder))
    assert read_manifest(bench.target) is None

    bench.puppet = Puppet(answer_well)
    bench.run(stage)
    assert snapshot(bench.target) == snapshot(whole.target)
    assert len(stopper.ended) + len(bench.puppet.sent) == 18 * 4


def test_stop_writes_no_shard(bench: Bench) -> None:
    """A shard of which rows were not asked is not put in place; what came back is in its journal."""
    bench.write_input(texts_of(40))
    bench.models = {"writer": puppet_model(concurrency=2)}
    stopper = Stopper(3)
    bench.puppet = Puppet(stopper.answer)
    with pytest.raises(Interrupted):
        asyncio.run(bench.run_in_loop(begun=stopper.begin))
    assert not list(bench.target.glob("*.parquet"))
    journal = Journal.read_only(bench.folder / "work" / "journal" / "small" / "part-00000-of-00001.sqlite")
    assert len(journal._bodies) == len(stopper.ended)
    journal.close()


def test_stop_before_the_first_call_sends_nothing(bench: Bench) -> None:
    """A run that is asked to stop before it began any work ends at once."""
    bench.write_input(texts_of(3))
    with pytest.raises(Interrupted):
        asyncio.run(bench.run_in_loop(begun=lambda runtime: runtime.stop()))
    assert not bench.puppet.sent


def test_stop_ends_the_wait_for_another_attempt(bench: Bench) -> None:
    """A call that waits to be sent again after a long Retry-After is given up, and is not stored as a failure."""

    async def busy(call: Call) -> Completion:
        raise CallUnavailable("busy", code="status_429", retry_after=60)

    bench.write_input(["rain"])
    bench.puppet = Puppet(busy)

    def begun(runtime: Runtime) -> None:
        asyncio.get_running_loop().call_later(0.1, runtime.stop)

    with pytest.raises(Interrupted):
        asyncio.run(bench.run_in_loop(begun=begun))
    bench.puppet = Puppet(answer_well)
    assert bench.run().items["kept"] == 1


def test_cancelled_run_keeps_what_had_come_back(bench: Bench) -> None:
    """A second Ctrl-C does not wait for calls, and what had been answered before is kept all the same."""
    answered = asyncio.Event()

    async def answer(call: Call) -> Completion:
        if "clip 0<" in call.messages[1].text:
            return await answer_well(call)
        answered.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> None:
        run = asyncio.create_task(bench.run_in_loop())
        await answered.wait()
        await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    bench.write_input(texts_of(2))
    bench.puppet = Puppet(answer)
    asyncio.run(main())
    bench.puppet = Puppet(answer_well)
    bench.run()
    assert len(bench.puppet.sent) == 1


# ------------------------------------------------------------------------------------------------------------ audio


def test_silence_is_encoded_as_asked(bench: Bench) -> None:
    """Parts are encoded at the rate and in the format that a backend asks for, the same every time."""

    async def encode(runtime: Runtime) -> list[bytes]:
        silence = Silence(0.1)
        return [await runtime.encode(silence, rate=8_000, format=form) for form in ("wav", "wav", "flac")]

    one, two, three = use(bench, encode)
    assert one == two and one[:4] == b"RIFF" and three[:4] == b"fLaC"


def test_model_is_checked_once_a_stage(bench: Bench) -> None:
    """A model that several needs name is looked for once."""
    bench.write_input(["rain"])
    needs = [Need("writer", frozenset({"chat"})), Need("writer", frozenset({"schema"}))]
    bench.run(make_stage(needs=lambda options: needs))
    assert bench.puppet.checks == 1


def test_models_of_other_stages_are_closed_first(bench: Bench) -> None:
    """A stage that does not use a model lets go of it before it loads its own; the next one opens it again."""
    bench.models = {"writer": puppet_model(), "grader": puppet_model("grader", model="puppet-2")}
    closed: list[int] = []

    async def close() -> None:
        closed.append(bench.puppet.checks)

    bench.puppet.close = close  # type: ignore[method-assign]

    async def main() -> None:
        async with bench.runtime() as runtime:
            for name in ("writer", "grader", "grader", "writer"):
                await runtime.check("small", [Need(name, frozenset({"chat"}))])

    asyncio.run(main())
    assert bench.puppet.checks == 4
    assert closed == [1, 3, 4]  # the last at the end of the run


def test_error_of_a_backend_is_not_stored(bench: Bench) -> None:
    """A fault of ours in a backend comes out and leaves no trace in the journal."""

    async def fault(call: Call) -> Completion:
        raise RuntimeError("a fault")

    bench.write_input(["rain"])
    bench.puppet = Puppet(fault)
    with pytest.raises(RuntimeError, match="a fault"):
        bench.run()
    bench.puppet = Puppet(answer_well)
    assert bench.run().items["kept"] == 1


def test_refusal_of_a_backend_is_stored(bench: Bench) -> None:
    """A call that was refused is not sent again by a run that goes on."""

    async def refuse(call: Call) -> Completion:
        raise CallRefused("too long", code="status_400")

    bench.write_input(["rain"])
    bench.puppet = Puppet(refuse)
    bench.run(keep_failed=True)
    bench.models = {"writer": replace(bench.models["writer"], concurrency=1)}
    list_of_files = snapshot(bench.target)
    bench.run(keep_failed=True)
    assert len(bench.puppet.sent) == 1
    assert snapshot(bench.target) == list_of_files
