"""Clips that can be planned into blocks, and corpora of them drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from audiomcq_cli.grounded.blocks.claims import Candidate, Claim
from audiomcq_cli.grounded.blocks.plan import Plan
from audiomcq_cli.grounded.blocks.reading import read_candidate
from audiomcq_cli.grounded.blocks.writing import Block
from audiomcq_cli.grounded.blocks.wrong import Asked
from tests.grounded import CORPUS, make_clip

LINKS = (" and ", ", then ", " followed by ", " while ", " before ", " with ", " after ")

MUSIC = [
    f"This {tempo} {genre} features {instrument} and a {voice} vocal. The mood is {mood}."
    for tempo, genre, instrument, voice, mood in (
        ("slow tempo", "rock song", "an electric guitar", "male", "sad"),
        ("fast tempo", "jazz piece", "a trumpet", "female", "happy"),
        ("medium tempo", "country song", "a violin", "male", "spooky"),
        ("slow tempo", "reggae song", "a piano", "female", "solemn"),
        ("fast tempo", "pop song", "a flute", "male", "angry"),
    )
]

clauses = st.sampled_from(CORPUS)
captions = st.one_of(
    clauses,
    st.tuples(clauses, st.sampled_from(LINKS), clauses).map("".join),
    st.tuples(clauses, st.sampled_from(LINKS), clauses, st.sampled_from(LINKS), clauses).map("".join),
    st.sampled_from(MUSIC),
)


def read(clip: str, *captions_: str, cluster: str = "") -> Candidate:
    """A candidate by its captions."""
    return read_candidate(make_clip(*captions_, clip=clip), cluster)


def read_all(texts: Sequence[str], start: int = 0) -> list[Candidate]:
    """Candidates with one caption each."""
    return [read(f"Small:{number}", text) for number, text in enumerate(texts, start=start)]


corpora = st.lists(captions, min_size=4, max_size=60).map(read_all)


def claim(candidate: Candidate, family: str) -> Claim:
    """The first claim of a family."""
    return next(one for one in candidate.claims if one.family == family)


def ask(family: str, *captions_: str, clip: str = "") -> Asked:
    """A clip with its first claim of a family; the id is its caption where none is given."""
    candidate = read(clip or captions_[0], *captions_)
    return Asked(candidate, claim(candidate, family))


def blocks(plan: Plan) -> list[Block]:
    """Every block of a plan."""
    return [block for group in plan.groups for block in group.slots if block]
