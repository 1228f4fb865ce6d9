"""Reads error bodies of servers of the OpenAI protocol: the provider's words, and whether the account is empty.

Their forms: ``{"error": {"message", "type", "code"}}`` (OpenAI, vLLM, Groq, Together, OpenRouter, DeepSeek),
``{"error": "text", "code": …}`` (xAI), ``{"message": …}``, ``{"detail": …}``, and a list with one of them (Gemini). No
value is assumed to have the right type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

WORDS = 300
"""Most characters of a server's message that are shown."""

MOST_NESTED = 4
"""Most nested objects under ``error`` that are read, from the outermost on: gateways wrap a provider's body."""

NO_MONEY_STATUS = 402

NO_MONEY_CODES = frozenset(
    {
        "insufficient_quota",  # OpenAI, with 429
        "billing_hard_limit_reached",  # OpenAI, with 400 or 429
        "billing_not_active",  # OpenAI
        "billing_error",  # Anthropic
        "insufficient_balance",  # DeepSeek and SiliconFlow, beside 402
        "insufficient_credits",
        "insufficient_funds",
        "insufficient_user_quota",  # gateways of the one-api family, with 403
        "exceeded_current_quota_error",  # Moonshot, with 429
        "credit_limit_reached",
        "payment_required",
        "arrearage",  # Alibaba Model Studio, with 400
        "accountoverdueerror",  # Volcengine Ark, with 403
        "1113",  # Zhipu, with 429
    }
)
"""Values of ``code`` or ``type``, in lower case, that mean an empty account."""

NO_MONEY_WORDS = re.compile(
    "credit balance is too low|insufficient (account )?(balance|credit|fund)|used all available credits"
    "|doesn't have any credits|monthly spending limit",
    re.IGNORECASE,
)
"""The same in words, for providers without a code: Anthropic says it with 400 (its compatible endpoint as well), xAI
with 403 and 429. Gemini's "you exceeded your current quota, please check your plan and billing" is left out on purpose:
it means limits per minute, which pass (``RESOURCE_EXHAUSTED``).
"""

_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_STEERING = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
"""Invisible characters that reorder or hide among others."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error message of a server.

    Attributes:
        words: The message in one short line.
        has_no_money: Whether the account is empty, by the provider's code.
        may_have_no_money: Whether it is empty by the provider's words, which may quote the caller's own text.
    """

    words: str
    has_no_money: bool = False
    may_have_no_money: bool = False


def read_problem(status: int, body: bytes) -> Problem:
    """Read the body of an answer with a status of 400 or above."""
    said = list(_find_errors(body))
    message = next((text for one in said for text in _list_texts(one, "message", "error", "detail")), "")
    codes = {str(code).lower() for one in said for code in _list_codes(one)}
    words = clean(message or body[: 4 * WORDS].decode("utf-8", "replace"))
    return Problem(
        words=words,
        has_no_money=status == NO_MONEY_STATUS or bool(codes & NO_MONEY_CODES),
        may_have_no_money=status in (400, 401, 403, 429) and bool(NO_MONEY_WORDS.search(words)),
    )


def clean(text: str, most: int = WORDS) -> str:
    """Return an untrusted text as one short line, without control characters."""
    line = _SPACES.sub(" ", _STEERING.sub("", text[: 4 * most])).strip()
    return line if len(line) <= most else line[: most - 1] + "…"


def _find_errors(body: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that may describe an error, the innermost first."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    if isinstance(found, list) and found:
        found = found[0]
    objects: list[Mapping[str, Any]] = []
    while isinstance(found, dict) and len(objects) < MOST_NESTED:
        objects.append(found)
        found = found.get("error")
    yield from reversed(objects)


def _list_texts(said: Mapping[str, Any], *names: str) -> Iterator[str]:
    """Yield the texts under some names, if they are not empty."""
    return (said[name] for name in names if isinstance(said.get(name), str) and said[name].strip())


def _list_codes(said: Mapping[str, Any]) -> Iterator[str | int]:
    for name in ("code", "type"):
        if isinstance(said.get(name), str | int):
            yield said[name]
