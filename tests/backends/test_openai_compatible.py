"""The lean client: what it sends, what it makes of every answer, and that the key goes nowhere but to the server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import io
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from aiohttp import web

from audiomcq_cli import audio as clips
from audiomcq_cli.backends._answers import LONGEST_BODY, LONGEST_WAIT, read_load, read_wait
from audiomcq_cli.backends.openai_compatible import BACKEND
from audiomcq_cli.contracts import Audio, Backend, Call, Clip, Completion, Load, Message, Model, Silence
from audiomcq_cli.errors import (
    AccountExhausted,
    AuthenticationFailed,
    CallDenied,
    CallError,
    CallRefused,
    CallUnavailable,
    EndpointUnreachable,
    ModelError,
    ModelNotServed,
    RecipeError,
)
from tests.conftest import strike
from tests.servers.llama import HEARING, running_hearing
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted

SCHEMA = {"type": "object", "properties": {"analysis": {"type": "string"}}, "required": ["analysis"]}
KEY = "sk-secret-0123456789"


async def encode(audio: Audio, *, rate: int, format: str) -> bytes:
    return clips.read_part(audio, rate, format)


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
    content_type: str = "application/json"
    echo: bool = False
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        raw = await request.read()
        self.bodies.append(json.loads(raw) if raw else None)
        said = request.headers.get("Authorization", "").encode()
        body = self.body.replace(b"ECHO", said) if self.echo else self.body
        return web.Response(status=self.status, body=body, content_type=self.content_type)


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


def send_noted(notes: Notes, call: Call, completions: list[Completion] | None = None, **changes: Any) -> Any:
    """Send one call to a server that takes notes; the request's body, and what came back beside it."""
    received = [] if completions is None else completions

    async def work() -> None:
        async with taking_notes(notes) as url:
            backend = BACKEND.open(make_model(url, **changes), encode)
            try:
                received.append(await backend.send(call))
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
    turns = (Message("user", "What is heard?", (Silence(0.5), Silence(1))),)
    body = send_noted(Notes(), make_call(messages=turns), audio=True, audio_format=form, sample_rate=8_000)
    [turn] = body["messages"]
    *parts, text = turn["content"]
    assert text == {"type": "text", "text": "What is heard?"}
    assert [part["type"] for part in parts] == ["input_audio"] * 2
    for part, seconds in zip(parts, (0.5, 1), strict=True):
        assert part["input_audio"]["format"] == form
        found = sf.info(io.BytesIO(base64.b64decode(part["input_audio"]["data"])))
        assert (found.format.lower(), found.samplerate, found.duration) == (form, 8_000, seconds)


@dataclass
class Ears(Notes):
    """A server that refuses audio in formats that it does not take, and notes in which one each call came."""

    takes: tuple[str, ...] = ("wav",)
    refuses: int = 400
    formats: list[str] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        content = json.loads(await request.read())["messages"][-1]["content"]
        self.formats.append(content[0]["input_audio"]["format"] if isinstance(content, list) else "")
        self.status = 200 if self.formats[-1] in ("", *self.takes) else self.refuses
        return await super().handle(request)


def hear(ears: Ears, *parts: Audio | None, **changes: Any) -> list[Completion | CallError]:
    """Send calls with one audio part each, or none, one after another."""

    async def work() -> list[Completion | CallError]:
        results: list[Completion | CallError] = []
        async with taking_notes(ears) as url:
            backend = BACKEND.open(make_model(url, audio=True, **changes), encode)
            try:
                for part in parts:
                    turns = (Message("user", "What is heard?", (part,) if part else ()),)
                    try:
                        results.append(await backend.send(make_call(messages=turns)))
                    except CallError as error:
                        results.append(error)
            finally:
                await backend.close()
        return results

    return asyncio.run(work())


@pytest.mark.parametrize("status", [400, 415, 422, 500])
def test_smaller_format_is_given_up_where_it_is_refused(status: int) -> None:
    """A server that does not take flac is sent the same call as wav, and from then on all others."""
    ears = Ears(refuses=status)
    replies = hear(ears, Silence(1), None, Silence(1), Silence(2))
    assert all(isinstance(reply, Completion) for reply in replies)
    assert ears.formats == ["flac", "wav", "", "wav", "wav"]


