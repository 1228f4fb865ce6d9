"""The reasoning behind a question with a proof: what to listen for, what is heard, and each option against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from audiomcq_cli.grounded.measured.family import Family, Key, Proof, Say, pick, read_facts
from audiomcq_cli.grounded.measured.proof import FAMILIES, FAMILY, solve
from audiomcq_cli.grounded.measured.saying import Teller, conclude, line_up
from audiomcq_cli.grounded.measured.weighing import measure, name_sounds

VERSION = "7"
"""Raise it when the same proof would be told in other words."""

_OPENINGS = (
    '"{question}" {listening} {spread}The question type is {type}.',
    "I have to find out {asked}. {listening} {spread}This is a question of the type {type}.",
    "{listening} The question, after all, is {asked}. {spread}Its type: {type}.",
    "What is wanted is {asked}. {spread}{listening} Question type: {type}.",
    '{listening} {spread}That should settle "{question}", a question of the type {type}.',
)


def compose_proved(row: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Return the three stages by name, and the short analysis, of a question whose ``proof`` is not empty."""
    facts = read_facts(row["proof"])
    family = FAMILIES[pick(facts, FAMILY)[0].text]
    rest = [fact for fact in facts if fact.name != FAMILY]
    key = solve(family, rest)
    if not key:
        raise ValueError(f"the proof of {row['id']} decides nothing")
    say = Teller(row["id"])
    told = family.tell(rest, say)
    parts = {
        "stage1": _open(row, family, rest, say),
        "stage2": told,
        "stage3": _weigh_all(row, family, rest, key, say),
    }
    brief = Teller(row["id"], "brief")
    wrong = [family.weigh(rest, key, option, brief) for option in _rank(row, key)[1:]]
    analysis = " ".join([told, line_up(wrong, brief), conclude(row["answer"], brief)])
    return parts, analysis


def _open(row: Mapping[str, Any], family: Family, proof: Proof, say: Say) -> str:
    """Return what is asked, how that is found by ear, and how fine the options are."""
    words = {"question": row["question"], "type": row["question_type"], "asked": family.asked}
    listening = say(family.listening).format(**name_sounds(proof))
    spread = _tell_spread(row["choices"], say)
    return say(_OPENINGS).format(listening=listening, spread=f"{spread} " if spread else "", **words)


def _tell_spread(choices: Sequence[str], say: Say) -> str:
    """Return how close options that are numbers lie together; nothing of other options."""
    numbers = [re.findall(r"\d+(?:\.\d+)?", choice) for choice in choices]
    units = {re.sub(r"[\d.]+", "", choice) for choice in choices}
    if {len(found) for found in numbers} != {1} or len(units) > 1:
        return ""
    known = {"s": "seconds", " seconds": "seconds", " BPM": "beats a minute", "about  beats a minute": "beats a minute"}
    digits = len(numbers[0][0].partition(".")[2])
    ordered = sorted(float(found[0]) for found in numbers)
    least = min(second - first for first, second in pairwise(ordered))
    unit = known.get(units.pop(), "")
    if not unit:
        return ""
    ways = (
        "The options lie between {low} and {high}, at least {least} apart.",
        "Two of the options are only {least} apart, so it has to be heard as closely as that.",
        "The nearest two options differ by {least}, which is how exact I have to be.",
    )
    low, high = (f"{number:.{digits}f}" for number in (ordered[0], ordered[-1]))
    return say(ways).format(low=low, high=f"{high} {unit}", least=measure(least, digits, unit))


def _weigh_all(row: Mapping[str, Any], family: Family, proof: Proof, key: Key, say: Teller) -> str:
    """Return each option against what is heard, in one of several orders, and the answer."""

    def weigh(options: Sequence[str]) -> str:
        return line_up([family.weigh(proof, key, option, say) for option in options], say)

    fit, *wrong = _rank(row, key)
    shapes = ("offered", "key first", "key last", "far first")
    shape = say(shapes)
    if shape == "offered":
        told = weigh(row["choices"])
    elif shape == "key first":
        told = f"{weigh([fit])} {weigh(wrong)}"
    elif shape == "key last":
        told = f"{weigh(wrong)} {weigh([fit])}"
    else:
        told = weigh(wrong[::-1])
    return f"{told} {conclude(row['answer'], say)}"


def _rank(row: Mapping[str, Any], key: Key) -> list[str]:
    """Return the answer, then the other options: the nearest first where they are numbers."""
    wrong = [choice for choice in row["choices"] if choice != row["answer"]]
    found = {choice: [float(number) for number in re.findall(r"\d+(?:\.\d+)?", choice)] for choice in wrong}
    if key.numbers and all(found.values()):
        wrong.sort(key=lambda choice: abs(found[choice][0] - key.numbers[0]))
    return [row["answer"], *wrong]
