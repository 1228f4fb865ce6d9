"""Families about sounds with silence between them: how many there are, the longest pause, and the first of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.family import Fact, Family, Found, Key, Proof, Say, pick, state, value_of
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Counts, join
from audiomcq_cli.grounded.measured.timeline import EDGE, SECONDS, find_bounds
from audiomcq_cli.grounded.measured.weighing import measure, weigh_count, weigh_number

ENDS = 0.15
"""Seconds that a silence's length may be off: where a sound that dies away is over is a matter of its threshold."""

MOST_SOUNDS = 13

SHORTEST = 0.7
"""Seconds of a silence from which on it is a pause that one hears."""


def find_sounds(clip: Clip) -> Iterator[Found]:
    """Find clips of several separate sounds, on whose number all that is known agrees."""
    count = clip.value("separate_sounds")
    if not count or not 2 <= count.value <= MOST_SOUNDS or len(clip.sounds) != count.value:
        return
    if clip.events and len(_merge(clip.events)) != count.value:
        return
    yield Found("sounds", tuple(Fact("onset", round(one.onset, 3), "", "s", 0.05) for one in clip.sounds))


def solve_sounds(proof: Proof) -> Key:
    """Return the number of onsets."""
    return Key(numbers=(float(len(proof)),))


def find_gap(clip: Clip) -> Iterator[Found]:
    """Find clips with a silence between two sounds that is clearly the longest."""
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
    """Return the length of the longest silence."""
    length = value_of(proof, "silence")
    if any((fact.value or 0.0) > length for fact in pick(proof, "other_silence")):
        return None
    return Key(numbers=(length,), tolerance=ENDS, low=0.1, high=value_of(proof, "duration"))


def find_entry(clip: Clip) -> Iterator[Found]:
    """Find clips that begin with silence, where nothing that is known sounds before its end."""
    first = clip.sounds[0] if clip.sounds else None
    if not first or not EDGE <= first.onset <= clip.duration - EDGE:
        return
    if clip.events and abs(clip.events[0].onset - first.onset) > clip.tolerance:
        return
    yield Found("entry", (state("onset", first.onset), Fact("duration", round(clip.duration, 3), "", "s")))


def solve_entry(proof: Proof) -> Key:
    """Return the onset of the first sound."""
    [onset] = pick(proof, "onset")
    low, high = find_bounds(proof)
    return Key(numbers=(onset.value or 0.0,), tolerance=onset.tolerance, low=low, high=high)


def tell_sounds(proof: Proof, say: Say) -> str:
    """Tell when each sound is heard."""
    times = join([f"{fact.value:.1f}" for fact in proof])
    ways = (
        "With silence in between, sounds start at {times} seconds: {count} of them.",
        "I count each time the silence is broken: at {times} seconds, that is {count} times.",
        "There are onsets at {times} seconds. That makes {count}.",
        "One sound after another: I hear them start at {times} seconds, {count} altogether.",
    )
    return say(ways).format(times=times, count=len(proof))


def tell_gap(proof: Proof, say: Say) -> str:
    """Tell from when to when the longest silence lasts."""
    [silence] = pick(proof, "silence")
    begin, _, end = silence.text.partition(" to ")
    length = f"{silence.value:.1f}"
    rest = max((fact.value or 0.0 for fact in pick(proof, "other_silence")), default=0.0)
    if f"{float(end.rstrip('s')) - float(begin.rstrip('s')):.1f}" == length:
        ways: tuple[str, ...] = (
            "The longest pause runs from {begin} to {end}, that is {length} seconds without a sound.",
            "Between {begin} and {end} nothing is heard, {length} seconds.",
            "From {begin} on it is silent until {end}, for {length} seconds.",
        )
    else:  # of rounded times the difference would be another one
        ways = (
            "The longest pause begins at about {begin} and lasts {length} seconds.",
            "From about {begin} on nothing is heard for {length} seconds.",
            "At about {begin} it goes silent, and stays so for {length} seconds.",
        )
    told = say(ways).format(begin=begin, end=end, length=length)
    if not rest:
        return f"{told} It is the only one between sounds."
    if f"{rest:.1f}" == length:
        return f"{told} Other pauses are about as long, and none is longer."
    others = (
        "The next longest is one of {rest}.",
        "The longest of the others lasts {rest}.",
        "The second longest is one of {rest}.",
    )
    return f"{told} {say(others).format(rest=measure(rest, 1, 'seconds'))}"


def tell_entry(proof: Proof, say: Say) -> str:
    """Tell until when it is silent."""
    ways = (
        "The clip opens with silence, and the first sound comes at {time:.1f} seconds.",
        "Nothing is heard until {time:.1f} seconds, when the first sound sets in.",
        "The silence at the start lasts for {time:.1f} seconds; then something sounds.",
        "I wait through {time:.1f} seconds of silence before anything can be heard.",
    )
    return say(ways).format(time=value_of(proof, "onset"))


