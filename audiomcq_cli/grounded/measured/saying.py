"""Ways to say things in more than one wording: what templates of reasoning share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from audiomcq_cli.records import draw

_CONCLUSIONS = (
    "That leaves {answer}.",
    "The answer is {answer}.",
    "What remains is {answer}.",
    "With the other three ruled out, I answer {answer}.",
    "I go for {answer}.",
    "Only one option is left: {answer}.",
    "My answer: {answer}.",
    "All of this points to {answer}.",
    "I end up with {answer}.",
    "The right option is {answer}.",
    "None of the other three will do, so it has to be {answer}.",
    "I decide on {answer}.",
    "As the others are off, I pick {answer}.",
    "Therefore: {answer}.",
    "It comes down to {answer}.",
    "The one that stands is {answer}.",
    "This speaks for {answer}.",
    "Of the four I keep {answer}.",
    "So I arrive at {answer}.",
)


@dataclass(slots=True)
class Teller:
    """Takes one of several ways to say something: drawn by an id, and the next one each further time."""

    id: str
    part: str = ""
    _used: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def __call__(self, ways: Sequence[str]) -> str:
        """Return one of the ways."""
        known = tuple(ways)
        self._used[known] += 1
        return known[(draw(self.id, self.part, *known) + self._used[known] - 1) % len(known)]


def conclude(answer: str, say: Teller) -> str:
    """Return a sentence that ends in the answer, word for word."""
    return say(_CONCLUSIONS).format(answer=quote(answer))


def quote(answer: str) -> str:
    """Return an option as it stands in a sentence: in quotes where it would not read as a noun there."""
    spoken = answer[:1].isupper() or answer.startswith(("from ", "about ")) or ", " in answer
    return f'"{answer}"' if spoken else answer


def line_up(clauses: Sequence[str], say: Teller) -> str:
    """Return clauses as sentences, or two of them in one."""
    links = (". ", "; ", ". ", ", and ")
    joined = {clause for clause in clauses if not re.search(r"[;:\"]", clause) and len(clause) <= 90}
    told = clauses[0] if clauses else ""
    linked = False
    for before, clause in pairwise(clauses):
        link = say(links) if not linked and {clause, before} <= joined else ". "
        linked = link != ". "
        told += link + (capitalize(clause) if link == ". " else clause)
    return f"{capitalize(told)}."


def capitalize(text: str) -> str:
    """Return a text with a capital letter in front, or behind an opening quotation mark."""
    place = 1 if text[:1] == '"' else 0
    return text[:place] + text[place : place + 1].upper() + text[place + 1 :]
