"""Is a reply usable? Validation against the prompt's schema, and what to say when asking again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson

from audiomcq_cli.contracts import Call, Completion, Message
from audiomcq_cli.engine.journal import Entry

_SHOWN = 2_000  # characters of an unusable reply that the model is shown again


def examine(call: Call, completion: Completion) -> Entry:
    """Make of a completion what the journal stores: the raw reply, and why it is unusable if it is.

    Nothing is guessed: JSON wrapped in prose is not dug out, a reply cut short is not completed.
    """
    entry = Entry(
        text=completion.text,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
    )
    if call.continuations:
        if fault := _find_fault(call, completion):
            return replace(entry, error="scores", detail=fault, final=True)  # asked again they would be the same
        return replace(entry, value=[dict(score) for score in completion.scores])
    if completion.finish_reason in ("content_filter", "refusal"):
        return replace(entry, error=completion.finish_reason, detail="the model would not answer")
    if completion.finish_reason == "too_large":
        return replace(entry, error="too_large", detail="the reply was far too long to be read; be briefer")
    if not completion.text.strip():
        return replace(entry, error="empty", detail="the reply was empty")
    if completion.finish_reason == "length" and (call.schema is not None or call.whole):
        return replace(entry, error="length", detail="the reply was cut short; be briefer")
    if call.schema is None:
        return entry
    _, error, detail = parse(completion.text, call.schema)
    return replace(entry, error=error, detail=detail)


def parse(text: str, schema: Mapping[str, Any]) -> tuple[Any, str, str]:
    """The JSON value of a reply, or a reason code and what is wrong with it, for the model and for people."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return None, "not_json", f"the reply was not JSON alone: {error}"
    validator = _validator(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS))
    for problem in validator.iter_errors(value):
        return None, "schema", f"the JSON does not fit: {problem.json_path}: {problem.message[:300]}"
    return value, "", ""


def ask_again(call: Call, entry: Entry) -> Call:
    """The call that follows an unusable reply: the same conversation, the reply, and what was wrong with it."""
    form = "only the JSON that was asked for" if call.schema else "the answer that was asked for"
    again = (
        Message("assistant", entry.text[:_SHOWN] or "(nothing)"),
        Message("user", f"That reply could not be used: {entry.detail}. Reply again with {form}."),
    )
    return replace(call, messages=(*call.messages, *again))


def _find_fault(call: Call, completion: Completion) -> str:
    if len(completion.scores) != len(call.continuations):
        return "the scores are not one for each continuation"
    if not all(math.isfinite(score["logprob"]) for score in completion.scores):
        return "a score is not a finite number"
    return ""


@cache
def _validator(schema: bytes) -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(orjson.loads(schema))
