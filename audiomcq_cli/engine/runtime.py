"""Clients and workers that outlive shards: models with connections and limits, prompts, audio, the journal writer.

Nothing here knows a stage.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from audiomcq_cli.contracts import (
    Audio,
    Backend,
    BackendKind,
    Call,
    Completion,
    Model,
    Need,
    Row,
)
from audiomcq_cli.engine.executors.workers import Workers
from audiomcq_cli.engine.journal.journal import Entry, JournalWriter
from audiomcq_cli.engine.servers.budget import Budget, Purse, Reserved, Usage
from audiomcq_cli.engine.servers.clock import MACHINE, Clock
from audiomcq_cli.engine.servers.encoding import Encodings
from audiomcq_cli.engine.servers.endpoints import Endpoints
from audiomcq_cli.engine.servers.model import ModelHandle, check_capabilities, check_distinct
from audiomcq_cli.engine.servers.remarks import Remark, Remarks
from audiomcq_cli.engine.servers.route import Route
from audiomcq_cli.engine.servers.tokens import estimate_tokens
from audiomcq_cli.errors import BudgetReached, Interrupted, ModelError, RecipeError
from audiomcq_cli.storage.prompts import Prompts

T = TypeVar("T")

Flight = tuple[bytes, tuple[Path | None, ...]]
"""A call in flight: its journal key, and the audio roots of its clips. The same content below another root may be gone
or changed there, which is no answer to the others."""


class Runtime:
    """Clients, limits and loaded models of one process; a context manager."""

    def __init__(
        self,
        models: Mapping[str, Model],
        backends: Mapping[str, BackendKind[object]],
        *,
        prompts: Prompts | None = None,
        budget: Budget | None = None,
        workers: int | None = None,
        say: Callable[[str], None] = lambda message: None,
        clock: Clock = MACHINE,
    ) -> None:
        """Set up clients; ``say`` receives lines for people, about servers."""
        self.clock = clock
        self.prompts = prompts or Prompts()
        self._budget = budget or Budget()
        self.purse = Purse(self._budget, models)
        self.journals = JournalWriter()
        self.in_flight: dict[Flight, asyncio.Future[Entry]] = {}
        self.likely_in_vain: set[bytes] = set()  # keys of likely requests with an unusable reply
        self._say = say
        self._remarks = Remarks(say)
        self._stopping = asyncio.Event()
        self._ending = Interrupted("interrupted")
        self._models = {name: ModelHandle(model, backends[model.backend], clock) for name, model in models.items()}
        self._workers = Workers(workers or os.cpu_count() or 1)
        self._uncounted: set[str] = set()  # models of which that was said
        self._encodings = Encodings()

    async def __aenter__(self) -> Runtime:
        if hours := self._budget.hours:
            reached = BudgetReached(f"the budget of {hours:g} hours is used up")
            self.clock.call_later(hours * 3600, lambda: self.stop(reached))
        return self

    async def __aexit__(self, *error: object) -> None:
        for handle in self._models.values():
            await handle.close()
        self._workers.close()
        self.journals.close()

    # ------------------------------------------------------------------------------------------------ stopping

    @property
    def stopping(self) -> bool:
        """True if the run has been asked to end."""
        return self._stopping.is_set()

    def stop(self, reason: Interrupted | None = None) -> None:
        """Begin no more work; calls in flight end and are kept."""
        if not self.stopping:
            self._ending = reason or self._ending
            self._stopping.set()
        for handle in self._models.values():
            handle.stop(self._ending)

    def raise_if_stopping(self) -> None:
        """Raise ``Interrupted``, or the given reason, if the run has been asked to end."""
        if self.stopping:
            raise self._ending

    # -------------------------------------------------------------------------------------------------- models

    def model(self, name: str) -> ModelHandle:
        """Return a model of the recipe by name; raises ``RecipeError`` if it does not exist."""
        if name not in self._models:
            known = ", ".join(sorted(self._models)) or "no models"
            raise RecipeError(f"no model {name!r} in the recipe (it has {known})", hint=f"add a [models.{name}] table")
        return self._models[name]

    def concurrency(self, needs: list[Need]) -> int:
        """Return how many calls the models of a stage take at once."""
        return sum(self.model(name).concurrency for name in {need.model for need in needs})

    async def check(self, stage: str, needs: list[Need]) -> list[Remark]:
        """Check before the first call that every model answers and can do what the stage needs.

        Other models are closed first: those in this process take memory that the stage needs.

        Returns:
            Remarks about servers that answer, such as one that does not list the model: the first call then decides.
                Remarks already reported by ``ask`` are not repeated.

        Raises:
            CapabilityMissing, ModelError: The error names the model and the stage.
        """
        for need in needs:
            handle = self.model(need.model)
            check_capabilities(stage, need, handle.model, handle.capabilities)
        check_distinct(stage, needs, self._models)
        for name in sorted(set(self._models) - {need.model for need in needs}):
            await self._models[name].close()
        names = sorted({need.model for need in needs})
        warned = await asyncio.gather(*(self._endpoints(name).check() for name in names))
        found = [remark for remarks in warned for remark in remarks]
        self._remarks.tell(found)
        return found

    async def ask(self, names: Sequence[str]) -> list[list[Remark | ModelError | None]]:
        """Ask all addresses of some models whether they would answer, and report their remarks.

        Returns:
            For every model the remarks of its addresses, or why they cannot be used.

        Raises:
            RecipeError: A model cannot be asked at all, for example because its key is missing.
        """
        everywhere = [self._endpoints(name) for name in names]
        found = await asyncio.gather(*(endpoints.ask() for endpoints in everywhere))
        self._remarks.tell(remark for results in found for remark in results if isinstance(remark, Remark))
        return found

    async def send(self, name: str, call: Call) -> Completion:
        """Send a call, and repeat it while the server cannot answer, within limits.

        Raises:
            CallError: The last error, when every attempt is used up or the call itself is refused.
            Interrupted: The run was asked to end, or its budget is used up, before the call was sent.
            ModelError: No call to this model can succeed.
        """
        model = self.model(name).model
        prompt, completion = estimate_tokens(call)
        async for leg in Route(self._endpoints(name), prompt + completion, model.attempts, self.pause):
            with leg:
                async with self._hold(model, call) as reserved:
                    self.raise_if_stopping()  # here: those who waited for a slot are not in flight
                    self.usage.calls[name] += 1
                    try:
                        answer = await leg.send(call)
                    except Interrupted:  # given up while it waited in the backend: it was not sent
                        self.usage.calls[name] -= 1
                        raise
                    self.purse.settle(model, call, answer, reserved)
                    self.tell_uncounted(name)
                    return answer
        raise RuntimeError("a route ends by raising")

    def tell_uncounted(self, name: str) -> None:
        """Report once for a model that its server does not report the tokens of every call."""
        if self.usage.uncounted[name] and name not in self._uncounted:
            self._uncounted.add(name)
            self._say(
                f"model {name!r}: its server does not report the tokens (usage) of all calls;"
                " for the others the greatest possible number counts as spent"
            )

    @property
    def usage(self) -> Usage:
        """Return what has been sent and spent so far."""
        return self.purse.usage

    @asynccontextmanager
    async def _hold(self, model: Model, call: Call) -> AsyncIterator[Reserved]:
        """Reserve the possible cost of a call; if it does not fit the budget, the run ends."""
        try:
            async with self.purse.hold(model, call) as reserved:
                yield reserved
        except BudgetReached as error:
            self.stop(error)
            raise

    def backends(self, name: str) -> Sequence[Backend]:
        """Return the backends of a model, one for each of its addresses."""
        return self._endpoints(name).backends

    def _endpoints(self, name: str) -> Endpoints:
        return self.model(name).endpoints(self.encode, self._say, self.usage.traffic)

    async def unless_stopping(self, work: Awaitable[T]) -> T:
        """Await work that can be repeated; drop it as soon as the run is asked to end.

        Raises:
            Interrupted: The run was asked to end.
        """
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            stopping.cancel()
            task.cancel()
            await asyncio.gather(task, stopping, return_exceptions=True)
        raise self._ending

    async def pause(self, seconds: float) -> None:
        """Sleep; raises ``Interrupted`` as soon as the run is asked to end."""
        await self.unless_stopping(self.clock.sleep(seconds))

    # --------------------------------------------------------------------------------------------------- audio

    async def encode(self, audio: Audio, *, rate: int, format: str) -> bytes:
        """Return the bytes of an audio part; recent ones are cached, so a clip is encoded once for all its calls."""
        return await self._encodings.get(audio, rate, format)

    async def analyse(self, name: str, path: Path, settings: Mapping[str, Any]) -> Row:
        """Run a local analysis in a worker process."""
        return await self._workers.analyse(name, path, settings)
