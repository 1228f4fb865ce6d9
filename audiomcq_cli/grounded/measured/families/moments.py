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
from audiomcq_cli.grounded.measured.weighing import weigh_count, weigh_number

LEAST = 1.0
"""Seconds from which on the length of an event is asked about."""

MOST = len(COUNTS)


def find_begin(clip: Clip) -> Iterator[Found]:
    """Find events that begin inside the clip."""
    for event in clip.find_single():
        if is_inside(clip, event.onset) and starts_there(clip, event):
            facts = (state_time("onset", event.onset, event.label, clip), state_length(clip))
            near = tuple(other.onset for other in clip.events)
            yield Found(("begin", event.label), facts, {"sound": event.label}, near)


def find_end(clip: Clip) -> Iterator[Found]:
    """Find events that end inside the clip."""
    for event in clip.find_single():
        if is_inside(clip, event.offset) and stops_there(clip, event):
            facts = (state_time("offset", event.offset, event.label, clip), state_length(clip))
            near = tuple(other.offset for other in clip.events)
            yield Found(("end", event.label), facts, {"sound": event.label}, near)


def find_length(clip: Clip) -> Iterator[Found]:
    """Find events that are not cut by the clip's ends and last long enough."""
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
    """Return the one time that a proof has besides the length of the clip."""
    [fact] = [fact for fact in proof if fact.name in ("onset", "offset")]
    digits = 0 if fact.tolerance >= 0.5 else 1
    low, high = find_bounds(proof)
    return Key(numbers=(fact.value or 0.0,), tolerance=fact.tolerance, low=low, high=high, digits=digits)


def solve_length(proof: Proof) -> Key:
    """Return the time from onset to offset; each is off by itself, so their squares add."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    tolerance = round(hypot(onset.tolerance, offset.tolerance), 4)
    length = round(value_of(proof, "offset") - value_of(proof, "onset"), 4)
    digits = 0 if tolerance > 0.5 else 1
    return Key(
        numbers=(length,), tolerance=tolerance, low=10.0**-digits, high=value_of(proof, "duration"), digits=digits
    )


def tell_begin(proof: Proof, say: Say) -> str:
    """Tell when the sound sets in."""
    [onset] = pick(proof, "onset")
    ways = (
        "I follow the clip until the sound of {sound} sets in, and that is {time} seconds in.",
        "The sound of {sound} is not there at first; I hear it start at about {time} seconds.",
        "Listening for the sound of {sound}, I first notice it {time} seconds after the clip starts.",
        "For the first {time} seconds there is nothing of {sound}. Then it begins.",
        "It takes about {time} seconds until I hear {sound}.",
    )
    return say(ways).format(sound=onset.text, time=show_time(onset))


def tell_end(proof: Proof, say: Say) -> str:
    """Tell when the sound is over."""
    [offset] = pick(proof, "offset")
    ways = (
        "The sound of {sound} goes on until about {time} seconds; after that it is gone.",
        "I hear the sound of {sound} stop {time} seconds into the clip.",
        "At {time} seconds the sound of {sound} is over.",
        "The last that I hear of {sound} is at about {time} seconds.",
        "The sound of {sound} stops at {time} seconds and does not come back.",
    )
    return say(ways).format(sound=offset.text, time=show_time(offset))


def tell_length(proof: Proof, say: Say) -> str:
    """Tell from when to when the sound is heard."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    ways = (
        "The sound of {sound} starts at {begin} seconds and is over at {end} seconds, {length} seconds later.",
        "I hear the sound of {sound} from {begin} to {end} seconds, which makes {length} seconds.",
        "It is at {begin} seconds that {sound} comes in, and at {end} that it stops: {length} seconds in between.",
        "Between its start at {begin} and its end at {end} seconds, the sound of {sound} takes {length} seconds.",
    )
    key = solve_length(proof)
    length, digits = f"{key.numbers[0]:.{key.digits}f}", key.digits
    times = [fact.value or 0.0 for fact in (onset, offset)]
    if f"{round(times[1], digits) - round(times[0], digits):.{digits}f}" != length:
        digits += 1  # of rounded times the difference would be another one
    begin, end = (f"{time:.{digits}f}" for time in times)
    return say(ways).format(sound=onset.text, begin=begin, end=end, length=f"about {length}")


def find_times(clip: Clip) -> Iterator[Found]:
    """Find labels whose events are short and apart, each one sound by energy where that was measured."""
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
    """Return the number of onsets."""
    return Key(numbers=(float(len(pick(proof, "onset"))),))


def tell_times(proof: Proof, say: Say) -> str:
    """Tell when the sound is heard, each time."""
    onsets = pick(proof, "onset")
    times = join([f"{fact.value:.1f}" for fact in onsets])
    ways = (
        "I count the sound of {sound}: it comes at {times} seconds, {count} in all.",
        "The sound of {sound} is heard {count}: at {times} seconds.",
        "I hear {sound} at {times} seconds, each time with a break before the next, so {count}.",
        "Counting along, I note {sound} at {times} seconds, so {count}.",
    )
    return say(ways).format(sound=onsets[0].text, times=times, count=COUNTS[len(onsets) - 1])


