"""Families about the beat: beats a minute, slow or fast, speeding up or slowing down, and what repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf, log

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, state, value_of
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Statements
from audiomcq_cli.grounded.measured.timeline import SECONDS
from audiomcq_cli.grounded.measured.weighing import weigh_number, weigh_statement

OCTAVES = (1.0, 1.5, 2.0, 3.0, 4.0)
"""How many times a tempo, or a period, another one may be and still be heard in the same beat."""

SHORTEST = 0.3
"""Seconds of a pattern whose length is asked about."""

SLOW, MODERATE, FAST = 80.0, 110.0, 145.0
"""Where the classes of tempo begin and end, in beats a minute; they stand in the options."""

MUCH = 1.45
"""Change of tempo from which on it is much faster; clearly below it is a little."""


def find_bpm(clip: Clip) -> Iterator[Found]:
    """Find clips with a tempo that nothing else speaks against."""
    tempo, change = clip.value("tempo"), clip.value("tempo_change")
    even = not (change and change.text != "steady")
    if tempo and 45 <= tempo.value <= 210 and even and _fits_period(clip) and not _is_pattern(clip, tempo.value):
        yield Found("bpm", (state("tempo", tempo.value),))


def find_pace(clip: Clip) -> Iterator[Found]:
    """Find the same clips."""
    for found in find_bpm(clip):
        yield Found("pace", found.proof)


def find_change(clip: Clip) -> Iterator[Found]:
    """Find clips whose tempo was compared between beginning and end."""
    if change := clip.value("tempo_change"):
        yield Found("accelerate", (state("tempo_change", change.value, change.text),))


def find_period(clip: Clip) -> Iterator[Found]:
    """Find clips that repeat themselves three times or more."""
    period = clip.value("repetition_period")
    if period and SHORTEST <= period.value <= clip.duration / 3 and _fits_period(clip):
        facts = (state("repetition_period", period.value), Fact("duration", round(clip.duration, 3), "", "s"))
        yield Found("period", facts)


def solve_bpm(proof: Proof) -> Key:
    """Return the tempo, in whole beats a minute."""
    [tempo] = pick(proof, "tempo")
    return Key(numbers=(tempo.value or 0.0,), tolerance=tempo.tolerance, low=40, high=220, digits=0)


def solve_class(proof: Proof) -> Key | None:
    """Return the class of a tempo; None where it is close to another."""
    [tempo] = pick(proof, "tempo")
    value = tempo.value or 0.0
    if any(abs(value - edge) < MARGIN * tempo.tolerance for edge in (SLOW, MODERATE, FAST)):
        return None
    return Key("slow" if value < SLOW else "moderate" if value < MODERATE else "fast" if value < FAST else "very fast")


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


def tell_tempo(proof: Proof, say: Say) -> str:
    """Tell beats a minute, and how far apart they are."""
    tempo = value_of(proof, "tempo")
    ways = (
        "Tapping along, one beat follows the other every {gap:.2f} seconds, which is about {tempo:.0f} beats a minute.",
        "I count the beat: about {tempo:.0f} a minute, one every {gap:.2f} seconds.",
        "The beats are {gap:.2f} seconds apart, so there are about {tempo:.0f} in a minute.",
    )
    return say(ways).format(gap=60 / tempo, tempo=tempo)


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
    ways = (
        "At the end the beats come {percent:.0f} percent {word} than at the beginning.",
        "Comparing the end with the beginning, the beat is {percent:.0f} percent {word}.",
        "The beats that end the clip are {percent:.0f} percent {word} than those that open it.",
        "Late in the clip I have to tap {percent:.0f} percent {word} than early on.",
    )
    return say(ways).format(percent=100 * abs(ratio - 1), word="faster" if ratio > 1 else "slower")


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


def _is_pattern(clip: Clip, tempo: float) -> bool:
    """Return whether what comes with each beat may be a pattern of several sounds, some of them beats as well.

    That is so where all of the clip repeats with the beat and it is not known when its sounds begin.
    """
    period = clip.value("repetition_period")
    return period is not None and not clip.values.get("onset") and abs(log(period.value * tempo / 60)) < 0.05


def _fits_period(clip: Clip) -> bool:
    """Return whether a beat and a period, where both are known, go into each other."""
    tempo, period = clip.value("tempo"), clip.value("repetition_period")
    if not tempo or not period:
        return True
    beats = period.value * tempo.value / 60
    whole = (1 / 4, 1 / 3, 1 / 2, *range(1, 17))
    return any(abs(log(beats / count)) < 0.05 for count in whole)


def _weigh_tempo(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a tempo how far apart its beats would be."""
    told, true = float(re.findall(r"\d+", option)[0]), round(key.numbers[0])
    if told == true:
        ways: tuple[str, ...] = (
            "{option} fits the beats I tap",
            "{option} is what my taps come to",
            "{option} agrees with that distance",
        )
    else:
        ways = (
            "{option} would put {gap:.2f} seconds between two beats, and not {own:.2f}",
            "at {option} a beat would come every {gap:.2f} seconds, too {way}",
            "{option} is {off:.0f} a minute too {way}",
            "my taps would have to come every {gap:.2f} seconds for {option}",
        )
    way = "slow" if told < true else "fast"
    return say(ways).format(
        option=option, gap=60 / told, own=60 / value_of(proof, "tempo"), off=abs(told - true), way=way
    )


