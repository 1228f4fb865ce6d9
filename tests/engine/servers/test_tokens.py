"""Tests of ``engine/servers/tokens.py``: how many tokens a call will take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from audiomcq_cli.contracts import Call, Clip, Completion, Message, Silence
from audiomcq_cli.engine.servers.tokens import (
    AUDIO_TOKENS,
    CLIP_TOKENS,
    MARGIN,
    TURN_TOKENS,
    TokenBounds,
    estimate_tokens,
)
from tests.engine import puppet_model

MODEL = puppet_model()


def make_call(text: str, **sampling: Any) -> Call:
    """A chat of one turn."""
    return Call(messages=(Message("user", text),), sampling=sampling, prompt="ask")


def test_tokens_are_estimated_from_prompt_and_limit() -> None:
    """Four characters are a token; the reply counts as long as it may get."""
    assert estimate_tokens(make_call("x" * 400)) == (100, 256)
    assert estimate_tokens(make_call("x" * 400, max_tokens=10)) == (100, 10)


def test_tokens_to_be_scored_are_estimated_from_the_texts() -> None:
    """What is scored counts by its own length, at least one token each."""
    call = replace(make_call("x" * 400, max_tokens=10), continuations=("A", "B", "a dog barking"))
    assert estimate_tokens(call) == (100, 1 + 1 + 4)


def test_bound_of_the_first_call_is_a_token_a_byte() -> None:
    """Before anything is known, a prompt takes its bytes, what a template adds and what clips come to."""
    call = make_call("é" * 100, max_tokens=10)
    assert TokenBounds().bound(MODEL, call) == (200 + TURN_TOKENS, 10)
    heard = replace(call, messages=(Message("user", "x", (Clip("s", "a.wav"),)),))
    assert TokenBounds().bound(MODEL, heard) == (1 + TURN_TOKENS + CLIP_TOKENS, 10)


def test_audio_takes_tokens_by_its_length() -> None:
    """A window or silence counts by its own seconds, a clip by those that its row says, else as 30 s."""
    clip = Clip("s", "a.wav", duration=8.0)
    for part, seconds in ((clip, 8), (clip.cut(2, 4), 4), (Silence(20), 20), (Clip("s", "b.wav"), 30)):
        heard = replace(make_call("x"), messages=(Message("user", "x" * 40, (part,)),))
        assert estimate_tokens(heard)[0] == 10 + AUDIO_TOKENS * seconds


def test_long_audio_is_bound_by_its_length() -> None:
    """A clip of a minute may take twice what one of 30 s does; a short one as much, since models fill it up."""
    long, short = (replace(make_call("x"), messages=(Message("user", "x", (Silence(n),)),)) for n in (60, 1))
    assert TokenBounds().bound(MODEL, long)[0] == 1 + TURN_TOKENS + 2 * CLIP_TOKENS
    assert TokenBounds().bound(MODEL, short)[0] == 1 + TURN_TOKENS + CLIP_TOKENS


def test_bound_learns_the_most_of_its_like() -> None:
    """The estimate is multiplied by the most by which it was ever too small; other prompts and models do not count."""
    bounds, call = TokenBounds(), make_call("x" * 400, max_tokens=10)
    for took in (150, 250, 90):
        bounds.learn(MODEL, call, Completion(prompt_tokens=took, completion_tokens=3))
    assert bounds.bound(MODEL, call) == (250 * MARGIN, 10)
    assert bounds.bound(MODEL, make_call("x" * 800, max_tokens=20)) == (500 * MARGIN, 20)
    assert bounds.bound(MODEL, replace(call, prompt="another")) == TokenBounds().bound(MODEL, call)
    assert bounds.bound(replace(MODEL, name="other"), call) == TokenBounds().bound(MODEL, call)


def test_bound_of_texts_to_score_learns_from_both() -> None:
    """What was taken for a prompt and its continuations scales both."""
    bounds = TokenBounds()
    call = replace(make_call("x" * 40), continuations=("abcd",) * 10)
    assert bounds.bound(MODEL, call)[1] == 40
    bounds.learn(MODEL, call, Completion(prompt_tokens=30, completion_tokens=10))
    assert bounds.bound(MODEL, call) == (20 * MARGIN, 20 * MARGIN)
