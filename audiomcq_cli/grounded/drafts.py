"""A question before it is chosen, and the weighted draws behind every choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from audiomcq_cli.mcq import lint
from audiomcq_cli.records import draw


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that could be asked; its wrong options are drawn when it is wanted.

    Attributes:
        form: What kind of question it is. question_type, question, answer: As they will stand. subject: What it is
            about, so that a clip is not asked twice about one thing. draw_wrong: Gives three wrong options, or fewer.
        keep: Chance that it may be asked at all, see ``balance``. proof: The numbers behind the answer.
    """

    form: str
    question_type: str
    question: str
    answer: str
    subject: object
    draw_wrong: Callable[[], Sequence[str]]
    keep: float = 1.0
    proof: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is written into a row; ``subject``: what it is about."""

    form: str
    question_type: str
    question: str
    answer: str
    distractors: tuple[str, ...]
    proof: tuple[Mapping[str, Any], ...] = ()
    subject: object = None


def finish(draft: Draft, clip: str, seed: int) -> Question | None:
    """Return a draft with its wrong options; None where its answer is too common, options are missing, or a rule is
    broken.
    """
    if draw(seed, clip, "keep", draft.form, draft.answer) >= draft.keep * 2**64:
        return None
    wrong = draft.draw_wrong()
    if len(wrong) < 3 or lint(draft.question, [draft.answer, *wrong], draft.answer):
        return None
    return Question(
        draft.form, draft.question_type, draft.question, draft.answer, tuple(wrong), draft.proof, draft.subject
    )


def balance(answer: str, counts: Mapping[str, int]) -> float:
    """Chance with which a question of few possible answers is asked, by how often each is the answer in the corpus.

    If most pitches rise, "it rises" is a good guess without listening: the commonest answers are asked about as often
    as the rest on average.
    """
    others = [count for name, count in counts.items() if name != answer]
    return min(1.0, sum(others) / len(others) / counts[answer]) if others and counts.get(answer) else 1.0


def rank(weighted: Sequence[tuple[str, float]], *key: str | int) -> list[str]:
    """Texts in an order drawn for a key, heavier ones rather first (Efraimidis and Spirakis, 2006).

    Each draws a number of its own, so one that is added moves no other past another.
    """
    return [text for text, weight in sorted(weighted, key=lambda pair: -_log_point(*key, pair[0]) / pair[1])]


def _log_point(*key: str | int) -> float:
    return log((draw(*key) + 1) / 2**64)
