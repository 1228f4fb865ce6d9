"""What the clips of a shard are asked by rule: together in blocks, else alone about what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audiomcq_cli.grounded.blocks.claims import Candidate
from audiomcq_cli.grounded.blocks.plan import ALONE, DUPLICATE, NOTHING, Group, Plan, plan_blocks
from audiomcq_cli.grounded.blocks.reading import read_candidate
from audiomcq_cli.grounded.blocks.table import write_table
from audiomcq_cli.grounded.blocks.writing import Block
from audiomcq_cli.grounded.drafts import Question
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.knowledge import Knowledge
from audiomcq_cli.grounded.measured.turns import Wanting, list_questions, take_turns
from audiomcq_cli.grounded.shortfall import describe_nothing
from audiomcq_cli.mcq import caption_texts, lint_block
from audiomcq_cli.measurements import SOURCE, select_events

if TYPE_CHECKING:
    import pyarrow as pa

_KNOWN = ("clip_id", "captions", "events", "transcript", "measurements", "duration", "flags")
"""Columns of a clip that questions are made from."""

_ALONE = "what is known of the clip fits no three other clips of its shard; more clips of such sounds would give blocks"
_FURTHER = "no further question fits all four clips of the block"
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
    clips = [{name: row[name] for name in _KNOWN} for row in rows]
    candidates = {row["clip_id"]: _read(row, knowledge) for row in clips}
    plan = _plan_blocks(candidates, knowledge, slots)
    blocks = {clip: group.slots for group in plan.groups for clip in group.clips}
    wanting = [
        _find_wanting(row, knowledge, open_, {block.family for block in blocks.get(row["clip_id"], ()) if block}, seed)
        for row in clips
        if (open_ := [slot for slot in range(slots) if not _has_block(blocks, row["clip_id"], slot)])
    ]
    alone = take_turns(wanting)
    short = {one.clip for one in wanting if any((one.clip, slot) not in alone for slot in one.slots)}
    lacks = {
        row["clip_id"]: _describe_lack(row, plan.spares.get(row["clip_id"]), knowledge)
        for row in clips
        if row["clip_id"] in short
    }
    return ShardPlan(blocks, alone, lacks, write_table(plan))


def _read(row: Mapping[str, Any], knowledge: Knowledge) -> Candidate:
    """What a clip offers to blocks; a copy of another offers nothing."""
    clip = row["clip_id"]
    return Candidate(clip, clip, ()) if knowledge.is_copy(clip) else read_candidate(row)


def _plan_blocks(candidates: Mapping[str, Candidate], knowledge: Knowledge, slots: int) -> Plan:
    """The blocks that no rule of questions finds fault with; clips of the others are spare."""
    plan = plan_blocks(candidates.values(), slots=slots, rarity=knowledge.rarity, earlier=knowledge.earlier)
    sound = [replace(group, slots=tuple(map(_drop_unfit, group.slots))) for group in plan.groups]
    groups = tuple(group for group in sound if any(group.slots))
    spares = {clip: DUPLICATE if knowledge.is_copy(clip) else reason for clip, reason in plan.spares.items()}
    unfit: Iterable[Group] = (group for group in sound if not any(group.slots))
    return Plan(groups, spares | {clip: ALONE for group in unfit for clip in group.clips})


def _drop_unfit(block: Block | None) -> Block | None:
    return block if block and not lint_block(block.question, block.options) else None


def _has_block(blocks: Mapping[str, Sequence[Block | None]], clip: str, slot: int) -> bool:
    return clip in blocks and blocks[clip][slot] is not None


def _find_wanting(
    row: Mapping[str, Any], knowledge: Knowledge, slots: Sequence[int], asked: Set[str], seed: int
) -> Wanting:
    labels = [str(event["label"]) for event in select_events(row["events"], SOURCE)]
    questions: list[Question] = []
    if row["measurements"] or row["events"] or row["transcript"]:
        scene = listen(caption_texts(row["captions"]), labels)
        questions = list_questions(row, scene, knowledge.pool, knowledge.measured, seed)
    return Wanting(row["clip_id"], slots, questions, asked)


def _describe_lack(row: Mapping[str, Any], spare: str | None, knowledge: Knowledge) -> Lack:
    """Why a slot of a clip stays empty: for a clip in a group, that no further question fits."""
    if spare is None:
        return Lack(ALONE, _FURTHER)
    if spare == DUPLICATE:
        return Lack(DUPLICATE, _COPY.format(knowledge.clusters[row["clip_id"]]))
    if spare == ALONE:
        return Lack(ALONE, _ALONE)
    return Lack(NOTHING, describe_nothing(row))
