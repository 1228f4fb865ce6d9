"""Tests of ``grounded/measured/telling.py``, held to the rules of the stage that uses it."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.drafts import Question
from audiomcq_cli.grounded.measured.labels import agree
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.grounded.measured.telling import compose_proved
from audiomcq_cli.stages.cot import check_simple, check_structured
from tests import grounded
from tests.grounded.measured import BELL, DOG, MAN, RAIN, draft, make_row

LONG = " in the far distance behind the wall of an old house"
CLIPS = [
    make_row((BELL, 1.2, 2.9), (DOG, 3.4, 4.4), (MAN, 6.3, 9.4), (RAIN, 11.6, 16.0), tempo=130.0),
    make_row((RAIN, 2.1, 9.0), (DOG, 6.3, 12.2), tempo_change="faster 1.2", repetition_period=0.84),
    make_row(*((label + LONG, 1.2 + 3 * n, 3 + 3 * n) for n, label in enumerate((BELL, DOG, MAN, RAIN)))),
    make_row(
        *((BELL, 1.2 + 2 * n, 1.9 + 2 * n) for n in range(9)),
        second_loudness=list(range(-40, -20)),
        loudness_change="louder 19",
    ),
    make_row(sounds=[(1 + 1.4 * n, 1.5 + 1.4 * n) for n in range(13)], separate_sounds=13, tempo_change="steady 1"),
    make_row(sounds=[(1.5, 2), (5, 6)], pitch_first_half=200, pitch_second_half=400, pitch_low=200, pitch_high=400),
    make_row(pitch_change="steady 0.1"),
    make_row(voices=[("speech", 1.1, 15.0)], words="fox river seven table the and ladder pillow " * 4),
    make_row(
        voices=[("speech", 2.1, 6.9)],
        words="fox river seven table the and ladder pillow",
        second_loudness=[-70.0] * 2 + [-20.0] * 5 + [-70.0] * 13,
    ),
    make_row(voices=[("music", 6, 15.0), ("speech", 1, 4)], words="fox river seven table the and ladder pillow"),
]


def reason(row: Row, family: str, seed: int) -> list[tuple[Row, dict[str, str], str]]:
    """Rows of all drafts of a family, each with its reasoning."""
    told = []
    for one in draft(row, family, seed=seed):
        question = Question(one.form, one.question_type, one.question, one.answer, tuple(one.draw_wrong()), one.proof)
        made = grounded.make_row(row, question)
        reasoning = compose_proved(made)
        assert reasoning
        told.append((made, *reasoning))
    return told


@pytest.mark.parametrize("family", [name for name, one in FAMILIES.items() if one.reasoned])
def test_every_family(family: str) -> None:
    """The reasoning of every family passes the rules, has the numbers of its proof, and no gap in its sentences."""
    found = [one for number, row in enumerate(CLIPS) for one in reason(row, family, number)]
    assert found, f"no clip for {family}"
    for row, parts, analysis in found:
        problems = check_structured(parts, row["question_type"], row["choices"], row["answer"]) + check_simple(analysis)
        assert [problem.detail for problem in problems] == []
        assert "{" not in f"{parts}"[1:-1]
        assert all(text.count("  ") == 0 for text in (*parts.values(), analysis))
        assert analysis[0].isupper()
        assert not parts["stage3"][0].islower()


def test_what_is_heard_has_the_numbers() -> None:
    """The second stage tells what the proof says, the third holds the other options against it."""
    [(row, parts, _)] = [one for one in reason(CLIPS[0], "begin", 0) if DOG in one[0]["question"]]
    assert "3.4" in parts["stage2"]
    assert all(choice in parts["stage3"] for choice in row["choices"])
    [(_, parts, _)] = reason(CLIPS[0], "first", 0)
    assert all(time in parts["stage2"] for time in ("1.2", "3.4", "6.3", "11.6"))


@pytest.mark.parametrize(("family", "way"), [("loudest", "softer"), ("softest", "louder")])
@pytest.mark.parametrize("seed", range(4))
def test_every_other_second_is_compared(family: str, way: str, seed: int) -> None:
    """The reasoning says how the right second stands to the rest, and how far each other option is from it."""
    levels = [-40.0, -15, -20, -26, -32, -38] if family == "loudest" else [-10.0, -38, -32, -26, -20, -10]
    told = reason(make_row(second_loudness=levels, clip=f"Small:{seed}"), family, seed)
    [(row, parts, _)] = [one for one in told if one[0]["answer"] == "1s to 2s"]
    assert "1s to 2s" in parts["stage2"]
    assert "dB" in parts["stage2"]
    for choice in row["choices"]:
        place = int(choice[0])
        by = abs(levels[place] - levels[1])
        clause = next((one for one in re.split(r"\. |; ", parts["stage3"]) if choice in one), "")
        assert not by or f"{by:.0f} dB" in clause
        assert not by or way in clause or ("below that" if way == "softer" else "above that") in clause


@pytest.mark.parametrize("family", [name for name, one in FAMILIES.items() if not one.reasoned])
def test_mere_absence_is_not_told(family: str) -> None:
    """A family whose options can only be said not to be heard has no reasoning."""
    for row in CLIPS:
        for one in draft(row, family):
            question = Question(one.form, one.question_type, one.question, one.answer, (), one.proof)
            assert compose_proved(grounded.make_row(row, question)) is None


def test_place_is_told_by_the_cue() -> None:
    """Sounds that the clip has are placed by the cue, foreign ones by what is heard where they would have to be."""
    for seed in range(8):
        for row, parts, _ in reason(CLIPS[0], "after", seed):
            cue, *_ = (fact["text"] for fact in row["proof"] if fact["name"] == "cue")
            onsets = {fact["text"]: fact["value"] for fact in row["proof"] if fact["name"] == "onset"}
            for choice in set(row["choices"]) - {row["answer"]}:
                [clause] = [
                    one for one in re.split(r"\. |; |, and (?=[^,]*$)", parts["stage3"]) if choice in one.lower()
                ]
                assert cue in clause or row["answer"] in clause or f"{onsets[row['answer']]:.1f}" in clause


@pytest.mark.parametrize("family", ["after", "before", "first", "last"])
def test_sounds_that_are_not_there_are_dismissed_at_once(family: str) -> None:
    """All wrong sounds that a clip has not are named in one sentence, and in the short analysis as well."""
    for seed in range(8):
        for row, parts, analysis in reason(CLIPS[1] if family in ("first", "last") else CLIPS[0], family, seed):
            heard = {fact["text"] for fact in row["proof"] if fact["name"] == "onset"}
            foreign = [choice for choice in row["choices"] if choice not in heard]
            for text in (parts["stage3"], analysis):
                places = {next(n for n, one in enumerate(text.split(". ")) if name in one) for name in foreign}
                assert len(places) == bool(foreign)


@pytest.mark.parametrize("family", ["after", "begin", "bpm", "period", "together", "times"])
def test_the_short_analysis_is_shorter(family: str) -> None:
    """The short analysis names every option, in fewer words than all three stages."""
    for number, row in enumerate(CLIPS):
        for made, parts, analysis in reason(row, family, number):
            assert all(choice.lower() in analysis.lower() for choice in made["choices"])
            assert len(analysis) < len(parts["stage2"] + parts["stage3"])


def test_seconds_as_loud_as_each_other_are_nearest_together() -> None:
    """Of seconds that are equally loud none alone is said to be the nearest one."""
    row = make_row(second_loudness=[-40.0, -15, -20.1, -20, -20.2, -20, -20.1])
    told = [parts["stage2"] for seed in range(4) for made, parts, _ in reason(row, "loudest", seed)]
    assert told
    assert not any("comes nearest" in one or "even " in one for one in told)


def test_a_length_is_no_moment() -> None:
    """A length of several rounds is told in rounds of the pattern."""
    for _, parts, _ in reason(make_row(repetition_period=0.51), "period", 3):
        assert not re.search(r"\bby \d", parts["stage3"].lower())
        assert "round" in parts["stage3"] or "starts over" in parts["stage3"]


@pytest.mark.parametrize(
    ("label", "verb"),
    [
        (BELL, "sets in"),
        ("footsteps on a floor", "set in"),
        ("glass shattering", "sets in"),
        ("people talking", "set in"),
    ],
)
def test_verbs_agree_with_labels(label: str, verb: str) -> None:
    """Labels in the plural take a verb in the plural."""
    assert agree(label, "sets in", "set in") == verb
