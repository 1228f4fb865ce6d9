"""The OpenAI chat protocol, whoever carries it: keys, bodies of requests, and what a status means."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from audiomcq_cli.backends._answers import read_wait
from audiomcq_cli.contracts import Call, Capabilities, Encoder, Message, Model
from audiomcq_cli.errors import (
    AudiomcqError,
    AuthenticationFailed,
    CallRefused,
    CallUnavailable,
    ModelNotServed,
    RecipeError,
)

OPENAI = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
SECRET_LENGTH = 12
REFUSED = (401, 403)
LATER = (408, 409, 425, 429)
BUSY = (429, 503, 529)


def find_capabilities(model: Model) -> Capabilities:
    """What a model can do that speaks this protocol."""
    return Capabilities(schema=model.structured != "none", audio=model.audio, audio_window=model.audio_window)


def read_key(model: Model) -> str:
    """The key of a model, from the environment.

    Raises:
        RecipeError: The variable is not set, or what it holds cannot be a key.
    """
    name = model.api_key_env or ("" if model.base_url else OPENAI_KEY)
    key = os.environ.get(name, "").strip() if name else ""
    # What stands where the name should may well be the key itself; those are hardly ever in capitals and underscores.
    shown = name if name.isupper() and "_" in name else "that api_key_env names"
    if name and not key:
        raise RecipeError(
            f"model {model.name!r}: the environment variable {shown} is not set",
            hint="export it; api_key_env is the name of a variable, and the key is what that holds",
        )
    if not re.fullmatch("[!-~]*", key):  # an HTTP library would say so with the key in its words
        raise RecipeError(
            f"model {model.name!r}: the environment variable {shown} holds no key",
            hint="a key is one line of letters, digits and signs, without spaces: export it again",
        )
    return key


def hide(key: str, text: bytes) -> bytes:
    """Take the key out of what a server sent; one too short to be a secret (vLLM's EMPTY) may be a word."""
    if len(key) < SECRET_LENGTH or max(re.findall("[A-Za-z0-9]*", key), key=len).encode() not in text:
        return text
    return _spellings(key).sub(b"***", text)


@cache
def _spellings(key: str) -> re.Pattern[bytes]:
    """The key as it is, and as its signs stand in URLs (%2F), in JSON (\\/ or \\u002f) and in JSON inside JSON."""

    def spell(sign: str) -> str:
        return rf"(?:\\*{re.escape(sign)}|(?i:%{ord(sign):02x}|\\+u{ord(sign):04x}))"

    return re.compile("".join(sign if sign.isalnum() else spell(sign) for sign in key).encode())


async def write_body(model: Model, call: Call, encode: Encoder, format: str) -> dict[str, Any]:
    """The body of a chat request, its audio in a format; raises ``InputError`` for audio that cannot be sent."""
    body: dict[str, Any] = {
        "model": model.model,
        "messages": [await _write_turn(model, turn, encode, format) for turn in call.messages],
        **call.sampling,
    }
    if call.schema is not None and model.structured != "none":
        body["response_format"] = _response_format(call, model.structured)
    return body


def translate(
    model: Model, url: str, status: int, body: bytes, headers: Mapping[str, str], *, keyed: bool
) -> AudiomcqError:
    """What a status other than 200 means; ``keyed``: whether a key was sent."""
    text = body[:500].decode("utf-8", "replace")
    message = f"the server answered {status}: {text}"
    if status in REFUSED:
        where = f"the key in ${model.api_key_env or OPENAI_KEY}" if keyed else "no key (set api_key_env in its table)"
        return AuthenticationFailed(
            f"model {model.name!r} at {url}: {message}", hint=f"the request was sent with {where}"
        )
    if status == 404:
        return ModelNotServed(
            f"model {model.name!r} at {url}: {message}", hint=f"check model = {model.model!r} and base_url in its table"
        )
    if 300 <= status < 400:
        return ModelNotServed(
            f"model {model.name!r} at {url}: the server sends callers elsewhere ({status})",
            hint="put that address into base_url: https rather than http, perhaps",
        )
    if status in LATER or status >= 500:
        busy = status in BUSY
        return CallUnavailable(
            message, code=f"status_{status}", retry_after=read_wait(headers) if busy else None, busy=busy
        )
    return CallRefused(message, code=f"status_{status}")


def check_served(model: Model, url: str, served: list[str]) -> None:
    """Make sure that a server that lists models has this one; raises ``ModelNotServed``."""
    if served and model.model not in served:
        raise ModelNotServed(
            f"model {model.name!r}: {url} does not serve {model.model!r}",
            hint=f"it serves {', '.join(served[:10])}",
        )


def choose_format(model: Model, usual: str) -> str:
    """The format that audio is sent in: what the recipe says, else the usual one."""
    return usual if model.audio_format == "auto" else model.audio_format


def write_audio(model: Model, data: bytes, format: str) -> dict[str, Any]:
    """An audio part of a message, in the form that the model's server wants."""
    text = base64.b64encode(data).decode()
    if model.audio_part == "audio_url":
        return {"type": "audio_url", "audio_url": {"url": f"data:audio/{format};base64,{text}"}}
    return {"type": "input_audio", "input_audio": {"data": text, "format": format}}


async def _write_turn(model: Model, turn: Message, encode: Encoder, format: str) -> Mapping[str, Any]:
    if not turn.audio:
        return {"role": turn.role, "content": turn.text}
    parts = [
        write_audio(model, await encode(part, rate=model.sample_rate, format=format), format) for part in turn.audio
    ]
    return {"role": turn.role, "content": [*parts, {"type": "text", "text": turn.text}]}


def _response_format(call: Call, structured: str) -> dict[str, Any]:
    if structured == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": call.schema_name, "schema": call.schema, "strict": True}}
