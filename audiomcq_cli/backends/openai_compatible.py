"""Servers that speak the OpenAI chat protocol (vLLM, llama.cpp, OpenAI itself), over a lean HTTP client.

The SDK takes ten to thirty times the CPU of this client for a call; it serves elsewhere, where its features do. One
backend is one address; which of several is asked is the engine's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import orjson

from audiomcq_cli.backends._answers import LONGEST_BODY, read_completion, read_load, read_served
from audiomcq_cli.backends._connections import explain_connection
from audiomcq_cli.backends._openai import (
    OPENAI,
    PROXY,
    REFUSED,
    choose_format,
    find_capabilities,
    hide,
    insist,
    read_key,
    translate,
    warn_unlisted,
    write_body,
)
from audiomcq_cli.backends._problems import clean
from audiomcq_cli.backends._proxy import find_proxy
from audiomcq_cli.contracts import BackendKind, Call, Completion, Encoder, Load, Model, NoOptions
from audiomcq_cli.errors import AudiomcqError, CallUnavailable, EndpointUnreachable

if TYPE_CHECKING:
    import aiohttp

CHECK_SECONDS = 30.0

LARGE = 2**20
"""Bytes of a body from which on it is sent in pieces, so that other calls get on meanwhile."""

FIRST_FORMAT, LAST_FORMAT = "flac", "wav"
"""Formats of audio: vLLM and llama.cpp take both; the protocol, and so OpenAI, knows wav and mp3 alone."""

UNWANTED = (400, 415, 422, 500)
"""What a server may answer to a format that it does not take; 500 is that of older ones of llama.cpp."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class OpenAICompatible:
    """One model on one server."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._encode = encode
        self._key = read_key(model)
        self._url = (model.base_url or (OPENAI,))[0].rstrip("/")
        self._proxy = find_proxy(model, self._url)
        self._session: aiohttp.ClientSession | None = None
        self._tells_load = True
        # The format in which audio goes; empty while it is not known which one the server takes.
        self._format = choose_format(model, LAST_FORMAT if self._url == OPENAI else "")

    async def check(self) -> str | None:
        """Ask the server for its models; returns what people should know where it lists others alone.

        Raises:
            EndpointUnreachable, AuthenticationFailed, ModelNotServed: naming the address.
        """
        status, body = await self._get(f"{self._url}/models")
        if not self._model.check_models and status != PROXY:
            return None  # it is there
        if status in (*REFUSED, PROXY) or 300 <= status < 400:
            raise insist(self._translate(status, body, {}))
        if status >= 500:
            raise EndpointUnreachable(
                f"model {self._model.name!r} at {self._url}: the server answers {status}",
                hint="is the server behind it running?",
            )
        return warn_unlisted(self._model, read_served(body) if status == 200 else [])

    async def send(self, call: Call) -> Completion:
        """Send one chat.

        Audio goes as flac, which is half of wav and next to nothing for silence, until the server has shown that it
        does not take that: the same call is then sent as wav, which every server takes. What is refused costs nothing.

        Raises:
            CallUnavailable, CallRefused: This call did not work; ``CallDenied``: perhaps no call can.
            ModelError: No call to this address can work.
        """
        heard = any(turn.audio for turn in call.messages)
        format = self._format or FIRST_FORMAT
        answer = await self._send_as(call, format)
        if heard and format != LAST_FORMAT and self._format != format and answer.status in UNWANTED:
            format = LAST_FORMAT
            answer = await self._send_as(call, format)
        if answer.status != 200:
            raise self._translate(answer.status, answer.body, answer.headers)
        if heard:
            self._format = format
        return read_completion(answer.body)

    async def _send_as(self, call: Call, format: str) -> _Answer:
        sent = orjson.dumps(await write_body(self._model, call, self._encode, format))
        return await self._post(f"{self._url}/chat/completions", sent)

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
                proxy=self._proxy,
            )
        return self._session

    async def _post(self, url: str, body: bytes) -> _Answer:
        """Send a body.

        Raises:
            CallUnavailable: There is none. Hosts and ports are not named: rows must not depend on which server it was.
        """
        import aiohttp

        model = self._model
        data = body if len(body) < LARGE else BytesIO(body)
        request = self._client().post(url, data=data, allow_redirects=False)
        try:
            async with asyncio.timeout(model.first_byte_timeout) as first_byte:
                response = await request
            async with response:
                return _Answer(response.status, hide(self._key, await _read(response)), response.headers)
        except aiohttp.ConnectionTimeoutError as error:
            message = f"no connection within {model.connect_timeout:g} s"
            raise CallUnavailable(message, code="timeout", down=True) from error
        except TimeoutError as error:
            early = first_byte.expired()
            message = f"no answer began within {model.first_byte_timeout:g} s" if early else ""
            raise CallUnavailable(message or f"no whole answer within {model.timeout:g} s", code="timeout") from error
        except aiohttp.ClientError as error:
            down = isinstance(error, aiohttp.ClientConnectorError)
            broke = isinstance(error, aiohttp.ClientPayloadError)
            message = f"{'the answer broke off' if broke else 'connection failed'}: {type(error).__name__}"
            raise CallUnavailable(message, code="connection", down=down) from error

    async def _get(self, url: str) -> tuple[int, bytes]:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=CHECK_SECONDS, sock_connect=self._model.connect_timeout)
        try:
            async with self._client().get(url, timeout=timeout, allow_redirects=False) as response:
                return response.status, hide(self._key, await _read(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            # Not with a proxy: what it says may name the proxy, and there may be a password in that.
            said = type(error).__name__ if self._proxy else hide(self._key, str(error).encode()).decode()
            what = explain_connection(error, CHECK_SECONDS) or clean(said) or "no answer"
            through = " through the proxy that the environment names" if self._proxy else ""
            raise EndpointUnreachable(
                f"model {self._model.name!r} at {self._url}: nothing answers{through}: {what}",
                hint="is the server running, and is base_url right (it usually ends in /v1)?",
                down=isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError),
            ) from None  # it may hold what the server sent, and in that the key

    def _translate(self, status: int, body: bytes, headers: Mapping[str, str]) -> AudiomcqError:
        return translate(self._model, self._url, status, body, headers, keyed=bool(self._key))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body; of one that is too long only so much that it shows."""
    body = bytearray()
    async for part in response.content.iter_chunked(2**16):
        body += part
        if len(body) > LONGEST_BODY:
            response.close()
            break
    return bytes(body)


BACKEND = BackendKind(
    help="servers that speak the OpenAI chat protocol: vLLM, llama.cpp, OpenAI",
    options=NoOptions,
    capabilities=find_capabilities,
    open=OpenAICompatible,
    look=OpenAICompatible.look,
)
