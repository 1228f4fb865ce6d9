"""Audio roots belong to the shard that asks: stages with other roots in one runtime never hear each other's files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomcq_cli import audio
from audiomcq_cli.audio_files import hash_file
from audiomcq_cli.contracts import (
    BackendKind,
    Call,
    Capabilities,
    Chat,
    Clip,
    Completion,
    Context,
    Encoder,
    Flow,
    Listen,
    Model,
    NoOptions,
    Reply,
    Row,
    Source,
    SourceRow,
)
from audiomcq_cli.engine.executors.local import LocalExecutor
from audiomcq_cli.engine.flows.answerers import Online
from audiomcq_cli.engine.flows.asker import Asker
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.stage import run_stage
from audiomcq_cli.storage.prompts import Prompts
from tests.engine import Bench, Options, Watching, make_stage, puppet_model

RATE = 8_000
TURNS = 100
"""Turns of the loop that a call takes: those who ask at the same time are under way together."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@dataclass
class Ears:
    """A backend that says how many bytes of audio it was given."""

    encode: Encoder
    sent: list[Call] = field(default_factory=list)

    async def check(self) -> None:
        pass

    async def send(self, call: Call) -> Completion:
        self.sent.append(call)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        heard = [await self.encode(part, rate=RATE, format="wav") for turn in call.messages for part in turn.audio]
        return Completion(text=f"{sum(map(len, heard))} bytes", prompt_tokens=1, completion_tokens=1)

    async def close(self) -> None:
        pass


def open_runtime(bench: Bench, opened: list[Ears]) -> Runtime:
    """A runtime whose only model has ears, each of which is added to ``opened``."""

    def open_(model: Model, encode: Encoder) -> Ears:
        opened.append(Ears(encode))
        return opened[-1]

    kind: BackendKind[Any] = BackendKind(
        help="ears", options=NoOptions, capabilities=lambda model: Capabilities(audio=True), open=open_
    )
    models = {"writer": puppet_model(backend="ears", audio=True)}
    return Runtime(models, {"ears": kind}, prompts=Prompts(bench.folder / "prompts"), workers=1)


def write_clip(root: Path, seconds: float) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "a.wav").write_bytes(audio.encode(np.zeros(round(seconds * RATE), np.float32), RATE, "wav"))
    return root


def hear(row: Row, ctx: Context[Options]) -> Flow:
    """Measure a clip and ask a model about it, with the hash that its row has or without."""
    clip = Clip.of_row(row) if ctx.options.flavour == "hashed" else Clip(row["source_dataset"], row["audio_path"])
    [probe, said] = yield [
        Listen(analysis="probe", audio=clip),
        Chat(model="writer", prompt="plain", variables={"text": "What is heard?"}, audio=(clip,)),
    ]
    question = f"{probe.value['duration']:g} s, {said.text}"
    return [{**row, "question": question, "calls": [probe.call, said.call]}]


def make_job(bench: Bench, root: Path, flavour: str) -> Job:
    """A first stage over one clip, ``a.wav`` of the source Small, whose audio lies below ``root``."""

    def read(path: Path, options: Any) -> Iterator[SourceRow]:
        yield SourceRow(source_id="a", row=1, captions=("a door",), audio=("a",))

    source = Source(help="rows", dataset="Small", read=read, options=NoOptions)
    spec = SourceSpec(adapter="rows", source=source, options=NoOptions(), path=root, name="Small", audio_root=root)
    return bench.job(
        make_stage(hear, listens=lambda options: {"probe": {}}),
        options=Options(prompt="plain", flavour=flavour),
        source=None,
        sources=(spec,),
        shards=1,
        target=bench.folder / f"{root.name}-{flavour}",
        workdir=bench.folder / f"{root.name}-{flavour}-work",
    )


def test_stages_at_once_hear_the_files_of_their_own_roots(bench: Bench) -> None:
    """Stages run in one runtime with files of the same source and path below different roots: each measures and sends
    its own, whether or not the rows know its hash."""
    roots = [write_clip(bench.folder / name, seconds) for name, seconds in (("x", 1), ("y", 2))]
    jobs = [make_job(bench, root, flavour) for flavour in ("hashed", "unhashed") for root in roots]

    async def run() -> None:
        async with open_runtime(bench, []) as runtime:
            await asyncio.gather(*(run_stage(job, runtime, LocalExecutor(), Watching()) for job in jobs))

    asyncio.run(run())
    said = [row["question"] for job in jobs for row in bench.kept(job.target)]
    assert said == ["1 s, 16044 bytes", "2 s, 32044 bytes"] * 2


async def ask_at_once(bench: Bench, clip: Clip, *roots: Path) -> tuple[list[Reply], int]:
    """Askers with these roots, each with a journal of its own, ask about a clip at once: replies, and calls sent."""
    opened: list[Ears] = []
    request = Chat(model="writer", prompt="plain", variables={"text": "?"}, audio=(clip,), optional=True)
    async with open_runtime(bench, opened) as runtime:
        askers = []
        for number, root in enumerate(roots):
            journal = runtime.journals.open(bench.folder / f"{number}.sqlite")
            run = journal.lease("f", None)
            askers.append(Asker("small", runtime, journal, run, Online(runtime), {"Small": root}))
        replies = await asyncio.gather(*(asker.ask(request) for asker in askers))
    return replies, len(opened[0].sent)


@pytest.mark.parametrize("gone_first", [True, False])
def test_file_that_is_gone_below_one_root_fails_there_alone(bench: Bench, gone_first: bool) -> None:
    """Shards that ask for one content below different roots at once do not share what is wrong with a file."""
    there = write_clip(bench.folder / "there", 1)
    clip = Clip("Small", "a.wav", hash_file(there / "a.wav"))
    roots = [bench.folder / "gone", there] if gone_first else [there, bench.folder / "gone"]
    replies, _ = asyncio.run(ask_at_once(bench, clip, *roots))
    assert [reply.error for reply in replies] == (["audio_unusable", ""] if gone_first else ["", "audio_unusable"])
    assert len({reply.key for reply in replies}) == 1


def test_content_below_one_root_is_sent_once(bench: Bench) -> None:
    """Shards that ask for the same content of one root at once share a call."""
    root = write_clip(bench.folder / "there", 1)
    replies, sent = asyncio.run(ask_at_once(bench, Clip("Small", "a.wav"), root, root))
    assert sent == 1 and replies[0] == replies[1]
