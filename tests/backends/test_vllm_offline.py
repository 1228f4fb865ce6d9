"""vLLM in this process: asked as its server is, never idle, stopped between two steps.

With a stand-in of the same call shapes, and where vLLM is installed with vLLM itself and a small model made here.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import pytest

from audiomcq_cli.backends import _vllm_engine
from audiomcq_cli.backends.vllm_offline import BACKEND, VllmOptions, _make_parameters
from audiomcq_cli.contracts import Audio, Backend, Call, Completion, Message, Model, Silence
from audiomcq_cli.errors import CallRefused, CallUnavailable, ModelError, ModelNotServed, RecipeError
from tests.cli import audiomcq, hash_tree, spawn, start, write_recipe, write_tones
from tests.servers.process import RunningServer
from tests.servers.replies import Manner
from tests.servers.scripted import running_scripted

F = TypeVar("F", bound=Callable[..., Any])

ROOT = Path(__file__).parents[2]
FAKES = ROOT / "tests" / "fakes"
WITH_FAKES = Path(f"{ROOT}{os.pathsep}{FAKES}")
"""What stands in PYTHONPATH of a command that is to find the stand-in."""

INSTALLED = find_spec("vllm") is not None


def needs_vllm(test: F) -> F:
    """Leave a test out where vLLM is not installed; what it warns of itself is not ours."""
    quiet: F = pytest.mark.filterwarnings("ignore")(test)
    marked: F = pytest.mark.skipif(not INSTALLED, reason="vLLM is not installed")(quiet)
    return marked


SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}},
    "required": ["question"],
    "additionalProperties": False,
}


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "vllm"]:
        del sys.modules[name]


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in, as the ``vllm`` that is imported."""
    for name in _vllm_engine.ENVIRONMENT:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # so that it is unset again afterwards
    forget()
    monkeypatch.syspath_prepend(str(FAKES))
    import vllm

    yield vllm
    forget()


async def encode(audio: Audio, *, rate: int, format: str) -> bytes:
    return f"{audio.key()[0]} {rate} {format}".encode()


def make_model(**changes: Any) -> Model:
    settings = VllmOptions(**changes.pop("settings", {}))
    usual: dict[str, Any] = {"name": "writer", "backend": "vllm-offline", "model": "scripted", "settings": settings}
    return Model(**usual | changes)


def make_call(text: str = "What is heard?", *continuations: str, **changes: Any) -> Call:
    turns = (Message("system", "Answer."), Message("user", text))
    return Call(**{"messages": turns, "sampling": {}, "prompt": "ask", "continuations": continuations} | changes)


def ask(call: Call | None = None, **changes: Any) -> Completion:
    """Open a model, send it a call and close it."""

    async def work(backend: Backend) -> Completion:
        return await backend.send(call or make_call())

    completion: Completion = using(work, **changes)
    return completion


def using(work: Any, **changes: Any) -> Any:
    """Do something with an opened and checked backend."""

    async def main() -> Any:
        backend = BACKEND.open(make_model(**changes), encode)
        try:
            await backend.check()
            return await asyncio.wait_for(work(backend), 60)
        finally:
            await backend.close()

    return asyncio.run(main())


def asked(vllm: Any) -> Any:
    """The one request that was made."""
    [llm] = vllm.MADE
    [request] = llm.asked
    return request


# ------------------------------------------------------------------------------------------------------- asking


def test_a_conversation_is_the_servers(vllm: Any) -> None:
    """Roles and texts are handed over as a server gets them, the audio before the text of its turn."""
    silence = Silence(30)
    turns = (Message("system", "Listen."), Message("user", "What is it?", (silence,)), Message("assistant", "A dog."))
    ask(make_call(messages=turns), audio=True, audio_format="flac")
    data = base64.b64encode(b"silence:30 16000 flac").decode()
    assert asked(vllm).messages == [
        {"role": "system", "content": "Listen."},
        {
            "role": "user",
            "content": [
                {"type": "input_audio", "input_audio": {"data": data, "format": "flac"}},
                {"type": "text", "text": "What is it?"},
            ],
        },
        {"role": "assistant", "content": "A dog."},
    ]


