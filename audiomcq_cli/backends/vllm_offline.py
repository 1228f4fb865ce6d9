"""vLLM in this process: no server is needed, and all rows in flight are one batch that is always full.

A model gets the same conversation, template and sampling as from vLLM's own server. Journal keys are therefore the
same, and runs with either share their replies. Options of the server's command line do not apply here
(``--reasoning-parser``, ``--chat-template``, ``--generation-config``).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cachetools

from audiomcq_cli.backends import _vllm_engine
from audiomcq_cli.backends._openai import choose_format, write_audio
from audiomcq_cli.contracts import (
    OF_SERVERS,
    Audio,
    BackendKind,
    Call,
    Capabilities,
    Completion,
    Encoder,
    Message,
    Model,
    option,
)
from audiomcq_cli.errors import CallRefused, CallUnavailable, RecipeError

CONCURRENCY = 1_024
"""Default number of calls in flight: as many as vLLM works on at once on the largest GPUs (its ``max_num_seqs``)."""

ENCODED_BYTES = 64 * 2**20
"""Bytes of encoded audio parts that are kept, most recent first: silence is one text for all calls with it."""

DEFAULTED = {
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
}
"""Parameters that the model's ``generation_config.json`` may set, and vLLM's server's own values for them.

Source: ``ChatCompletionRequest.to_sampling_params`` in ``vllm/entrypoints/openai``, which this module follows.
"""

PASSED = frozenset((
    "seed", "stop", "stop_token_ids", "include_stop_str_in_output", "ignore_eos", "min_tokens", "skip_special_tokens",
    "spaces_between_special_tokens", "logit_bias", "allowed_token_ids", "bad_words",
))  # fmt: skip
"""Parameters that vLLM takes under the same name."""

BESIDE = frozenset(("logprobs", "top_logprobs", "user"))
"""Parameters of the protocol that do not change the text. Their results are not read."""

OWN = frozenset(("max_tokens", "max_completion_tokens", "n", "chat_template_kwargs"))
"""Parameters with a treatment of their own."""


@dataclass(frozen=True, slots=True)
class VllmOptions:
    """Keys of the model's table; all except ``weights`` are vLLM's own."""

    weights: str = option("", "folder of the weights (default: the Hub, by the name in model)", path=True)
    download_dir: str = option("", "folder for weights from the Hub (default: the cache of the Hub)", path=True)
    tensor_parallel_size: int = option(1, "GPUs that the model is spread over", minimum=1)
    gpu_memory_utilization: float = option(0.9, "share of each GPU's memory to take", minimum=0.01, maximum=1)
    max_model_len: int = option(0, "tokens of a prompt and its reply together; 0: the model's limit", minimum=0)
    max_num_seqs: int = option(0, "replies written at once; 0: vLLM's default", minimum=0)
    dtype: str = option("auto", "type of the weights, as bfloat16")
    quantization: str = option("", "how the weights are quantized, if the weights do not say")
    seed: int = option(0, "seed for requests without a seed")
    enable_prefix_caching: bool = option(True, "keep the part that prompts have in common at their beginning")
    enforce_eager: bool = option(False, "no compilation: vLLM starts sooner and writes more slowly")
    limit_mm_per_prompt: Mapping[str, float] = option(
        {}, "audio parts, images and videos in one prompt at most, as audio = 1: less leaves more memory"
    )


class VllmOffline:
    """One model of a recipe."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._encode = encode
        self._engine: _vllm_engine.Engine | None = None
        self._parts: cachetools.LRUCache[Audio, dict[str, Any]] = cachetools.LRUCache(
            ENCODED_BYTES, getsizeof=lambda part: sum(len(text) for text in part[part["type"]].values())
        )
        self._check_sampling(model.sampling)

    async def check(self) -> None:
        """Load the model; raises ``ModelNotServed`` if that fails, ``RecipeError`` for invalid sampling."""
        await self._open()
        try:
            _make_parameters(self._model.sampling, {}, {})
        except Exception as error:  # vLLM's own errors, whose classes change with the version
            raise RecipeError(f"model {self._model.name!r}: sampling: {error}") from error

    async def send(self, call: Call) -> Completion:
        """Answer a call, together with all others in flight.

        Raises:
            CallRefused, CallUnavailable: This call failed.
            ModelError: vLLM has ended.
        """
        self._check_sampling(call.sampling)
        if call.continuations:
            return await self._score(call)
        constraint = _constraint(call, self._model.structured)
        return _read_completion(await self._chat(call, call.sampling, constraint))

    async def close(self) -> None:
        """Free the memory unless another model of the recipe uses it."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await _vllm_engine.release(engine)

    async def _open(self) -> _vllm_engine.Engine:
        if self._engine is None:
            self._engine = _vllm_engine.acquire(_list_arguments(self._model))
        await self._engine.load()
        return self._engine

    def _check_sampling(self, sampling: Mapping[str, Any]) -> None:
        """Refuse parameters that vLLM would ignore here: in keys they would look as if they had an effect."""
        known = {*DEFAULTED, *PASSED, *BESIDE, *OWN}
        unknown = [name for name in sampling if name not in known]
        if unknown or sampling.get("n", 1) != 1:
            what = f"{unknown[0]!r} is not known to" if unknown else "n has to be 1 with"
            raise RecipeError(
                f"model {self._model.name!r}: sampling: {what} the backend 'vllm-offline'",
                hint=f"it takes {', '.join(sorted(known))}" if unknown else "set n to 1, or leave it out",
            )

    # -------------------------------------------------------------------------------------------------- chat

    async def _chat(self, call: Call, sampling: Mapping[str, Any], constraint: Mapping[str, Any]) -> Any:
        turns = [await self._turn(turn) for turn in call.messages]

        def enqueue(llm: Any) -> Sequence[str]:
            llm.get_default_sampling_params()  # reads the model's generation_config.json once
            names: Sequence[str] = llm.enqueue_chat(
                turns,
                _make_parameters(sampling, llm.default_sampling_params or {}, constraint),
                use_tqdm=False,
                chat_template_kwargs=sampling.get("chat_template_kwargs"),
                tokenization_kwargs={"add_special_tokens": False},  # the template has them, as on the server
            )
            return names

        return await (await self._open()).run(enqueue)

    async def _turn(self, turn: Message) -> dict[str, Any]:
        if not turn.audio:
            return {"role": turn.role, "content": turn.text}
        parts = [await self._part(part) for part in turn.audio]
        return {"role": turn.role, "content": [*parts, {"type": "text", "text": turn.text}]}

    async def _part(self, part: Audio) -> dict[str, Any]:
        if (known := self._parts.get(part)) is not None:
            return known
        format = choose_format(self._model, "flac")
        data = await self._encode(part, rate=self._model.sample_rate, format=format)
        written = write_audio(self._model, data, format)
        if len(data) <= ENCODED_BYTES // 2:  # as text it is a third larger
            self._parts[part] = written
        return written

    # ------------------------------------------------------------------------------------------------- score

    async def _score(self, call: Call) -> Completion:
        """Return the log-probability of each continuation as the whole turn of the assistant.

        The log-probability of a text is the sum over its tokens, each after the prompt and the tokens before it, under
        the model itself, whatever the sampling. The end of the turn is not counted.
        """
        if any(turn.audio for turn in call.messages):
            raise CallRefused("continuations of a prompt with audio cannot be scored", code="status_400")
        engine = await self._open()
        template = {name: call.sampling[name] for name in ("chat_template_kwargs",) if name in call.sampling}
        asked = await self._chat(call, {**template, "temperature": 0.0, "max_tokens": 1}, {})  # rendered as for a chat
        prompt = list(asked.prompt_token_ids)
        outputs = await asyncio.gather(
            *(engine.run(partial(_enqueue_continuation, prompt=prompt, text=text)) for text in call.continuations)
        )
        scores = [_read_score(output, len(prompt)) for output in outputs]
        return Completion(
            scores=tuple(scores),
            prompt_tokens=len(prompt),
            completion_tokens=sum(int(score["tokens"]) for score in scores),
        )


def _list_arguments(model: Model) -> dict[str, Any]:
    """Return the arguments of ``vllm.LLM``; vLLM's defaults apply to the others."""
    settings: VllmOptions = model.settings
    optional = {
        "revision": "" if settings.weights else model.revision,
        "download_dir": settings.download_dir,
        "max_model_len": settings.max_model_len,
        "max_num_seqs": settings.max_num_seqs,
        "quantization": settings.quantization,
        "limit_mm_per_prompt": {name: int(count) for name, count in settings.limit_mm_per_prompt.items()},
    }
    return {
        "model": settings.weights or model.model,
        "trust_remote_code": False,
        "tensor_parallel_size": settings.tensor_parallel_size,
        "gpu_memory_utilization": settings.gpu_memory_utilization,
        "dtype": settings.dtype,
        "seed": settings.seed,
        "enable_prefix_caching": settings.enable_prefix_caching,
        "enforce_eager": settings.enforce_eager,
        **{name: value for name, value in optional.items() if value},
    }


