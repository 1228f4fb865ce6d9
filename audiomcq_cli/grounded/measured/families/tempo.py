"""Families about the tempo: beats a minute, and slow or fast."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import floor, log

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.families.pulse import OCTAVES, fits_period
from audiomcq_cli.grounded.measured.family import MARGIN, Family, Found, Key, Proof, Say, pick, state, value_of
from audiomcq_cli.grounded.measured.numbers import NEARLY, Numbers
from audiomcq_cli.grounded.measured.options import Statements
from audiomcq_cli.grounded.measured.saying import quote
from audiomcq_cli.grounded.measured.weighing import gather_names, weigh_statement

SLOWEST, FASTEST = 40.0, 220.0
"""Beats a minute between which a tempo is offered."""

CLASSES = {
    "very slow": (SLOWEST, 62.0),
    "slow": (62.0, 77.0),
    "rather slow": (77.0, 95.0),
    "moderate": (95.0, 118.0),
    "rather fast": (118.0, 146.0),
    "fast": (146.0, 181.0),
    "very fast": (181.0, FASTEST),
}
"""Where the classes of tempo begin and end, in beats a minute; they stand in the options.

They are so narrow that three wrong ones can be offered of which none holds the half or the double.
"""


def find_tempo(clip: Clip) -> Iterator[Found]:
    """Find clips with a tempo that nothing else speaks against."""
    tempo, change = clip.value("tempo"), clip.value("tempo_change")
    even = not (change and change.text != "steady")
    if tempo and 45 <= tempo.value <= 210 and even and fits_period(clip) and not _is_pattern(clip, tempo.value):
        yield Found("tempo", (state("tempo", tempo.value),))


def solve_bpm(proof: Proof) -> Key:
    """Return the tempo, in whole beats a minute."""
    [tempo] = pick(proof, "tempo")
    return Key(numbers=(tempo.value or 0.0,), tolerance=tempo.tolerance, low=SLOWEST, high=FASTEST, digits=0)


def solve_class(proof: Proof) -> Key | None:
    """Return the class of a tempo; None where it is close to another. Half and double tempo may be heard as well."""
    [tempo] = pick(proof, "tempo")
    value = tempo.value or 0.0
    if any(abs(value - edge) < MARGIN * tempo.tolerance for edges in CLASSES.values() for edge in edges):
        return None
    name = next((name for name, (low, high) in CLASSES.items() if low < value < high), "")
    if not name:
        return None
    heard = [value * factor for ratio in (2.0, 3.0) for factor in (ratio, 1 / ratio)]
    unclear = (
        other
        for other, (low, high) in CLASSES.items()
        if any(low * (1 - NEARLY) < beat < high * (1 + NEARLY) for beat in heard)
    )
    return Key(name, unclear=frozenset(unclear) - {name})


def tell_tempo(proof: Proof, say: Say) -> str:
    """Tell beats a minute, and how far apart they are."""
    tempo = value_of(proof, "tempo")
    ways = (
        "Tapping along, I get a beat every {gap:.2f} seconds, about {tempo:.0f} a minute.",
        "I count the beat: about {tempo:.0f} a minute, one every {gap:.2f} seconds.",
        "The beats are {gap:.2f} seconds apart, so there are about {tempo:.0f} in a minute.",
    )
    return say(ways).format(gap=_find_gap(tempo), tempo=tempo)


def _find_gap(tempo: float) -> float:
    """Return the seconds between two beats in hundredths, a half up."""
    return floor(6000 / tempo + 0.5) / 100


def _is_pattern(clip: Clip, tempo: float) -> bool:
    """Return whether what comes with each beat may be a pattern of several sounds, some of them beats as well.

    That is so where all of the clip repeats with the beat and it is not known when its sounds begin.
    """
    period = clip.value("repetition_period")
    return period is not None and not clip.values.get("onset") and abs(log(period.value * tempo / 60)) < 0.05


def _weigh_tempo(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a tempo how far apart its beats would be."""
    told, true = float(re.findall(r"\d+", option)[0]), round(key.numbers[0])
    if told == true:
        ways: tuple[str, ...] = (
            "{option} fits the beats I tap",
            "{option} is what I count",
            "{option} puts the beats as far apart as I hear them",
        )
    else:
        ways = (
            "{option} puts {gap:.2f} seconds between two beats, and I hear {own:.2f}",
            "at {option} a beat comes every {gap:.2f} seconds, too {way} for what I tap",
            "{option} is {off:.0f} beats a minute {more} than I tap",
            "{option} has beats {gap:.2f} seconds apart, which is too {far}",
        )
    way, more, far = ("slow", "fewer", "far") if told < true else ("fast", "more", "close")
    return say(ways).format(
        option=quote(option),
        gap=_find_gap(told),
        own=_find_gap(value_of(proof, "tempo")),
        off=abs(told - true),
        way=way,
        more=more,
        far=far,
    )


