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

MOST_ORDERED = 6
"""Sounds in a clip whose order one can still keep in mind."""


def find_order(clip: Clip) -> Iterator[Found]:
    """Three sounds after each other, out of a clip whose sounds all come after each other."""
    runs = _distinct_runs(clip)
    for three in combinations(runs, 3):
        yield Found(("order", *(run.label for run in three)), list_onsets(three, clip))


def find_first(clip: Clip) -> Iterator[Found]:
    """The sound that opens a clip of several."""
    if len(runs := _distinct_runs(clip)) > 1:
        yield Found(("place", "first"), list_onsets(runs, clip))


def find_last(clip: Clip) -> Iterator[Found]:
    """The sound that closes a clip of several."""
    if len(runs := _distinct_runs(clip)) > 1:
        yield Found(("place", "last"), list_onsets(runs, clip))


def find_next(clip: Clip) -> Iterator[Found]:
    """Pairs of sounds of which one comes right after the other."""
    runs = _distinct_runs(clip)
    for first, second in pairwise(runs):
        facts = (*list_onsets(runs, clip), Fact("cue", text=first.label))
        yield Found(("next", second.label), facts, {"sound": first.label})


def find_before(clip: Clip) -> Iterator[Found]:
    """Pairs of sounds of which one comes right before the other."""
    runs = _distinct_runs(clip)
    for first, second in pairwise(runs):
        facts = (*list_onsets(runs, clip), Fact("cue", text=second.label))
        yield Found(("next", first.label), facts, {"sound": second.label})


def solve_order(proof: Proof) -> Key | None:
    """Three labels in the order of their onsets."""
    labels = _sort_labels(proof)
    return Key(others=labels) if len(labels) == 3 else None


def solve_first(proof: Proof) -> Key | None:
    """The label with the earliest onset."""
    labels = _sort_labels(proof)
    return Key(labels[0], others=labels) if len(labels) > 1 else None


def solve_last(proof: Proof) -> Key | None:
    """The label with the latest onset."""
    labels = _sort_labels(proof)
    return Key(labels[-1], others=labels) if len(labels) > 1 else None


def solve_next(proof: Proof) -> Key | None:
    """The label right behind the cue."""
    return _solve_neighbour(proof, 1)


def solve_before(proof: Proof) -> Key | None:
    """The label right before the cue."""
    return _solve_neighbour(proof, -1)


def tell_order(proof: Proof, say: Say) -> str:
    """Each sound with its moment, the earliest first."""
    facts = sorted(pick(proof, "onset"), key=lambda fact: fact.value or 0.0)
    told = join([f"the sound of {fact.text} at {fact.value:.1f} seconds" for fact in facts])
    order = ", then ".join(fact.text for fact in facts)
    ways = (
        f"One after another I hear {told}.",
        f"In the order in which they come, I hear {order}; they start at {_list_times(facts)} seconds.",
        f"Going through the clip, there is {told}.",
    )
    return say(ways)


def _distinct_runs(clip: Clip) -> list[Span]:
    runs = clip.list_runs()
    heard = all(is_heard(clip, run) for run in runs)
    distinct = len({run.label for run in runs}) == len(runs)
    return runs if heard and distinct and len(runs) <= MOST_ORDERED else []


def _sort_labels(proof: Proof) -> tuple[str, ...]:
    """Labels by onset; none where two onsets are too close to tell."""
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


_PLACES = Names("I also hear {}, but not at that place.", foreign="I do not hear {} at all.")

FAMILIES = (
    Family(
        "order",
        "temporal",
        "in which order three sounds come",
        (
            "In which order do these sounds come?",
            "What is the order of the sounds?",
            "How do the sounds follow each other?",
        ),
        find_order,
        solve_order,
        Orders(),
        tell_order,
    ),
    Family(
        "first",
        "temporal",
        "which sound comes before all others",
        ("Which of these sounds comes first?", "Which sound do you hear first?", "With which of these does it begin?"),
        find_first,
        solve_first,
        Names("I do hear {}, but later.", foreign="I do not hear {} at all."),
        tell_order,
    ),
    Family(
        "last",
        "temporal",
        "which sound comes after all others",
        ("Which of these sounds comes last?", "Which sound do you hear last?", "Which of these starts the latest?"),
        find_last,
        solve_last,
        Names("I do hear {}, but earlier.", foreign="I do not hear {} at all."),
        tell_order,
    ),
    Family(
        "after",
        "temporal",
        "what comes directly after another sound",
        (
            "Which sound comes right after that of {sound}?",
            "What is the next thing you hear after {sound}?",
            "Which sound follows that of {sound}?",
        ),
        find_next,
        solve_next,
        _PLACES,
        tell_order,
    ),
    Family(
        "before",
        "temporal",
        "what comes directly before another sound",
        (
            "Which sound comes right before that of {sound}?",
            "What do you hear just before {sound}?",
            "By which sound is that of {sound} preceded?",
        ),
        find_before,
        solve_before,
        _PLACES,
        tell_order,
    ),
)
