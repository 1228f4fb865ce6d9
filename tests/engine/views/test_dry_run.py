"""A dry run: counts what a run would send, and neither calls nor writes anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from audiomcq_cli.contracts import (
    Call,
    Chat,
    Completion,
    Context,
    Divided,
    Flow,
    Materials,
    Need,
    NoOptions,
    Prepare,
    Reject,
    Row,
    Score,
    Source,
    SourceRow,
    Stage,
)
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.views.dry_run import Estimate, rehearse
from audiomcq_cli.recipe.specs import source_spec
from audiomcq_cli.stages import caption
from tests.cli import write_tones
from tests.engine import READS, WRITES, Bench, Puppet, good, make_stage, puppet_model, snapshot, texts_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.write_input(texts_of(10), 2)
    return bench


def estimate(bench: Bench, *jobs: Job) -> list[Estimate]:
    async def main() -> list[Estimate]:
        async with bench.runtime() as runtime:
            return await rehearse(jobs, runtime)

    before = snapshot(bench.folder, leave_out=())
    estimates = asyncio.run(main())
    assert snapshot(bench.folder, leave_out=()) == before
    return estimates


def test_every_call_of_a_first_run_is_counted(bench: Bench) -> None:
    """Each row's calls and about how many tokens they take are counted; nothing is sent or written."""
    [one] = estimate(bench, bench.job())
    assert (one.stage, one.items, one.rows, one.calls) == ("small", 10, 10, {"writer": 10})
    assert one.prompt_tokens["writer"] > 0 and one.completion_tokens["writer"] > 0
    assert not bench.puppet.sent and bench.puppet.checks == 0


def test_count_is_what_a_run_then_sends(bench: Bench) -> None:
    """A run in which nothing is rejected sends exactly as many calls as were counted."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        texts = [row["source_id"] + word for word in ("", " again")]
        replies = yield [Chat(model="writer", prompt="ask", variables={"text": text}) for text in texts]
        return [row | {"question": "q", "calls": [reply.call for reply in replies]}]

    stage = make_stage(flow)
    [one] = estimate(bench, bench.job(stage))
    report = bench.run(stage)
    assert one.calls == report.calls == {"writer": 20}


def test_what_the_journal_holds_is_not_counted(bench: Bench) -> None:
    """After a run nothing is left to be sent; a row that is added is."""
    bench.run()
    [done] = estimate(bench, bench.job())
    assert (done.items, done.calls) == (10, {})
    bench.write_input([*texts_of(10), "one more"], 2)
    [more] = estimate(bench, bench.job())
    assert more.calls == {"writer": 1}


def test_known_replies_are_used(bench: Bench) -> None:
    """Where the journal knows that a row was rejected the next stage does not count it."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        [reply] = yield [Chat(model="writer", prompt="ask", variables={"text": row["source_id"]})]
        if reply.value["question_type"] == "music":
            return Reject("music")
        return [row | {"question": reply.text, "calls": [reply.call]}]

    async def answer(call: Call) -> Completion:
        return Completion(text=good(call).replace("sound", "music" if "clip 3<" in call.messages[1].text else "sound"))

    bench.puppet = Puppet(answer)
    bench.run(make_stage(flow))
    jobs = [bench.job(make_stage(flow)), bench.job(name="next", source=bench.target, target=bench.folder / "next")]
    first, second = estimate(bench, *jobs)
    assert (first.items, first.rows, first.calls) == (10, 9, {})
    assert (second.items, second.calls) == (9, {"writer": 9})


def test_stages_that_are_not_built_yet_are_counted(bench: Bench) -> None:
    """Rows go on to later stages, several for one, whether or not a folder of theirs is there.

    Examples are alike where replies are not, so that two rows are two calls even if what they ask is the same by now.
    """

    def double(row: Row, ctx: Context[Any]) -> Flow:
        [reply] = yield [Chat(model="writer", prompt="ask", variables={"text": row["source_id"]})]
        kept = row | {"question": reply.text, "calls": []}
        return [kept | {"clip_id": f"{row['clip_id']}:{slot}"} for slot in range(3)]

    def divide(rows: pl.DataFrame, ctx: Context[Any]) -> Divided:
        raise AssertionError("a rehearsal does not divide")

    divider = make_stage(None, divide=divide, options=NoOptions, needs=None, prompts=None, reads=READS, writes=WRITES)
    jobs = [
        bench.job(make_stage(double)),
        bench.job(name="second", source=bench.target, target=bench.folder / "second"),
        bench.job(divider, name="third", source=bench.folder / "second", target=bench.folder / "third"),
    ]
    first, second, third = estimate(bench, *jobs)
    assert (first.items, first.rows, first.calls) == (10, 30, {"writer": 10})
    assert (second.items, second.rows) == (30, 30)
    assert second.calls == {"writer": 30}
    assert (third.items, third.rows, third.calls) == (30, 30, {})


