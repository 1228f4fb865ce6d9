"""A scripted OpenAI-compatible server: real HTTP, replies that vary with the request, counts, and faults on request.

``python -m tests.servers.scripted --port 0 --port-file FILE`` serves ``/v1/models`` and ``/v1/chat/completions`` on
127.0.0.1. The same model, messages and seed always get the same reply (``replies.py`` writes it); ``faults.py`` says
what can go wrong. Beside them stand

- ``GET /stats``: requests received and replies completed, by the name of the reply schema (``judge`` for free text);
- ``GET /requests``: how often each request body was received, by the hash of its canonical JSON;
- ``GET /metrics``: with ``--metrics``, how many requests are worked on and how many wait, as vLLM words it;
- ``POST /reset``: forget all of that, and what the faults have done.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiohttp import web

from tests.servers.faults import Rule, answer_with, error, read_rules
from tests.servers.process import RunningServer, running, stop_with_parent, write_port
from tests.servers.replies import Chat, Manner, hash_audio, hash_json, read_chat, write_reply

MODEL = "scripted"
USUAL = Manner()
CHARACTERS_A_TOKEN = 4
LARGEST = 2**28
"""Bytes of a request's body, at most."""


@contextlib.contextmanager
def running_scripted(
    *,
    models: Sequence[str] = (MODEL,),
    faults: Sequence[Mapping[str, Any]] = (),
    latency_ms: float = 0,
    slots: int = 0,
    metrics: bool = False,
    port: int = 0,
    manner: Manner = USUAL,
    folder: Path | None = None,
) -> Iterator[RunningServer]:
    """Run the server for a test.

    Args:
        models: Names it serves. faults: Rules as in ``faults.py``; they and the log are put in ``folder``.
        latency_ms: About how long a reply takes. slots: Requests worked on at once; others wait (0: no limit).
        metrics: Whether it tells that. port: 0 for any that is free. manner: How good the models are.
    """
    arguments = ["--models", ",".join(models), "--latency-ms", str(latency_ms)]
    arguments += ["--quality", str(manner.quality), "--know", str(manner.know)]
    arguments += ["--slots", str(slots), "--port", str(port), *(["--metrics"] if metrics else [])]
    if folder is not None:
        arguments += ["--log", str(folder / "requests.jsonl")]
    if faults:
        if folder is None:
            raise ValueError("faults need a folder for their file")
        (folder / "faults.json").write_bytes(orjson.dumps(list(faults)))
        arguments += ["--faults", str(folder / "faults.json")]
    with running("tests.servers.scripted", arguments) as server:
        yield server


@dataclass(slots=True)
class Counts:
    """What the server has seen and done since it started or was reset."""

    received: Counter[str] = field(default_factory=Counter)
    completed: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    bodies: Counter[bytes] = field(default_factory=Counter)
    most_in_flight: int = 0

    def summary(self) -> dict[str, Any]:
        """Plain data for ``/stats``; completed replies are good ones, those of faults are counted apart."""
        return {
            "received": self.received.total(),
            "completed": self.completed.total(),
            "received_by_name": dict(self.received),
            "completed_by_name": dict(self.completed),
            "faults": dict(self.faults),
            "distinct": len(self.bodies),
            "most_in_flight": self.most_in_flight,
        }


