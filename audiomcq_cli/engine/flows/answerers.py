"""The drivers' answers to requests that no journal holds: a model (online), nothing (replay), an
example (rehearsal).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from audiomcq_cli import audio
from audiomcq_cli.audio_files import find_clip
from audiomcq_cli.contracts import Call, Completion, Listen
from audiomcq_cli.engine.flows import replies
from audiomcq_cli.engine.flows.asker import Answerer, Rendered
from audiomcq_cli.engine.journal.journal import Entry
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.tokens import count_tokens, estimate_tokens
from audiomcq_cli.errors import CallError, InputError, ReplayMiss
from audiomcq_cli.listening.analyses import ANALYSES


class Online:
    """Sends every call to its model, with as many in flight as the recipe allows."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def answer(self, key: bytes, rendered: Rendered, call: Call) -> Entry:
        """Send a call; if the server never answered, or refused it, this request fails for this run."""
        try:
            completion = await self._runtime.send(rendered.model.name, call)
        except CallError as error:
            return Entry(error=error.code, detail=str(error), final=True)
        except InputError as error:  # audio that cannot be sent
            return Entry(error="audio_unusable", detail=str(error), final=True)
        return replies.examine(call, completion)

    async def analyse(self, key: bytes, listen: Listen) -> Entry:
        """Run the analysis in a worker process."""
        self._runtime.raise_if_stopping()
        path = find_clip(listen.audio)
        return Entry(value=await self._runtime.analyse(listen.analysis, path, listen.settings))

    def takes_likely(self, model: str) -> bool:
        """Return what the backend of the model says."""
        return self._runtime.model(model).takes_likely

    def holds(self, key: bytes) -> bool:
        """Return False: a reply is in the journal at once."""
        return False


class Noting:
    """Passes everything on and notes in ``asked`` whether a row made any call."""

    def __init__(self, answerer: Answerer) -> None:
        self.asked = False
        self._answerer = answerer

    async def answer(self, key: bytes, rendered: Rendered, call: Call) -> Entry:
        """Note it and pass it on."""
        self.asked = True
        return await self._answerer.answer(key, rendered, call)

    async def analyse(self, key: bytes, listen: Listen) -> Entry:
        """Pass the question on."""
        self.asked = True
        return await self._answerer.analyse(key, listen)

    def takes_likely(self, model: str) -> bool:
        """Pass the question on."""
        return self._answerer.takes_likely(model)

    def holds(self, key: bytes) -> bool:
        """Pass the question on."""
        return self._answerer.holds(key)


class Replay:
    """Answers nothing: a replay proves that a version can be rebuilt from its journal."""

    async def answer(self, key: bytes, rendered: Rendered, call: Call) -> Entry:
        """Raise ``ReplayMiss``."""
        raise ReplayMiss(
            f"the journal has no reply to prompt {rendered.prompt.name!r} of model {rendered.model.name!r}"
            f" (key {key.hex()[:16]}…)",
            hint="inputs, prompts or options differ from the run that is replayed; run without --replay to ask",
        )

    async def analyse(self, key: bytes, listen: Listen) -> Entry:
        """Raise ``ReplayMiss``."""
        raise ReplayMiss(f"the journal has no {listen.analysis!r} of {listen.audio.path}")

    def takes_likely(self, model: str) -> bool:
        """Return False: only needed replies are looked up."""
        return False

    def holds(self, key: bytes) -> bool:
        """Return False: there is only the journal."""
        return False


@dataclass(slots=True)
class Counts:
    """Calls and tokens by model, or calls by analysis."""

    calls: Counter[str] = field(default_factory=Counter)
    prompt_tokens: Counter[str] = field(default_factory=Counter)
    completion_tokens: Counter[str] = field(default_factory=Counter)

    def enter(self, model: str, prompt_tokens: int, completion_tokens: int) -> None:
        """Count one call."""
        self.calls[model] += 1
        self.prompt_tokens[model] += prompt_tokens
        self.completion_tokens[model] += completion_tokens

    def add(self, other: Counts) -> None:
        """Add the counts of another."""
        self.calls += other.calls
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens


class Rehearsal:
    """Answers with each prompt's example, and counts what a run would send; nothing is called.

    A row that asks the same twice (two scorings of one model) sends one call, so equal keys within a row count once.
    Equal keys of two rows count twice: examples are alike where the replies of a model would differ.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.counts = Counts()
        self._runtime = runtime
        self._counted: set[bytes] = set()

    def begin_row(self) -> None:
        """Forget what was counted."""
        self.counts = Counts()
        self._counted.clear()

    async def answer(self, key: bytes, rendered: Rendered, call: Call) -> Entry:
        """Count a call and return the example; of several continuations the first is the likeliest."""
        said = call.continuations or (rendered.prompt.render_example(rendered.request.variables),)
        if self._is_new(key):
            prompt, _ = estimate_tokens(call)
            self.counts.enter(rendered.model.name, round(prompt), count_tokens(*said))
        scores = tuple({"logprob": -1.0 - place, "tokens": 1} for place, _ in enumerate(call.continuations))
        return replies.examine(call, Completion(text=said[0], scores=scores))

    async def analyse(self, key: bytes, listen: Listen) -> Entry:
        """Count a call and return the analysis' example with the clip's own length, on which later calls depend."""
        if self._is_new(key):
            self.counts.calls[listen.analysis] += 1
        value = ANALYSES[listen.analysis].example
        if "duration" in value:
            with suppress(InputError):
                duration = await asyncio.to_thread(audio.read_length, find_clip(listen.audio))
                value = value | {"duration": duration}
        return Entry(value=value)

    def takes_likely(self, model: str) -> bool:
        """Return what a run would: requests sent along cost as well."""
        return self._runtime.model(model).takes_likely

    def holds(self, key: bytes) -> bool:
        """Return False: there is only the journal."""
        return False

    def _is_new(self, key: bytes) -> bool:
        known = key in self._counted
        self._counted.add(key)
        return not known
