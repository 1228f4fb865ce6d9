"""The batch driver: a stage goes over all its shards in rounds, and a provider's batch API answers between them.

Flows are never stored. Each round starts every waiting row again and feeds it from the journal. A request to a batch
model that the journal lacks is noted and its row suspended; requests to other models are answered as usual. At the end
of a round the noted requests go to the provider; the next round begins when all results are back. A shard is written in
the round in which none of its rows waits any more, by the same code and from the same journal as online, so its bytes
do not depend on how the replies came.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO

from audiomcq_cli.contracts import BatchBackend, Call, Completion, Listen, Need
from audiomcq_cli.engine.batch.store import BatchStore, Refusal, Requests
from audiomcq_cli.engine.batch.transfer import Transfer
from audiomcq_cli.engine.executors.local import Executor
from audiomcq_cli.engine.flows import replies
from audiomcq_cli.engine.flows.answerers import Online
from audiomcq_cli.engine.flows.asker import Answerer, Rendered, Suspended
from audiomcq_cli.engine.journal.journal import Entry
from audiomcq_cli.engine.progress import Progress, Standing
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.tokens import estimate_tokens
from audiomcq_cli.engine.shard import Unit
from audiomcq_cli.errors import InputError, RecipeError, StorageError

Work = Callable[[Unit, Answerer, Progress], Awaitable[Any]]
"""Does one shard with an answerer, or raises ``Suspended``."""


def find_batch_models(runtime: Runtime, needs: Sequence[Need]) -> dict[str, BatchBackend]:
    """Return the models of a stage that are reached by batch; raises ``RecipeError`` for one of several addresses."""
    found = {}
    for name in {need.model: None for need in needs}:
        backend, *others = runtime.backends(name)
        if isinstance(backend, BatchBackend):
            if others:
                raise RecipeError(f"model {name!r}: a batch goes to one address", hint="name one base_url")
            found[name] = backend
    return found


def batch_folder(workdir: Path, stage: str) -> Path:
    """Return the folder for a stage's batches."""
    return workdir / "journal" / stage / "batches"


def uses_batches(folder: Path, backends: Mapping[str, BatchBackend]) -> bool:
    """Return whether a stage goes in rounds: a model is reached by batch, or replies of an earlier
    run may lie there.
    """
    return bool(backends) or BatchStore.is_there(folder)


async def run_rounds(
    units: Sequence[Unit],
    work: Work,
    runtime: Runtime,
    executor: Executor,
    progress: Progress,
    backends: Mapping[str, BatchBackend],
    folder: Path,
    at_once: int,
) -> None:
    """Do all units, round after round, with ``at_once`` shards open at a time.

    Raises:
        Interrupted: The run was asked to end; batches go on at the provider and the next run waits for them.
        ModelError, StorageError, InputError: As for a single shard, or a batch was refused.
    """
    with ExitStack() as stack:
        store = stack.enter_context(BatchStore(folder))
        transfer = Transfer(units[0].name, store, runtime, progress, backends)
        answerer = stack.enter_context(closing(Batches(store, transfer, runtime, backends)))

        rounds: dict[Path, _Round] = {}

        async def try_one(unit: Unit) -> bool:
            if before := rounds.pop(unit.target.path, None):
                before.take_back()
            rounds[unit.target.path] = this = _Round(progress)
            try:
                await work(unit, answerer, this)
            except Suspended:
                return False
            return True

        await transfer.settle()
        waiting = list(units)
        while waiting:
            done = await executor.run(waiting, try_one, at_once)
            waiting = [unit for unit, is_done in zip(waiting, done, strict=True) if not is_done]
            await answerer.end_round()
            if waiting and not (transfer.waits or answerer.at_once):
                raise StorageError(f"{len(waiting)} shards wait for replies that were never requested")
            if waiting:
                await transfer.wait()
        transfer.tell_open()


