"""Models: a model of the recipe, its identity, and its capabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A ``[models.NAME]`` table of the recipe.

    Only the settings that could change an answer are part of a journal key (the model's identity, sampling, structured,
    and sample_rate for a model with audio): the same model reached another way shares its replies.

    Attributes:
        name: Name of the table.
        backend: Name of the backend.
        model: Id of the model.
        revision: Revision of the model.
        base_url: Addresses of its servers.
        api_key_env: Environment variable with the key.
        concurrency: Calls in flight to each address (``auto``: found while working).
        requests_per_minute: Limit for each address.
        tokens_per_minute: Limit for each address.
        attempts: Most times that a call is sent to servers that cannot answer now.
        tries: Most times that a request is asked until a reply is usable.
        connect_timeout: Seconds for a connection.
        first_byte_timeout: Seconds until an answer begins; None: as ``timeout``.
        timeout: Seconds for a whole answer, from the request.
        absent_after: Seconds that calls wait while no address answers at all.
        check_models: Whether a model must be in the server's list ``/models``.
        prompt_price: Price of a million prompt tokens.
        completion_price: Price of a million reply tokens.
        sampling: Sampling parameters.
        structured: How a reply schema is sent.
        audio: Whether the model accepts audio.
        audio_format: Encoding of audio (``auto``: as small as the server takes it).
        audio_part: Form of an audio part in a message.
        sample_rate: Samples a second of audio.
        audio_window: Most seconds of audio that the model accepts.
        settings: The backend's own options.
    """

    name: str
    backend: str
    model: str
    revision: str = ""
    base_url: tuple[str, ...] = ()
    api_key_env: str = ""
    concurrency: int | Literal["auto"] = 32
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    attempts: int = 8
    tries: int = 3
    connect_timeout: float = 10.0
    first_byte_timeout: float | None = None
    timeout: float = 600.0
    absent_after: float = 120.0
    check_models: bool = True
    prompt_price: float | None = None
    completion_price: float | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    structured: str = "json_schema"
    audio: bool = False
    audio_format: str = "auto"
    audio_part: str = "input_audio"
    sample_rate: int = 16_000
    audio_window: float | None = None
    settings: Any = None


OF_SERVERS = ("base_url", "api_key_env", "connect_timeout", "first_byte_timeout", "absent_after", "check_models")
"""Keys of a model's table about its server."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a model, wherever it runs. It is part of journal keys, fingerprints and provenance."""

    model: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The capabilities of a backend with a given model; ``audio_window`` is in seconds (None: no known limit)."""

    chat: bool = True
    schema: bool = False
    audio: bool = False
    score: bool = False
    logprobs: bool = False
    audio_window: float | None = None


def mend_address(url: str) -> str:
    """Suggest a replacement for an invalid ``base_url``; empty if nothing is wrong with it.

    The client adds the paths of the protocol itself, and nearly every server has them below ``/v1``.
    """
    for path in ("/chat/completions", "/completions", "/models"):
        if url.rstrip("/").endswith(path):
            return url.rstrip("/").removesuffix(path)
    return "" if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1"
