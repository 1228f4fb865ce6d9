"""Backends: ways to reach a model, and the rendered calls that go over them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, runtime_checkable

from audiomcq_cli.contracts.models import Capabilities, Identity, Model
from audiomcq_cli.contracts.options import O
from audiomcq_cli.contracts.requests import Audio
from audiomcq_cli.errors import Interrupted


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: ``role`` is system, user or assistant; audio parts stand before the text."""

    role: str
    text: str
    audio: tuple[Audio, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A rendered request, as a backend sends it.

    Attributes:
        messages: The conversation. schema: JSON Schema the reply must follow, with its name; None for free text.
        sampling: Parameters under their OpenAI names. continuations: Texts to score; empty for a chat.
        whole: Whether free text that was cut short is of no use, even with an answer that stands between closed marks.
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
    """What came back: text or scores, why it ended, and the tokens it took.

    Attributes:
        finish_reason: ``stop``, ``length``, ``content_filter``, ``refusal``, or ``too_large`` for an answer not
            read to its end. Another word of a server's is kept, and means that the reply may be unfinished.
        thought: Whether the model has thought, apart from the text.
        counted: Whether the server told how many tokens the call took. What it did not tell, or cannot mean, is 0.
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
    """What a server says of itself: calls that it works on, and calls that wait in its queue, whoever sent them."""

    running: int
    waiting: int


class Encoder(Protocol):
    """Gives the bytes of audio parts."""

    async def __call__(self, audio: Audio, *, rate: int, format: str) -> bytes:
        """Encode a part, once while it is wanted; raises ``InputError`` for a bad file."""


class Backend(Protocol):
    """One way to reach a model, opened once for each of its addresses and shared by every shard.

    It tries once: which address is asked, waiting, and trying again are the engine's.
    """

    async def check(self) -> str | None:
        """Make sure, before the first call and after failures, that the model answers; raises ``ModelError``.

        Cheap, and no call to the model. Where the address answers and only a call can show whether it serves the model,
        what people should know is returned.
        """

    async def send(self, call: Call) -> Completion:
        """Answer one call, once; raises ``CallError`` or, where no call can succeed, ``ModelError``."""

    async def close(self) -> None:
        """Give back connections and memory."""


@runtime_checkable
class QueueingBackend(Protocol):
    """A backend in which calls that it was sent may wait for others: it can let them go when the run is to end."""

    def give_up(self, reason: Interrupted) -> None:
        """Have every call that has not begun raise ``reason``; those that are worked on end as ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendKind(Generic[O]):
    """A kind of backend: the ``BACKEND`` of a file in ``backends/``.

    Attributes:
        help: One line. options: Keys it adds to a model's table, a frozen dataclass of ``option`` fields.
        capabilities: What it can do with a model. open: Makes a backend of a model with one address or none; no I/O
            before ``check``.
        look: Asks the server for its load; None where it does not tell. For ``concurrency = "auto"``.
        identify: Which model that is, where the recipe's ``model`` and ``revision`` do not say (a file: by its hash).
        another_way_to: The backend that reaches the same models in the usual way: a manifest names that one, so that
            it does not depend on the way.
        concurrency: Calls in flight to a model where its table does not say.
        takes_likely: Whether it is also sent what a flow will likely need: waiting here costs more than a call.
        unused: Keys of a model's table that mean nothing to it: a recipe that sets one is refused.
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
