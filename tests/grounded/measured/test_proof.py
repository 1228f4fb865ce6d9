"""Tests of ``grounded/measured/proof.py`` and of every family: the key follows from the proof, whatever the clip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.drafts import Draft
from audiomcq_cli.grounded.measured.family import read_facts
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.proof import FAMILIES, FAMILY, find_fault, solve
from audiomcq_cli.mcq import lint
from audiomcq_cli.records import TYPES
from tests.grounded.measured import BELL, DOG, MAN, RAIN, all_options, draft, make_row

LABELS = (BELL, DOG, MAN, RAIN, "A cat meows", "wind blowing", "Speech")
WORDS = ("fox", "river", "seven", "table", "the", "and", "ladder", "pillow", "orange", "winter")
NUMBERS: Mapping[str, tuple[float, float]] = {
    "tempo": (30, 240), "repetition_period": (0.1, 9), "pitch_low": (60, 900), "pitch_high": (60, 900),
    "pitch_first_half": (60, 900), "pitch_second_half": (60, 900), "separate_sounds": (0, 15),
}  # fmt: skip
TEXTS = {
    "loudness_change": ("louder", "softer", "steady"),
    "tempo_change": ("faster", "slower", "steady"),
    "pitch_change": ("rising", "falling", "steady"),
}


def spans(most: float, size: int = 6) -> st.SearchStrategy[list[tuple[float, float]]]:
    ends = st.lists(st.floats(0, most).map(lambda time: round(time, 2)), max_size=2 * size, unique=True)
    return ends.map(sorted).map(lambda times: list(zip(times[::2], times[1::2], strict=False)))


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A clip of which anything may be known, whether or not it fits together."""
    duration = draw(st.floats(2, 40))
    values: dict[str, Any] = {}
    for name, (low, high) in NUMBERS.items():
        if draw(st.booleans()):
            values[name] = draw(st.floats(low, high))
    for name, texts in TEXTS.items():
        if draw(st.booleans()):
            values[name] = f"{draw(st.sampled_from(texts))} {draw(st.floats(-15, 15))}"
    values["second_loudness"] = draw(st.lists(st.floats(-80, 0), max_size=int(duration)))
    labels = st.sampled_from(LABELS)
    return make_row(
        *((draw(labels), on, off) for on, off in draw(spans(duration))),
        sounds=draw(spans(duration)),
        voices=[(draw(st.sampled_from(["speech", "singing", "music"])), *span) for span in draw(spans(duration, 3))],
        words=[(draw(st.sampled_from(WORDS)), draw(st.floats(0.78, 1))) for _ in range(draw(st.integers(0, 12)))],
        duration=duration,
        **values,
    )


@settings(max_examples=150)
@given(rows(), st.integers(0, 99))
def test_any_clip(row: Row, seed: int) -> None:
    """The key computed from the proof is the answer; all else is clearly wrong, and times lie in the clip."""
    for one in draft(row, seed=seed):
        options = all_options(one)
        assert len(set(options)) == 4
        assert one.question_type in TYPES
        assert "{" not in one.question
        assert find_fault(options, one.answer, one.proof) == ""
        assert all(find_fault(options, wrong, one.proof) for wrong in options[1:])
        check_numbers(one, options, row["duration"])


def check_numbers(one: Draft, options: Sequence[str], duration: float) -> None:
    """By other means than the program's: what stands in the options against what stands in the proof."""
    facts = read_facts(one.proof)
    family = FAMILIES[facts[0].text]
    key = solve(family, facts)
    assert key
    if not isinstance(family.options, Numbers):
        return
    true = key.numbers
    for option in options:
        found = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", option)]
        off = max(abs(number - value) for number, value in zip(found, true, strict=True))
        if option == one.answer:
            assert off <= max(key.tolerance, 0.5 * 10.0**-key.digits) + 1e-9
        else:
            assert off >= 3 * key.tolerance - 1e-9
        if one.question_type == "temporal":
            assert all(0 <= number <= round(duration, 4) for number in found)  # as the proof says it


@settings(max_examples=60)
@given(rows(), st.integers(0, 9))
def test_questions_are_the_same_again(row: Row, seed: int) -> None:
    """The same clip and seed give the same drafts, and no rule of choices finds fault with them."""
    first, second = ([(one.question, *all_options(one)) for one in draft(row, seed=seed)] for _ in range(2))
    assert first == second
    assert all(not lint(question, options, options[0]) for question, *options in first)


ORDERED = make_row((BELL, 1.2, 2.9), (DOG, 3.4, 4.4), (MAN, 6.3, 9.4), (RAIN, 11.6, 16.0), tempo=120.0)


@pytest.mark.parametrize("family", sorted({one.form for one in draft(ORDERED)}))
def test_another_answer_is_found(family: str) -> None:
    """A row whose answer is another choice does not stand the check."""
    one = draft(ORDERED, family)[0]
    options = all_options(one)
    assert all(find_fault(options, wrong, one.proof) for wrong in options[1:])


@pytest.mark.parametrize("family", ["begin", "order", "bpm"])
def test_another_proof_is_found(family: str) -> None:
    """Numbers that were changed afterwards do not prove the answer any more."""
    one = draft(ORDERED, family)[0]
    changed = [dict(fact) | ({"value": 50.0 - fact["value"]} if fact["value"] else {}) for fact in one.proof]
    assert find_fault(all_options(one), one.answer, changed)


@pytest.mark.parametrize(
    "proof",
    [
        [],
        [{"name": FAMILY, "value": None, "text": "no such", "unit": "", "tolerance": 0.0}],
        [{"name": FAMILY, "value": None, "text": "begin", "unit": "", "tolerance": 0.0}],
        [{"name": FAMILY, "value": None, "text": "loudest", "unit": "", "tolerance": 0.0}],
        [{"name": FAMILY, "value": None, "text": "relation", "unit": None, "tolerance": None}],
    ],
)
def test_no_proof(proof: list[dict[str, Any]]) -> None:
    """What is no proof of a family is told so, and nothing breaks."""
    assert find_fault(["1.2s", "3s", "4s", "5s"], "1.2s", proof)


def test_choices_of_another_form() -> None:
    """A choice in another unit, or outside the clip, does not stand the check."""
    one = draft(ORDERED, "begin")[0]
    options = all_options(one)
    for other in ("soon", "19.9s", "1 minute", ""):
        assert find_fault([one.answer, *options[1:3], other], one.answer, one.proof)
    assert find_fault(options[1:], one.answer, one.proof)
