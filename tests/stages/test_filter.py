"""Tests of ``stages/filter.py``."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli.contracts import Audio, Context, Need
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.records import LABELLED, find_problem
from audiomcq_cli.stages.filter import STAGE, FilterOptions
from tests.stages.dialogue import QUESTION, Played, play

REASONED = QUESTION | {"scores": [], "structured_cot": "…", "simple_cot": "…"}
RIGHT, WRONG, NONE = "<answer>A door creaking</answer>", "<answer>A gate rattling</answer>", "I hear nothing."


def run(*answers: str, **options: Any) -> Played:
    assert STAGE.flow is not None
    chosen = FilterOptions(**options)
    said = dict(zip(chosen.judges, answers, strict=True))
    return play(STAGE.flow(REASONED, Context(chosen)), lambda chat: said[chat.model])


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        ((RIGHT, RIGHT, RIGHT), "weak"),
        ((RIGHT, WRONG, RIGHT), "weak"),
        ((WRONG, RIGHT, WRONG), "strong"),
        ((WRONG, WRONG, WRONG), "strong"),
    ],
)
def test_label(answers: tuple[str, ...], label: str) -> None:
    """A question is weak if two of three judges are right without the audio, else strong."""
    row = run(*answers).row
    assert not find_problem(row, LABELLED)
    assert row["audio_contribution"] == label
    assert row["flags"] == ["no_audio"]


def test_judges_hear_silence() -> None:
    """All judges are asked in one round, each with 30 s of silence and the options in the row's order."""
    played = run(RIGHT, RIGHT, RIGHT)
    assert [len(requests) for requests in played.rounds] == [3]
    for chat in played.asked:
        assert chat.prompt == "judge"
        assert chat.audio == (Audio("silence:30"),)
        assert chat.variables["options"] == str(REASONED["choices"])


def test_without_audio() -> None:
    """Under the condition none there is no audio part, and a judge need not hear."""
    played = run(RIGHT, RIGHT, RIGHT, condition="none")
    assert {chat.audio for chat in played.asked} == {()}
    assert {vote["condition"] for vote in played.row["votes"]} == {"none"}


def test_vote() -> None:
    """Every vote is kept with its judge, model, order, choice and journal key."""
    row = run(RIGHT, WRONG, NONE).row
    assert row["votes"][0] == {
        "judge": "judge1",
        "model": "judge1-8b",
        "revision": "r1",
        "condition": "silence",
        "order": [0, 1, 2, 3],
        "chosen": 1,
        "status": "right",
        "call": "k0",
    }
    assert [(vote["chosen"], vote["status"]) for vote in row["votes"][1:]] == [(2, "wrong"), (None, "unparsable")]
    assert [call["key"] for call in row["calls"]] == ["k0", "k1", "k2"]
    assert [entry["column"] for entry in row["provenance"]] == ["audio_contribution"] * 3


def test_unparsable_is_not_wrong() -> None:
    """An answer that cannot be read is kept apart and flags the row."""
    row = run(RIGHT, RIGHT, NONE).row
    assert row["audio_contribution"] == "weak"
    assert row["flags"] == ["no_audio", "unparsable_votes"]


def test_other_rules() -> None:
    """Judges and the number of right ones can be set."""
    assert run(RIGHT, judges=("one",), weak_at=1).row["audio_contribution"] == "weak"
    assert run(RIGHT, RIGHT, WRONG, weak_at=3).row["audio_contribution"] == "strong"


@pytest.mark.parametrize("options", [{"judges": ("a", "a")}, {"judges": ("a",)}, {"judges": ()}, {"weak_at": 4}])
def test_rules_that_make_no_sense(options: dict[str, Any]) -> None:
    """One judge named twice, or a rule that no number of right judges meets, is refused."""
    with pytest.raises(RecipeError):
        FilterOptions(**options)


def test_needs() -> None:
    """Judges have to take audio where they are given silence, and only there."""
    assert STAGE.needs is not None
    assert STAGE.needs(FilterOptions())[2] == Need("judge3", frozenset({"chat", "audio"}), distinct=True)
    assert STAGE.needs(FilterOptions(condition="none"))[0] == Need("judge1", frozenset({"chat"}), distinct=True)
