"""Is a reply usable? Nothing is guessed, and what was wrong is told."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.contracts import Call, Completion, Message
from audiomcq_cli.engine.flows import replies
from audiomcq_cli.engine.journal.journal import Entry

SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "score": {"type": "integer"}},
    "required": ["question"],
    "additionalProperties": False,
}
GOOD = '{"question": "What?"}'


def make_call(schema: Any = SCHEMA, **changes: Any) -> Call:
    return Call(**{"messages": (Message("user", "u"),), "sampling": {}, "prompt": "ask", "schema": schema} | changes)


def examine(text: str, schema: Any = SCHEMA, finish_reason: str = "stop") -> Entry:
    completion = Completion(text=text, finish_reason=finish_reason, prompt_tokens=3, completion_tokens=2)
    return replies.examine(make_call(schema), completion)


def test_usable_reply_has_no_error() -> None:
    """JSON alone that follows the schema is usable; the text is kept as it came, with its tokens."""
    entry = examine(f" {GOOD}\n")
    assert entry == Entry(text=f" {GOOD}\n", prompt_tokens=3, completion_tokens=2)


@pytest.mark.parametrize(
    "text",
    [
        f"Sure! {GOOD}",
        f"```json\n{GOOD}\n```",
        f"{GOOD}\n{GOOD}",
        GOOD[:-2],
        "{'question': 'What?'}",
        '{"question": NaN}',
        "[" * 5_000,
    ],
)
def test_json_is_not_dug_out(text: str) -> None:
    """Whatever is not JSON alone is unusable, however near it comes."""
    entry = examine(text)
    assert (entry.error, entry.text, entry.final) == ("not_json", text, False)
    assert entry.detail


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"question": 5}', "$.question"),
        ("{}", "$"),
        ('{"question": "x", "more": 1}', "$"),
        ('["x"]', "$"),
        ('{"question": "x", "score": "high"}', "$.score"),
    ],
)
def test_json_that_breaks_the_schema_is_told_with_its_place(text: str, place: str) -> None:
    """The detail says where in the reply the schema is broken."""
    entry = examine(text)
    assert entry.error == "schema"
    assert f"{place}: " in entry.detail


@pytest.mark.parametrize("text", ["", "  \n\t"])
@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_empty_reply_is_unusable(text: str, schema: Any) -> None:
    """A reply of nothing, or of white space, is of no use to a chat with or without a schema."""
    assert examine(text, schema).error == "empty"


@pytest.mark.parametrize("reason", ["refusal", "content_filter"])
@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_refusal_is_unusable_whatever_the_text(reason: str, schema: Any) -> None:
    """A refused or filtered reply counts as such even where its text would be usable."""
    entry = examine(GOOD, schema, reason)
    assert (entry.error, entry.text) == (reason, GOOD)


def test_reply_cut_short_is_not_completed() -> None:
    """A reply that ran out of tokens is unusable even where what is there is whole."""
    assert examine(GOOD, finish_reason="length").error == "length"


@pytest.mark.parametrize("reason", ["length", "repetition", "other"])
def test_free_text_cut_short_counts_only_with_a_closed_answer(reason: str) -> None:
    """What is missing of a reply might take its answer back, unless that stands between closed marks."""
    assert examine("Among these, a dog barking", None, reason).error == "length"
    assert examine("<answer>A", None, reason).error == "length"
    assert examine("<think>Hm</think> <answer>A</answer> since", None, reason).error == ""
    assert "thinking" in examine("<think>A dog", None, "length").detail


def test_an_empty_reply_says_where_the_tokens_went() -> None:
    """Where all tokens went to thinking, the failure says so and what to raise."""
    assert examine("", None).detail == "the reply was empty"
    detail = examine("", None, "length").detail
    assert "all 2 tokens went to thinking" in detail and "max_tokens" in detail


@pytest.mark.parametrize("before", ["<think>Let me see.</think>\n\n", "Let me see.\n</think>", "[THINK]{}[/THINK]"])
def test_thinking_before_json_is_taken_off(before: str) -> None:
    """JSON behind thoughts that the server leaves in the text is as good as JSON alone."""
    assert examine(before + GOOD).error == ""
    assert replies.read_json(before + GOOD) == {"question": "What?"}
    assert examine(before + "Sure!").detail.startswith("the reply was not JSON alone after its thinking")


def test_json_with_an_end_of_turn_token() -> None:
    """A token that ends the turn is not a part of the JSON."""
    assert examine(GOOD + "<|im_end|>").error == ""


@pytest.mark.parametrize("text", ['{"question": "a\\u0000b"}', '{"question": "a\\u0007"}', '{"a\\u0001": 1}'])
def test_control_characters_are_refused(text: str) -> None:
    """U+0000 and the like, which no text has and no release should, make a reply unusable."""
    assert examine(text, {"type": "object"}).error == "control_characters"
    assert examine("a\x00b", None).error == "control_characters"
    assert examine("two\n\tlines", None).error == ""


def test_scores_must_be_one_for_each_continuation() -> None:
    """A backend that gives fewer scores than there are continuations is not guessed after."""
    call = make_call(None, continuations=("a", "b"))
    one = ({"logprob": -1.0, "tokens": 1},)
    short = replies.examine(call, Completion(scores=one))
    assert (short.error, short.final) == ("scores", True)
    assert replies.examine(call, Completion(scores=one * 2)).value == [dict(one[0])] * 2


@pytest.mark.parametrize("logprob", [math.nan, -math.inf])
def test_scores_must_be_numbers(logprob: float) -> None:
    """A score that is no finite number, which no journal could hold, is of no use."""
    call = make_call(None, continuations=("a",))
    assert replies.examine(call, Completion(scores=({"logprob": logprob, "tokens": 1},))).error == "scores"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_examined(text: str) -> None:
    """Whatever a model says is either usable or has a reason code and a detail; it is never an error of ours."""
    entry = examine(text)
    assert bool(entry.error) == bool(entry.detail)
    assert entry.text == text


def test_asking_again_repeats_the_conversation_and_the_fault() -> None:
    """The reply is shown again, cut to length, with what was wrong and what is wanted."""
    call = make_call()
    again = replies.ask_again(call, Entry(text="x" * 10_000, error="not_json", detail="the reply was not JSON alone"))
    assert again.messages[:1] == call.messages
    _, said, wrong = again.messages
    assert (said.role, len(said.text)) == ("assistant", 2_000)
    assert wrong.role == "user"
    assert "the reply was not JSON alone" in wrong.text and "only the JSON" in wrong.text
    assert again.schema == call.schema


def test_asking_again_after_nothing_shows_something() -> None:
    """Servers refuse an empty turn, so an empty reply is not shown as one."""
    again = replies.ask_again(make_call(None), Entry(error="empty", detail="the reply was empty"))
    assert again.messages[1].text.strip()
    assert "JSON" not in again.messages[2].text
