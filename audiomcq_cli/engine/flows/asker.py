"""From a request to its reply: render it, look it up in the journal or have it answered, validate it, ask again.

The tries of one request are numbered from 0, whatever else happened in the shard: the same request has the same keys
everywhere. An unusable reply is followed by a message with what was wrong, up to the model's ``tries`` in a run; a
later run goes on with the next number and a fresh conversation. Drivers differ only in their ``Answerer``, which
answers requests that the journal does not hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from audiomcq_cli.audio_files import find_clip, hash_file
from audiomcq_cli.contracts import (
    Ask,
    Audio,
    Call,
    Chat,
    Clip,
    Identity,
    Listen,
    Message,
    Model,
    Origin,
    Reply,
    Request,
    Score,
    Silence,
)
from audiomcq_cli.engine import keys
from audiomcq_cli.engine.flows import replies
from audiomcq_cli.engine.journal.journal import Entry, Journal
from audiomcq_cli.engine.runtime import Flight, Runtime
from audiomcq_cli.engine.servers.model import ModelHandle
from audiomcq_cli.errors import AudiomcqError, CapabilityMissing, InputError, StorageError
from audiomcq_cli.listening.analyses import ANALYSES
from audiomcq_cli.storage.prompts import Prompt


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered request: the call for its first try, and an example of a good reply."""

    request: Chat | Score
    model: Model
    identity: Identity
    prompt: Prompt
    call: Call

    @property
    def origin(self) -> Origin:
        """Provenance of whatever this request makes."""
        return Origin(self.identity.model, self.identity.revision, self.prompt.name, self.prompt.version)


class Suspended(Exception):
    """The reply comes later: the row is then started again, and the journal answers its earlier requests."""


class Answerer(Protocol):
    """Answers requests that the journal does not hold."""

    async def answer(self, key: bytes, rendered: Rendered, call: Call) -> Entry:
        """Return one try of a request to a model; raises ``Suspended`` if the reply comes later."""

    async def analyse(self, key: bytes, listen: Listen) -> Entry:
        """Return one local analysis of a clip whose hash is known."""

    def takes_likely(self, model: str) -> bool:
        """Return whether likely requests to a model are sent along."""

    def holds(self, key: bytes) -> bool:
        """Return whether the reply of a try has come, but is not in the journal yet."""