def _make_parameters(sampling: Mapping[str, Any], defaults: Mapping[str, Any], constraint: Mapping[str, Any]) -> Any:
    """Return ``SamplingParams`` as the server makes them: the request's values, else the model's, else the server's."""
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    limits = (sampling.get("max_completion_tokens"), sampling.get("max_tokens"), defaults.get("max_tokens"))
    return SamplingParams.from_optional(
        **{name: sampling.get(name, defaults.get(name, usual)) for name, usual in DEFAULTED.items()},
        **{name: value for name, value in sampling.items() if name in PASSED},
        max_tokens=next((limit for limit in limits if limit is not None), None),  # None: as many as fit
        structured_outputs=StructuredOutputsParams(**constraint) if constraint else None,
    )


def _constraint(call: Call, structured: str) -> dict[str, Any]:
    if call.schema is None or structured == "none":
        return {}
    return {"json_object": True} if structured == "json_object" else {"json": dict(call.schema)}


def _read_completion(output: Any) -> Completion:
    reply = output.outputs[0]
    if reply.finish_reason in ("abort", "error"):
        raise CallUnavailable(f"vLLM ended the reply: {reply.finish_reason}", code="vllm")
    return Completion(
        text=reply.text,
        finish_reason=reply.finish_reason or "stop",
        prompt_tokens=len(output.prompt_token_ids),
        completion_tokens=len(reply.token_ids),
    )


