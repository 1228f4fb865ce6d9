"""Tests of ``grounded/told``: reasoning about questions that captions answer, held to the rules of the stage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.grounded.lexicon import load
from audiomcq_cli.grounded.music import load_facets
from audiomcq_cli.grounded.sounding import describe, describe_music, read_event
from audiomcq_cli.grounded.told.compose import compose_heard
from audiomcq_cli.stages.cot import check_simple, check_structured

SOUNDS = {
    "a dog barks": "a dog barking", "rain falls": "rain falling", "a man speaks": "a man speaking",
    "a cat meows": "a cat meowing", "an engine revs": "an engine revving", "a bell rings": "a bell ringing",
    "someone sneezes": "someone sneezing", "a frog croaks": "a frog croaking", "birds chirp": "birds chirping",
}  # fmt: skip
"""Clauses of captions, with what they are as options."""

clauses = st.lists(st.sampled_from(list(SOUNDS)), min_size=5, max_size=5, unique=True)
ids = st.text("abcdef0123456789", min_size=6, max_size=6)


def make(caption: str, family: str, question: str, choices: list[str], answer: str, id_: str = "x") -> dict[str, Any]:
    """A row after generate, as far as the reasoning reads it."""
    return {
        "id": id_, "method": "grounded", "proof": [], "events": [], "captions": [{"text": caption, "origin": "Small"}],
        "question": question, "question_type": "sound", "choices": choices, "answer": answer,
        "provenance": [{"column": "question", "prompt": family}],
    }  # fmt: skip


def hold(row: dict[str, Any]) -> tuple[dict[str, str], str]:
    """The reasoning of a row, after the rules of the stage."""
    told = compose_heard(row)
    assert told
    parts, analysis = told
    assert check_structured(parts, row["question_type"], row["choices"], row["answer"]) == []
    assert check_simple(analysis) == []
    assert "{" not in f"{list(parts.values())}{analysis}"
    return parts, analysis


@given(clauses, ids)
def test_one_event(drawn: list[str], id_: str) -> None:
    """Reasoning names what is heard and weighs each wrong option; what the captions do not have is not heard."""
    first, second, *others = drawn
    options = [SOUNDS[first], *(SOUNDS[one] for one in others)]
    row = make(f"{first} and {second}", "presence", "What can be heard?", options, options[0], id_)
    parts, analysis = hold(row)
    assert SOUNDS[first] in parts["stage2"].lower()
    assert not any(wrong in parts["stage2"].lower() for wrong in options[1:])
    assert all(wrong in parts["stage3"].lower() and wrong in analysis.lower() for wrong in options[1:])
    assert not any(letter.isdigit() for letter in parts["stage2"])


@given(clauses, ids)
def test_order(drawn: list[str], id_: str) -> None:
    """An order the other way round is told as such, and a missing sound as missing."""
    a, b, c, d = (SOUNDS[one] for one in drawn[:4])
    options = [f"{a}, then {b}", f"{b} before {a}", f"first {c}, next {d}", f"{a} followed by {d}"]
    row = make(f"{drawn[0]} followed by {drawn[1]}", "in_order", "In which order?", options, options[0], id_)
    row["question_type"] = "temporal"
    parts, _ = hold(row)
    assert all(option in parts["stage3"].lower() for option in options[1:])


@given(clauses, ids)
def test_pair(drawn: list[str], id_: str) -> None:
    """Of a pair the missing half is told, and the half that is there is not denied."""
    a, b, c, d = (SOUNDS[one] for one in drawn[:4])
    options = [f"{a} and {b}", f"{b} and {c}", f"{c} and {d}", f"{d} and {a}"]
    parts, _ = hold(make(f"{drawn[0]} and {drawn[1]}", "pair", "Which pair?", options, options[0], id_))
    assert all(option in parts["stage3"].lower() for option in options[1:])


@given(st.permutations(["a piano", "a violin", "a trumpet", "drums"]), ids)
def test_instrument(options: list[str], id_: str) -> None:
    """An instrument is weighed against those that are heard."""
    caption = f"This music has {options[0]} playing a melody. The tempo is fast."
    row = make(caption, "instrument", "Which instrument can be heard?", sorted(options), options[0], id_)
    row["question_type"] = "music"
    parts, _ = hold(row)
    assert all(option in parts["stage3"].lower() for option in options[1:])


@pytest.mark.parametrize("family", ["genre", "mood", "tempo", "who", "how_often", "unheard_of"])
def test_families_without_reasoning(family: str) -> None:
    """Families of which a table has nothing to teach get none."""
    options = ["jazz", "rock", "pop", "blues"]
    assert compose_heard(make("This jazz music has a piano.", family, "Which style?", options, "jazz")) is None


def test_what_captions_do_not_state_is_not_claimed() -> None:
    """A sound that no caption has at the same time, or next, is not told as if one had."""
    options = ["a dog barking", "rain falling", "a cat meowing", "a bell ringing"]
    apart = make(
        "A man speaks. A dog barks", "while", "What can be heard while a man is speaking?", options, options[0]
    )
    assert compose_heard(apart) is None
    row = make("A man speaks and a dog barks", "presence", "What can be heard?", options, options[0])
    parts, _ = hold(row)
    assert not any(word in parts["stage2"] for word in ("before", "after", "then", "while", "same time", "overlap"))


def test_options_that_are_heard_have_no_reasoning() -> None:
    """Where a wrong option is heard as well, or one cannot be read, nothing is said."""
    options = ["a dog barking", "a man speaking", "a cat meowing", "a bell ringing"]
    assert compose_heard(make("A man speaks and a dog barks", "presence", "What?", options, options[0])) is None
    options = ["a dog barking", "a theremin swooping", "a cat meowing", "a bell ringing"]
    assert compose_heard(make("A dog barks", "presence", "What?", options, options[0])) is None


def test_what_is_left_open_is_not_denied() -> None:
    """Where somebody speaks it may be a man: that option is not weighed as if it were absent."""
    options = ["someone burping", "a man speaking", "a cat meowing", "a bell ringing"]
    assert compose_heard(make("Loud burps and talking through burps", "human", "What?", options, options[0])) is None


def test_every_sound_is_described() -> None:
    """There are words for what each action sounds like, and each instrument and voice that can be an option."""
    for action in load().actions.values():
        events = [read_event(f"something {verb}") for verb in action.verbs]
        assert all(describe(event) for event in events if event)
    options = [one for facet in ("instrument", "voice") for family in load_facets()[facet].families for one in family]
    assert [one for one in options if one and not describe_music(one)] == []
