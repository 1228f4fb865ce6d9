"""Models: what a recipe says of one, which one that is, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A ``[models.NAME]`` table of the recipe.

    Of these only what could change an answer is part of a journal key (the model's identity, sampling, structured, and
    sample_rate where it hears): the same model reached another way shares its replies. ``concurrency`` (``auto``: found
    while working) and the limits a minute hold for each address in ``base_url``. ``attempts`` is how often one call is
    sent to servers that cannot answer now, ``tries`` how often a request is asked again because its reply is of no use.
    ``timeout`` is for a whole answer, once it is asked for; ``first_byte_timeout`` is no less where it is None.
    ``absent_after`` is how many seconds calls wait while no address answers at all. ``check_models`` tells whether what
    a server lists under ``/models`` counts.
    Prices are for a million tokens. ``audio_format`` is how audio is encoded (``auto``: as small as the server takes
    it), ``audio_part`` the form of its part of a message. ``settings`` holds the backend's own options.
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
"""Keys of a model's table that say how its server is reached."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which model it is, wherever it runs: what stands in journal keys, fingerprints and provenance."""

    model: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a backend with a given model can do; ``audio_window`` is the seconds it hears (None: no limit known)."""

    chat: bool = True
    schema: bool = False
    audio: bool = False
    score: bool = False
    logprobs: bool = False
    audio_window: float | None = None


def mend_address(url: str) -> str:
    """What to write in place of a ``base_url`` that cannot be right; empty where nothing is wrong with it.

    The client adds the paths of the protocol itself, and nearly every server has them below ``/v1``.
    """
    for path in ("/chat/completions", "/completions", "/models"):
        if url.rstrip("/").endswith(path):
            return url.rstrip("/").removesuffix(path)
    return "" if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1"
