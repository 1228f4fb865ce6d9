"""The batch backend over the openai SDK: what it writes and begins, what it makes of every line, where the key goes."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from audiomcq_cli.backends import openai_batch
from audiomcq_cli.backends._openai import hide
from audiomcq_cli.backends.openai_batch import BACKEND, OpenAIBatchOptions
from audiomcq_cli.contracts import BatchBackend, BatchResult, BatchState, Completion, Message, Model, Silence
from audiomcq_cli.errors import (
    AccountExhausted,
    AuthenticationFailed,
    CallDenied,
    CallRefused,
    CallUnavailable,
    EndpointUnreachable,
    ModelNotServed,
    RecipeError,
)
from tests.backends.test_openai_compatible import SCHEMA, encode, find_dead_address, make_call
from tests.servers.batches import running_batches
from tests.servers.process import RunningServer, fetch_json

KEY = "sk-secret-0123456789"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A batch API that lets one key in."""
    with running_batches(tmp_path_factory.mktemp("server"), key=KEY) as running:
        yield running


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)


def make_model(*urls: str, **changes: Any) -> Model:
    usual: dict[str, Any] = {"name": "writer", "backend": "openai-batch", "model": "scripted", "base_url": urls}
    usual |= {"api_key_env": "BATCH_KEY", "timeout": 20.0, "settings": OpenAIBatchOptions()}
    return Model(**usual | changes)


