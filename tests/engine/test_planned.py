"""The plan of a shard: made once of all its rows, the same for whoever drives them, and in part kept."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli import parquet
from audiomcq_cli.contracts import Call, Chat, Completion, Context, Flow, Row, Stage
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.views.dry_run import rehearse
from audiomcq_cli.engine.views.trace import trace
from audiomcq_cli.errors import Interrupted, StorageError
from audiomcq_cli.recipe.options import restore
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.shards import list_shards, read_note
from tests.engine import (
    Bench,
    Options,
    Puppet,
    Watching,
    answer_well,
    batch_model,
    make_stage,
    puppet_model,
    snapshot,
    texts_of,
)
from tests.servers.batches import running_batches

SHARDS = 3
KEPT = "pairs.parquet"


@dataclass(frozen=True)
class Pairs:
    """Who is asked about beside each clip, and the same as a table."""

    beside: dict[str, str]
    table: pa.Table


def pair_up(rows: Iterable[Row], ctx: Context[Options]) -> Pairs:
    """Pair every clip with the next one of its shard, in the order of their texts."""
    assert ctx.plan is None
    texts = sorted(row["source_id"] for row in rows)
    beside = dict(zip(texts, [*texts[1:], *texts[:1]], strict=True))
    return Pairs(beside, pa.table({"clip": list(beside), "beside": list(beside.values())}))


def ask_beside(row: Row, ctx: Context[Options]) -> Flow:
    """Ask about a clip and the one beside it."""
    text = f"{row['source_id']} and {ctx.plan.beside[row['source_id']]}"
    [reply] = yield [Chat(model=ctx.options.model, prompt="ask", variables={"text": text})]
    return [row | {"question": reply.text, "calls": [reply.call]}]


PAIRED = make_stage(ask_beside, plan=pair_up)
KEEPING = make_stage(ask_beside, plan=pair_up, keeps=KEPT)


def counting(counts: Counter[str]) -> Stage[Any]:
    """The stage that pairs, and how often each shard was planned (by its first text)."""

    def plan(rows: Iterable[Row], ctx: Context[Options]) -> Pairs:
        made = pair_up(rows, ctx)
        counts[min(made.beside)] += 1
        return made

    return make_stage(ask_beside, plan=plan)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with an input of several shards."""
    bench = Bench(tmp_path)
    bench.write_input(texts_of(24), SHARDS)
    return bench


def read_kept(bench: Bench) -> pa.Table:
    return parquet.read_table(bench.target / HIDDEN / KEPT)


def test_shard_is_planned_once_and_only_where_it_has_work(bench: Bench) -> None:
    """One plan a shard that is made; none in a run that has nothing to do."""
    counts: Counter[str] = Counter()
    bench.run(counting(counts))
    assert sorted(counts.values()) == [1] * SHARDS
    bench.run(counting(counts))
    assert counts.total() == SHARDS
    bench.write_input([*texts_of(24), "one more"], SHARDS)
    assert bench.run(counting(counts)).redone == 1
    assert counts.total() == SHARDS + 1


def test_batches_plan_a_shard_once(tmp_path: Path) -> None:
    """A shard that waits for a batch keeps its plan from round to round."""
    counts: Counter[str] = Counter()
    with running_batches(tmp_path, models=("scripted",)) as server:
        bench = Bench(tmp_path / "bench", models={"writer": batch_model(server, settings={"ask_online_below": 0})})
        bench.write_input(texts_of(24), SHARDS)
        bench.run(counting(counts))
    assert sorted(counts.values()) == [1] * SHARDS


def test_replay_plans_the_same(bench: Bench, tmp_path: Path) -> None:
    """A replay makes the same bytes out of the same plans."""
    bench.run(KEEPING)
    bench.run(KEEPING, target=tmp_path / "again", replay=True)
    assert [path.read_bytes() for path in sorted((tmp_path / "again").glob("*.parquet"))] == [
        one.path.read_bytes() for one in list_shards(bench.target)
    ]
    assert (tmp_path / "again" / HIDDEN / KEPT).read_bytes() == (bench.target / HIDDEN / KEPT).read_bytes()


