"""Requests that a flow may make, of a model or about a clip itself, and their replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audiomcq_cli.contracts.rows import Row


@dataclass(frozen=True, slots=True)
class Audio:
    """The audio of a request: which clip and which transform, never its bytes.

    Attributes:
        transform: ``original``, ``window:START:SECONDS`` for a part of the clip, or ``silence:SECONDS`` for digital
            silence in place of it.
        source: ``source_dataset`` of the clip; its audio root holds ``path``. Empty for silence.
        path: ``audio_path`` of the clip. Not part of a journal key: the content hash is.
        sha256: Content hash of the file; if empty, it is computed when the request is sent.
        duration: Length of the whole clip in seconds, if known. Ignored in comparisons: the content hash already
            decides.
    """

    transform: str
    source: str = ""
    path: str = ""
    sha256: str = ""
    duration: float | None = field(default=None, compare=False)

    @classmethod
    def original(cls, row: Mapping[str, Any]) -> Audio:
        """Return the whole clip of a row."""
        return cls("original", row["source_dataset"], row["audio_path"], row["audio_sha256"] or "", row["duration"])

    @classmethod
    def silence(cls, seconds: float) -> Audio:
        """Return digital silence of a length in seconds, mono, at the rate of the model."""
        return cls(transform=f"silence:{seconds:g}")

    def cut(self, start: float, seconds: float) -> Audio:
        """Return a part of a clip, start and length to the millisecond; it ends with the clip at the latest."""
        first, length = (f"{value:.3f}".rstrip("0").rstrip(".") for value in (start, seconds))
        return replace(self, transform=f"window:{first}:{length}")

    @property
    def seconds(self) -> float | None:
        """Greatest length in seconds; None if unknown."""
        name, _, length = self.transform.rpartition(":")
        return float(length) if name else self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Ask a model for text, or for JSON if the prompt names a reply schema.

    Attributes:
        model: Name of a model in the recipe.
        prompt: Name of a prompt.
        variables: Variables of the prompt (JSON values).
        audio: Audio parts, placed before the text of the user's turn.
        sample: Number of this sample among several of the same request.
        sampling: Parameters that override the model's own.
        whole: Whether truncated free text is useless even if its answer stands between closed marks.
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

    ``analysis`` is a name in ``listening.analyses.ANALYSES``; ``settings`` are its settings (JSON values). The reply's
    ``value`` is the result of the analysis (plain data). For a file that does not exist, leaves its root or cannot be
    read, ``error`` is set.
    """

    analysis: str
    audio: Audio
    settings: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = True


Request = Chat | Score | Listen


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
