"""What outlives shards: models with their connections and limits, prompts, audio, worker processes, the journal writer.

Nothing here knows a stage.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from audiomcq_cli import audio as clips
from audiomcq_cli.contracts import (
    Audio,
    Backend,
    BackendKind,
    Call,
    Capabilities,
    Completion,
    Encoder,
    Identity,
    Model,
    Need,
    Row,
)
from audiomcq_cli.engine import keys
from audiomcq_cli.engine.budget import Budget, Purse, Reserved, Usage
from audiomcq_cli.engine.clock import MACHINE, Clock
from audiomcq_cli.engine.concurrency import HIGHEST, Auto, Fixed
from audiomcq_cli.engine.encoding import Encodings
from audiomcq_cli.engine.endpoint import Endpoint
from audiomcq_cli.engine.endpoints import Endpoints
from audiomcq_cli.engine.journal import Entry, JournalWriter
from audiomcq_cli.engine.limits import Quota, QuotaOwner
from audiomcq_cli.engine.remarks import Remark, Remarks
from audiomcq_cli.engine.route import Route
from audiomcq_cli.engine.tokens import estimate_tokens
from audiomcq_cli.engine.traffic import Traffic
from audiomcq_cli.engine.workers import Workers
from audiomcq_cli.errors import BudgetReached, CapabilityMissing, InputError, Interrupted, ModelError, RecipeError
from audiomcq_cli.storage.resources import Prompts

T = TypeVar("T")


class ModelHandle:
    """One model of the recipe: what it can do, and its addresses, opened when first used."""

    def __init__(self, model: Model, kind: BackendKind[object], clock: Clock = MACHINE) -> None:
        self.model = model
        self._clock = clock
        self.capabilities: Capabilities = kind.capabilities(model)
        self._kind = kind
        self._endpoints: Endpoints | None = None

    @property
    def backend_name(self) -> str:
        """The backend that a manifest names: the same for every way to the model."""
        return self._kind.another_way_to or self.model.backend

    @cached_property
    def identity(self) -> Identity:
        """Which model it is, wherever it runs."""
        if self._kind.identify:
            return self._kind.identify(self.model)
        return Identity(self.model.model, self.model.revision)

    @property
    def concurrency(self) -> int:
        """Calls in flight over all its addresses, at most."""
        each = HIGHEST if self.model.concurrency == "auto" else self.model.concurrency
        return each * max(1, len(self.model.base_url))

    def endpoints(self, encode: Encoder, say: Callable[[str], None], traffic: Traffic) -> Endpoints:
        """Its addresses, each with a backend and limits of its own, opened at the first use."""
        if self._endpoints is None:
            auto = self.model.concurrency == "auto"
            self._endpoints = Endpoints(
                self.model.name,
                [self._open(url, encode, say) for url in self.model.base_url or ("",)],
                traffic=traffic,
                look=self._kind.look if auto else None,
                absent_after=self.model.absent_after,
                clock=self._clock,
            )
        return self._endpoints

    def _open(self, url: str, encode: Encoder, say: Callable[[str], None]) -> Endpoint:
        model = self.model
        backend = self._kind.open(replace(model, base_url=(url,) if url else ()), self._limit(encode))
        limiter = Auto() if model.concurrency == "auto" else Fixed(model.concurrency)
        quota = Quota(QuotaOwner(model.requests_per_minute, model.tokens_per_minute, self._clock))
        return Endpoint(model.name, url or model.backend, backend, limiter, quota, say, self._clock)

    def is_too_long(self, seconds: float) -> bool:
        """Whether audio of a length would be cut by the model: it hears less at once."""
        window = self.model.audio_window
        return window is not None and seconds > window

    def refuse_length(self, audio: Audio, seconds: float) -> InputError:
        """The error of a clip that is longer than the model hears."""
        message = f"{seconds:g} s, and model {self.model.name!r} hears {self.model.audio_window:g} s at once"
        return InputError(message, file=audio.path)

    def _limit(self, encode: Encoder) -> Encoder:
        """An encoder that refuses a clip longer than the model hears, where only its bytes tell."""

        async def encode_heard(audio: Audio, *, rate: int, format: str) -> bytes:
            data = await encode(audio, rate=rate, format=format)
            if audio.seconds is None and self.is_too_long(seconds := clips.read_length(BytesIO(data))):
                raise self.refuse_length(audio, seconds)
            return data

        return encode_heard

    def stop(self, reason: Interrupted) -> None:
        """Send nothing more."""
        if self._endpoints is not None:
            self._endpoints.stop(reason)

    async def close(self) -> None:
        """Give connections and memory back; the next use opens them again."""
        endpoints, self._endpoints = self._endpoints, None
        if endpoints is not None:
            await endpoints.close()


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
        """Make one; ``say`` is given lines for people, about servers."""
        self._clock = clock
        self.prompts = prompts or Prompts()
        self._budget = budget or Budget()
        self.purse = Purse(self._budget, models)
        self.journals = JournalWriter()
        self.in_flight: dict[bytes, asyncio.Future[Entry]] = {}
        self.audio_roots: dict[str, Path] = {}
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
            self._clock.call_later(hours * 3600, lambda: self.stop(reached))
        return self

    async def __aexit__(self, *error: object) -> None:
        for handle in self._models.values():
            await handle.close()
        self._workers.close()
        self.journals.close()

    # ------------------------------------------------------------------------------------------------ stopping

    @property
    def stopping(self) -> bool:
        """Whether the run has been asked to end."""
        return self._stopping.is_set()

    def stop(self, reason: Interrupted | None = None) -> None:
        """Take no more work; calls in flight end and are kept."""
        if not self.stopping:
            self._ending = reason or self._ending
            self._stopping.set()
        for handle in self._models.values():
            handle.stop(self._ending)

    def raise_if_stopping(self) -> None:
        """Raise ``Interrupted``, or the reason that was given, once the run has been asked to end."""
        if self.stopping:
            raise self._ending

    # -------------------------------------------------------------------------------------------------- models

    def model(self, name: str) -> ModelHandle:
        """A model of the recipe by name; raises ``RecipeError`` where there is none."""
        if name not in self._models:
            known = ", ".join(sorted(self._models)) or "no models"
            raise RecipeError(f"no model {name!r} in the recipe (it has {known})", hint=f"add a [models.{name}] table")
        return self._models[name]

    def concurrency(self, needs: list[Need]) -> int:
        """Calls that the models of a stage take at once."""
        return sum(self.model(name).concurrency for name in {need.model for need in needs})

    async def check(self, stage: str, needs: list[Need]) -> list[Remark]:
        """Make sure that every model is there and can do what the stage needs, before the first call.

        Models that it does not need are closed first: those in this process fill the memory that it wants.

        Returns:
            What people were told of servers that answer: one does not list the model, say, and the first call decides.
            What ``ask`` has told them before is not said again.

        Raises:
            CapabilityMissing, ModelError: naming the model and the stage.
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
        """Ask all addresses of some models whether they would answer, and tell people what those say.

        Returns:
            Of every model what its addresses said, or why they cannot be used.

        Raises:
            RecipeError: Of a model that cannot be asked at all, as its key is missing.
        """
        everywhere = [self._endpoints(name) for name in names]
        found = await asyncio.gather(*(endpoints.ask() for endpoints in everywhere))
        self._remarks.tell(remark for results in found for remark in results if isinstance(remark, Remark))
        return found

    async def send(self, name: str, call: Call) -> Completion:
        """Send a call, again where the server cannot answer now, within limits.

        Raises:
            CallError: The last one, when every attempt is used up or the call itself is refused.
            Interrupted: The run was asked to end, or its budget is used up, before the call was sent.
            ModelError: No call to this model can succeed.
        """
        model = self.model(name).model
        prompt, completion = estimate_tokens(call)
        async for leg in Route(self._endpoints(name), prompt + completion, model.attempts, self._pause):
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
        """Say once of a model that its server does not tell the tokens of every call."""
        if self.usage.uncounted[name] and name not in self._uncounted:
            self._uncounted.add(name)
            self._say(
                f"model {name!r}: its server does not tell (usage) how many tokens calls take;"
                " of those that it does not, the most that each may take counts as spent"
            )

    @property
    def usage(self) -> Usage:
        """What has been sent and spent so far."""
        return self.purse.usage

    @asynccontextmanager
    async def _hold(self, model: Model, call: Call) -> AsyncIterator[Reserved]:
        """Reserve what a call may cost; where the budget does not reach for it, the run ends."""
        try:
            async with self.purse.hold(model, call) as reserved:
                yield reserved
        except BudgetReached as error:
            self.stop(error)
            raise

    def backends(self, name: str) -> Sequence[Backend]:
        """What reaches a model, one for each of its addresses."""
        return self._endpoints(name).backends

    def _endpoints(self, name: str) -> Endpoints:
        return self.model(name).endpoints(self.encode, self._say, self.usage.traffic)

    async def unless_stopping(self, work: Awaitable[T]) -> T:
        """What comes of some work that can be done again; drops it as soon as the run is asked to end.

        Raises:
            Interrupted: It was.
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

    async def _pause(self, seconds: float) -> None:
        """Sleep; raises ``Interrupted`` as soon as the run is asked to end."""
        await self.unless_stopping(self._clock.sleep(seconds))

    # --------------------------------------------------------------------------------------------------- audio

    def audio_root(self, source: str) -> Path:
        """Folder below which the audio of a source lies; raises ``InputError`` where it is not known."""
        if source not in self.audio_roots:
            raise InputError(f"where the audio of source {source!r} lies is not known")
        return self.audio_roots[source]

    async def encode(self, audio: Audio, *, rate: int, format: str) -> bytes:
        """Bytes of an audio part; those wanted last are kept, so a clip is encoded once for all calls about it."""
        return await self._encodings.get(audio, self.audio_roots, rate, format)

    async def analyse(self, name: str, path: Path, settings: Mapping[str, Any]) -> Row:
        """Run a local analysis in a worker process."""
        return await self._workers.analyse(name, path, settings)


def check_capabilities(stage: str, need: Need, model: Model, offered: Capabilities) -> None:
    """Make sure that a model can do what a stage needs of it; raises ``CapabilityMissing`` naming both."""
    for name in sorted(need.capabilities):
        if not getattr(offered, name):
            hint = f"name another model under [{stage}]"
            if name == "audio":
                hint = f"if the model hears, say audio = true under [models.{model.name}]; else {hint}"
            if need.instead:
                hint += f", or {need.instead}"
            raise CapabilityMissing(
                f"stage {stage} needs {name} of model {model.name!r}, which does not offer it"
                f" (backend {model.backend!r})",
                hint=hint,
            )


def check_distinct(stage: str, needs: Sequence[Need], handles: Mapping[str, ModelHandle]) -> None:
    """Refuse models that must be distinct and are one with one sampling; raises ``RecipeError`` naming both."""
    seen: dict[bytes, str] = {}
    for need in needs:
        if not need.distinct:
            continue
        handle = handles[need.model]
        who = keys.digest([asdict(handle.identity), keys.plain_numbers(handle.model.sampling), need.way])
        if who in seen:
            raise RecipeError(
                f"stage {stage}: {seen[who]!r} and {need.model!r} are one model with one sampling: its reply would"
                " count as two",
                hint="name different models, or give them different sampling",
            )
        seen[who] = need.model