def test_trace_plans_the_same(bench: Bench) -> None:
    """What is shown of a row was asked with the plan of its whole shard."""
    bench.run(PAIRED)
    [step] = asyncio.run(
        trace(
            bench.target,
            "Small:clip 5",
            workdir=bench.folder / "work",
            stages={"small": PAIRED},
            build=restore,
            backends={"puppet": bench.puppet.kind()},
        )
    )
    assert [step.row] == [row for row in bench.kept() if row["clip_id"] == "Small:clip 5"]
    assert step.tries[0].turns[-1][1].startswith("<heard>clip 5 and clip ")


async def rehearse_in_loop(bench: Bench, *stages: Stage[Any]) -> list[Any]:
    async with bench.runtime() as runtime:
        folders = [bench.source, *(bench.folder / f"output {number}" for number, _ in enumerate(stages))]
        jobs = [
            bench.job(stage, name=f"stage{number}", source=folders[number], target=folders[number + 1])
            for number, stage in enumerate(stages)
        ]
        return await rehearse(jobs, runtime)


def test_dry_run_plans_the_same(bench: Bench) -> None:
    """Where the journal has all replies a dry run counts no call, as the plans ask for the same."""
    target = bench.folder / "output 0"
    assert asyncio.run(rehearse_in_loop(bench, PAIRED))[0].calls == {"writer": 24}
    bench.run(PAIRED, name="stage0", target=target)
    [estimate] = asyncio.run(rehearse_in_loop(bench, PAIRED))
    assert (estimate.calls, estimate.known) == ({}, 24)


def test_dry_run_plans_what_is_sure_and_what_is_guessed_together(bench: Bench) -> None:
    """Rows of a shard are planned as one, those that are known and those that are not."""
    bench.run(PAIRED, name="stage0", target=bench.folder / "output 0", only=frozenset({0}))
    bench.write_input([*texts_of(24), *(f"more {number}" for number in range(6))], SHARDS)
    first, second = asyncio.run(rehearse_in_loop(bench, make_stage(), PAIRED))
    assert (first.items, second.items, second.calls) == (30, 30, {"writer": 30})


# ------------------------------------------------------------------------------------------------ what plans leave


def test_plans_leave_one_table_in_the_order_of_the_shards(bench: Bench) -> None:
    """The kept file holds the rows of the tables of all shards, one shard after the other."""
    bench.run(KEEPING)
    shards = [
        [row["source_id"] for row in parquet.read_table(one.path).to_pylist()] for one in list_shards(bench.source)
    ]
    assert read_kept(bench)["clip"].to_pylist() == [text for shard in shards for text in sorted(shard)]


def test_stage_that_keeps_nothing_leaves_no_plan(bench: Bench) -> None:
    """A stage without ``keeps`` leaves neither a table nor a word of one."""
    bench.run(PAIRED)
    assert not (bench.target / HIDDEN / "plans").exists()
    assert "plan" not in read_note(list_shards(bench.target)[0].path)


@pytest.mark.parametrize("concurrency", [1, 7])
def test_kept_table_does_not_depend_on_how_it_was_made(bench: Bench, tmp_path: Path, concurrency: int) -> None:
    """Parts of the shards, an interruption and the number of calls in flight change no byte of the folder."""
    bench.run(KEEPING)
    other = Bench(tmp_path / "other", models={"writer": puppet_model(concurrency=concurrency)})
    other.write_input(texts_of(24), SHARDS)
    other.run(KEEPING, only=frozenset({2}))
    assert not (other.target / HIDDEN / KEPT).exists()
    with pytest.raises(Interrupted):
        asyncio.run(interrupt(other, rows=4))
    other.run(KEEPING)
    assert snapshot(other.target) == snapshot(bench.target)


