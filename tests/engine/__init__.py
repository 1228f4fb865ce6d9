"""The workplace of the engine's tests: a small stage, a backend made of a function, and one call that runs a stage."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiomcq_cli import records
from audiomcq_cli.backends import embedded, openai_batch, openai_compatible
from audiomcq_cli.contracts import (
    BackendKind,
    Call,
    Capabilities,
    Chat,
    Completion,
    Context,
    Encoder,
    Flow,
    Model,
    Need,
    NoOptions,
    Row,
    Stage,
    option,
)
from audiomcq_cli.engine.executors.local import LocalExecutor
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.ledger.report import StageReport
from audiomcq_cli.engine.progress import Standing
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.budget import Budget
from audiomcq_cli.engine.servers.clock import MACHINE, Clock
from audiomcq_cli.engine.stage import run_stage
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.prompts import Prompts
from audiomcq_cli.storage.shards import ShardWriter, read_rows, shard
from tests.servers.process import RunningServer

READS = ("clip_id", "source_id")
WRITES = ("clip_id", "source_id", "question", "calls")

PROMPT = """
version = "1"
reply = "question"
system = "You are asked."
user = "<heard>{{ text }}</heard>"
example = '{"question": "What is heard?", "question_type": "sound"}'
"""

PLAIN_PROMPT = """
version = "1"
system = "You are asked."
user = "{{ text }}"
example = "Something."
"""

# ----------------------------------------------------------------------------------------------------- the stage


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set for the small stage."""

    model: str = option("writer", "model that is asked")
    prompt: str = option("ask", "prompt that is asked")
    flavour: str = option("", "goes into what is asked")


def ask(row: Row, ctx: Context[Options]) -> Flow:
    """Ask once about a row and keep the reply."""
    text = row["source_id"] + ctx.options.flavour
    [reply] = yield [Chat(model=ctx.options.model, prompt=ctx.options.prompt, variables={"text": text})]
    return [row | {"question": reply.text, "calls": [reply.call]}]


def make_stage(flow: Callable[[Row, Context[Any]], Flow] | None = ask, **changes: Any) -> Stage[Any]:
    """The small stage, or one like it."""
    usual: dict[str, Any] = {
        "help": "Ask once.",
        "after": None,
        "version": 1,
        "options": Options,
        "reads": READS,
        "writes": WRITES,
        "key": "clip_id",
        "flow": flow,
        "needs": lambda options: [Need(options.model, frozenset({"chat"}))],
        "prompts": lambda options: (options.prompt,),
    }
    return Stage(**usual | changes)


# ---------------------------------------------------------------------------------------------------- the models

Answer = Callable[[Call], Awaitable[Completion]]


@dataclass
class Puppet:
    """A backend made of a function, and what it was sent."""

    answer: Answer
    sent: list[Call] = field(default_factory=list)
    checks: int = 0
    takes_likely: bool = False

    async def check(self) -> None:
        self.checks += 1

    async def send(self, call: Call) -> Completion:
        self.sent.append(call)
        return await self.answer(call)

    async def close(self) -> None:
        pass

    def kind(self, **can: Any) -> BackendKind[Any]:
        """This puppet as a kind of backend."""

        def open_(model: Model, encode: Encoder) -> Puppet:
            return self

        return BackendKind(
            help="a function",
            options=NoOptions,
            capabilities=lambda model: Capabilities(**{"schema": True, "audio": True, "score": True} | can),
            open=open_,
            takes_likely=self.takes_likely,
        )


def good(call: Call) -> str:
    """A usable reply that depends on the whole conversation."""
    said = hashlib.sha256("\n".join(turn.text for turn in call.messages).encode()).hexdigest()[:16]
    return json.dumps({"question": f"What is {said}?", "question_type": "sound"})


async def answer_well(call: Call) -> Completion:
    return Completion(text=good(call), prompt_tokens=10, completion_tokens=5)


def puppet_model(name: str = "writer", **changes: Any) -> Model:
    return Model(**{"name": name, "backend": "puppet", "model": "puppet-1", "revision": "r1"} | changes)


def http_model(server: RunningServer, name: str = "writer", **changes: Any) -> Model:
    usual: dict[str, Any] = {
        "name": name,
        "backend": "http",
        "model": "scripted",
        "base_url": (server.base_url,),
        "timeout": 20.0,
    }
    return Model(**usual | changes)


def batch_model(server: RunningServer, name: str = "writer", **changes: Any) -> Model:
    """A model reached by batch; ``settings`` are laid over those that make tests fast."""
    own = {"poll_seconds": 0.02} | changes.pop("settings", {})
    usual = {"backend": "openai-batch", "settings": openai_batch.OpenAIBatchOptions(**own)}
    return http_model(server, name, **usual | changes)


# ---------------------------------------------------------------------------------------------------- the bench