def _agree(clip: Clip, events: Sequence[Span]) -> bool:
    """Return whether each event is one sound by energy, and no two are the same one."""
    if not clip.sounds:
        return True
    held = [[span for span in clip.sounds if span.overlap(event) > 0.05] for event in events]
    return all(len(spans) == 1 for spans in held) and len({spans[0] for spans in held}) == len(events)


_COUNTS = Counts(COUNTS)

FAMILIES = (
    Family(
        "begin",
        "temporal",
        "when a sound sets in",
        (
            "The sound of {sound} has to be told from the rest, and its very first moment counts, not its loudest.",
            "I let the clip run, keep the sound of {sound} in mind, and note when it is there for the first time.",
            "Only the onset matters here: the moment at which there is no sound of {sound} yet and then there is.",
            "It does not matter how long the sound of {sound} goes on; I listen for where it starts.",
        ),
        (
            "At what time does the sound of {sound} begin?",
            "When does the sound of {sound} start?",
            "At which moment do you first hear {sound}?",
            "How far into the clip does the sound of {sound} set in?",
        ),
        find_begin,
        solve_moment,
        Numbers(SECONDS),
        tell_begin,
        weigh_number(
            (
                "{option} is where it sets in",
                "{option} agrees with the onset I hear",
                "the onset I noted is {option}",
                "{option} is the time that I noted",
            ),
            (
                "{option} is {off} before it sets in",
                "{option} comes {off} too soon: nothing of it is there yet",
                "at {option} I am still waiting for it, for another {off}",
                "{option} is {off} before the start that I hear",
            ),
            (
                "{option} is {off} after it sets in",
                "{option} is {off} late, as it is already there by then",
                "by {option} its start lies {off} back",
                "{option} is {off} too late",
            ),
        ),
    ),
    Family(
        "end",
        "temporal",
        "when a sound is over",
        (
            "The sound of {sound} has to be followed until nothing of it is left.",
            "What counts is the last moment of the sound of {sound}, so I listen on to where it stops.",
            "I follow the sound of {sound} and note when it is gone for good.",
            "The end of the sound of {sound} is wanted; its beginning says nothing about that.",
        ),
        (
            "At what time does the sound of {sound} end?",
            "When does the sound of {sound} stop?",
            "Until when can you hear {sound}?",
        ),
        find_end,
        solve_moment,
        Numbers(SECONDS),
        tell_end,
        weigh_number(
            (
                "{option} is where it stops",
                "{option} agrees with the end I hear",
                "the end I noted is {option}",
                "{option} is the time that I noted",
            ),
            (
                "{option} is {off} before it stops",
                "{option} is too soon: it ends {off} later",
                "at {option} it has not ended; that takes another {off}",
                "{option} is {off} too early",
            ),
            (
                "{option} is {off} after it stops",
                "by {option} it has been gone for {off}",
                "{option} is {off} late, with nothing of it left",
                "at {option} it is over, and has been for {off}",
            ),
        ),
    ),
    Family(
        "length",
        "temporal",
        "how long a sound goes on",
        (
            "Both ends of the sound of {sound} have to be noted; the time between them is wanted.",
            "I need two moments, where the sound of {sound} starts and where it is over, and take one from the other.",
            "How long the sound of {sound} can be heard is its end less its beginning, so I listen for both.",
        ),
        (
            "How long does the sound of {sound} last?",
            "For how long can you hear {sound}?",
            "How much time passes from the beginning to the end of the sound of {sound}?",
        ),
        find_length,
        solve_length,
        Numbers(SECONDS, reach=4, crowded=True),
        tell_length,
        weigh_number(
            (
                "{option} is what lies between its start and its end",
                "{option} is as long as what I hear",
                "{option} agrees with the two moments",
            ),
            (
                "{option} is {off} too short",
                "after {option} it still goes on for {off}",
                "{option} is over {off} before it is",
                "{option} leaves the last {off} of it out",
            ),
            (
                "{option} is {off} too long",
                "{option} is {off} more than it lasts",
                "it stops {off} short of {option}",
            ),
        ),
        alone=False,
    ),
    Family(
        "times",
        "temporal",
        "how often something is heard",
        (
            "I have to tick off each time the sound of {sound} comes.",
            "The sound of {sound} comes more than once, so I count along and keep the moments apart.",
            "Each separate time counts once, however long it is; I count the sound of {sound} from beginning to end.",
        ),
        (
            "How many times can you hear {sound}?",
            "How often does the sound of {sound} occur?",
            "Count the sound of {sound}: how many times does it come?",
        ),
        find_times,
        solve_times,
        _COUNTS,
        tell_times,
        weigh_count(
            _COUNTS.read,
            "time",
            (
                "{option} leaves nothing out and adds nothing",
                "{option} is what I count",
            ),
        ),
        balanced=True,
    ),
)