def test_smaller_format_is_kept_where_it_is_taken() -> None:
    """After one call with flac was answered a refusal has another reason, and the call is not sent as wav."""
    ears = Ears(takes=("flac",))
    assert len(hear(ears, Silence(1), Silence(1))) == 2
    assert ears.formats == ["flac", "flac"]


def test_refusal_of_both_formats_says_nothing_of_them() -> None:
    """Where wav is refused as well the fault is another one: the next call is tried like the first."""
    ears = Ears(takes=())
    assert all(isinstance(reply, CallRefused) for reply in hear(ears, Silence(1), Silence(1)))
    assert ears.formats == ["flac", "wav", "flac", "wav"]


def test_format_of_the_recipe_is_not_departed_from() -> None:
    """A recipe that says flac means it."""
    ears = Ears()
    assert isinstance(hear(ears, Silence(1), audio_format="flac")[0], CallRefused)
    assert ears.formats == ["flac"]


def test_audio_goes_as_a_data_url_where_the_recipe_says_so() -> None:
    """The other form of an audio part, which vLLM and others take, holds the same bytes."""
    turns = (Message("user", "What is heard?", (Silence(1),)),)
    body = send_noted(Notes(), make_call(messages=turns), audio=True, audio_part="audio_url")
    [part, _] = body["messages"][0]["content"]
    head, _, data = part["audio_url"]["url"].partition(",")
    assert (part["type"], head) == ("audio_url", "data:audio/flac;base64")
    assert sf.info(io.BytesIO(base64.b64decode(data))).duration == 1


def test_silence_is_small_where_the_server_takes_flac() -> None:
    """20 s of silence are less than 3 kB of base64 as flac, and 0.85 MB as wav."""
    turns = (Message("user", "?", (Silence(20),)),)
    small, large = (
        len(json.dumps(send_noted(Notes(), make_call(messages=turns), audio=True, audio_format=form)))
        for form in ("auto", "wav")
    )
    assert small < 3_000 and large > 850_000


def test_llama_hears_flac_and_wav() -> None:
    """llama.cpp takes both formats, hears the same in them, and something else in another clip; it has no use for a
    data URL, and says so."""
    noises = {f"{seed}.wav": np.random.default_rng(seed).uniform(-0.3, 0.3, 16_000) for seed in (1, 2)}
    sampling = {"temperature": 0, "max_tokens": 24, "grammar": "root ::= [a-z]{12,20}"}

    async def encode_noise(audio: Audio, *, rate: int, format: str) -> bytes:
        assert isinstance(audio, Clip)
        return clips.encode(noises[audio.path].astype(np.float32), rate, format)

    async def hear_noise(url: str, path: str, **changes: Any) -> str:
        backend = BACKEND.open(make_model(url, model=HEARING, audio=True, timeout=60.0, **changes), encode_noise)
        turns = (Message("user", "Listen.", (Clip("Set", path),)),)
        try:
            return (await backend.send(make_call(messages=turns, sampling=sampling))).text
        finally:
            await backend.close()

    with running_hearing() as server:
        small, large, other = (
            asyncio.run(hear_noise(server.base_url, path, audio_format=format))
            for path, format in (("1.wav", "flac"), ("1.wav", "wav"), ("2.wav", "auto"))
        )
        assert small == large != other and small.isalpha()
        with pytest.raises(CallRefused, match="unsupported content"):
            asyncio.run(hear_noise(server.base_url, "1.wav", audio_part="audio_url"))


def test_body_of_megabytes_is_sent(http: RunningServer) -> None:
    """Half a minute of wav goes out whole, and without a warning that it holds up the other calls."""
    turns = (Message("user", "Is it quiet?", (Silence(30),)),)
    model = make_model(http.base_url, audio=True, audio_format="wav")
    assert send_one(model, make_call(messages=turns)).text


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
        b'{"choices": [{"message": {"content": [["a"], "list"]}}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
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


