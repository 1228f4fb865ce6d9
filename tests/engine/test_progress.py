"""How fast a stage goes and when it will be done, and what the engine tells of it while it works."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.contracts import Call, Completion, Context, Flow, Row
from audiomcq_cli.engine.ledger.run_log import read_log, read_now
from audiomcq_cli.engine.progress import RECENT, Pace
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import Interrupted
from audiomcq_cli.storage.shards import list_shards
from tests.engine import Bench, Puppet, Watching, answer_well, make_stage, texts_of

ROWS = 60


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def go(pace: Pace, clock: Clock, seconds: int, rows: int, *, known: bool = False) -> None:
    """Do so many rows in each of some seconds, and look after each."""
    for _ in range(seconds):
        clock.now += 1
        pace.advance(rows, {"kept": rows}, known=known)
        pace.look(None)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with one shard."""
    bench = Bench(tmp_path)
    bench.write_input(texts_of(ROWS))
    return bench


# ---------------------------------------------------------------------------------------------------------- the pace


def test_time_left_comes_from_the_recent_rate() -> None:
    """A stage that has become slower is not promised the rate of its beginning."""
    clock = Clock()
    pace = Pace(clock)
    go(pace, clock, 100, 50)
    go(pace, clock, int(RECENT) + 2, 1)
    rate, left, _ = pace.look(pace.done + 100)
    assert rate == pytest.approx(1, rel=0.1)
    assert left == pytest.approx(100, rel=0.1)


def test_rows_from_the_journal_promise_nothing() -> None:
    """While a resume runs through what it knows there is no time left, and afterwards only rows asked count."""
    clock = Clock()
    pace = Pace(clock)
    go(pace, clock, 10, 100, known=True)
    assert pace.look(2_000)[1:] == (None, True)
    go(pace, clock, 10, 2)
    rate, left, from_journal = pace.look(pace.done + 20)
    assert rate == pytest.approx(2, rel=0.1)
    assert not from_journal
    assert left == pytest.approx(10, rel=0.1)


def test_rows_that_take_minutes_have_a_rate() -> None:
    """Where a row takes longer than the window the rate is taken over more than that."""
    clock = Clock()
    pace = Pace(clock)
    for _ in range(5):
        go(pace, clock, 120, 0)
        pace.advance(1, {"kept": 1})
    assert pace.look(10)[0] == pytest.approx(1 / 120, rel=0.1)


@given(st.lists(st.tuples(st.floats(0.1, 100), st.integers(0, 50), st.booleans()), max_size=40), st.integers(0, 9_999))
def test_rate_and_time_left_are_never_less_than_nothing(steps: list[tuple[float, int, bool]], total: int) -> None:
    """Whatever happens when, the rate is that of some rows, the time left is no less than nothing, and all count."""
    clock = Clock()
    pace = Pace(clock)
    for seconds, rows, known in steps:
        clock.now += seconds
        pace.advance(rows, {"kept": rows}, known=known)
        rate, left, from_journal = pace.look(total)
        assert rate is None or rate > 0
        assert left is None or (left >= 0 and not from_journal)
    assert pace.done == sum(rows for _, rows, _ in steps)
    assert pace.outcomes.total() == pace.done


# ---------------------------------------------------------------------------------------------------- what is told


def test_total_is_known_from_the_start(bench: Bench) -> None:
    """Before the first call it is told how many rows there are to do, of the shards that are to be done alone."""
    bench.write_input(texts_of(ROWS), shards=4)
    (bench.source / "part-00000-of-00001.parquet").unlink()
    watching = Watching()
    asyncio.run(bench.run_in_loop(progress=watching))
    list_shards(bench.target)[0].path.unlink()
    asyncio.run(bench.run_in_loop(progress=watching))
    first, second = watching.begun
    assert first == ("small", 4, ROWS)
    assert second[:2] == ("small", 1)
    assert 0 < (second[2] or 0) < ROWS
    assert watching.shown[0].total == ROWS
    assert watching.shown[0].calls == 0


