"""Families about sounds with silence between them: how many there are, the longest pause, and the first of them."""

from __future__ import annotations

from collections.abc import Iterator

from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.family import Fact, Family, Found, Key, Proof, Say, pick, state, value_of
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Counts, join
from audiomcq_cli.grounded.measured.timeline import EDGE, SECONDS, find_bounds

ENDS = 0.15
"""Seconds that a silence's length may be off: where a sound that dies away is over is a matter of its threshold."""

MOST_SOUNDS = 13

SHORTEST = 0.7
"""Seconds of a silence from which on it is a pause that one hears."""


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
    return Key(numbers=(length,), tolerance=ENDS, low=0.1, high=value_of(proof, "duration"))


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
        Numbers(SECONDS, "too short", "too long", reach=4, crowded=True),
        tell_gap,
        alone=False,
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
