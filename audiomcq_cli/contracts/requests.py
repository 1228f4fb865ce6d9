"""Requests and replies: what a flow may ask, of a model or of a clip itself, and what it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audiomcq_cli.contracts.rows import Row


@dataclass(frozen=True, slots=True)
class Audio:
    """The audio that a request is about: which one and what is done to it, never its bytes.

    Attributes:
        transform: ``original``, ``window:START:SECONDS`` for a part of the clip, or ``silence:SECONDS`` for digital
            silence in place of it.
        source: ``source_dataset`` of the clip; its audio root holds ``path``. Empty for silence.
        path: ``audio_path`` of the clip. Not part of a journal key: the content hash is.
        sha256: Content hash of the file; empty where it is not known yet, and then taken at sending.
        duration: Length of the whole clip in seconds, where it is known. It says nothing that the hash does not.
    """

    transform: str
    source: str = ""
    path: str = ""
    sha256: str = ""
    duration: float | None = field(default=None, compare=False)

    @classmethod
    def original(cls, row: Mapping[str, Any]) -> Audio:
        """The whole clip of a row."""
        return cls("original", row["source_dataset"], row["audio_path"], row["audio_sha256"] or "", row["duration"])

    @classmethod
    def silence(cls, seconds: float) -> Audio:
        """Digital silence of a length in seconds, mono, at whatever rate the model wants."""
        return cls(transform=f"silence:{seconds:g}")

    def cut(self, start: float, seconds: float) -> Audio:
        """The part of a clip from a time on, both to the millisecond; what lies behind its end is left out."""
        first, length = (f"{value:.3f}".rstrip("0").rstrip(".") for value in (start, seconds))
        return replace(self, transform=f"window:{first}:{length}")

    @property
    def seconds(self) -> float | None:
        """How long it is, at most; None where that is not known."""
        name, _, length = self.transform.rpartition(":")
        return float(length) if name else self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Ask a model for text, or for JSON where the prompt names a reply schema.

    Attributes:
        model: Name of a model in the recipe.
        prompt: Name of a prompt; variables: what it is rendered with (JSON values).
        audio: Audio parts, placed before the text of the user's turn.
        sample: Which of several samples of the same request this is. sampling: Parameters laid over the model's own.
        whole: Whether free text that was cut short is of no use, even with an answer that stands between closed marks.
        optional: Whether a failure comes back as a ``Reply``; otherwise it fails the row.
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
    reply's ``value`` is what the analysis returns (plain data).
    A file that is not there, leaves its root or cannot be read comes back with ``error`` set.
    """

    analysis: str
    audio: Audio
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
    """Which model and which prompt made something: the provenance of a column."""

    model: str
    revision: str = ""
    prompt: str = ""
    prompt_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request.

    Attributes:
        stage: The stage that asked. key: Journal key of the reply that counts (hex).
        origin: Model and prompt behind it.
        text: Raw text of the reply (chat).
        value: The validated JSON of a chat with a schema; the scores; or the result of an analysis.
        error: Reason code of a failure, else empty; detail: what was wrong with it, for people.
        tries: How many tries it took, those of earlier runs counted in.
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
        """Whether there is no usable answer (only replies to optional requests can be)."""
        return bool(self.error)

    @property
    def call(self) -> Row:
        """The entry of a row's ``calls`` column."""
        return {"stage": self.stage, "prompt": self.origin.prompt, "key": self.key}

    def made(self, column: str) -> Row:
        """The entry of a row's ``provenance`` column that says this reply made ``column``."""
        return {
            "column": column,
            "model": self.origin.model,
            "revision": self.origin.revision,
            "prompt": self.origin.prompt,
            "prompt_version": self.origin.prompt_version,
        }