@pytest.mark.parametrize(
    "value",
    ["soon", "-5", "nan", "inf", "Sun, 99 Nov 2026 99:00:00 GMT", "1e400", "1e300", "9" * 400]
    + [
        f"Mon, 01 Jan {year} 00:00:00 {zone}"
        for year in ("0001", "9999", "99999999")
        for zone in ("GMT", "+2359", "-2359")
    ],
)
def test_retry_after_that_makes_no_sense(value: str) -> None:
    """A time to wait that cannot be meant breaks nothing, and is a day at most."""
    for headers in ({"Retry-After": value}, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": value}):
        after = read_wait(headers)
        assert after is None or 0 <= after <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30.5s"}, 90.5),
        ({"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s", "Retry-After": "2"}, 2),
        ({}, None),
    ],
)
def test_time_to_wait_is_read_from_the_allowance(headers: dict[str, str], seconds: float | None) -> None:
    """Without a Retry-After it is the time until the allowance that is used up comes back."""
    assert read_wait(headers) == seconds


@pytest.mark.parametrize(("status", "busy"), [(429, True), (503, True), (500, False), (408, False)])
def test_busy_server_is_told_from_a_broken_one(http: RunningServer, status: int, busy: bool) -> None:
    """A server that has too many calls says so by its status."""
    error = fail_one(make_model(http.base_url), make_call(strike(f"status:{status}")))
    assert isinstance(error, CallUnavailable) and error.busy == busy


@pytest.mark.parametrize("status", [413, 422])
def test_request_that_the_server_cannot_take_fails_alone(status: int) -> None:
    """What is too large or makes no sense to the server concerns this call only."""
    with pytest.raises(CallRefused):
        send_noted(Notes(status=status), make_call())


@pytest.mark.parametrize("status", [301, 307])
def test_address_that_has_moved_stops(status: int) -> None:
    """A redirect is not followed with the key, and the setting to change is named."""
    with pytest.raises(ModelNotServed) as caught:
        send_noted(Notes(status=status), make_call())
    assert "base_url" in caught.value.hint


# ------------------------------------------------------------------------------------------------- sizes and times


def test_large_answer_is_read() -> None:
    """A reply of 10 MB is an answer like others."""
    text = "la " * 3_500_000
    completions: list[Completion] = []
    body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    send_noted(Notes(body=body), make_call(), completions)
    assert completions[0].text == text


def test_answer_without_end_is_given_up() -> None:
    """An answer that is too large is not read to its end, and is a reply of no use."""
    completions: list[Completion] = []
    send_noted(Notes(body=b"x" * (2 * LONGEST_BODY)), make_call(), completions)
    assert (completions[0].finish_reason, completions[0].text) == ("too_large", "")


def test_type_of_the_content_does_not_matter() -> None:
    """A completion is one whatever its content type says."""
    completions: list[Completion] = []
    send_noted(Notes(content_type="text/html"), make_call(), completions)
    assert completions[0].text == "fine"


@pytest.mark.parametrize("fault", ["hang", "hang_body", "slow:0.3"])
def test_whole_answer_has_a_time(http: RunningServer, fault: str) -> None:
    """An answer that hangs, stops half way or drips ends when the time for the whole is over."""
    error = fail_one(make_model(http.base_url, timeout=0.15), make_call(strike(fault)))
    assert error.code == "timeout" and "whole answer within 0.15 s" in str(error)


def test_beginning_of_an_answer_has_a_time(http: RunningServer) -> None:
    """An answer that does not begin ends sooner than the time for the whole, one that drips is waited for."""
    model = make_model(http.base_url, first_byte_timeout=0.2)
    error = fail_one(model, make_call(strike("hang")))
    assert error.code == "timeout" and "began within 0.2 s" in str(error)
    assert send_one(model, make_call(strike("slow:0.3"))).text


