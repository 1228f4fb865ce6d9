"""Families about two known events: when they are heard at once, and how they lie in time.

The rules are those by which questions are made of TACOS: no event under 0.5 s, no two at one time, none that comes
back, no overlap that leaves an order open.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Family, Found, Key, Proof, Say, pick
from audiomcq_cli.grounded.measured.labels import LONGEST
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Statements
from audiomcq_cli.grounded.measured.timeline import find_bounds, is_inside, list_ends, show_time, state_length
from audiomcq_cli.grounded.measured.weighing import Stretches, weigh_statement, weigh_stretch

LEAST = 1.0
"""Seconds from which on it is asked what two events share."""


def find_together(clip: Clip) -> Iterator[Found]:
    """Find pairs of events of which one begins while the other goes on."""
    for first, second in combinations(clip.find_single(), 2):
        shared = first.overlap(second)
        if shared >= LEAST and is_inside(clip, second.onset, min(first.offset, second.offset)):
            yield Found(
                ("together", first.label, second.label),
                (*list_ends((first, second), clip), state_length(clip)),
                {"sound": first.label, "other": second.label},
            )


def find_relation(clip: Clip) -> Iterator[Found]:
    """Find pairs of events, in an order that says nothing: by their labels."""
    for pair in combinations(clip.find_single(), 2):
        one, other = sorted(pair, key=lambda span: span.label)
        if len(one.label) + len(other.label) > LONGEST:
            continue  # every option has both
        facts = (*list_ends((one, other), clip), state_length(clip))
        yield Found(("relation", one.label, other.label), facts, {"sound": one.label, "other": other.label})


def solve_together(proof: Proof) -> Key | None:
    """Return the later onset and the earlier offset."""
    onsets, offsets = pick(proof, "onset"), pick(proof, "offset")
    begin = max(fact.value or 0.0 for fact in onsets)
    end = min(fact.value or 0.0 for fact in offsets)
    tolerance = onsets[0].tolerance
    if end - begin < MARGIN * tolerance:
        return None
    digits = 0 if tolerance >= 0.5 else 1
    low, high = find_bounds(proof)
    return Key(numbers=(begin, end), tolerance=tolerance, low=low, high=high, digits=digits)


def solve_relation(proof: Proof) -> Key | None:
    """Return which begins first, and whether it goes on when the other begins; None where it is close."""
    onsets, offsets = pick(proof, "onset"), pick(proof, "offset")
    (a, b), (a_end, b_end) = ((fact.value or 0.0 for fact in facts) for facts in (onsets, offsets))
    margin = MARGIN * onsets[0].tolerance
    words = {"a": onsets[0].text, "b": onsets[1].text}
    if b - a_end >= margin:
        return Key("a_then_b", words=words)
    if a - b_end >= margin:
        return Key("b_then_a", words=words)
    if b - a >= margin and min(a_end, b_end) - b >= margin:
        return Key("a_into_b", words=words)
    if a - b >= margin and min(a_end, b_end) - a >= margin:
        return Key("b_into_a", words=words)
    return None


def tell_pair(proof: Proof, say: Say) -> str:
    """Tell from when to when each of two is heard."""
    (a, b), (a_end, b_end) = pick(proof, "onset"), pick(proof, "offset")
    ways = (
        "The sound of {a} lasts from {begin} to {end} seconds, that of {b} from {start} to {stop} seconds.",
        "I hear {a} between {begin} and {end} seconds, and {b} between {start} and {stop} seconds.",
        "First I hear {a}, from {begin} until {end} seconds; then also {b}, from {start} to {stop} seconds.",
        "I note {a} from {begin} to {end} seconds, and {b} from {start} to {stop} seconds.",
    )
    if (b.value or 0.0) < (a.value or 0.0):
        a, b, a_end, b_end = b, a, b_end, a_end
    times = {"begin": show_time(a), "end": show_time(a_end), "start": show_time(b), "stop": show_time(b_end)}
    return say(ways).format(a=a.text, b=b.text, **times)


def _weigh_relation(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one way in which two sounds can lie in time."""
    onsets, offsets = pick(proof, "onset"), pick(proof, "offset")
    first, second = (0, 1) if name.startswith("a_") else (1, 0)
    begin, end, start = (show_time(fact) for fact in (onsets[first], offsets[first], onsets[second]))
    words = {"sound": f"the sound of {onsets[first].text}", "other": f"that of {onsets[second].text}"}
    ways: tuple[str, ...]
    if name == key.name:
        word = "before" if "then" in name else "after"
        ways = (f"{{sound}} ends at {{end}} seconds, {word} {{other}} begins at {{start}}",)
        return say(ways).format(end=end, start=start, **words)
    if (onsets[first].value or 0.0) > (onsets[second].value or 0.0):
        ways = (
            "{sound} begins only at {begin} seconds, and {other} at {start} seconds already",
            "{other} starts first, at {start} seconds, and {sound} only at {begin}",
        )
    elif "then" in name:
        ways = (
            "{sound} goes on until {end} seconds, past the start of {other} at {start} seconds",
            "{other} sets in at {start} seconds, while {sound} lasts until {end}",
        )
    else:
        ways = (
            "{sound} ends at {end} seconds, before {other} begins at {start} seconds",
            "at {start} seconds, when {other} begins, {sound} is already over",
        )
    return say(ways).format(begin=begin, end=end, start=start, **words)


