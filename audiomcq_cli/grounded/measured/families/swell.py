"""The family about the course of loudness: swelling, fading, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.families.loudness import SILENT
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say
from audiomcq_cli.grounded.measured.options import Statements
from audiomcq_cli.grounded.measured.weighing import Ways, gather_names, weigh_statement
from audiomcq_cli.measurements import MEASUREMENTS

_CHANGES = {"louder": "louder", "softer": "softer", "steady": "steady"}


def find_swell(clip: Clip) -> Iterator[Found]:
    """Find clips of six whole seconds or more whose level moves one way at a time, and nothing speaks against it."""
    levels = [one.value for one in clip.values.get("second_loudness", ())]
    # The level of a second with two beats in it is not that of one with three, and speech comes and goes.
    pulsed = len(clip.sounds) > 1 or len(clip.values.get("onset", ())) > 1 or bool(clip.words)
    if len(levels) < 6 or min(levels) < SILENT:
        return
    third = len(levels) // 3
    parts = {"beginning": levels[:third], "middle": levels[third:-third], "end": levels[-third:]}
    tolerance = MEASUREMENTS["loudness_change"].tolerance
    facts = tuple(Fact("level", round(fmean(part), 2), name, "dB", tolerance) for name, part in parts.items())
    key = solve_swell(facts)
    change = clip.value("loudness_change")
    # What swells and fades again has no one change.
    said = _CHANGES.get(key.name, "") if key else ""
    if key and _is_smooth(levels, key.name) and (change.text if change else "") == said and (said or not pulsed):
        yield Found("swell", facts)


def solve_swell(proof: Proof) -> Key | None:
    """Return what the levels of beginning, middle and end come to; None where they are neither apart nor the same."""
    begin, middle, end = (fact.value or 0.0 for fact in proof)
    clear, same = MARGIN * proof[0].tolerance, proof[0].tolerance
    if end - begin >= clear and begin - same <= middle <= end + same:
        return Key("louder")
    if begin - end >= clear and end - same <= middle <= begin + same:
        return Key("softer")
    if max(begin, middle, end) - min(begin, middle, end) <= same:
        return Key("steady")
    if abs(begin - end) <= clear and middle - max(begin, end) >= clear:
        return Key("swell")
    if abs(begin - end) <= clear and min(begin, end) - middle >= clear:
        return Key("dip")
    return None


def tell_swell(proof: Proof, say: Say) -> str:
    """Tell how loud middle and end are, held against the beginning."""
    key = solve_swell(proof)
    middle, end, _ = _compare_parts(proof)
    if key and key.name == "steady":
        return say(
            (
                "The level hardly moves from beginning to end.",
                "Beginning, middle and end are about equally loud.",
                "Late in the clip it is about as loud as early on, and in between as well.",
                "I hear no swelling and no fading: the loudness stays about where it was at the start.",
            )
        )
    ways: tuple[str, ...] = (
        "Held against the beginning, the middle is {middle} and the end {end}.",
        "Compared with how it starts, it is {middle} in the middle and {end} at the end.",
        "Towards the middle it gets to be {middle} than at the start, and at the end it is {end} than that start.",
    )
    both = "as loud" not in middle and "as loud" not in end
    return say(ways if both else ways[:2]).format(middle=middle, end=end)


def _is_smooth(levels: list[float], name: str) -> bool:
    """Return whether a level mostly moves the way it is said to; where it jumps about nobody hears it grow or fade."""
    steps = [second - first for first, second in pairwise(levels)]
    if name == "steady":
        return max(levels) - min(levels) <= MARGIN
    if max(map(abs, steps)) > 0.45 * (max(levels) - min(levels)):
        return False
    half = len(steps) // 2
    signs = {"louder": (1, 1), "softer": (-1, -1), "swell": (1, -1), "dip": (-1, 1)}[name]
    along = [step * sign for part, sign in ((steps[:half], signs[0]), (steps[-half:], signs[1])) for step in part]
    return sum(step > -1 for step in along) >= 0.75 * len(along)


def _compare(change: float) -> str:
    return f"about {abs(change):.0f} dB {'louder' if change > 0 else 'softer'}" if change else "about as loud"


def _compare_parts(proof: Proof) -> tuple[str, str, str]:
    """Return how loud the middle and the end are by the beginning, and the end by the middle, so that they add up."""
    begin, middle, end = (fact.value or 0.0 for fact in proof)
    same = MEASUREMENTS["loudness_change"].tolerance
    changes = [round(one - begin) if abs(one - begin) > same else 0 for one in (middle, end)]
    return _compare(changes[0]), _compare(changes[1]), _compare(changes[1] - changes[0])


def _gather_courses(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take all other courses together where the level keeps; else what has it keep, or go the other way."""
    if key.name in ("louder", "softer"):
        kept = [option for option in options if _COURSES.read(option, key) in ("steady", "louder", "softer")]
        ends = (
            "the end is {end} than the beginning, which rules out {all}",
            "as it ends {end} than it begins, it cannot be {none}",
        )
        return gather_names(kept, ends, say, end=_compare_parts(proof)[1])
    ways = (
        "each of {all} needs a change of level, and I hear none",
        "with {none} some part stands out, and here no part does",
    )
    return gather_names(options if key.name == "steady" else (), ways, say)


