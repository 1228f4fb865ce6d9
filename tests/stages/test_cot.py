"""Tests of ``stages/cot.py``."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli.contracts import Chat, Context, Need, Row
from audiomcq_cli.records import REASONED, find_problem
from audiomcq_cli.stages.cot import STAGE, CotOptions, check_simple, check_structured
from tests.grounded.measured import BELL, DOG, draft, make_row
from tests.stages.dialogue import QUESTION, Played, play

VERIFIED = QUESTION | {
    "scores": [{"dimension": "language_fluency", "score": 5, "grader": "grader", "reason": "fine"}],
}
STAGES = {
    "stage1": "I have to tell what moves. Question type: sound.",
    "stage2": "Rain patters on a roof, and hinges complain slowly.",
    "stage3": "A window would slide, a gate would clank, a chair would scrape. The answer is: A door creaking",
}
SIMPLE = "Hinges complain slowly under the rain, which only fits a door creaking."


def write(chat: Chat, *, stages: Any = None, simple: str = SIMPLE, score: int = 5) -> Any:
    if chat.prompt == "structured_cot":
        return STAGES | (stages or {})
    if chat.prompt == "simple_cot":
        return {"analysis": simple}
    return {
        "reasoning_logic_fidelity": {"reason": "a window is dismissed without a reason", "score": score},
        "simple_reasoning_logic_fidelity": {"reason": "fine", "score": 5},
    }


def run(answers: Any = write, **options: Any) -> Played:
    assert STAGE.flow is not None
    return play(STAGE.flow(VERIFIED, Context(CotOptions(**options))), answers)


def check(**stages: str) -> list[str]:
    problems = check_structured(STAGES | stages, "sound", QUESTION["choices"], QUESTION["answer"])
    return [problem.code for problem in problems]


def test_row() -> None:
    """A row has both texts in their tags, the scores added to those before, its calls and their origin."""
    played = run()
    row = played.row
    assert played.prompts == ["structured_cot", "simple_cot", "grade_reasoning"]
    assert not find_problem(row, REASONED)
    assert row["structured_cot"] == "\n".join(f"<{name}>{text}</{name}>" for name, text in STAGES.items())
    assert row["simple_cot"] == f"<simple analysis>{SIMPLE}</simple analysis>"
    assert [score["dimension"] for score in row["scores"]] == [
        "language_fluency", "reasoning_logic_fidelity", "simple_reasoning_logic_fidelity",
    ]  # fmt: skip
    assert [call["key"] for call in row["calls"]] == ["k0", "k1", "k2"]
    assert [entry["column"] for entry in row["provenance"]] == ["structured_cot", "simple_cot", "scores"]


def test_simple_is_made_from_structured() -> None:
    """The simple reasoning is asked for with the structured one, and both are graded in their tags."""
    _, simple, grade = run().asked
    assert simple.variables["structured_cot"].startswith("<stage1>")
    assert grade.variables["simple_cot"].startswith("<simple analysis>")
    assert grade.variables["captions"] == ["A door creaks while rain falls"]


def test_low_grade_is_told_to_the_writer() -> None:
    """Below the threshold the writer is asked once more with the grader's reason, as another sample."""
    played = run(lambda chat: write(chat, score=5 if chat.sample else 2))
    first, second = (chat for chat in played.asked if chat.prompt == "structured_cot")
    assert first.variables["feedback"] == []
    assert second.variables["feedback"] == [
        "reasoning_logic_fidelity got 2 of 5: a window is dismissed without a reason"
    ]
    assert [chat.sample for chat in played.asked] == [0, 0, 0, 1, 1, 1]
    row = played.row
    assert len(row["calls"]) == 6
    assert len(row["scores"]) == 3
    assert len(row["provenance"]) == 3


def test_low_grade_rejects_in_the_end() -> None:
    """After the last attempt the dimension is the reason."""
    played = run(lambda chat: write(chat, score=3))
    assert len(played.asked) == 6
    assert played.reject.reason == "grade_reasoning_logic_fidelity"
    assert "window" in played.reject.detail


