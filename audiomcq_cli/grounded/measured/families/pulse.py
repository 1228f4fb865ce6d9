"""Families about what comes back: a beat that speeds up or slows down, and a pattern that repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import log

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, state, value_of
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import COUNTS, Statements, count_in_words
from audiomcq_cli.grounded.measured.timeline import SECONDS
from audiomcq_cli.grounded.measured.weighing import Ways, gather_names, measure, weigh_statement

OCTAVES = (1.5, 2.0, 3.0, 4.0)
"""How many times a tempo, or a period, another one may be and still be heard in the same beat."""

SHORTEST = 0.3
"""Seconds of a pattern whose length is asked about."""

MUCH = 1.45
"""Change of tempo from which on it is much faster; clearly below it is a little."""


def find_change(clip: Clip) -> Iterator[Found]:
    """Find clips whose tempo was compared between beginning and end."""
    if change := clip.value("tempo_change"):
        yield Found("accelerate", (state("tempo_change", change.value, change.text),))


def find_period(clip: Clip) -> Iterator[Found]:
    """Find clips that repeat themselves three times or more."""
    period = clip.value("repetition_period")
    if period and SHORTEST <= period.value <= clip.duration / 3 and fits_period(clip):
        facts = (state("repetition_period", period.value), Fact("duration", round(clip.duration, 3), "", "s"))
        yield Found("period", facts)


def solve_change(proof: Proof) -> Key | None:
    """Return how the tempo of the end compares with that of the beginning; None where it is close."""
    [change] = pick(proof, "tempo_change")
    ratio, tolerance = change.value or 1.0, change.tolerance
    size = max(ratio, 1 / ratio) if ratio > 0 else 1.0
    if change.text == "steady" and size <= 1 + tolerance:
        return Key("steady")
    if change.text != ("faster" if ratio > 1 else "slower"):
        return None
    if 1 + MARGIN * tolerance <= size <= MUCH / (1 + MARGIN * tolerance):
        return Key(f"little_{change.text}")
    return Key(f"much_{change.text}") if size >= MUCH * (1 + MARGIN * tolerance) else None


def solve_period(proof: Proof) -> Key:
    """Return the time after which the clip repeats itself."""
    [period] = pick(proof, "repetition_period")
    value = period.value or 0.0
    return Key(
        numbers=(value,),
        tolerance=period.tolerance,
        low=SHORTEST,
        high=value_of(proof, "duration") / 3,
        digits=2,
    )


def tell_change(proof: Proof, say: Say) -> str:
    """Tell the tempo of the end by that of the beginning."""
    ratio = value_of(proof, "tempo_change")
    if abs(ratio - 1) <= 0.04:
        return say(
            (
                "The beat at the end is as fast as at the beginning.",
                "From beginning to end the beats come as quickly.",
                "I tap along, and my taps need not change from first to last.",
                "The beats are as far apart late in the clip as early on.",
            )
        )
    slower = ratio < 1
    ways = (
        "At the end the beats are {times:.1f} times as {far} as at the beginning.",
        "I tap {word} late in the clip than early on: the gaps between beats are {percent:.0f} percent {size}.",
        "From the beginning to the end the gap between two beats {moves} by {percent:.0f} percent.",
    )
    gap = 1 / ratio
    return say(ways).format(
        times=max(gap, ratio),
        far="far apart" if slower else "close together",
        word="slower" if slower else "faster",
        percent=100 * abs(gap - 1),
        size="longer" if slower else "shorter",
        moves="grows" if slower else "shrinks",
    )


def tell_period(proof: Proof, say: Say) -> str:
    """Tell how long the pattern is."""
    [period] = pick(proof, "repetition_period")
    ways = (
        "The same pattern comes back every {time} seconds.",
        "From one time the pattern starts to the next, {time} seconds pass.",
        "I hear one and the same pattern again and again, {time} seconds from start to start.",
        "After {time} seconds all that was heard comes round again, and so on to the end.",
    )
    return say(ways).format(time=f"{period.value:.2f}")


def fits_period(clip: Clip) -> bool:
    """Return whether a beat and a period, where both are known, go into each other."""
    tempo, period = clip.value("tempo"), clip.value("repetition_period")
    if not tempo or not period:
        return True
    beats = period.value * tempo.value / 60
    whole = (1 / 4, 1 / 3, 1 / 2, *range(1, 17))
    return any(abs(log(beats / count)) < 0.05 for count in whole)


def _weigh_change(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one change of tempo: how the gaps between beats change."""
    ratio = value_of(proof, "tempo_change")
    slower = ratio < 1
    words = {
        "percent": f"{100 * abs(1 / ratio - 1):.0f} percent",
        "times": f"{max(ratio, 1 / ratio):.1f} times",
        "far": "far apart" if slower else "close together",
        "wide": "wider" if slower else "narrower",
        "way": "slower" if slower else "faster",
    }
    if name == key.name:
        told = "same" if name == "steady" else "fit"
    elif key.name == "steady":
        told = f"steady_{name.split('_')[1]}"
    elif name == "steady":
        told = "standstill"
    elif not name.endswith(words["way"]):
        told = f"wrong_{name.split('_')[1]}"
    else:
        told = "too_much" if name.startswith("little") else "too_little"
    return say(_REASONS[told]).format(**words)


