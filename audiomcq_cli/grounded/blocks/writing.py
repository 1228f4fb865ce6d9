"""Writes a block: its id, its question, and its four options in an order of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audiomcq_cli.grounded.blocks.naming import load_forms
from audiomcq_cli.grounded.blocks.wrong import Asked
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.mcq import words_of
from audiomcq_cli.records import draw


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


def write_block(quad: Sequence[Asked]) -> Block:
    """Return the question and options of four clips; everything that is drawn is drawn by the block's id."""
    claim = quad[0].claim
    id_ = name_block(claim.family, claim.ask, [one.candidate.clip for one in quad])
    shuffled = sorted(quad, key=lambda one: draw(id_, "option", one.claim.key))
    way = draw(id_, "way") % 4
    texts = _list_texts(shuffled, way)
    stems = _list_stems(claim.family, claim.ask)
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


def _list_texts(asked: Sequence[Asked], way: int) -> list[str]:
    """Return the answers as options, all in one wording; of two with the same words, as an order and its reverse, in
    two.
    """
    texts: list[str] = []
    for one in asked:
        ways = [one.claim.texts[(way + turn) % len(one.claim.texts)] for turn in range(len(one.claim.texts))]
        known = {tuple(sorted(words_of(text))) for text in texts}
        texts.append(next((text for text in ways if tuple(sorted(words_of(text))) not in known), ways[0]))
    return texts


def name_block(family: str, ask: str, clips: Iterable[str]) -> str:
    """Id of a block: a hash of what is asked of which clips."""
    text = "\x1e".join([family, ask, *sorted(clips)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _list_stems(family: str, ask: str) -> Sequence[str]:
    return load_forms()[family].list_stems(ask) if family in load_forms() else FAMILIES[family].stems


def _type_of(family: str) -> str:
    return load_forms()[family].type if family in load_forms() else FAMILIES[family].question_type
