"""Drafts of all families about a clip, and what is counted of a corpus for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from audiomcq_cli.grounded.drafts import Draft, balance, rank
from audiomcq_cli.grounded.measured.clip import read_clip
from audiomcq_cli.grounded.measured.families.words import list_words, sounds_alike
from audiomcq_cli.grounded.measured.family import Family, Found, Key, Offer, write_facts
from audiomcq_cli.grounded.measured.proof import FAMILIES, find_fault, sign, solve
from audiomcq_cli.records import draw

WORD = "word"
"""Facet of the words that are said, in what is known of a corpus."""

Known = Mapping[str, Mapping[str, int]]
"""Clips by what they have, by facet."""


def draft_measured(
    row: Mapping[str, Any], known: Known, pick: Callable[[str, int, str], Sequence[str]], seed: int
) -> Iterator[Draft]:
    """Return every question that a family could ask of a clip (a row of ``records.CLIP``) outside a block.

    Args:
        row: The clip. known: Of the corpus, see ``count_answers``. seed: Of all draws.
        pick: Gives labels that are not heard: like one, how many, for which form.
    """
    for family, found, key in _find_all(row):
        turn = draw(seed, row["clip_id"], family.name, str(found.subject))
        stem = family.stems[draw(turn, "stem") % len(family.stems)]
        way = draw(turn, "way") % 2**16
        names = partial(_pick_names, family, key, known, pick, turn)
        usual = known.get(_facet(family), {})
        offer = Offer(names, found.near, usual)
        wrong = partial(family.options.draw_wrong, key, offer, way, draw(turn, "wrong"))
        yield Draft(
            family.name,
            family.question_type,
            stem.format(**found.words),
            family.options.show(key, way),
            found.subject,
            partial(_prove, family, found, key, way, wrong),
            balance(_name_key(key), usual) if family.balanced else 1.0,
            tuple(write_facts(sign(family, found.proof))),
        )


def count_answers(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return what is counted of a clip for balance and wrong options: few keys or numbers, and the words said."""
    for family, _, key in _find_all(row):
        if family.balanced or family.options.drawn_by_use:
            yield _facet(family), _name_key(key)
    for word in sorted(list_words(read_clip(row))):
        yield WORD, word


def _find_all(row: Mapping[str, Any]) -> Iterator[tuple[Family, Found, Key]]:
    clip = read_clip(row)
    for family in FAMILIES.values():
        for found in family.find(clip):
            if key := solve(family, found.proof):
                yield family, found, key


def _prove(family: Family, found: Found, key: Key, way: int, draw_wrong: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Return wrong options, unless the check of the finished question finds fault with them."""
    wrong, answer = list(draw_wrong()), family.options.show(key, way)
    return [] if find_fault([answer, *wrong], answer, write_facts(sign(family, found.proof))) else wrong


def _pick_names(
    family: Family,
    key: Key,
    known: Known,
    pick: Callable[[str, int, str], Sequence[str]],
    turn: int,
    like: str,
    count: int,
) -> Sequence[str]:
    """Return names of what a clip does not have: sounds out of the pool, or words that others say."""
    if family.question_type != "speech":
        return pick(like, count, family.name)
    said = (like, *key.unclear)
    free = [
        (word, clips) for word, clips in known.get(WORD, {}).items() if not any(sounds_alike(word, one) for one in said)
    ]
    chosen: list[str] = []
    for word in rank(free, turn):
        if len(chosen) < count and not any(sounds_alike(word, one) for one in chosen):
            chosen.append(word)
    return chosen


def _facet(family: Family) -> str:
    return f"key:{family.name}"


def _name_key(key: Key) -> str:
    return key.name or f"{key.numbers[0]:.{key.digits}f}"