class Asker:
    """Answers the requests of one shard of one stage."""

    def __init__(
        self,
        stage: str,
        runtime: Runtime,
        journal: Journal,
        run: int,
        answerer: Answerer,
        audio_roots: Mapping[str, Path],
        watch: Callable[[bytes, Rendered, Call, Entry], None] | None = None,
    ) -> None:
        """Make one.

        ``audio_roots`` are the folders below which clips lie, by source. ``watch`` is shown every try, from the journal
        or new.
        """
        self._audio_roots = audio_roots
        self._watch = watch
        self._stage = stage
        self._runtime = runtime
        self._journal = journal
        self._run = run
        self._answerer = answerer

    async def ask(self, request: Request) -> Reply:
        """Return the reply to a request, from the journal or from the answerer."""
        try:
            if isinstance(request, Listen):
                return await self._listen(request)
            return await self._ask_model(await self._render(request))
        except InputError as error:
            # A clip that cannot be read fails this request only; other bad input (a prompt) does not.
            if request.audio:
                return Reply(stage=self._stage, key="", origin=Origin(""), error="audio_unusable", detail=str(error))
            raise

    async def find_likely(self, asked: Ask) -> list[Callable[[], Awaitable[None]]]:
        """Return what to do for the likely requests of a round: send them, or take the replies that have come.

        They are sent while the row waits for a needed request of the same kind: a row that is started again sends
        none. A request that cannot be rendered is skipped, as the flow may never need it.
        """
        taken = [request for request in asked.likely if self._answerer.takes_likely(request.model)]
        if not taken:
            return []
        send = any([await self._waits_for(request) for request in asked.needed])
        found: list[Callable[[], Awaitable[None]]] = []
        for request in taken:
            try:
                rendered = await self._render(request)
            except AudiomcqError:
                continue
            key = self._key(rendered, rendered.call, 0)
            if entry := self._journal.get(key):
                if self._watch:
                    self._watch(key, rendered, rendered.call, entry)
            elif key not in self._runtime.likely_in_vain and (send or self._answerer.holds(key)):
                found.append(partial(self._ask_likely, key, rendered))
        return found

    async def _waits_for(self, request: Request) -> bool:
        """Return whether the first try of a needed request, to a model that takes likely ones, has no reply yet."""
        if isinstance(request, Listen) or not self._answerer.takes_likely(request.model):
            return False
        try:
            rendered = await self._render(request)
        except AudiomcqError:  # asking for it raises the same error
            return False
        key = self._key(rendered, rendered.call, 0)
        return self._journal.get(key) is None and not self._answerer.holds(key)

    async def _ask_likely(self, key: bytes, rendered: Rendered) -> None:
        """Have the first try of a request answered; an unusable reply is dropped.

        Tries are numbered and counted by run: a try that the flow did not make would change what it gets later.
        """
        if _flight(key, rendered.call) in self._runtime.in_flight:
            return
        with suppress(Suspended):
            await self._answer(key, rendered, _reseed(rendered.call, rendered, 0), likely=True)

    async def _render(self, request: Chat | Score) -> Rendered:
        handle = self._runtime.model(request.model)
        model = handle.model
        prompt = self._runtime.prompts.get(request.prompt)
        system, user = prompt.render(request.variables)
        parts = tuple([await self._identify(part) if isinstance(part, Clip) else part for part in request.audio])
        for part in parts:
            self._check_window(handle, part)
        turns = (Message("system", system), Message("user", user, parts))
        call = Call(
            messages=turns if system else turns[1:],
            sampling={**model.sampling, **request.sampling} if isinstance(request, Chat) else model.sampling,
            prompt=prompt.name,
            schema=prompt.schema if isinstance(request, Chat) else None,
            schema_name=prompt.reply,
            continuations=request.continuations if isinstance(request, Score) else (),
            whole=isinstance(request, Chat) and request.whole,
        )
        return Rendered(request, model, handle.identity, prompt, call)

    async def _ask_model(self, rendered: Rendered) -> Reply:
        call, this = rendered.call, self._key(rendered, rendered.call, 0)
        found = self._journal.get(this)
        made = 0  # tries of the run that the last one belongs to
        run = -1
        for number in count():
            entry = found or await self._answer(this, rendered, _reseed(call, rendered, number))
            made = made + 1 if entry.run == run else 1
            run = entry.run
            if self._watch:
                self._watch(this, rendered, call, entry)
            over = entry.final or made >= rendered.model.tries
            if not entry.error or (over and run == self._run):
                return self._reply(this, entry, rendered, number + 1)
            # What follows is the same conversation, or a later run's fresh one: as the journal has it, or as it is now.
            follow = [] if over else [replies.ask_again(rendered.call, entry)]
            for call in (*follow, rendered.call):
                this = self._key(rendered, call, number + 1)
                if found := self._journal.get(this):
                    break
            if found is None and follow and run == self._run:
                call = follow[0]
                this = self._key(rendered, call, number + 1)
        raise StorageError("tries do not end")

    def _key(self, rendered: Rendered, call: Call, number: int) -> bytes:
        seeded = _reseed(call, rendered, number)
        return keys.call_key(rendered.model, rendered.identity, seeded, sample=_sample(rendered), number=number)

    async def _answer(self, key: bytes, rendered: Rendered, call: Call, *, likely: bool = False) -> Entry:
        """Have one try answered; equal keys in flight are one call, if the clips lie below the same roots."""
        flight = _flight(key, call)
        flying = self._runtime.in_flight.get(flight)
        if flying is not None:
            entry = await asyncio.shield(flying)
        else:
            future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
            self._runtime.in_flight[flight] = future
            try:
                entry = await self._answerer.answer(key, rendered, call)
                future.set_result(entry)
            except BaseException as error:
                future.set_exception(error)
                future.exception()  # whether or not anyone waits for it
                raise
            finally:
                del self._runtime.in_flight[flight]
        entry = replace(entry, run=self._run)
        if likely and entry.error:
            self._runtime.likely_in_vain.add(key)
        else:
            self._journal.put(key, entry)
        if flying is None:
            self._runtime.usage.replies[rendered.model.name] += 1
        return entry

    def _reply(self, key: bytes, entry: Entry, rendered: Rendered, tries: int) -> Reply:
        value = entry.value
        if not entry.error and rendered.call.schema is not None:
            value = replies.read_json(entry.text)  # examined before it was stored
        return Reply(
            stage=self._stage,
            key=key.hex(),
            origin=rendered.origin,
            text=entry.text,
            value=value,
            error=entry.error,
            detail=entry.detail,
            tries=tries,
        )

    def _check_window(self, handle: ModelHandle, part: Audio) -> None:
        """Refuse audio that is longer than the model's window: the model would silently cut it."""
        seconds = part.length
        if seconds is None or not handle.is_too_long(seconds):
            return
        if isinstance(part, Clip) and part.seconds is None:
            raise handle.refuse_length(part, seconds)
        raise CapabilityMissing(
            f"stage {self._stage} sends {seconds:g} s of {_name_kind(part)} to model {handle.model.name!r}, which hears"
            f" {handle.model.audio_window:g} s",
            hint="ask for less at once, or correct audio_window in the model's table",
        )

    async def _listen(self, request: Listen) -> Reply:
        analysis = ANALYSES[request.analysis]
        version = analysis.version
        identified = await self._identify(request.audio)
        key = keys.listen_key(request.analysis, version, identified, analysis.identify(request.settings))
        entry = self._journal.get(key)
        if entry is None:
            entry = await self._answerer.analyse(key, replace(request, audio=identified))
            self._journal.put(key, entry)
        return Reply(
            stage=self._stage,
            key=key.hex(),
            origin=Origin(request.analysis, version),
            value=_with_hash(entry.value, identified),
            error=entry.error,
            detail=entry.detail,
        )

    async def _identify(self, clip: Clip) -> Clip:
        """Say where a clip lies, if that is known, and take its content hash if that is not known yet.

        A clip of an unknown root is refused when its file is needed: what the journal holds is answered without.
        """
        clip = replace(clip, root=self._audio_roots.get(clip.source))
        if clip.sha256:
            return clip
        return replace(clip, sha256=await asyncio.to_thread(hash_file, find_clip(clip)))


def _flight(key: bytes, call: Call) -> Flight:
    """Return what equal calls in flight have in common."""
    return key, tuple(part.root for turn in call.messages for part in turn.audio if isinstance(part, Clip))


def _name_kind(part: Audio) -> str:
    match part:
        case Clip():
            return "a clip"
        case Silence():
            return "silence"


def _with_hash(value: Any, part: Clip) -> Any:
    return {**value, "sha256": part.sha256} if isinstance(value, Mapping) else value


def _sample(rendered: Rendered) -> int:
    return rendered.request.sample if isinstance(rendered.request, Chat) else 0


def _reseed(call: Call, rendered: Rendered, number: int) -> Call:
    """Give every sample and try its own seed, if the recipe sets one."""
    offset = 1_000 * _sample(rendered) + number
    if "seed" not in call.sampling or not offset:
        return call
    return replace(call, sampling={**call.sampling, "seed": int(call.sampling["seed"]) + offset})
