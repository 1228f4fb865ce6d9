"""Families about pitch: whether it rises or falls, and which half of a clip is higher."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import log2

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import (
    MARGIN,
    Family,
    Found,
    Key,
    Offer,
    Proof,
    Say,
    pick,
    state,
    value_of,
)
from audiomcq_cli.grounded.measured.options import Statements
from audiomcq_cli.grounded.measured.weighing import Ways, gather_names, weigh_statement
from audiomcq_cli.records import draw

MUCH = 6.0
"""Semitones from which on a change is a large one: half an octave."""

WAVERS = 0.5
"""Semitones that the pitch of a half strays from its median, at most."""

HALVES = ("first", "second")


def find_contour(clip: Clip) -> Iterator[Found]:
    """Find clips whose pitch glides one way or stays where it is."""
    if change := clip.value("pitch_change"):
        yield Found("contour", (state("pitch_change", change.value, change.text),))


def solve_contour(proof: Proof) -> Key | None:
    """Return how far the end lies above or below the beginning; None between little and none, or little and much."""
    [change] = pick(proof, "pitch_change")
    size, clear = abs(change.value or 0.0), MARGIN * change.tolerance
    if change.text == "steady":
        return Key("steady") if size <= change.tolerance else None
    if change.text != ("rising" if (change.value or 0.0) > 0 else "falling"):
        return None
    if clear <= size <= MUCH - clear:
        return Key(f"little_{change.text}")
    return Key(f"much_{change.text}") if size >= MUCH + clear else None


def tell_contour(proof: Proof, say: Say) -> str:
    """Tell by how many semitones the pitch moves."""
    change = value_of(proof, "pitch_change")
    if abs(change) <= 0.5:
        return say(
            (
                "The tone stays on one note from start to end.",
                "I follow the pitch, and it does not move.",
                "From start to end the tone keeps its height.",
                "When the tone stops, it is as high as when it began.",
            )
        )
    ways = (
        "I follow the pitch: at the end it is about {size:.0f} semitones {word} than at the beginning.",
        "The tone ends about {size:.0f} semitones {word} than it starts.",
        "Between its start and its end the tone gets about {size:.0f} semitones {word}.",
        "Held against the start, the end of the tone lies about {size:.0f} semitones {word}.",
    )
    return say(ways).format(size=abs(change), word="higher" if change > 0 else "lower")


def find_halves(clip: Clip) -> Iterator[Found]:
    """Find clips with one pitch in either half, and no other: of a melody it is not its median that one hears."""
    first, second = clip.value("pitch_first_half"), clip.value("pitch_second_half")
    low, high = clip.value("pitch_low"), clip.value("pitch_high")
    if first and second and low and high and min(first.value, second.value, low.value) > 0:
        lower, higher = sorted((first.value, second.value))
        if max(abs(log2(low.value / lower)), abs(log2(high.value / higher))) <= WAVERS / 12:
            yield Found("halves", (state("pitch_first_half", first.value), state("pitch_second_half", second.value)))


def solve_halves(proof: Proof) -> Key | None:
    """Return semitones from the first half up to the second; None where they are too near to tell."""
    first, second = value_of(proof, "pitch_first_half"), value_of(proof, "pitch_second_half")
    # 20 cents of either half.
    tolerance, semitones = 0.4, 12 * log2(second / first)
    return Key(numbers=(semitones,), tolerance=tolerance) if abs(semitones) >= 2 + tolerance else None


def tell_halves(proof: Proof, say: Say) -> str:
    """Tell the pitch of one half by that of the other."""
    first, second = value_of(proof, "pitch_first_half"), value_of(proof, "pitch_second_half")
    half = HALVES[second > first]
    ways = (
        "The {half} half lies higher than the other one, by about {size:.0f} semitones.",
        "I compare the two halves: the {half} one is about {size:.0f} semitones above the other.",
        "Midway the tone {steps} by about {size:.0f} semitones, so the {half} half is the higher one.",
        "The tone {steps} once, by about {size:.0f} semitones; it is higher in the {half} half.",
    )
    steps = "goes up" if second > first else "goes down"
    return say(ways).format(half=half, size=12 * abs(log2(second / first)), steps=steps)


class Intervals:
    """Options that say which half is higher, and by how many semitones."""

    drawn_by_use = False

    def show(self, key: Key, way: int) -> str:
        """Return the key as an option."""
        return _name_interval(key.numbers[0] > 0, round(abs(key.numbers[0])))

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Return the other half by as much, and either half by clearly more or less."""
        size, later = round(abs(key.numbers[0])), key.numbers[0] > 0
        apart = max(4, round(0.6 * size))
        sizes = [other for other in (size - apart, size + apart) if 2 <= other <= 36]
        other = sizes[draw(turn) % len(sizes)]
        return [_name_interval(not later, size), _name_interval(later, other), _name_interval(not later, other)]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Return a fault unless the answer has the half and size that were measured, and no other choice has both."""
        known = {
            _name_interval(later, size): size if later else -size for later in (False, True) for size in range(1, 49)
        }
        for choice in choices:
            if choice not in known:
                return f"{choice!r} is no interval"
            off = abs(known[choice] - key.numbers[0])
            if choice == answer and off > max(key.tolerance, 0.5):
                return f"the answer {choice!r} is {off:.1f} semitones off"
            if choice != answer and off < MARGIN * key.tolerance:
                return f"{choice!r} is only {off:.1f} semitones off"
        return ""


def _name_interval(later: bool, size: int) -> str:
    return f"The {HALVES[later]} half, by about {size} semitones"


def _weigh_contour(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one course of the pitch."""
    change = value_of(proof, "pitch_change")
    size = f"about {abs(change):.0f} semitones"
    way = "higher" if change > 0 else "lower"
    if name == key.name:
        told = "same" if name == "steady" else "fit"
    elif key.name == "steady":
        told = f"steady_{name.split('_')[1]}"
    elif name == "steady":
        told = "standstill"
    elif name.split("_")[1] != key.name.split("_")[1]:
        told = "wrong_way"
    else:
        told = "too_much" if name.startswith("little") else "too_little"
    words = {"size": size, "way": way, "goes": "climbs" if change > 0 else "drops", "opposite": _OPPOSITE[way]}
    return say(_REASONS[told]).format(**words)


