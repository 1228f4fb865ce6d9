"""Decides whether the answer of one clip is a wrong option for another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from audiomcq_cli.grounded.blocks.claims import Candidate, Claim
from audiomcq_cli.grounded.lexicon import load
from audiomcq_cli.mcq import words_of


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A clip with the claim that it is asked; two are equal only if they are one object."""

    candidate: Candidate
    claim: Claim


def fits(one: Asked, other: Asked) -> bool:
    """Return whether two clips can share a block: no duplicates, and each answer is wrong for the other clip."""
    return (
        one.claim.key != other.claim.key
        and one.candidate.cluster != other.candidate.cluster
        and is_wrong(one.claim, other)
        and is_wrong(other.claim, one)
    )


def fits_all(one: Asked, others: Sequence[Asked]) -> bool:
    """Return whether a clip can share a block with each of some others."""
    return all(fits(one, other) for other in others)


def is_by_ear(claim: Claim) -> bool:
    """Return whether a claim is one event, wrong for whoever does not hear it."""
    return len(claim.events) == 1 and not claim.solved and claim.family not in _WRONG


def is_wrong(option: Claim, asked: Asked) -> bool:
    """Return whether an option is wrong beyond doubt for a clip with an answer of its own."""
    if option.solved:
        return _is_measured_wrong(option, asked.claim)
    return _WRONG.get(option.family, _is_unheard)(option, asked)


def _is_unheard(option: Claim, asked: Asked) -> bool:
    """Not all of its events may be heard."""
    return not all(asked.candidate.hears(event) for event in option.events)


def _is_out_of_order(option: Claim, asked: Asked) -> bool:
    """Not all of it may be heard, or it is stated to be heard the other way round."""
    return _is_unheard(option, asked) or option.events[::-1] in asked.candidate.orders


def _is_later(option: Claim, asked: Asked) -> bool:
    return not asked.candidate.hears(option.events[0]) or (
        (asked.claim.events[0], option.events[0]) in asked.candidate.orders
    )


def _is_earlier(option: Claim, asked: Asked) -> bool:
    return not asked.candidate.hears(option.events[0]) or (
        (option.events[0], asked.claim.events[0]) in asked.candidate.orders
    )


def _is_not_done(option: Claim, asked: Asked) -> bool:
    """Nothing like it is done by anybody, nor is a vague sound named that it may be."""
    lexicon = load()
    action = lexicon.actions[option.key]
    named = [lexicon.actions[name] for name in asked.candidate.actions]
    return not any(
        lexicon.alike(option.key, one.name) or ((one.vague or action.vague) and set(one.tags) & set(action.tags))
        for one in named
    )


def _is_not_there(option: Claim, asked: Asked) -> bool:
    """Nobody like that is named."""
    return not any(load().same(option.key, source) for source in asked.candidate.sources)


def _is_counted_otherwise(option: Claim, asked: Asked) -> bool:
    """Another number, or another ground: a clip that is asked has but one."""
    return option.key != asked.claim.key


def _is_not_mentioned(option: Claim, asked: Asked) -> bool:
    """Not all of it is so much as mentioned, nor anything like it."""
    return not asked.candidate.traits.issuperset(option.events)


def _is_measured_wrong(option: Claim, own: Claim) -> bool:
    """In every wording the option is off the true value by the margin of its family."""
    if not own.solved:
        return False
    family, key = own.solved
    return all(
        words_of(mine) != words_of(other) and not family.options.find_fault(key, [mine, other], mine)
        for mine, other in zip(own.texts, option.texts, strict=True)
    )


_WRONG: Mapping[str, Callable[[Claim, Asked], bool]] = {
    "in_order": _is_out_of_order,
    "opens": _is_later,
    "closes": _is_earlier,
    "doing": _is_not_done,
    "who": _is_not_there,
    **dict.fromkeys(("how_often", "surface"), _is_counted_otherwise),
    **dict.fromkeys(("instrument", "voice", "tempo", "genre", "mood", "traits"), _is_not_mentioned),
}
"""How an option is judged, by family; others by whether their events may be heard."""
