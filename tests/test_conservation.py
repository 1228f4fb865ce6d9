"""Items in are items kept, rejected and failed, each once: real stages, whatever the models and the runs go through.

Hypothesis draws what models do to calls, how a stage is run (shards, concurrency, by single calls or in batches) and
what cuts its runs short. What becomes of a call depends on the call alone, so that the files of all runs can be
compared to those of one that was left alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiomcq_cli import records, registry
from audiomcq_cli.contracts import (
    Backend,
    BackendKind,
    BatchResult,
    BatchState,
    BatchTerms,
    Call,
    Capabilities,
    Completion,
    Context,
    Encoder,
    Flow,
    Model,
    NoOptions,
    Row,
)
from audiomcq_cli.engine.executors.local import LocalExecutor
from audiomcq_cli.engine.flows.drive import items_of
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.ledger.report import StageReport
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.budget import Budget
from audiomcq_cli.engine.stage import run_stage
from audiomcq_cli.engine.views.status import read_status
from audiomcq_cli.errors import (
    AudiomcqError,
    AuthenticationFailed,
    CallRefused,
    CallUnavailable,
    InputError,
    Interrupted,
    ModelError,
)
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.manifest import read_manifest, total_items, total_reasons
from audiomcq_cli.storage.shards import Shard, ShardWriter, list_shards, read_note, read_rows, shard
from tests.engine import Watching, find_temporary, snapshot
from tests.servers.replies import Manner, read_chat, write_reply
from tests.stages.dialogue import CLIP

STAGES = ("generate", "verify", "cot", "filter")
OPTIONS: Mapping[str, Mapping[str, Any]] = {"generate": {"questions_per_clip": 2, "methods": ("llm", "grounded")}}
MODELS = ("writer", "grader", "judge1", "judge2", "judge3")
CLIPS = 8
MANNER = Manner(quality=0.85, know=0.5)

ATTEMPTS = 3
ADDRESSES = 4
"""More than attempts: a call that failed goes to another address at once, and no test waits for a back-off."""

# ----------------------------------------------------------------------------------------------------- the models

Outcome = Literal[
    "good", "prose", "schema", "empty", "length", "refusal", "content_filter", "too_large", "unheard_of",
    "prose once", "late 1", "late 2", "late 4", "down", "refused", "bad audio",
]  # fmt: skip
"""What becomes of a call; ``late`` are those that a server cannot answer at first, so many times.

