"""The batch API of ``batches.py`` with a bad habit: it says again what it was sent as a key, wherever a server says
anything.

It stands in headers, in the list of models, in the bodies of errors, of replies and of what is no reply, in files and
problems of batches: as it was sent, percent-encoded, and with signs escaped as JSON allows. A third of the chats has
one of that in place of its reply: which ones depends on what is asked and how often, not on the order of the requests,
and never twice running. Below ``/garbled`` the answer is not even HTTP.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import uvloop
from aiohttp import web

from tests.servers.batches import Batching
from tests.servers.process import RunningServer, running
from tests.servers.replies import Manner
from tests.servers.scripted import Scripted, listen, read_arguments

ODDITIES = ("status 400", "status 503", "status 500", "reply", "no reply", "garbage")


@contextlib.contextmanager
def running_echoing(folder: Path, *, batch_faults: list[Any] | None = None, key: str = "") -> Iterator[RunningServer]:
    """Run the server for a test; rules for batches are put in a folder, ``key`` is the only one that is let in."""
    path = folder / "echoing-faults.json"
    path.write_bytes(orjson.dumps(batch_faults or []))
    arguments = ["--batch-faults", str(path), "--key", key]
    with running("tests.servers.echoing", arguments, health="/stats") as server:
        yield server


class Echoing(Batching):
    """The handler of all requests."""

    def __init__(self, scripted: Scripted, rules: list[Any], key: str) -> None:
        super().__init__(scripted, Manner(), rules, 0, key)
        self._seen: Counter[int] = Counter()
        self._echo = b""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, and say its key again."""
        given = request.headers.get("Authorization", "none")
        self._echo = echo(given)
        if request.path.startswith("/garbled"):
            return _garble(request, given)
        chat = request.path == "/v1/chat/completions" and self._allows(given)
        if chat and (oddity := self._draw_oddity(await request.read())):
            return self._answer_oddly(oddity, given)
        response = await super().handle(request)
        if isinstance(response, web.Response) and not response.prepared and isinstance(response.body, bytes):
            response.body = self._spoil(request.path, response.body)
            response.headers["X-Request-Id"] = response.headers["Retry-After"] = given
        return response

    def _allows(self, given: str) -> bool:
        return not self._key or given == f"Bearer {self._key}"

    def _draw_oddity(self, asked: bytes) -> str | None:
        """What stands in place of the reply to a chat, if anything."""
        mark = zlib.crc32(asked)
        turn = mark + self._seen[mark]
        self._seen[mark] += 1
        return ODDITIES[turn // 3 % len(ODDITIES)] if turn % 3 == 0 else None

    def _spoil(self, path: str, body: bytes) -> bytes:
        if path == "/v1/models":
            served = json.loads(body)
            if "data" in served:
                served["data"] += [{**served["data"][0], "id": json.loads(b'"%s"' % self._echo)}]
            return orjson.dumps(served)
        for words in (b"on purpose", b"not executed", b"Incorrect API key provided"):
            body = body.replace(words, words + b" " + self._echo)
        return body

    def _answer_oddly(self, oddity: str, given: str) -> web.Response:
        kind, _, status = oddity.partition(" ")
        headers = {"X-Request-Id": given, "Retry-After": "0" if status == "503" else given, "Location": given}
        if kind == "status":
            body = b'{"error": {"message": "You sent %s", "code": "%s"}}' % (self._echo, self._echo)
            return web.Response(status=int(status), body=body, headers=headers, content_type="application/json")
        body = b'{"choices": [{"message": {"content": "You sent %s"}}]}' if oddity == "reply" else b'{"sent": "%s"}'
        body = b"<html>%s" if oddity == "garbage" else body
        return web.Response(body=body % self._echo, headers=headers, content_type="application/json")

    def _answer(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """One request of a batch."""
        if oddity := self._draw_oddity(orjson.dumps(body)):
            answer = self._answer_oddly(oddity, "")
            return answer.status, answer.body if isinstance(answer.body, bytes) else b""
        return super()._answer(body)


def echo(given: str) -> bytes:
    """What was given, in every spelling, as it may stand in a text of JSON."""
    key = given.removeprefix("Bearer ")
    return " ".join(
        (given, quote(key), quote(key, safe=""), key.replace("/", "\\/"), key.replace("+", "\\u002B"))
    ).encode()


def _garble(request: web.BaseRequest, given: str) -> web.Response:
    if request.transport is not None:
        request.transport.write(f"HTTP/1.1 200 OK\r\nWho are you, {given}\r\n\r\n".encode())
        request.transport.close()
    return web.Response()


async def serve(arguments: argparse.Namespace) -> None:
    """Listen until SIGTERM or SIGINT."""
    scripted = Scripted(arguments.models.split(","), Manner(), [], 0, None, 0, False)
    rules = json.loads(arguments.batch_faults.read_text("utf-8"))
    await listen(Echoing(scripted, rules, arguments.key).handle, arguments)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A server for tests that says again what it was sent as a key.")
    parser.add_argument("--batch-faults", type=Path, required=True, help="rules as in batches.py")
    parser.add_argument("--key", default="", help="the only API key that is let in")
    uvloop.run(serve(read_arguments(parser)))


if __name__ == "__main__":
    main()
