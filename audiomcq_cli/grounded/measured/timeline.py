"""What the families about times share: where nothing is asked, how a time is stated, and whether energy agrees.

Where energy over time was measured and says that nothing sounds where an event is said to be, the two sources disagree,
and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.family import Fact, Proof, pick, value_of

SECONDS = ("{}s", "{} seconds")
EDGE = 0.5
"""Seconds from either end of a clip in which nothing is asked about: there it may be cut."""

BOUNDARY = 0.3
"""Seconds that a detector of speech and music may be off: it looks at a window of about that length."""


def find_bounds(proof: Proof) -> tuple[float, float]:
    """Return between which times it could be asked about: not at the ends of the clip."""
    return EDGE, value_of(proof, "duration") - EDGE


def is_inside(clip: Clip, *times: float) -> bool:
    """Return whether none of some times is at an end of the clip."""
    return all(EDGE < time < clip.duration - EDGE for time in times)


def is_heard(clip: Clip, event: Span) -> bool:
    """Return whether energy leaves at least half of an event to be heard."""
    silent = sum(event.overlap(span) for span in clip.silences)
    return silent < 0.5 * event.length


def starts_there(clip: Clip, event: Span) -> bool:
    """Return whether nothing speaks against its onset: no silence goes on, or ends, clearly after it."""
    return is_heard(clip, event) and not clip.is_silent(event.onset + clip.tolerance)


def stops_there(clip: Clip, event: Span) -> bool:
    """Return whether nothing speaks against its offset: no silence begins clearly before it."""
    return is_heard(clip, event) and not clip.is_silent(event.offset - 2 * clip.tolerance)


def state_time(name: str, value: float, label: str, clip: Clip) -> Fact:
    """Return A time of a known event as a fact."""
    return Fact(name, round(value, 3), label, "s", clip.tolerance)


def state_length(clip: Clip) -> Fact:
    """Return how long the clip is, as a fact."""
    return Fact("duration", round(clip.duration, 3), "", "s")


def list_onsets(runs: Sequence[Span], clip: Clip) -> tuple[Fact, ...]:
    """Return when each of some events begins."""
    return tuple(state_time("onset", run.onset, run.label, clip) for run in runs)


def list_ends(pair: Sequence[Span], clip: Clip) -> tuple[Fact, ...]:
    """Return when each of two events begins, then when each ends."""
    ends = [state_time("offset", event.offset, event.label, clip) for event in pair]
    return (*list_onsets(pair, clip), *ends)


def show_time(fact: Fact) -> str:
    """Return A time as it is told: in whole seconds where it is known no better."""
    return f"{fact.value:.{0 if fact.tolerance >= 0.5 else 1}f}"


def list_shown(proof: Proof) -> list[Fact]:
    """Return the onsets of a proof, the earliest first."""
    return sorted(pick(proof, "onset"), key=lambda fact: fact.value or 0.0)
