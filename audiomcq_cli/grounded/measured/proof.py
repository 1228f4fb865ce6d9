"""All families, and the check of a question against its proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audiomcq_cli.grounded.measured.clip import read_clip
from audiomcq_cli.grounded.measured.families import (
    gaps,
    loudness,
    moments,
    order,
    pairs,
    pitch,
    pulse,
    swell,
    tempo,
    voices,
    words,
)
from audiomcq_cli.grounded.measured.family import Fact, Family, Key, Proof, pick, read_facts

FAMILY = "family"
"""Name of the fact that says which family a proof is of."""

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for module in (moments, order, pairs, loudness, swell, gaps, tempo, pulse, pitch, voices, words)
    for family in module.FAMILIES
}
"""Every family by its name."""


def list_rivals(name: str) -> set[str]:
    """Return a family, measured or not, with those that ask about the same."""
    about = FAMILIES[name].about if name in FAMILIES else ""
    return {name, *(other for other, family in FAMILIES.items() if about and family.about == about)}


def find_fault(choices: Sequence[str], answer: str, proof: Iterable[Mapping[str, Any]]) -> str:
    """Return what is wrong with a question by its proof, or an empty string.

    The key is computed from the numbers of the proof alone; the answer has to be that, and every other choice has to be
    wrong by three times the tolerance of what was measured.

    Args:
        choices, answer, proof: Columns of a row; the proof is not empty.
    """
    facts = read_facts(proof)
    named = pick(facts, FAMILY)
    if len(named) != 1 or named[0].text not in FAMILIES:
        return "the proof names no family of questions"
    family = FAMILIES[named[0].text]
    try:
        key = solve(family, facts)
    except (ValueError, IndexError, ZeroDivisionError) as error:
        return f"the proof is not one of the family {family.name!r}: {error}"
    if not key:
        return "the numbers of the proof decide nothing"
    if answer not in choices:
        return f"the answer {answer!r} is no choice"
    return family.options.find_fault(key, choices, answer)


def is_of(row: Mapping[str, Any]) -> bool:
    """Return whether measurements, events and words of a row come to the numbers of its proof."""
    facts = read_facts(row["proof"])
    named = pick(facts, FAMILY)
    if len(named) != 1 or named[0].text not in FAMILIES:
        return False
    family = FAMILIES[named[0].text]
    return any(sign(family, found.proof) == facts for found in family.find(read_clip(row)))


def solve(family: Family, facts: Proof) -> Key | None:
    """Return the key of a proof, whether or not it names its family."""
    return family.solve([fact for fact in facts if fact.name != FAMILY])


def sign(family: Family, facts: Proof) -> tuple[Fact, ...]:
    """Return A proof that names its family."""
    return (Fact(FAMILY, text=family.name), *facts)
