"""Plans the blocks of a shard: which four clips are asked one question, with which options.

Clips are grouped once, by their first question; each further slot asks the same four clips something else, or nothing.
An earlier plan is kept as far as its clips are there and its questions hold: new clips join new blocks only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from audiomcq_cli.grounded.blocks.claims import Candidate, Claim
from audiomcq_cli.grounded.blocks.matching import SIZE, Quad
from audiomcq_cli.grounded.blocks.phases import ORDER, count_claims, find_quads
from audiomcq_cli.grounded.blocks.writing import Block, write_block
from audiomcq_cli.grounded.blocks.wrong import Asked, fits_all
from audiomcq_cli.grounded.measured.proof import list_rivals
from audiomcq_cli.records import draw

NOTHING, DUPLICATE, ALONE = "nothing_to_ask", "duplicate", "no_block"
"""Why a clip is in no block: nothing is known to ask it, another clip of its cluster takes part, or nothing fits it."""

_ASSIGNMENTS = 64
"""Ways to ask four clips in one family that are tried for a further slot."""


@dataclass(frozen=True, slots=True)
class Group:
    """Four clips with a block for each slot; None where there is no further question for all four."""

    clips: tuple[str, ...]
    slots: tuple[Block | None, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The groups of a shard, and why each clip that is in none is spare."""

    groups: tuple[Group, ...]
    spares: Mapping[str, str]


def plan_blocks(
    candidates: Iterable[Candidate],
    *,
    slots: int = 1,
    earlier: Plan | None = None,
) -> Plan:
    """Groups of four clips with their questions, out of the clips of one shard.

    Args:
        candidates: Clips with what they claim, in any order; of each cluster one takes part.
        slots: Questions wanted of each clip.
        earlier: A plan to keep as far as it holds.
    """
    everyone = {one.clip: one for one in sorted(candidates, key=lambda one: draw("turn", one.clip))}
    kept = [group for group in (earlier.groups if earlier else ()) if all(clip in everyone for clip in group.clips)]
    kept = [group for group in (_hold(one, everyone) for one in kept) if group]
    taking = _choose_of_clusters(everyone, kept)
    counts = count_claims(taking.values())
    placed = {clip for group in kept for clip in group.clips}
    free = {clip: one for clip, one in taking.items() if clip not in placed}
    groups = [_fill_slots(group.clips, group.slots, everyone, slots) for group in kept]
    for quad in find_quads(free, counts):
        block = write_block(quad)
        groups.append(_fill_slots(tuple(sorted(block.answers)), (block,), everyone, slots))
    placed = {clip for group in groups for clip in group.clips}
    spares = {
        clip: DUPLICATE if clip not in taking else ALONE if one.claims else NOTHING
        for clip, one in sorted(everyone.items())
        if clip not in placed
    }
    return Plan(tuple(sorted(groups, key=lambda group: group.clips)), spares)


# ------------------------------------------------------------------------------------------------ earlier blocks


def _hold(group: Group, everyone: Mapping[str, Candidate]) -> Group | None:
    """Return a group of an earlier plan with those of its blocks that still hold; None where none does."""
    slots = [block if block and holds(block, everyone) else None for block in group.slots]
    return Group(group.clips, tuple(slots)) if any(slots) else None


def holds(block: Block, everyone: Mapping[str, Candidate]) -> bool:
    """Return whether every clip of a block still has its answer, and no other."""
    asked: list[Asked] = []
    for clip, place in block.answers.items():
        claim = everyone[clip].find(block.family, block.ask, block.keys[place])
        if not claim or (claim.solved and block.options[place] not in claim.texts):
            return False
        if not fits_all(one := Asked(everyone[clip], claim), asked):
            return False
        asked.append(one)
    return len(asked) == SIZE


def _choose_of_clusters(everyone: Mapping[str, Candidate], kept: Sequence[Group]) -> dict[str, Candidate]:
    """One clip of each cluster: one that is in a block already, else that of the lowest hash."""
    placed = {clip for group in kept for clip in group.clips}
    chosen: dict[str, str] = {}
    for clip in sorted(everyone, key=lambda clip: clip not in placed):
        chosen.setdefault(everyone[clip].cluster, clip)
    wanted = set(chosen.values())
    return {clip: one for clip, one in everyone.items() if clip in wanted}


# ------------------------------------------------------------------------------------------------ further slots


def _fill_slots(
    clips: tuple[str, ...], blocks: Sequence[Block | None], everyone: Mapping[str, Candidate], slots: int
) -> Group:
    """Return a group with a block for every slot for which there is one."""
    filled = list(blocks[:slots])
    filled += [None] * (slots - len(filled))
    for place, block in enumerate(filled):
        if not block:
            asked = [one for one in filled if one]
            filled[place] = _find_further([everyone[clip] for clip in clips], asked)
    return Group(clips, tuple(filled))


def _find_further(clips: Sequence[Candidate], asked: Sequence[Block]) -> Block | None:
    """Another question for the same four clips, of another family, that asks no clip about the same again."""
    families = {name for block in asked for name in list_rivals(block.family)}
    known = {(clip, block.keys[place]) for block in asked for clip, place in block.answers.items()}
    first, *rest = clips
    pools = {claim.pool for claim in first.claims if claim.family not in families}
    pools = {pool for pool in pools if all(any(claim.pool == pool for claim in one.claims) for one in rest)}
    for pool in sorted(pools, key=lambda pool: (ORDER.get(pool[0], len(ORDER)), pool)):
        offers = [
            [claim for claim in one.claims if claim.pool == pool and (one.clip, claim.key) not in known]
            for one in clips
        ]
        for claims in islice(product(*offers), _ASSIGNMENTS):
            if quad := _check(clips, claims):
                return write_block(quad)
    return None


def _check(clips: Sequence[Candidate], claims: Sequence[Claim]) -> Quad | None:
    asked: list[Asked] = []
    for candidate, claim in zip(clips, claims, strict=True):
        if not fits_all(one := Asked(candidate, claim), asked):
            return None
        asked.append(one)
    return tuple(asked)
