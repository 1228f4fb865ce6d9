"""Families about energy over time: the loudest moment, swelling and fading, how many sounds, the gaps between them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean

from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.events import EDGE, SECONDS, find_bounds
from audiomcq_cli.grounded.measured.family import (
    MARGIN,
    Fact,
    Family,
    Found,
    Key,
    Proof,
    Say,
    pick,
    state,
    value_of,
)
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Counts, Names, Statements, join
from audiomcq_cli.measurements import MEASUREMENTS

ENDS = 0.15
"""Seconds that a silence's length may be off: where a sound that dies away is over is a matter of its threshold."""

MOST_SOUNDS = 13

_SILENT = -65.0  # LUFS of a second: what is softer is nothing that grows or fades
_CHANGES = {"louder": "louder", "softer": "softer", "steady": "steady"}

SHORTEST = 0.7
"""Seconds of a silence from which on it is a pause that one hears."""


def find_loudest(clip: Clip) -> Iterator[Found]:
    """Clips of four whole seconds or more."""
    levels = clip.values.get("second_loudness", ())
    if len(levels) >= 4:
        yield Found(
            "loudest", tuple(state("second_loudness", one.value, _name_second(n)) for n, one in enumerate(levels))
        )


def solve_loudest(proof: Proof) -> Key | None:
    """The second of the highest level; those within the margin of it are no options."""
    best = max(proof, key=lambda fact: fact.value or 0.0)
    others = [fact for fact in proof if fact is not best]
    near = [fact.text for fact in others if (best.value or 0.0) - (fact.value or 0.0) < MARGIN * fact.tolerance]
    return Key(best.text, others=tuple(fact.text for fact in others), unclear=frozenset(near))


def tell_loudest(proof: Proof, say: Say) -> str:
    """The loudest second, and how far the next one that is clearly softer lies below."""
    levels = sorted(proof, key=lambda fact: -(fact.value or 0.0))
    below = (levels[0].value or 0.0) - fmean(fact.value or 0.0 for fact in levels[1:])
    ways = (
        "Following the level through the clip, I hear it peak between {begin} and {end} seconds, about {below:.0f} dB"
        " above the rest.",
        "The clip is at its strongest between {begin} and {end} seconds; elsewhere it is about {below:.0f} dB softer.",
    )
    begin, _, end = levels[0].text.replace("s", "").partition(" to ")
    return say(ways).format(begin=begin, end=end, below=below)


# ------------------------------------------------------------------------------------------------- louder and softer


def find_swell(clip: Clip) -> Iterator[Found]:
    """Clips of six whole seconds or more whose level moves one way at a time, with nothing measured against it."""
    levels = [one.value for one in clip.values.get("second_loudness", ())]
    # The level of a second with two beats in it is not that of one with three, and speech comes and goes.
    pulsed = len(clip.sounds) > 1 or len(clip.values.get("onset", ())) > 1 or bool(clip.words)
    if len(levels) < 6 or min(levels) < _SILENT:
        return
    third = len(levels) // 3
    parts = {"beginning": levels[:third], "middle": levels[third:-third], "end": levels[-third:]}
    tolerance = MEASUREMENTS["loudness_change"].tolerance
    facts = tuple(Fact("level", round(fmean(part), 2), name, "dB", tolerance) for name, part in parts.items())
    key = solve_swell(facts)
    change = clip.value("loudness_change")
    # What swells and fades again has no one change.
    said = _CHANGES.get(key.name, "") if key else ""
    if key and _is_smooth(levels, key.name) and (change.text if change else "") == said and (said or not pulsed):
        yield Found("swell", facts)


def solve_swell(proof: Proof) -> Key | None:
    """What the levels of beginning, middle and end come to; None where they are neither clearly apart nor the same."""
    begin, middle, end = (fact.value or 0.0 for fact in proof)
    clear, same = MARGIN * proof[0].tolerance, proof[0].tolerance
    if end - begin >= clear and begin - same <= middle <= end + same:
        return Key("louder")
    if begin - end >= clear and end - same <= middle <= begin + same:
        return Key("softer")
    if max(begin, middle, end) - min(begin, middle, end) <= same:
        return Key("steady")
    if abs(begin - end) <= clear and middle - max(begin, end) >= clear:
        return Key("swell")
    if abs(begin - end) <= clear and min(begin, end) - middle >= clear:
        return Key("dip")
    return None


