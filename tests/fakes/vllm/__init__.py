"""A stand-in for vLLM 0.32 with the call shapes that are used: its replies are those of the scripted server.

It schedules as vLLM does: up to ``max_num_seqs`` requests are worked on in a step, a long reply takes more steps than a
short one. Of every ``LLM`` made it keeps what it was asked and how many requests each step worked on. Words in a prompt
make it fail: ``[vllm dies]`` ends the engine, ``[vllm aborts]`` ends a reply. In a process of its own it is told by the
environment how good its models are (``FAKE_VLLM_MANNER``, quality and knowledge), how long a step takes
(``FAKE_VLLM_STEP``, seconds), where to note the kind and hash of each request (``FAKE_VLLM_LOG``), and where the
process that it starts, as vLLM starts its engine (``FAKE_VLLM_CHILD``).
"""

from __future__ import annotations

import copy
import hashlib
import multiprocessing
import os
import random
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vllm.sampling_params import SamplingParams
from vllm.v1.engine.exceptions import EngineDeadError

from tests.servers.replies import Manner, hash_audio, hash_json, read_chat, write_reply

__all__ = ["LLM", "MADE", "SamplingParams"]

CHARACTERS_A_STEP = 64

MADE: list[LLM] = []
"""Every ``LLM`` of this process."""

GENERATION_CONFIG: dict[str, Any] = {}
"""What models' ``generation_config.json`` say, as ``ModelConfig.get_diff_sampling_param`` gives it."""


@dataclass
class CompletionOutput:
    """One reply."""

    text: str
    token_ids: Sequence[int]
    finish_reason: str | None = "stop"


@dataclass
class RequestOutput:
    """What came of one request."""

    request_id: str
    prompt_token_ids: list[int]
    outputs: list[CompletionOutput]
    prompt_logprobs: list[dict[int, Any] | None] | None = None
    finished: bool = True


@dataclass
class Asked:
    """One request as it was made."""

    messages: Any
    params: SamplingParams
    template: dict[str, Any] | None = None
    tokenization: dict[str, Any] | None = None


