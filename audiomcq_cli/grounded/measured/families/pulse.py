"""Families about the beat: beats a minute, slow or fast, speeding up or slowing down, and what repeats."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, state, value_of
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Statements
from audiomcq_cli.grounded.measured.timeline import SECONDS

OCTAVES = (1.0, 1.5, 2.0, 3.0, 4.0)
"""How many times a tempo, or a period, another one may be and still be heard in the same beat."""

SHORTEST = 0.3
"""Seconds of a pattern whose length is asked about."""

SLOW, MODERATE, FAST = 80.0, 110.0, 145.0
"""Where the classes of tempo begin and end, in beats a minute; they stand in the options."""

MUCH = 1.45
"""Change of tempo from which on it is much faster; clearly below it is a little."""


def find_bpm(clip: Clip) -> Iterator[Found]:
    """Clips with a tempo that nothing else speaks against."""
    tempo, change = clip.value("tempo"), clip.value("tempo_change")
    even = not (change and change.text != "steady")
    if tempo and 45 <= tempo.value <= 210 and even and _fits_period(clip) and not _is_pattern(clip, tempo.value):
        yield Found("bpm", (state("tempo", tempo.value),))


def find_pace(clip: Clip) -> Iterator[Found]:
    """The same clips."""
    for found in find_bpm(clip):
        yield Found("pace", found.proof)


def find_change(clip: Clip) -> Iterator[Found]:
    """Clips whose tempo was compared between beginning and end."""
    if change := clip.value("tempo_change"):
        yield Found("accelerate", (state("tempo_change", change.value, change.text),))


def find_period(clip: Clip) -> Iterator[Found]:
    """Clips that repeat themselves three times or more."""
    period = clip.value("repetition_period")
    if period and SHORTEST <= period.value <= clip.duration / 3 and _fits_period(clip):
        facts = (state("repetition_period", period.value), Fact("duration", round(clip.duration, 3), "", "s"))
        yield Found("period", facts)


def solve_bpm(proof: Proof) -> Key:
    """The tempo, in whole beats a minute."""
    [tempo] = pick(proof, "tempo")
    return Key(numbers=(tempo.value or 0.0,), tolerance=tempo.tolerance, low=40, high=220, digits=0)


def solve_class(proof: Proof) -> Key | None:
    """The class of a tempo; None where it is close to another."""
    [tempo] = pick(proof, "tempo")
    value = tempo.value or 0.0
    if any(abs(value - edge) < MARGIN * tempo.tolerance for edge in (SLOW, MODERATE, FAST)):
        return None
    return Key("slow" if value < SLOW else "moderate" if value < MODERATE else "fast" if value < FAST else "very fast")


def solve_change(proof: Proof) -> Key | None:
    """How the tempo of the end compares with that of the beginning; None where it is close."""
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
    """The time after which the clip repeats itself."""
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
    """Beats a minute, and how far apart they are."""
    tempo = value_of(proof, "tempo")
    ways = (
        "Tapping along, one beat follows the other every {gap:.2f} seconds, which is about {tempo:.0f} beats a minute.",
        "I count the beat: about {tempo:.0f} a minute, one every {gap:.2f} seconds.",
        "The beats are {gap:.2f} seconds apart, so there are about {tempo:.0f} in a minute.",
    )
    return say(ways).format(gap=60 / tempo, tempo=tempo)


def tell_change(proof: Proof, say: Say) -> str:
    """The tempo of the end by that of the beginning."""
    ratio = value_of(proof, "tempo_change")
    if abs(ratio - 1) <= 0.04:
        return say(
            ("The beat at the end is as fast as at the beginning.", "From beginning to end the beats come as quickly.")
        )
    ways = (
        "At the end the beats come {percent:.0f} percent {word} than at the beginning.",
        "Comparing the end with the beginning, the beat is {percent:.0f} percent {word}.",
    )
    return say(ways).format(percent=100 * abs(ratio - 1), word="faster" if ratio > 1 else "slower")


def tell_period(proof: Proof, say: Say) -> str:
    """How long the pattern is."""
    [period] = pick(proof, "repetition_period")
    ways = (
        "The same pattern comes back every {time} seconds.",
        "From one time the pattern starts to the next, {time} seconds pass.",
    )
    return say(ways).format(time=f"{period.value:.2f}")


def _is_pattern(clip: Clip, tempo: float) -> bool:
    """Whether what comes with each beat may be a pattern of several sounds, of which others are beats as well.

    That is so where all of the clip repeats with the beat and it is not known when its sounds begin.
    """
    period = clip.value("repetition_period")
    return period is not None and not clip.values.get("onset") and abs(log(period.value * tempo / 60)) < 0.05


def _fits_period(clip: Clip) -> bool:
    """Whether a beat and a period, where both are known, go into each other."""
    tempo, period = clip.value("tempo"), clip.value("repetition_period")
    if not tempo or not period:
        return True
    beats = period.value * tempo.value / 60
    whole = (1 / 4, 1 / 3, 1 / 2, *range(1, 17))
    return any(abs(log(beats / count)) < 0.05 for count in whole)


FAMILIES = (
    Family(
        "bpm",
        "music",
        "how many beats there are in a minute",
        (
            "What is the tempo, in beats a minute?",
            "About how many beats per minute does this have?",
            "At which tempo is this played?",
        ),
        find_bpm,
        solve_bpm,
        Numbers(("{} BPM", "about {} beats a minute"), "too slow", "too fast", ratios=OCTAVES, reach=2.8),
        tell_tempo,
    ),
    Family(
        "pace",
        "music",
        "how fast the beat is",
        ("How fast is the beat?", "Which tempo does this have?", "What is the pace of the beat like?"),
        find_pace,
        solve_class,
        Statements(
            (
                {
                    "slow": f"slow, below {SLOW:.0f} beats a minute",
                    "moderate": f"moderate, between {SLOW:.0f} and {MODERATE:.0f} beats a minute",
                    "fast": f"fast, between {MODERATE:.0f} and {FAST:.0f} beats a minute",
                    "very fast": f"very fast, above {FAST:.0f} beats a minute",
                },
            )
        ),
        tell_tempo,
        balanced=True,
    ),
    Family(
        "accelerate",
        "music",
        "whether the beat speeds up or slows down",
        (
            "How does the tempo change in the course of the clip?",
            "What happens to the speed of the beat?",
            "Does the beat keep its speed from beginning to end, and if not, what does it do?",
        ),
        find_change,
        solve_change,
        Statements(
            (
                {
                    "little_faster": "It gets a little faster",
                    "much_faster": "It gets a lot faster",
                    "little_slower": "It gets a little slower",
                    "much_slower": "It gets a lot slower",
                    "steady": "It keeps the same speed",
                },
            )
        ),
        tell_change,
        balanced=True,
        alone=False,
    ),
    Family(
        "period",
        "sound",
        "after what time something repeats",
        (
            "The clip has a pattern that repeats. How long is it?",
            "After what time does the pattern repeat?",
            "How much time passes from one repetition to the next?",
        ),
        find_period,
        solve_period,
        Numbers(SECONDS, "too short", "too long", ratios=OCTAVES, reach=4),
        tell_period,
    ),
)
