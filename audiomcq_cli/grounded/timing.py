"""Questions about when and how often, from events whose times are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from audiomcq_cli.grounded.drafts import Draft
from audiomcq_cli.records import draw

COUNTS = ("once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times")
"""How often something can be heard, in words."""

_PHRASE = re.compile(r"^(?=[^,;:/_]+$)(?:(?:a|an|some)\s|.*\w+ing\b|\S+ (?:on|of|in) ).*")
"""A label that reads as what is heard: "a knock on wood", "rain falling"."""

APART = 2
"""Seconds, at least, between two times offered as options."""

PlaceStem = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Run:
    """One sound, once or several times in a row without another between: its label, and from when to when (seconds)."""

    label: str
    onset: float
    offset: float


def draft_timed(
    clip: str,
    events: Sequence[Mapping[str, Any]],
    duration: float | None,
    stem: PlaceStem,
    pick: Callable[[str, int, str], Sequence[str]],
    seed: int,
) -> Iterator[Draft]:
    """Questions about order, number and begin of known events.

    Args:
        clip: Its id. events: Its column ``events``. duration: Its length in seconds. seed: Of all draws.
        stem: Words a question of a form about a label. pick: Gives labels that are not heard: like one, how many, form.
    """
    timed = sorted(
        (event for event in events if event["onset"] is not None and event["offset"] is not None),
        key=lambda event: (event["onset"], event["offset"]),
    )
    if len(timed) < len(events) or not timed:
        return
    labels = list(dict.fromkeys(str(event["label"]) for event in timed))
    if not all(_PHRASE.search(label) for label in labels):
        return  # "Speech", "Dog_bark": names of classes, which beside phrases give themselves away
    for label in labels:
        yield from _count(clip, label, timed, seed)
        yield from _begin(clip, label, timed, duration, seed)
    runs = _list_runs(timed)
    if len(runs) != len(labels) or len(runs) < 2:
        return  # something comes back, or goes on while something else does: its place is not one
    for form, run in (("first", runs[0]), ("last", runs[-1])):
        yield _place(form, run.label, labels, stem, pick)
    for first, second in pairwise(runs):
        yield _next("after", second.label, first.label, stem, pick)
        yield _next("before", first.label, second.label, stem, pick)


def list_counts(place: int, clip: str, about: str, seed: int) -> list[str]:
    """Three numbers of times near one, as wrong options."""
    near = [other for other in range(len(COUNTS)) if other != place and abs(other - place) <= 3]
    return [COUNTS[other] for other in sorted(near, key=lambda other: draw(seed, clip, "times", about, other))[:3]]


def _count(clip: str, label: str, events: Sequence[Mapping[str, Any]], seed: int) -> Iterator[Draft]:
    own = [event for event in events if event["label"] == label]
    apart = all(first["offset"] <= second["onset"] for first, second in pairwise(own))
    if 2 <= len(own) <= len(COUNTS) and apart:
        answer, wrong = COUNTS[len(own) - 1], list_counts(len(own) - 1, clip, label, seed)
        question = f"How many times can you hear {label}?"
        yield Draft("times", "temporal", question, answer, ("times", label), lambda: wrong)


def _begin(
    clip: str, label: str, events: Sequence[Mapping[str, Any]], duration: float | None, seed: int
) -> Iterator[Draft]:
    own = [event for event in events if event["label"] == label]
    begin = round(own[0]["onset"])
    # Half-way between two seconds no option would be clearly the nearest.
    if len(own) > 1 or begin < 1 or abs(own[0]["onset"] - begin) > 0.3 or not duration:
        return
    others = [second for second in range(1, int(duration) + 1) if abs(second - begin) >= APART]
    drawn = sorted(others, key=lambda second: draw(seed, clip, "begin", label, second))
    chosen: list[int] = []
    for second in drawn:
        if len(chosen) < 3 and all(abs(second - other) >= APART for other in chosen):
            chosen.append(second)
    wrong = [_name_second(second) for second in chosen]
    question = f"When do you first hear {label}?"
    yield Draft("begin", "temporal", question, _name_second(begin), ("begin", label), lambda: wrong)


def _name_second(second: int) -> str:
    return f"after about {second} second{'s' if second > 1 else ''}"


def _place(
    form: str, label: str, labels: Sequence[str], stem: PlaceStem, pick: Callable[[str, int, str], Sequence[str]]
) -> Draft:
    own = [other for other in labels if other != label][:3]
    return Draft(
        form,
        "temporal",
        stem(form, label),
        label,
        ("place", form),
        lambda: [*own, *(pick(label, 3 - len(own), form) if len(own) < 3 else ())],
    )


def _next(form: str, label: str, cue: str, stem: PlaceStem, pick: Callable[[str, int, str], Sequence[str]]) -> Draft:
    question = stem(form, label).replace("{sound}", cue)
    return Draft(form, "temporal", question, label, ("next", label), lambda: pick(label, 3, form))


def _list_runs(events: Sequence[Mapping[str, Any]]) -> list[Run]:
    """Events one after another, those of one label in a row as one; none where two labels overlap."""
    runs: list[Run] = []
    for event in events:
        last = runs[-1] if runs else None
        if last and last.label == event["label"]:
            runs[-1] = Run(last.label, last.onset, max(last.offset, event["offset"]))
        elif last and (event["onset"] < last.offset or event["onset"] == last.onset):
            return []
        else:
            runs.append(Run(str(event["label"]), event["onset"], event["offset"]))
    return runs