def test_silence_is_held_once(vllm: Any) -> None:
    """Calls about the same audio share one text of it, however many wait."""

    async def work(backend: Backend) -> None:
        turns = [(Message("user", f"Question {n}", (Silence(30),)),) for n in range(2)]
        await asyncio.gather(*(backend.send(make_call(messages=messages)) for messages in turns))

    using(work, audio=True)
    assert vllm.MADE[0].asked[0].messages[0]["content"][0]["input_audio"]["format"] == "flac"
    first, second = (request.messages[0]["content"][0] for request in vllm.MADE[0].asked)
    assert first is second


def test_special_tokens_are_the_templates(vllm: Any) -> None:
    """The tokenizer adds none to those of the chat template, as for the server; its variables reach the template."""
    ask(make_call(sampling={"chat_template_kwargs": {"enable_thinking": False}}))
    assert asked(vllm).tokenization == {"add_special_tokens": False}
    assert asked(vllm).template == {"enable_thinking": False}


def test_a_completion_is_filled(vllm: Any) -> None:
    """Text, the reason of its end and both counts of tokens are vLLM's."""
    whole = ask(make_call("A <question>?</question>"))
    assert whole.text.startswith("<answer>")
    assert (whole.finish_reason, whole.completion_tokens) == ("stop", len(whole.text))
    assert whole.prompt_tokens > 0
    cut = ask(make_call("A <question>?</question>", sampling={"max_tokens": 4}))
    assert (cut.text, cut.finish_reason, cut.completion_tokens) == (whole.text[:4], "length", 4)


# ----------------------------------------------------------------------------------------------------- sampling


def test_without_sampling_the_server_has_its_own(vllm: Any) -> None:
    """What nobody sets is what vLLM's server takes: temperature 1, as many tokens as fit."""
    ask()
    params = asked(vllm).params
    assert (params.temperature, params.top_p, params.top_k, params.max_tokens) == (1.0, 1.0, 0, None)


def test_the_models_own_sampling_comes_before_the_servers(vllm: Any) -> None:
    """The model's ``generation_config.json`` counts where the recipe says nothing, as for the server."""
    vllm.GENERATION_CONFIG.update({"temperature": 0.6, "top_k": 20, "max_tokens": 99})
    ask(make_call(sampling={"temperature": 0.2}))
    params = asked(vllm).params
    assert (params.temperature, params.top_k, params.max_tokens) == (0.2, 20, 99)


def test_names_of_the_protocol_are_vllms(vllm: Any) -> None:
    """Each parameter of the protocol arrives; the newer name of the longest reply goes before the older one."""
    sampling = {"seed": 7, "stop": ["\n"], "presence_penalty": 0.5, "frequency_penalty": 0.25, "min_p": 0.1}
    ask(make_call(sampling={**sampling, "max_tokens": 5, "max_completion_tokens": 6, "n": 1, "top_logprobs": 2}))
    params = asked(vllm).params
    assert {name: getattr(params, name) for name in sampling} == sampling
    assert (params.max_tokens, params.n) == (6, 1)


@pytest.mark.parametrize(
    ("sampling", "named", "hint"),
    [
        ({"best_of": 2}, "'best_of'", "temperature"),
        ({"n": 2}, "n has to be 1", "set n to 1"),
        ({"reasoning_effort": "low"}, "'re", "temperature"),
    ],
)
def test_unknown_sampling_is_named(sampling: Mapping[str, Any], named: str, hint: str) -> None:
    """A parameter that would be passed over stops the run before anything is loaded."""
    with pytest.raises(RecipeError, match=f"'writer'.*{named}") as caught:
        BACKEND.open(make_model(sampling=sampling), encode)
    assert hint in caught.value.hint


def test_impossible_sampling_is_a_mistake_of_the_recipe(vllm: Any) -> None:
    """A value that vLLM refuses is said once, not for every row."""
    with pytest.raises(RecipeError, match=r"'writer': sampling: temperature must be"):
        ask(sampling={"temperature": -1})


