"""The lean client: what it sends, what it makes of every answer, and that the key goes nowhere but to the server."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import soundfile as sf
from aiohttp import web

from audiomcq_cli import audio as clips
from audiomcq_cli.backends.openai_compatible import BACKEND
from audiomcq_cli.contracts import Audio, Backend, Call, Completion, Message, Model
from audiomcq_cli.errors import (
    AuthenticationFailed,
    CallError,
    CallRefused,
    CallUnavailable,
    EndpointUnreachable,
    ModelNotServed,
    RecipeError,
)
from tests.conftest import strike
from tests.servers.process import RunningServer

SCHEMA = {"type": "object", "properties": {"analysis": {"type": "string"}}, "required": ["analysis"]}
KEY = "sk-secret-0123456789"


async def encode(audio: Audio, *, rate: int, format: str) -> bytes:
    return clips.read_part(audio, {}, rate, format)


def make_model(*urls: str, **changes: Any) -> Model:
    usual: dict[str, Any] = {"name": "writer", "backend": "openai-compatible", "model": "scripted", "base_url": urls}
    return Model(**usual | {"timeout": 20.0} | changes)


def make_call(text: str = "rain", **changes: Any) -> Call:
    turns = (Message("system", "You are asked."), Message("user", text))
    return Call(**{"messages": turns, "sampling": {}, "prompt": "ask"} | changes)


def send(model: Model, *calls: Call) -> list[Completion | CallError]:
    """Send calls one after another over one client; errors of single calls come back as they are."""

    async def work(backend: Backend) -> list[Completion | CallError]:
        results: list[Completion | CallError] = []
        for call in calls:
            try:
                results.append(await backend.send(call))
            except CallError as error:
                results.append(error)
        return results

    sent: list[Completion | CallError] = use(model, work)
    return sent


def use(model: Model, work: Callable[[Backend], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        backend = BACKEND.open(model, encode)
        try:
            return await work(backend)
        finally:
            await backend.close()

    return asyncio.run(main())


def send_one(model: Model, call: Call) -> Completion:
    [result] = send(model, call)
    assert isinstance(result, Completion), result
    return result


def fail_one(model: Model, call: Call) -> CallError:
    [result] = send(model, call)
    assert isinstance(result, CallError), result
    return result


def find_dead_address() -> str:
    """An address at which nothing listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"


# ------------------------------------------------------------------------------------- a server that takes notes


@dataclass
class Notes:
    """What a server got, and what it says."""

    body: bytes = b'{"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}'
    status: int = 200
    echo: bool = False
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        raw = await request.read()
        self.bodies.append(json.loads(raw) if raw else None)
        said = request.headers.get("Authorization", "").encode()
        return web.Response(status=self.status, body=self.body.replace(b"ECHO", said) if self.echo else self.body)