def tell_swell(proof: Proof, say: Say) -> str:
    """The level of the middle and the end against that of the beginning."""
    begin, middle, end = (fact.value or 0.0 for fact in proof)
    ways = (
        "Against the beginning, the middle of the clip is {middle} and the end is {end}.",
        "I compare the parts: the middle is {middle} compared with the beginning, and the end is {end}.",
    )
    return say(ways).format(middle=_compare(middle - begin), end=_compare(end - begin))


# --------------------------------------------------------------------------------------------- sounds and silences


def find_sounds(clip: Clip) -> Iterator[Found]:
    """Clips of several separate sounds, on whose number all that is known agrees."""
    count = clip.value("separate_sounds")
    if not count or not 2 <= count.value <= MOST_SOUNDS or len(clip.sounds) != count.value:
        return
    if clip.events and len(_merge(clip.events)) != count.value:
        return
    yield Found("sounds", tuple(Fact("onset", round(one.onset, 3), "", "s", 0.05) for one in clip.sounds))


def solve_sounds(proof: Proof) -> Key:
    """The number of onsets."""
    return Key(numbers=(float(len(proof)),))


def find_gap(clip: Clip) -> Iterator[Found]:
    """Clips with a silence between two sounds that is clearly the longest."""
    between = [gap for gap in clip.silences if gap.onset > 0.05 and gap.offset < clip.duration - 0.05]
    if not between or len(clip.sounds) < 2:
        return
    longest = max(between, key=lambda gap: gap.length)
    if longest.length >= SHORTEST:
        facts = (
            Fact("silence", round(longest.length, 3), f"{longest.onset:.1f}s to {longest.offset:.1f}s", "s", ENDS),
            *(Fact("other_silence", round(gap.length, 3), "", "s", ENDS) for gap in between if gap is not longest),
            Fact("duration", round(clip.duration, 3), "", "s"),
        )
        yield Found("gap", facts)


def solve_gap(proof: Proof) -> Key | None:
    """The length of the longest silence."""
    length = value_of(proof, "silence")
    if any((fact.value or 0.0) > length for fact in pick(proof, "other_silence")):
        return None
    return Key(numbers=(length,), tolerance=ENDS, low=SHORTEST, high=value_of(proof, "duration"))


def find_entry(clip: Clip) -> Iterator[Found]:
    """Clips that begin with silence, where nothing that is known sounds before its end."""
    first = clip.sounds[0] if clip.sounds else None
    if not first or not EDGE <= first.onset <= clip.duration - EDGE:
        return
    if clip.events and abs(clip.events[0].onset - first.onset) > clip.tolerance:
        return
    yield Found("entry", (state("onset", first.onset), Fact("duration", round(clip.duration, 3), "", "s")))


def solve_entry(proof: Proof) -> Key:
    """The onset of the first sound."""
    [onset] = pick(proof, "onset")
    low, high = find_bounds(proof)
    return Key(numbers=(onset.value or 0.0,), tolerance=onset.tolerance, low=low, high=high)


def tell_sounds(proof: Proof, say: Say) -> str:
    """The moment of each sound."""
    times = join([f"{fact.value:.1f}" for fact in proof])
    ways = (
        "With silence in between, sounds start at {times} seconds: {count} of them.",
        "I count each time the silence is broken: at {times} seconds, so {count} times.",
    )
    return say(ways).format(times=times, count=len(proof))


def tell_gap(proof: Proof, say: Say) -> str:
    """From when to when the longest silence lasts."""
    [silence] = pick(proof, "silence")
    begin, _, end = silence.text.partition(" to ")
    ways = (
        "The longest pause runs from {begin} to {end}, that is {length:.1f} seconds without a sound.",
        "Between {begin} and {end} nothing is heard, {length:.1f} seconds; no other pause is as long.",
    )
    return say(ways).format(begin=begin, end=end, length=silence.value)


