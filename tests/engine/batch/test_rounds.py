"""The batch driver: the bytes of an online run, nothing paid twice, and nothing lost whatever the provider does."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Chat, Context, Flow, Model, Need, Row, Score, Stage
from audiomcq_cli.engine.journal.pack import pack, summarise, unpack
from audiomcq_cli.engine.ledger.report import StageReport
from audiomcq_cli.engine.servers.budget import Budget
from audiomcq_cli.engine.views.status import read_status
from audiomcq_cli.errors import (
    BudgetReached,
    CapabilityMissing,
    EndpointUnreachable,
    Interrupted,
    JournalBusy,
    ModelError,
    RecipeError,
)
from audiomcq_cli.storage.manifest import read_manifest
from tests.conftest import FAULTS, strike
from tests.engine import Bench, Watching, batch_model, find_temporary, http_model, make_stage, snapshot, texts_of
from tests.engine.clock import HurriedClock
from tests.servers.batches import running_batches
from tests.servers.process import RunningServer, fetch_json

SHARDS = 3
MODELS = ("scripted", "other")
KEY = "sk-secret-0123456789"

RULES = [
    {"match": {"contains": strike(fault, times)}, "times": times, "fault": fault}
    for fault in FAULTS
    for times in (None, 1, 2, 3)
]


@contextlib.contextmanager
def serving(
    folder: Path, *faults: Mapping[str, Any] | str, seconds: float = 0, key: str = ""
) -> Iterator[RunningServer]:
    """A batch API with faults: rules, or what is to become of the batches in their order."""
    rules = [{"on": "batch", "do": fault} if isinstance(fault, str) else fault for fault in faults]
    with running_batches(
        folder, models=MODELS, faults=RULES, batch_faults=rules, batch_seconds=seconds, key=key
    ) as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(shared: RunningServer) -> RunningServer:
    """A batch API on which nothing goes wrong but single requests, with its counts at zero."""
    shared.reset()
    return shared


def converse(row: Row, ctx: Context[Any]) -> Flow:
    """Ask, ask two things about the reply at once, one of them of another model, and then once more."""
    text = row["source_id"]
    [first] = yield [Chat(model="writer", prompt="ask", variables={"text": text})]
    about = {"text": f"{text} and {first.value['question']}"}
    second, third = yield [
        Chat(model="writer", prompt="plain", variables=about),
        Chat(model="grader", prompt="ask", variables=about, optional=True),
    ]
    [last] = yield [Chat(model="writer", prompt="ask", variables={"text": second.text + third.text}, sample=1)]
    calls = [reply.call for reply in (first, second, third, last)]
    return [row | {"question": last.text, "calls": calls}]


def list_needs(options: Any) -> list[Need]:
    return [Need(model, frozenset({"chat"})) for model in ("writer", "grader")]


STAGE = make_stage(converse, needs=list_needs, prompts=lambda options: ("ask", "plain"))
CALLS = 4

USUAL = texts_of(14)
FAULTY = [
    *USUAL,
    strike("prose", 1),
    strike("prose", 2),
    strike("prose"),
    strike("refusal"),
    strike("status:400"),
    strike("length", 1),
    f"{strike('wrong_schema', 1)} again",
]


def by_batch(server: RunningServer, **settings: Any) -> dict[str, Model]:
    """A writer by batch and a grader online."""
    return {
        "writer": batch_model(server, settings={"poll_seconds": 0.4} | settings, attempts=3),
        "grader": http_model(server, "grader", model="other", backend="openai-compatible"),
    }


def online(server: RunningServer) -> dict[str, Model]:
    return by_batch(server) | {"writer": http_model(server, attempts=3, backend="openai-compatible")}


def make_bench(
    folder: Path, models: dict[str, Model], texts: Sequence[str] = USUAL, budget: Budget | None = None
) -> Bench:
    bench = Bench(folder, models=models, budget=budget or Budget(), clock=HurriedClock())
    if not bench.source.exists():
        bench.write_input(texts, SHARDS)
    return bench


def run(
    folder: Path,
    models: dict[str, Model],
    texts: Sequence[str] = USUAL,
    stage: Stage[Any] = STAGE,
    watching: Watching | None = None,
    budget: Budget | None = None,
    **changes: Any,
) -> StageReport:
    """Run the stage in a folder, whose input is written the first time."""
    bench = make_bench(folder, models, texts, budget)
    return asyncio.run(bench.run_in_loop(stage, progress=watching, **changes))


def written(folder: Path) -> Mapping[str, bytes]:
    """Shards, rejects and manifest of a folder."""
    found = snapshot(folder / "output")
    assert any(name.endswith("manifest.json") for name in found)
    return found


@pytest.fixture(scope="module")
def whole(shared: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """What the usual texts give online."""
    folder = tmp_path_factory.mktemp("online")
    run(folder, online(shared))
    return written(folder)


def batches(server: RunningServer) -> list[dict[str, Any]]:
    """The batches that a server was asked for."""
    found: list[dict[str, Any]] = fetch_json(f"{server.url}/batches")["batches"]
    return found


def find_paid_twice(server: RunningServer) -> dict[str, int]:
    """Requests that a server did more than once."""
    return {body: times for body, times in server.requests().items() if times > 1}


# ------------------------------------------------------------------------------------------------------ same bytes


def test_bytes_are_those_of_an_online_run(server: RunningServer, tmp_path: Path) -> None:
    """With replies of no use, second tries, failures and a model online beside it, batch and online write the same."""
    run(tmp_path / "online", online(server), FAULTY, keep_failed=True)
    calls = server.requests()
    server.reset()
    watching = Watching()
    report = run(tmp_path / "batch", by_batch(server), FAULTY, watching=watching, keep_failed=True)
    assert written(tmp_path / "batch") == written(tmp_path / "online")
    assert server.requests() == calls
    assert report.items["failed"] == 3 and report.items["in"] == len(FAULTY)
    assert watching.counts == {"kept": report.items["kept"], "failed": 3}


def test_failed_rows_are_tried_again_by_the_next_run(server: RunningServer, tmp_path: Path) -> None:
    """A run after one that ended with failed rows asks those alone, with the next try, as online."""
    asked = []
    for name, models in (("online", online(server)), ("batch", by_batch(server))):
        server.reset()
        for _ in range(2):
            run(tmp_path / name, models, [*USUAL, strike("prose")])
        asked.append(server.requests())
        assert server.stats()["faults"] == {"prose": 6}
    assert asked[0] == asked[1] and sum(asked[0].values()) == len(USUAL) * CALLS + 6
    assert written(tmp_path / "batch") == written(tmp_path / "online")


def test_size_of_files_changes_nothing(server: RunningServer, tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """Files are split by count and by bytes under the limits of the table, without a difference to the result."""
    for name, settings in (("count", {"requests_per_file": 4}), ("bytes", {"bytes_per_file": 10_000})):
        server.reset()
        before = len(batches(server))
        run(tmp_path / name, by_batch(server, **settings))
        begun = batches(server)[before:]
        assert len(begun) > CALLS - 1 and not find_paid_twice(server)
        assert max(batch["request_counts"]["total"] for batch in begun) <= (4 if name == "count" else len(USUAL))
        assert written(tmp_path / name) == whole


def test_equal_calls_of_two_shards_are_one(server: RunningServer, tmp_path: Path) -> None:
    """A call that rows of several shards make is sent once in a round, and answers all of them."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        [reply] = yield [Chat(model="writer", prompt="ask", variables={"text": "the same"})]
        return [row | {"question": reply.text, "calls": [reply.call]}]

    report = run(tmp_path, by_batch(server), stage=make_stage(flow))
    assert report.rows == len(USUAL) and list(server.requests().values()) == [1]


