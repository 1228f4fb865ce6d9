"""Plans the blocks of a shard: which four clips are asked one question, with which options.

Clips are grouped once, by their first question; each further slot asks the same four clips something else, or nothing.
An earlier plan is kept as far as its clips are there and its questions hold: new clips join new blocks only.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product

from audiomcq_cli.grounded.blocks.claims import Candidate, Claim
from audiomcq_cli.grounded.blocks.cycles import match_orders, match_pairs
from audiomcq_cli.grounded.blocks.kinship import is_akin, is_reverse, shares_sound
from audiomcq_cli.grounded.blocks.matching import SIZE, Quad, match
from audiomcq_cli.grounded.blocks.naming import load_forms
from audiomcq_cli.grounded.blocks.reading import CLASSES
from audiomcq_cli.grounded.blocks.wrong import Asked, fits, fits_all
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.records import draw

NOTHING, DUPLICATE, ALONE = "nothing_to_ask", "duplicate", "no_block"
"""Why a clip is in no block: nothing is known to ask it, another clip of its cluster takes part, or nothing fits it."""

_OTHERS = 48
"""Hundredths of the blocks that fillers complete to something else than presence: it shall be 55 at most, of those that
are found; not all are."""

_TURNS = 3
"""Questions of one clip that are tried in one family, the rarest answer first."""

_ASSIGNMENTS = 64
"""Ways to ask four clips in one family that are tried for a further slot."""


@dataclass(frozen=True, slots=True)
class Block:
    """Four clips with one question and the same four options in the same order.

    Attributes:
        id: Hash of what is asked and of the clips. family, ask: See ``Claim``. question_type: Of all four rows.
        question: The text. options: Four texts. keys: What they are compared by, in their order.
        answers: Number of the option that is right, by clip.
    """

    id: str
    family: str
    ask: str
    question_type: str
    question: str
    options: tuple[str, ...]
    keys: tuple[str, ...]
    answers: Mapping[str, int]


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
    rarity: Mapping[str, int] | None = None,
    earlier: Plan | None = None,
) -> Plan:
    """Groups of four clips with their questions, out of the clips of one shard.

    Args:
        candidates: Clips with what they claim, in any order; of each cluster one takes part.
        slots: Questions wanted of each clip.
        rarity: Clips of the corpus by what they can be asked (``count_claims``); of this shard, where not given.
        earlier: A plan to keep as far as it holds.
    """
    everyone = {one.clip: one for one in sorted(candidates, key=lambda one: draw("turn", one.clip))}
    kept = [group for group in (earlier.groups if earlier else ()) if all(clip in everyone for clip in group.clips)]
    kept = [group for group in map(lambda one: _hold(one, everyone), kept) if group]
    taking = _choose_of_clusters(everyone, kept)
    counts = rarity if rarity is not None else count_claims(taking.values())
    placed = {clip for group in kept for clip in group.clips}
    free = {clip: one for clip, one in taking.items() if clip not in placed}
    groups = [_fill_slots(group.clips, group.slots, everyone, slots) for group in kept]
    for quad in _find_quads(free, counts):
        block = write_block(quad)
        groups.append(_fill_slots(tuple(sorted(block.answers)), (block,), everyone, slots))
    placed = {clip for group in groups for clip in group.clips}
    spares = {
        clip: DUPLICATE if clip not in taking else ALONE if one.claims else NOTHING
        for clip, one in sorted(everyone.items())
        if clip not in placed
    }
    return Plan(tuple(sorted(groups, key=lambda group: group.clips)), spares)


def count_claims(candidates: Iterable[Candidate]) -> Counter[str]:
    """In how many clips each thing is that can be asked about."""
    return Counter(about for one in candidates for about in {_name(claim) for claim in one.claims})


def write_block(quad: Sequence[Asked]) -> Block:
    """The question and options of four clips; everything that is drawn is drawn by the block's id."""
    claim = quad[0].claim
    id_ = name_block(claim.family, claim.ask, [one.candidate.clip for one in quad])
    shuffled = sorted(quad, key=lambda one: draw(id_, "option", one.claim.key))
    way = draw(id_, "way") % 4
    mixed = claim.family == "order"
    texts = [one.claim.texts[(way + place * mixed) % len(one.claim.texts)] for place, one in enumerate(shuffled)]
    stems = _list_stems(claim.family)
    stem = stems[draw(id_, "stem") % len(stems)]
    return Block(
        id=id_,
        family=claim.family,
        ask=claim.ask,
        question_type=_type_of(claim.family),
        question=stem.format(**claim.words),
        options=tuple(texts),
        keys=tuple(one.claim.key for one in shuffled),
        answers={one.candidate.clip: place for place, one in enumerate(shuffled)},
    )