def test_connection_has_a_time() -> None:
    """A server that takes no connections ends the call early, and is known to be down."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):  # more than it keeps waiting: the next is not answered
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        model = make_model(f"http://127.0.0.1:{server.getsockname()[1]}/v1", connect_timeout=0.2)
        error = fail_one(model, make_call())
    assert isinstance(error, CallUnavailable) and error.down
    assert (error.code, str(error)) == ("timeout", "no connection within 0.2 s")


def test_many_calls_at_once_do_not_wait_for_connections() -> None:
    """No time-out counts waiting for a connection: there are as many as there are calls."""
    model_of = functools.partial(make_model, timeout=9.0)

    async def work(backend: Backend) -> list[Completion]:
        return await asyncio.gather(*(backend.send(make_call(str(number))) for number in range(400)))

    with running_scripted(latency_ms=3000) as server:
        assert len(use(model_of(server.base_url), work)) == 400


# --------------------------------------------------------------------------------------------------------- load

VLLM = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="scripted"} 12.0
vllm:num_requests_running{engine="1",model_name="scripted"} 3.0
vllm:num_requests_running{engine="0",model_name="other"} 100.0
vllm:num_requests_waiting{engine="0",model_name="scripted"} 4.0
vllm:num_requests_waiting{engine="1",model_name="scripted"} 0.0
vllm:num_requests_waiting{engine="0",model_name="other"} 100.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="scripted",reason="capacity"} 9.0
"""


@pytest.mark.parametrize(
    ("text", "load"),
    [
        (VLLM, Load(15, 4)),
        ("vllm:num_requests_running 3\nvllm:num_requests_waiting 1e1\n", Load(3, 10)),
        ('sglang:num_running_reqs{model_name="x"} 2.0\nsglang:num_queue_reqs{model_name="x"} 5.0\n', Load(2, 5)),
        ("llamacpp:requests_processing 1\nllamacpp:requests_deferred 7\n", Load(1, 7)),
        ("vllm:num_requests_running 3\n", None),
        ("vllm:num_requests_running -.-\nvllm:num_requests_waiting 1\n", None),
        ("vllm:num_requests_running 1e999\nvllm:num_requests_waiting 1\n", None),
        ("vllm:num_requests_running NaN\nvllm:num_requests_waiting 1\n", None),
        ("vllm:num_requests_running 3\nvllm:num_requests_waiting -7\n", None),
        ("vllm:num_requests_running +Inf\nvllm:num_requests_waiting 1e300\n", None),
        ("<html>welcome</html>", None),
        ("", None),
    ],
)
def test_load_is_read_of_metrics(text: str, load: Load | None) -> None:
    """Calls in work and in the queue are told by vLLM, SGLang and llama.cpp, each in its own words."""
    assert read_load(text, "scripted") == load


def test_load_is_asked_of_the_server() -> None:
    """Metrics lie beside the path of the protocol; a server without them is asked once."""

    async def look(backend: Backend) -> tuple[Load | None, Load | None]:
        assert BACKEND.look
        return await BACKEND.look(backend), await BACKEND.look(backend)

    with running_scripted(metrics=True) as server:
        assert use(make_model(server.base_url), look) == (Load(0, 0), Load(0, 0))
    with running_scripted() as server:
        assert use(make_model(server.base_url), look) == (None, None)


# ------------------------------------------------------------------------------------------------- calls that end


def test_refused_call_fails_alone(http: RunningServer) -> None:
    """A 400 concerns this very call: it is not sent again, and the next one is answered."""
    first, second = send(make_model(http.base_url), make_call(strike("status:400")), make_call())
    assert isinstance(first, CallRefused) and first.code == "status_400"
    assert isinstance(second, Completion)