class Watching:
    """Counts what the engine tells, and keeps its lines."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.said: list[str] = []
        self.begun: list[tuple[str, int, int | None]] = []
        self.shown: list[Standing] = []
        self.on_advance: Callable[[], None] = lambda: None

    def begin(self, stage: str, shards: int, rows: int | None) -> None:
        self.begun.append((stage, shards, rows))

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        self.counts.update(outcomes)
        self.on_advance()

    def show(self, standing: Standing) -> None:
        self.shown.append(standing)

    def say(self, message: str) -> None:
        self.said.append(message)

    def end(self) -> None:
        pass


@dataclass
class Bench:
    """A folder with an input, prompts and a work folder, and what stages are run with.

    Attributes:
        folder: Where everything lies. models: By name. puppet: Behind models of backend ``puppet``. said: Lines for
            people about servers. clock: What the runtime waits by.
    """

    folder: Path
    models: dict[str, Model] = field(default_factory=lambda: {"writer": puppet_model()})
    puppet: Puppet = field(default_factory=lambda: Puppet(answer_well))
    can: dict[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    said: list[str] = field(default_factory=list)
    clock: Clock = MACHINE

    def __post_init__(self) -> None:
        (self.folder / "prompts").mkdir(parents=True, exist_ok=True)
        self.write_prompt("ask", PROMPT)
        self.write_prompt("plain", PLAIN_PROMPT)

    @property
    def source(self) -> Path:
        return self.folder / "input"

    @property
    def target(self) -> Path:
        return self.folder / "output"

    def write_prompt(self, name: str, text: str) -> None:
        (self.folder / "prompts" / f"{name}.toml").write_text(text, "utf-8")

    def write_input(self, texts: Iterable[str], shards: int = 1) -> None:
        """Write input rows with these texts, in this order within the shard of each."""
        write_clips(self.source, texts, shards)

    def job(self, stage: Stage[Any] | None = None, **changes: Any) -> Job:
        stage = stage or make_stage()
        usual: dict[str, Any] = {
            "name": "small",
            "stage": stage,
            "options": stage.options(),
            "target": self.target,
            "workdir": self.folder / "work",
            "source": self.source,
        }
        return Job(**usual | changes)

    def runtime(self, **changes: Any) -> Runtime:
        backends = {
            "puppet": self.puppet.kind(**self.can),
            "http": openai_compatible.BACKEND,
            "openai-compatible": openai_compatible.BACKEND,
            "openai-batch": openai_batch.BACKEND,
            "embedded": embedded.BACKEND,
        }
        usual: dict[str, Any] = {
            "prompts": Prompts(self.folder / "prompts"),
            "workers": 1,
            "budget": self.budget,
            "say": self.said.append,
            "clock": self.clock,
        }
        return Runtime(self.models, backends, **usual | changes)

    def run(self, stage: Stage[Any] | None = None, **changes: Any) -> StageReport:
        """Run a stage to its end in a loop of its own."""
        return asyncio.run(self.run_in_loop(stage, **changes))

    async def run_in_loop(
        self,
        stage: Stage[Any] | None = None,
        *,
        progress: Watching | None = None,
        begun: Callable[[Runtime], None] | None = None,
        **changes: Any,
    ) -> StageReport:
        """Run a stage; ``begun`` is given the runtime."""
        async with self.runtime() as runtime:
            if begun:
                begun(runtime)
            return await run_stage(self.job(stage, **changes), runtime, LocalExecutor(), progress or Watching())

    def kept(self, folder: Path | None = None) -> list[Row]:
        """All rows kept, in the order of shards and rows."""
        return [row for path in sorted((folder or self.target).glob("*.parquet")) for row in read_rows(path)]

    def rejects(self, folder: Path | None = None) -> list[Row]:
        """All rows of the rejects files."""
        where = (folder or self.target) / HIDDEN / "rejects"
        return [row for path in sorted(where.glob("*.parquet")) for row in read_rows(path)]


def write_clips(folder: Path, texts: Iterable[str], shards: int = 1) -> None:
    """Write a folder of shards with the columns that the small stage reads."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(ShardWriter(shard(folder, index, shards).path, READS)) for index in range(shards)
        ]
        for text in texts:
            clip = records.clip_id("Small", text)
            writers[records.shard_of(clip, shards)].write({"clip_id": clip, "source_id": text})


def snapshot(folder: Path, leave_out: Sequence[str] = ("run.jsonl", "audio.sqlite")) -> Mapping[str, bytes]:
    """Every file below a folder and its bytes, but for locks and what differs from run to run."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and path.name not in leave_out
    }


def texts_of(count: int) -> list[str]:
    """So many short texts."""
    return [f"clip {number}" for number in range(count)]


def find_temporary(folder: Path) -> Iterator[Path]:
    """Files that were to be replaced and were left."""
    return (path for path in folder.rglob("*") if path.name.endswith(".tmp"))
