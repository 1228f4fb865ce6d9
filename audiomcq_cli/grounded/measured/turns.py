"""Questions about what was measured for clips that find no block: families take turns, and none takes too many.

The questions that blocks ask about what was measured count as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from audiomcq_cli.grounded.drafts import Question, finish
from audiomcq_cli.grounded.hearing import Scene
from audiomcq_cli.grounded.measured.proof import FAMILIES, list_rivals
from audiomcq_cli.grounded.measured.questions import Known, draft_measured
from audiomcq_cli.grounded.pool import Pool
from audiomcq_cli.records import draw

SHARE = 3
"""A family takes at most one in so many of the questions; where fewer families are to be had, they take equal parts."""


@dataclass(frozen=True, slots=True)
class Wanting:
    """A clip with slots that no block fills.

    Attributes:
        clip, slots: Which. questions: What it could be asked instead. asked: Families in which blocks ask it already.
    """

    clip: str
    slots: Sequence[int]
    questions: Sequence[Question]
    asked: Set[str] = frozenset()


def list_questions(row: Mapping[str, Any], scene: Scene, pool: Pool, known: Known, seed: int) -> list[Question]:
    """Return every question that families may ask of a clip (a row of ``records.CLIP``) outside a block."""

    def pick(label: str, count: int, form: str) -> Sequence[str]:
        return pool.pick_like(label, scene, count, seed, row["clip_id"], form)

    drafts = (draft for draft in draft_measured(row, known, pick, seed) if FAMILIES[draft.form].alone)
    made = (finish(draft, row["clip_id"], seed) for draft in drafts)
    return [question for question in made if question]


def take_turns(
    wanting: Iterable[Wanting], asked: Mapping[str, int] = MappingProxyType({})
) -> dict[tuple[str, int], Question]:
    """Return questions by clip and slot, as far as there are any: always one of the family asked least so far.

    No clip is asked twice about one thing, and about several in different families as long as there are any.

    Args:
        wanting: Clips with open slots, in any order. asked: How many questions blocks ask, by measured family.
    """
    queue = sorted(wanting, key=lambda one: draw("turn", one.clip))
    taken: dict[tuple[str, int], Question] = {}
    count = Counter(asked)
    for turn in range(max((len(one.slots) for one in queue), default=0)):
        for one in queue:
            if turn < len(one.slots) and (found := _choose(one, turn, taken, count)):
                taken[one.clip, one.slots[turn]] = found
                count[found.form] += 1
    most = find_most(count)
    kept = Counter(asked)
    for place, question in list(taken.items()):
        kept[question.form] += 1
        if kept[question.form] > most:
            del taken[place]
    return taken


def find_most(count: Mapping[str, int]) -> int:
    """The most questions that one family may have, so that it has its share of all that are left then."""
    share = max(1, min(SHARE, len(count)))
    most = max(count.values(), default=0)
    while most > -(-sum(min(one, most) for one in count.values()) // share):
        most -= 1
    return most


def _choose(
    one: Wanting, turn: int, taken: Mapping[tuple[str, int], Question], count: Mapping[str, int]
) -> Question | None:
    before = [taken[one.clip, slot] for slot in one.slots[:turn] if (one.clip, slot) in taken]
    subjects = [question.subject for question in before]
    families = {*one.asked, *(question.form for question in before)}
    rivals = {rival for family in families for rival in list_rivals(family)} - families
    left = [question for question in one.questions if question.subject not in subjects and question.form not in rivals]
    return min(
        left,
        key=lambda question: (
            question.form in families, count[question.form], draw(one.clip, question.form, question.question),
        ),
        default=None,
    )  # fmt: skip
