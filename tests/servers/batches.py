"""The scripted server with the batch API beside it: the same replies to the same requests, all at once and later.

``/v1/files`` (upload, content) and ``/v1/batches`` (create, retrieve, list, cancel) as the openai SDK uses them. A
request of a batch is counted where the scripted server counts (``/requests``) when it is done, which is when a provider
would charge for it. ``GET /batches`` tells what was begun and how much was asked of this API. Rules of the faults file
of ``running_batches`` say what can go wrong, each ``times`` times (default 1), in the order of the file::

    [{"on": "upload", "do": "status:500", "times": 2}, {"on": "batch", "do": "expire_half"}]

==========================================  ================================================================
on ``upload create retrieve list content``  ``status:CODE``; ``reset`` (before anything is done); ``reset_after``
                                            (done, but the answer does not come); ``hang``, ``hang_after``
                                            (the same, and the connection stays open; ``/batches`` counts them);
                                            for ``content`` also ``cut`` (half of it, then closed)
on ``batch``, as it ends                    ``fail:CODE`` (nothing is done), ``expire_half``, ``cancel_half``,
                                            ``lose`` (every third line is missing), ``noise`` (mixed up, some
                                            lines twice, some nobody's, some not JSON), ``no_usage``
                                            (tokens are not counted)
==========================================  ================================================================
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiohttp import BodyPartReader, web

from tests.servers.faults import answer_whole, error, read_rules, reset_connection
from tests.servers.process import RunningServer, running
from tests.servers.replies import Manner, hash_audio, hash_json, read_chat, write_reply
from tests.servers.scripted import MODEL, Scripted, listen, read_arguments, write_completion

ENDPOINT = "/v1/chat/completions"


@contextlib.contextmanager
def running_batches(
    folder: Path,
    *,
    models: Sequence[str] = (MODEL,),
    faults: Sequence[Mapping[str, Any]] = (),
    batch_faults: Sequence[Mapping[str, Any]] = (),
    batch_seconds: float = 0,
    key: str = "",
) -> Iterator[RunningServer]:
    """Run the server for a test.

    Args:
        folder: Where the rules are put. models: Names it serves. faults: Of single requests, as in ``faults.py``.
        batch_faults: As above. batch_seconds: How long a batch takes. key: The only one it lets in, if any.
    """
    arguments = ["--models", ",".join(models), "--batch-seconds", str(batch_seconds), "--key", key]
    for option, rules in (("--faults", faults), ("--batch-faults", batch_faults)):
        path = folder / f"server{option}.json"
        path.write_bytes(orjson.dumps(list(rules)))
        arguments += [option, str(path)]
    with running("tests.servers.batches", arguments, health="/stats") as server:
        yield server


@dataclass(slots=True)
class Batch:
    """A batch, and what came of it once it has ended."""

    id: str
    input: str
    metadata: Mapping[str, str]
    ready_at: float
    created_at: int
    endpoint: str
    status: str = "in_progress"
    total: int = 0
    done: int = 0
    failed: int = 0
    output: str | None = None
    errors: str | None = None
    problems: list[dict[str, Any]] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "completion_window": "24h",
            "created_at": self.created_at,
            "input_file_id": self.input,
            "output_file_id": self.output,
            "error_file_id": self.errors,
            "errors": {"object": "list", "data": self.problems} if self.problems else None,
            "metadata": self.metadata,
            "status": self.status,
            "request_counts": {"total": self.total, "completed": self.done, "failed": self.failed},
        }


class Batching:
    """The handler of all requests: batches here, the rest by the scripted server."""

    def __init__(self, scripted: Scripted, manner: Manner, rules: list[Any], seconds: float, key: str) -> None:
        self._scripted, self._manner, self._seconds, self._key = scripted, manner, seconds, key
        self._rules: list[dict[str, Any]] = [{"times": 1} | rule for rule in rules]
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, Batch] = {}
        self._asked = self._hung = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        given = request.headers.get("Authorization", "")
        if self._key and request.path.startswith("/v1/") and given != f"Bearer {self._key}":
            return error(401, f"Incorrect API key provided: {given}", code="invalid_api_key")
        match request.method, request.path.split("/")[1:]:
            case "POST", ["v1", "files"]:
                return await self._with_fault("upload", request)
            case "GET", ["v1", "files", _, "content"]:
                return await self._with_fault("content", request)
            case "POST", ["v1", "batches"]:
                return await self._with_fault("create", request)
            case "GET", ["v1", "batches"]:
                return await self._with_fault("list", request)
            case "GET", ["v1", "batches", _]:
                return await self._with_fault("retrieve", request)
            case "POST", ["v1", "batches", id_, "cancel"]:
                self._end(self._batches[id_], "cancel_half")
                return _json(self._batches[id_].describe())
            case "GET", ["batches"]:
                begun = [one.describe() for one in self._batches.values()]
                return _json({"batches": begun, "files": len(self._files), "asked": self._asked, "hung": self._hung})
        return await self._scripted.handle(request)

    # ------------------------------------------------------------------------------------------------ requests

    async def _with_fault(self, name: str, request: web.BaseRequest) -> web.StreamResponse:
        self._asked += 1
        fault = self._next_fault(name)
        if fault.startswith("status:"):
            await request.read()
            return error(int(fault.partition(":")[2]), "a fault on purpose")
        if fault == "reset":
            return reset_connection(request)
        if fault == "hang":
            await self._hang()
        response: web.Response = await getattr(self, f"_{name}")(request)
        if fault == "reset_after":
            return reset_connection(request)
        if fault == "hang_after":
            await self._hang()
        if fault == "cut":
            return await _cut(request, response)
        return response

    async def _hang(self) -> None:
        self._hung += 1
        await asyncio.Event().wait()

    def _next_fault(self, name: str) -> str:
        rule = next((rule for rule in self._rules if rule["on"] == name and rule["times"]), None)
        if rule is None:
            return ""
        rule["times"] -= 1
        return str(rule["do"])

    async def _upload(self, request: web.BaseRequest) -> web.Response:
        given: dict[str, bytes] = {}
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name:
                given[part.name] = bytes(await part.read())
        if given.get("purpose") != b"batch" or "file" not in given:
            return error(400, "not an upload for a batch")
        id_ = f"file-{len(self._files)}"
        self._files[id_] = given["file"]
        found = {"id": id_, "object": "file", "bytes": len(given["file"]), "created_at": int(time.time())}
        return _json(found | {"filename": "requests.jsonl", "purpose": "batch", "status": "processed"})

    async def _content(self, request: web.BaseRequest) -> web.Response:
        id_ = request.path.split("/")[3]
        if id_ not in self._files:
            return error(404, f"No such File object: {id_}")
        return web.Response(body=self._files[id_], content_type="application/octet-stream")

    async def _create(self, request: web.BaseRequest) -> web.Response:
        body = orjson.loads(await request.read())
        if body["input_file_id"] not in self._files:
            return error(400, f"No such file: {body['input_file_id']}")
        batch = Batch(
            id=f"batch_{len(self._batches)}",
            input=body["input_file_id"],
            metadata=body.get("metadata") or {},
            ready_at=time.monotonic() + self._seconds,
            created_at=int(time.time()),
            endpoint=body["endpoint"],
            total=self._files[body["input_file_id"]].count(b"\n"),
        )
        self._batches[batch.id] = batch
        return _json(batch.describe())

    async def _list(self, request: web.BaseRequest) -> web.Response:
        found = list(self._batches.values())[::-1]
        after = request.query.get("after")
        start = next((place for place, one in enumerate(found, 1) if one.id == after), 0)
        page = found[start : start + int(request.query.get("limit", 20))]
        more = start + len(page) < len(found)
        data = [one.describe() for one in page]
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
        return _json({"object": "list", "data": data, "has_more": more, **ends})

    async def _retrieve(self, request: web.BaseRequest) -> web.Response:
        batch = self._batches.get(request.path.split("/")[3])
        if batch is None:
            return error(404, "No batch found with that id")
        if batch.status == "in_progress" and time.monotonic() >= batch.ready_at:
            self._end(batch, self._next_fault("batch"))
        return _json(batch.describe())

    # ------------------------------------------------------------------------------------------------- batches

    def _end(self, batch: Batch, fault: str) -> None:
        """Do the requests of a batch, all or as many as a fault lets, and write its files."""
        lines = [orjson.loads(line) for line in self._files[batch.input].splitlines()]
        names = [line["custom_id"] for line in lines]
        models = {line["body"]["model"] for line in lines}
        code = fault.partition(":")[2]
        if len(set(names)) < len(names) or len(models) > 1 or any(line["url"] != batch.endpoint for line in lines):
            code = "invalid_request"
        if code:
            batch.status = "failed"
            batch.problems = [{"code": code, "line": None, "message": "a fault on purpose", "param": None}]
            return
        half = fault in ("expire_half", "cancel_half")
        batch.status = {"expire_half": "expired", "cancel_half": "cancelled"}.get(fault, "completed")
        good: list[bytes] = []
        bad: list[bytes] = []
        for number, line in enumerate(lines):
            if half and number >= len(lines) // 2:
                lost = {"code": f"batch_{batch.status}", "message": f"This request was not executed: {batch.status}."}
                bad.append(_line(line["custom_id"], None, lost))
                continue
            status, body = self._answer(line["body"])
            (good if status == 200 else bad).append(
                _line(line["custom_id"], {"status_code": status, "request_id": "r", "body": _load(body)}, None)
            )
        batch.done, batch.failed = len(good), len(bad)
        batch.output = self._write(_spoil(good, fault))
        batch.errors = self._write(bad)

    def _answer(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body of the reply that the scripted server would give to a request."""
        hash_audio(body)
        chat = read_chat(body)
        fault = self._scripted.count(chat, hash_json(body))
        text = write_reply(chat, self._manner)

        def body_of(message: Mapping[str, Any], finish_reason: str) -> bytes:
            return write_completion(chat, message, finish_reason, text)

        if not fault:
            return 200, body_of({"role": "assistant", "content": text}, "stop")
        answer = answer_whole(fault, chat, body_of, text)
        return answer.status, answer.body if isinstance(answer.body, bytes) else b""

    def _write(self, lines: list[bytes]) -> str | None:
        if not lines:
            return None
        id_ = f"file-{len(self._files)}"
        self._files[id_] = b"\n".join(lines) + b"\n"
        return id_


