"""The reasoning behind a question with a proof: what to listen for, what is heard, and each option against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.grounded.measured.family import Family, Key, Proof, Say, pick, read_facts
from audiomcq_cli.grounded.measured.proof import FAMILIES, FAMILY, solve
from audiomcq_cli.grounded.measured.saying import Teller, conclude, line_up
from audiomcq_cli.grounded.measured.weighing import name_sounds

VERSION = "7"
"""Raise it when the same proof would be told in other words."""

_OPENINGS = (
    '"{question}" {listening} The question type is {type}.',
    "The question is {asked}. {listening} Its type is {type}.",
    "I want to know {asked}. {listening} Question type: {type}.",
    "This is about {asked}. {listening} Type: {type}.",
    "{listening} What I am after is {asked}. The type of the question is {type}.",
    "I keep in mind what is wanted: {asked}. {listening} Type of the question: {type}.",
    "My task is to tell {asked}. {listening} I file the question under {type}.",
    "Here I have to work out {asked}. {listening} By its type it counts as {type}.",
    '"{question}" I settle first how to go about it. {listening} The type here is {type}.',
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
    wrong = [family.weigh(heard, key, option, brief) for option in _rank(row, key)[1:]]
    analysis = " ".join([told, line_up(wrong, brief), conclude(row["answer"], brief)])
    return parts, analysis


def _open(row: Mapping[str, Any], family: Family, proof: Proof, say: Say) -> str:
    """Return what is asked, and how that is found by ear."""
    words = {"question": row["question"], "type": row["question_type"], "asked": family.asked}
    listening = say(family.listening).format(**name_sounds(proof))
    return say(_OPENINGS).format(listening=listening, **words)


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