@asynccontextmanager
async def taking_notes(notes: Notes) -> AsyncIterator[str]:
    """Serve in this loop; gives the base URL."""
    runner = web.ServerRunner(web.Server(notes.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def send_noted(notes: Notes, call: Call, **changes: Any) -> Any:
    """Send one call to a server that takes notes; the request's body."""

    async def work() -> None:
        async with taking_notes(notes) as url:
            backend = BACKEND.open(make_model(url, **changes), encode)
            try:
                await backend.send(call)
            finally:
                await backend.close()

    asyncio.run(work())
    return notes.bodies[-1]


# ------------------------------------------------------------------------------------------------- what is sent


def test_request_is_a_chat_of_the_model(http: RunningServer) -> None:
    """Model, turns and sampling go out under the names of the protocol, and nothing else does."""
    body = send_noted(Notes(), make_call(sampling={"temperature": 0.2, "seed": 3}), structured="none")
    assert body == {
        "model": "scripted",
        "messages": [{"role": "system", "content": "You are asked."}, {"role": "user", "content": "rain"}],
        "temperature": 0.2,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("structured", "expected"),
    [
        (
            "json_schema",
            {"type": "json_schema", "json_schema": {"name": "simple_cot", "schema": SCHEMA, "strict": True}},
        ),
        ("json_object", {"type": "json_object"}),
        ("none", None),
    ],
)
def test_reply_schema_is_sent_as_the_recipe_says(structured: str, expected: Any) -> None:
    """The reply schema is enforced by the server, only asked for as JSON, or left to the prompt."""
    call = make_call(schema=SCHEMA, schema_name="simple_cot")
    assert send_noted(Notes(), call, structured=structured).get("response_format") == expected


@pytest.mark.parametrize("form", clips.FORMATS)
def test_audio_goes_before_the_text_in_its_format(form: str) -> None:
    """An audio part is base64 in the format and at the rate of the model's table, and stands before the text."""
    turns = (Message("user", "What is heard?", (Audio.silence(0.5), Audio.silence(1))),)
    body = send_noted(Notes(), make_call(messages=turns), audio=True, audio_format=form, sample_rate=8_000)
    [turn] = body["messages"]
    *parts, text = turn["content"]
    assert text == {"type": "text", "text": "What is heard?"}
    assert [part["type"] for part in parts] == ["input_audio"] * 2
    for part, seconds in zip(parts, (0.5, 1), strict=True):
        assert part["input_audio"]["format"] == form
        found = sf.info(io.BytesIO(base64.b64decode(part["input_audio"]["data"])))
        assert (found.format.lower(), found.samplerate, found.duration) == (form, 8_000, seconds)


def test_key_is_sent_as_bearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the named environment variable authorises every request."""
    monkeypatch.setenv("MY_KEY", KEY)
    notes = Notes()
    send_noted(notes, make_call(), api_key_env="MY_KEY")
    assert notes.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_without_a_key_nothing_authorises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of one's own is sent no key, not even one that lies about for OpenAI."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    notes = Notes()
    send_noted(notes, make_call())
    assert "Authorization" not in notes.headers[0]


@pytest.mark.parametrize("changes", [{"api_key_env": "MY_KEY", "base_url": ("http://x/v1",)}, {"base_url": ()}])
def test_missing_key_is_named(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    """A variable that is not set stops before anything is sent, and is named."""
    monkeypatch.delenv("MY_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(RecipeError, match=changes.get("api_key_env", "OPENAI_API_KEY")):
        BACKEND.open(make_model(**changes), encode)


# --------------------------------------------------------------------------------------------- what is understood


def test_completion_has_text_and_tokens(http: RunningServer) -> None:
    """The text, why it ended and the tokens that the server counted are told."""
    completion = send_one(make_model(http.base_url), make_call(schema=SCHEMA, schema_name="simple_cot"))
    assert "analysis" in json.loads(completion.text)
    assert completion.finish_reason == "stop"
    assert completion.prompt_tokens > 0 and completion.completion_tokens > 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("length", "length"), ("content_filter", "content_filter"), ("refusal", "refusal"), ("missing", "stop")],
)
def test_reason_of_the_end_is_told(http: RunningServer, fault: str, reason: str) -> None:
    """A reply cut short, filtered or refused is told as such."""
    assert send_one(make_model(http.base_url), make_call(strike(fault))).finish_reason == reason


def test_text_of_a_refusal_is_kept(http: RunningServer) -> None:
    """What a model says when it refuses is its raw reply."""
    completion = send_one(make_model(http.base_url), make_call(strike("refusal")))
    assert "cannot help" in completion.text


def test_slow_body_is_waited_for(http: RunningServer) -> None:
    """A body that drips in is read to its end."""
    assert send_one(make_model(http.base_url), make_call(strike("slow:0.3"))).text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b'{"choices": []}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": ["a", "list"]}}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": "many"}}',
        b'{"choices": [{"message": {"content": "x"}}], "usage": [1]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b"\xff\xfe",
    ],
)
def test_body_that_is_no_completion_is_worth_another_try(body: bytes) -> None:
    """Whatever a server or a proxy sends in place of a completion, the call may be sent again."""
    with pytest.raises(CallUnavailable) as caught:
        send_noted(Notes(body=body), make_call())
    assert caught.value.code == "bad_body"


@pytest.mark.parametrize("fault", ["not_json", "non_utf8", "reset_body", "close_early", "reset", "hang", "hang_body"])
def test_broken_answer_is_worth_another_try(http: RunningServer, fault: str) -> None:
    """An answer that breaks off, never comes or is no completion is told as such, and the next try succeeds."""
    first, second = send(make_model(http.base_url, timeout=0.5), *[make_call(strike(fault, 1))] * 2)
    codes = {"not_json": "bad_body", "non_utf8": "bad_body", "hang": "timeout", "hang_body": "timeout"}
    assert isinstance(first, CallUnavailable)
    assert first.code == codes.get(fault, "connection")
    assert isinstance(second, Completion)


def test_nothing_that_listens_is_worth_another_try() -> None:
    """A refused connection is told without the address, so that rejects do not depend on which server it was."""
    error = fail_one(make_model(find_dead_address()), make_call())
    assert isinstance(error, CallUnavailable)
    assert error.code == "connection" and "127.0.0.1" not in str(error)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_busy_server_is_worth_another_try(http: RunningServer, status: int) -> None:
    """Statuses that pass by themselves are told with their number, without a time to wait."""
    error = fail_one(make_model(http.base_url), make_call(strike(f"status:{status}")))
    assert isinstance(error, CallUnavailable)
    assert (error.code, error.retry_after) == (f"status_{status}", None)


def test_retry_after_in_seconds(http: RunningServer) -> None:
    """A time to wait in seconds is handed on."""
    error = fail_one(make_model(http.base_url), make_call(strike("status:429:retry-after=1")))
    assert isinstance(error, CallUnavailable) and error.retry_after == 1.0


def test_retry_after_as_a_date(http: RunningServer) -> None:
    """A date to wait for is handed on as the seconds until then."""
    error = fail_one(make_model(http.base_url), make_call(strike("status:429:retry-date=1")))
    assert isinstance(error, CallUnavailable) and error.retry_after is not None
    assert 0 <= error.retry_after <= 1


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "Sun, 99 Nov 2026 99:00:00 GMT", "1e400"])
def test_retry_after_that_makes_no_sense(value: str) -> None:
    """A time to wait that cannot be meant breaks nothing."""
    from audiomcq_cli.backends.openai_compatible import _retry_after

    after = _retry_after(value)
    assert after is None or after >= 0


def test_refused_call_fails_alone(http: RunningServer) -> None:
    """A 400 concerns this very call: it is not sent again, and the next one is answered."""
    first, second = send(make_model(http.base_url), make_call(strike("status:400")), make_call())
    assert isinstance(first, CallRefused) and first.code == "status_400"
    assert isinstance(second, Completion)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_stops(http: RunningServer, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """A refused key stops everything and names the variable that it came from."""
    monkeypatch.setenv("MY_KEY", KEY)
    with pytest.raises(AuthenticationFailed, match="'writer'") as caught:
        send(make_model(http.base_url, api_key_env="MY_KEY"), make_call(strike(f"status:{status}")))
    assert "$MY_KEY" in caught.value.hint


def test_missing_key_is_suspected(http: RunningServer) -> None:
    """Where no key was sent to a server that wants one, that is said, with the setting that gives one."""
    with pytest.raises(AuthenticationFailed) as caught:
        send(make_model(http.base_url), make_call(strike("status:401")))
    assert "api_key_env" in caught.value.hint


def test_unknown_model_stops(http: RunningServer) -> None:
    """A 404 stops everything and names the settings to look at."""
    with pytest.raises(ModelNotServed) as caught:
        send(make_model(http.base_url, model="unheard-of"), make_call())
    assert "unheard-of" in caught.value.hint and "base_url" in caught.value.hint


# --------------------------------------------------------------------------------------------------------- check


async def check(backend: Backend) -> None:
    await backend.check()


def test_check_is_content_with_a_served_model(http: RunningServer) -> None:
    """A server that lists the model passes, without a call being made."""
    use(make_model(http.base_url), check)
    assert http.stats()["received"] == 0


def test_check_names_what_is_served_instead(http: RunningServer) -> None:
    """A model that the server does not list is told before the first call, with those it has."""
    with pytest.raises(ModelNotServed, match="unheard-of") as caught:
        use(make_model(http.base_url, model="unheard-of"), check)
    assert "scripted" in caught.value.hint


def test_check_says_that_nothing_answers(http: RunningServer) -> None:
    """An address at which nothing listens is told before the first call, with what to look at."""
    address = find_dead_address()
    with pytest.raises(EndpointUnreachable, match="'writer'") as caught:
        use(make_model(address), check)
    use(make_model(http.base_url, address), check)  # of several one may be down
    assert address in str(caught.value) and "base_url" in caught.value.hint


# -------------------------------------------------------------------------------------------------- several addresses


def test_calls_are_spread_over_addresses(shared_server: RunningServer) -> None:
    """Each call goes to the address with the fewest calls in flight."""
    counts: dict[str, int] = {}

    async def work() -> None:
        notes = [Notes(), Notes()]
        async with taking_notes(notes[0]) as one, taking_notes(notes[1]) as two:
            backend = BACKEND.open(make_model(one, two), encode)
            await asyncio.gather(*(backend.send(make_call(str(number))) for number in range(10)))
            await backend.close()
        counts.update(one=len(notes[0].bodies), two=len(notes[1].bodies))

    asyncio.run(work())
    assert counts == {"one": 5, "two": 5}


def test_address_that_fails_is_passed_over(http: RunningServer) -> None:
    """After one failed call the other address is used alone."""
    model = make_model(find_dead_address(), http.base_url)
    first, *others = send(model, *(make_call(str(number)) for number in range(6)))
    assert isinstance(first, CallUnavailable)
    assert all(isinstance(other, Completion) for other in others)


def test_only_address_is_used_however_it_fails(http: RunningServer) -> None:
    """With one address there is nothing to pass over."""
    first, second = send(make_model(http.base_url), *[make_call(strike("status:503", 1))] * 2)
    assert isinstance(first, CallUnavailable) and isinstance(second, Completion)


# ------------------------------------------------------------------------------------------------------- the key


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"ECHO is not JSON"),
        (400, b"you sent ECHO"),
        (401, b"ECHO is refused"),
        (404, b"ECHO does not exist"),
        (503, b"x" * 480 + b"ECHO"),  # so that a message cut to length would hold a part of it
    ],
)
def test_key_that_a_server_echoes_is_not_told(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    """No error holds the key or a part of it, whatever the server says."""
    monkeypatch.setenv("MY_KEY", KEY)
    with pytest.raises(Exception) as caught:
        send_noted(Notes(body=body, status=status, echo=True), make_call(), api_key_env="MY_KEY")
    said = f"{caught.value!s} {caught.value!r} {getattr(caught.value, 'hint', '')}"
    assert "sk-" not in said


def test_key_that_a_model_says_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that puts the key into its reply does not bring it into the journal."""
    monkeypatch.setenv("MY_KEY", KEY)
    notes = Notes(body=b'{"choices": [{"message": {"content": "ECHO"}}]}', echo=True)

    async def work() -> Completion:
        async with taking_notes(notes) as url:
            backend = BACKEND.open(make_model(url, api_key_env="MY_KEY"), encode)
            try:
                return await backend.send(make_call())
            finally:
                await backend.close()

    assert asyncio.run(work()).text == "Bearer ***"


def test_opening_does_no_input_or_output() -> None:
    """A backend can be opened and closed without a server."""
    use(make_model(find_dead_address()), lambda backend: asyncio.sleep(0))


def test_time_is_only_read_from_the_header() -> None:
    """A date in the past is no time to wait."""
    from email.utils import formatdate

    from audiomcq_cli.backends.openai_compatible import _retry_after

    assert _retry_after(formatdate(time.time() - 3600, usegmt=True)) == 0.0
