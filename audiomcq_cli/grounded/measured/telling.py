"""The reasoning behind a question with a proof: what is asked, what is heard, and each option against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.grounded.measured.family import pick, read_facts
from audiomcq_cli.grounded.measured.options import capitalize
from audiomcq_cli.grounded.measured.proof import FAMILIES, FAMILY, solve
from audiomcq_cli.records import draw

VERSION = "6"
"""Raise it when the same proof would be told in other words."""

_LISTEN = ("The question asks {asked}.", "I am asked {asked}.", "I have to find out {asked}.")
_PLACE = ("That leaves {answer}.", "So the answer is {answer}.", "The choice that fits is {answer}.")


def compose_proved(row: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The three stages by name, and the short analysis, of a question whose ``proof`` is not empty."""
    facts = read_facts(row["proof"])
    family = FAMILIES[pick(facts, FAMILY)[0].text]
    rest = [fact for fact in facts if fact.name != FAMILY]
    key = solve(family, rest)
    if not key:
        raise ValueError(f"the proof of {row['id']} decides nothing")

    def say(ways: Sequence[str]) -> str:
        return ways[draw(row["id"], *ways) % len(ways)]

    told = family.tell(rest, say)
    wrong = [choice for choice in row["choices"] if choice != row["answer"]]
    against = family.options.deny(key, wrong, say)
    place = say(_PLACE).format(answer=_quote(row["answer"]))
    asked = say(_LISTEN).format(asked=family.asked)
    parts = {
        "stage1": f'The question is: "{row["question"]}" It asks {family.asked}. Its type is {row["question_type"]}.',
        "stage2": told,
        "stage3": f"{capitalize(against)} {place}",
    }
    return parts, f"{asked} {told} {capitalize(against)} {place}"


def _quote(answer: str) -> str:
    """An option that is a sentence of its own in quotes."""
    return f'"{answer}"' if answer[:1].isupper() else answer