_OPPOSITE = {"higher": "lower", "lower": "higher"}

_REASONS: Mapping[str, Ways] = {
    "fit": ("the tone ends {size} {way}", "from start to end the tone {goes} by {size}"),
    "same": ("the tone ends on the note on which it starts", "its pitch is the same at both ends"),
    "steady_rising": (
        "the end is no higher than the start",
        "I hum along on one note and never have to go up",
    ),
    "steady_falling": (
        "the end is no lower than the start",
        "I hum along on one note and never have to go down",
    ),
    "standstill": (
        "start and end are {size} apart",
        "the end is not on the note of the start",
    ),
    "wrong_way": (
        "the tone {goes}",
        "the tone ends {way}, not {opposite}",
        "the end is {way} than the start",
    ),
    "too_much": (
        "{size} are far more than a small step",
        "{size} are more than half an octave",
    ),
    "too_little": (
        "{size} are only a small step",
        "{size} are less than half an octave",
    ),
}
"""Why a course of the pitch is not what is heard."""


def _gather_contours(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take together what keeps or goes the wrong way; all that moves where the pitch keeps."""
    names = {option: _COURSES.read(option, key) for option in options}
    if key.name == "steady":
        ways: Ways = (
            "as the tone does not move, it cannot be {none}",
            "the tone goes neither up nor down, which rules out {all}",
        )
        return gather_names(options, ways, say)
    way = key.name.split("_")[1]
    opposed = [option for option, name in names.items() if not name.endswith(way)]
    ways = ("as the tone {goes}, it cannot be {none}", "the tone {goes}, which rules out {all}")
    return gather_names(opposed, ways, say, goes="climbs" if way == "rising" else "drops")


def _gather_halves(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take together the options that have the lower half for the higher one."""
    true = HALVES[key.numbers[0] > 0]
    wrong = [option for option in options if true not in option.lower()]
    ways = (
        "since it is the {half} half that is higher, it cannot be {none}",
        "{all} both have the halves the wrong way round",
        "in {all} the halves are the wrong way round",
    )
    return gather_names(wrong, ways, say, half=true)


def _weigh_halves(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a half and a number of semitones in which of the two it is wrong, if in any."""
    later, size = option.lower().startswith("the second"), int(re.findall(r"\d+", option)[0])
    true, own = key.numbers[0] > 0, round(abs(key.numbers[0]))
    words = {"higher": HALVES[true], "lower": HALVES[not true], "own": own, "size": size}
    words["goes"] = "up" if true else "down"
    words["much"] = "more" if size > own else "less"
    if later == true and abs(size - own) <= 1:
        ways: tuple[str, ...] = (
            "has both the half and the size right",
            "agrees with what I hear in both respects",
            "is right in both parts",
        )
    elif later == true:
        ways = (
            "names the right half, but the step is about {own} semitones, not {size}",
            "has a step of {size} semitones, {much} than the {own} that I hear",
            "gets the half right and the size wrong: it is about {own} semitones",
        )
    elif size == own:
        ways = (
            "has it the wrong way round: the {lower} half is the lower one",
            "cannot be, as the tone goes {goes} midway",
            "has the size right, but it is the {higher} half that lies above",
        )
    else:
        ways = (
            "is wrong twice: the {lower} half is the lower one, and the step is about {own} semitones",
            "has the halves the wrong way round, and the step is about {own} semitones, not {size}",
            "cannot be, as the tone goes {goes} midway, and by about {own} semitones",
        )
    return f'"{option}" {say(ways).format(**words)}'


_COURSES = Statements(
    (
        {
            "little_rising": "It rises a little",
            "much_rising": "It rises a lot",
            "little_falling": "It falls a little",
            "much_falling": "It falls a lot",
            "steady": "It stays at the same height",
        },
        {
            "little_rising": "It ends slightly higher",
            "much_rising": "It ends far higher",
            "little_falling": "It ends slightly lower",
            "much_falling": "It ends far lower",
            "steady": "It ends where it began",
        },
    )
)

FAMILIES = (
    Family(
        "contour",
        "sound",
        "how the pitch moves",
        (
            "I compare the tone at the end with the one at the beginning: higher, lower, or the same, and by how much.",
            "Both the way and the size matter here, so I hold the end of the tone against its start.",
            "I hum along from beginning to end and note how far I have to go up or down.",
        ),
        (
            "How does the pitch move from the beginning to the end?",
            "What does the pitch do in the course of the clip?",
            "Which way does the tone go, if it moves at all?",
        ),
        find_contour,
        solve_contour,
        _COURSES,
        tell_contour,
        weigh_statement(_COURSES.read, _weigh_contour),
        gather=_gather_contours,
        balanced=True,
        alone=False,
    ),
    Family(
        "halves",
        "sound",
        "which half of the clip is higher in pitch, and by how much",
        (
            "There is one tone in either half, so I keep the first in mind and hold the second against it.",
            "I need the way from one half to the other, up or down, and the size of that step.",
            "Which of the two lies higher comes first, then the distance in semitones.",
        ),
        (
            "Which half of the clip is higher in pitch, and by how much?",
            "In which half is the tone higher, and by how much?",
        ),
        find_halves,
        solve_halves,
        Intervals(),
        tell_halves,
        _weigh_halves,
        gather=_gather_halves,
    ),
)
