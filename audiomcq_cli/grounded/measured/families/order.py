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
from audiomcq_cli.grounded.measured.timeline import is_heard, list_onsets, show_time
from audiomcq_cli.grounded.measured.weighing import Ways, weigh_order, weigh_place

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
    facts = sorted(pick(proof, "onset"), key=lambda fact: fact.value or 0.0)
    told = join([f"{fact.text} at {show_time(fact)} seconds" for fact in facts])
    order = ", then ".join(fact.text for fact in facts)
    ways = (
        f"One after another I hear {told}.",
        f"In the order in which they come, I hear {order}; they start at {_list_times(facts)} seconds.",
        f"Going through the clip, there is {told}.",
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
    facts = sorted(pick(proof, "onset"), key=lambda fact: fact.value or 0.0)
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


_FIRST: Ways = (
    "the onset of {option}, at {time} seconds, is the earliest",
    "at {time} seconds I hear {option}, ahead of all the rest",
    "there is nothing before {option} at {time} seconds",
)
_LATER: Ways = (
    "the onset of {option} comes {off} later, at {time} seconds",
    "for {option} it takes until {time} seconds",
    "I do hear {option}, but only from {time} seconds on",
)
_LAST: Ways = (
    "the onset of {option}, at {time} seconds, is the latest",
    "at {time} seconds I hear {option}, behind all the rest",
    "nothing new begins after {option} at {time} seconds",
)
_SOONER: Ways = (
    "the onset of {option} comes {off} sooner, at {time} seconds",
    "I hear {option} at {time} seconds already",
    "I do hear {option}, but it has set in {off} before that",
)
_NEXT: Ways = (
    "the onset of {option}, at {time} seconds, is next to that of {cue}",
    "next to {cue}, at {time} seconds, I hear {option}",
    "between {cue} and {option} at {time} seconds nothing else begins",
)
_ASIDE: Ways = (
    "I do hear {option}, but {off} {side}, at {time} seconds",
    "the onset of {option} is at {time} seconds, {off} {side} than what I am after",
    "{option} has to be placed elsewhere, at {time} seconds",
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
        weigh_place(_FIRST, _LATER),
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
        weigh_place(_LAST, _SOONER),
    ),
    Family(
        "after",
        "temporal",
        "what comes directly after another sound",
        (
            "Once {cue} has set in, the very next new sound counts.",
            "I wait for {cue} and then for whatever begins next.",
            "The sound of {cue} is the mark; what starts directly behind that is wanted, not what comes later still.",
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
        weigh_place(_NEXT, _ASIDE),
    ),
    Family(
        "before",
        "temporal",
        "what comes directly before another sound",
        (
            "I need to remember what started last before {cue} sets in.",
            "The sound of {cue} is the mark; what starts directly ahead of it is wanted, not what comes earlier still.",
            "I note each new sound until {cue} comes, and keep the last one.",
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
        weigh_place(_NEXT, _ASIDE),
    ),
)
