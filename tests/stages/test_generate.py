"""Tests of ``stages/generate.py``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from audiomcq_cli.contracts import Chat, Context, Failure, Need, Reject
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.records import QUESTION, find_problem
from audiomcq_cli.stages.generate import ANGLES_OFFERED, STAGE, GenerateOptions, draw_angles, draw_type
from tests.stages.dialogue import CLIP, Played, fail, play


def write(chat: Chat) -> Any:
    """A writer that numbers its questions."""
    if chat.prompt == "question":
        return {"question": f" Question {len(chat.variables['asked'])}? ", "question_type": "sound"}
    return {"answer": "A door\n", "distractors": ["A gate", "A window", "A chair"]}


def run(clip: dict[str, Any] = CLIP, seed: int = 0, writer: Any = write, **options: Any) -> Played:
    assert STAGE.flow is not None
    return play(STAGE.flow(clip, Context(GenerateOptions(**options), seed)), writer, "generate")


def test_question_then_choices() -> None:
    """A slot takes one request for the question and one for its choices, which sees the question."""
    played = run()
    assert played.prompts == ["question", "choices"]
    assert played.asked[1].variables["question"] == "Question 0?"


def test_row() -> None:
    """The row has every column of a question, carries those of the clip, and names its calls and their origin."""
    outcome = run(CLIP | {"calls": [{"stage": "caption", "prompt": "", "key": "c"}]}).outcome
    assert isinstance(outcome, dict)
    [row] = outcome["AudioCaps:7:llm:0"]
    assert sorted(row) == sorted(QUESTION)
    assert not find_problem(row, QUESTION)
    assert (row["question"], row["answer"], row["method"], row["flags"]) == (
        "Question 0?",
        "A door",
        "llm",
        ["no_audio"],
    )
    assert [call["key"] for call in row["calls"]] == ["c", "k0", "k1"]
    assert [entry["column"] for entry in row["provenance"]] == ["question", "question_type", "choices", "answer"]
    assert row["provenance"][2] == {
        "column": "choices", "model": "writer-8b", "revision": "r1", "prompt": "choices", "prompt_version": "1",
    }  # fmt: skip


def test_items_name_the_slots() -> None:
    """The work items of a clip are its slots, and the outcome has one entry for each."""
    assert STAGE.items is not None
    ids = STAGE.items(CLIP, GenerateOptions(questions_per_clip=3))
    assert ids == ["AudioCaps:7:llm:0", "AudioCaps:7:llm:1", "AudioCaps:7:llm:2"]
    outcome = run(questions_per_clip=3).outcome
    assert isinstance(outcome, dict)
    assert list(outcome) == ids


def test_flow_sees_what_it_asked() -> None:
    """Later slots are told the clip's earlier questions."""
    asked = [chat.variables["asked"] for chat in run(questions_per_clip=3).asked if chat.prompt == "question"]
    assert asked == [[], ["Question 0?"], ["Question 0?", "Question 1?"]]


def test_failed_slot_leaves_the_others() -> None:
    """A slot without a usable reply fails by itself; the others are kept."""

    def writer(chat: Chat) -> Any:
        return fail(chat) if chat.variables.get("question") == "Question 1?" else write(chat)

    outcome = run(writer=writer, questions_per_clip=3).outcome
    assert isinstance(outcome, dict)
    assert [type(one) for one in outcome.values()] == [list, Failure, list]


def test_failed_question_asks_no_choices() -> None:
    """Without a question there is nothing to ask choices for."""
    played = run(writer=fail)
    assert played.prompts == ["question"]
    assert all(chat.optional for chat in played.asked)


def test_no_caption() -> None:
    """A clip without any caption text is rejected in every slot, and nothing is asked."""
    played = run(CLIP | {"captions": [{"text": " ", "origin": "x"}]}, questions_per_clip=2)
    assert played.rounds == []
    assert isinstance(played.outcome, dict)
    assert [one.reason for one in played.outcome.values() if isinstance(one, Reject)] == ["no_caption"] * 2


def test_choices_follow_the_seed() -> None:
    """The same clip gets the same order of choices again, and another seed other orders."""

    def order(seed: int) -> list[list[str]]:
        outcome = run(seed=seed, questions_per_clip=8).outcome
        assert isinstance(outcome, dict)
        return [rows[0]["choices"] for rows in outcome.values()]

    assert order(0) == order(0) != order(1)


def test_no_target_by_default() -> None:
    """Without a mix the writer is free in the type, and the row has no difficulty."""
    assert run().asked[0].variables["question_type"] == ""


def test_type_mix() -> None:
    """Targets come in the shares asked for, whatever their scale, and a type without a share never."""
    counts = Counter(draw_type(f"c:{n}:llm:0", {"speech": 3, "sound": 1, "music": 0}, 0) for n in range(4000))
    assert set(counts) == {"speech", "sound"}
    assert counts["speech"] == pytest.approx(3000, abs=100)


def test_targets_reach_the_writer() -> None:
    """Target type and difficulty are variables, and the difficulty is kept in the row."""
    played = run(types={"music": 1.0}, difficulty="hard")
    assert played.asked[0].variables["question_type"] == "music"
    assert {chat.variables["difficulty"] for chat in played.asked} == {"hard"}
    assert isinstance(played.outcome, dict)
    assert played.outcome["AudioCaps:7:llm:0"][0]["difficulty"] == "hard"


def test_slots_get_different_angles() -> None:
    """Slots of a clip are offered different angles; clips differ."""
    first, second = (draw_angles("a:1", slot, "", 0) for slot in (0, 1))
    assert len(first) == ANGLES_OFFERED
    assert not set(first) & set(second)
    assert first != draw_angles("a:2", 0, "", 0)


@pytest.mark.parametrize("types", [{"noise": 1.0}, {"sound": -1.0, "music": 2.0}, {"sound": 0.0}])
def test_bad_mix(types: dict[str, float]) -> None:
    """An unknown type or shares that make no sense are refused."""
    with pytest.raises(RecipeError, match="types"):
        GenerateOptions(types=types)


def test_needs_the_writer() -> None:
    """The stage needs the model that its option names."""
    assert STAGE.needs is not None
    assert STAGE.needs(GenerateOptions(writer="big")) == [Need("big", frozenset({"chat"}))]
