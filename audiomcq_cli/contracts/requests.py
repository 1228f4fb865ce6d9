"""Requests that a flow may make, of a model or about a clip itself, and their replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiomcq_cli.contracts.audio import Audio, Clip
from audiomcq_cli.contracts.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Ask a model for text, or for JSON if the prompt names a reply schema.

    Attributes:
        model: Name of a model in the recipe.
        prompt: Name of a prompt.
        variables: Variables of the prompt (JSON values).
        audio: Audio parts, placed before the text of the user's turn.
        sample: Index of this sample, from 0, where a flow sends the same request several times.
        sampling: Parameters that override the model's own.
        whole: Whether a truncated free-text reply is always unusable. Otherwise it is used if its answer stands between
            closed marks, such as ``<answer>`` and ``</answer>``.
        optional: Whether a failure is returned as a ``Reply``; otherwise it fails the row.
    """

    model: str
    prompt: str
    variables: Mapping[str, Any]
    audio: tuple[Audio, ...] = ()
    sample: int = 0
    sampling: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Ask for the log-probability of each of several continuations of a rendered prompt.

    The reply's ``value`` is a list, one per continuation, of ``{"logprob": nats, "tokens": count}``.
    """

    model: str
    prompt: str
    variables: Mapping[str, Any]
    continuations: tuple[str, ...]
    audio: tuple[Audio, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Ask for a local analysis of a clip, run in a worker process and keyed by audio hash, settings and tool version.

    ``analysis`` is a name in ``listening.analyses.ANALYSES``; ``settings`` are what it can be told (JSON values). The
    reply's ``value`` is what the analysis returns (plain data). ``audio`` is a whole clip: analyses hear the file.
    A file that is not there, leaves its root or cannot be read comes back with ``error`` set.
    """

    analysis: str
    audio: Clip
    settings: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = True


Request = Chat | Score | Listen


@dataclass(frozen=True, slots=True)
class Ask(Sequence[Request]):
    """Requests that a flow needs now, and those that it will likely need next. A flow yields it in place of a list.

    The flow gets the replies of the needed ones, in their order. The others go along where waiting costs more than a
    call that turns out not to be needed (a provider's batches, a model in this process), and a usable reply waits in
    the journal until a flow needs it. So they save rounds, and change neither rows nor calls.
    """

    needed: Sequence[Request]
    likely: Sequence[Chat | Score] = ()

    def __len__(self) -> int:
        return len(self.needed)

    def __getitem__(self, place: Any) -> Any:
        return self.needed[place]


@dataclass(frozen=True, slots=True)
class Origin:
    """The model and the prompt that made something: the provenance of a column."""

    model: str
    revision: str = ""
    prompt: str = ""
    prompt_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request.

    Attributes:
        stage: The stage that made the request.
        key: Journal key of the reply that counts (hex).
        origin: Model and prompt of the reply.
        text: Raw text of the reply (chat).
        value: The validated JSON of a chat with a schema; the scores; or the result of an analysis.
        error: Reason code of a failure, else empty.
        detail: Description of the failure for people.
        tries: Number of tries, including those of earlier runs.
    """

    stage: str
    key: str
    origin: Origin
    text: str = ""
    value: Any = None
    error: str = ""
    detail: str = ""
    tries: int = 1

    @property
    def failed(self) -> bool:
        """True if there is no usable answer (only possible for optional requests)."""
        return bool(self.error)

    @property
    def call(self) -> Row:
        """Return the entry of a row's ``calls`` column."""
        return {"stage": self.stage, "prompt": self.origin.prompt, "key": self.key}

    def made(self, column: str) -> Row:
        """Return the entry of a row's ``provenance`` column: this reply made ``column``."""
        return {
            "column": column,
            "model": self.origin.model,
            "revision": self.origin.revision,
            "prompt": self.origin.prompt,
            "prompt_version": self.origin.prompt_version,
        }