class Scripted:
    """The handler of all requests."""

    def __init__(self, models: Sequence[str], manner: Manner, rules: list[Rule], latency: float, log: Path | None,
                 slots: int, metrics: bool):  # fmt: skip
        self._models, self._manner, self._rules, self._latency = models, manner, rules, latency
        self._slots = asyncio.Semaphore(slots or sys.maxsize)
        self._metrics = metrics
        self._waiting = 0
        self._counts = Counts()
        self._in_flight = 0
        self._log = log.open("ab") if log else None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                return await self._chat(request)
            case "GET", "/v1/models":
                rows = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self._models]
                return _json({"object": "list", "data": rows})
            case "GET", "/stats":
                return _json({**self._counts.summary(), "in_flight": self._in_flight})
            case "GET", "/requests":
                return _json({body.hex(): times for body, times in self._counts.bodies.items()})
            case "GET", "/metrics" if self._metrics:
                return web.Response(text=self._describe_load())
            case "POST", "/reset":
                self._counts = Counts()
                for rule in self._rules:
                    rule.reset()
                return _json({})
        return error(404, f"no such address: {request.method} {request.path}")

    def close(self) -> None:
        """Write what is left of the log."""
        if self._log:
            self._log.close()

    def count(self, chat: Chat, digest: bytes) -> str:
        """Count a request that a batch brought; returns the fault that strikes it, if any."""
        self._counts.received[chat.name] += 1
        self._counts.bodies[digest] += 1
        fault = next((rule.fault for rule in self._rules if rule.strikes(chat)), "")
        self._counts.faults.update([fault] if fault else ())
        return fault

    async def _chat(self, request: web.BaseRequest) -> web.StreamResponse:
        counts = self._counts
        try:
            body = orjson.loads(await request.read())
            hash_audio(body)
            chat = read_chat(body)
        except (ValueError, KeyError, TypeError) as wrong:
            return error(400, f"not a chat request: {wrong!r}")
        digest = hash_json(body)
        counts.received[chat.name] += 1
        counts.bodies[digest] += 1
        self._in_flight += 1
        counts.most_in_flight = max(counts.most_in_flight, self._in_flight)
        fault = ""
        try:
            if chat.model not in self._models:
                return error(404, f"The model `{chat.model}` does not exist", code="model_not_found")
            fault = next((rule.fault for rule in self._rules if rule.strikes(chat)), "")
            self._waiting += 1
            async with self._slots:
                self._waiting -= 1
                if self._latency:
                    await asyncio.sleep(self._latency * (0.5 + chat.digest[8] / 256))
            return await self._reply(request, chat, fault, counts)
        finally:
            self._in_flight -= 1
            self._note(chat, digest, fault)

    async def _reply(self, request: web.BaseRequest, chat: Chat, fault: str, counts: Counts) -> web.StreamResponse:
        text = write_reply(chat, self._manner)

        def body_of(message: Mapping[str, Any], finish_reason: str) -> bytes:
            return write_completion(chat, message, finish_reason, text)

        if fault:
            counts.faults[fault] += 1
            return await answer_with(fault, chat, body_of, text, request)
        response = web.Response(
            body=body_of({"role": "assistant", "content": text}, "stop"), content_type="application/json"
        )
        await response.prepare(request)
        await response.write_eof()  # written here rather than by the caller, so that it counts only once it is out
        counts.completed[chat.name] += 1
        return response

    def _describe_load(self) -> str:
        running = self._in_flight - self._waiting
        lines = [f'vllm:num_requests_{name}{{engine="0",model_name="{self._models[0]}"}} {value:.1f}'
                 for name, value in (("running", running), ("waiting", self._waiting))]  # fmt: skip
        return "# TYPE vllm:num_requests_running gauge\n" + "\n".join(lines) + "\n"

    def _note(self, chat: Chat, digest: bytes, fault: str) -> None:
        if self._log:
            line = {"time": time.time(), "name": chat.name, "model": chat.model, "body": digest.hex(), "fault": fault}
            self._log.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            self._log.flush()


def write_completion(chat: Chat, message: Mapping[str, Any], finish_reason: str, text: str) -> bytes:
    """The body of a chat completion; ``text`` is what its tokens are counted of."""
    prompt_tokens = 8 + (len(chat.system) + len(chat.user)) // CHARACTERS_A_TOKEN
    completion_tokens = 1 + len(text) // CHARACTERS_A_TOKEN
    return orjson.dumps(
        {
            "id": f"chatcmpl-{chat.digest.hex()[:24]}",
            "object": "chat.completion",
            "created": 0,
            "model": chat.model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            },
        }
    )


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def serve(arguments: argparse.Namespace) -> None:
    """Listen until SIGTERM or SIGINT."""
    scripted = Scripted(
        arguments.models.split(","),
        Manner(quality=arguments.quality, know=arguments.know),
        read_rules(arguments.faults),
        arguments.latency_ms / 1000,
        arguments.log,
        arguments.slots,
        arguments.metrics,
    )
    await listen(scripted.handle, arguments)
    scripted.close()


async def listen(handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], arguments: Any) -> None:
    """Answer requests on the port of the command line until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    loop = asyncio.get_running_loop()

    def make_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST)

    server = web.Server(
        handle, request_factory=make_request, access_log=None, keepalive_timeout=3600, read_bufsize=2**21
    )
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", arguments.port, backlog=4096)
    await site.start()
    write_port(arguments.port_file, runner.addresses[0][1])
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    """Read the command line and serve."""
    arguments = read_arguments(argparse.ArgumentParser(description="A scripted OpenAI-compatible server for tests."))
    uvloop.run(serve(arguments))


def read_arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line of a scripted server, or of one that does more and has said so to the parser."""
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--port-file", type=Path, required=True, help="where to write the port once it listens")
    parser.add_argument("--models", default=MODEL, help="names it serves, with commas between")
    parser.add_argument("--latency-ms", type=float, default=0, help="about how long a reply takes")
    parser.add_argument("--slots", type=int, default=0, help="requests worked on at once; others wait (0: no limit)")
    parser.add_argument("--metrics", action="store_true", help="tell how many are worked on and wait")
    parser.add_argument("--log", type=Path, help="one JSON line a request")
    parser.add_argument("--faults", type=Path, help="rules as in faults.py")
    parser.add_argument("--quality", type=float, default=USUAL.quality, help="share of samples that graders pass")
    parser.add_argument("--know", type=float, default=USUAL.know, help="share of questions that judges know")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started it is gone")
    arguments = parser.parse_args()
    if arguments.with_parent:
        stop_with_parent()
    return arguments


if __name__ == "__main__":
    main()
