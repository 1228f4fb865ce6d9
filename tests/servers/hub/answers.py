"""A request as the stand-in Hub's handlers see it, an answer as they give it, and how both touch the connection."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from tests.servers.hub.store import Refusal

_PIECE = 2**20


@dataclass(slots=True)
class Entry:
    """A line of the log: a request, and what became of it (``status`` is null until an answer is out)."""

    index: int
    method: str
    path: str
    status: int | None = None
    bytes_in: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        parts: Its path, split at slashes and decoded after. token: What it brings, or "". base: Address of the Hub.
    """

    request: web.BaseRequest
    entry: Entry
    parts: tuple[str, ...]
    token: str
    base: str

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.method

    def query(self, name: str, default: str = "") -> str:
        """A value of the query string."""
        return self.request.query.get(name, default)

    async def read_pieces(self, most: int | None = None) -> AsyncIterator[bytes]:
        """The body piece by piece, up to so many bytes; what was read is counted."""
        while most is None or self.entry.bytes_in < most:
            left = _PIECE if most is None else min(_PIECE, most - self.entry.bytes_in)
            piece = await self.request.content.read(left)
            if not piece:
                return
            self.entry.bytes_in += len(piece)
            yield piece

    async def read(self) -> bytes:
        """The whole body."""
        return b"".join([piece async for piece in self.read_pieces()])

    async def read_json(self) -> dict[str, Any]:
        """The body as a JSON object, empty where there is none; refuses another."""
        body = await self.read()
        try:
            value = orjson.loads(body) if body else {}
        except orjson.JSONDecodeError as wrong:
            raise Refusal(400, f"Invalid JSON: {wrong}") from wrong
        if not isinstance(value, dict):
            raise Refusal(400, "Invalid JSON: not an object")
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; its body is either bytes or so many bytes of a file from a place in it."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    start: int = 0
    length: int = 0

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.length if self.file else len(self.body)

    def pieces(self, most: int) -> list[tuple[int, int]]:
        """Places and lengths to send of the file, up to so many bytes."""
        return [(self.start + at, min(_PIECE, most - at)) for at in range(0, most, _PIECE)]


def read_call(request: web.BaseRequest, entry: Entry) -> Call:
    """Take a request apart."""
    parts = tuple(unquote(part) for part in entry.path.strip("/").split("/"))
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return Call(request, entry, parts, token if kind.lower() == "bearer" else "", f"http://{request.host}")


def answer_json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of JSON."""
    return Answer(orjson.dumps(value), status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def answer_refusal(refusal: Refusal) -> Answer:
    """An error, in the headers and the body as the Hub sends it."""
    headers = {"X-Error-Message": str(refusal).replace("\n", " "), **refusal.headers}
    if refusal.code:
        headers["X-Error-Code"] = refusal.code
    return answer_json(refusal.body, status=refusal.status, headers=headers)


def answer_file(call: Call, path: Path, headers: Mapping[str, str]) -> Answer:
    """A file, or the range of it that the request asks for."""
    size = path.stat().st_size
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", call.request.headers.get("Range", ""))
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream", **headers}
    if asked is None or asked[1] == asked[2] == "":
        return Answer(headers=headers, file=path, length=size)
    start = int(asked[1]) if asked[1] else max(size - int(asked[2]), 0)
    end = min(int(asked[2]), size - 1) if asked[1] and asked[2] else size - 1
    if start > end:
        raise Refusal(416, "Range Not Satisfiable", headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Answer(status=206, headers=headers, file=path, start=start, length=end - start + 1)


async def send(request: web.BaseRequest, answer: Answer, *, cut: bool = False) -> web.StreamResponse:
    """Send an answer, or half of its body and then close the connection."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = answer.size
    await response.prepare(request)
    most = answer.size // 2 if cut else answer.size
    if request.method != "HEAD" and most:
        if answer.file is None:
            await response.write(answer.body[:most])
        else:
            with answer.file.open("rb") as stream:
                for place, length in answer.pieces(most):
                    stream.seek(place)
                    await response.write(stream.read(length))
    if cut and request.transport is not None:
        request.transport.close()
    else:
        await response.write_eof()
    return response
