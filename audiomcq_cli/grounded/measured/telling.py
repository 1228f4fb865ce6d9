"""The reasoning behind a question with a proof: what to listen for, what is heard, and each option against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.grounded.measured.family import Family, Key, Proof, Say, pick, read_facts
from audiomcq_cli.grounded.measured.options import COUNTS, join
from audiomcq_cli.grounded.measured.proof import FAMILIES, FAMILY, solve
from audiomcq_cli.grounded.measured.saying import Teller, conclude, line_up, quote
from audiomcq_cli.grounded.measured.weighing import name_sounds

VERSION = "7"
"""Raise it when the same proof would be told in other words."""

_OPENINGS = (
    '"{question}" {listening} The question type is {type}.',
    "The question is {asked}. {listening} Its type is {type}.",
    "I want to know {asked}. {listening} Question type: {type}.",
    "This is about {asked}. {listening} Type: {type}.",
    "{listening} In the end I want to know {asked}. The question type is {type}.",
    "I am asked {asked}. {listening} The type is {type}.",
    "My task is to tell {asked}. {listening} I file the question under {type}.",
    "Here I have to work out {asked}. {listening} By its type it counts as {type}.",
    '"{question}" {listening} The type here is {type}.',
    "What I have to tell is {asked}. {listening} Such a question has the type {type}.",
)


def compose_proved(row: Mapping[str, Any]) -> tuple[dict[str, str], str] | None:
    """Return the three stages by name, and the short analysis, of a question whose ``proof`` is not empty.

    None where its family has no reasoning that is worth telling.
    """
    facts = read_facts(row["proof"])
    family = FAMILIES[pick(facts, FAMILY)[0].text]
    if not family.reasoned:
        return None
    rest = [fact for fact in facts if fact.name != FAMILY]
    key = solve(family, rest)
    if not key:
        raise ValueError(f"the proof of {row['id']} decides nothing")
    heard = [fact for fact in rest if fact.name != "second_loudness" or fact.text in row["choices"]]
    say = Teller(row["id"])
    told = family.tell(heard, say)
    parts = {
        "stage1": _open(row, family, rest, say),
        "stage2": told,
        "stage3": _weigh_all(row, family, heard, key, say),
    }
    brief = Teller(row["id"], "brief")
    if family.decisive:
        told = line_up([family.weigh(heard, key, row["answer"], brief)], brief)
    wrong = line_up(_weigh_wrong(family, heard, key, _rank(row, key)[1:], brief, short=True), brief)
    return parts, " ".join([told, wrong, conclude(row["answer"], brief)])


def _open(row: Mapping[str, Any], family: Family, proof: Proof, say: Say) -> str:
    """Return what is asked, and how that is found by ear."""
    words = {"question": row["question"], "type": row["question_type"], "asked": family.asked}
    listening = say(family.listening).format(**name_sounds(proof))
    return say(_OPENINGS).format(listening=listening, **words)


def _weigh_all(row: Mapping[str, Any], family: Family, proof: Proof, key: Key, say: Teller) -> str:
    """Return each option against what is heard, in one of several orders, and the answer."""

    fit, *wrong = _rank(row, key)
    shape = say(("offered", "key first", "key last", "far first"))
    if shape == "offered":
        wrong = [choice for choice in row["choices"] if choice != fit]
    elif shape == "far first":
        wrong.reverse()
    own = family.weigh(proof, key, fit, say)
    others = _weigh_wrong(family, proof, key, wrong, say)
    if family.decisive and shape != "key last":
        shape = "key first"
    first = shape == "key first" or (shape == "offered" and row["choices"][0] == fit)
    parts = [line_up([own], say), line_up(others, say)]
    told = " ".join(parts if first else parts[::-1])
    return f"{told} {conclude(row['answer'], say)}"


def _weigh_wrong(
    family: Family, proof: Proof, key: Key, options: Sequence[str], say: Say, *, short: bool = False
) -> list[str]:
    """Return clauses about wrong options: those that one fact rules out are taken together.

    In short, of numbers only the nearest is weighed, and the rest is said to be farther off.
    """
    gathered, clause = family.gather(proof, key, options, say) if family.gather else ((), "")
    if len(gathered) > 1:
        place = options.index(gathered[0])
        before, after = ([o for o in part if o not in gathered] for part in (options[:place], options[place:]))
        told = [[family.weigh(proof, key, option, say) for option in part] for part in (before, after)]
        return [*told[0], clause, *told[1]]
    off = [_measure_off(option, key) for option in options]
    nearest = sum(one is not None and one <= (off[0] or 0.0) + 1e-9 for one in off)
    if not short or None in off or nearest == len(options):
        return [family.weigh(proof, key, option, say) for option in options]
    rest = [quote(option) for option in options[nearest:]]
    farther = say(_FARTHER).format(options=join(rest), are="are" if len(rest) > 1 else "is")
    return [*(family.weigh(proof, key, option, say) for option in options[:nearest]), farther]


_FARTHER = (
    "{options} {are} even farther off",
    "{options} {are} off by more than that",
    "{options} {are} farther away still",
)


def _rank(row: Mapping[str, Any], key: Key) -> list[str]:
    """Return the answer, then the other options: the nearest first where they are numbers."""
    wrong = [choice for choice in row["choices"] if choice != row["answer"]]
    off = {choice: _measure_off(choice, key) for choice in wrong}
    if None not in off.values():
        wrong.sort(key=lambda choice: off[choice] or 0.0)
    return [row["answer"], *wrong]


def _measure_off(option: str, key: Key) -> float | None:
    """Return how far the first number of an option is off the key; None where either is no number."""
    if option in COUNTS:
        return abs(COUNTS.index(option) + 1 - key.numbers[0])
    found = re.match(r"(?:from |about )?(\d+(?:\.\d+)?)", option)
    return abs(float(found[1]) - round(key.numbers[0], key.digits)) if found and key.numbers else None