``late 4`` are more times than a run tries, so that the row fails and a later run keeps it.
"""

OUTCOMES: tuple[Outcome, ...] = Outcome.__args__  # type: ignore[attr-defined]  # of a Literal it is there


class Crash(Exception):
    """A fault of our own."""


@dataclass
class World:
    """All models, behind however many addresses, and what cuts the next run short.

    Attributes:
        outcomes: Of these the hash of a call picks one. stop_at, refuse_at: After so many calls the run is stopped, or
            the key refused. late: How often a server could not answer a call. batches: Files of batches, by name.
    """

    outcomes: Sequence[Outcome]
    stop_at: float = math.inf
    refuse_at: float = math.inf
    runtime: Runtime | None = None
    asked: int = 0
    late: Counter[bytes] = field(default_factory=Counter)
    calls: dict[str, tuple[Model, Call]] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)

    def pass_call(self) -> None:
        """Count a call on its way, and do what is to be done by now."""
        self.asked += 1
        if self.asked >= self.stop_at and self.runtime:
            self.runtime.stop()
        if self.asked >= self.refuse_at:
            raise AuthenticationFailed("the key is refused")

    def answer(self, model: Model, call: Call) -> Completion:
        """What becomes of a call, whenever and however it comes."""
        body, outcome = _write_body(model, call), self.find_outcome(model, call)
        digest = hashlib.sha256(orjson.dumps(body)).digest()
        self.late[digest] += 1
        _, _, times = outcome.partition("late ")
        if outcome == "down" or self.late[digest] <= int(times or 0):
            raise CallUnavailable("the server answered 500", code="status_500")
        if outcome == "refused":
            raise CallRefused("the server answered 400", code="status_400")
        text = write_reply(read_chat(body), MANNER)
        again = call.messages[-2:-1] and call.messages[-2].role == "assistant"
        spoilt = {
            "prose": Completion(text=f"Sure! {text}"),
            "prose once": Completion(text=text if again else "Sure!"),
            "schema": Completion(text='{"question": 7}'),
            "empty": Completion(),
            "length": Completion(text=text[:9], finish_reason="length"),
            "refusal": Completion(text="I'd rather not.", finish_reason="refusal"),
            "content_filter": Completion(finish_reason="content_filter"),
            "too_large": Completion(finish_reason="too_large"),
            "unheard_of": Completion(text=text, finish_reason="unheard_of"),
        }
        return replace(spoilt.get(outcome, Completion(text=text)), prompt_tokens=10, completion_tokens=10)

    def check_audio(self, model: Model, call: Call) -> None:
        """Refuse what cannot be sent."""
        if self.find_outcome(model, call) == "bad audio":
            raise InputError("not a readable audio file", file="clip.wav")

    def find_outcome(self, model: Model, call: Call) -> Outcome:
        """What is to become of a call and of those that ask it again."""
        asked = [model.model, *(turn.text for turn in call.messages[:2])]
        digest = hashlib.sha256(orjson.dumps(asked)).digest()
        return self.outcomes[int.from_bytes(digest[:4], "big") % len(self.outcomes)]


def _write_body(model: Model, call: Call) -> dict[str, Any]:
    """A call as a body that the writers of replies understand."""
    turns = [{"role": turn.role, "content": turn.text} for turn in call.messages]
    form = {"json_schema": {"name": call.schema_name, "schema": call.schema}} if call.schema else None
    return {"model": model.model, "messages": turns, "response_format": form}


class Voice:
    """One address of a model."""

    def __init__(self, world: World, model: Model) -> None:
        self.world, self.model = world, model

    async def check(self) -> None:
        """It is there."""

    async def send(self, call: Call) -> Completion:
        """Answer after a moment that is another one for every call."""
        self.world.check_audio(self.model, call)
        self.world.pass_call()
        for _ in range(len(call.messages[-1].text) % 5):
            await asyncio.sleep(0)
        return self.world.answer(self.model, call)

    async def close(self) -> None:
        """There is nothing to close."""


class Mailbox(Voice):
    """The same by batches."""

    terms = BatchTerms(requests=7, bytes=10**9, poll_seconds=0.001)

    async def write(self, name: str, call: Call) -> bytes:
        self.world.check_audio(self.model, call)
        self.world.pass_call()
        self.world.calls[name] = (self.model, call)
        return f"{name}\n".encode()

    async def upload(self, path: Path) -> str:
        name = f"file-{len(self.world.batches)}"
        self.world.batches[name] = path.read_text().split()
        return name

    async def submit(self, file: str, token: str) -> str:
        self.world.batches[token] = self.world.batches[file]
        return token

    async def find(self, token: str, since: float) -> str:
        return token if token in self.world.batches else ""

    async def poll(self, batch: str) -> BatchState:
        return BatchState(id=batch, status="completed", ended=True)

    async def fetch(self, state: BatchState) -> AsyncIterator[BatchResult]:
        for name in self.world.batches[state.id]:
            outcome: Completion | AudiomcqError
            try:
                outcome = self.world.answer(*self.world.calls[name])
            except AudiomcqError as error:
                outcome = error
            yield BatchResult(name, outcome)


# -------------------------------------------------------------------------------------------------------- the runs

Driver = Literal["online", "batch"]


@dataclass(frozen=True)
class Cut:
    """What cuts a run short, after so many calls, rows or tokens; with a large number it ends by itself."""

    kind: Literal["stop", "key", "crash", "budget"]
    after: int


@dataclass(frozen=True)
class Case:
    """What Hypothesis draws."""

    outcomes: tuple[Outcome, ...]
    shards: int
    concurrency: int
    keep_failed: bool
    cuts: tuple[tuple[Cut, Driver], ...]
    last: Driver


CUTS = st.builds(Cut, st.sampled_from(("stop", "key", "crash", "budget")), st.integers(1, 30))
DRIVERS = st.sampled_from(("online", "batch"))
CASES = st.builds(
    Case,
    outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=6).map(lambda drawn: ("good", "good", *drawn)),
    shards=st.sampled_from((1, 3)),
    concurrency=st.integers(1, 6),
    keep_failed=st.booleans(),
    cuts=st.lists(st.tuples(CUTS, DRIVERS), max_size=3).map(tuple),
    last=DRIVERS,
)


@dataclass
class Scene:
    """One stage with its input, and the models it is run with."""

    name: str
    source: Path
    world: World
    concurrency: int = 3
    keep_failed: bool = False

    def run(self, target: Path, workdir: Path, *, driver: Driver = "online", cut: Cut | None = None,
            replay: bool = False) -> StageReport | None:  # fmt: skip
        """Run the stage; None where that was cut short."""
        stage = registry.stages()[self.name]
        if cut and cut.kind == "crash" and stage.flow:
            stage = replace(stage, flow=_crash_after(stage.flow, cut.after))
        job = Job(
            name=self.name,
            stage=stage,
            options=stage.options(**OPTIONS.get(self.name, {})),
            source=self.source,
            target=target,
            workdir=workdir,
            keep_failed=self.keep_failed,
            replay=replay,
        )
        self.world.asked = 0
        self.world.stop_at = cut.after if cut and cut.kind == "stop" else math.inf
        self.world.refuse_at = cut.after if cut and cut.kind == "key" else math.inf
        budget = Budget(tokens=2_000 + 20 * cut.after if cut and cut.kind == "budget" else None)
        try:
            return asyncio.run(self._run(job, driver, budget))
        except (Interrupted, ModelError, Crash):
            if cut is None:
                raise
            return None

    async def _run(self, job: Job, driver: Driver, budget: Budget) -> StageReport:
        urls = tuple(f"http://{number}" for number in range(ADDRESSES if driver == "online" else 1))
        models = {
            name: Model(
                name=name, backend=driver, model=name, base_url=urls, concurrency=self.concurrency, attempts=ATTEMPTS,
                tries=2,
            )
            for name in MODELS
        }  # fmt: skip
        kinds = {"online": self._kind(Voice), "batch": self._kind(Mailbox)}
        async with Runtime(models, kinds, workers=1, budget=budget) as runtime:
            self.world.runtime = runtime
            return await run_stage(job, runtime, LocalExecutor(), Watching())

    def _kind(self, way: type[Voice]) -> BackendKind[Any]:
        def open_(model: Model, encode: Encoder) -> Backend:
            return way(self.world, model)

        can = Capabilities(schema=True, audio=True)
        return BackendKind(
            help="the world", options=NoOptions, capabilities=lambda model: can, open=open_, another_way_to="world"
        )


def _crash_after(flow: Callable[[Row, Context[Any]], Flow], rows: int) -> Callable[[Row, Context[Any]], Flow]:
    """A flow with a fault that shows after so many rows were begun."""
    begun = 0

    def run(row: Row, ctx: Context[Any]) -> Flow:
        nonlocal begun
        begun += 1
        outcome = yield from flow(row, ctx)
        if begun > rows:
            raise Crash("a fault on purpose")
        return outcome

    return run


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, int], Path]:
    """The input of each stage in so many shards, made without any faults."""
    found: dict[tuple[str, int], Path] = {}
    for shards in (1, 3):
        folder = tmp_path_factory.mktemp(f"in-{shards}")
        source = folder / "caption"
        write_clips(source, shards)
        for name in STAGES:
            found[name, shards] = source
            report = Scene(name, source, World(["good"])).run(folder / name, folder)
            assert report and report.items["kept"] > 2
            source = folder / name
    return found


def write_clips(folder: Path, shards: int) -> None:
    """Write clips as caption does; a few have nothing to ask about."""
    folder.mkdir()
    names = [f"AudioCaps:{number}" for number in range(CLIPS)]
    for index in range(shards):
        with ShardWriter(shard(folder, index, shards).path, records.CLIP) as writer:
            for number, name in enumerate(names):
                if records.shard_of(name, shards) == index:
                    text = f"A dog barks loudly {number} times while rain falls on a roof in street {number}"
                    captions = [{"text": text, "origin": "AudioCaps"}] if number else []
                    writer.write(CLIP | {"clip_id": name, "source_id": str(number), "captions": captions})


# ---------------------------------------------------------------------------------------------------- the accounts


def check_accounts(scene: Scene, target: Path, *, whole: bool) -> dict[str, int]:
    """Make sure that files, footers and manifest of a stage agree about every item of its input; returns the counts."""
    stage = registry.stages()[scene.name]
    options = stage.options(**OPTIONS.get(scene.name, {}))
    sources = list_shards(scene.source)
    manifest = read_manifest(target)
    assert (manifest is not None) == whole
    notes = []
    for source in sources:
        there = shard(target, source.index, source.count)
        if not there.path.is_file():
            assert not whole
            continue
        wanted = [item for row in read_rows(source.path, stage.reads) for item in items_of(stage, row, options)]
        notes.append(check_shard(scene.name, there, wanted))
        if manifest:
            [entry] = [one for one in manifest["shards"] if one["file"] == there.path.name]
            assert entry == {
                "file": there.path.name,
                "sha256": hash_file(there.path),
                **{name: notes[-1][name] for name in ("rows", "fingerprint", "items", "reasons")},
            }
    items = total_items(note["items"] for note in notes)
    if manifest:
        totals = {
            "rows": sum(note["rows"] for note in notes),
            "items": items,
            "reasons": total_reasons(note["reasons"] for note in notes),
        }
        assert manifest["totals"] == totals
        assert manifest["lineage"][-1]["items"] == items
    assert not list(find_temporary(target))
    return items


def check_shard(name: str, there: Shard, wanted: Sequence[str]) -> dict[str, Any]:
    """Make sure that kept rows, rejects and footers of one shard agree about its items; returns the footer."""
    kept = [row["id"] for row in read_rows(there.path)]
    rejects = list(read_rows(there.rejects))
    assert sorted([*kept, *(row["id"] for row in rejects)]) == sorted(wanted)
    assert len(set(wanted)) == len(wanted)
    for row in rejects:
        assert row["stage"] == name
        assert re.fullmatch("[a-z0-9_]+", row["reason"]), row
        assert row["outcome"] == "rejected" or (row["outcome"] == "failed" and row["tries"] > 0 and row["detail"]), row
    note = read_note(there.path)
    outcomes = Counter(row["outcome"] for row in rejects)
    assert note["items"] == {
        "in": len(wanted), "kept": len(kept), "rejected": outcomes["rejected"], "failed": outcomes["failed"]
    }  # fmt: skip
    reasons = {
        outcome: Counter(row["reason"] for row in rejects if row["outcome"] == outcome)
        for outcome in ("rejected", "failed")
    }
    assert note["reasons"] == reasons
    assert note["rows"] == len(kept)
    assert note["rejects"] == hash_file(there.rejects)
    return note


def conserve(name: str, case: Case, source: Path, folder: Path) -> Counter[str]:
    """Run a stage as a case says, with accounts after every run, and compare it to a run left alone and to a replay.

    Returns what is counted of it: items by outcome, and failed ones by reason.
    """
    # What fails in a run that is cut short is asked again by the next, unless failed items count as done.
    comparable = case.keep_failed or not case.cuts
    outcomes = tuple("late 2" if one == "late 4" and comparable else one for one in case.outcomes)
    scene = Scene(name, source, World(outcomes), case.concurrency, case.keep_failed)
    target, work = folder / "out", folder / "work"
    for cut, driver in case.cuts:
        report = scene.run(target, work, driver=driver, cut=cut)
        check_accounts(scene, target, whole=report is not None)
    report = scene.run(target, work, driver=case.last)
    items = check_accounts(scene, target, whole=True)
    assert report and dict(report.items) == items
    [status] = read_status(target, STAGES)
    assert (status.state, dict(status.items), status.shards_done) == ("done", items, status.shards)

    scene.run(folder / "replayed", work, replay=True)
    assert snapshot(folder / "replayed") == snapshot(target)
    if comparable:
        alone = Scene(name, source, World(outcomes), keep_failed=True)
        alone.run(folder / "alone", folder / "work-alone")
        assert snapshot(folder / "alone") == snapshot(target)
    return Counter(items) + Counter(report.reasons["failed"])


@pytest.mark.parametrize("examples", [pytest.param(2, id="few"), pytest.param(16, id="many", marks=pytest.mark.check)])
@pytest.mark.parametrize("name", STAGES)
def test_every_item_is_accounted_for(name: str, examples: int, inputs: Mapping[tuple[str, int], Path]) -> None:
    """After every run, cut short or not, each item of the input is kept, rejected or failed, once, and said to be.

    The last run leaves the bytes of one that nothing happened to, and so does a replay of the journal.
    """
    few = examples < 10

    @settings(max_examples=examples, derandomize=few, database=None, suppress_health_check=list(HealthCheck))
    @given(case=CASES)
    def check(case: Case) -> None:
        with tempfile.TemporaryDirectory(dir=inputs[name, case.shards].parent) as folder:
            conserve(name, case, inputs[name, case.shards], Path(folder))

    check()


def test_whatever_happens_to_a_call(inputs: Mapping[tuple[str, int], Path], tmp_path: Path) -> None:
    """With everything that can happen to calls, and all that cuts a run short, rows fail for every reason there is."""
    cuts: tuple[tuple[Cut, Driver], ...] = (
        (Cut("stop", 6), "online"),
        (Cut("key", 6), "batch"),
        (Cut("crash", 3), "online"),
        (Cut("budget", 1), "batch"),
    )
    case = Case(OUTCOMES, 3, 4, True, cuts, "online")
    found: Counter[str] = Counter()
    for name in STAGES:
        found += conserve(name, case, inputs[name, 3], tmp_path / name)
    assert set(found) == {
        "in", "kept", "rejected", "failed", "not_json", "schema", "empty", "length", "refusal", "content_filter",
        "too_large", "status_400", "status_500", "audio_unusable",
    }  # fmt: skip
