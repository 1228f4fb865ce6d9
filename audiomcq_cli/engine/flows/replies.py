"""Checks replies against the prompt's schema, and writes the message for asking again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson

from audiomcq_cli.answers import drop_thinking, has_closed_answer
from audiomcq_cli.characters import find_control
from audiomcq_cli.contracts import Call, Completion, Message
from audiomcq_cli.engine.journal.journal import Entry

_MORE_ROOM = "raise max_tokens in the model's sampling, or turn its thinking off (chat_template_kwargs)"
_SHOWN = 2_000  # characters of an unusable reply that the model is shown again


def examine(call: Call, completion: Completion) -> Entry:
    """Turn a completion into a journal entry: the raw reply, and why it is unusable if it is.

    Nothing is guessed: JSON wrapped in prose is not extracted, a truncated reply is not completed.
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
        return replace(entry, error="empty", detail=_explain_empty(completion))
    if _is_unfinished(call, completion):
        return replace(entry, error="length", detail=_explain_length(completion))
    if call.schema is None:
        sign = find_control(completion.text)
        return replace(entry, error="control_characters", detail=_refuse_control(sign)) if sign else entry
    _, error, detail = parse(completion.text, call.schema)
    return replace(entry, error=error, detail=detail)


def read_json(text: str) -> Any:
    """Return the JSON of a reply, with or without the model's thinking before it.

    Raises:
        orjson.JSONDecodeError: The reply is neither.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        said = drop_thinking(text)
        if said == text:
            raise
        return orjson.loads(said)


def parse(text: str, schema: Mapping[str, Any]) -> tuple[Any, str, str]:
    """Return the JSON value of a reply, or a reason code and what is wrong with it, for the model and for people."""
    try:
        value = read_json(text)
    except orjson.JSONDecodeError as error:
        thought = "" if drop_thinking(text) == text else " after its thinking"
        return None, "not_json", f"the reply was not JSON alone{thought}: {error}"
    if sign := find_control(value):
        return None, "control_characters", _refuse_control(sign)
    validator = _validator(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS))
    for problem in validator.iter_errors(value):
        return None, "schema", f"the JSON does not fit: {problem.json_path}: {problem.message[:300]}"
    return value, "", ""


def ask_again(call: Call, entry: Entry) -> Call:
    """Return the call after an unusable reply: the same conversation, the reply, and what was wrong with it."""
    form = "only the JSON that was asked for" if call.schema else "the answer that was asked for"
    again = (
        Message("assistant", entry.text[:_SHOWN] or "(nothing)"),
        Message("user", f"That reply could not be used: {entry.detail}. Reply again with {form}."),
    )
    return replace(call, messages=(*call.messages, *again))


def _refuse_control(sign: str) -> str:
    return f"the reply holds the control character {sign}"


def _is_unfinished(call: Call, completion: Completion) -> bool:
    """Return whether the missing end of a reply could change it; a closed answer cannot be changed."""
    if completion.finish_reason == "stop":
        return False
    if call.schema is not None or call.whole:
        return completion.finish_reason == "length"
    return not has_closed_answer(completion.text)


def _explain_empty(completion: Completion) -> str:
    if completion.finish_reason != "length" and not completion.thought:
        return "the reply was empty"
    tokens = f"all {completion.completion_tokens:,} tokens" if completion.completion_tokens else "all tokens"
    return f"the reply was empty: {tokens} went to thinking; {_MORE_ROOM}"


def _explain_length(completion: Completion) -> str:
    if completion.finish_reason != "length":
        return f"the reply ended early ({completion.finish_reason}); be briefer"
    if completion.thought or not drop_thinking(completion.text).strip():
        return f"the reply was cut short while the model was thinking; be briefer, or {_MORE_ROOM}"
    return "the reply was cut short; be briefer"


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
