"""Finds the fours of clips for their first question: family after family, each with its way to match clips."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from audiomcq_cli.grounded.blocks.claims import Candidate, Claim
from audiomcq_cli.grounded.blocks.cycles import match_orders, match_pairs
from audiomcq_cli.grounded.blocks.kinship import clashes, is_akin, is_reverse, shares_sound
from audiomcq_cli.grounded.blocks.matching import SIZE, Quad, match, match_thoroughly
from audiomcq_cli.grounded.blocks.reading import CLASSES
from audiomcq_cli.grounded.blocks.wrong import Asked, fits
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.records import draw

_OTHERS = 48
"""Hundredths of the blocks that fillers complete to something else than presence: it shall be 55 at most, of those that
are found; not all are."""

_TURNS = 3
"""Questions of one clip that are tried in one family, the rarest answer first."""


def count_claims(candidates: Iterable[Candidate]) -> Counter[str]:
    """Return in how many clips each thing is that can be asked about."""
    return Counter(about for one in candidates for about in {_name(claim) for claim in one.claims})


@dataclass(frozen=True, slots=True)
class _Phase:
    """One or more families, and how their clips are matched.

    Attributes:
        families: Their names.
        match: Finds fours in a pool.
        filler: Takes only as many fours as presence must leave.
        whole: Tries all questions of a clip, those of the rarest family first, in place of a few turns.
    """

    families: Sequence[str]
    match: Callable[[list[Asked], int], list[Quad]]
    filler: bool = False
    whole: bool = False


def find_quads(free: dict[str, Candidate], counts: Mapping[str, int]) -> Iterator[Quad]:
    """Fours of clips that are free, family after family: the more a family asks for, the earlier."""
    everyone = sum(bool(one.claims) for one in free.values())
    others = _OTHERS * everyone // (100 * SIZE)
    found = 0
    for phase in _PHASES:
        offers = _rank_claims(free.values(), phase.families, counts)
        for turn in range(1 if phase.whole else _TURNS):
            for pool in _list_whole_pools(free, offers) if phase.whole else _list_pools(free, offers, turn):
                for quad in phase.match(pool, max(0, others - found) if phase.filler else everyone):
                    found += 1
                    for one in quad:
                        del free[one.candidate.clip]
                    yield quad


def _rank_claims(
    candidates: Iterable[Candidate], families: Sequence[str], counts: Mapping[str, int]
) -> dict[str, list[Claim]]:
    """Return what each clip can be asked in some families, the rarest answer first."""
    wanted = frozenset(families)
    offers: dict[str, list[Claim]] = {}
    for one in candidates:
        if claims := [claim for claim in one.claims if claim.family in wanted]:
            claims.sort(key=lambda claim: (counts.get(_name(claim), 0), claim.pool, claim.key))
            offers[one.clip] = claims
    return offers


def _list_pools(free: Mapping[str, Candidate], offers: Mapping[str, list[Claim]], turn: int) -> Iterator[list[Asked]]:
    """Clips by what they can be asked together, larger pools first, a clip in one pool only."""
    pools: defaultdict[tuple[str, str], list[Asked]] = defaultdict(list)
    for clip, claims in offers.items():
        if clip in free and turn < len(claims):
            pools[claims[turn].pool].append(Asked(free[clip], claims[turn]))
    yield from (pools[pool] for pool in sorted(pools, key=lambda pool: (-len(pools[pool]), pool)))


def _list_whole_pools(free: Mapping[str, Candidate], offers: Mapping[str, list[Claim]]) -> Iterator[list[Asked]]:
    """Clips with all that they can be asked together: pools of rare families first, then larger pools."""
    pools: defaultdict[tuple[str, str], list[tuple[str, Claim]]] = defaultdict(list)
    clips: defaultdict[str, set[str]] = defaultdict(set)
    for clip, claims in offers.items():
        for claim in claims:
            pools[claim.pool].append((clip, claim))
            clips[claim.family].add(clip)
    for pool in sorted(pools, key=lambda pool: (len(clips[pool[0]]), pool[0], -len(pools[pool]), pool)):
        yield [Asked(free[clip], claim) for clip, claim in pools[pool] if clip in free]


def _match_any(pool: list[Asked], most: int) -> list[Quad]:
    return match(pool, most=most)


def _match_thoroughly(pool: list[Asked], most: int) -> list[Quad]:
    return match_thoroughly(pool)


def _match_akin(pool: list[Asked], most: int) -> list[Quad]:
    return match(pool, is_akin, clashing=clashes, most=most)


def _match_presence(pool: list[Asked], most: int) -> list[Quad]:
    """Sounds that can be heard; asked for by their class where all four share one."""
    return [_ask_class(quad) for quad in match(pool, is_akin, clashing=clashes, most=most)]


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
        last = next(claim for claim in one.candidate.claims if claim.family == "closes" and claim.events == events)
        turned.append(Asked(one.candidate, last))
    ask_last = draw("last", *sorted(one.candidate.clip for one in quad)) % 2
    whole = all(fits(one, other) for one, other in combinations(turned, 2))
    return tuple(turned) if ask_last and whole else quad


_PHASES: Sequence[_Phase] = (
    _Phase(("opens",), _match_first),
    _Phase(("in_order",), _match_sharing),
    _Phase(("how_often",), _match_any),
    _Phase(("surface",), _match_any),
    _Phase(tuple(FAMILIES), _match_thoroughly, whole=True),
    _Phase(("traits",), _match_rings, whole=True),
    _Phase(("genre", "mood", "voice", "tempo"), _match_any),
    _Phase(("instrument",), _match_any),
    _Phase(("while",), _match_akin),
    _Phase(("pair",), _match_rings, whole=True),
    _Phase(("doing",), _match_any),
    _Phase(("who",), _match_any),
    _Phase(("background",), _match_akin),
    _Phase(("comes_after",), _match_akin, filler=True),
    _Phase(("comes_before",), _match_akin, filler=True),
    _Phase(("beside",), _match_akin, filler=True),
    _Phase(("pair",), _match_sharing, filler=True),
    _Phase(("animal",), _match_any),
    _Phase(("presence",), _match_presence),
)
"""Families in the order in which clips are taken for them."""

ORDER: Mapping[str, int] = {
    family: place for place, phase in reversed(list(enumerate(_PHASES))) for family in phase.families
}
"""The same order by family."""


def _name(claim: Claim) -> str:
    return f"{claim.family}\x1f{claim.key}"