def tell_entry(proof: Proof, say: Say) -> str:
    """Until when it is silent."""
    ways = (
        "The clip opens with silence, and the first sound comes at {time:.1f} seconds.",
        "Nothing is heard until {time:.1f} seconds, when the first sound sets in.",
    )
    return say(ways).format(time=value_of(proof, "onset"))


def _name_second(number: int) -> str:
    return f"{number}s to {number + 1}s"


def _is_smooth(levels: list[float], name: str) -> bool:
    """Whether a level mostly moves the way it is said to; where it jumps about nobody hears it grow or fade."""
    steps = [second - first for first, second in pairwise(levels)]
    if name == "steady":
        return max(levels) - min(levels) <= MARGIN
    if max(map(abs, steps)) > 0.45 * (max(levels) - min(levels)):
        return False
    half = len(steps) // 2
    signs = {"louder": (1, 1), "softer": (-1, -1), "swell": (1, -1), "dip": (-1, 1)}[name]
    along = [step * sign for part, sign in ((steps[:half], signs[0]), (steps[-half:], signs[1])) for step in part]
    return sum(step > -1 for step in along) >= 0.75 * len(along)


def _compare(change: float) -> str:
    if abs(change) <= MEASUREMENTS["loudness_change"].tolerance:
        return "about as loud"
    return f"about {abs(change):.0f} dB {'louder' if change > 0 else 'softer'}"


def _merge(events: tuple[Span, ...]) -> list[Span]:
    """Events that touch or overlap as one."""
    merged: list[Span] = []
    for event in events:
        if merged and event.onset <= merged[-1].offset:
            merged[-1] = Span("", merged[-1].onset, max(merged[-1].offset, event.offset))
        else:
            merged.append(event)
    return merged


FAMILIES = (
    Family(
        "loudest",
        "temporal",
        "at which moment the clip is loudest",
        (
            "When is the clip at its loudest?",
            "Which second is the loudest?",
            "In which of these seconds is it loudest?",
        ),
        find_loudest,
        solve_loudest,
        Names("From {} it is softer.", fill=False, drawn_by_use=True),
        tell_loudest,
    ),
    Family(
        "swell",
        "sound",
        "how the loudness changes",
        (
            "How does the loudness change in the course of the clip?",
            "What happens to the volume over the clip?",
            "How does the volume develop from beginning to end?",
        ),
        find_swell,
        solve_swell,
        Statements(
            (
                {
                    "louder": "It gets louder and louder",
                    "softer": "It gets softer and softer",
                    "steady": "It stays about the same",
                    "swell": "It grows towards the middle and fades again",
                    "dip": "It drops towards the middle and comes back",
                },
                {
                    "louder": "It rises steadily",
                    "softer": "It fades steadily",
                    "steady": "It hardly changes",
                    "swell": "It swells up, then dies down",
                    "dip": "It sinks, then returns",
                },
            )
        ),
        tell_swell,
        balanced=True,
    ),
    Family(
        "sounds",
        "temporal",
        "how many separate sounds there are, so each has to be counted",
        (
            "How many separate sounds are there in the clip?",
            "How many sounds with silence between them can you count?",
            "How many times is the silence broken by a sound?",
        ),
        find_sounds,
        solve_sounds,
        Counts(),
        tell_sounds,
        balanced=True,
    ),
    Family(
        "gap",
        "temporal",
        "how long the longest silence between two sounds is",
        (
            "How long is the longest silence between two sounds?",
            "How long does the longest pause between sounds last?",
        ),
        find_gap,
        solve_gap,
        Numbers(SECONDS, "too short", "too long", reach=4),
        tell_gap,
    ),
    Family(
        "entry",
        "temporal",
        "when the silence at the beginning ends",
        (
            "When does the first sound begin?",
            "At what time is the silence at the beginning broken?",
            "How far into the clip does anything become audible?",
        ),
        find_entry,
        solve_entry,
        Numbers(SECONDS, "too early", "too late"),
        tell_entry,
    ),
)
