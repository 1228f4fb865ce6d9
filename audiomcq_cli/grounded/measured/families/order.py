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
from audiomcq_cli.grounded.measured.weighing import Places, weigh_order, weigh_place

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
    """Return the label right behind the cue."""
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
        "{key} {comes} at {at} seconds, ahead of everything else",
        "no other onset lies ahead of {key} at {at} seconds",
    ),
    sooner=(),
    later=(
        "{option} {comes} at {time} seconds, {off} after {key}",
        "ahead of {option} at {time} seconds I hear {before}",
        "for {option} I have to wait until {time} seconds",
        "I hear {option} {off} later than {key}",
    ),
    foreign=(
        "to come first, {option} would have to be heard before {at} seconds, and the clip opens with {key}",
        "what opens the clip is {key}, and what follows is {second}, so {option} is at neither place",
        "the earliest onset, at {at} seconds, is {key} and not {option}",
        "nothing begins ahead of {key} at {at} seconds, as {option} would have to",
    ),
)
_LAST = Places(
    fit=(
        "{key} {comes} at {at} seconds, behind everything else",
        "no other onset lies behind {key} at {at} seconds",
        "nothing new begins after {key} at {at} seconds",
    ),
    sooner=(
        "{option} {comes} at {time} seconds, {off} before {key}",
        "after {option} at {time} seconds there is still {after}",
        "I hear {option} {off} earlier than {key}",
        "with {option} at {time} seconds the clip is not through: {key} {key_comes} {off} later",
    ),
    later=(),
    foreign=(
        "to come last, {option} would have to be heard after {at} seconds, and nothing begins there any more",
        "the clip closes with {beside} and {closing}, so {option} is at neither place",
        "the latest onset, at {at} seconds, is {key} and not {option}",
        "nothing begins behind {key} at {at} seconds, as {option} would have to",
    ),
)
_AFTER = Places(
    fit=(
        "the next onset after {cue} is {key}, {span} later",
        "between {cue} at {mark} seconds and {key} at {at} nothing else begins",
        "{key} {key_comes} {span} after {cue}, with nothing in between",
    ),
    sooner=(
        "{option} {comes} {aside} before {cue}, not after it",
        "{option} began at {time} seconds already, ahead of {cue} at {mark}",
        "{option}, at {time} seconds, is on the other side of {cue}",
    ),
    later=(
        "{option} {comes} {aside} after {cue}, but {key} {key_comes} in between, at {at} seconds",
        "before {option} at {time} seconds there is {key} at {at}, which is nearer to {cue}",
        "{option} {comes} only {off} after {key}",
    ),
    foreign=(
        "after {cue} at {mark} seconds the next onset, at {at} seconds, is {key} and not {option}",
        "{option} would have to begin between {mark} and {at} seconds, and nothing new begins there",
        "what comes in {span} after {cue} is {key}, so that place is not left for {option}",
        "from {cue} I get straight to {key}, within {span}, without {option} on the way",
    ),
)
_BEFORE = Places(
    fit=(
        "the last onset before {cue} is {key}, {span} ahead of it",
        "between {key} at {at} seconds and {cue} at {mark} nothing else begins",
        "{key} {key_comes} {span} before {cue}, with nothing in between",
    ),
    sooner=(
        "{option} {comes} {aside} before {cue}, but {key} {key_comes} in between, at {at} seconds",
        "after {option} at {time} seconds there is {key} at {at}, which is nearer to {cue}",
        "{option} {comes} before {key} already, by {off}",
    ),
    later=(
        "{option} {comes} {aside} after {cue}, not before it",
        "{option} began only at {time} seconds, behind {cue} at {mark}",
        "{option}, at {time} seconds, is on the other side of {cue}",
    ),
    foreign=(
        "the last onset before {cue} at {mark} seconds is {key} at {at} seconds, and not {option}",
        "{option} would have to begin between {at} and {mark} seconds, and nothing new begins there",
        "what comes ahead of {cue} is {key}, {span} earlier, so that place is not left for {option}",
        "going back from {cue} I get straight to {key}, within {span}, without {option} on the way",
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
    ),
    Family(
        "after",
        "temporal",
        "what comes directly after another sound",
        (
            "Once I hear {cue}, the very next new sound counts.",
            "I wait for {cue} and note whatever begins next.",
            "My mark is {cue}; what starts directly behind that is wanted, not what comes later still.",
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
    ),
    Family(
        "before",
        "temporal",
        "what comes directly before another sound",
        (
            "I need to remember what started last before I hear {cue}.",
            "My mark is {cue}; what starts directly ahead of it is wanted, not what comes earlier still.",
            "I note each new sound until I hear {cue}, and keep the last one before it.",
        ),
        (
            "Which sound comes right before that of {sound}?",
            "What do you hear just before {sound}?",
            "By which sound is that of {sound} preceded?",
        ),
        find_before,
        solve_before,
        Names(),
        tell_order,
        weigh_place(_BEFORE),
    ),
)
