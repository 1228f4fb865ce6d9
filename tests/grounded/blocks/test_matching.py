"""Tests of ``grounded/blocks/matching.py`` and ``cycles.py``: which four clips go together."""

from __future__ import annotations

from itertools import combinations, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.grounded.blocks.cycles import match_orders, match_pairs
from audiomcq_cli.grounded.blocks.kinship import clashes, is_akin
from audiomcq_cli.grounded.blocks.matching import Quad, match, match_thoroughly
from audiomcq_cli.grounded.blocks.wrong import Asked, fits
from tests.grounded.blocks import ask, captions, read_all

PLAIN = ("A dog barks", "A bell rings", "Rain falls", "A man speaks", "A gun fires", "A frog croaks")


def ask_all(family: str, *captions: str, copies: int = 1) -> list[Asked]:
    """Clips with their first claim of a family, each so many times."""
    return [ask(family, text, clip=f"{text}:{number}") for text in captions for number in range(copies)]


def check(quads: list[Quad]) -> None:
    """Every two clips of a block fit."""
    assert all(fits(one, other) for quad in quads for one, other in permutations(quad, 2))


def test_crowded_answers_first() -> None:
    """An answer that a quarter of the clips give is placed in every block, so that no clip is left over."""
    entries = [*ask_all("presence", PLAIN[0], copies=5), *ask_all("presence", *PLAIN[1:], copies=3)]
    quads = match(entries)
    assert len(quads) == 5
    check(quads)


def test_clashing_never_meet() -> None:
    """A bodily sound stands beside those of people alone, even where that leaves clips over."""
    people = ask_all("presence", "A man burps", "A baby cries", "A boy whistles", "Someone types on a keyboard")
    assert len(match(people, is_akin, clashing=clashes)) == 1
    others = ask_all("presence", "A man burps", *PLAIN[:3])
    assert len(match(others)) == 1
    assert not match(others, is_akin, clashing=clashes)


def offer(*texts: str) -> list[Asked]:
    """Clips with every sound that they can be asked about."""
    return [Asked(one, claim) for one in read_all(texts) for claim in one.claims if claim.family == "presence"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(captions, max_size=16))
def test_thorough_search_is_sound_and_complete(texts: list[str]) -> None:
    """Every two clips of a block fit, none is used twice, and no four that fit each other are left over."""
    entries = offer(*texts)
    quads = match_thoroughly(entries)
    check(quads)
    used = [one.candidate.clip for quad in quads for one in quad]
    assert len(set(used)) == len(used)
    assert all(one in entries for quad in quads for one in quad)
    left = [one for one in entries if one.candidate.clip not in used]
    fours = (four for four in combinations(left, 4) if all(fits(*two) for two in combinations(four, 2)))
    assert not any(len({one.candidate.clip for one in four}) == 4 for four in fours)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(captions, max_size=16), st.randoms(use_true_random=False))
def test_thorough_search_in_any_order(texts: list[str], random: object) -> None:
    """The order in which clips come changes nothing."""
    entries = offer(*texts)
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert match_thoroughly(shuffled) == match_thoroughly(entries)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PLAIN), min_size=2, max_size=2, unique=True), st.integers(1, 6))
def test_thorough_search_gives_clips_back(crowd: list[str], copies: int) -> None:
    """The only possible four are found where the most crowded answers fit the first clip, but lead nowhere."""
    first, second = crowd
    others = [text for text in PLAIN if text not in crowd]
    # Clips of the crowd hear what two of the only four are asked: whoever takes one of them finds no fourth.
    trap = f"{first} and {others[0]} and {others[1]}"
    entries = [
        *(one for one in offer(*[trap] * copies) if one.claim.key == ask("presence", first).claim.key),
        *ask_all("presence", *others[:3], second),
    ]
    quads = match_thoroughly(entries)
    [quad] = quads
    check(quads)
    assert {one.candidate.clip for one in quad} == {f"{text}:0" for text in (*others[:3], second)}


def test_thorough_search_finds_what_the_quick_one_misses() -> None:
    """Clips that were chosen are given back: taking the first that fits would end without a fourth."""
    trap = "A cat meows and a bell rings and a man speaks"
    only = ("Rain falls", "A man speaks", "A bell rings", "A gun fires")
    entries = [*ask_all("presence", trap), *ask_all("presence", *only)]
    assert not match(entries)
    [quad] = match_thoroughly(entries)
    assert {one.candidate.clip for one in quad} == {f"{text}:0" for text in only}


def test_pairs_in_a_ring() -> None:
    """Four clips with two sounds each become a block whose sounds all stand in two options."""
    quads = match_pairs(
        ask_all(
            "pair",
            "A dog barks and a bell rings",
            "A dog barks and rain falls",
            "A bell rings and a gun fires",
            "Rain falls and a gun fires",
            "A frog croaks and a man speaks",
        )
    )
    [quad] = quads
    check(quads)
    heard = [event for one in quad for event in one.claim.events]
    assert sorted(heard.count(event) for event in set(heard)) == [2, 2, 2, 2]


def test_orders_in_a_ring() -> None:
    """Each sound is the first of one clip and the second of another, in one ring of four or two of two."""
    ring = ("A dog barks, then a bell rings", "A bell rings, then rain falls", "Rain falls, then a gun fires")
    for last in (
        (*ring, "A gun fires, then a dog barks"),
        (ring[0], "A bell rings, then a dog barks", ring[2], "A gun fires, then rain falls"),
    ):
        quads = match_orders(ask_all("opens", *last))
        [quad] = quads
        check(quads)
        assert {one.claim.events[0] for one in quad} == {one.claim.events[1] for one in quad}
        # Whoever knows what is heard, but not the order, is left with two options.
        for one in quad:
            assert sum(one.candidate.hears(other.claim.events[0]) for other in quad) == 2


def test_no_ring() -> None:
    """Orders that do not close make no block."""
    assert not match_orders(ask_all("opens", *(f"{text}, then a woman laughs" for text in PLAIN[:4])))
