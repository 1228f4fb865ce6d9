"""Likely requests: sent along where waiting is dear, and without a trace in rows, rejects, calls and manifest."""

from __future__ import annotations

import asyncio
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Ask, Call, Chat, Completion, Context, Flow, Need, Reject, Row, Silence, Stage
from audiomcq_cli.engine.servers.budget import Budget
from audiomcq_cli.engine.views.dry_run import Estimate, rehearse
from audiomcq_cli.errors import BudgetReached
from tests.conftest import FAULTS, strike
from tests.engine import (
    Bench,
    Puppet,
    answer_well,
    batch_model,
    good,
    http_model,
    make_stage,
    puppet_model,
    snapshot,
    texts_of,
)
from tests.servers.batches import running_batches
from tests.servers.process import RunningServer, fetch_json

SOAK = int(os.environ.get("AUDIOMCQ_SOAK", "1"))
SHARDS = 2
MODELS = ("writer", "grader")


@dataclass(frozen=True)
class Round:
    """What a flow asks in one round: numbers of questions, and whether it can do without the replies."""

    needed: tuple[int, ...]
    likely: tuple[int, ...]
    optional: bool


@dataclass(frozen=True)
class Script:
    """A small flow: its rounds, and which of its replies turn it another way."""

    rounds: tuple[Round, ...]
    turning: int


NUMBERS = st.integers(0, 5)
ROUNDS = st.builds(
    Round,
    st.lists(NUMBERS, min_size=1, max_size=2).map(tuple),
    st.lists(NUMBERS, max_size=3).map(tuple),
    st.booleans(),
)
SCRIPTS = st.builds(Script, st.lists(ROUNDS, min_size=1, max_size=3).map(tuple), st.integers(1, 4))


def make(script: Script, bad: str = "") -> Stage[Any]:
    """The stage of a script: what it asks next depends on what it was told, so that likely requests are often not met.

    Question 5 of every row is one that is always answered badly, where a text that brings this about is given.
    """

    def chat(row: Row, number: int, *, optional: bool = False) -> Chat:
        text = f"{row['source_id']}, question {number} {bad if number == 5 else ''}"
        return Chat(model=MODELS[number % 2], prompt="ask", variables={"text": text}, optional=optional)

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        told, calls = 0, []
        for one in script.rounds:
            turn = told % script.turning
            needed = [chat(row, (number + turn) % 6, optional=one.optional) for number in one.needed]
            replies = yield Ask(needed, [chat(row, number) for number in one.likely])
            told = zlib.crc32("".join(reply.text for reply in replies).encode(), told)
            calls += [reply.call for reply in replies]
        if told % 4 == 0:
            return Reject("turned_down", str(told))
        return [row | {"question": str(told), "calls": calls}]

    needs = [Need(model, frozenset({"chat"})) for model in MODELS]
    return make_stage(flow, needs=lambda options: needs, prompts=lambda options: ("ask",))


async def answer_moodily(call: Call) -> Completion:
    """Every fourth conversation gets a reply of no use."""
    said = good(call)
    return Completion(
        text="Sure!" if zlib.crc32(said.encode()) % 4 == 0 else said, prompt_tokens=9, completion_tokens=3
    )


def by_puppet(folder: Path, **changes: Any) -> Bench:
    """A bench whose models answer at once, and take likely requests or not."""
    bench = Bench(folder, puppet=Puppet(answer_moodily, **changes))
    bench.models = {name: puppet_model(name, model=name, tries=2) for name in MODELS}
    bench.write_input(texts_of(8), SHARDS)
    return bench


