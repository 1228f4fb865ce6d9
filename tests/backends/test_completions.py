"""Messages and reasons of ending, as different servers of the protocol write them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from audiomcq_cli.backends._answers import read_completion
from audiomcq_cli.contracts import Completion
from audiomcq_cli.errors import CallUnavailable


def read(finish_reason: Any = "stop", **message: Any) -> Completion:
    return read_completion(orjson.dumps({"choices": [{"message": message, "finish_reason": finish_reason}]}))


@pytest.mark.parametrize(
    ("content", "text", "thought"),
    [
        ([{"type": "text", "text": "B"}], "B", False),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "A?"}]}, {"type": "text", "text": "B"}],
            "B",
            True,
        ),
        ([{"type": "reasoning", "text": "A?"}, {"type": "output_text", "text": "B"}], "B", True),
        ([{"type": "text", "text": "a cat "}, {"type": "text", "text": "meowing"}], "a cat meowing", False),
        (["a cat ", "meowing"], "a cat meowing", False),
        ([], "", False),
        (None, "", False),
    ],
)
def test_content_may_be_a_list_of_parts(content: Any, text: str, thought: bool) -> None:
    """The parts of text together are the reply; parts of thinking are left out."""
    completion = read(content=content)
    assert (completion.text, completion.thought) == (text, thought)


@pytest.mark.parametrize("content", [[{"type": "image"}], [{"type": "text", "text": 7}], [None], {"text": "B"}, 7])
def test_parts_that_are_no_text_are_worth_another_try(content: Any) -> None:
    """A body that is not understood is the server's fault, not an answer."""
    with pytest.raises(CallUnavailable, match="not a chat completion"):
        read(content=content)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_sent_apart_are_noted(name: str) -> None:
    """That the model has thought is known where the server says so, and its thoughts are no reply."""
    completion = read("length", content=None, **{name: "A dog barking is usual"})
    assert completion == Completion(finish_reason="length", thought=True, counted=False)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", "stop"),
        (None, "stop"),
        ("STOP", "stop"),
        ("end_turn", "stop"),
        ("eos", "stop"),
        ("tool_calls", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("SAFETY", "content_filter"),
        ("repetition", "repetition"),
    ],
)
def test_reasons_of_ending_are_put_into_one_language(said: Any, meant: str) -> None:
    """Servers name the same ends differently; one that is not known is kept."""
    assert read(said, content="B").finish_reason == meant


@pytest.mark.parametrize("said", ["error", "abort", "Cancelled", "timeout", "insufficient_system_resource"])
def test_a_reply_that_the_server_broke_off_is_sent_again(said: str) -> None:
    """What would have followed is not known: it is an attempt, as for a body that was cut."""
    with pytest.raises(CallUnavailable, match="broke the reply off") as caught:
        read(said, content="Among these, a dog barking")
    assert caught.value.code == f"finish_{said.lower()}"