def _weigh_pace(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one range of tempo: how far the beats would be apart."""
    tempo = value_of(proof, "tempo")
    low, high = CLASSES[name]
    if name == key.name:
        return say((f"about {tempo:.0f} a minute lies in that range", f"I count about {tempo:.0f} a minute"))
    if tempo < low:
        ways = (
            "its beats are less than {gap:.2f} seconds apart, and mine {own:.2f}",
            "its lower end is {edge:.0f} a minute, {off:.0f} more than I count",
        )
        edge = low
    else:
        ways = (
            "its beats are more than {gap:.2f} seconds apart, and mine {own:.2f}",
            "its upper end is {edge:.0f} a minute, {off:.0f} fewer than I count",
        )
        edge = high
    return say(ways).format(gap=_find_gap(edge), edge=edge, own=_find_gap(tempo), off=abs(round(tempo) - edge))


def _gather_paces(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take together the ranges above what is counted, or those below it, whichever are more."""
    tempo = value_of(proof, "tempo")
    ends = {option: CLASSES[_PACES.read(option, key)] for option in options}
    above = [option for option, (low, _) in ends.items() if low > tempo]
    below = [option for option in options if option not in above]
    ways: tuple[str, ...] = (
        "{all} all begin above the {tempo} a minute that I count",
        "{tempo} a minute is too slow for {none}",
    )
    if len(below) > len(above):
        ways = ("{all} all end below the {tempo} a minute that I count", "{tempo} a minute is too fast for {none}")
    if max(len(above), len(below)) == 2:
        ways = tuple(way.replace("all begin", "both begin").replace("all end", "both end") for way in ways)
    return gather_names(max(above, below, key=len), ways, say, tempo=f"{tempo:.0f}")


def _name_class(name: str) -> str:
    """Return a class of tempo with its ends, as an option."""
    low, high = CLASSES[name]
    return f"{name}, between {low:.0f} and {high:.0f} beats a minute"


_PACES = Statements(({name: _name_class(name) for name in CLASSES},))


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
        find_tempo,
        solve_bpm,
        Numbers(("{} BPM", "about {} beats a minute"), ratios=OCTAVES, reach=2.8),
        tell_tempo,
        _weigh_tempo,
        about="tempo",
    ),
    Family(
        "pace",
        "music",
        "how fast the beat is",
        (
            "I tap along with the beat and see into which range that falls.",
            "The options are ranges of beats a minute, so I time how far the beats are apart.",
            "I listen for the regular pulse and count how many beats a minute that makes.",
        ),
        ("How fast is the beat?", "Which tempo does this have?", "What is the pace of the beat like?"),
        find_tempo,
        solve_class,
        _PACES,
        tell_tempo,
        weigh_statement(_PACES.read, _weigh_pace),
        gather=_gather_paces,
        balanced=True,
        about="tempo",
    ),
)