class Tokenizer:
    """A token a byte; at the beginning of a text a space goes before it, as in SentencePiece."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Tokens of a text."""
        return [*([256] if add_special_tokens else []), *(text if text.startswith("<") else f" {text}").encode()]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of tokens."""
        return bytes(ids).decode()


@dataclass
class _Request:
    output: RequestOutput
    steps: int


@dataclass
class LLMEngine:
    """The engine behind an ``LLM``."""

    max_num_seqs: int
    waiting: deque[_Request] = field(default_factory=deque)
    worked_on: list[int] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    dead: bool = False
    shut_down: bool = False

    @property
    def engine_core(self) -> Any:
        """What is shut down."""
        return SimpleNamespace(shutdown=self._shut_down)

    def has_unfinished_requests(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.waiting)

    def abort_request(self, request_ids: list[str], internal: bool = False) -> None:
        """Forget requests."""
        self.aborted += request_ids
        self.waiting = deque(one for one in self.waiting if one.output.request_id not in request_ids)

    def step(self) -> list[RequestOutput]:
        """Work on what fits and return what has ended."""
        if self.dead:
            raise EngineDeadError("EngineCore encountered an issue. See stack trace (above) for the root cause.")
        time.sleep(float(os.environ.get("FAKE_VLLM_STEP", "0")))
        running = [self.waiting.popleft() for _ in range(min(self.max_num_seqs, len(self.waiting)))]
        self.worked_on.append(len(running))
        for one in running:
            one.steps -= 1
        self.waiting.extendleft(one for one in reversed(running) if one.steps > 0)
        ended = [one.output for one in running if one.steps <= 0]
        return random.Random(len(self.worked_on)).sample(ended, len(ended))  # in no order

    def _shut_down(self) -> None:
        self.shut_down = True


class LLM:
    """A model that is loaded."""

    def __init__(
        self,
        model: str,
        *,
        trust_remote_code: bool = False,
        tensor_parallel_size: int = 1,
        dtype: str = "auto",
        quantization: str | None = None,
        revision: str | None = None,
        seed: int = 0,
        gpu_memory_utilization: float = 0.92,
        enforce_eager: bool = False,
        **kwargs: Any,
    ) -> None:
        if model == "missing":
            raise OSError("missing is not a local folder and is not a valid model identifier")
        self.arguments = {name: value for name, value in locals().items() if name not in ("self", "kwargs")} | kwargs
        self.environment = {name: value for name, value in os.environ.items() if name.startswith("VLLM_")}
        self.asked: list[Asked] = []
        self.llm_engine = LLMEngine(kwargs.get("max_num_seqs", 256))
        self.default_sampling_params: dict[str, Any] | None = None
        self._model = model
        self._longest = kwargs.get("max_model_len", 1_000_000)
        quality, know = map(float, os.environ.get("FAKE_VLLM_MANNER", "0.9 0.46").split())
        self._manner = Manner(quality=quality, know=know)
        MADE.append(self)
        if path := os.environ.get("FAKE_VLLM_CHILD"):
            multiprocessing.get_context("spawn").Process(target=_idle, args=(path,), daemon=True).start()

    def get_tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return Tokenizer()

    def get_default_sampling_params(self) -> SamplingParams:
        """What the model's makers advise."""
        if self.default_sampling_params is None:
            self.default_sampling_params = dict(GENERATION_CONFIG)
        return SamplingParams.from_optional(**self.default_sampling_params)

    def enqueue_chat(
        self,
        messages: Any,
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        use_tqdm: bool | Callable[..., Any] = True,
        lora_request: Any = None,
        priority: Any = None,
        chat_template: str | None = None,
        chat_template_content_format: str = "auto",
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        tools: list[dict[str, Any]] | None = None,
        chat_template_kwargs: dict[str, Any] | None = None,
        tokenization_kwargs: dict[str, Any] | None = None,
        mm_processor_kwargs: dict[str, Any] | None = None,
    ) -> list[str]:
        """Add a conversation."""
        assert isinstance(sampling_params, SamplingParams)
        body = {"model": self._model, "messages": copy.deepcopy(messages), "seed": sampling_params.seed}
        hash_audio(body)
        chat = read_chat(body)
        prompt = list(f"<system>{chat.system}<user>{chat.user}<assistant>".encode())
        self._note(Asked(messages, sampling_params, chat_template_kwargs, tokenization_kwargs), chat.name, body)
        text = write_reply(chat, self._manner)
        limit = sampling_params.max_tokens
        reply = CompletionOutput(
            text[:limit], text.encode()[:limit], "length" if limit and len(text) > limit else "stop"
        )
        if "[vllm aborts]" in chat.user:
            reply.finish_reason = "abort"
        self.llm_engine.dead |= "[vllm dies]" in chat.user
        return [self._add(prompt, reply)]

    def enqueue(
        self,
        prompts: Any,
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        lora_request: Any = None,
        priority: Any = None,
        use_tqdm: bool | Callable[..., Any] = True,
        tokenization_kwargs: dict[str, Any] | None = None,
        mm_processor_kwargs: dict[str, Any] | None = None,
    ) -> list[str]:
        """Add prompts that are tokens."""
        assert isinstance(sampling_params, SamplingParams)
        names = []
        for prompt in prompts:
            tokens: list[int] = prompt["prompt_token_ids"]
            self._note(Asked(prompt, sampling_params), "tokens", tokens)
            names.append(self._add(tokens, CompletionOutput("", [0], "length"), logprobs=True))
        return names

    def _add(self, prompt: list[int], reply: CompletionOutput, *, logprobs: bool = False) -> str:
        if len(prompt) > self._longest:
            raise ValueError(f"This model's maximum context length is {self._longest} tokens.")
        number = str(len(self.asked) - 1)
        output = RequestOutput(number, prompt, [reply])
        if logprobs:
            output.prompt_logprobs = [None, *({token: predict(token)} for token in prompt[1:])]
        self.llm_engine.waiting.append(_Request(output, 1 + len(reply.text) // CHARACTERS_A_STEP))
        return f"{number}-{hashlib.sha256(number.encode()).hexdigest()[:8]}"

    def _note(self, asked: Asked, name: str, body: Any) -> None:
        self.asked.append(asked)
        if path := os.environ.get("FAKE_VLLM_LOG"):
            with Path(path).open("a") as file:
                file.write(f"{name} {hash_json([self._model, body]).hex()}\n")


def _idle(path: str) -> None:
    """What the process of an engine does: say who it is and whether a Ctrl-C reaches it, and go on."""
    partial = Path(f"{path}.partial")
    partial.write_text(f"{os.getpid()} {signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])}")
    partial.replace(path)
    time.sleep(600)


def predict(token: int) -> Any:
    """How likely a token is, whatever it stands behind."""
    return SimpleNamespace(logprob=-token / 64)