def make_counting_stage(**changes: Any) -> Stage[Any]:
    """A stage that asks with what it prepared: how many rows its input has."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        text = f"{row['source_id']} of {ctx.prepared}"
        [reply] = yield [Chat(model="writer", prompt="ask", variables={"text": text})]
        return [row | {"question": text, "calls": [reply.call]}]

    def build(materials: Materials, ctx: Context[Any]) -> pa.Table:
        assert not materials.rows.select("clip_id").collect().is_empty()
        return pa.table({"rows": [materials.rows.select(pl.len()).collect().item()]})

    return make_stage(flow, prepare=Prepare(build=build, load=lambda table: table["rows"][0].as_py()), **changes)


def test_flows_have_what_was_prepared(bench: Bench) -> None:
    """A stage is prepared from what the stages before it would keep, and that is not written anywhere."""
    jobs = [
        bench.job(),
        bench.job(make_counting_stage(), name="next", source=bench.target, target=bench.folder / "next"),
    ]
    first, second = estimate(bench, *jobs)
    assert (first.calls, second.items, second.calls) == ({"writer": 10}, 10, {"writer": 10})
    bench.run()
    report = bench.run(jobs[1].stage, name="next", source=bench.target, target=bench.folder / "next")
    assert report.calls == second.calls
    assert all(row["question"].endswith(" of 10") for row in bench.kept(bench.folder / "next"))
    assert [one.calls for one in estimate(bench, *jobs)] == [{}, {}]


def test_stage_that_keeps_nothing_leaves_nothing_to_do(bench: Bench) -> None:
    """Where every row is rejected by a rule the stages after it are counted with nothing, prepared or not."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return Reject("odd")
        yield []

    jobs = [
        bench.job(make_stage(flow)),
        bench.job(make_counting_stage(), name="next", source=bench.target, target=bench.folder / "next"),
        bench.job(name="last", source=bench.folder / "next", target=bench.folder / "last"),
    ]
    assert [(one.items, one.rows, one.calls) for one in estimate(bench, *jobs)] == [(10, 0, {}), (0, 0, {}), (0, 0, {})]


def test_scores_are_counted(bench: Bench) -> None:
    """What is scored counts as its own tokens, not as a reply; the same request twice in a row's flow is one call."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        variables = {"text": row["source_id"]}
        request = Score(model="writer", prompt="plain", variables=variables, continuations=("A", "B", "a dog barking"))
        first, second = yield [request, request]
        assert first.key == second.key
        return [row | {"question": "q", "calls": [first.call]}]

    stage = make_stage(flow, needs=lambda options: [Need("writer", frozenset({"score"}))])
    [one] = estimate(bench, bench.job(stage))
    assert (one.rows, one.calls, one.completion_tokens) == (10, {"writer": 10}, {"writer": 10 * (1 + 1 + 4)})
    bench.puppet = Puppet(answer_scores)
    assert bench.run(stage).calls == one.calls


async def answer_scores(call: Call) -> Completion:
    return Completion(scores=tuple({"logprob": -1.0, "tokens": 1} for _ in call.continuations))


def test_models_are_counted_apart(bench: Bench) -> None:
    """Calls are counted by the model that they would go to."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        variables = {"text": row["source_id"]}
        yield [Chat(model=name, prompt="ask", variables=variables) for name in ("writer", "grader")]
        return [row | {"question": "q", "calls": []}]

    bench.models["grader"] = puppet_model("grader", model="puppet-2")
    [one] = estimate(bench, bench.job(make_stage(flow)))
    assert one.calls == {"writer": 10, "grader": 10}


def test_first_stage_is_counted_from_its_sources(bench: Bench) -> None:
    """The real caption stage over a source: clips are counted, clips with audio as analyses to be made."""
    root = bench.folder / "audio"
    root.mkdir()
    (root / "a.wav").write_bytes(b"not decoded in a rehearsal")

    def read(path: Path, options: Any) -> Iterator[SourceRow]:
        yield SourceRow(source_id="a", row=1, captions=("a door",), audio=("a",))
        yield SourceRow(source_id="b", row=2, captions=("rain",), audio=("b",))
        yield SourceRow(source_id="c", row=3, problem=Reject("bad_row"))

    source = Source(help="rows", dataset="Small", read=read, options=NoOptions)
    spec = SourceSpec(
        adapter="rows", source=source, options=NoOptions(), path=root, name="Small", audio_root=root, limit=None
    )
    job = Job(
        name="caption",
        stage=caption.STAGE,
        options=caption.Options(),
        target=bench.folder / "clips",
        workdir=bench.folder / "work",
        sources=(spec,),
    )
    [one] = estimate(bench, job)
    assert (one.items, one.rows, one.calls) == (3, 2, {"probe": 1})


