"""Backends: ways to reach a model, and the rendered calls that they send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, runtime_checkable

from audiomcq_cli.contracts.audio import Audio
from audiomcq_cli.contracts.models import Capabilities, Identity, Model
from audiomcq_cli.contracts.options import O
from audiomcq_cli.errors import Interrupted


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: ``role`` is system, user or assistant; audio parts come before the text."""

    role: str
    text: str
    audio: tuple[Audio, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A rendered request, as a backend sends it.

    Attributes:
        messages: The conversation.
        schema: JSON Schema of the reply, with its name; None for free text.
        sampling: Parameters under their OpenAI names.
        continuations: Texts to score; empty for a chat.
        whole: Whether truncated free text is useless even if its answer stands between closed marks.
        prompt: Name of the prompt, for logs and scripted backends.
    """

    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    prompt: str
    schema: Mapping[str, Any] | None = None
    schema_name: str = ""
    continuations: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A reply: text or scores, the reason for its end, and its tokens.

    Attributes:
        finish_reason: ``stop``, ``length``, ``content_filter``, ``refusal``, or ``too_large`` for an answer not read to
            its end. Another word of the server is kept, and means that the reply may be unfinished.
        thought: Whether the model's thoughts came apart from the text.
        counted: Whether the server reported the tokens of the call. A missing or impossible count is 0.
    """

    text: str = ""
    finish_reason: str = "stop"
    thought: bool = False
    scores: tuple[Mapping[str, float], ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a server: calls that it works on, and calls in its queue, from all clients."""

    running: int
    waiting: int


class Encoder(Protocol):
    """Returns the bytes of audio parts."""

    async def __call__(self, audio: Audio, *, rate: int, format: str) -> bytes:
        """Encode a part; the bytes are cached while they are needed. Raises ``InputError`` for a bad file."""


class Backend(Protocol):
    """One way to reach a model, opened once for each of its addresses and shared by all shards.

    It tries once: the engine chooses the address, waits, and tries again.
    """

    async def check(self) -> str | None:
        """Check, before the first call and after failures, that the model answers; raises ``ModelError``.

        The check is cheap and does not call the model. If the address answers and only a call can show whether it
        serves the model, a warning for people is returned.
        """

    async def send(self, call: Call) -> Completion:
        """Answer one call, once; raises ``CallError`` or, if no call can succeed, ``ModelError``."""

    async def close(self) -> None:
        """Release connections and memory."""


@runtime_checkable
class QueueingBackend(Protocol):
    """A backend whose calls may wait in a queue: it can cancel them when the run is to end."""

    def give_up(self, reason: Interrupted) -> None:
        """Have every call that has not begun raise ``reason``; calls in progress end as usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendKind(Generic[O]):
    """A kind of backend: the ``BACKEND`` of a file in ``backends/``.

    Attributes:
        help: One line.
        options: Keys it adds to a model's table, a frozen dataclass of ``option`` fields.
        capabilities: Returns what it can do with a model.
        open: Makes a backend of a model with one address or none; no I/O before ``check``.
        look: Asks the server for its load; None if it does not report it. For ``concurrency = "auto"``.
        identify: Returns the model's identity if the recipe's ``model`` and ``revision`` do not suffice (a file: its
            hash).
        another_way_to: The backend named in manifests, so that they do not depend on how the model was reached.
        concurrency: Calls in flight to a model whose table does not set it.
        takes_likely: Whether it also gets the requests that a flow will likely need: its rounds cost more than a call.
        unused: Keys of a model's table that it ignores: a recipe that sets one is refused.
    """

    help: str
    options: type[O]
    capabilities: Callable[[Model], Capabilities]
    open: Callable[[Model, Encoder], Backend]
    look: Callable[[Any], Awaitable[Load | None]] | None = None
    identify: Callable[[Model], Identity] | None = None
    another_way_to: str = ""
    concurrency: int = 32
    takes_likely: bool = False
    unused: tuple[str, ...] = ()
