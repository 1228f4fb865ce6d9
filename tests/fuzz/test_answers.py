"""Replies of any text at all: the parser ends, soon, in an option or in none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.answers import has_closed_answer, parse_answer
from tests.fuzz import fuzzed

CHOICES = ["a dog barking", "a cat meowing", "C# minor", "2"]

PIECES = [
    "<answer>", "</answer>", "\\boxed{", "}", "{", "{\"answer\": \"", "\"}", "<think>", "</think>", "[THINK]",
    "[/THINK]", "◁think▷", "<|channel|>", "final", "analysis", "<|message|>", "<|im_end|>", "<|", "|>",
    "the answer is ", "Answer: ", "A", "b)", " B. ", "a dog barking", "a cat meowing", "not ", "if ", "or ", ", ",
    ". ", "\n", "(", ")", "**", "is correct", "I choose ", "答案是", "2", "?", "because ", "wait, ", "option ",
    "\\text{", "$", "<|begin_of_box|>", "<|end_of_box|>", "​", "here is my response:",
]  # fmt: skip

replies = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 3_000)).map(lambda repeated: repeated[0] * repeated[1]),
)


@fuzzed
@given(replies)
def test_any_reply_is_an_option_or_none(text: str) -> None:
    """No reply raises, hangs, or names an option that there is not."""
    assert parse_answer(text, CHOICES) in {None, 0, 1, 2, 3}
    assert has_closed_answer(text) in {True, False}