@pytest.mark.parametrize(
    ("structured", "wanted"),
    [("json_schema", {"json": SCHEMA, "json_object": None}), ("json_object", {"json": None, "json_object": True})],
)
def test_a_schema_is_held_to(structured: str, wanted: Mapping[str, Any], vllm: Any) -> None:
    """vLLM is told the schema, or that it be JSON, as the recipe says."""
    ask(make_call(schema=SCHEMA, schema_name="question"), structured=structured)
    assert vars(asked(vllm).params.structured_outputs) == wanted


def test_free_text_is_free(vllm: Any) -> None:
    """Without a schema, or where the recipe wants none, nothing is held to."""
    ask(make_call(schema=SCHEMA), structured="none")
    assert asked(vllm).params.structured_outputs is None


# ------------------------------------------------------------------------------------------------------- scores


def test_continuations_are_scored(vllm: Any) -> None:
    """The score of a text is the sum over its tokens behind the prompt, rendered as for a chat."""
    completion = ask(make_call("Which?", "ab", "<c>"), sampling={"temperature": 0.7})
    plain = [-sum(text) / 64 for text in (b"ab", b"<c>")]
    assert [score["logprob"] for score in completion.scores] == pytest.approx(plain)
    assert [score["tokens"] for score in completion.scores] == [2, 3]  # no space of its own before the first
    rendered, *scored = vllm.MADE[0].asked
    assert [turn["role"] for turn in rendered.messages] == ["system", "user"]
    assert all((one.params.prompt_logprobs, one.params.max_tokens) == (0, 1) for one in scored)


def test_audio_cannot_be_scored(vllm: Any) -> None:
    """A score behind audio is refused, never computed without it."""
    turns = (Message("user", "Which?", (Silence(1),)),)
    with pytest.raises(CallRefused, match="audio"):
        ask(make_call(messages=turns, continuations=("a",)), audio=True)


# ------------------------------------------------------------------------------------------------------ the engine