class Batches:
    """Answers with results of batches, notes requests for the next batch, and asks other models online.

    ``at_once`` are the batch models that are asked online in this round, because the last round had few requests for
    them.
    """

    def __init__(
        self, store: BatchStore, transfer: Transfer, runtime: Runtime, backends: Mapping[str, BatchBackend]
    ) -> None:
        self.at_once: set[str] = set()
        self._store = store
        self._transfer = transfer
        self._runtime = runtime
        self._online = Online(runtime)
        self._backends = backends
        self._noted = {
            name: _Noted(store.folder / f"requests-{number}.jsonl.tmp") for number, name in enumerate(backends)
        }
        self._taken: set[bytes] = set()

    async def answer(self, key: bytes, rendered: Rendered, call: Call) -> Entry:
        """Return the reply from a batch, or from a model online; raises ``Suspended`` if it will come with a batch."""
        reply = self._store.find(key) or self._transfer.given_up.get(key)
        if reply is not None:
            self._taken.add(key)
            return _examine(call, reply)
        name = rendered.model.name
        if name not in self._backends or name in self.at_once:
            return await self._online.answer(key, rendered, call)
        if key not in self._transfer.in_flight:
            self._runtime.raise_if_stopping()
            try:
                line = await self._backends[name].write(key.hex(), call)
            except InputError as error:  # audio that cannot be sent
                return Entry(error="audio_unusable", detail=str(error), final=True)
            if len(line) > self._backends[name].terms.bytes:
                detail = f"the request has {len(line):,} bytes, more than a batch may have"
                return Entry(error="too_large", detail=detail, final=True)
            await self._note(name, key, line, call)
        raise Suspended(key.hex())

    async def analyse(self, key: bytes, listen: Listen) -> Entry:
        """As online."""
        return await self._online.analyse(key, listen)

    def takes_likely(self, model: str) -> bool:
        """Return True for a model by batch, unless its last few requests go online; for others as online."""
        return model not in self.at_once and self._online.takes_likely(model)

    def holds(self, key: bytes) -> bool:
        """Return whether a batch has brought the reply, or the news that there will be none."""
        return self._store.find(key) is not None or key in self._transfer.given_up

    async def end_round(self) -> None:
        """Submit the noted requests, and forget the replies that all shards have taken."""
        self._store.drop(self._taken)
        self._taken.clear()
        self.at_once.clear()
        for name, noted in self._noted.items():
            if noted.is_only_file and 0 < len(noted.keys) < self._backends[name].terms.ask_online_below:
                few = noted.end()
                self._transfer.in_flight.difference_update(few.keys)
                few.path.unlink()
                self.at_once.add(name)
            elif noted.keys:
                await self._send(name)
            noted.is_only_file = True

    def close(self) -> None:
        """Close the request files; requests left in them after an error are asked again."""
        for noted in self._noted.values():
            noted.close()

    async def _note(self, name: str, key: bytes, line: bytes, call: Call) -> None:
        """Add a line to the request file; a full file goes to the provider first."""
        noted, terms = self._noted[name], self._backends[name].terms
        self._transfer.in_flight.add(key)
        async with noted.lock:
            if noted.keys and (len(noted.keys) == terms.requests or noted.size + len(line) > terms.bytes):
                await self._send(name)
            noted.add(key, line, *estimate_tokens(call))

    async def _send(self, name: str) -> None:
        await self._transfer.send(name, self._noted[name].end())


class _Noted:
    """The open file of requests to one model.

    ``is_only_file`` tells whether no other file was filled in this round.
    """

    def __init__(self, path: Path) -> None:
        self.lock = asyncio.Lock()
        self.keys: list[bytes] = []
        self.size = 0
        self.is_only_file = True
        self._path = path
        self._prompt = self._completion = 0.0
        self._file: BinaryIO | None = None

    def add(self, key: bytes, line: bytes, prompt: float, completion: float) -> None:
        """Add one request, with its estimated tokens."""
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(line)
        self.keys.append(key)
        self.size += len(line)
        self._prompt += prompt
        self._completion += completion

    def close(self) -> None:
        """Write nothing more."""
        if self._file is not None:
            self._file.close()

    def end(self) -> Requests:
        """Return the noted requests, which are on disk; the next request begins another file."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        noted = Requests(
            path=self._path, keys=self.keys, prompt_tokens=self._prompt, completion_tokens=self._completion
        )
        self.keys, self.size, self._prompt, self._completion, self._file = [], 0, 0.0, 0.0, None
        self.is_only_file = False
        return noted


class _Round(Progress):
    """Progress of a shard in one round. The next round starts every row again, so the progress is then taken back."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._told: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        self._rows: Counter[bool] = Counter()

    def begin(self, stage: str, shards: int, rows: int | None) -> None:
        """Do nothing: a shard does not begin a stage."""
        self._progress.begin(stage, shards, rows)

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        """Pass progress on and remember it."""
        self._rows[known] += rows
        self._told[known].update(outcomes)
        self._progress.advance(rows, outcomes, known=known)

    def show(self, standing: Standing) -> None:
        """Passed on."""
        self._progress.show(standing)

    def say(self, message: str) -> None:
        """Passed on."""
        self._progress.say(message)

    def end(self) -> None:
        """Passed on."""
        self._progress.end()

    def take_back(self) -> None:
        """Take back the progress of this round."""
        for known, rows in self._rows.items():
            told = {outcome: -items for outcome, items in self._told[known].items()}
            self._progress.advance(-rows, told, known=known)


def _examine(call: Call, reply: Completion | Refusal) -> Entry:
    if isinstance(reply, Refusal):
        return Entry(error=reply.code, detail=reply.detail, final=True)
    return replies.examine(call, reply)