async def interrupt(bench: Bench, rows: int) -> None:
    """Run the stage and ask it to end after some rows."""
    progress = Watching()
    running: list[Runtime] = []

    def count() -> None:
        if progress.counts.total() >= rows:
            running[0].stop()

    progress.on_advance = count
    await bench.run_in_loop(KEEPING, progress=progress, begun=running.append)


def run_slowly(folder: Path) -> None:
    """What a process does that is killed: the stage with a model that takes its time."""

    async def answer(call: Call) -> Completion:
        await asyncio.sleep(0.02)
        return await answer_well(call)

    bench = Bench(folder, models={"writer": puppet_model(concurrency=1)}, puppet=Puppet(answer))
    bench.run(KEEPING)


def test_kept_table_survives_kills(bench: Bench, tmp_path: Path) -> None:
    """A run that is killed after its first shard, and begun again, leaves the bytes of one that was left alone."""
    bench.run(KEEPING)
    killed = Bench(tmp_path / "killed")
    killed.write_input(texts_of(24), SHARDS)
    process = multiprocessing.get_context("spawn").Process(target=run_slowly, args=(killed.folder,))
    process.start()
    while process.is_alive() and not list(killed.target.glob("part-*.parquet")):
        time.sleep(0.005)
    process.kill()
    process.join()
    killed.run(KEEPING)
    assert snapshot(killed.target) == snapshot(bench.target)


@pytest.mark.parametrize("damage", ["lost", "of another plan"])
def test_shard_without_its_plan_is_made_again(bench: Bench, damage: str) -> None:
    """A shard beside which the table is not that of its plan was left half by a kill: it is made again."""
    bench.run(KEEPING)
    before = snapshot(bench.target)
    bench.puppet.sent.clear()
    path = list_shards(bench.target)[1].plan
    if damage == "lost":
        path.unlink()
    else:
        pq.write_table(pa.table({"clip": ["another"], "beside": ["one"]}), path)
    assert bench.run(KEEPING).redone == 1
    assert snapshot(bench.target) == before and not bench.puppet.sent


def test_kept_table_follows_its_shards(bench: Bench) -> None:
    """A clip that is added changes the part of its shard, and shards of another number leave no tables of the old."""
    bench.run(KEEPING)
    bench.write_input([*texts_of(24), "one more"], SHARDS)
    assert bench.run(KEEPING).redone == 1
    assert "one more" in read_kept(bench)["clip"].to_pylist()
    for one in list_shards(bench.source):
        one.path.unlink()
    bench.write_input(texts_of(24), 2)
    bench.run(KEEPING)
    assert sorted(read_kept(bench)["clip"].to_pylist()) == sorted(texts_of(24))
    assert len(list((bench.target / HIDDEN / "plans").iterdir())) == 2


def test_kept_table_of_an_older_version_stays_until_the_new_one_is_whole(bench: Bench) -> None:
    """While shards are missing the last whole table is there: whoever plans on from it can still read it."""
    bench.run(KEEPING)
    bench.run(KEEPING, options=Options(flavour="!"), only=frozenset({0}))
    assert read_kept(bench).num_rows == 24


def test_plan_without_the_table_it_keeps_is_a_fault_of_the_stage(bench: Bench) -> None:
    """A stage that keeps a table and has none says so."""
    stage = make_stage(ask_beside, plan=lambda rows, ctx: {}, keeps=KEPT)
    with pytest.raises(StorageError, match=r"stage small keeps pairs\.parquet, and its plan has no Arrow table"):
        bench.run(stage)


def test_plans_with_other_columns_are_a_fault_of_the_stage(bench: Bench) -> None:
    """Tables of two shards that do not fit each other are named as such."""

    def plan(rows: Iterable[Row], ctx: Context[Options]) -> Pairs:
        made = pair_up(rows, ctx)
        return Pairs(made.beside, pa.table({min(made.beside): ["x"]}))

    with pytest.raises(StorageError, match="the plans of two shards differ in their columns"):
        bench.run(make_stage(ask_beside, plan=plan, keeps=KEPT))