def _spoil(lines: list[bytes], fault: str) -> list[bytes]:
    if fault == "lose":
        return [line for number, line in enumerate(lines) if number % 3]
    if fault == "noise":
        strange = [
            _line("ab" * 32, None, None),
            _line("no key", None, None),
            b"<html>",
            b'{"custom_id": 7}',
            b"[]",
            b"",
        ]
        lines = [*lines, *lines[::2], *strange]
        random.Random(7).shuffle(lines)
    if fault == "no_usage":
        lines = [_without_usage(line) for line in lines]
    return lines


def _without_usage(line: bytes) -> bytes:
    outcome = orjson.loads(line)
    outcome["response"]["body"].pop("usage", None)
    return orjson.dumps(outcome)


def _load(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def _line(name: str, response: Any, problem: Any) -> bytes:
    return orjson.dumps({"id": "batch_req_1", "custom_id": name, "response": response, "error": problem})


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def _cut(request: web.BaseRequest, whole: web.Response) -> web.StreamResponse:
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def serve(arguments: argparse.Namespace) -> None:
    """Listen until SIGTERM or SIGINT."""
    manner = Manner(quality=arguments.quality, know=arguments.know)
    rules = read_rules(arguments.faults)
    scripted = Scripted(
        arguments.models.split(","),
        manner,
        rules,
        arguments.latency_ms / 1000,
        arguments.log,
        arguments.slots,
        arguments.metrics,
    )
    faults = json.loads(arguments.batch_faults.read_text("utf-8")) if arguments.batch_faults else []
    batching = Batching(scripted, manner, faults, arguments.batch_seconds, arguments.key)
    await listen(batching.handle, arguments)
    scripted.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A scripted server with a batch API for tests.")
    parser.add_argument("--batch-faults", type=Path, help="rules as in this file's docstring")
    parser.add_argument("--batch-seconds", type=float, default=0, help="how long a batch takes")
    parser.add_argument("--key", default="", help="the only API key that is let in")
    uvloop.run(serve(read_arguments(parser)))


if __name__ == "__main__":
    main()
