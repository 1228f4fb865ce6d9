"""Faults of the scripted server: which requests they strike, and what is then sent in place of a good reply.

A faults file is a JSON list of rules; the first that applies strikes::

    [{"match": {"schema": "question", "hash_mod": [10, 3]}, "times": 1, "fault": "status:429:retry-after=1"}]

``match`` may ask for several things, which must all hold: ``schema`` (name of the reply schema, ``judge`` for free
text), ``model``, ``contains`` (words of the conversation's first user turn), ``every`` (each n-th request that the
rule's other conditions let through) and ``hash_mod`` ([10, 3]: a tenth of the conversations). ``times`` limits how
often a rule strikes the same conversation, so that asking again succeeds; absent or null: always. A conversation is
told by its model, seed and the turns before the first answer: asking again with what was wrong continues it.

====================================  ====================================================================
``status:CODE``                       an error as OpenAI words it; ``:retry-after=N`` or ``:retry-date=N`` add
                                      that header in seconds or as a date N seconds ahead
``hang``, ``hang_body``               no answer at all; half of the body and then nothing
``reset``, ``reset_body``             the connection is reset before the answer; in the middle of its body
``close_early``                       the connection is closed in order, in the middle of the body
``slow``, ``slow:SECONDS``            the body drips over this time (default 2) and is then complete
``truncated_json``, ``length``        half of the text; the latter says so in ``finish_reason``
``wrong_schema``, ``prose``           JSON that breaks the schema (judge: an answer that is no option); words
                                      around the JSON (judge: no answer)
``empty``, ``missing``                an empty text; no text at all
``refusal``, ``content_filter``       as OpenAI reports them
``non_utf8``, ``not_json``, ``huge``  bytes that are no UTF-8; a body that is no JSON; a text of 10 MB
====================================  ====================================================================
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import orjson
from aiohttp import web

from tests.servers.replies import JUDGE, Chat

_CONDITIONS = {"schema", "model", "contains", "every", "hash_mod"}
_NO_CONTENT: dict[str, Any] = {"role": "assistant"}


@dataclass(slots=True)
class Rule:
    """One rule of a faults file, and what it has done so far."""

    match: Mapping[str, Any]
    times: int | None
    fault: str
    seen: int = 0
    struck: Counter[bytes] = field(default_factory=Counter)

    def strikes(self, chat: Chat) -> bool:
        """Whether it applies to this request; counts it if so."""
        match = self.match
        if match.get("schema", chat.name) != chat.name or match.get("model", chat.model) != chat.model:
            return False
        if match.get("contains", "") not in chat.user:
            return False
        divisor, remainder = match.get("hash_mod", (1, 0))
        if int.from_bytes(chat.conversation[:8], "big") % divisor != remainder:
            return False
        self.seen += 1
        if self.seen % match.get("every", 1):
            return False
        if self.times is not None and self.struck[chat.conversation] >= self.times:
            return False
        self.struck[chat.conversation] += 1
        return True

    def reset(self) -> None:
        """Forget what it has done."""
        self.seen = 0
        self.struck.clear()


def read_rules(path: Path | None) -> list[Rule]:
    """Read a faults file; raises ``ValueError`` for what it cannot mean."""
    rules = [
        Rule(rule.get("match", {}), rule.get("times"), rule["fault"])
        for rule in (json.loads(path.read_text("utf-8")) if path else [])
    ]
    for rule in rules:
        if unknown := set(rule.match) - _CONDITIONS:
            raise ValueError(f"unknown conditions {sorted(unknown)}")
        name = rule.fault.partition(":")[0]
        if name not in _SPOILED | _BROKEN.keys() | {"status", "slow"}:
            raise ValueError(f"unknown fault {rule.fault!r}")
    return rules


async def answer_with(fault: str, chat: Chat, reply: Callable[[Mapping[str, Any], str], bytes], text: str,
                      request: web.BaseRequest) -> web.StreamResponse:  # fmt: skip
    """Answer a request with a fault.

    Args:
        fault: As in a rule. chat: The request. reply: Makes a body of a message and a finish reason.
        text: What a good reply would say. request: Where to send it.
    """
    name, _, argument = fault.partition(":")
    if name == "slow":
        return await _drip(request, reply({**_NO_CONTENT, "content": text}, "stop"), float(argument or 2))
    if name in _BROKEN:
        return await _BROKEN[name](request, reply({**_NO_CONTENT, "content": text}, "stop"))
    return answer_whole(fault, chat, reply, text)


def answer_whole(fault: str, chat: Chat, reply: Callable[[Mapping[str, Any], str], bytes], text: str) -> web.Response:
    """The answer of a fault that leaves the connection as it is: a status or a body of no use."""
    name, _, argument = fault.partition(":")
    if name == "status":
        return _refuse(argument)
    return web.Response(body=_spoil(name, chat, reply, text), content_type="application/json")


def error(status: int, message: str, *, code: str = "", headers: Mapping[str, str] | None = None) -> web.Response:
    """An error as OpenAI words it."""
    kind = "invalid_request_error" if status < 429 else "rate_limit_error" if status == 429 else "server_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": code or None}}
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/json", headers=dict(headers or {})
    )


def reset_connection(request: web.BaseRequest) -> web.Response:
    """Reset the connection of a request; what is returned goes nowhere."""
    if request.transport is not None:
        connection: socket.socket = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends RST
        request.transport.abort()
    return web.Response()


def _refuse(argument: str) -> web.Response:
    code, _, extra = argument.partition(":")
    key, _, seconds = extra.partition("=")
    headers = {}
    if key == "retry-after":
        headers["Retry-After"] = seconds
    elif key == "retry-date":
        headers["Retry-After"] = formatdate(time() + float(seconds), usegmt=True)
    codes = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
    return error(int(code), f"a fault on purpose: {code}", code=codes.get(int(code), ""), headers=headers)


# ------------------------------------------------------------------------------------- whole answers of no use


def _spoil(name: str, chat: Chat, reply: Callable[[Mapping[str, Any], str], bytes], text: str) -> bytes:
    half = text[: len(text) // 2]
    wrong = "<answer>something else entirely</answer>" if chat.name == JUDGE else '{"unexpected": ["value"]}'
    around = "I would rather not choose." if chat.name == JUDGE else f"Sure! Here it is:\n\n{text}\n\nAnything else?"
    if name == "missing":
        return reply(_NO_CONTENT, "stop")
    if name == "refusal":
        return reply({**_NO_CONTENT, "content": None, "refusal": "I'm sorry, I cannot help with that."}, "stop")
    if name == "non_utf8":
        return reply({**_NO_CONTENT, "content": f"{half}@@@@"}, "stop").replace(b"@@@@", b"\xff\xfe\xc3(")
    if name == "not_json":
        return b"<html><body>Welcome to the proxy.</body></html>"
    texts = {
        "truncated_json": half,
        "length": half,
        "wrong_schema": wrong,
        "prose": around,
        "empty": "",
        "content_filter": "",
        "huge": "la " * 3_500_000,
    }
    return reply({**_NO_CONTENT, "content": texts[name]}, name if name in {"length", "content_filter"} else "stop")


_SPOILED = {
    "truncated_json", "length", "wrong_schema", "prose", "empty", "missing", "refusal", "content_filter", "non_utf8",
    "not_json", "huge",
}  # fmt: skip


# ------------------------------------------------------------------------------------------ broken connections


async def _start(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    return response


async def _drip(request: web.BaseRequest, body: bytes, seconds: float) -> web.StreamResponse:
    response = await _start(request, body)
    step = -(-len(body) // 20)
    for start in range(0, len(body), step):
        await asyncio.sleep(seconds / 20)
        await response.write(body[start : start + step])
    await response.write_eof()
    return response


async def _hang(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("waits for ever")


async def _hang_body(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    await (await _start(request, body)).write(body[: len(body) // 2])
    return await _hang(request, body)


async def _reset(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    return reset_connection(request)


async def _reset_body(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    await (await _start(request, body)).write(body[: len(body) // 2])
    await asyncio.sleep(0.05)  # or the reset would overtake the half
    return await _reset(request, body)


async def _close_early(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    response = await _start(request, body)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


_BROKEN = {
    "hang": _hang,
    "hang_body": _hang_body,
    "reset": _reset,
    "reset_body": _reset_body,
    "close_early": _close_early,
}