_RELATIONS = Statements(
    (
        {
            "a_then_b": "{a} is over before {b} begins",
            "b_then_a": "{b} has ended by the time {a} starts",
            "a_into_b": "{a} comes first and is still there when {b} sets in",
            "b_into_a": "{b} starts first, and {a} joins in while that lasts",
        },
    )
)

FAMILIES = (
    Family(
        "together",
        "temporal",
        "when two sounds are heard at the same time",
        (
            "Two stretches have to be noted, and what they share runs from the later beginning to the earlier end.",
            "I follow {sound} and {other} one by one, then see from when to when both are there.",
            "The overlap begins where the second of the two comes in, and ends where one of them is gone.",
        ),
        (
            "From when to when do the sounds of {sound} and {other} overlap?",
            "During which time can you hear {sound} and {other} at once?",
            "When do you hear both {sound} and {other}?",
        ),
        find_together,
        solve_together,
        Numbers(("{}s to {}s", "from {} to {} seconds")),
        tell_pair,
        weigh_stretch(
            Stretches(
                early=(
                    "{option} is too early at both ends: {last} {starts} only at {begin} seconds, and the "
                    "overlap lasts until {end}",
                    "{option} starts {head} before the overlap does and ends {tail} before it is over",
                    "{option} begins {head} before {last} {starts} and ends {tail} before the overlap is over",
                ),
                late=(
                    "{option} is too late at both ends: the overlap begins at {begin} seconds, and {gone} "
                    "ends at {end}",
                    "{option} starts {head} into the overlap and ends {tail} after it is over",
                    "{option} misses the first {head} of the overlap and runs on {tail} after {gone} ends",
                ),
                over=(
                    "{option} begins when the overlap is over: {gone} ends at {end} seconds",
                    "{option} lies after the overlap, as {gone} ends at {end} seconds",
                ),
                ahead=(
                    "{option} ends before there is any overlap: {last} {starts} only at {begin} seconds",
                    "{option} is over before {last} {starts}, at {begin} seconds",
                ),
                fit=(
                    "{option} has both ends right",
                    "{option} begins with the later of the two and stops with the one that ends first",
                    "{option} is the time that they share",
                ),
            )
        ),
    ),
    Family(
        "relation",
        "temporal",
        "how two sounds lie in time",
        (
            "For each of the two I need to know when it begins and when it is over.",
            "What matters is which comes first, and whether that one is still there when the other begins.",
            "I follow {sound} and {other} one by one and compare where they begin and end.",
        ),
        (
            "How do the sounds of {sound} and {other} lie in time?",
            "Which of these is true of the sounds of {sound} and {other}?",
        ),
        find_relation,
        solve_relation,
        _RELATIONS,
        tell_pair,
        weigh_statement(_RELATIONS.read, _weigh_relation),
        alone=False,
    ),
)
