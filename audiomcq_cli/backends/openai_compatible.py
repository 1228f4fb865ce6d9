"""Servers that speak the OpenAI chat protocol (vLLM, llama.cpp, OpenAI itself), over a lean HTTP client.

The SDK takes ten to thirty times the CPU of this client for a call; it serves elsewhere, where its features do.
"""

from __future__ import annotations

import asyncio
import base64
import email.utils
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from audiomcq_cli.contracts import (
    BackendKind,
    Call,
    Capabilities,
    Completion,
    Encoder,
    Message,
    Model,
    NoOptions,
)
from audiomcq_cli.errors import (
    AuthenticationFailed,
    CallRefused,
    CallUnavailable,
    EndpointUnreachable,
    ModelNotServed,
    RecipeError,
)

if TYPE_CHECKING:
    import aiohttp

OPENAI = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
CONNECT_SECONDS = 10.0
SECRET_LENGTH = 12
REST_SECONDS = 5.0
"""How long an endpoint that failed is passed over while another is there."""

_REFUSED = (401, 403)
_LATER = (408, 409, 425, 429)


@dataclass
class Endpoint:
    """One address, the calls in flight to it, and until when it is passed over."""

    url: str
    in_flight: int = 0
    resting_until: float = 0.0


class OpenAICompatible:
    """One model on one or several servers; each call goes to the one with the fewest in flight."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._encode = encode
        self._key = _read_key(model)
        self._endpoints = [Endpoint(url.rstrip("/")) for url in model.base_url or (OPENAI,)]
        self._session: aiohttp.ClientSession | None = None

    async def check(self) -> None:
        """Ask every server for its models; of several some may be down.

        Raises:
            EndpointUnreachable, AuthenticationFailed, ModelNotServed: naming the address.
        """
        checks = (self._check_endpoint(endpoint) for endpoint in self._endpoints)
        problems = [problem for problem in await asyncio.gather(*checks, return_exceptions=True) if problem]
        down = [problem for problem in problems if isinstance(problem, EndpointUnreachable)]
        for problem in problems:
            if problem not in down or len(down) == len(self._endpoints):
                raise problem

    async def send(self, call: Call) -> Completion:
        """Send one chat.

        Raises:
            CallUnavailable, CallRefused: This call did not work.
            AuthenticationFailed, ModelNotServed: No call can work.
        """
        with self._choose() as endpoint:
            status, body, headers = await self._post(f"{endpoint.url}/chat/completions", await self._body(call))
            if status != 200:
                raise self._translate(endpoint, status, body, headers)
            return _read_completion(body)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    # ----------------------------------------------------------------------------------------------- requests

    async def _body(self, call: Call) -> bytes:
        body: dict[str, Any] = {
            "model": self._model.model,
            "messages": [await self._turn(turn) for turn in call.messages],
            **call.sampling,
        }
        if call.schema is not None and self._model.structured != "none":
            body["response_format"] = _response_format(call, self._model.structured)
        return orjson.dumps(body)

    async def _turn(self, turn: Message) -> dict[str, Any]:
        if not turn.audio:
            return {"role": turn.role, "content": turn.text}
        form = self._model.audio_format
        parts: list[dict[str, Any]] = []
        for part in turn.audio:
            data = await self._encode(part, rate=self._model.sample_rate, format=form)
            encoded = base64.b64encode(data).decode()
            parts.append({"type": "input_audio", "input_audio": {"data": encoded, "format": form}})
        return {"role": turn.role, "content": [*parts, {"type": "text", "text": turn.text}]}

    @contextmanager
    def _choose(self) -> Iterator[Endpoint]:
        now = time.monotonic()
        endpoint = min(self._endpoints, key=lambda one: (one.resting_until > now, one.in_flight))
        endpoint.in_flight += 1
        try:
            yield endpoint
        except CallUnavailable:
            endpoint.resting_until = time.monotonic() + REST_SECONDS
            raise
        finally:
            endpoint.in_flight -= 1

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=self._model.timeout, sock_connect=CONNECT_SECONDS),
                headers=headers,
            )
        return self._session

    async def _post(self, url: str, body: bytes) -> tuple[int, bytes, Mapping[str, str]]:
        import aiohttp

        try:
            async with self._client().post(url, data=body, allow_redirects=False) as response:
                return response.status, self._hide(await response.read()), response.headers
        except TimeoutError as error:
            message = f"no answer within {self._model.timeout:g} s"
            raise CallUnavailable(message, code="timeout") from error
        except aiohttp.ClientError as error:
            # Its name alone: the text names hosts and ports, and rows must not depend on which server it was.
            raise CallUnavailable(f"connection failed: {type(error).__name__}", code="connection") from error

    def _hide(self, text: bytes) -> bytes:
        """Take the key out of what a server sent; one too short to be a secret (vLLM's EMPTY) may be a word."""
        return text.replace(self._key.encode(), b"***") if len(self._key) >= SECRET_LENGTH else text

    # ------------------------------------------------------------------------------------------------- errors

    async def _check_endpoint(self, endpoint: Endpoint) -> None:
        import aiohttp

        url = f"{endpoint.url}/models"
        try:
            async with self._client().get(url, timeout=aiohttp.ClientTimeout(total=30)) as response:
                status, body = response.status, self._hide(await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EndpointUnreachable(
                f"model {self._model.name!r}: nothing answers at {endpoint.url}: {error or 'no answer in 30 s'}",
                hint="is the server running, and is base_url right (it usually ends in /v1)?",
            ) from error
        if status in _REFUSED:
            raise self._translate(endpoint, status, body, {})
        served = _served(body) if status == 200 else []
        if served and self._model.model not in served:
            raise ModelNotServed(
                f"model {self._model.name!r}: {endpoint.url} does not serve {self._model.model!r}",
                hint=f"it serves {', '.join(served[:10])}",
            )

    def _translate(self, endpoint: Endpoint, status: int, body: bytes, headers: Mapping[str, str]) -> Exception:
        """What a status other than 200 means."""
        text = body[:500].decode("utf-8", "replace")
        message = f"the server answered {status}: {text}"
        if status in _REFUSED:
            where = (
                f"the key in ${self._model.api_key_env or OPENAI_KEY}"
                if self._key
                else "no key (set api_key_env in its table)"
            )
            return AuthenticationFailed(
                f"model {self._model.name!r} at {endpoint.url}: {message}", hint=f"the request was sent with {where}"
            )
        if status == 404:
            return ModelNotServed(
                f"model {self._model.name!r} at {endpoint.url}: {message}",
                hint=f"check model = {self._model.model!r} and base_url in its table",
            )
        if status in _LATER or status >= 500:
            after = _retry_after(headers.get("Retry-After"))
            return CallUnavailable(message, code=f"status_{status}", retry_after=after)
        return CallRefused(message, code=f"status_{status}")


def _response_format(call: Call, structured: str) -> dict[str, Any]:
    if structured == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": call.schema_name, "schema": call.schema, "strict": True}}


def _read_completion(body: bytes) -> Completion:
    """The first choice of a chat completion.

    Raises:
        CallUnavailable: The body is not one: a proxy's page, or cut short.
    """
    try:
        reply = orjson.loads(body)
        choice = reply["choices"][0]
        message = choice["message"]
        usage = reply.get("usage") or {}
        text = message.get("content") or message.get("refusal") or ""
        if not isinstance(text, str):
            raise TypeError("the content is not a text")
        return Completion(
            text=text,
            finish_reason="refusal" if message.get("refusal") else choice.get("finish_reason") or "stop",
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        text = body[:200].decode("utf-8", "replace")
        raise CallUnavailable(f"the body is not a chat completion: {text!r}", code="bad_body") from error


def _served(body: bytes) -> list[str]:
    try:
        return [str(entry["id"]) for entry in orjson.loads(body)["data"]]
    except (ValueError, LookupError, TypeError):
        return []


def _retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _read_key(model: Model) -> str:
    name = model.api_key_env or ("" if model.base_url else OPENAI_KEY)
    key = os.environ.get(name, "") if name else ""
    if name and not key:
        raise RecipeError(f"model {model.name!r}: the environment variable {name} is not set", hint=f"export {name}=…")
    return key


def _find_capabilities(model: Model) -> Capabilities:
    return Capabilities(schema=model.structured != "none", audio=model.audio, audio_window=model.audio_window)


BACKEND = BackendKind(
    help="servers that speak the OpenAI chat protocol: vLLM, llama.cpp, OpenAI",
    options=NoOptions,
    capabilities=_find_capabilities,
    open=OpenAICompatible,
)