def test_answered_rows_count_before_they_leave(bench: Bench) -> None:
    """While the first row of a shard waits, those behind it count as done, in what is told and beside the run log."""
    watching = Watching()
    rest, told = asyncio.Event(), []

    async def answer(call: Call) -> Completion:
        if "clip 0<" in call.messages[1].text:
            await rest.wait()
            told.append(watching.counts["kept"])
        return await answer_well(call)

    watching.on_advance = lambda: rest.set() if watching.counts["kept"] == ROWS - 1 else None
    bench.puppet = Puppet(answer)
    report = asyncio.run(bench.run_in_loop(progress=watching))
    assert told == [ROWS - 1]
    assert (report.how, report.done, report.total) == ("done", ROWS, ROWS)


def test_file_beside_the_log_says_where_a_stage_stands(bench: Bench) -> None:
    """While a stage is at work its file holds rows done and to do, rate and time left: what ``status`` reads."""
    seen: list[dict[str, object]] = []

    async def look_then_answer(call: Call) -> Completion:
        seen.extend(read_now(bench.target).values())
        return await answer_well(call)

    bench.puppet = Puppet(look_then_answer)
    bench.run()
    assert {one["total"] for one in seen} == {ROWS}
    assert {"done", "known", "rate", "left_s", "unit"} <= set(seen[0])


def test_replayed_rows_are_told_apart(bench: Bench) -> None:
    """Rows that the journal answers alone count as known, rows that were asked and rows that ask nothing do not."""
    told: list[bool] = []

    class Noting(Watching):
        def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
            told.append(known)

    asyncio.run(bench.run_in_loop(progress=Noting()))
    list_shards(bench.target)[0].path.unlink()
    asyncio.run(bench.run_in_loop(progress=Noting()))
    assert told == [False] * ROWS + [True] * ROWS
    told.clear()
    asyncio.run(bench.run_in_loop(make_stage(ask_nothing, version=2), progress=Noting()))
    assert told == [False] * ROWS


def ask_nothing(row: Row, ctx: Context[Any]) -> Flow:
    return [row | {"question": "?", "calls": []}]
    yield []


# ------------------------------------------------------------------------------------------------ after an interruption


def stop_after(bench: Bench, calls: int, *, at_once: bool = False) -> None:
    """Run until so many calls were sent, then have the run end as Ctrl-C does, or as the second one."""
    runtimes: list[Runtime] = []

    async def answer(call: Call) -> Completion:
        if len(bench.puppet.sent) >= calls:
            runtimes[0].stop()
            if at_once:
                await asyncio.Event().wait()
        return await answer_well(call)

    async def work() -> None:
        task = asyncio.ensure_future(bench.run_in_loop(begun=runtimes.append))
        while not runtimes or not runtimes[0].stopping:
            await asyncio.sleep(0.01)
            if task.done():
                break
        if at_once:
            task.cancel()
        await task

    bench.puppet = Puppet(answer)
    with pytest.raises(asyncio.CancelledError if at_once else Interrupted):
        asyncio.run(work())


@pytest.mark.parametrize("at_once", [False, True])
def test_interruption_is_told_in_words(bench: Bench, at_once: bool) -> None:
    """A run that is interrupted, once or twice, says so in the log, with the rows whose replies the journal has."""
    stop_after(bench, 40, at_once=at_once)
    [entry] = read_log(bench.target)
    assert (entry["how"], entry["total"]) == ("interrupted", ROWS)
    assert 0 < entry["done"] < ROWS
    bench.puppet = Puppet(answer_well)
    assert bench.run().calls["writer"] <= ROWS - entry["done"]


def test_second_interruption_forgets_nothing(bench: Bench) -> None:
    """A run that is interrupted before it has come as far again tells of all rows that the journal has."""
    stop_after(bench, 40)
    stop_after(bench, 2)
    first, second = read_log(bench.target)
    assert first["done"] <= second["done"] < ROWS
