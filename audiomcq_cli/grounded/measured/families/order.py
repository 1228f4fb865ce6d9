"""Families about the order of known events: which comes first, last and next, and the order of three.

The rules are those by which questions are made of TACOS: no event under 0.5 s, no two at one time, none that comes
back, no overlap that leaves an order open.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick
from audiomcq_cli.grounded.measured.options import Names, Orders, join
from audiomcq_cli.grounded.measured.timeline import is_heard, list_onsets, list_shown, show_time
from audiomcq_cli.grounded.measured.weighing import Places, gather_orders, gather_places, weigh_order, weigh_place

MOST_ORDERED = 6
"""Sounds in a clip whose order one can still keep in mind."""


def find_order(clip: Clip) -> Iterator[Found]:
    """Find three sounds after each other, out of a clip whose sounds all come after each other."""
    runs = _distinct_runs(clip)
    for three in combinations(runs, 3):
        yield Found(("order", *(run.label for run in three)), list_onsets(three, clip))


def find_first(clip: Clip) -> Iterator[Found]:
    """Find the sound that opens a clip of several."""
    if len(runs := _distinct_runs(clip)) > 1:
        yield Found(("place", "first"), list_onsets(runs, clip))


def find_last(clip: Clip) -> Iterator[Found]:
    """Find the sound that closes a clip of several."""
    if len(runs := _distinct_runs(clip)) > 1:
        yield Found(("place", "last"), list_onsets(runs, clip))


def find_next(clip: Clip) -> Iterator[Found]:
    """Find pairs of sounds of which one comes right after the other."""
    runs = _distinct_runs(clip)
    for first, second in pairwise(runs):
        facts = (*list_onsets(runs, clip), Fact("cue", text=first.label))
        yield Found(("next", second.label), facts, {"sound": first.label})


def find_before(clip: Clip) -> Iterator[Found]:
    """Find pairs of sounds of which one comes right before the other."""
    runs = _distinct_runs(clip)
    for first, second in pairwise(runs):
        facts = (*list_onsets(runs, clip), Fact("cue", text=second.label))
        yield Found(("next", first.label), facts, {"sound": second.label})


def solve_order(proof: Proof) -> Key | None:
    """Return three labels in the order of their onsets."""
    labels = _sort_labels(proof)
    return Key(others=labels) if len(labels) == 3 else None


def solve_first(proof: Proof) -> Key | None:
    """Return the label with the earliest onset."""
    labels = _sort_labels(proof)
    return Key(labels[0], others=labels) if len(labels) > 1 else None


def solve_last(proof: Proof) -> Key | None:
    """Return the label with the latest onset."""
    labels = _sort_labels(proof)
    return Key(labels[-1], others=labels) if len(labels) > 1 else None


def solve_next(proof: Proof) -> Key | None:
    """Return the label right after the cue."""
    return _solve_neighbour(proof, 1)


def solve_before(proof: Proof) -> Key | None:
    """Return the label right before the cue."""
    return _solve_neighbour(proof, -1)


def tell_order(proof: Proof, say: Say) -> str:
    """Tell when each sound is heard, the earliest first."""
    facts = list_shown(proof)
    told = join([f"{fact.text} at {show_time(fact)} seconds" for fact in facts])
    order = ", then ".join(fact.text for fact in facts)
    ways = (
        f"One after another I hear {told}.",
        f"In the order in which they come, I hear {order}; they start at {_list_times(facts)} seconds.",
        f"Going through the clip, I hear {told}.",
        f"New sounds set in at {_list_times(facts)} seconds: {order}.",
        f"The clip has {told}.",
    )
    return say(ways)


def _distinct_runs(clip: Clip) -> list[Span]:
    runs = clip.list_runs()
    heard = all(is_heard(clip, run) for run in runs)
    distinct = len({run.label for run in runs}) == len(runs)
    return runs if heard and distinct and len(runs) <= MOST_ORDERED else []


def _sort_labels(proof: Proof) -> tuple[str, ...]:
    """Return labels by onset; none where two onsets are too close to tell."""
    facts = list_shown(proof)
    close = any(
        (second.value or 0.0) - (first.value or 0.0) < MARGIN * first.tolerance for first, second in pairwise(facts)
    )
    return () if close else tuple(fact.text for fact in facts)


def _solve_neighbour(proof: Proof, step: int) -> Key | None:
    labels = _sort_labels(proof)
    [cue] = pick(proof, "cue")
    place = labels.index(cue.text) + step if cue.text in labels else -1
    if not 0 <= place < len(labels):
        return None
    # The cue itself stands in the question, so it is no option.
    return Key(labels[place], others=tuple(label for label in labels if label != cue.text))


def _list_times(facts: Proof) -> str:
    return join([show_time(fact) for fact in facts])


_FIRST = Places(
    fit=(
        "nothing else has begun when I hear {key} at {at} seconds",
        "{key} {key_comes} at {at} seconds, before everything else",
        "the clip starts with {key}, at {at} seconds",
    ),
    sooner=(),
    later=(
        "{option} {comes} at {time} seconds, {off} after {key}",
        "{option} {comes} too, but only at {time} seconds",
        "I hear {option} {off} later than {key}",
    ),
    foreign=(
        "if it were {option}, I would hear that before {at} seconds",
        "nothing starts before {at} seconds, so it cannot be {option}",
    ),
    strangers=(
        "before {at} seconds there is no sign of {none}",
        "if it were {none}, I would hear that before {at} seconds",
    ),
)
_LAST = Places(
    fit=(
        "{key} {key_comes} at {at} seconds, after everything else",
        "the last new sound is {key}, at {at} seconds",
        "the clip closes with {key}, heard from {at} seconds on",
    ),
    sooner=(
        "{option} {comes} at {time} seconds, {off} before {key}",
        "after {option} at {time} seconds there is still {key}, {off} later",
        "I hear {option} {off} earlier than {key}",
    ),
    later=(),
    foreign=(
        "nothing starts after {at} seconds, so it cannot be {option}",
        "if it were {option}, I would hear that after {at} seconds",
    ),
    strangers=(
        "after {at} seconds there is no sign of {none}",
        "if it were {none}, I would hear that start after {at} seconds",
    ),
)
_AFTER = Places(
    fit=(
        "the next sound after {cue} is {key}, {span} later",
        "after {cue} at {mark} seconds, {key} {key_comes} next, at {at} seconds",
        "after {cue}, the first new sound is {key}, {span} later",
    ),
    sooner=(
        "{option} {comes} {aside} before {cue}, not after it",
        "{option} {comes} at {time} seconds already, before {cue} at {mark}",
    ),
    later=(
        "{option} {comes} too, but only at {time} seconds, after {key}",
        "{option} {comes} {off} later than {key}",
        "{option} {comes} only at {time} seconds, and {key} {key_comes} before that",
    ),
    foreign=(
        "nothing else starts between {mark} and {at} seconds, so it cannot be {option}",
        "between {cue} and {key} I do not hear {option} start",
    ),
    strangers=(
        "between {cue} and {key} I do not hear {none} start",
        "between {mark} and {at} seconds nothing else starts, so it cannot be {none}",
        "from {mark} to {at} seconds there is no sign of {none}",
    ),
)
_BEFORE = Places(
    fit=(
        "the last sound to start before {cue} is {key}, {span} earlier",
        "before {cue} at {mark} seconds, {key} {key_comes} last, at {at} seconds",
        "going back from {cue}, the nearest new sound is {key}, {span} earlier",
    ),
    sooner=(
        "{option} {comes} too, but at {time} seconds already, before {key}",
        "{option} {comes} {off} earlier than {key}",
        "{option} {comes} at {time} seconds, and after that there is still {key}",
    ),
    later=(
        "{option} {comes} {aside} after {cue}, not before it",
        "{option} {comes} only at {time} seconds, after {cue} at {mark}",
    ),
    foreign=(
        "nothing else starts between {at} and {mark} seconds, so it cannot be {option}",
        "between {key} and {cue} I do not hear {option} start",
    ),
    strangers=(
        "between {key} and {cue} I do not hear {none} start",
        "between {at} and {mark} seconds nothing else starts, so it cannot be {none}",
        "from {at} to {mark} seconds there is no sign of {none}",
    ),
)

FAMILIES = (
    Family(
        "order",
        "temporal",
        "in which order three sounds come",
        (
            "I note when each of the three starts and put them in a row.",
            "Each of the three has one onset, and their order is that of the onsets.",
            "What counts is which starts before which, so I listen for three beginnings.",
        ),
        (
            "In which order do these sounds come?",
            "What is the order of the sounds?",
            "How do the sounds follow each other?",
        ),
        find_order,
        solve_order,
        Orders(),
        tell_order,
        weigh_order,
        gather=gather_orders,
    ),
    Family(
        "first",
        "temporal",
        "which sound comes before all others",
        (
            "I note what sets in before anything else does.",
            "The sound with the earliest start is wanted, however long or loud the others are.",
            "Of all that is there only the opening counts: which sound has no other before it?",
        ),
        ("Which of these sounds comes first?", "Which sound do you hear first?", "With which of these does it begin?"),
        find_first,
        solve_first,
        Names(),
        tell_order,
        weigh_place(_FIRST),
        gather=gather_places(_FIRST),
        decisive=True,
    ),
    Family(
        "last",
        "temporal",
        "which sound comes after all others",
        (
            "I follow the clip to its last new sound.",
            "The sound with the latest start is wanted; what began before it is out.",
            "I keep noting what begins, until nothing new does.",
        ),
        ("Which of these sounds comes last?", "Which sound do you hear last?", "Which of these starts the latest?"),
        find_last,
        solve_last,
        Names(),
        tell_order,
        weigh_place(_LAST),
        gather=gather_places(_LAST),
        decisive=True,
    ),
    Family(
        "after",
        "temporal",
        "what comes directly after another sound",
        (
            "Once I hear {cue}, the very next new sound counts.",
            "I wait for {cue} and note whatever begins next.",
            "My mark is {cue}; what starts directly after that is wanted, not what comes later still.",
        ),
        (
            "Which sound comes right after that of {sound}?",
            "What is the next thing you hear after {sound}?",
            "Which sound follows that of {sound}?",
        ),
        find_next,
        solve_next,
        Names(),
        tell_order,
        weigh_place(_AFTER),
        gather=gather_places(_AFTER),
        decisive=True,
    ),
    Family(
        "before",
        "temporal",
        "what comes directly before another sound",
        (
            "I need to remember what started last before I hear {cue}.",
            "My mark is {cue}; what starts directly before it is wanted, not what comes earlier still.",
            "I note each new sound until I hear {cue}, and keep the last one before it.",
        ),
        (
            "Which sound comes right before that of {sound}?",
            "What do you hear just before {sound}?",
            "Which sound do you hear right before {sound}?",
        ),
        find_before,
        solve_before,
        Names(),
        tell_order,
        weigh_place(_BEFORE),
        gather=gather_places(_BEFORE),
        decisive=True,
    ),
)
