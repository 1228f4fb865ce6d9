"""Servers that speak the OpenAI chat protocol (vLLM, llama.cpp, OpenAI itself), over a lean HTTP client.

The SDK takes ten to thirty times the CPU of this client for a call; it serves elsewhere, where its features do. One
backend is one address; which of several is asked is the engine's business.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from audiomcq_cli.backends._answers import read_completion, read_load, read_served, read_wait
from audiomcq_cli.contracts import (
    BackendKind,
    Call,
    Capabilities,
    Completion,
    Encoder,
    Load,
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
CHECK_SECONDS = 30.0
SECRET_LENGTH = 12

LONGEST_BODY = 32 * 2**20
"""Bytes of an answer that are read, at most."""

_REFUSED = (401, 403)
_LATER = (408, 409, 425, 429)
_BUSY = (429, 503, 529)


class OpenAICompatible:
    """One model on one server."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._encode = encode
        self._key = _read_key(model)
        self._url = (model.base_url or (OPENAI,))[0].rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._tells_load = True

    async def check(self) -> None:
        """Ask the server for its models.

        Raises:
            EndpointUnreachable, AuthenticationFailed, ModelNotServed: naming the address.
        """
        status, body = await self._get(f"{self._url}/models")
        if status in _REFUSED or 300 <= status < 400:
            raise self._translate(status, body, {})
        if status >= 500:
            raise EndpointUnreachable(
                f"model {self._model.name!r}: {self._url} answers {status}", hint="is the server behind it running?"
            )
        served = read_served(body) if status == 200 else []
        if served and self._model.model not in served:
            raise ModelNotServed(
                f"model {self._model.name!r}: {self._url} does not serve {self._model.model!r}",
                hint=f"it serves {', '.join(served[:10])}",
            )

    async def send(self, call: Call) -> Completion:
        """Send one chat.

        Raises:
            CallUnavailable, CallRefused: This call did not work.
            AuthenticationFailed, ModelNotServed: No call to this address can work.
        """
        status, body, headers = await self._post(f"{self._url}/chat/completions", await self._body(call))
        if status != 200:
            raise self._translate(status, body, headers)
        if len(body) > LONGEST_BODY:
            return Completion(finish_reason="too_large")
        return read_completion(body)

    async def look(self) -> Load | None:
        """Ask the server for its load, where it has metrics; one that has none is not asked again."""
        if self._tells_load:
            try:
                status, body = await self._get(f"{self._url.removesuffix('/v1')}/metrics")
            except EndpointUnreachable:
                return None
            load = read_load(body.decode("utf-8", "replace"), self._model.model) if status == 200 else None
            self._tells_load = load is not None or status >= 500
            return load
        return None

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

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # so that no time-out counts waiting for a connection
                timeout=aiohttp.ClientTimeout(total=self._model.timeout, sock_connect=self._model.connect_timeout),
                headers=headers,
            )
        return self._session

    async def _post(self, url: str, body: bytes) -> tuple[int, bytes, Mapping[str, str]]:
        """Send a body; the answer's status, body and headers.

        Raises:
            CallUnavailable: There is none. Hosts and ports are not named: rows must not depend on which server it was.
        """
        import aiohttp

        model = self._model
        request = self._client().post(url, data=body, allow_redirects=False)
        try:
            async with asyncio.timeout(model.first_byte_timeout) as first_byte:
                response = await request
            async with response:
                return response.status, self._hide(await _read(response)), response.headers
        except aiohttp.ConnectionTimeoutError as error:
            message = f"no connection within {model.connect_timeout:g} s"
            raise CallUnavailable(message, code="timeout", down=True) from error
        except TimeoutError as error:
            early = first_byte.expired()
            message = f"no answer began within {model.first_byte_timeout:g} s" if early else ""
            raise CallUnavailable(message or f"no whole answer within {model.timeout:g} s", code="timeout") from error
        except aiohttp.ClientError as error:
            down = isinstance(error, aiohttp.ClientConnectorError)
            message = f"connection failed: {type(error).__name__}"
            raise CallUnavailable(message, code="connection", down=down) from error

    async def _get(self, url: str) -> tuple[int, bytes]:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=CHECK_SECONDS)
        try:
            async with self._client().get(url, timeout=timeout, allow_redirects=False) as response:
                return response.status, self._hide(await _read(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            what = error or f"no answer in {CHECK_SECONDS:g} s"
            raise EndpointUnreachable(
                f"model {self._model.name!r}: nothing answers at {self._url}: {what}",
                hint="is the server running, and is base_url right (it usually ends in /v1)?",
            ) from error

    def _hide(self, text: bytes) -> bytes:
        """Take the key out of what a server sent; one too short to be a secret (vLLM's EMPTY) may be a word."""
        return text.replace(self._key.encode(), b"***") if len(self._key) >= SECRET_LENGTH else text

    # ------------------------------------------------------------------------------------------------- errors

    def _translate(self, status: int, body: bytes, headers: Mapping[str, str]) -> Exception:
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
                f"model {self._model.name!r} at {self._url}: {message}", hint=f"the request was sent with {where}"
            )
        if status == 404:
            return ModelNotServed(
                f"model {self._model.name!r} at {self._url}: {message}",
                hint=f"check model = {self._model.model!r} and base_url in its table",
            )
        if 300 <= status < 400:
            return ModelNotServed(
                f"model {self._model.name!r} at {self._url}: the server sends callers elsewhere ({status})",
                hint="put that address into base_url: https rather than http, perhaps",
            )
        if status in _LATER or status >= 500:
            wait = read_wait(headers) if status in _BUSY else None
            return CallUnavailable(message, code=f"status_{status}", retry_after=wait, busy=status in _BUSY)
        return CallRefused(message, code=f"status_{status}")


def _response_format(call: Call, structured: str) -> dict[str, Any]:
    if structured == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": call.schema_name, "schema": call.schema, "strict": True}}


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body; of one that is too long only so much that it shows."""
    body = bytearray()
    async for part in response.content.iter_chunked(2**16):
        body += part
        if len(body) > LONGEST_BODY:
            response.close()
            break
    return bytes(body)


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
    look=OpenAICompatible.look,
)
