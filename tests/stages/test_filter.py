"""Tests of ``stages/filter.py``."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli.contracts import Chat, Context, Failure, Need, Origin, Reply, Score, Silence
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.records import LABELLED, find_problem
from audiomcq_cli.stages.filter import DEAF, STAGE, FilterOptions
from tests.stages.dialogue import QUESTION, Played, fail, play

REASONED = QUESTION | {"scores": [], "structured_cot": "…", "simple_cot": "…"}
VARIABLES = {"question", "options", "choices"}
RIGHT, WRONG, NONE = "<answer>A door creaking</answer>", "<answer>A gate rattling</answer>", "I hear nothing."


def run(*answers: str, **options: Any) -> Played:
    assert STAGE.flow is not None
    chosen = FilterOptions(**options)
    said = dict(zip(chosen.judges, answers, strict=True))
    return play(STAGE.flow(REASONED, Context(chosen)), lambda chat: said[chat.model])


def score(judges: tuple[str, ...], logprobs: dict[str, list[float]], said: str = RIGHT, **options: Any) -> Played:
    """Judges of which those that are scored find each option so likely, by prompt; keys are those of one journal."""
    assert STAGE.flow is not None

    def answer(request: Chat | Score) -> Reply:
        origin, key = Origin(request.model, "r1", request.prompt, "1"), f"{request.model}/{request.prompt}"
        if isinstance(request, Chat):
            return Reply(stage="filter", key=key, origin=origin, text=said)
        value = [{"logprob": logprob, "tokens": 1} for logprob in logprobs[request.prompt]]
        return Reply(stage="filter", key=key, origin=origin, value=value)

    chosen = FilterOptions(judges=judges, weak_at=1, **options)
    return play(STAGE.flow(REASONED, Context(chosen)), answer)


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
        assert chat.audio == (Silence(30),)
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


@pytest.mark.parametrize("judge", ["a:perplexity", ":letter", "a:", ""])
def test_judge_that_is_none(judge: str) -> None:
    """A judge without a model, or with a scoring that there is not, is refused with the scorings that there are."""
    with pytest.raises(RecipeError, match="judges: ") as caught:
        FilterOptions(judges=(judge,), weak_at=1)
    assert "likelihood, pmi, letter" in caught.value.hint


# --------------------------------------------------------------------------------------------------- scored judges

OPTION = [-9.0, -8.0, -7.0, -12.0]
BLANK = [-8.0, -9.5, -4.0, -12.0]
LETTER = [-0.1, -3.0, -4.0, -5.0]
LOGPROBS = {"judge_option": OPTION, "judge_blank": BLANK, "judge_letter": LETTER}


@pytest.mark.parametrize(("scoring", "chosen"), [("likelihood", 2), ("pmi", 1), ("letter", 0)])
def test_scored_judge_chooses_the_likeliest(scoring: str, chosen: int) -> None:
    """The option of the best score is the choice; pmi takes away what it scores without the question."""
    [vote] = score((f"one:{scoring}",), LOGPROBS).row["votes"]
    assert (vote["judge"], vote["model"], vote["order"]) == (f"one:{scoring}", "one", [0, 1, 2, 3])
    assert (vote["chosen"], vote["status"]) == (chosen, "right" if chosen == REASONED["answer_index"] else "wrong")


def test_what_is_scored() -> None:
    """The texts of the options are scored, or their letters; nothing is heard, and each may fail without the row."""
    played = score(("one:pmi", "one:letter"), LOGPROBS)
    option, blank, letters = played.scored
    assert (option.prompt, blank.prompt, letters.prompt) == ("judge_option", "judge_blank", "judge_letter")
    assert option.continuations == blank.continuations == tuple(REASONED["choices"])
    assert letters.continuations == ("A", "B", "C", "D")
    assert all(one.audio == () and one.optional and set(one.variables) == VARIABLES for one in played.scored)


def test_judges_side_by_side() -> None:
    """Judges asked in words and scored ones are asked in one round; those that are scored hear nothing."""
    played = score(("one", "two:letter", "two:pmi"), LOGPROBS)
    assert len(played.rounds) == 1
    assert [(vote["judge"], vote["condition"], vote["call"]) for vote in played.row["votes"]] == [
        ("one", "silence", "one/judge"),
        ("two:letter", "none", "two/judge_letter"),
        ("two:pmi", "none", "two/judge_option"),
    ]


def test_shared_replies_stand_once() -> None:
    """Two scorings that share a request have two votes, and its key stands once among the row's calls."""
    row = score(("one:likelihood", "one:pmi"), LOGPROBS).row
    assert [vote["call"] for vote in row["votes"]] == ["one/judge_option", "one/judge_option"]
    assert [call["key"] for call in row["calls"]] == ["one/judge_option", "one/judge_blank"]
    assert [entry["prompt"] for entry in row["provenance"]] == ["judge_option", "judge_blank"]


def test_equal_scores_are_unparsable() -> None:
    """Where two options share the best score nothing is guessed."""
    row = score(("one:letter",), {"judge_letter": [-1.0, -1.0, -2.0, -3.0]}).row
    assert [(vote["chosen"], vote["status"]) for vote in row["votes"]] == [(None, "unparsable")]
    assert row["flags"] == ["no_audio", "unparsable_votes", "undecided"]


def test_scored_judge_that_is_gone_fails_the_row() -> None:
    """A score that never came fails the row, as an answer would."""
    assert STAGE.flow is not None
    options = FilterOptions(judges=("one:pmi",), weak_at=1)
    played = play(STAGE.flow(REASONED, Context(options)), fail)
    assert isinstance(played.outcome, Failure)


def test_prompts_are_those_of_the_judges() -> None:
    """Only the prompts that the judges are asked with are named, each once."""
    assert STAGE.prompts is not None
    assert STAGE.prompts(FilterOptions()) == ["judge"]
    scored = FilterOptions(judges=("a:likelihood", "b:pmi", "b"))
    assert STAGE.prompts(scored) == ["judge_option", "judge_blank", "judge"]


def test_needs() -> None:
    """Judges have to take audio where they are given silence; to score is all that is needed of those scored."""
    assert STAGE.needs is not None
    scored = STAGE.needs(FilterOptions(judges=("a:letter", "a:pmi")))
    assert scored == [Need("a", frozenset({"score"}), distinct=True, way=way) for way in (":letter", ":pmi")]
    assert STAGE.needs(FilterOptions())[2] == Need("judge3", frozenset({"chat", "audio"}), distinct=True, instead=DEAF)
    assert STAGE.needs(FilterOptions(condition="none"))[0] == Need("judge1", frozenset({"chat"}), distinct=True)