def name_block(family: str, ask: str, clips: Iterable[str]) -> str:
    """Id of a block: a hash of what is asked of which clips."""
    text = "\x1e".join([family, ask, *sorted(clips)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ------------------------------------------------------------------------------------------------ earlier blocks


def _hold(group: Group, everyone: Mapping[str, Candidate]) -> Group | None:
    """A group of an earlier plan with those of its blocks that still hold; None where the first does not."""
    slots = [block if block and holds(block, everyone) else None for block in group.slots]
    return Group(group.clips, tuple(slots)) if slots and slots[0] else None


def holds(block: Block, everyone: Mapping[str, Candidate]) -> bool:
    """Whether every clip of a block still has its answer, and no other."""
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


# -------------------------------------------------------------------------------------------------- first slots


@dataclass(frozen=True, slots=True)
class _Phase:
    """A family or several and how its clips are matched; a filler takes only as many as presence must leave."""

    families: Sequence[str]
    match: Callable[[list[Asked], int], list[Quad]]
    filler: bool = False


def _find_quads(free: dict[str, Candidate], counts: Mapping[str, int]) -> Iterator[Quad]:
    """Fours of clips that are free, family after family: the more a family asks for, the earlier."""
    everyone = sum(bool(one.claims) for one in free.values())
    others = _OTHERS * everyone // (100 * SIZE)
    found = 0
    for phase in _PHASES:
        offers = _rank_claims(free.values(), phase.families, counts)
        for turn in range(_TURNS):
            for pool in _list_pools(free, offers, turn):
                for quad in phase.match(pool, max(0, others - found) if phase.filler else everyone):
                    found += 1
                    for one in quad:
                        del free[one.candidate.clip]
                    yield quad


def _rank_claims(
    candidates: Iterable[Candidate], families: Sequence[str], counts: Mapping[str, int]
) -> dict[str, list[Claim]]:
    """What each clip can be asked in some families, the rarest answer first."""
    wanted = frozenset(families)
    offers: dict[str, list[Claim]] = {}
    for one in candidates:
        if claims := [claim for claim in one.claims if claim.family in wanted]:
            claims.sort(key=lambda claim: (counts.get(_name(claim), 0), claim.pool, claim.key))
            offers[one.clip] = claims
    return offers


def _list_pools(
    free: Mapping[str, Candidate], offers: Mapping[str, list[Claim]], turn: int
) -> Iterator[list[Asked]]:
    """Clips by what they can be asked together, larger pools first, a clip in one pool only."""
    pools: defaultdict[tuple[str, str], list[Asked]] = defaultdict(list)
    for clip, claims in offers.items():
        if clip in free and turn < len(claims):
            pools[claims[turn].pool].append(Asked(free[clip], claims[turn]))
    yield from (pools[pool] for pool in sorted(pools, key=lambda pool: (-len(pools[pool]), pool)))


def _match_any(pool: list[Asked], most: int) -> list[Quad]:
    return match(pool, most=most)


def _match_akin(pool: list[Asked], most: int) -> list[Quad]:
    return match(pool, is_akin, most=most)


def _match_presence(pool: list[Asked], most: int) -> list[Quad]:
    """Sounds that can be heard; asked for by their class where all four share one."""
    return [_ask_class(quad) for quad in match(pool, is_akin, most=most)]


def _ask_class(quad: Quad) -> Quad:
    family = CLASSES.get(quad[0].claim.kind, "")
    found = [
        Asked(one.candidate, claim)
        for one in quad
        for claim in one.candidate.claims
        if claim.family == family and claim.events == one.claim.events
    ]
    whole = len(found) == SIZE and all(fits(one, other) for one, other in combinations(found, 2))
    return tuple(found) if whole else quad


def _match_sharing(pool: list[Asked], most: int) -> list[Quad]:
    return match(pool, is_reverse, shares_sound, most=most)


def _match_rings(pool: list[Asked], most: int) -> list[Quad]:
    return match_pairs(pool)


def _match_first(pool: list[Asked], most: int) -> list[Quad]:
    """Rings of orders, asked for what is first or for what is last."""
    return [_turn_round(quad) for quad in match_orders(pool)]


def _turn_round(quad: Quad) -> Quad:
    turned = []
    for one in quad:
        events = one.claim.events[::-1]
        last = next(claim for claim in one.candidate.claims if claim.family == "last" and claim.events == events)
        turned.append(Asked(one.candidate, last))
    ask_last = draw("last", *sorted(one.candidate.clip for one in quad)) % 2
    whole = all(fits(one, other) for one, other in combinations(turned, 2))
    return tuple(turned) if ask_last and whole else quad


_PHASES: Sequence[_Phase] = (
    _Phase(("first",), _match_first),
    _Phase(("order",), _match_sharing),
    _Phase(("times",), _match_any),
    _Phase(tuple(FAMILIES), _match_any),
    _Phase(("traits",), _match_rings),
    _Phase(("genre", "mood", "voice", "tempo"), _match_any),
    _Phase(("instrument",), _match_any),
    _Phase(("while",), _match_akin),
    _Phase(("pair",), _match_rings),
    _Phase(("doing",), _match_any),
    _Phase(("who",), _match_any),
    _Phase(("background",), _match_akin),
    _Phase(("after",), _match_akin, filler=True),
    _Phase(("before",), _match_akin, filler=True),
    _Phase(("beside",), _match_akin, filler=True),
    _Phase(("pair",), _match_sharing, filler=True),
    _Phase(("presence",), _match_presence),
)
"""Families in the order in which clips are taken for them."""

_ORDER: Mapping[str, int] = {
    family: place for place, phase in reversed(list(enumerate(_PHASES))) for family in phase.families
}
"""The same order by family, for further slots."""


# ------------------------------------------------------------------------------------------------ further slots


def _fill_slots(
    clips: tuple[str, ...], blocks: Sequence[Block | None], everyone: Mapping[str, Candidate], slots: int
) -> Group:
    """A group with a block for every slot for which there is one."""
    filled = list(blocks[:slots])
    filled += [None] * (slots - len(filled))
    for place, block in enumerate(filled):
        if not block:
            asked = [one for one in filled if one]
            filled[place] = _find_further([everyone[clip] for clip in clips], asked)
    return Group(clips, tuple(filled))


def _find_further(clips: Sequence[Candidate], asked: Sequence[Block]) -> Block | None:
    """Another question for the same four clips, of another family, that asks no clip about the same again."""
    families = {block.family for block in asked}
    known = {(clip, block.keys[place]) for block in asked for clip, place in block.answers.items()}
    first, *rest = clips
    pools = {claim.pool for claim in first.claims if claim.family not in families}
    pools = {pool for pool in pools if all(any(claim.pool == pool for claim in one.claims) for one in rest)}
    for pool in sorted(pools, key=lambda pool: (_ORDER.get(pool[0], len(_ORDER)), pool)):
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


# ------------------------------------------------------------------------------------------------------- texts


def _name(claim: Claim) -> str:
    return f"{claim.family}\x1f{claim.key}"


def _list_stems(family: str) -> Sequence[str]:
    return load_forms()[family].stems if family in load_forms() else FAMILIES[family].stems


def _type_of(family: str) -> str:
    return load_forms()[family].type if family in load_forms() else FAMILIES[family].question_type