_REASONS: Mapping[str, Ways] = {
    "fit": ("the gaps between beats get {wide} by {percent}", "the beats end up {times} as {far}"),
    "same": ("the gap between two beats is the same early and late", "late in the clip I tap as fast as early on"),
    "steady_faster": ("my taps stay even", "the gaps between beats do not get narrower"),
    "steady_slower": ("my taps stay even", "the gaps between beats do not get wider"),
    "standstill": ("the gaps between beats do not stay the same", "the gaps between beats get {wide}"),
    "wrong_faster": ("the beats move apart", "the gaps between beats get wider"),
    "wrong_slower": ("the beats move closer together", "the gaps between beats get narrower"),
    "too_much": (
        "beats {times} as {far} are more than a little change",
        "a change of {percent} is far more than a little",
    ),
    "too_little": ("beats {times} as {far} are no large change", "a change of only {percent} is not a lot"),
}
"""Why a change of tempo is not what is heard."""


def _gather_changes(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take together what keeps or goes the wrong way; all that changes where the speed keeps."""
    names = {option: _CHANGES.read(option, key) for option in options}
    if key.name == "steady":
        ways: Ways = (
            "my taps stay even from first to last, which rules out {all}",
            "for {none} I would tap faster or slower in the end, but my taps stay even",
            "as the gaps between beats stay the same, it cannot be {none}",
        )
        return gather_names(options, ways, say)
    way = key.name.split("_")[1]
    opposed = [option for option, name in names.items() if not name.endswith(way)]
    ways = ("as the beat gets {way}, it cannot be {none}", "the beat gets {way}, which rules out {all}")
    return gather_names(opposed, ways, say, way=way)


def _weigh_period(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a length which part of a round it is, or how many rounds go into it."""
    told, true = float(re.findall(r"\d+(?:\.\d+)?", option)[0]), round(key.numbers[0], key.digits)
    off, rounds = round(told - true, key.digits), int(told / true + 1e-9)
    if not off:
        ways: Ways = ("{option} is one full round", "{option} takes me once through the pattern")
    elif off < 0:
        ways = (
            "{option} is {off} short of a full round",
            "{option} is only part of a round, which goes on for {off} more",
            "after {option} the pattern is not through yet; {off} of it are still to come",
        )
    elif rounds == 1:
        ways = ("{option} is {off} more than one round", "{option} is {off} too long for one round")
    else:
        ways = (
            "{option} is more than {rounds} rounds of {true}",
            "in {option} the pattern starts over {times}",
        )
    words = {"rounds": count_in_words(rounds), "times": COUNTS[min(rounds, len(COUNTS)) - 1], "true": f"{true:.2f}"}
    return say(ways).format(option=option, off=measure(abs(off), key.digits, "seconds"), **words)


def _gather_periods(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take together the lengths of more than two rounds."""
    true = round(key.numbers[0], key.digits)
    long = [one for one in options if float(re.findall(r"\d+(?:\.\d+)?", one)[0]) > 2 * true]
    ways = ("{all} are each more than two rounds of {true}", "two rounds take less than {none}")
    return gather_names(long, ways, say, true=f"{true:.2f}")


_CHANGES = Statements(
    (
        {
            "little_faster": "It gets a little faster",
            "much_faster": "It gets a lot faster",
            "little_slower": "It gets a little slower",
            "much_slower": "It gets a lot slower",
            "steady": "It keeps the same speed",
        },
    )
)

FAMILIES = (
    Family(
        "accelerate",
        "music",
        "whether the beat speeds up or slows down",
        (
            "I tap along at the beginning, keep that in mind, and tap along again at the end.",
            "What matters is how quickly the beats follow each other at the end, held against the beginning.",
            "I compare the distance between two beats early on with that between two beats late in the clip.",
        ),
        (
            "How does the tempo change in the course of the clip?",
            "What happens to the speed of the beat?",
            "Does the beat keep its speed from beginning to end, and if not, what does it do?",
        ),
        find_change,
        solve_change,
        _CHANGES,
        tell_change,
        weigh_statement(_CHANGES.read, _weigh_change),
        gather=_gather_changes,
        balanced=True,
        alone=False,
    ),
    Family(
        "period",
        "sound",
        "how long it takes until something repeats",
        (
            "I listen for something that comes back in the same form, and time one round of it.",
            "From any point of the pattern to the same point in its next round is what has to be timed.",
            "One full round is wanted, not half of it and not two.",
        ),
        (
            "The clip has a pattern that repeats. How long is it?",
            "After what time does the pattern repeat?",
            "How much time passes from one repetition to the next?",
        ),
        find_period,
        solve_period,
        Numbers(SECONDS, ratios=OCTAVES, reach=4),
        tell_period,
        _weigh_period,
        gather=_gather_periods,
    ),
)
