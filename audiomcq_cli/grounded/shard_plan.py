"""What the clips of a shard are asked by rule: together in blocks, else alone about what was measured.

Of the questions about what was measured no family has more than its share: blocks beyond that are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from audiomcq_cli.grounded.blocks.claims import Candidate
from audiomcq_cli.grounded.blocks.matching import SIZE
from audiomcq_cli.grounded.blocks.plan import ALONE, DUPLICATE, NOTHING, Plan, plan_blocks
from audiomcq_cli.grounded.blocks.reading import find_proof, read_candidate
from audiomcq_cli.grounded.blocks.table import write_table
from audiomcq_cli.grounded.blocks.writing import Block
from audiomcq_cli.grounded.drafts import Question
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.knowledge import Knowledge
from audiomcq_cli.grounded.measured.family import write_facts
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.grounded.measured.turns import Wanting, find_most, list_questions, take_turns
from audiomcq_cli.grounded.shortfall import describe_nothing
from audiomcq_cli.mcq import caption_texts, lint_block
from audiomcq_cli.measurements import SOURCE, select_events

if TYPE_CHECKING:
    import pyarrow as pa

_KNOWN = ("clip_id", "captions", "events", "transcript", "measurements", "duration", "flags")
"""Columns of a clip that questions are made from."""

_ALONE = "what is known of the clip fits no three other clips of its shard; more clips of such sounds would give blocks"
_FURTHER = "no further question fits all four clips of the block"
_SHARE = "blocks of its family have their share of the shard; more clips with other things to measure would give more"
_COPY = "clip {} of the same recording or caption stands for it in blocks"


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a slot of a clip has no question: a reason code, and what to say of it."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """The questions of a shard.

    Attributes:
        blocks: By clip, for each slot; None where there is no block for it. alone: Other questions, by clip and slot.
        lacks: By clip, why there is no question for a slot that neither has one for.
        table: The blocks and the spare clips.
    """

    blocks: Mapping[str, Sequence[Block | None]]
    alone: Mapping[tuple[str, int], Question]
    lacks: Mapping[str, Lack]
    table: pa.Table


def plan_shard(rows: Iterable[Mapping[str, Any]], knowledge: Knowledge, slots: int, seed: int) -> ShardPlan:
    """Plan so many questions of each clip of a shard (rows of ``records.CLIP``)."""
    clips = {row["clip_id"]: {name: row[name] for name in _KNOWN} for row in rows}

    @cache
    def list_alone(clip: str) -> list[Question]:
        return _list_alone(clips[clip], knowledge, seed)

    candidates = {clip: _read(row, knowledge) for clip, row in clips.items()}
    plan = _plan_blocks(candidates, knowledge, slots, knowledge.earlier)
    full: set[str] = set()
    crowded: set[str] = set()
    while True:
        blocks = {clip: group.slots for group in plan.groups for clip in group.clips}
        wanting = list(_list_wanting(clips, blocks, slots, list_alone))
        asked = _count_measured(plan)
        alone = take_turns(wanting, asked)
        most = find_most(asked + Counter(question.form for question in alone.values()))
        beyond = _find_beyond(plan, most, knowledge.earlier)
        if not beyond:
            break
        full |= {block.family for block in beyond}
        crowded |= {clip for block in beyond for clip in block.answers}
        kept = _keep(plan, {block.id for block in beyond})
        plan = _plan_again(candidates, knowledge, slots, kept, full)
    short = {one.clip for one in wanting if any((one.clip, slot) not in alone for slot in one.slots)}
    lacks = {
        clip: Lack(ALONE, _SHARE) if clip in crowded else _describe_lack(row, plan.spares.get(clip), knowledge)
        for clip, row in clips.items()
        if clip in short
    }
    return ShardPlan(blocks, alone, lacks, write_table(plan))


def _read(row: Mapping[str, Any], knowledge: Knowledge) -> Candidate:
    """Return what a clip offers to blocks; a copy of another offers nothing."""
    clip = row["clip_id"]
    return Candidate(clip, clip, ()) if knowledge.is_copy(clip) else read_candidate(row)


def _plan_blocks(candidates: Mapping[str, Candidate], knowledge: Knowledge, slots: int, earlier: Plan | None) -> Plan:
    """Return the blocks that no rule of questions finds fault with; clips of the others are spare."""
    plan = plan_blocks(candidates.values(), slots=slots, earlier=earlier)
    spares = {clip: DUPLICATE if knowledge.is_copy(clip) else reason for clip, reason in plan.spares.items()}
    unfit = {block.id for block in _list_blocks(plan) if lint_block(block.question, block.options)}
    return _keep(replace(plan, spares=spares), unfit)


def _plan_again(
    candidates: Mapping[str, Candidate], knowledge: Knowledge, slots: int, kept: Plan, full: Set[str]
) -> Plan:
    """Return the blocks that are kept, and others of their clips and of free ones in families that have not their
    share.
    """
    plan = _plan_blocks(_leave_out(candidates, full, kept), knowledge, slots, kept)
    spares = {
        clip: ALONE if reason == NOTHING and candidates[clip].claims else reason for clip, reason in plan.spares.items()
    }
    return replace(plan, spares=spares)


def _keep(plan: Plan, unfit: Set[str]) -> Plan:
    """Return a plan without some of its blocks; clips of a group that has none left are spare."""
    kept = [
        replace(group, slots=tuple(block if block and block.id not in unfit else None for block in group.slots))
        for group in plan.groups
    ]
    groups = tuple(group for group in kept if any(group.slots))
    lost = [clip for group in kept if not any(group.slots) for clip in group.clips]
    return Plan(groups, {**plan.spares, **dict.fromkeys(lost, ALONE)})


def _leave_out(candidates: Mapping[str, Candidate], full: Set[str], kept: Plan) -> dict[str, Candidate]:
    """Clips without what they could be asked in families that have their share, but for what blocks ask already."""
    asked = {
        (clip, block.family, block.ask, block.keys[place])
        for block in _list_blocks(kept)
        for clip, place in block.answers.items()
    }
    return {
        clip: replace(
            one,
            claims=tuple(
                claim
                for claim in one.claims
                if claim.family not in full or (clip, claim.family, claim.ask, claim.key) in asked
            ),
        )
        for clip, one in candidates.items()
    }


def _list_blocks(plan: Plan) -> list[Block]:
    return [block for group in plan.groups for block in group.slots if block]


# ----------------------------------------------------------------------------------- questions about measurements


def _list_wanting(
    clips: Mapping[str, Mapping[str, Any]],
    blocks: Mapping[str, Sequence[Block | None]],
    slots: int,
    list_alone: Callable[[str], Sequence[Question]],
) -> Iterator[Wanting]:
    """Yield the clips with slots that no block fills, with what they could be asked that no block of theirs asks."""
    for clip, row in clips.items():
        asks = blocks.get(clip, (None,) * slots)
        if open_ := [slot for slot, block in enumerate(asks) if not block]:
            taken = [block for block in asks if block]
            proved = [write_facts(find_proof(row, one.family, one.ask, one.keys[one.answers[clip]])) for one in taken]
            questions = [question for question in list_alone(clip) if list(question.proof) not in proved]
            yield Wanting(clip, open_, questions, {block.family for block in taken})


def _list_alone(row: Mapping[str, Any], knowledge: Knowledge, seed: int) -> list[Question]:
    if not (row["measurements"] or row["events"] or row["transcript"]):
        return []
    labels = [str(event["label"]) for event in select_events(row["events"], SOURCE)]
    scene = listen(caption_texts(row["captions"]), labels)
    return list_questions(row, scene, knowledge.pool, knowledge.measured, seed)


def _count_measured(plan: Plan) -> Counter[str]:
    """Return how many questions the blocks of each measured family ask."""
    return Counter(block.family for block in _list_blocks(plan) for _ in block.answers if block.family in FAMILIES)


def _find_beyond(plan: Plan, most: int, earlier: Plan | None) -> list[Block]:
    """Return the blocks of measured families that begin beyond the most questions of one; earlier ones stay."""
    stay = {block.id for block in _list_blocks(earlier)} if earlier else set[str]()
    beyond: list[Block] = []
    count: Counter[str] = Counter()
    for block in sorted(_list_blocks(plan), key=lambda block: (block.id not in stay, block.id)):
        if block.family in FAMILIES:
            if count[block.family] >= most and block.id not in stay:
                beyond.append(block)
            count[block.family] += SIZE
    return beyond


def _describe_lack(row: Mapping[str, Any], spare: str | None, knowledge: Knowledge) -> Lack:
    """Why a slot of a clip stays empty: for a clip in a group, that no further question fits."""
    if spare is None:
        return Lack(ALONE, _FURTHER)
    if spare == DUPLICATE:
        return Lack(DUPLICATE, _COPY.format(knowledge.clusters[row["clip_id"]]))
    if spare == ALONE:
        return Lack(ALONE, _ALONE)
    return Lack(NOTHING, describe_nothing(row))
