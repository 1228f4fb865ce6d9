"""The opening of a stage: asked once, before any row, and kept in a journal of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Call, Chat, Completion, Context, Flow, Opened, Reply, Request, Row
from audiomcq_cli.engine.journal.pack import pack
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.views.dry_run import Estimate, rehearse
from audiomcq_cli.engine.views.trace import trace
from audiomcq_cli.errors import CapabilityMissing, Incomplete, Interrupted, ReplayMiss
from audiomcq_cli.recipe.options import restore
from audiomcq_cli.storage.shards import list_shards
from tests.engine import Bench, Options, Puppet, Watching, batch_model, good, make_stage, puppet_model, texts_of
from tests.servers.batches import running_batches

SHARDS = 3
CLIPS = 12
CHECKS = 4


def check_hearing(ctx: Context[Options]) -> Generator[Sequence[Request], Sequence[Reply], Opened]:
    """Ask about four made-up clips, then once more; a model that hears none of them stops the stage."""
    assert ctx.opened is None
    heard = 0
    for number in range(CHECKS):
        text = f"check {number}{ctx.options.flavour}"
        [reply] = yield [Chat(model=ctx.options.model, prompt="plain", variables={"text": text})]
        heard += reply.text != "deaf"
    if not heard:
        raise CapabilityMissing("model 'writer' does not hear", hint="use a server that keeps audio")
    return Opened({"heard": heard}, (f"hears {heard} of {CHECKS}",) if heard < CHECKS else ())


def tell(row: Row, ctx: Context[Options]) -> Flow:
    """Ask about a clip, and say how many of the checks were heard."""
    text = f"{row['source_id']} after {ctx.opened['heard'] if ctx.opened else 'no'}"
    [reply] = yield [Chat(model=ctx.options.model, prompt="ask", variables={"text": text})]
    return [row | {"question": reply.text, "calls": [reply.call]}]


STAGE = make_stage(tell, opening=check_hearing, prompts=lambda options: ("ask", "plain"))


class Listener:
    """Answers what it is asked; ``deaf`` are the checks that it does not hear, ``silent`` those it says nothing to."""

    def __init__(self) -> None:
        self.deaf: set[int] = set()
        self.silent: set[int] = set()

    async def __call__(self, call: Call) -> Completion:
        said = call.messages[1].text
        if not said.startswith("check "):
            return Completion(text=good(call))
        number = int(said.split()[1].rstrip("!"))
        return Completion(text="" if number in self.silent else "deaf" if number in self.deaf else "a tone")


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def bench(tmp_path: Path, listener: Listener) -> Bench:
    bench = Bench(tmp_path, puppet=Puppet(listener))
    bench.models = {"writer": puppet_model(tries=2)}
    bench.write_input(texts_of(CLIPS), SHARDS)
    return bench


def asked(bench: Bench) -> list[str]:
    """What was sent, in order, without what is around the text of a clip."""
    return [call.messages[1].text.removeprefix("<heard>").removesuffix("</heard>") for call in bench.puppet.sent]


def journal(bench: Bench) -> Path:
    return bench.folder / "work/journal/small/opening.sqlite"


def test_opening_comes_before_the_first_row(bench: Bench) -> None:
    """The checks are asked in turn before any row, and every flow reads what came of them."""
    report = bench.run(STAGE)
    assert asked(bench)[:CHECKS] == [f"check {number}" for number in range(CHECKS)]
    assert sorted(asked(bench)[CHECKS:]) == sorted(f"{text} after {CHECKS}" for text in texts_of(CLIPS))
    assert report.calls == {"writer": CHECKS + CLIPS}
    assert journal(bench).is_file()


def test_later_runs_ask_nothing_again(bench: Bench) -> None:
    """Shards that are done later, or again, have the opening from its journal; a run without work needs none."""
    bench.run(STAGE, only=frozenset({0}))
    bench.puppet.sent.clear()
    bench.run(STAGE)
    assert not any(text.startswith("check") for text in asked(bench))
    journal(bench).unlink()
    bench.puppet.sent.clear()
    assert bench.run(STAGE).redone == 0
    assert not bench.puppet.sent


def test_other_options_are_another_opening(bench: Bench) -> None:
    """What the opening asks goes by the options, as what rows ask."""
    bench.run(STAGE)
    bench.puppet.sent.clear()
    bench.run(STAGE, options=Options(flavour="!"))
    assert asked(bench) == [f"check {number}!" for number in range(CHECKS)]


def test_remarks_are_said(bench: Bench, listener: Listener) -> None:
    """What the opening wants people to know is a line of the run."""
    listener.deaf = {1}
    watching = Watching()
    asyncio.run(bench.run_in_loop(STAGE, progress=watching))
    assert watching.said == ["small: hears 3 of 4"]


def test_opening_may_stop_the_stage(bench: Bench, listener: Listener) -> None:
    """Its error ends the run before a row is asked, and the next run asks anew: the server may have been mended."""
    listener.deaf = set(range(CHECKS))
    with pytest.raises(CapabilityMissing, match="does not hear"):
        bench.run(STAGE)
    assert len(bench.puppet.sent) == CHECKS and not list(bench.target.glob("*.parquet"))
    listener.deaf = set()
    assert bench.run(STAGE).items["kept"] == CLIPS
    assert len(bench.puppet.sent) == 2 * CHECKS + CLIPS


def test_request_that_fails_is_tried_by_the_next_run(bench: Bench, listener: Listener) -> None:
    """A check without a usable reply stops the stage; what was answered stays, and the next run asks the rest."""
    listener.silent = {2}
    with pytest.raises(Incomplete, match=r"stage small cannot begin: .* failed \(empty\)"):
        bench.run(STAGE)
    bench.puppet.sent.clear()
    listener.silent = set()
    assert bench.run(STAGE).items["kept"] == CLIPS
    assert asked(bench)[:2] == ["check 2", "check 3"]


def test_interrupted_opening_goes_on(bench: Bench, listener: Listener) -> None:
    """A run that ends within the opening loses no reply and leaves what an uninterrupted one does."""
    running: list[Runtime] = []

    async def answer(call: Call) -> Completion:
        if len(bench.puppet.sent) == 2:
            running[0].stop()
        return await listener(call)

    bench.puppet.answer = answer
    with pytest.raises(Interrupted):
        asyncio.run(bench.run_in_loop(STAGE, begun=running.append))
    assert len(bench.puppet.sent) == 2
    bench.puppet.answer = listener
    bench.run(STAGE)
    assert len(asked(bench)) == len(set(asked(bench))) == CHECKS + CLIPS


def test_processes_ask_once(bench: Bench) -> None:
    """Of two runs with shards of their own the second waits for the opening of the first, and asks nothing again."""

    async def both() -> None:
        runs = (bench.run_in_loop(STAGE, only=only) for only in (frozenset({0, 1}), frozenset({2})))
        await asyncio.gather(*runs)

    asyncio.run(both())
    assert len(asked(bench)) == len(set(asked(bench))) == CHECKS + CLIPS


def test_model_by_batch_is_asked_at_once(tmp_path: Path) -> None:
    """Four calls are not worth a day: a model that is reached by batch answers the opening online."""
    with running_batches(tmp_path, models=("scripted",)) as server:
        bench = Bench(tmp_path / "bench", models={"writer": batch_model(server)})
        bench.write_input(texts_of(2))
        assert bench.run(STAGE).items["kept"] == 2


# ---------------------------------------------------------------------------------------------------- other drivers


def test_replay_reads_the_opening(bench: Bench, tmp_path: Path) -> None:
    """A replay has it from the journal, also from a packed one; without it the replay lacks a reply."""
    bench.run(STAGE)
    pack(bench.folder / "work", tmp_path / "packed.sqlite")
    bench.puppet.sent.clear()
    elsewhere = tmp_path / "elsewhere"
    bench.run(STAGE, target=tmp_path / "again", workdir=elsewhere, reuse=(tmp_path / "packed.sqlite",), replay=True)
    assert [path.read_bytes() for path in sorted((tmp_path / "again").glob("*.parquet"))] == [
        one.path.read_bytes() for one in list_shards(bench.target)
    ]
    journal(bench).unlink()
    with pytest.raises(ReplayMiss):
        bench.run(STAGE, target=tmp_path / "none", replay=True)
    assert not bench.puppet.sent


def test_trace_reads_the_opening(bench: Bench) -> None:
    """What is shown of a row was asked with what the opening found."""
    bench.run(STAGE)
    [step] = asyncio.run(
        trace(
            bench.target,
            "Small:clip 5",
            workdir=bench.folder / "work",
            stages={"small": STAGE},
            build=restore,
            backends={"puppet": bench.puppet.kind()},
        )
    )
    assert step.tries[0].turns[-1][1] == f"<heard>clip 5 after {CHECKS}</heard>"


def rehearse_one(bench: Bench) -> Estimate:
    async def look() -> list[Estimate]:
        async with bench.runtime() as runtime:
            return await rehearse([bench.job(STAGE)], runtime)

    [estimate] = asyncio.run(look())
    return estimate


def test_dry_run_counts_the_opening(bench: Bench) -> None:
    """It is counted where the journal lacks it, and not where it has it."""
    assert rehearse_one(bench).calls == {"writer": CHECKS + CLIPS}
    bench.run(STAGE)
    assert rehearse_one(bench).calls == {}


def test_dry_run_goes_on_where_examples_would_stop_the_stage(bench: Bench) -> None:
    """An example is no answer: a dry run whose examples fail the checks counts the rows all the same."""
    text = (bench.folder / "prompts/plain.toml").read_text("utf-8")
    bench.write_prompt("plain", text.replace("Something.", "deaf"))
    assert rehearse_one(bench).calls == {"writer": CHECKS + CLIPS}


def test_opening_without_a_result_is_a_fault_of_the_stage(bench: Bench) -> None:
    """A flow that returns something else is named."""

    def opening(ctx: Context[Options]) -> Generator[Sequence[Request], Sequence[Reply], Any]:
        return 4
        yield []

    with pytest.raises(Exception, match="stage small: its opening returns no Opened"):
        bench.run(make_stage(tell, opening=opening))