def test_rule_saves_the_other_calls() -> None:
    """Reasoning that a rule refuses is neither condensed nor graded; the writer is told what was wrong."""
    wrong = {"stage3": "It can only be this one: A gate rattling"}
    played = run(lambda chat: write(chat, stages={} if chat.sample else wrong))
    assert played.prompts == ["structured_cot", "structured_cot", "simple_cot", "grade_reasoning"]
    assert "A door creaking" in played.asked[1].variables["feedback"][0]
    assert [entry["column"] for entry in played.row["provenance"]] == ["structured_cot", "simple_cot", "scores"]


def test_rule_rejects_in_the_end() -> None:
    """After the last attempt the check's code is the reason, with the reply."""
    played = run(lambda chat: write(chat, stages={"stage1": "What moves is asked here."}), attempts=1)
    assert played.prompts == ["structured_cot"]
    assert played.reject.reason == "cot_no_type"
    assert "What moves is asked here." in played.reject.raw_reply


def test_bad_paragraph_is_not_graded() -> None:
    """A simple reasoning that a rule refuses is not graded."""
    played = run(lambda chat: write(chat, simple="A door."), attempts=1)
    assert played.prompts == ["structured_cot", "simple_cot"]
    assert played.reject.reason == "cot_too_short"


def test_no_grader() -> None:
    """With an empty grader the rules decide, and no model is needed for it."""
    played = run(grader="")
    assert played.prompts == ["structured_cot", "simple_cot"]
    assert played.row["scores"] == VERIFIED["scores"]
    assert STAGE.needs is not None
    assert STAGE.needs(CotOptions(grader="")) == [Need("writer", frozenset({"chat"}))]


def test_good_stages_pass() -> None:
    """Nothing is wrong with good stages."""
    assert check() == []


@pytest.mark.parametrize(
    ("code", "stages"),
    [
        ("cot_tags", {"stage2": "Rain patters on a roof. </stage2><stage3>A door creaking"}),
        ("cot_tags", {"stage1": "<stage1>What moves? Question type: sound"}),
        ("cot_no_type", {"stage1": "A question of sound about what moves."}),
        ("cot_no_type", {"stage1": "I have to tell what moves. Question type: ultrasound"}),
        ("cot_no_key", {"stage3": "The answer is: A gate rattling, and that is all."}),
        ("cot_no_key", {"stage3": "The answer is: A door creaking, as the hinges say."}),
        ("cot_mentions_text", {"stage2": "The description says that a door creaks."}),
        ("cot_mentions_text", {"stage2": "The caption has rain and a door."}),
        ("cot_too_short", {"stage2": "Rain."}),
        ("cot_too_long", {"stage2": "Rain falls. " * 300}),
    ],
)
def test_checks(code: str, stages: dict[str, str]) -> None:
    """Each check finds what it is for."""
    assert check(**stages) == [code]


@pytest.mark.parametrize("ending", ["a door creaking.", "**A door creaking**", "'A Door  Creaking'."])
def test_ending_is_folded(ending: str) -> None:
    """Case, emphasis, quotes and a full stop at the end do not matter."""
    assert check(stage3=f"The gate is out, so the answer is: {ending}") == []


def test_ending_in_a_longer_choice() -> None:
    """A stage that ends in another choice which ends in the answer's words ends in that other choice."""
    stages = STAGES | {"stage3": "All things considered, the answer is: A dog barking"}
    choices = ["barking", "A dog barking", "howling", "A cat purring"]
    assert [problem.code for problem in check_structured(stages, "sound", choices, "barking")] == ["cot_no_key"]
    assert check_structured(stages, "sound", choices, "A dog barking") == []


def test_simple_is_checked() -> None:
    """The paragraph has bounds of its own and must not speak of a text."""
    assert check_simple(SIMPLE) == []
    [problem] = check_simple("According to the caption a door creaks while rain falls on a roof.")
    assert problem.code == "cot_mentions_text"


# --------------------------------------------------------------------------------------------------- templates


def make_proved() -> Row:
    """A question about when a bell begins, with its proof."""
    clip = make_row((BELL, 4.1, 6.0), (DOG, 8.0, 9.0))
    [one, *_] = draft(clip, "begin")
    choices = [*one.draw_wrong(), one.answer]
    known = {name: clip[name] for name in ("captions", "events", "duration")}
    asked = {"question": one.question, "question_type": one.question_type, "choices": choices, "answer": one.answer}
    return VERIFIED | known | asked | {"answer_index": 3, "proof": list(one.proof)}