def test_replay_of_a_batch_run(server: RunningServer, tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """What came by batch is in the journal: a replay gives the same bytes and reaches nobody."""
    run(tmp_path, by_batch(server))
    for path in (tmp_path / "output").glob("*.parquet"):
        path.unlink()
    server.reset()
    run(tmp_path, by_batch(server), replay=True)
    assert written(tmp_path) == whole and not server.requests()


def test_second_run_does_nothing(server: RunningServer, tmp_path: Path) -> None:
    """A finished stage has no work, and nothing of the batches is left but the file that says which there were."""
    run(tmp_path, by_batch(server))
    assert run(tmp_path, by_batch(server)).redone == 0
    left = sorted(path.name for path in (tmp_path / "work/journal/small/batches").iterdir())
    assert left == ["batches.sqlite", "batches.sqlite-journal", "batches.sqlite.lock"]
    assert not list(find_temporary(tmp_path))
    with contextlib.closing(sqlite3.connect(tmp_path / "work/journal/small/batches/batches.sqlite")) as store:
        assert store.execute("SELECT count(*) FROM replies").fetchone() == (0,)
        assert store.execute("SELECT count(*) FROM batches WHERE ended IS NULL OR id = ''").fetchone() == (0,)


def test_people_are_told(server: RunningServer, tmp_path: Path) -> None:
    """A line when a batch is begun, with its id, requests and size, and one when it has ended."""
    watching = Watching()
    run(tmp_path, by_batch(server), watching=watching)
    [first, second] = watching.said[:2]
    assert "batch_" in first and f"{len(USUAL)} requests" in first and "MB" in first
    assert f"completed after 0.0 h: {len(USUAL)} answered" in second
    assert len(watching.said) == 2 * (CALLS - 1)


def test_few_requests_are_asked_online(server: RunningServer, tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A round of fewer requests than the table says is asked call by call, and gives the same."""
    before = len(batches(server))
    run(tmp_path, by_batch(server, ask_online_below=len(USUAL) + 1))
    assert written(tmp_path) == whole and not find_paid_twice(server)
    assert len(batches(server)) == before


def test_one_address(server: RunningServer, tmp_path: Path) -> None:
    """A batch goes to one address: several are a mistake in the recipe."""
    writer = batch_model(server, base_url=(server.base_url, server.base_url))
    with pytest.raises(RecipeError, match="one address"):
        run(tmp_path, by_batch(server) | {"writer": writer})


def test_scores_are_not_asked_by_batch(server: RunningServer, tmp_path: Path) -> None:
    """A stage that needs scores of a batch model stops before the first call."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [Score(model="writer", prompt="plain", variables={"text": "a"}, continuations=("b",))]
        return [row]

    stage = make_stage(flow, needs=lambda options: [Need("writer", frozenset({"score"}))])
    with pytest.raises(CapabilityMissing, match="writer"):
        run(tmp_path, by_batch(server), stage=stage)


# --------------------------------------------------------------------------------------- what a provider may do


@pytest.mark.parametrize("fault", ["expire_half", "lose", "noise"])
def test_what_did_not_come_is_asked_again(tmp_path: Path, whole: Mapping[str, bytes], fault: str) -> None:
    """Expired, lost, doubled, strange and mixed-up lines: what is missing is asked in the next round, nothing else."""
    with serving(tmp_path, fault, fault) as server:
        run(tmp_path / "b", by_batch(server))
        counts = [batch["request_counts"] for batch in batches(server)]
        twice = find_paid_twice(server)
    assert written(tmp_path / "b") == whole
    again = sum(count["total"] for count in counts) - (CALLS - 1) * len(USUAL)
    assert again == {"expire_half": 7 + 7, "lose": 5 + 5, "noise": 0}[fault]
    assert sum(times - 1 for times in twice.values()) == (
        again if fault == "lose" else 0
    )  # done, charged for, and not delivered


def test_lines_that_fail_for_now_are_asked_again_within_bounds(server: RunningServer, tmp_path: Path) -> None:
    """A 429 or 500 of one request is asked again next round, up to the model's attempts, and then fails the row."""
    texts = [*USUAL, strike("status:429", 2), strike("status:500"), strike("not_json", 1)]
    report = run(tmp_path, by_batch(server), texts)
    assert report.items["failed"] == 1 and report.reasons["failed"] == {"status_500": 1}
    assert server.stats()["faults"] == {"status:429": 2 * 3, "status:500": 3, "not_json": 1 * 3}


@pytest.mark.parametrize(
    "faults",
    [
        [{"on": "upload", "do": "status:500", "times": 2}],
        [{"on": "upload", "do": "reset"}],
        [{"on": "upload", "do": "reset_after"}],
        [{"on": "create", "do": "status:500"}],
        [{"on": "create", "do": "status:429"}],
        [{"on": "create", "do": "reset"}],
        [{"on": "create", "do": "reset_after"}, {"on": "create", "do": "reset_after"}],
        [{"on": "retrieve", "do": "status:503", "times": 3}],
        [{"on": "content", "do": "cut"}],
        [{"on": "content", "do": "status:500"}],
    ],
    ids=lambda faults: f"{faults[0]['on']}-{faults[0]['do']}",
)
def test_trouble_on_the_line(tmp_path: Path, whole: Mapping[str, bytes], faults: list[Mapping[str, Any]]) -> None:
    """Errors and cut connections at every step cost time alone: the same bytes, and nothing is done twice."""
    with serving(tmp_path, *faults) as server:
        run(tmp_path / "b", by_batch(server))
        assert not find_paid_twice(server) and len(batches(server)) == CALLS - 1
    assert written(tmp_path / "b") == whole


def test_queue_that_is_full(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """Batches that a full queue turns away are begun again when others have ended; their files are not sent again."""
    with serving(tmp_path, "fail:token_limit_exceeded", "fail:token_limit_exceeded") as server:
        watching = Watching()
        run(tmp_path / "b", by_batch(server, requests_per_file=5), watching=watching)
        assert not find_paid_twice(server)
        inputs = [batch["input_file_id"] for batch in batches(server)]
    assert written(tmp_path / "b") == whole
    assert len(inputs) == len(set(inputs)) + 2
    assert len([line for line in watching.said if "begun again" in line]) == 2


def test_queue_that_stays_full(tmp_path: Path) -> None:
    """A batch that is turned away again and again, with no other under way, ends the run with the provider's words."""
    full = ["fail:token_limit_exceeded"] * 3
    with serving(tmp_path, *full) as server, pytest.raises(ModelError, match="token_limit_exceeded"):
        run(tmp_path / "b", by_batch(server))


def test_batch_that_is_refused(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A batch refused as a whole ends the run with the provider's words; the next run asks again and loses nothing."""
    with serving(tmp_path, "", "fail:billing_hard_limit_reached") as server:
        with pytest.raises(ModelError, match="billing_hard_limit_reached"):
            run(tmp_path / "b", by_batch(server))
        run(tmp_path / "b", by_batch(server))
        assert not find_paid_twice(server)
    assert written(tmp_path / "b") == whole


def test_batch_that_is_cancelled(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """Who cancels a batch at the provider stops the run; what was done is kept, and the next run asks for the rest."""
    with serving(tmp_path, "cancel_half") as server:
        with pytest.raises(ModelError, match="was cancelled"):
            run(tmp_path / "b", by_batch(server))
        run(tmp_path / "b", by_batch(server))
        assert sum(batch["request_counts"]["completed"] for batch in batches(server)) == (CALLS - 1) * len(USUAL)
        assert not find_paid_twice(server)
    assert written(tmp_path / "b") == whole


# ----------------------------------------------------------------------------------------------------------- money


def with_prices(models: dict[str, Model], **changes: Any) -> dict[str, Model]:
    prices = {"prompt_price": 1.0, "completion_price": 2.0}
    return models | {"writer": replace(models["writer"], **prices | changes)}


def test_accounts_are_those_of_an_online_run(server: RunningServer, tmp_path: Path) -> None:
    """Calls, tokens and money of a stage by batch are what they are online."""
    first = run(tmp_path / "online", with_prices(online(server)), FAULTY, keep_failed=True)
    server.reset()
    second = run(tmp_path / "batch", with_prices(by_batch(server)), FAULTY, keep_failed=True)
    assert second.calls == first.calls and second.cost == pytest.approx(first.cost)
    assert (second.prompt_tokens, second.completion_tokens) == (first.prompt_tokens, first.completion_tokens)


def test_accounts_of_runs_that_were_stopped(tmp_path: Path) -> None:
    """The run that begins a batch has its calls in its log, the one that gets the replies what they cost."""
    with serving(tmp_path, seconds=0.3) as server:
        stop_when(server, tmp_path / "b", 1)
        [stopped] = read_status(tmp_path / "b/output", ())
        assert stopped.calls == {"writer": len(USUAL)} and not stopped.completion_tokens
        run(tmp_path / "b", by_batch(server))
        report = run(tmp_path / "online", online(server))
    [status] = read_status(tmp_path / "b/output", ())
    assert (status.calls, status.prompt_tokens) == (report.calls, report.prompt_tokens)


def test_budget_that_reaches_for_no_batch(server: RunningServer, tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A batch that may take more than is left is not begun: the run ends, and one with more goes on."""
    before = len(batches(server))
    with pytest.raises(
        BudgetReached, match=r"the next batch of model 'writer' \(0 spent, 1,000 left; it may take up to [\d,]+\)"
    ):
        run(tmp_path, by_batch(server), budget=Budget(tokens=1_000))
    assert len(batches(server)) == before and not list((tmp_path / "work").rglob("*.jsonl"))
    run(tmp_path, by_batch(server), budget=Budget(tokens=100_000))
    assert written(tmp_path) == whole


@pytest.mark.parametrize("budget", [Budget(tokens=4_800), Budget(money=8e-3)], ids=["tokens", "money"])
def test_runs_with_a_budget_make_the_same_in_the_end(
    server: RunningServer, tmp_path: Path, whole: Mapping[str, bytes], budget: Budget
) -> None:
    """Run after run a stage gets done, and no call is paid twice."""
    ended = 0
    while read_manifest(tmp_path / "output") is None:
        try:
            run(tmp_path, with_prices(by_batch(server)), budget=budget)
        except BudgetReached:
            ended += 1
        assert ended < 9
    assert ended
    assert written(tmp_path) == whole and not find_paid_twice(server)


def test_tokens_that_a_batch_does_not_count_are_taken_as_the_most(tmp_path: Path) -> None:
    """Where the provider leaves usage out, the most that each call may take counts as spent, and that is said once."""
    with serving(tmp_path, "no_usage") as silent:
        bench = make_bench(tmp_path, by_batch(silent))
        report = asyncio.run(bench.run_in_loop(STAGE))
    assert report.items["kept"] == len(USUAL)
    assert report.uncounted == {"writer": len(USUAL)}  # those of the first batch
    assert sum("does not report" in line and "'writer'" in line for line in bench.said) == 1


def test_batches_wait_for_what_others_leave(server: RunningServer, tmp_path: Path) -> None:
    """Of several batches each of which fits alone one is under way at a time, and the budget is not exceeded."""
    sampling = {"max_tokens": 2_000}
    watching = Watching()
    models = with_prices(by_batch(server, requests_per_file=5), sampling=sampling)
    run(tmp_path / "b", models, watching=watching, budget=Budget(tokens=18_000))
    under_way = most = 0
    for line in watching.said:
        under_way += ("submitted" in line) - ("answered" in line)
        most = max(most, under_way)
    assert most == 1 and "does not fit into the budget until others have ended" in "".join(watching.said)
    run(tmp_path / "online", with_prices(online(server), sampling=sampling))
    assert written(tmp_path / "b") == written(tmp_path / "online")


def test_budget_counts_batches_of_earlier_runs(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """What is under way since an earlier run is reserved before anything else is begun, and its replies are taken."""
    with serving(tmp_path, seconds=0.3) as server:
        stop_when(server, tmp_path / "b", 1)
        with pytest.raises(BudgetReached):
            run(tmp_path / "b", by_batch(server), budget=Budget(tokens=1_000))
        assert len(batches(server)) == 1
        run(tmp_path / "b", by_batch(server))
        assert not find_paid_twice(server)
    assert written(tmp_path / "b") == whole


# ----------------------------------------------------------------------------------------------- stopped and begun


def stop_when(server: RunningServer, folder: Path, begun: int) -> None:
    """Run until so many batches are begun, and ask the run to end while it waits."""

    async def main() -> None:
        bench = make_bench(folder, by_batch(server))
        async with asyncio.timeout(60):
            watching = Watching()
            runtimes: list[Any] = []

            async def watch() -> None:
                while sum("submitted" in line for line in watching.said) < begun:
                    await asyncio.sleep(0.01)
                runtimes[0].stop()

            watcher = asyncio.create_task(watch())
            try:
                await bench.run_in_loop(STAGE, progress=watching, begun=runtimes.append)
            finally:
                watcher.cancel()

    with pytest.raises(Interrupted):
        asyncio.run(main())


def test_interrupted_run_goes_on_waiting(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A run that is stopped while it waits ends at once; the next one waits for the same batch and pays nothing."""
    with serving(tmp_path, seconds=0.5) as server:
        stop_when(server, tmp_path / "b", 1)
        [batch] = batches(server)
        assert batch["status"] == "in_progress"
        watching = Watching()
        run(tmp_path / "b", by_batch(server), watching=watching)
        assert f"{batch['id']} of 14 requests is waited for" in watching.said[0]
        assert len(batches(server)) == CALLS - 1 and not find_paid_twice(server)
    assert written(tmp_path / "b") == whole


def test_batch_that_began_without_our_knowing(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A run that ended between the provider's taking a batch and its answer is found by its token."""
    faults = [{"on": "create", "do": "reset_after"}, {"on": "list", "do": "status:400"}]
    with serving(tmp_path, *faults) as server:
        with pytest.raises(ModelError):
            run(tmp_path / "b", by_batch(server))
        assert len(batches(server)) == 1
        run(tmp_path / "b", by_batch(server))
        assert len(batches(server)) == CALLS - 1 and not find_paid_twice(server)
    assert written(tmp_path / "b") == whole


@pytest.mark.parametrize("step", ["upload", "create"])
def test_file_that_is_refused(tmp_path: Path, whole: Mapping[str, bytes], step: str) -> None:
    """A file that the provider will not have ends the run; the next one makes others, with the limits of its recipe."""
    with serving(tmp_path, {"on": step, "do": "status:413"}) as server:
        with pytest.raises(ModelError, match="was refused") as caught:
            run(tmp_path / "b", by_batch(server))
        assert "bytes_per_file" in caught.value.hint
        run(tmp_path / "b", by_batch(server, requests_per_file=5))
        assert max(batch["request_counts"]["total"] for batch in batches(server)) == 5
        assert not find_paid_twice(server)
    assert written(tmp_path / "b") == whole


def test_provider_that_stays_away(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """Requests of which no attempt made a batch are kept, and the next run makes it of them."""
    with serving(tmp_path, {"on": "create", "do": "status:500", "times": 3}) as server:
        with pytest.raises(EndpointUnreachable, match="did not work"):
            run(tmp_path / "b", by_batch(server))
        [path] = (tmp_path / "b/work/journal/small/batches").glob("*.jsonl")
        run(tmp_path / "b", by_batch(server))
        assert not path.exists() and len(batches(server)) == CALLS - 1
    assert written(tmp_path / "b") == whole


def test_provider_that_is_gone(tmp_path: Path, server: RunningServer) -> None:
    """Where nothing answers, the run stops before anything is written."""
    with serving(tmp_path) as other:
        models = by_batch(other)
    with pytest.raises(EndpointUnreachable, match="nothing answers"):
        run(tmp_path / "b", models | {"grader": online(server)["grader"]})
    assert not list((tmp_path / "b/output").glob("*.parquet"))


def test_batch_run_is_finished_online(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A recipe may turn from batch to online: what came by batch is used, and what is under way is told of."""
    with serving(tmp_path, seconds=0.5) as server:
        stop_when(server, tmp_path / "b", 2)
        done = server.requests()
        watching = Watching()
        run(tmp_path / "b", online(server), watching=watching)
        assert "is left alone" in watching.said[0]
        assert all(server.requests()[body] == 1 for body in done)
    assert written(tmp_path / "b") == whole


def test_online_run_is_finished_by_batch(server: RunningServer, tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A run begun online goes on by batch: the journal's keys are the same."""

    async def begin() -> None:
        bench = make_bench(tmp_path, online(server))
        watching = Watching()
        runtimes: list[Any] = []
        watching.on_advance = lambda: runtimes[0].stop()
        await bench.run_in_loop(STAGE, progress=watching, begun=runtimes.append)

    with pytest.raises(Interrupted):
        asyncio.run(begin())
    assert server.requests()
    run(tmp_path, by_batch(server))
    assert written(tmp_path) == whole and not find_paid_twice(server)


def test_replies_nobody_asks_for_any_more_are_kept(tmp_path: Path) -> None:
    """A recipe that changes while a batch is under way, and back again, does not pay for it twice."""
    with serving(tmp_path, seconds=0.3) as server:
        stop_when(server, tmp_path / "b", 1)
        bench = make_bench(tmp_path / "b", by_batch(server))
        prompt = (tmp_path / "b/prompts/ask.toml").read_text()
        bench.write_prompt("ask", prompt.replace("You are asked.", "You are asked again."))
        asyncio.run(bench.run_in_loop(STAGE))
        bench.write_prompt("ask", prompt)
        asyncio.run(bench.run_in_loop(STAGE))
        assert not find_paid_twice(server)


def test_journal_is_packed_beside_batches(tmp_path: Path, whole: Mapping[str, bytes]) -> None:
    """A work folder is packed and unpacked while batches are under way: they stay where they are and are waited for."""
    with serving(tmp_path, seconds=0.5) as server:
        stop_when(server, tmp_path / "b", 2)
        work = tmp_path / "b/work"
        [packed] = pack(work, tmp_path / "packed")
        assert summarise(work) == [packed] and packed.replies
        [moved] = unpack(tmp_path / "packed", tmp_path / "elsewhere")
        assert (moved.replies, moved.known) == (packed.replies, 0)
        assert not list((tmp_path / "elsewhere").rglob("batches"))
        [again] = unpack(tmp_path / "packed", work)
        assert again.known == packed.replies
        run(tmp_path / "b", by_batch(server))
        assert not find_paid_twice(server)
    assert written(tmp_path / "b") == whole


def test_two_runs_do_not_share_batches(tmp_path: Path) -> None:
    """A second run on the batches of a stage is refused as long as the first one has them."""
    with serving(tmp_path, seconds=3) as server:
        bench = make_bench(tmp_path / "b", by_batch(server))

        async def both() -> None:
            runtimes: list[Any] = []
            watching = Watching()
            first = asyncio.create_task(
                bench.run_in_loop(STAGE, progress=watching, begun=runtimes.append, only=frozenset({0}))
            )
            while not watching.said:
                await asyncio.sleep(0.01)
            try:
                await bench.run_in_loop(STAGE, only=frozenset({1}))
            finally:
                runtimes[0].stop()
                await asyncio.gather(first, return_exceptions=True)

        with pytest.raises(JournalBusy):
            asyncio.run(both())


def test_key_goes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key stands in no file and no line that a run leaves, right or refused."""
    monkeypatch.setenv("BATCH_KEY", KEY)
    watching = Watching()
    with serving(tmp_path / ".", {"on": "create", "do": "status:500"}, key=KEY) as server:
        models = {name: batch_model(server, name, model=model.model, api_key_env="BATCH_KEY")
                  for name, model in by_batch(server).items()}  # fmt: skip
        run(tmp_path / "b", models, watching=watching)
        monkeypatch.setenv("BATCH_KEY", KEY[::-1])
        with pytest.raises(ModelError) as caught:
            run(tmp_path / "c", models)
    said = [*watching.said, str(caught.value), caught.value.hint]
    found = [path for path in (tmp_path / "b").rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert not found and not [line for line in said if KEY in line or KEY[::-1] in line]
