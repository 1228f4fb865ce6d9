"""Servers that speak the OpenAI chat protocol (vLLM, llama.cpp, OpenAI itself), over a lean HTTP client.

The SDK takes ten to thirty times the CPU of this client per call; it is used where its features are needed. A backend
is one address; the engine chooses among several.
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
"""Bodies of at least this many bytes are sent in pieces, so that other calls make progress meanwhile."""

FIRST_FORMAT, LAST_FORMAT = "flac", "wav"
"""Formats of audio: vLLM and llama.cpp take both; the protocol, and so OpenAI, only knows wav and mp3."""

UNWANTED = (400, 415, 422, 500)
"""Statuses with which a server may refuse a format; 500 comes from older versions of llama.cpp."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class OpenAICompatible:
    """Calls one model at one address through OpenAI's chat completions API."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._encode = encode
        self._key = read_key(model)
        self._url = (model.base_url or (OPENAI,))[0].rstrip("/")
        self._proxy = find_proxy(model, self._url)
        self._session: aiohttp.ClientSession | None = None
        self._tells_load = True
        # Format of audio; empty until it is known which one the server takes.
        self._format = choose_format(model, LAST_FORMAT if self._url == OPENAI else "")

    async def check(self) -> str | None:
        """Ask the server for its models; return a warning if it only lists others.

        Raises:
            EndpointUnreachable, AuthenticationFailed, ModelNotServed: The error names the address.
        """
        status, body = await self._get(f"{self._url}/models")
        if not self._model.check_models and status != PROXY:
            return None  # the server is there
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

        Audio is sent as flac, which is half the size of wav and tiny for silence, until the server refuses it: the same
        call is then sent as wav, which every server takes. A refused call costs nothing.

        Raises:
            CallUnavailable, CallRefused: This call failed.
            CallDenied: Perhaps no call can succeed.
            ModelError: No call to this address can succeed.
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
        """Ask the server for its load, if it has metrics; a server without them is not asked again."""
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
                connector=aiohttp.TCPConnector(limit=0),  # no time-out counts waiting for a connection
                timeout=aiohttp.ClientTimeout(total=self._model.timeout, sock_connect=self._model.connect_timeout),
                headers=headers,
                proxy=self._proxy,
            )
        return self._session

    async def _post(self, url: str, body: bytes) -> _Answer:
        """Send a body.

        Raises:
            CallUnavailable: There was no answer. Hosts and ports are not named: rows must not depend on the server.
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
            # Not with a proxy: the message may name the proxy, and with it a password.
            said = type(error).__name__ if self._proxy else hide(self._key, str(error).encode()).decode()
            what = explain_connection(error, CHECK_SECONDS) or clean(said) or "no answer"
            through = " through the proxy that the environment names" if self._proxy else ""
            raise EndpointUnreachable(
                f"model {self._model.name!r} at {self._url}: nothing answers{through}: {what}",
                hint="is the server running, and is base_url right (it usually ends in /v1)?",
                down=isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError),
            ) from None  # it may hold what the server sent, and so the key

    def _translate(self, status: int, body: bytes, headers: Mapping[str, str]) -> AudiomcqError:
        return translate(self._model, self._url, status, body, headers, keyed=bool(self._key))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; if it is too long, only enough of it to show that."""
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