def _weigh_pace(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one range of tempo: how far the beats would be apart."""
    tempo = value_of(proof, "tempo")
    low, high = _RANGES[name]
    if name == key.name:
        return say((f"about {tempo:.0f} lies within that", f"that is where about {tempo:.0f} a minute belong"))
    if tempo < low:
        ways = (
            "the beats would have to be less than {gap:.2f} seconds apart",
            "that begins at {edge:.0f} a minute, {off:.0f} more than I count",
        )
        edge = low
    else:
        ways = (
            "the beats would have to be more than {gap:.2f} seconds apart",
            "that ends at {edge:.0f} a minute, {off:.0f} less than I count",
        )
        edge = high
    return say(ways).format(gap=60 / edge, edge=edge, off=abs(round(tempo) - edge))


def _weigh_change(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one change of tempo."""
    ratio = value_of(proof, "tempo_change")
    much = f"{100 * abs(ratio - 1):.0f} percent"
    way = "faster" if ratio > 1 else "slower"
    if name == key.name:
        if name == "steady":
            return say(("the distance between beats stays what it was", "early and late, the beats are as far apart"))
        return say((f"by {much} the beats are {way}", f"{much} {way} is just that"))
    if key.name == "steady":
        closer = "closer together" if name.endswith("faster") else "further apart"
        return say((f"the beats would have to end up {closer}, and they do not", f"at the end they are no {closer}"))
    if name == "steady":
        return say((f"a change by {much} is no standstill", f"the beats end {much} {way}, so the speed is not kept"))
    (size, course) = name.split("_")
    if course != way:
        apart = "wider" if course == "slower" else "narrower"
        return say((f"that is the wrong way, as the end is {way}", f"the gaps between beats would have to get {apart}"))
    if size == "little":
        return say((f"the way is right, but {much} is more than a little", f"{much} goes far beyond that"))
    return say((f"the way is right, but {much} is not a lot", f"for that, {much} is too little"))


_RANGES = {"slow": (0.0, SLOW), "moderate": (SLOW, MODERATE), "fast": (MODERATE, FAST), "very fast": (FAST, inf)}

_PACES = Statements(
    (
        {
            "slow": f"slow, below {SLOW:.0f} beats a minute",
            "moderate": f"moderate, between {SLOW:.0f} and {MODERATE:.0f} beats a minute",
            "fast": f"fast, between {MODERATE:.0f} and {FAST:.0f} beats a minute",
            "very fast": f"very fast, above {FAST:.0f} beats a minute",
        },
    )
)

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
        "bpm",
        "music",
        "how many beats there are in a minute",
        (
            "I tap along until my taps fall together with the beat, and count them against the seconds.",
            "The time from one beat to the next gives the tempo: a minute divided by it.",
            "I listen for the regular pulse and time how far its beats are apart.",
        ),
        (
            "What is the tempo, in beats a minute?",
            "About how many beats per minute does this have?",
            "At which tempo is this played?",
        ),
        find_bpm,
        solve_bpm,
        Numbers(("{} BPM", "about {} beats a minute"), ratios=OCTAVES, reach=2.8),
        tell_tempo,
        _weigh_tempo,
    ),
    Family(
        "pace",
        "music",
        "how fast the beat is",
        (
            "I tap along with the beat and see into which of the four ranges that falls.",
            "The options are ranges of beats a minute, so I time how far the beats are apart.",
            "I listen for the regular pulse and count how many beats a minute that makes.",
        ),
        ("How fast is the beat?", "Which tempo does this have?", "What is the pace of the beat like?"),
        find_pace,
        solve_class,
        _PACES,
        tell_tempo,
        weigh_statement(_PACES.read, _weigh_pace),
        balanced=True,
    ),
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
        "after what time something repeats",
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
                "{option} agrees with one round of it",
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
                "by {option} the pattern began again {off} ago",
                "{option} would bring it back {off} too late",
                "before {option} have passed it has started over, {off} earlier",
            ),
        ),
    ),
)