def deny(model: Model, call: Call) -> ModelError:
    """What it means that a call was denied, if nothing else comes of its address."""
    error = fail_one(model, call)
    assert isinstance(error, CallDenied)
    return error.problem


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_is_named(http: RunningServer, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """A call that is denied names the variable that its key came from, should that be the reason."""
    monkeypatch.setenv("MY_KEY", KEY)
    problem = deny(make_model(http.base_url, api_key_env="MY_KEY"), make_call(strike(f"status:{status}")))
    assert isinstance(problem, AuthenticationFailed)
    assert "'writer'" in str(problem) and "$MY_KEY" in problem.hint


def test_missing_key_is_suspected(http: RunningServer) -> None:
    """Where no key was sent to a server that wants one, that is said, with the setting that gives one."""
    assert "api_key_env" in deny(make_model(http.base_url), make_call(strike("status:401"))).hint


def test_unknown_model_is_named(http: RunningServer) -> None:
    """A 404 names the settings to look at."""
    problem = deny(make_model(http.base_url, model="unheard-of"), make_call())
    assert isinstance(problem, ModelNotServed)
    assert "unheard-of" in problem.hint and "base_url" in problem.hint


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"message": "…", "type": "insufficient_quota", "code": "insufficient_quota"}}),
        (400, {"error": {"message": "…", "type": "billing_limit", "code": "billing_hard_limit_reached"}}),
        (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request"}}),
        (402, {"error": {"message": "can only afford 7", "code": 402, "metadata": {"raw": {}}}}),
        (402, "no JSON"),
        (403, {"error": {"message": "用户额度不足", "code": "insufficient_user_quota"}}),
        (400, {"code": "Arrearage", "message": "Access denied"}),
        (429, {"error": {"type": "exceeded_current_quota_error", "message": "…"}}),
        (429, {"error": {"error": {"message": "a gateway's", "code": "insufficient_quota"}}}),
    ],
)
def test_account_without_money_ends_it(status: int, body: Any) -> None:
    """What providers say of an empty account is told from a limit that passes, and their words are told."""
    with pytest.raises(AccountExhausted, match=f"answered {status}"):
        send_noted(Notes(status=status, body=json.dumps(body).encode()), make_call())


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Your credit balance is too low to access the Anthropic API."),
        (403, "Your newly created team doesn't have any credits yet."),
        (429, "Your team has used all available credits or reached its monthly spending limit."),
    ],
)
def test_account_without_money_by_words_alone(status: int, message: str) -> None:
    """What a provider has no code for may be a text of ours in its error: the address is judged by what else comes."""
    with pytest.raises(CallDenied) as caught:
        send_noted(Notes(status=status, body=json.dumps({"error": {"message": message}}).encode()), make_call())
    assert isinstance(caught.value.problem, AccountExhausted)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}},
        [
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota, please check your plan and billing details.",
                    "status": "RESOURCE_EXHAUSTED",
                }
            }
        ],
        {"error": {"message": "free-models-per-day", "code": 429}},
    ],
)
def test_limit_that_passes_is_waited_for(body: Any) -> None:
    """A 429 without a word of money is worth another try, whatever its text has in common with one about money."""
    with pytest.raises(CallUnavailable) as caught:
        send_noted(Notes(status=429, body=json.dumps(body).encode()), make_call())
    assert caught.value.busy


def test_words_of_a_server_are_one_short_line() -> None:
    """What a server says is told without what steers a terminal, and not at length."""
    said = json.dumps({"error": {"message": "\x1b[31mred\n\u202eevil\u0007 " + "x" * 9_000}}).encode()
    with pytest.raises(CallRefused) as caught:
        send_noted(Notes(status=400, body=said), make_call())
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("usage", "prompt", "completion", "counted"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 4}, 9, 4, True),
        ({"prompt_tokens": 9.0, "completion_tokens": 4}, 9, 4, True),
        (None, 0, 0, False),
        ({}, 0, 0, False),
        ([1], 0, 0, False),
        ("9", 0, 0, False),
        ({"prompt_tokens": 9}, 9, 0, False),
        ({"prompt_tokens": 9, "completion_tokens": -120_000}, 9, 0, False),
        ({"prompt_tokens": 1e30, "completion_tokens": 4}, 0, 4, False),
        ({"prompt_tokens": True, "completion_tokens": "4"}, 0, 0, False),
        ({"prompt_tokens": {"total": 9}, "completion_tokens": None}, 0, 0, False),
        ({"prompt_tokens": 0, "completion_tokens": 0}, 0, 0, False),
    ],
)
def test_tokens_that_cannot_be_are_not_counted(usage: Any, prompt: int, completion: int, counted: bool) -> None:
    """A reply is as good as any whatever its server says of tokens; what cannot be is known to be unknown."""
    completions: list[Completion] = []
    body = json.dumps({"choices": [{"message": {"content": "fine"}}], "usage": usage}).encode()
    send_noted(Notes(body=body), make_call(), completions)
    [said] = completions
    assert (said.text, said.prompt_tokens, said.completion_tokens) == ("fine", prompt, completion)
    assert said.counted == counted