def use(model: Model, work: Callable[[BatchBackend], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        backend = BACKEND.open(model, encode)
        assert isinstance(backend, BatchBackend)
        try:
            return await work(backend)
        finally:
            await backend.close()

    return asyncio.run(main())


def fetch_lines(server: RunningServer, folder: Path, *lines: bytes) -> list[BatchResult]:
    """What the backend makes of a result file of these lines."""

    async def work(backend: BatchBackend) -> list[BatchResult]:
        path = folder / "lines.jsonl"
        path.write_bytes(b"\n".join(lines))
        state = BatchState(id="b", status="completed", ended=True, results=(await backend.upload(path),))
        return [result async for result in backend.fetch(state)]

    found: list[BatchResult] = use(make_model(server.base_url), work)
    return found


def line_of(text: str, name: str = "n") -> bytes:
    message = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
    return json.dumps(
        {"custom_id": name, "response": {"status_code": 200, "body": message}, "error": None}, ensure_ascii=False
    ).encode()


# ----------------------------------------------------------------------------------------------------------- check


def test_check(server: RunningServer) -> None:
    """A server that has the model and takes the key is fine."""
    use(make_model(server.base_url), lambda backend: backend.check())


def test_check_names_what_is_wrong(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is not served, a wrong key and a dead address stop at once; the key is not in the message."""
    with pytest.raises(ModelNotServed, match="does not list 'other'") as listed:
        use(make_model(server.base_url, model="other"), lambda backend: backend.check())
    assert "check_models" in listed.value.hint
    use(make_model(server.base_url, model="other", check_models=False), lambda backend: backend.check())
    monkeypatch.setattr(openai_batch, "RETRIES", 0)
    with pytest.raises(EndpointUnreachable, match="nothing answers"):
        use(make_model(find_dead_address()), lambda backend: backend.check())
    monkeypatch.setenv("BATCH_KEY", "sk-wrong-0123456789")
    with pytest.raises(AuthenticationFailed, match="401") as caught:
        use(make_model(server.base_url), lambda backend: backend.check())
    assert "sk-wrong" not in str(caught.value) and "BATCH_KEY" in caught.value.hint


@pytest.mark.parametrize("status", [301, 307])
def test_address_that_has_moved_stops(status: int) -> None:
    """A redirect is not followed, with which a batch would become a list, and the setting to change is named."""

    async def move(request: web.BaseRequest) -> web.Response:
        if request.path.startswith("/v1"):
            return web.Response(status=status, headers={"Location": f"/there{request.path}"})
        return web.json_response({"object": "list", "data": []})

    async def main() -> None:
        runner = web.ServerRunner(web.Server(move))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        backend = BACKEND.open(make_model(f"http://127.0.0.1:{runner.addresses[0][1]}/v1"), encode)
        assert isinstance(backend, BatchBackend)
        try:
            for work in (backend.check(), backend.submit("file", "token")):
                with pytest.raises(ModelNotServed) as caught:
                    await work
                assert "base_url" in caught.value.hint
        finally:
            await backend.close()
            await runner.cleanup()

    asyncio.run(main())


def test_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set is named."""
    monkeypatch.delenv("BATCH_KEY")
    with pytest.raises(RecipeError, match="BATCH_KEY"):
        BACKEND.open(make_model("http://a/v1"), encode)


# ----------------------------------------------------------------------------------------------- there and back


def test_line_holds_the_body_of_the_online_call(server: RunningServer) -> None:
    """A line of a file of requests names the call and has the body that goes over the line elsewhere."""
    silence = Silence(0.1)
    turns = (Message("user", "What is heard?", (silence,)),)
    call = make_call(messages=turns, sampling={"temperature": 0, "seed": 3}, schema=SCHEMA, schema_name="analysis")
    line = use(make_model(server.base_url, audio=True), lambda backend: backend.write("the-key", call))
    request = json.loads(line)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert (request["custom_id"], request["method"], request["url"]) == ("the-key", "POST", "/v1/chat/completions")
    [audio, text] = request["body"]["messages"][0]["content"]
    assert base64.b64decode(audio["input_audio"]["data"])[:4] == b"RIFF" and text["text"] == "What is heard?"
    assert request["body"]["seed"] == 3 and request["body"]["response_format"]["json_schema"]["name"] == "analysis"


def test_round_trip(server: RunningServer, tmp_path: Path) -> None:
    """Requests that are uploaded and submitted come back under their names, with the replies of the online server."""
    texts = [f"rain {number}" for number in range(5)]

    async def work(backend: BatchBackend) -> Any:
        path = tmp_path / "requests.jsonl"
        path.write_bytes(b"".join([await backend.write(text, make_call(text)) for text in texts]))
        batch = await backend.submit(await backend.upload(path), "token-1")
        state = await backend.poll(batch)
        found = {result.name: result.outcome async for result in backend.fetch(state)}
        return state, found, {text: await backend.send(make_call(text)) for text in texts}

    state, found, online = use(make_model(server.base_url), work)
    assert (state.ended, state.status, state.done, state.total, state.problem) == (True, "completed", 5, 5, "")
    assert found == online and all(reply.text and reply.prompt_tokens for reply in online.values())


def test_batch_is_found_by_its_token(server: RunningServer, tmp_path: Path) -> None:
    """A batch is found among more than a page of others by the token it was given; an unknown token finds none."""

    async def work(backend: BatchBackend) -> Any:
        path = tmp_path / "requests.jsonl"
        path.write_bytes(await backend.write("n", make_call()))
        file = await backend.upload(path)
        wanted = await backend.submit(file, "wanted")
        for number in range(105):
            await backend.submit(file, f"other {number}")
        since = time.time()
        return wanted, await backend.find("wanted", since), await backend.find("nobody's", since)

    wanted, found, none = use(make_model(server.base_url), work)
    assert (found, none) == (wanted, "")


def test_batch_and_file_that_are_not_there(server: RunningServer) -> None:
    """What the provider does not have is said by its name, not as a missing model."""
    model = make_model(server.base_url)
    with pytest.raises(CallRefused, match="no batch gone"):
        use(model, lambda backend: backend.poll("gone"))

    async def fetch(backend: BatchBackend) -> None:
        async for _ in backend.fetch(BatchState(id="b", status="completed", results=("file-gone",))):
            pass

    with pytest.raises(CallRefused, match="no file file-gone"):
        use(model, fetch)


# ----------------------------------------------------------------------------------------------------------- lines


def test_reply_with_other_ends_of_line(server: RunningServer, tmp_path: Path) -> None:
    """Characters that Unicode takes for ends of a line do not cut a line of JSON."""
    text = "one\u2028two\u2029three\x85four\x0cfive"
    [result] = fetch_lines(server, tmp_path, line_of(text))
    assert isinstance(result.outcome, Completion) and result.outcome.text == text


def test_lines_that_are_no_results(server: RunningServer, tmp_path: Path) -> None:
    """What is not the result of a request is passed over: not JSON, no name, no such form, half a line."""
    whole = line_of("fine", "kept")
    lines = [
        b"<html>",
        b"[]",
        b"3",
        b"{}",
        b'{"custom_id": "x", "response": {"body": 1}}',
        b"\xff\xfe",
        whole[:40],
        whole,
    ]
    assert [result.name for result in fetch_lines(server, tmp_path, *lines)] == ["kept"]


@pytest.mark.parametrize(
    ("response", "problem", "kind", "code"),
    [
        ({"status_code": 400, "body": {"error": {"message": "too long"}}}, None, CallRefused, "status_400"),
        ({"status_code": 429, "body": {}}, None, CallUnavailable, "status_429"),
        ({"status_code": 500, "body": None}, None, CallUnavailable, "status_500"),
        ({"status_code": 200, "body": {"choices": []}}, None, CallUnavailable, "bad_body"),
        (None, {"code": "batch_expired", "message": "not executed"}, CallUnavailable, "batch_expired"),
        (None, None, CallUnavailable, "no_response"),
        ({"status_code": 401, "body": {}}, None, CallDenied, "status_401"),
        ({"status_code": 404, "body": {}}, None, CallDenied, "status_404"),
        ({"status_code": 402, "body": {}}, None, AccountExhausted, None),
        ({"status_code": "many", "body": {}}, None, type(None), None),
    ],
)
def test_line_without_a_reply(
    server: RunningServer, tmp_path: Path, response: Any, problem: Any, kind: type, code: str | None
) -> None:
    """An error line is what the online call would raise; what has not been done is worth another try."""
    line = json.dumps({"custom_id": "n", "response": response, "error": problem}).encode()
    outcomes: list[Any] = [result.outcome for result in fetch_lines(server, tmp_path, line)] or [None]
    assert isinstance(outcomes[0], kind)
    assert getattr(outcomes[0], "code", None) == code


def test_counts_and_reasons_of_a_batch(tmp_path: Path) -> None:
    """A refused batch says why, and whether it may be taken later; a cancelled one says that it was."""
    rules = [{"on": "batch", "do": do} for do in ("fail:token_limit_exceeded", "fail:invalid_file", "cancel_half")]

    async def work(backend: BatchBackend) -> list[BatchState]:
        path = tmp_path / "requests.jsonl"
        path.write_bytes(b"".join([await backend.write(name, make_call(name)) for name in "abcd"]))
        file = await backend.upload(path)
        return [await backend.poll(await backend.submit(file, str(number))) for number in range(3)]

    with running_batches(tmp_path, batch_faults=rules) as other:
        full, bad, cancelled = use(make_model(other.base_url), work)
        seen = fetch_json(f"{other.url}/batches")["batches"]
    assert full.ended and full.later and "token_limit_exceeded" in full.problem
    assert bad.ended and not bad.later and "invalid_file" in bad.problem
    assert (cancelled.cancelled, cancelled.problem, cancelled.done, cancelled.failed) == (True, "", 2, 2)
    assert len(cancelled.results) == 2 and [one["metadata"] for one in seen] == [{"audiomcq": str(n)} for n in range(3)]


def test_key_is_hidden_however_often_it_was_put_into_json() -> None:
    """A body that is no JSON stands in a batch's line as a text of JSON: what it escaped is so twice."""
    key = "sk-Zq7/uX2+rT9vWm4Kc8Lb1NdQ=="
    spellings = [key, key.replace("/", r"\/"), key.replace("+", r"\u002B"), key.replace("/", "%2F")]
    sent = " ".join(["<html>", *spellings]).encode()
    for _ in range(4):
        assert hide(key, sent).count(b"***") == 4
        assert b"Zq7" not in hide(key, sent) and b"NdQ" not in hide(key, sent)
        sent = orjson.dumps(sent.decode())
        assert orjson.loads(hide(key, sent))
