"""A question before it is chosen, and the weighted draws behind every choice."""

from __future__ import annotations

from collections import Counter
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
        keep: Chance that it may be asked at all, see ``balance``. proof: The numbers behind the answer, if any.
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
    """A question as it is written into a row."""

    form: str
    question_type: str
    question: str
    answer: str
    distractors: tuple[str, ...]
    proof: tuple[Mapping[str, Any], ...] = ()


FEW_OPTIONS, COMMON, UNFIT, REPEATED = ("few_options", "common", "unfit", "repeated")
"""Why a draft was passed over: too few wrong options, an answer too common, a broken rule, a subject already asked."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The questions taken from the drafts of a clip, and how many drafts were passed over, by cause."""

    questions: Sequence[Question]
    passed_over: Mapping[str, int]


CHANCES = {"presence": 1.0, "who": 2.0, "doing": 3.0, "animal": 2.0, "vehicle": 2.0, "mood": 2.0, "genre": 2.0}
"""How readily a form is taken where several are possible, others ``RARE``: those that ask for more than a presence."""

RARE = 4.0


def choose(drafts: Sequence[Draft], clip: str, count: int, seed: int) -> Chosen:
    """The first drafts, in an order drawn for the clip, that have wrong options and break no rule.

    Forms differ as long as that is possible, subjects always.
    """
    ranked = sorted(drafts, key=lambda draft: _turn(draft, clip, seed))
    chosen: dict[int, Question] = {}
    causes: dict[int, str] = {}
    forms: set[str] = set()
    subjects: set[object] = set()
    for strict in (True, False):
        for place, draft in enumerate(ranked):
            if len(chosen) == count:
                break
            if place in chosen or (strict and draft.form in forms):
                continue
            if draft.subject in subjects:
                causes[place] = REPEATED
                continue
            made = _finish(draft, clip, seed)
            if isinstance(made, str):
                causes[place] = made
                continue
            chosen[place] = made
            forms.add(draft.form)
            subjects.add(draft.subject)
    return Chosen(list(chosen.values()), Counter(causes.values()))


def _finish(draft: Draft, clip: str, seed: int) -> Question | str:
    """A draft with its wrong options as a question, or why it is passed over."""
    if not _is_kept(draft, clip, seed):
        return COMMON
    wrong = draft.draw_wrong()
    if len(wrong) < 3:
        return FEW_OPTIONS
    if lint(draft.question, [draft.answer, *wrong], draft.answer):
        return UNFIT
    return Question(draft.form, draft.question_type, draft.question, draft.answer, tuple(wrong), draft.proof)


def balance(answer: str, counts: Mapping[str, int]) -> float:
    """Chance with which a question of few possible answers is asked, by how often each is the answer in the corpus.

    If most who speak are men, "a man" is a good guess without listening: the commonest answers are asked about as
    often as the rest on average.
    """
    others = [count for name, count in counts.items() if name != answer]
    return min(1.0, sum(others) / len(others) / counts[answer]) if others and counts.get(answer) else 1.0


def rank(weighted: Sequence[tuple[str, float]], *key: str | int) -> list[str]:
    """Texts in an order drawn for a key, heavier ones rather first (Efraimidis and Spirakis, 2006).

    Each draws a number of its own, so one that is added moves no other past another.
    """
    return [text for text, weight in sorted(weighted, key=lambda pair: -_log_point(*key, pair[0]) / pair[1])]


def _is_kept(draft: Draft, clip: str, seed: int) -> bool:
    return draw(seed, clip, "keep", draft.form, draft.answer) < draft.keep * 2**64


def _turn(draft: Draft, clip: str, seed: int) -> float:
    point = _log_point(seed, clip, draft.form, draft.question, draft.answer)
    return -point / CHANCES.get(draft.form, RARE)


def _log_point(*key: str | int) -> float:
    return log((draw(*key) + 1) / 2**64)
