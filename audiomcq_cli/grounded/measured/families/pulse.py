"""Families about what comes back: a beat that speeds up or slows down, and a pattern that repeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, state, value_of
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Statements
from audiomcq_cli.grounded.measured.timeline import SECONDS
from audiomcq_cli.grounded.measured.weighing import Ways, weigh_number, weigh_statement

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
    "steady_faster": (
        "the gaps between beats would have to get narrower, and they stay as they are",
        "my taps would have to hurry towards the end, and they need not",
    ),
    "steady_slower": (
        "the gaps between beats would have to get wider, and they stay as they are",
        "my taps would have to hold back towards the end, and they need not",
    ),
    "standstill": (
        "the beats do not keep their distance but end up {times} as {far}",
        "a gap that changes by {percent} is not the same speed",
    ),
    "wrong_faster": (
        "the beats would have to move closer together, and they move apart",
        "for that the gaps would have to get narrower, and they get wider by {percent}",
    ),
    "wrong_slower": (
        "the beats would have to move apart, and they move closer together",
        "for that the gaps would have to get wider, and they get narrower by {percent}",
    ),
    "too_much": (
        "the direction is right, but beats {times} as {far} are more than a little change",
        "the way is right, but gaps that are {wide} by {percent} go well beyond a little",
    ),
    "too_little": (
        "the direction is right, but beats {times} as {far} are no large change",
        "the way is right, but gaps that are {wide} by only {percent} do not make a lot",
    ),
}
"""Why a change of tempo is not what is heard."""


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
        weigh_number(
            (
                "{option} is one full round",
                "{option} takes me once through the pattern",
                "{option} is when it is back at the same point",
            ),
            (
                "after {option} the pattern is not through yet; {off} of it are still to come",
                "{option} is {off} too short for a full round",
                "{option} would bring it back {off} too soon",
                "with {option} a round would be {off} shorter than what I hear",
            ),
            (
                "{option} is {off} more than one round takes",
                "by {option} the pattern had already begun again, {off} earlier",
                "{option} would bring it back {off} too late",
                "the pattern does not wait {option} before it starts over; it does so {off} earlier",
            ),
        ),
    ),
)