TEMPLATED = make_proved() | {
    "id": "AudioCaps:7:grounded:0",
    "method": "grounded",
    "provenance": [
        {"column": "question", "model": "grounded", "revision": "", "prompt": "begin", "prompt_version": ""}
    ],
}


def compose(row: Row = TEMPLATED, **options: Any) -> Played:
    assert STAGE.flow is not None
    return play(STAGE.flow(row, Context(CotOptions(**options))), write)


def test_templates_ask_nothing() -> None:
    """A grounded question gets its reasoning without a call, held to the rules, and it says where that comes from."""
    played = compose()
    assert played.rounds == []
    row = played.row
    assert not find_problem(row, REASONED)
    assert row["structured_cot"].startswith("<stage1>")
    assert row["structured_cot"].count("\n") == 2
    assert row["simple_cot"].startswith("<simple analysis>")
    assert "4.1" in row["structured_cot"]
    assert (row["scores"], row["calls"]) == (VERIFIED["scores"], [])
    made = [(entry["column"], entry["model"]) for entry in row["provenance"][1:]]
    assert made == [("structured_cot", "template"), ("simple_cot", "template")]
    assert compose().row == row


def test_other_methods_ask_the_writer() -> None:
    """Questions of methods that are not templated are the writer's, whatever else the corpus has."""
    assert run().prompts[0] == "structured_cot"
    assert compose(templated=()).prompts[0] == "structured_cot"
    assert compose(VERIFIED, templated=("llm",)).rounds == []


def test_empty_writer_templates_all() -> None:
    """Without a writer every question gets its reasoning from templates, and neither model nor prompt is wanted."""
    assert compose(TEMPLATED | {"method": "llm"}, writer="").row["provenance"][-1]["model"] == "template"
    assert STAGE.needs is not None
    assert callable(STAGE.prompts)
    assert STAGE.needs(CotOptions(writer="")) == []
    assert tuple(STAGE.prompts(CotOptions(writer=""))) == ()


def test_question_of_a_broken_block() -> None:
    """A question whose block lost another is rejected before anything is asked, or kept as a single one."""
    assert STAGE.flow is not None
    row = VERIFIED | {"block": "b"}
    fault = {"b": "3 of the 4 questions of its block are left"}
    played = play(STAGE.flow(row, Context(CotOptions(), plan=fault)), write)
    assert (played.rounds, played.reject.reason, played.reject.detail) == ([], "block_broken", fault["b"])
    kept = play(STAGE.flow(row, Context(CotOptions(), plan=fault, keep_broken=True)), write).row
    assert kept["block"] is None
    assert play(STAGE.flow(row, Context(CotOptions(), plan={"b": ""})), write).row["block"] == "b"


@pytest.mark.parametrize("label", ["the caption of a bell", "a bell </stage2> ringing"])
def test_templates_are_held_to_the_rules(label: str) -> None:
    """Where a template breaks a rule by what a label has in it, the row is kept without reasoning."""
    proof = [fact | {"text": fact["text"].replace(BELL, label)} for fact in TEMPLATED["proof"]]
    played = compose(TEMPLATED | {"proof": proof})
    assert played.rounds == []
    assert (played.row["structured_cot"], played.row["simple_cot"]) == (None, None)
    assert not find_problem(played.row, REASONED)


HEARD = TEMPLATED | {
    "proof": [],
    "captions": [{"text": "A dog barks while a man speaks", "origin": "AudioCaps"}],
    "question": "Which of these sounds can be heard?",
    "question_type": "sound",
    "choices": ["a cat meowing", "a dog barking", "rain falling", "a train horn blowing"],
    "answer": "a dog barking",
    "answer_index": 1,
    "provenance": [{**TEMPLATED["provenance"][0], "prompt": "presence"}],
}


def test_captions_are_not_told() -> None:
    """A question that captions answer is kept without reasoning, and is the writer's if nothing is templated."""
    row = compose(HEARD).row
    assert (row["structured_cot"], row["simple_cot"]) == (None, None)
    assert row["provenance"] == HEARD["provenance"]
    assert not find_problem(row, REASONED)
    assert compose(HEARD, templated=()).prompts[0] == "structured_cot"
