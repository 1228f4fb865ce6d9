"""Tests of ``stages/verify.py``."""

from __future__ import annotations

from typing import Any

from audiomcq_cli.contracts import Chat, Context, Need
from audiomcq_cli.records import VERIFIED, find_problem
from audiomcq_cli.stages.verify import DIMENSIONS, STAGE, VerifyOptions
from tests.stages.dialogue import QUESTION, Played, play


def grades(**scores: int) -> dict[str, Any]:
    return {name: {"reason": f"{name}: fine", "score": scores.get(name, 5)} for name in DIMENSIONS}


def test_lints_of_the_answer_mean_nothing_in_a_block() -> None:
    """In a whole block an answer that is longer than the other options is no fault: each option is the answer once."""
    row = QUESTION | {"answer": "A" * 60, "choices": ["A window", "A" * 60, "A gate", "A chair"]}
    assert STAGE.flow is not None
    options = VerifyOptions(graders=())
    alone = play(STAGE.flow(row, Context(options, plan={})), lambda _: "")
    assert alone.reject.reason == "answer_longest"
    assert play(STAGE.flow(row | {"block": "b"}, Context(options, plan={"b": ""})), lambda _: "").row["block"] == "b"
    broken = play(
        STAGE.flow(row | {"block": "b"}, Context(options, plan={"b": "gone"}, keep_broken=True)), lambda _: ""
    )
    assert broken.reject.reason == "answer_longest", "a question that is on its own again is held to all rules"


def run(grade: Any = None, row: dict[str, Any] = QUESTION, **options: Any) -> Played:
    assert STAGE.flow is not None
    return play(STAGE.flow(row, Context(VerifyOptions(**options))), lambda chat: (grade or (lambda _: grades()))(chat))


def test_good_question_is_kept() -> None:
    """A question that passes has its scores, the grader's call and the origin of the scores."""
    row = run().row
    assert not find_problem(row, VERIFIED)
    assert [score["dimension"] for score in row["scores"]] == list(DIMENSIONS)
    assert row["scores"][0] == {
        "dimension": "answer_consistency", "reason": "answer_consistency: fine", "score": 5, "grader": "grader",
    }  # fmt: skip
    assert row["calls"] == [{"stage": "stage", "prompt": "grade_question", "key": "k0"}]
    assert [entry["column"] for entry in row["provenance"]] == ["scores"]


def test_lint_comes_first() -> None:
    """A question that a rule refuses costs no call."""
    played = run(row=QUESTION | {"question": "What does the caption say?"})
    assert played.rounds == []
    assert played.reject.reason == "mentions_text"


def test_all_lints_in_the_detail() -> None:
    """The first problem gives the reason, the detail has all."""
    reject = run(row=QUESTION | {"question": "?", "answer": "A bell"}).reject
    assert reject.reason == "question_empty"
    assert "A bell" in reject.detail


def test_grader_sees_everything() -> None:
    """The grader is given captions, question, type, choices and key."""
    assert run().asked[0].variables == {
        "captions": ["A door creaks while rain falls"],
        **{name: QUESTION[name] for name in ("question", "question_type", "choices", "answer")},
    }


def test_low_score_rejects() -> None:
    """A score below the threshold rejects by its dimension, with grader, score and reason."""
    reject = run(lambda chat: grades(language_fluency=3, incorrect_options_quality=2)).reject
    assert reject.reason == "grade_incorrect_options_quality"
    assert reject.detail == "grader gave 2 of 5: incorrect_options_quality: fine"
    assert "language_fluency" in reject.raw_reply


def test_threshold_passes() -> None:
    """A score at the threshold passes, and the threshold can be set."""
    assert run(lambda chat: grades(language_fluency=4)).row
    assert run(lambda chat: grades(language_fluency=2), threshold=2).row


def test_any_grader_can_say_no() -> None:
    """All graders are asked in one round, and one low score is enough."""

    def grade(chat: Chat) -> Any:
        return grades(answer_consistency=1 if chat.model == "second" else 5)

    played = run(grade, graders=("first", "second"))
    assert [len(requests) for requests in played.rounds] == [2]
    assert played.reject.detail.startswith("second gave 1")


def test_scores_of_all_graders() -> None:
    """Scores of several graders are kept apart."""
    row = run(graders=("first", "second")).row
    assert [score["grader"] for score in row["scores"]] == ["first"] * 3 + ["second"] * 3
    assert [entry["model"] for entry in row["provenance"]] == ["first-8b", "second-8b"]


def test_rules_only() -> None:
    """Without graders nothing is asked and the rules decide."""
    played = run(graders=())
    assert played.rounds == []
    assert played.row["scores"] == []


def test_needs_the_graders() -> None:
    """The stage needs each grader."""
    assert STAGE.needs is not None
    needs = STAGE.needs(VerifyOptions(graders=("a", "b")))
    assert needs == [Need(name, frozenset({"chat"}), distinct=True) for name in ("a", "b")]
