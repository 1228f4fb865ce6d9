"""Reads answers of servers of the OpenAI protocol: completions, lists of models, waiting times, and load."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping
from typing import Any

import orjson

from audiomcq_cli.contracts import Completion, Load
from audiomcq_cli.errors import CallUnavailable

_GAUGES = (
    ("vllm:num_requests_running", "vllm:num_requests_waiting"),
    ("sglang:num_running_reqs", "sglang:num_queue_reqs"),
    ("llamacpp:requests_processing", "llamacpp:requests_deferred"),
)
"""Names of the metrics for running and for waiting calls."""

LONGEST_BODY = 32 * 2**20
"""Most bytes of an answer that are read."""

_FINISHED = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "stop_token", "stop_sequence", "end_turn", "end", "complete", "completed"), "stop"
    ),
    **dict.fromkeys(("tool_calls", "function_call"), "stop"),
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "max_length", "model_length", "model_context_window_exceeded"),
        "length",
    ),
    **dict.fromkeys(
        ("content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii", "sensitive"),
        "content_filter",
    ),
}
"""Reasons for the end of a reply in the words of OpenAI's, Anthropic's, Google's, Mistral's and other servers."""

_BROKEN_OFF = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "timeout", "overloaded", "insufficient_system_resource"}
)
"""Words of servers that failed in the middle of a reply (OpenRouter, vLLM, DeepSeek)."""

_TEXT_PARTS = frozenset({"text", "output_text", "refusal"})
_THINKING_PARTS = frozenset({"thinking", "reasoning", "redacted_thinking", "reasoning_content"})

MOST_TOKENS = 10_000_000
"""Most tokens of a prompt or a reply: the largest models take no more. A larger number is the server's error."""

MOST_CALLS = 1_000_000
"""Most calls that a server can be working on. A larger number is the server's error."""

LONGEST_WAIT = 86_400.0
"""Longest wait, in seconds, that a server may request. A longer one counts as a day."""

SERVED = 10_000
"""Most names of models that are read from a list."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def read_completion(body: bytes) -> Completion:
    """Return the first choice of a chat completion; ``too_large`` if the body is longer than ``LONGEST_BODY``.

    Raises:
        CallUnavailable: The body is not a completion: a proxy's page, or truncated.
    """
    if len(body) > LONGEST_BODY:
        return Completion(finish_reason="too_large", counted=False)
    try:
        reply = orjson.loads(body)
        choice = reply["choices"][0]
        message = choice["message"]
        prompt_tokens, completion_tokens = _read_usage(reply)
        text, thought = _read_content(message)
        finish_reason = read_finish(choice.get("finish_reason"))
        return Completion(
            text=text,
            finish_reason="refusal" if message.get("refusal") else finish_reason,
            thought=thought,
            prompt_tokens=prompt_tokens or 0,
            completion_tokens=completion_tokens or 0,
            counted=bool(prompt_tokens) and (completion_tokens is not None if not text else bool(completion_tokens)),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        text = body[:200].decode("utf-8", "replace")
        raise CallUnavailable(f"the body is not a chat completion: {text!r}", code="bad_body") from error


def read_finish(word: object) -> str:
    """Return why a reply ended, in OpenAI's words; an unknown word is returned unchanged.

    Raises:
        CallUnavailable: The server broke off, so the rest of the reply is unknown.
    """
    said = str(word or "stop").strip().lower()
    if said in _BROKEN_OFF:
        raise CallUnavailable(f"the server broke the reply off: finish_reason {said!r}", code=f"finish_{said}")
    return _FINISHED.get(said, said[:40])


def _read_content(message: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the text of a message, and whether its model's thoughts came separately.

    The content may be a list of parts (Mistral's thinking models, some gateways): the text parts are the reply.
    """
    content = message.get("content") or message.get("refusal") or ""
    thought = any(message.get(name) for name in ("reasoning_content", "reasoning", "thinking", "reasoning_details"))
    if isinstance(content, str):
        return content, thought
    if not isinstance(content, list):
        raise TypeError("the content is neither a text nor a list of parts")
    texts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif part.get("type") in _TEXT_PARTS:
            texts.append(_expect_text(part.get("text") or part.get("refusal") or ""))
        elif part.get("type") in _THINKING_PARTS:
            thought = True
        else:
            raise TypeError(f"a part of the content is of type {part.get('type')!r}")
    return "".join(texts), thought


def _expect_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a part of the content is not a text")
    return value


def _read_usage(reply: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return the tokens of the prompt and of the reply as the server counted them; None if missing or impossible."""
    usage = reply.get("usage")
    if not isinstance(usage, dict):
        return None, None
    return _read_count(usage.get("prompt_tokens")), _read_count(usage.get("completion_tokens"))


def _read_count(value: object) -> int | None:
    """Return a number of tokens; some servers write 12.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return int(value) if is_count else None  # type: ignore[call-overload]  # is_count checks it


def read_served(body: bytes) -> list[str]:
    """Return the names of the models that a server lists; empty if the body is not such a list."""
    try:
        entries = orjson.loads(body)["data"][:SERVED]
    except (ValueError, LookupError, TypeError):
        return []
    names = [entry.get("id") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [name for name in names if isinstance(name, str)]


def read_load(text: str, model: str) -> Load | None:
    """Return the calls that a server works on and that wait, from its metrics; None if the metrics lack them.

    Args:
        text: Metrics in the text format of Prometheus, https://prometheus.io/docs/instrumenting/exposition_formats/.
            Several engines of one server are summed.
        model: Model to select, if the server labels its metrics by model.
    """
    for names in _GAUGES:
        running, waiting = (_sum_gauge(text, name, model) for name in names)
        if running is not None and waiting is not None:
            return Load(running, waiting)
    return None


def _sum_gauge(text: str, name: str, model: str) -> int | None:
    lines = re.findall(rf"^{re.escape(name)}(?:\{{(.*)\}})?[ \t]+(\S+)", text, re.MULTILINE)
    own = [line for line in lines if f'model_name="{model}"' in line[0]]
    try:
        values = [float(value) for _, value in own or lines]
    except ValueError:
        return None
    # NaN is not within these bounds either.
    return round(sum(values)) if values and all(0 <= value <= MOST_CALLS for value in values) else None


def read_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait; None if it does not.

    They come from Retry-After, which holds seconds or a date (RFC 9110, 10.2.3), else from the time when a used-up
    allowance returns (OpenAI's ``x-ratelimit-remaining-requests: 0`` with ``x-ratelimit-reset-requests: 1m30.5s``;
    tokens likewise).
    """
    if (after := _read_retry_after(headers.get("Retry-After"))) is not None:
        return after
    resets = [
        _read_duration(headers.get(f"x-ratelimit-reset-{what}"))
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}", "").strip() == "0"
    ]
    waits = [reset for reset in resets if reset is not None]
    return min(LONGEST_WAIT, max(waits)) if waits else None


def _read_retry_after(value: str | None) -> float | None:
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return min(LONGEST_WAIT, max(0.0, seconds)) if math.isfinite(seconds) else None
    try:
        seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError, TypeError, OSError):  # not a date, or one out of range
        return None
    return min(LONGEST_WAIT, max(0.0, seconds))


def _read_duration(value: str | None) -> float | None:
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", value or "")
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