def _weigh_course(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one course of the level."""
    middle, end, last = _compare_parts(proof)
    return say(_REASONS[key.name][name]).format(middle=middle, end=end, last=last)


_REASONS: Mapping[str, Mapping[str, Ways]] = {
    "steady": {
        "steady": ("the level is the same early, midway and late", "it ends as loud as it begins"),
        "louder": (
            "the end comes out at the same level as the beginning",
            "it is no louder at the end than at the start",
        ),
        "softer": (
            "nothing of the level is lost by the end, which is as loud as the beginning",
            "the end does not sink below the beginning",
        ),
        "swell": (
            "the middle does not stand out above the beginning and the end",
            "halfway through it is no louder than at either end",
        ),
        "dip": (
            "the middle does not sink below the beginning and the end",
            "halfway through it is no softer than at either end",
        ),
    },
    "louder": {
        "louder": ("from start to end the level goes up", "it gets louder up to the end"),
        "softer": (
            "the end is {end} than the beginning",
            "it goes up and not down, with the last part {end} than the first",
        ),
        "steady": (
            "the end is {end} than the beginning",
            "it ends {end} than it begins",
        ),
        "swell": (
            "it does not come down again after the middle",
            "after the middle the level does not sink back to where it was, with the end {end} than the start",
        ),
        "dip": (
            "the middle is not below the beginning",
            "the middle is no softer than the beginning",
        ),
    },
    "softer": {
        "softer": ("from start to end the level goes down", "it gets softer up to the end"),
        "louder": (
            "the end is {end} than the beginning",
            "it goes down and not up, with the last part {end} than the first",
        ),
        "steady": (
            "the end is {end} than the beginning",
            "it ends {end} than it begins",
        ),
        "swell": (
            "the middle is not above the beginning",
            "the middle is no louder than the beginning",
        ),
        "dip": (
            "it does not come back after the middle",
            "after the middle the level does not return to where it was, with the end {end} than the start",
        ),
    },
    "swell": {
        "swell": (
            "the middle is the loud part, with less on both sides of it",
            "up to the middle it grows, then it fades",
        ),
        "louder": (
            "it grows only up to the middle, and the end is {last} than that",
            "the second half takes the level down again, and the end is {last} than the middle",
        ),
        "softer": (
            "before it fades it grows, until the middle is {middle} than the beginning",
            "the first half takes the level up, until the middle is {middle} than the start",
        ),
        "steady": (
            "the middle is {middle} than the beginning",
            "the level does not hold, as midway it is {middle} than at the start",
        ),
        "dip": (
            "the middle is {middle} than the beginning",
            "the middle is the loud part, not the soft one",
        ),
    },
    "dip": {
        "dip": ("the middle is the soft part, with more on both sides of it", "up to the middle it fades, then grows"),
        "louder": (
            "before it grows it fades, until the middle is {middle} than the beginning",
            "the first half takes the level down, until the middle is {middle} than the start",
        ),
        "softer": (
            "it fades only up to the middle, and the end is {last} than that",
            "the second half takes the level up again, and the end is {last} than the middle",
        ),
        "steady": (
            "the middle is {middle} than the beginning",
            "the level does not hold, as midway it is {middle} than at the start",
        ),
        "swell": (
            "the middle is {middle} than the beginning",
            "the middle is the soft part, not the loud one",
        ),
    },
}
"""Why a course of the level is not what is heard, by what that is and by what is offered."""

_COURSES = Statements(
    (
        {
            "louder": "It gets louder and louder",
            "softer": "It gets softer and softer",
            "steady": "It stays about the same",
            "swell": "It grows towards the middle and fades again",
            "dip": "It drops towards the middle and comes back",
        },
        {
            "louder": "It rises steadily",
            "softer": "It fades steadily",
            "steady": "It hardly changes",
            "swell": "It swells up, then dies down",
            "dip": "It sinks, then returns",
        },
    )
)

FAMILIES = (
    Family(
        "swell",
        "sound",
        "how the loudness changes",
        (
            "I compare the beginning, the middle and the end by how loud they are.",
            "The course counts, not single peaks: does it end louder or softer than it began, and what lies between?",
            "I follow the level from beginning to end and note where it goes up, down, or nowhere.",
        ),
        (
            "How does the loudness change in the course of the clip?",
            "What happens to the volume over the clip?",
            "How does the volume develop from beginning to end?",
        ),
        find_swell,
        solve_swell,
        _COURSES,
        tell_swell,
        weigh_statement(_COURSES.read, _weigh_course),
        gather=_gather_courses,
        balanced=True,
        alone=False,
    ),
)