def test_the_batch_is_full(vllm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With rows enough a step works on as many requests as it can, but for the beginning and the end."""
    monkeypatch.setenv("FAKE_VLLM_STEP", "0.001")
    vllm.CHARACTERS_A_STEP = 2  # of a verdict: some ten steps

    async def work(backend: Backend) -> None:
        slots = asyncio.Semaphore(128)

        async def row(number: int) -> None:
            async with slots:
                for turn in range(3):
                    await backend.send(make_call(f"<question>{number} {turn}</question>"))

        await asyncio.gather(*(row(n) for n in range(1_000)))

    using(work, settings={"max_num_seqs": 64})
    [llm] = vllm.MADE
    worked_on = llm.llm_engine.worked_on
    assert len(llm.asked) == 3_000
    assert sum(worked_on) > 0.9 * 64 * len(worked_on)


def test_one_bad_request_fails_alone(vllm: Any) -> None:
    """A prompt that is too long is refused; those beside it are answered."""

    async def work(backend: Backend) -> list[Any]:
        texts = ["short", "long " * 1_000, "short as well"]
        return await asyncio.gather(*(backend.send(make_call(text)) for text in texts), return_exceptions=True)

    first, refused, last = using(work, settings={"max_model_len": 500})
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)
    assert isinstance(refused, CallRefused)
    assert refused.code == "status_400"
    assert "maximum context length" in str(refused)


def test_a_dead_engine_stops_the_stage(vllm: Any) -> None:
    """Everybody who waits, and whoever comes after, is told that no call can work, and what to change."""

    async def work(backend: Backend) -> list[Any]:
        texts = [f"Row {n}" for n in range(5)] + ["[vllm dies]"]
        calls = [backend.send(make_call(text)) for text in texts]
        return [*await asyncio.gather(*calls, return_exceptions=True), await wait_for_error(backend.send(make_call()))]

    errors = using(work)
    assert len(errors) == 7
    assert all(isinstance(error, ModelError) and "max_num_seqs" in error.hint for error in errors)


async def wait_for_error(awaited: Awaitable[Any]) -> BaseException | None:
    try:
        await awaited
    except ModelError as error:
        return error
    return None


def test_an_aborted_reply_is_asked_again(vllm: Any) -> None:
    """A reply that vLLM broke off is no reply; the engine goes on."""
    with pytest.raises(CallUnavailable, match="abort"):
        ask(make_call("[vllm aborts]"))


def test_abandoned_calls_are_dropped(vllm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that nobody waits for any more costs no further step."""
    monkeypatch.setenv("FAKE_VLLM_STEP", "0.01")

    async def work(backend: Backend) -> None:
        # Half of them reach the engine, half still wait; what is written is as long as some hundred steps.
        vllm.CHARACTERS_A_STEP = 0.1
        calls = [asyncio.ensure_future(backend.send(make_call(f"Row {n}"))) for n in range(20)]
        while not vllm.MADE[0].llm_engine.worked_on:
            await asyncio.sleep(0.01)
        for call in calls[1:]:
            call.cancel()
        await calls[0]

    using(work)
    assert set(vllm.MADE[0].llm_engine.aborted) == {str(n) for n in range(1, 20)}


# ------------------------------------------------------------------------------------------------------ loading


def test_arguments_are_the_recipes(vllm: Any) -> None:
    """Settings reach vLLM under their names, those not set are left to it, and code of a model is never run."""
    ask(revision="abc", settings={"max_model_len": 2_000, "limit_mm_per_prompt": {"audio": 1.0}})
    assert vllm.MADE[0].arguments == {
        "model": "scripted",
        "revision": "abc",
        "trust_remote_code": False,
        "tensor_parallel_size": 1,
        "gpu_memory_utilization": 0.9,
        "dtype": "auto",
        "quantization": None,
        "seed": 0,
        "enforce_eager": False,
        "enable_prefix_caching": True,
        "max_model_len": 2_000,
        "limit_mm_per_prompt": {"audio": 1},
    }


def test_weights_may_lie_elsewhere(vllm: Any) -> None:
    """A folder of weights is loaded in place of the model's name, and neither it nor the way is who the model is."""
    model = make_model(model="org/name", revision="abc", settings={"weights": "scripted"})
    ask(model="org/name", revision="abc", settings={"weights": "scripted"})
    assert vllm.MADE[0].arguments["model"] == "scripted"
    assert vllm.MADE[0].arguments["revision"] is None
    assert BACKEND.identify is None  # the recipe's model and revision, as for a server
    assert BACKEND.capabilities(model).score


def test_stdout_is_left_alone(vllm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM is told to write to stderr, unless the user's environment says where."""
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    ask()
    assert vllm.MADE[0].environment["VLLM_LOGGING_STREAM"] == "ext://sys.stderr"
    assert vllm.MADE[0].environment["VLLM_LOGGING_LEVEL"] == "DEBUG"


def test_models_with_the_same_weights_share_them(vllm: Any) -> None:
    """A writer and a grader that differ in sampling alone are loaded once, and let go of after both are closed."""

    async def main() -> None:
        backends = [BACKEND.open(make_model(name=name, sampling={"seed": 1}), encode) for name in ("writer", "grader")]
        await asyncio.gather(*(backend.check() for backend in backends))
        [llm] = vllm.MADE
        await backends[0].close()
        await backends[1].send(make_call())
        assert not llm.llm_engine.shut_down
        await backends[1].close()
        assert llm.llm_engine.shut_down

    asyncio.run(main())


def test_memory_is_not_given_twice(vllm: Any) -> None:
    """Two models that want the whole GPU at once are stopped before the second is loaded, with what to write."""

    async def main() -> None:
        first, second = (BACKEND.open(make_model(model=name), encode) for name in ("one", "two"))
        await first.check()
        try:
            await second.check()
        finally:
            await first.close()
            await second.close()

    with pytest.raises(RecipeError, match=r"'one' and 'two'.*180%") as caught:
        asyncio.run(main())
    assert "gpu_memory_utilization = 0.5 " in caught.value.hint
    assert len(vllm.MADE) == 1


def test_a_model_that_cannot_be_loaded_is_named(vllm: Any) -> None:
    """What vLLM says of it is said, with where to look."""
    with pytest.raises(ModelNotServed, match=r"cannot load 'missing'.*not a valid model identifier") as caught:
        ask(model="missing")
    assert "gpu_memory_utilization" in caught.value.hint


@pytest.mark.skipif(INSTALLED, reason="vLLM is installed")
def test_without_vllm_the_error_says_how_to_install_it() -> None:
    """The base install does not have it."""
    with pytest.raises(ModelNotServed, match="vllm") as caught:
        ask()
    assert caught.value.hint == 'pip install ".[vllm]" in a checkout of audiomcq'


# ---------------------------------------------------------------------------------------------------- a whole corpus

STAGES = ("generate", "verify", "cot", "filter")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose graders are hard to please, so that some questions are rejected."""
    with running_scripted(manner=Manner(quality=0.6, know=0.5)) as server:
        yield server


@pytest.fixture(scope="module")
def online(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus made over HTTP."""
    folder = tmp_path_factory.mktemp("online")
    write_corpus(folder, server.base_url)
    ended = audiomcq("run", "recipe.toml", folder=folder)
    assert ended.code == 0, ended.err
    return folder


def write_corpus(folder: Path, base_url: str, model: str = "") -> None:
    write_tones(folder / "tones", 5)
    stages = "[generate]\nquestions_per_clip = 2\n"
    write_recipe(folder / "recipe.toml", base_url, sources="folder:tones", stages=stages, model=model)


def hash_rows(folder: Path) -> Mapping[str, str]:
    """Hashes of shards and rejects: the manifest names the backend."""
    return {path: digest for path, digest in hash_tree(folder / "build").items() if path.endswith(".parquet")}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in of a command notes what it is asked."""
    monkeypatch.setenv("FAKE_VLLM_LOG", str(tmp_path / "asked"))
    monkeypatch.setenv("FAKE_VLLM_MANNER", "0.6 0.5")
    return tmp_path / "asked"


OFFLINE = 'backend = "vllm-offline"'


def read_names(log: Path) -> list[str]:
    """Kinds of the requests that were noted."""
    return [line.split()[0] for line in log.read_text().splitlines()]


def test_a_corpus_is_the_same_offline(online: Path, log: Path, tmp_path: Path) -> None:
    """Every stage in this process, judges with audio included, leaves the bytes that it leaves over HTTP."""
    write_corpus(tmp_path, "", OFFLINE)
    ended = spawn("run", "recipe.toml", "--json", folder=tmp_path, root=WITH_FAKES)
    assert ended.code == 0, ended.err
    assert hash_rows(tmp_path) == hash_rows(online)
    assert [stage["stage"] for stage in ended.json["stages"] if stage["calls"]] == list(STAGES)
    assert set(read_names(log)) >= {"question", "choices", "grade_question", "structured_cot", "judge"}


def test_replies_are_shared_with_the_server(online: Path, log: Path, tmp_path: Path) -> None:
    """What was asked online is not asked again offline: the keys are the same; a replay proves it."""
    shutil.copytree(online, tmp_path, dirs_exist_ok=True)
    for stage in STAGES:
        shutil.rmtree(tmp_path / "build" / stage)
    write_corpus(tmp_path, "", OFFLINE)
    ended = spawn("run", "recipe.toml", folder=tmp_path, root=WITH_FAKES)
    assert ended.code == 0, ended.err
    assert not log.exists()
    assert hash_rows(tmp_path) == hash_rows(online)


@pytest.mark.check
def test_ctrl_c_lets_the_replies_in_flight_end(
    online: Path, server: RunningServer, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped run keeps what was in flight: the next one asks the rest and no more."""
    monkeypatch.setenv("FAKE_VLLM_STEP", "0.02")
    write_corpus(tmp_path, "", OFFLINE + "\nconcurrency = 2")
    process = start("run", "recipe.toml", folder=tmp_path, root=WITH_FAKES)
    assert wait_until(lambda: log.exists() and log.read_text().count("\n") >= 5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    monkeypatch.delenv("FAKE_VLLM_STEP")
    ended = spawn("run", "recipe.toml", folder=tmp_path, root=WITH_FAKES)
    assert ended.code == 0, ended.err
    assert hash_rows(tmp_path) == hash_rows(online)
    assert Counter(read_names(log)) == server.stats()["received_by_name"]


def test_a_killed_run_leaves_no_engine(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that vLLM starts hears no Ctrl-C, and after a SIGKILL it is gone, and the GPU's memory with it."""
    started = tmp_path / "child"
    monkeypatch.setenv("FAKE_VLLM_STEP", "0.2")
    monkeypatch.setenv("FAKE_VLLM_CHILD", str(started))
    write_corpus(tmp_path, "", OFFLINE)
    assert audiomcq("caption", "build/caption", "--recipe", "recipe.toml", folder=tmp_path).code == 0
    command = ("generate", "build/caption", "build/generate", "--recipe", "recipe.toml")
    process = start(*command, folder=tmp_path, root=WITH_FAKES)
    assert wait_until(started.exists)
    time.sleep(1)  # the look at what children there are
    process.kill()
    process.communicate(timeout=60)
    child, deaf = started.read_text().split()
    assert deaf == "True"
    assert wait_until(lambda: not is_running(int(child)))


def wait_until(true: Callable[[], bool]) -> bool:
    """Wait a minute at most."""
    deadline = time.monotonic() + 60
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended (one whose end nobody has taken note of is a Z)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ------------------------------------------------------------------------------------------------------ vLLM itself


@needs_vllm
@pytest.mark.parametrize(
    "name", ["__init__", "enqueue_chat", "enqueue", "get_default_sampling_params", "get_tokenizer"]
)
def test_the_stand_in_has_the_shapes_of_vllm(name: str) -> None:
    """What the stand-in takes vLLM takes, under the same names, in the same order and with the same defaults."""
    from vllm import LLM

    from tests.fakes import vllm as fake

    ours = inspect.signature(getattr(fake.LLM, name)).parameters
    theirs = inspect.signature(getattr(LLM, name)).parameters
    assert [one for one in theirs if one in ours] == list(ours)
    for parameter in ours.values():
        assert (parameter.kind, parameter.default) == (theirs[parameter.name].kind, theirs[parameter.name].default)


@needs_vllm
def test_the_engine_has_what_is_used_of_it() -> None:
    """Beside ``LLM`` itself the engine is stepped, told to abort and shut down."""
    from vllm.v1.engine.core_client import EngineCoreClient
    from vllm.v1.engine.exceptions import EngineDeadError
    from vllm.v1.engine.llm_engine import LLMEngine

    from tests.fakes import vllm as fake

    for name in ("step", "abort_request", "has_unfinished_requests"):
        ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (fake.LLMEngine, LLMEngine))
        assert list(ours.parameters) == list(theirs.parameters)
    assert callable(EngineCoreClient.shutdown)
    assert issubclass(EngineDeadError, Exception)


@needs_vllm
@pytest.mark.parametrize("defaults", [{}, {"temperature": 0.6, "top_k": 20, "max_tokens": 99}])
@pytest.mark.parametrize(
    "sampling",
    [
        {},
        {"temperature": 0.0, "max_tokens": 256},
        {"temperature": 0.7, "top_p": 0.8, "top_k": 5, "min_p": 0.05, "repetition_penalty": 1.1, "seed": 7},
        {"presence_penalty": 0.5, "frequency_penalty": 0.25, "stop": ["\n", "END"], "stop_token_ids": [3]},
        {"logit_bias": {"5": 2.0}, "min_tokens": 2, "ignore_eos": True, "bad_words": ["so"], "allowed_token_ids": [1]},
        {"include_stop_str_in_output": True, "skip_special_tokens": False, "spaces_between_special_tokens": False},
    ],
)
def test_sampling_is_what_the_server_makes_of_it(sampling: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Parameters made here are, field by field, those that vLLM's own server makes of the same request."""
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    schema = {"type": "json_schema", "json_schema": {"name": "question", "schema": SCHEMA, "strict": True}}
    turns = [{"role": "user", "content": "?"}]
    request = ChatCompletionRequest(model="m", messages=turns, response_format=schema, **sampling)
    theirs = request.to_sampling_params(sampling.get("max_tokens", defaults.get("max_tokens")), defaults)
    ours = _make_parameters(sampling, defaults, {"json": SCHEMA})
    usual = {"output_kind", "skip_clone"}  # how it is handed out, set by LLM; whether it is copied
    for name in set(ours.__struct_fields__) - usual:
        assert getattr(ours, name) == getattr(theirs, name) or not (getattr(ours, name) or getattr(theirs, name)), name


TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMALL = {"weights": "", "enforce_eager": True, "max_model_len": 512, "dtype": "float32", "gpu_memory_utilization": 0.3}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two layers with weights drawn by chance, and a tokenizer of single bytes and a few words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("tiny")
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    plain.train_from_iterator(["a dog barks in the rain while the wind howls"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=special[2], pad_token=special[0])
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=2048, eos_token_id=2, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.float32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def real(tiny: Path) -> Iterator[Backend]:
    """A backend with that model loaded; None of the tests below waits for another load."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    backend = BACKEND.open(make_model(model="tiny", settings={**SMALL, "weights": str(tiny)}), encode)
    asyncio.run(backend.check())
    yield backend
    asyncio.run(backend.close())


@needs_vllm
def test_vllm_writes_and_follows_a_schema(real: Backend) -> None:
    """Many calls at once, one held to a schema and one too long, each come back as what they are."""

    async def work() -> list[Any]:
        greedy = {"temperature": 0.0, "max_tokens": 8}
        calls = [make_call(f"Row {n}", sampling=greedy) for n in range(20)]
        calls += [make_call("long " * 1_000), make_call(schema=SCHEMA, sampling=greedy)]
        return await asyncio.gather(*map(real.send, calls), return_exceptions=True)

    *written, refused, held = asyncio.run(work())
    assert all(one.finish_reason == "length" and one.completion_tokens == 8 for one in written)
    assert isinstance(refused, CallRefused)
    assert "maximum context length" in str(refused)
    assert held.text.startswith("{")  # what such a model writes of itself is noise
    assert not any(one.text.startswith("{") for one in written)


@needs_vllm
def test_vllm_scores_are_the_models(real: Backend, tiny: Path) -> None:
    """The score of a continuation is the sum of what the model itself gives its tokens, computed with torch."""
    import torch
    from transformers import AutoTokenizer, Qwen2ForCausalLM

    texts = ("a dog barks", "rain", "")
    scores = asyncio.run(real.send(make_call("Which?", *texts, sampling={"temperature": 0.7}))).scores
    tokenizer, model = AutoTokenizer.from_pretrained(tiny), Qwen2ForCausalLM.from_pretrained(tiny)
    turns = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "Which?"}]
    prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    for text, score in zip(texts, scores, strict=True):
        before, whole = (tokenizer.encode(part, add_special_tokens=False) for part in (prompt, prompt + text))
        with torch.no_grad():
            found = model(torch.tensor([whole])).logits[0].log_softmax(-1)
        places = range(len(before), len(whole))
        assert score["tokens"] == len(places)
        assert score["logprob"] == pytest.approx(sum(float(found[n - 1][whole[n]]) for n in places), abs=1e-3)


@needs_vllm
def test_vllm_labels_a_corpus(online: Path, tiny: Path, tmp_path: Path) -> None:
    """A stage with a judge that answers and one that is scored runs to its end on vLLM, and nothing is on stdout."""
    (tmp_path / "recipe.toml").write_text(
        f"""
[models.tiny]
backend = "vllm-offline"
model = "org/tiny"
weights = "{tiny}"
enforce_eager = true
max_model_len = 1024
dtype = "float32"
gpu_memory_utilization = 0.3
sampling = {{ temperature = 0.0, max_tokens = 8 }}
structured = "none"

[filter]
judges = ["tiny", "tiny:likelihood"]
condition = "none"
weak_at = 1
"""
    )
    source = str(online / "build" / "cot")
    command = ("filter", source, "labelled", "--recipe", "recipe.toml", "--json")
    ended = spawn(*command, folder=tmp_path, timeout=600)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("{")
    [stage] = ended.json["stages"]
    assert stage["items"]["kept"] == stage["items"]["in"] > 0
    assert stage["calls"] == {"tiny": 2 * stage["items"]["in"]}
    before = hash_tree(tmp_path / "labelled")
    again = audiomcq(*command, "--replay", folder=tmp_path)
    assert again.code == 0, again.err
    assert hash_tree(tmp_path / "labelled") == before