@settings(max_examples=6 * SOAK, deadline=timedelta(seconds=30), suppress_health_check=[HealthCheck.too_slow])
@given(SCRIPTS, SCRIPTS)
def test_likely_requests_change_no_byte(script: Script, later: Script) -> None:
    """A flow leaves the same with and without them, as do one that comes after it, and a replay of that."""
    first, stage = make(script), replace(make(later), version=2)
    with tempfile.TemporaryDirectory() as folder:
        without, beside = by_puppet(Path(folder) / "without"), by_puppet(Path(folder) / "with", takes_likely=True)
        for one in (first, stage):
            without.run(one)
            beside.run(one)
            assert snapshot(beside.target) == snapshot(without.target)
        assert {call.messages for call in beside.puppet.sent} >= {call.messages for call in without.puppet.sent}
        beside.run(stage, target=beside.folder / "again", replay=True, keep_failed=True)
        assert shards(beside.folder / "again") == shards(without.target)


def shards(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


# ---------------------------------------------------------------------------------------------------------- batches


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    rules = [{"match": {"contains": strike(fault)}, "times": None, "fault": fault} for fault in FAULTS]
    with running_batches(tmp_path_factory.mktemp("server"), models=("scripted",), faults=rules) as server:
        yield server


def by_batch(folder: Path, server: RunningServer) -> Bench:
    """A bench with one model by batch, and one online."""
    return with_models(folder, {"writer": batch_model(server, tries=2), "grader": online(server, "grader")})


def online(server: RunningServer, name: str) -> Any:
    return http_model(server, name, tries=2, backend="openai-compatible")


def with_models(folder: Path, models: dict[str, Any], texts: Sequence[str] = texts_of(5)) -> Bench:
    bench = Bench(folder, models=models)
    bench.write_input(texts, SHARDS)
    return bench


@settings(max_examples=3 * SOAK, deadline=timedelta(minutes=1), suppress_health_check=list(HealthCheck))
@given(script=SCRIPTS)
def test_batches_of_likely_requests_change_no_byte(server: RunningServer, script: Script) -> None:
    """Online, by batch with likely requests, and replayed from the journal of the batches: the same."""
    stage = make(script, strike("prose"))
    with tempfile.TemporaryDirectory() as folder:
        calling = with_models(Path(folder) / "online", {name: online(server, name) for name in MODELS})
        batched = by_batch(Path(folder) / "batch", server)
        calling.run(stage, keep_failed=True)
        batched.run(stage, keep_failed=True)
        assert snapshot(batched.target) == snapshot(calling.target)
        batched.run(stage, target=batched.folder / "again", replay=True, keep_failed=True)
        assert shards(batched.folder / "again") == shards(calling.target)


def in_turn(row: Row, ctx: Context[Any]) -> Flow:
    """Ask three things one after another, and say at the first what will follow, and one more that does not."""
    chats = [Chat(model="writer", prompt="ask", variables={"text": f"{row['source_id']} {n}"}) for n in range(4)]
    [first] = yield Ask(chats[:1], chats[1:])
    [second] = yield chats[1:2]
    [third] = yield chats[2:3]
    return [row | {"question": third.text, "calls": [reply.call for reply in (first, second, third)]}]


IN_TURN = make_stage(in_turn)


def test_likely_requests_save_rounds(server: RunningServer, tmp_path: Path) -> None:
    """What goes along with the first round is there when it is needed: one batch in place of three, none sent twice."""
    server.reset()
    before = len(batches(server))
    bench = by_batch(tmp_path, server)
    report = bench.run(IN_TURN)
    assert len(batches(server)) - before == 1
    assert report.calls == {"writer": 20}
    assert set(server.requests().values()) == {1} and len(server.requests()) == 20


def batches(server: RunningServer) -> list[Any]:
    found: list[Any] = fetch_json(f"{server.url}/batches")["batches"]
    return found


# ------------------------------------------------------------------------------------------------- one at a time


def simple(folder: Path, *, takes_likely: bool = True, budget: Budget | None = None) -> Bench:
    """A bench whose model always answers well."""
    bench = Bench(folder, puppet=Puppet(answer_well, takes_likely=takes_likely), budget=budget or Budget())
    bench.write_input(texts_of(8), SHARDS)
    return bench


def test_online_sends_what_is_needed(tmp_path: Path) -> None:
    """Where a call waits for nothing but its reply, likely requests are passed over."""
    bench = simple(tmp_path, takes_likely=False)
    assert bench.run(IN_TURN).calls == {"writer": 8 * 3}


def test_likely_requests_count(tmp_path: Path) -> None:
    """They are calls of the run like others: in its report, and in its budget."""
    bench = simple(tmp_path)
    report = bench.run(IN_TURN)
    assert report.calls == {"writer": 8 * 4} and len(bench.puppet.sent) == 8 * 4
    assert report.prompt_tokens == {"writer": 8 * 4 * 10}
    with pytest.raises(BudgetReached):
        simple(tmp_path / "poor", budget=Budget(tokens=8 * 3 * 15)).run(IN_TURN)


def test_reply_that_was_not_needed_waits_in_the_journal(tmp_path: Path) -> None:
    """A later version that needs it finds it there, and a run over what is known sends nothing along."""
    bench = simple(tmp_path)
    bench.run(IN_TURN)
    bench.puppet.sent.clear()

    def ask_last(row: Row, ctx: Context[Any]) -> Flow:
        chats = [Chat(model="writer", prompt="ask", variables={"text": f"{row['source_id']} {n}"}) for n in (0, 3, 9)]
        yield Ask(chats[:1], chats[2:])
        [last] = yield chats[1:2]
        return [row | {"question": last.text, "calls": [last.call]}]

    assert bench.run(make_stage(ask_last, version=2)).redone == SHARDS
    assert not bench.puppet.sent


def test_likely_reply_of_no_use_leaves_no_try_behind(tmp_path: Path) -> None:
    """A later version that needs it asks as often as if nobody had asked before, and a row that fails says so."""

    async def answer(call: Call) -> Completion:
        return Completion(text="Sure!" if " 3<" in call.messages[1].text else good(call))

    def ask_last(row: Row, ctx: Context[Any]) -> Flow:
        [last] = yield [Chat(model="writer", prompt="ask", variables={"text": f"{row['source_id']} 3"})]
        return [row | {"question": last.text, "calls": [last.call]}]

    bench = Bench(tmp_path, puppet=Puppet(answer, takes_likely=True))
    bench.models = {"writer": puppet_model(tries=2)}
    bench.write_input(texts_of(8), SHARDS)
    assert bench.run(IN_TURN).items["kept"] == 8
    bench.run(make_stage(ask_last, version=2))
    assert [row["tries"] for row in bench.rejects()] == [2] * 8


def test_likely_request_that_cannot_be_made_is_passed_over(tmp_path: Path) -> None:
    """A request that lacks a variable of its prompt, or sends too much audio, matters once it is needed."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        need = Chat(model="writer", prompt="ask", variables={"text": row["source_id"]})
        silence = replace(need, audio=(Silence(99),))
        [reply] = yield Ask([need], [replace(need, variables={}), silence])
        return [row | {"question": reply.text, "calls": [reply.call]}]

    bench = simple(tmp_path)
    bench.models = {"writer": puppet_model(audio_window=30.0)}
    assert bench.run(make_stage(flow)).items["kept"] == 8
    assert len(bench.puppet.sent) == 8


@pytest.mark.parametrize(("takes_likely", "calls"), [(True, 32), (False, 24)])
def test_dry_run_counts_what_would_be_sent(tmp_path: Path, takes_likely: bool, calls: int) -> None:
    """Likely requests are in the estimate where a run would send them."""
    bench = simple(tmp_path, takes_likely=takes_likely)

    async def look() -> list[Estimate]:
        async with bench.runtime() as runtime:
            return await rehearse([bench.job(IN_TURN)], runtime)

    [estimate] = asyncio.run(look())
    assert estimate.calls == {"writer": calls}
