"""Families about one known event: when it begins and ends, how long it lasts, how often it comes.

The rules are those by which questions are made of TACOS: no event under 0.5 s, no two at one time, none that comes
back, no overlap that leaves an order open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.family import Family, Found, Key, Proof, Say, pick, value_of
from audiomcq_cli.grounded.measured.labels import are_alike
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import COUNTS, Counts, join
from audiomcq_cli.grounded.measured.timeline import (
    SECONDS,
    find_bounds,
    is_inside,
    show_time,
    starts_there,
    state_length,
    state_time,
    stops_there,
)

LEAST = 1.0
"""Seconds from which on the length of an event is asked about."""

MOST = len(COUNTS)


def find_begin(clip: Clip) -> Iterator[Found]:
    """Events that begin inside the clip."""
    for event in clip.find_single():
        if is_inside(clip, event.onset) and starts_there(clip, event):
            facts = (state_time("onset", event.onset, event.label, clip), state_length(clip))
            near = tuple(other.onset for other in clip.events)
            yield Found(("begin", event.label), facts, {"sound": event.label}, near)


def find_end(clip: Clip) -> Iterator[Found]:
    """Events that end inside the clip."""
    for event in clip.find_single():
        if is_inside(clip, event.offset) and stops_there(clip, event):
            facts = (state_time("offset", event.offset, event.label, clip), state_length(clip))
            near = tuple(other.offset for other in clip.events)
            yield Found(("end", event.label), facts, {"sound": event.label}, near)


def find_length(clip: Clip) -> Iterator[Found]:
    """Events that are not cut by the clip's ends and last long enough."""
    for event in clip.find_single():
        whole = is_inside(clip, event.onset, event.offset)
        if whole and event.length >= LEAST and starts_there(clip, event) and stops_there(clip, event):
            facts = (
                state_time("onset", event.onset, event.label, clip),
                state_time("offset", event.offset, event.label, clip),
                state_length(clip),
            )
            yield Found(("length", event.label), facts, {"sound": event.label})


def solve_moment(proof: Proof) -> Key:
    """The one time that a proof has besides the length of the clip."""
    [fact] = [fact for fact in proof if fact.name in ("onset", "offset")]
    digits = 0 if fact.tolerance >= 0.5 else 1
    low, high = find_bounds(proof)
    return Key(numbers=(fact.value or 0.0,), tolerance=fact.tolerance, low=low, high=high, digits=digits)


def solve_length(proof: Proof) -> Key:
    """From the onset to the offset; each is off by itself, so their squares add."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    tolerance = round(hypot(onset.tolerance, offset.tolerance), 4)
    length = round(value_of(proof, "offset") - value_of(proof, "onset"), 4)
    digits = 0 if tolerance > 0.5 else 1
    return Key(
        numbers=(length,), tolerance=tolerance, low=10.0**-digits, high=value_of(proof, "duration"), digits=digits
    )


def tell_begin(proof: Proof, say: Say) -> str:
    """When the sound sets in."""
    [onset] = pick(proof, "onset")
    ways = (
        "I follow the clip until the sound of {sound} sets in, and that is {time} seconds in.",
        "The sound of {sound} is not there at first; I hear it start at about {time} seconds.",
        "Listening for the sound of {sound}, I first notice it {time} seconds after the clip starts.",
    )
    return say(ways).format(sound=onset.text, time=show_time(onset))


def tell_end(proof: Proof, say: Say) -> str:
    """When the sound is over."""
    [offset] = pick(proof, "offset")
    ways = (
        "The sound of {sound} goes on until about {time} seconds; after that it is gone.",
        "I hear the sound of {sound} stop {time} seconds into the clip.",
        "At {time} seconds the sound of {sound} is over.",
    )
    return say(ways).format(sound=offset.text, time=show_time(offset))


def tell_length(proof: Proof, say: Say) -> str:
    """From when to when the sound is heard."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    ways = (
        "The sound of {sound} starts at {begin} seconds and is over at {end} seconds, {length} seconds later.",
        "I hear the sound of {sound} from {begin} to {end} seconds, which makes {length} seconds.",
    )
    length = f"{solve_length(proof).numbers[0]:.1f}"
    return say(ways).format(sound=onset.text, begin=show_time(onset), end=show_time(offset), length=length)


def find_times(clip: Clip) -> Iterator[Found]:
    """Labels whose events are short and apart, each one sound by energy where that was measured."""
    for label in dict.fromkeys(event.label for event in clip.events):
        own = [event for event in clip.events if event.label == label]
        alone = not any(other.label != label and are_alike(label, other.label) for other in clip.events)
        apart = all(second.onset - first.offset >= 0.1 for first, second in pairwise(own))
        if (
            2 <= len(own) <= MOST
            and alone
            and apart
            and max(event.length for event in own) <= 2.5
            and _agree(clip, own)
        ):
            yield Found(
                ("times", label),
                tuple(state_time("onset", event.onset, label, clip) for event in own),
                {"sound": label},
            )


def solve_times(proof: Proof) -> Key:
    """The number of onsets."""
    return Key(numbers=(float(len(pick(proof, "onset"))),))


def tell_times(proof: Proof, say: Say) -> str:
    """Each time that it is heard."""
    onsets = pick(proof, "onset")
    times = join([f"{fact.value:.1f}" for fact in onsets])
    ways = (
        "I count the sound of {sound}: it comes at {times} seconds, {count} in all.",
        "The sound of {sound} is heard at {times} seconds. That makes {count}.",
    )
    return say(ways).format(sound=onsets[0].text, times=times, count=COUNTS[len(onsets) - 1])


def _agree(clip: Clip, events: Sequence[Span]) -> bool:
    """Whether each event is one sound by energy, and no two are the same one."""
    if not clip.sounds:
        return True
    held = [[span for span in clip.sounds if span.overlap(event) > 0.05] for event in events]
    return all(len(spans) == 1 for spans in held) and len({spans[0] for spans in held}) == len(events)


FAMILIES = (
    Family(
        "begin",
        "temporal",
        "when a sound sets in",
        (
            "At what time does the sound of {sound} begin?",
            "When does the sound of {sound} start?",
            "At which moment do you first hear {sound}?",
            "How far into the clip does the sound of {sound} set in?",
        ),
        find_begin,
        solve_moment,
        Numbers(SECONDS, "too early", "too late"),
        tell_begin,
    ),
    Family(
        "end",
        "temporal",
        "when a sound is over",
        (
            "At what time does the sound of {sound} end?",
            "When does the sound of {sound} stop?",
            "Until when can you hear {sound}?",
        ),
        find_end,
        solve_moment,
        Numbers(SECONDS, "too early", "too late"),
        tell_end,
    ),
    Family(
        "length",
        "temporal",
        "how long a sound goes on",
        (
            "How long does the sound of {sound} last?",
            "For how long can you hear {sound}?",
            "How much time passes from the beginning to the end of the sound of {sound}?",
        ),
        find_length,
        solve_length,
        Numbers(SECONDS, "too short", "too long", reach=4, crowded=True),
        tell_length,
        alone=False,
    ),
    Family(
        "times",
        "temporal",
        "how often something is heard, so each time has to be counted",
        (
            "How many times can you hear {sound}?",
            "How often does the sound of {sound} occur?",
            "Count the sound of {sound}: how many times does it come?",
        ),
        find_times,
        solve_times,
        Counts(COUNTS),
        tell_times,
        balanced=True,
    ),
)
