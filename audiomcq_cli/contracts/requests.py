"""Requests and replies: what a flow may ask, of a model or of a clip itself, and what it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiomcq_cli.contracts.audio import Audio, Clip
from audiomcq_cli.contracts.rows import Row


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
    reply's ``value`` is what the analysis returns (plain data). ``audio`` is a whole clip: analyses hear the file.
    A file that is not there, leaves its root or cannot be read comes back with ``error`` set.
    """

    analysis: str
    audio: Clip
    settings: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = True


Request = Chat | Score | Listen


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