def _enqueue_continuation(llm: Any, *, prompt: Sequence[int], text: str) -> Sequence[str]:
    """Have the engine read a prompt with a continuation, and return the log-probability of each of its tokens."""
    from vllm import SamplingParams

    tokens = [*prompt, *_continue(llm.get_tokenizer(), prompt, text)]
    parameters = SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0, detokenize=False)
    names: Sequence[str] = llm.enqueue([{"prompt_token_ids": tokens}], parameters, use_tqdm=False)
    return names


def _continue(tokenizer: Any, prompt: Sequence[int], text: str) -> list[int]:
    """Return the tokens of a continuation as the model would have written them: at the beginning of a text they may
    differ.
    """
    whole = tokenizer.encode(tokenizer.decode(list(prompt)) + text, add_special_tokens=False)
    if whole[: len(prompt)] == list(prompt):
        return list(whole[len(prompt) :])
    return list(tokenizer.encode(text, add_special_tokens=False))


def _read_score(output: Any, start: int) -> dict[str, float]:
    tokens = output.prompt_token_ids[start:]
    found = [place[token].logprob for place, token in zip(output.prompt_logprobs[start:], tokens, strict=True)]
    return {"logprob": math.fsum(found), "tokens": len(tokens)}


def _find_capabilities(model: Model) -> Capabilities:
    return Capabilities(
        schema=model.structured != "none", audio=model.audio, score=True, audio_window=model.audio_window
    )


BACKEND = BackendKind(
    help='vLLM in this process, on its GPUs: pip install ".[vllm]" in a checkout of audiomcq',
    another_way_to="openai-compatible",
    options=VllmOptions,
    capabilities=_find_capabilities,
    open=VllmOffline,
    concurrency=CONCURRENCY,
    takes_likely=True,
    unused=(*OF_SERVERS, "timeout"),
)
