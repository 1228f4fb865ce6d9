"""The OpenAI chat protocol for any HTTP client: keys, bodies of requests, and the meaning of a status."""

from __future__ import annotations

import base64
import difflib
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from audiomcq_cli.backends._answers import read_wait
from audiomcq_cli.backends._problems import clean, read_problem
from audiomcq_cli.contracts import Call, Capabilities, Encoder, Message, Model, mend_address
from audiomcq_cli.errors import (
    AccountExhausted,
    AudiomcqError,
    AuthenticationFailed,
    CallDenied,
    CallRefused,
    CallUnavailable,
    ModelNotServed,
    RecipeError,
)

OPENAI = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
SECRET_LENGTH = 12
REFUSED = (401, 403)
PROXY = 407
NAME = 100
MATCHED = 1_000
"""Most characters of a name, and most names, compared to find what a server lists in place of a model."""
LATER = (408, 409, 425, 429)
BUSY = (429, 503, 529)
ONE_BY_ONE = (403,)
"""Statuses whose single refusal never means the whole address, even before the address has answered any call."""


def find_capabilities(model: Model) -> Capabilities:
    """Return the capabilities of a model that speaks this protocol."""
    return Capabilities(schema=model.structured != "none", audio=model.audio, audio_window=model.audio_window)


def read_key(model: Model) -> str:
    """Return the key of a model, from the environment.

    Raises:
        RecipeError: The variable is not set, or its value cannot be a key.
    """
    name = model.api_key_env or ("" if model.base_url else OPENAI_KEY)
    key = os.environ.get(name, "").strip() if name else ""
    # In place of the variable's name there may be the key itself; keys are hardly ever in capitals and underscores.
    shown = name if name.isupper() and "_" in name else "that api_key_env names"
    if name and not key:
        raise RecipeError(
            f"model {model.name!r}: the environment variable {shown} is not set",
            hint="export it; api_key_env is the name of a variable, and the key is what that holds",
        )
    if not re.fullmatch("[!-~]*", key):  # the error of an HTTP library would quote the key
        raise RecipeError(
            f"model {model.name!r}: the environment variable {shown} holds no key",
            hint="a key is one line of letters, digits and signs, without spaces: export it again",
        )
    return key


def hide(key: str, text: bytes) -> bytes:
    """Remove the key from what a server sent. A key too short to be a secret (vLLM's EMPTY) stays: it may be a word."""
    if len(key) < SECRET_LENGTH or max(re.findall("[A-Za-z0-9]*", key), key=len).encode() not in text:
        return text
    return _spellings(key).sub(b"***", text)


@cache
def _spellings(key: str) -> re.Pattern[bytes]:
    r"""Match the key as it is, and as its characters are written in URLs (%2F), in JSON (\/ or \u002f) and in JSON
    inside JSON.
    """

    def spell(sign: str) -> str:
        return rf"(?:\\*{re.escape(sign)}|(?i:%{ord(sign):02x}|\\+u{ord(sign):04x}))"

    return re.compile("".join(sign if sign.isalnum() else spell(sign) for sign in key).encode())


async def write_body(model: Model, call: Call, encode: Encoder, format: str) -> dict[str, Any]:
    """Return the body of a chat request with its audio in a format; raises ``InputError`` for audio that cannot be
    sent.
    """
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
    """Return the error that a status other than 200 means; ``keyed``: whether a key was sent.

    A refusal that may be about this request, the caller or the model is a ``CallDenied``. ``insist`` turns it into the
    error that it means if the address says nothing else.
    """
    problem = read_problem(status, body)
    message = f"the server answered {status}: {problem.words}"
    whole, code = f"model {model.name!r} at {url}: {message}", f"status_{status}"
    where = f"the key in ${model.api_key_env or OPENAI_KEY}" if keyed else "no key (set api_key_env in its table)"
    payer = f"behind the key in ${model.api_key_env or OPENAI_KEY}" if keyed else "that the server bills"
    exhausted = AccountExhausted(whole, hint=f"the account {payer} pays for no more calls; what is done is kept")
    if problem.has_no_money:
        return exhausted
    if problem.may_have_no_money:
        return CallDenied(message, code=code, problem=exhausted, decisive=True)
    if status in REFUSED:
        hint = f"the request was sent with {where}"
        if status == 403:
            hint += "; rows that are refused for their content alone can be left out: --keep-failed"
        return CallDenied(
            message, code=code, problem=AuthenticationFailed(whole, hint=hint), decisive=status not in ONE_BY_ONE
        )
    if status == PROXY:
        return AuthenticationFailed(
            f"model {model.name!r} at {url}: a proxy on the way wants a password",
            hint="look at http_proxy and https_proxy (USER:PASSWORD@ stands before the host);"
            " no_proxy names hosts that need none",
        )
    if status == 404:
        hint = f"check model = {model.model!r} and base_url in its table"
        if better := mend_address(url):
            hint = f"base_url is not the address of an API: try {better}"
            if better.endswith("/v1") and better.startswith(url):
                hint = f"base_url has no /v1: try {better}"
        return CallDenied(message, code=code, problem=ModelNotServed(whole, hint=hint), decisive=True)
    if 300 <= status < 400:
        return ModelNotServed(
            f"model {model.name!r} at {url}: the server sends callers elsewhere ({status})",
            hint="put that address into base_url: https rather than http, perhaps",
        )
    if status in LATER or status >= 500:
        busy = status in BUSY
        return CallUnavailable(message, code=code, retry_after=read_wait(headers) if busy else None, busy=busy)
    return CallRefused(message, code=code)


def insist(error: AudiomcqError) -> AudiomcqError:
    """Return the meaning of an error that is not about a single call."""
    return error.problem if isinstance(error, CallDenied) else error


def warn_unlisted(model: Model, served: list[str]) -> str | None:
    """Return a warning about a server that lists other models but not this one; None if there is nothing to say.

    Only calls show whether it serves the model: gateways list a part of what they serve (OpenRouter's ``:nitro``,
    wildcards).
    """
    if not (listed := list_instead(model, served)):
        return None
    return (
        f"does not list {model.model!r}, and the first call will show whether it serves it; it lists {listed}"
        " (check_models = false in its table leaves the list alone)"
    )


def list_instead(model: Model, served: list[str]) -> str:
    """Return the likeliest names that a server lists in place of a model; empty if it lists that one, or nothing."""
    if not served or model.model in served:
        return ""
    likely = [name for name in served[:MATCHED] if len(name) <= NAME]
    close = difflib.get_close_matches(model.model, likely, n=3, cutoff=0.5) or served[:10]
    return ", ".join(clean(name, NAME) for name in close)


def choose_format(model: Model, usual: str) -> str:
    """Return the format in which audio is sent: the recipe's, else the usual one."""
    return usual if model.audio_format == "auto" else model.audio_format


def write_audio(model: Model, data: bytes, format: str) -> dict[str, Any]:
    """Return an audio part of a message, in the form that the model's server expects."""
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