def _merge(events: tuple[Span, ...]) -> list[Span]:
    """Return events that touch or overlap as one."""
    merged: list[Span] = []
    for event in events:
        if merged and event.onset <= merged[-1].offset:
            merged[-1] = Span("", merged[-1].onset, max(merged[-1].offset, event.offset))
        else:
            merged.append(event)
    return merged


_FIT = (
    "{option} is as long as the longest pause",
    "{option} is the time that I measured",
)
_SHORT = (
    "{option} is {off} too short",
    "after {option} the pause still goes on for {off}",
    "{option} leaves out the last {off} of the pause",
)
_LONG = (
    "{option} is {off} too long",
    "{option} is {off} more than the pause lasts",
    "the silence is {off} shorter than {option}",
)


def _weigh_gap(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a length how far it is off, where it would end, or that another pause is as long."""
    [silence] = pick(proof, "silence")
    begin, end = (float(time.rstrip("s")) for time in silence.text.split(" to "))
    told, true = float(re.findall(r"\d+(?:\.\d+)?", option)[0]), round(key.numbers[0], 1)
    off = round(told - true, 1)
    exact = round(end - begin, 1) == true  # else the times that are shown would not add up
    others = [round(fact.value or 0.0, 1) for fact in pick(proof, "other_silence")]
    if not off:
        ways: tuple[str, ...] = _FIT
    elif off < 0 and told in others:
        ways = ("{option} is as long as another pause, but the longest one goes on for {off} more",)
    elif off < 0:
        ways = (
            *_SHORT,
            "a pause of {option} from {begin} seconds on ends at {last}, but the silence lasts until {end}",
        )
    else:
        ways = (
            *_LONG,
            "a pause of {option} from {begin} seconds on lasts until {last}, but sound comes back at {end}",
        )
    times = {"begin": f"{begin:.1f}", "end": f"{end:.1f}", "last": f"{begin + told:.1f}"}
    chosen = ways if exact or len(ways) < 4 else ways[:3]
    return say(chosen).format(option=option, off=measure(abs(off), 1, "seconds"), **times)


_COUNTS = Counts()

FAMILIES = (
    Family(
        "sounds",
        "temporal",
        "how many separate sounds there are",
        (
            "Each time that something sounds after silence counts as one.",
            "I count onsets: wherever silence gives way to sound, that is one more.",
            "What the sounds are does not matter, only how many of them silence keeps apart.",
        ),
        (
            "How many separate sounds are there in the clip?",
            "How many sounds with silence between them can you count?",
            "How many times is the silence broken by a sound?",
        ),
        find_sounds,
        solve_sounds,
        _COUNTS,
        tell_sounds,
        weigh_count(
            _COUNTS.read,
            "sound",
            (
                "{option} leaves nothing out and adds nothing",
                "{option} is what I count",
                "my count comes to {option}",
                "{option} is the number of onsets",
            ),
        ),
        balanced=True,
    ),
    Family(
        "gap",
        "temporal",
        "how long the longest silence between two sounds is",
        (
            "I listen for the stretches in which nothing sounds, and keep the longest of them.",
            "It is the silence between sounds that has to be timed; silence at either end of the clip does not count.",
            "Where one sound has ended and the next has not begun there is a pause, and the longest one is wanted.",
        ),
        (
            "How long is the longest silence between two sounds?",
            "How long does the longest pause between sounds last?",
        ),
        find_gap,
        solve_gap,
        Numbers(SECONDS, reach=4, crowded=True),
        tell_gap,
        _weigh_gap,
        alone=False,
    ),
    Family(
        "entry",
        "temporal",
        "when the silence at the beginning ends",
        (
            "I listen for the first thing that breaks the silence, whatever it is.",
            "The clip does not begin with a sound, so I wait for the first one and note the time.",
            "Only the very first onset counts; what comes after it says nothing.",
        ),
        (
            "When does the first sound begin?",
            "At what time is the silence at the beginning broken?",
            "How far into the clip does anything become audible?",
        ),
        find_entry,
        solve_entry,
        Numbers(SECONDS),
        tell_entry,
        weigh_number(
            (
                "{option} is where the silence ends",
                "{option} agrees with that first onset",
                "{option} is the moment when the silence is broken",
            ),
            (
                "{option} is {off} before anything sounds",
                "at {option} it is silent, and stays so for another {off}",
                "{option} is still in the silence, {off} before it ends",
                "{option} is {off} too early",
            ),
            (
                "by {option} the silence has been over for {off}",
                "{option} is {off} too late",
                "{option} is {off} after the first sound sets in",
                "the silence ends {off} before {option}",
            ),
        ),
    ),
)
