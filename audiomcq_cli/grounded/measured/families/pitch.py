"""Families about pitch: whether it rises or falls, and which half of a clip is higher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from audiomcq_cli.grounded.measured.options import Statements, capitalize, join
from audiomcq_cli.records import draw

MUCH = 6.0
"""Semitones from which on a change is a large one: half an octave."""

WAVERS = 0.5
"""Semitones that the pitch of a half strays from its median, at most."""

HALVES = ("first", "second")


def find_contour(clip: Clip) -> Iterator[Found]:
    """Clips whose pitch glides one way or stays where it is."""
    if change := clip.value("pitch_change"):
        yield Found("contour", (state("pitch_change", change.value, change.text),))


def solve_contour(proof: Proof) -> Key | None:
    """How far the end lies above or below the beginning; None between little and none, or little and much."""
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
    """By how many semitones the pitch moves."""
    change = value_of(proof, "pitch_change")
    if abs(change) <= 0.5:
        return say(("The pitch at the end is the one of the beginning.", "I follow the pitch, and it does not move."))
    ways = (
        "I follow the pitch: at the end it is about {size:.0f} semitones {word} than at the beginning.",
        "The tone ends about {size:.0f} semitones {word} than it starts.",
    )
    return say(ways).format(size=abs(change), word="higher" if change > 0 else "lower")


def find_halves(clip: Clip) -> Iterator[Found]:
    """Clips with one pitch in either half, and no other: of a melody it is not its median that one hears."""
    first, second = clip.value("pitch_first_half"), clip.value("pitch_second_half")
    low, high = clip.value("pitch_low"), clip.value("pitch_high")
    if first and second and low and high and min(first.value, second.value, low.value) > 0:
        lower, higher = sorted((first.value, second.value))
        if max(abs(log2(low.value / lower)), abs(log2(high.value / higher))) <= WAVERS / 12:
            yield Found("halves", (state("pitch_first_half", first.value), state("pitch_second_half", second.value)))


def solve_halves(proof: Proof) -> Key | None:
    """Semitones from the first half up to the second; None where they are too near to tell."""
    first, second = value_of(proof, "pitch_first_half"), value_of(proof, "pitch_second_half")
    # 20 cents of either half.
    tolerance, semitones = 0.4, 12 * log2(second / first)
    return Key(numbers=(semitones,), tolerance=tolerance) if abs(semitones) >= 2 + tolerance else None


def tell_halves(proof: Proof, say: Say) -> str:
    """The pitch of either half."""
    first, second = value_of(proof, "pitch_first_half"), value_of(proof, "pitch_second_half")
    half = HALVES[second > first]
    ways = (
        "The {half} half lies higher than the other one, by about {size:.0f} semitones.",
        "I compare the two halves: the {half} one is about {size:.0f} semitones above the other.",
    )
    return say(ways).format(half=half, size=12 * abs(log2(second / first)))


class Intervals:
    """Options that say which half is higher, and by how many semitones."""

    drawn_by_use = False

    def show(self, key: Key, way: int) -> str:
        """The key as an option."""
        return _name_interval(key.numbers[0] > 0, round(abs(key.numbers[0])))

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """The other half by as much, and either half by clearly more or less."""
        size, later = round(abs(key.numbers[0])), key.numbers[0] > 0
        apart = max(4, round(0.6 * size))
        sizes = [other for other in (size - apart, size + apart) if 2 <= other <= 36]
        other = sizes[draw(turn) % len(sizes)]
        return [_name_interval(not later, size), _name_interval(later, other), _name_interval(not later, other)]

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """The answer has the half and the size that were measured, the others another half or another size."""
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

    def deny(self, key: Key, wrong: Sequence[str], say: Say) -> str:
        """That the others have the wrong half or the wrong size."""
        half = HALVES[key.numbers[0] > 0]
        other = HALVES[key.numbers[0] < 0]
        against = [f'"{text}"' for text in wrong if text.lower().startswith(f"the {other}")]
        size = [f'"{text}"' for text in wrong if text.lower().startswith(f"the {half}")]
        parts = [
            f"{join(against)} take the wrong half" if against else "",
            f"{join(size)} has the wrong size" if size else "",
        ]
        return f"{capitalize(', and '.join(filter(None, parts)))}."


def _name_interval(later: bool, size: int) -> str:
    return f"The {HALVES[later]} half, by about {size} semitones"


FAMILIES = (
    Family(
        "contour",
        "sound",
        "how the pitch moves",
        (
            "How does the pitch move from the beginning to the end?",
            "What does the pitch do in the course of the clip?",
            "Which way does the tone go, if it moves at all?",
        ),
        find_contour,
        solve_contour,
        Statements(
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
        ),
        tell_contour,
        balanced=True,
        alone=False,
    ),
    Family(
        "halves",
        "sound",
        "which half of the clip is higher in pitch, and by how much",
        (
            "Which half of the clip is higher in pitch, and by how much?",
            "In which half is the tone higher, and how far?",
        ),
        find_halves,
        solve_halves,
        Intervals(),
        tell_halves,
    ),
)