# --------------------------------------------------------------------------------------------------------- check


async def check(backend: Backend) -> str | None:
    return await backend.check()


def test_check_is_content_with_a_served_model(http: RunningServer) -> None:
    """A server that lists the model passes, without a call being made."""
    use(make_model(http.base_url), check)
    assert http.stats()["received"] == 0


def test_check_names_what_is_served_instead(http: RunningServer) -> None:
    """A model that the server does not list is warned of before the first call, with those it has."""
    warning = use(make_model(http.base_url, model="unheard-of"), check)
    assert "does not list 'unheard-of'" in warning and "scripted" in warning and "check_models" in warning


def test_check_can_be_turned_off(http: RunningServer) -> None:
    """Where the recipe says so, neither the list nor a refusal to show it counts; a dead address still does."""
    assert use(make_model(http.base_url, model="unheard-of", check_models=False), check) is None
    with pytest.raises(EndpointUnreachable):
        use(make_model(find_dead_address(), check_models=False), check)


@pytest.mark.parametrize("status", [401, 403])
def test_check_stops_where_the_list_is_refused(status: int) -> None:
    """A server that refuses its list refuses the key, and that is no matter of one call."""

    async def work() -> None:
        async with taking_notes(Notes(status=status)) as url:
            backend = BACKEND.open(make_model(url), encode)
            try:
                await backend.check()
            finally:
                await backend.close()

    with pytest.raises(AuthenticationFailed):
        asyncio.run(work())


def test_check_says_that_nothing_answers(http: RunningServer) -> None:
    """An address at which nothing listens is told before the first call, with what to look at."""
    address = find_dead_address()
    with pytest.raises(EndpointUnreachable, match="'writer'") as caught:
        use(make_model(address), check)
    assert address in str(caught.value) and "base_url" in caught.value.hint


# ------------------------------------------------------------------------------------------------------- the key


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"ECHO is not JSON"),
        (400, b"you sent ECHO"),
        (401, b"ECHO is refused"),
        (404, b"ECHO does not exist"),
        (402, b'{"error": {"message": "ECHO has no money"}}'),
        (403, b'{"error": "ECHO is flagged"}'),
        (503, b"x" * 480 + b"ECHO"),  # so that a message cut to length would hold a part of it
    ],
)
def test_key_that_a_server_echoes_is_not_told(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    """No error holds the key or a part of it, whatever the server says."""
    monkeypatch.setenv("MY_KEY", KEY)
    with pytest.raises(Exception) as caught:
        send_noted(Notes(body=body, status=status, echo=True), make_call(), api_key_env="MY_KEY")
    problem = getattr(caught.value, "problem", caught.value)
    said = f"{caught.value!s} {caught.value!r} {problem!s} {getattr(problem, 'hint', '')}"
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

    assert read_wait({"Retry-After": formatdate(time.time() - 3600, usegmt=True)}) == 0.0


@pytest.mark.parametrize(
    ("path", "hint"),
    [("", "base_url has no /v1: try {}/v1"), ("/v1/chat/completions", "try {}/v1"), ("/v1", "check model = 'else'")],
)
def test_hint_of_a_404_is_the_address_that_is_meant(path: str, hint: str) -> None:
    """A 404 of an address without /v1, or with the path of the protocol, is laid to the address."""
    with running_scripted(models=("scripted",)) as server:
        root = server.base_url.removesuffix("/v1")
        with pytest.raises(CallDenied) as denied:
            use(make_model(root + path, model="else"), lambda backend: backend.send(make_call()))
    assert hint.format(root) in denied.value.problem.hint


def test_connection_that_fails_is_told_in_plain_words() -> None:
    """What a library says of its sockets is not repeated: refused, no such host, closed."""
    wrong = {find_dead_address(): "connection refused", "http://no-such-host.invalid/v1": "no such host"}
    for address, words in wrong.items():
        with pytest.raises(EndpointUnreachable, match=f"^model 'writer' at {address}: nothing answers: {words}$"):
            use(make_model(address), lambda backend: backend.check())