def test_windows_are_counted_by_the_clips_own_length(bench: Bench) -> None:
    """A clip that a captioner hears in parts is counted by what its file says, not by an example's length."""
    root = bench.folder / "audio"
    write_tones(root, 1)  # of 0.25 s
    [spec] = (source_spec(f"folder:{root}", name="Small"),)
    bench.models = {"ears": puppet_model("ears", audio=True, audio_window=0.1)}
    job = Job(
        name="caption",
        stage=caption.STAGE,
        options=caption.Options(describe=("model",), captioners=("ears",)),
        target=bench.folder / "clips",
        workdir=bench.folder / "work",
        sources=(spec,),
    )
    [one] = estimate(bench, job)
    assert (one.rows, one.calls) == (1, {"probe": 1, "ears": 3})


# ------------------------------------------------------------------------------------------------ what is known already


def keep_some(row: Row, ctx: Context[Any]) -> Flow:
    """Ask once, and reject what the model takes for music."""
    [reply] = yield [Chat(model="writer", prompt="ask", variables={"text": row["source_id"]})]
    if reply.value["question_type"] == "music":
        return Reject("music")
    return [row | {"question": reply.text, "calls": [reply.call]}]


async def answer_at_length(call: Call) -> Completion:
    """Replies that take 40 and 200 tokens; those to every other number are of music."""
    number = int("".join(filter(str.isdigit, call.messages[1].text)))
    text = good(call).replace("sound", "music" if number % 2 else "sound")
    return Completion(text=text, prompt_tokens=40, completion_tokens=200)


@pytest.fixture
def begun(bench: Bench) -> Bench:
    """20 of 200 rows are done, half of them kept."""
    bench.puppet = Puppet(answer_at_length)
    bench.write_input(texts_of(20), 2)
    bench.run(make_stage(keep_some))
    bench.write_input(texts_of(200), 2)
    return bench


def test_what_is_known_corrects_the_guess(begun: Bench) -> None:
    """Calls, tokens and rows kept of the rows to come are as those of the rows that are known."""
    [one] = estimate(begun, begun.job(make_stage(keep_some)))
    assert (one.known, one.items, one.kept, one.rows) == (20, 200, 0.5, 100)
    assert (one.calls, one.prompt_tokens, one.completion_tokens) == (
        {"writer": 180},
        {"writer": 180 * 40},
        {"writer": 180 * 200},
    )


def test_later_stages_are_counted_with_what_is_kept(begun: Bench) -> None:
    """Rows that are expected to be rejected are not counted in the stages after."""
    stage = make_stage(keep_some)
    jobs = [
        begun.job(stage),
        begun.job(name="next", source=begun.target, target=begun.folder / "next"),
        begun.job(name="last", source=begun.folder / "next", target=begun.folder / "last"),
    ]
    first, second, third = estimate(begun, *jobs)
    assert (first.rows, second.items, third.items) == (100, 100, 100)
    assert second.calls == third.calls == {"writer": 100}


def test_expected_part_where_nothing_is_known(bench: Bench) -> None:
    """Without a journal the recipe's word counts, stage upon stage."""
    jobs = [
        bench.job(expected=0.5),
        bench.job(name="next", source=bench.target, target=bench.folder / "next", expected=0.4),
        bench.job(name="last", source=bench.folder / "next", target=bench.folder / "last"),
    ]
    first, second, third = estimate(bench, *jobs)
    assert [(one.items, one.rows) for one in (first, second, third)] == [(10, 5), (5, 2), (2, 2)]


def test_money_and_time(bench: Bench) -> None:
    """Tokens cost what the model's prices say, and take what the throughput or a limit allows."""
    bench.models = {"writer": puppet_model(prompt_price=1.0, completion_price=4.0, requests_per_minute=2)}
    [one] = estimate(bench, bench.job())
    prompt, completion = one.prompt_tokens["writer"], one.completion_tokens["writer"]
    assert one.cost == {"writer": pytest.approx((prompt + 4 * completion) / 1e6)}
    assert one.seconds == pytest.approx(10 / 2 * 60)


def test_time_as_in_earlier_runs(begun: Bench) -> None:
    """Without a throughput that of the runs in the log counts."""
    [one] = estimate(begun, begun.job(make_stage(keep_some)))
    assert one.seconds is not None
    assert one.seconds > 0
