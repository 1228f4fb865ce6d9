"""Tests of ``grounded/reasoning.py``, held to the rules of the stage that uses it."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.questions import write_questions
from audiomcq_cli.grounded.reasoning import compose
from audiomcq_cli.stages.cot import SIMPLE_LENGTH, STAGE_LENGTH, check_simple, check_structured
from tests.grounded import CORPUS, ask, make_clip, make_row, small
from tests.grounded.test_questions import FORMS


def check(row: Row) -> list[str]:
    """Codes of all that is wrong with the reasoning of a row."""
    parts, analysis = compose(row)
    problems = check_structured(parts, row["question_type"], row["choices"], row["answer"]) + check_simple(analysis)
    return [problem.code for problem in problems]


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form: str) -> None:
    """The reasoning of every form passes the rules, and is about that form."""
    clip = FORMS[form][0]
    row = make_row(clip, ask(clip, form))
    parts, analysis = compose(row)
    assert check(row) == []
    assert row["question"] in parts["stage1"]
    assert "what the clip lets one hear" not in parts["stage1"]
    assert "{" not in "".join((*parts.values(), analysis))


def test_stages_say_what_they_should() -> None:
    """The second stage has what was written of it, the third holds every other option against it."""
    clip = make_clip("A dog barks behind a very old barn", "Somewhere behind a very old barn there is a loud animal")
    row = make_row(clip, ask(clip, "presence"))
    parts, analysis = compose(row)
    assert "A dog barks behind a very old barn" in parts["stage2"], "not the longer one, which has no dog"
    assert all(choice.lower() in parts["stage3"].lower() for choice in row["choices"])
    assert "a dog barking" in analysis
    assert "barn" not in analysis, "the short one has only what was read"


def test_known_times_are_told() -> None:
    """Where the times of events are known the second stage has them, whatever is asked."""
    clip = make_clip("A bell rings and a dog barks", events=[("a bell ringing", 4.1, 6.0)])
    assert "a bell ringing at 4.1 s" in compose(make_row(clip, ask(clip, "presence")))[0]["stage2"]


def test_own_sounds_are_not_denied() -> None:
    """A wrong option that the clip does have, at another moment, is not said to be missing."""
    clip = make_clip("Noises", events=[("a bell ringing", 1.0, 2.0), ("a dog barking", 3.0, 4.0)])
    row = make_row(clip, ask(clip, "first"))
    stage = compose(row)[0]["stage3"]
    assert "I do hear a dog barking, but later." in stage


def test_questions_of_a_corpus() -> None:
    """The reasoning of everything that is asked of a corpus passes."""
    for number, caption in enumerate(CORPUS):
        clip = make_clip(caption, f"{caption}, then a dog barks while a bell rings twice", clip=f"Small:{number}")
        for question in write_questions(clip, small(), 3, number).questions:
            assert check(make_row(clip, question)) == []


LONG = {
    "sentences": "A dog barks. " + "The place around it is a farm in the hills on a windy and quiet day. " * 60,
    "one sentence": "A dog barks, " + "and there is a farm in the hills on a windy and quiet day " * 60,
    "one word": "A dog barks. " + "x" * 5_000,
    "short": "A dog barks",
}


@pytest.mark.parametrize("caption", LONG.values(), ids=LONG)
def test_length(caption: str) -> None:
    """However long a caption is, the reasoning stays within its bounds."""
    clip = make_clip(caption)
    row = make_row(clip, ask(clip, "presence"))
    parts, analysis = compose(row)
    assert all(STAGE_LENGTH[0] <= len(text) <= STAGE_LENGTH[1] for text in parts.values())
    assert SIMPLE_LENGTH[0] <= len(analysis) <= SIMPLE_LENGTH[1]
    assert check(row) == []


def test_many_events() -> None:
    """Very many known events do not make it too long."""
    clip = make_clip("Noises", events=[(f"a bell ringing for the {n}th time", n, n + 0.5) for n in range(1, 200)])
    row: dict[str, Any] = make_row(make_clip("A dog barks"), ask(make_clip("A dog barks"), "presence"))
    assert check(row | {"events": clip["events"]}) == []


@pytest.mark.parametrize("caption", ["A dog barks {answer} {0}", "A dog barks %s", "A dog barks \\1"])
def test_odd_captions(caption: str) -> None:
    """What looks like a template in a caption is told as it is."""
    clip = make_clip(caption)
    row = make_row(clip, ask(make_clip("A dog barks"), "presence"))
    assert caption in compose(row)[0]["stage2"]
    assert check(row) == []


def test_other_ids_other_words() -> None:
    """Reasoning is not the same sentence everywhere, and is the same for a question again."""
    clip = make_clip("A dog barks")
    question = ask(clip, "presence")
    told = {compose(make_row(clip | {"clip_id": f"Small:{n}"}, question))[0]["stage2"] for n in range(20)}
    assert len(told) > 1
    assert compose(make_row(clip, question)) == compose(make_row(clip, question))
