"""Families about loudness over time: the loudest and the softest moment, and swelling and fading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import fmean

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, state
from audiomcq_cli.grounded.measured.options import Names, Statements
from audiomcq_cli.measurements import MEASUREMENTS

AUDIBLE = 3.0
"""dB that seconds of a clip are apart so that one hears which is louder.

Measured they are told apart at half of that, but not heard: of steady rain no second is the loudest to a listener.
"""

_SILENT = -65.0  # LUFS of a second: what is softer is nothing that grows or fades, or is heard to be louder
_CHANGES = {"louder": "louder", "softer": "softer", "steady": "steady"}


def find_loudest(clip: Clip) -> Iterator[Found]:
    """Every second that is clearly louder than three others: with those it can be an option."""
    return _find_extremes("loudest", _list_seconds(clip), solve_loudest)


def find_softest(clip: Clip) -> Iterator[Found]:
    """The same for the softest, without the first and the last second: there most clips fade in and out."""
    return _find_extremes("softest", _list_seconds(clip)[1:-1], solve_softest)


def solve_loudest(proof: Proof) -> Key | None:
    """The second that is asked about; those that are not clearly softer are no options."""
    return _solve_extreme(proof, 1)


def solve_softest(proof: Proof) -> Key | None:
    """The second that is asked about; those that are not clearly louder are no options."""
    return _solve_extreme(proof, -1)


def tell_extreme(proof: Proof, say: Say) -> str:
    """The level of the second that is asked about."""
    [asked] = pick(proof, "asked")
    level = next(fact.value or 0.0 for fact in proof if fact.text == asked.text and fact is not asked)
    ways = (
        "From {time} the level is about {level:.0f} LUFS.",
        "Measured second by second, the clip has about {level:.0f} LUFS from {time}.",
    )
    return say(ways).format(time=asked.text, level=level)


def find_swell(clip: Clip) -> Iterator[Found]:
    """Clips of six whole seconds or more whose level moves one way at a time, with nothing measured against it."""
    levels = [one.value for one in clip.values.get("second_loudness", ())]
    # The level of a second with two beats in it is not that of one with three, and speech comes and goes.
    pulsed = len(clip.sounds) > 1 or len(clip.values.get("onset", ())) > 1 or bool(clip.words)
    if len(levels) < 6 or min(levels) < _SILENT:
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
    """What the levels of beginning, middle and end come to; None where they are neither clearly apart nor the same."""
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
    """The level of the middle and the end against that of the beginning."""
    begin, middle, end = (fact.value or 0.0 for fact in proof)
    ways = (
        "Against the beginning, the middle of the clip is {middle} and the end is {end}.",
        "Compared with the beginning, the middle is {middle}, and the end is {end}.",
    )
    return say(ways).format(middle=_compare(middle - begin), end=_compare(end - begin))


def _list_seconds(clip: Clip) -> tuple[Fact, ...]:
    """The level of each whole second of a clip."""
    levels = clip.values.get("second_loudness", ())
    return tuple(state("second_loudness", one.value, f"{n}s to {n + 1}s") for n, one in enumerate(levels))


def _find_extremes(family: str, seconds: Sequence[Fact], solve: Callable[[Proof], Key | None]) -> Iterator[Found]:
    for fact in seconds:
        proof = (Fact("asked", text=fact.text), *seconds)
        if solve(proof):
            yield Found((family, fact.text), proof)


def _solve_extreme(proof: Proof, sign: int) -> Key | None:
    """The second that is asked about, if one hears it stand out upwards (1) or downwards (-1) from three others."""
    [asked] = pick(proof, "asked")
    levels = {fact.text: fact for fact in pick(proof, "second_loudness")}
    best = levels.pop(asked.text).value or 0.0
    apart = {name: sign * (best - (fact.value or 0.0)) for name, fact in levels.items()}
    clear = {name: by for name, by in apart.items() if by >= max(AUDIBLE, MARGIN * levels[name].tolerance)}
    if len(clear) < 3 or best < _SILENT:
        return None
    words = {name: f"about {by:.0f} dB" for name, by in clear.items()}
    return Key(asked.text, others=tuple(levels), unclear=frozenset(levels) - frozenset(clear), words=words)


def _is_smooth(levels: list[float], name: str) -> bool:
    """Whether a level mostly moves the way it is said to; where it jumps about nobody hears it grow or fade."""
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
    if abs(change) <= MEASUREMENTS["loudness_change"].tolerance:
        return "about as loud"
    return f"about {abs(change):.0f} dB {'louder' if change > 0 else 'softer'}"


FAMILIES = (
    Family(
        "loudest",
        "temporal",
        "at which moment the clip is loudest",
        (
            "Which of these seconds is the loudest?",
            "At which of these times is the clip loudest?",
            "In which of these seconds is it loudest?",
        ),
        find_loudest,
        solve_loudest,
        Names(each="from {} it is {} softer", fill=False),
        tell_extreme,
        alone=False,
    ),
    Family(
        "softest",
        "temporal",
        "at which moment the clip is softest",
        (
            "Which of these seconds is the softest?",
            "At which of these times is the clip softest?",
            "In which of these seconds is it quietest?",
        ),
        find_softest,
        solve_softest,
        Names(each="from {} it is {} louder", fill=False),
        tell_extreme,
        alone=False,
    ),
    Family(
        "swell",
        "sound",
        "how the loudness changes",
        (
            "How does the loudness change in the course of the clip?",
            "What happens to the volume over the clip?",
            "How does the volume develop from beginning to end?",
        ),
        find_swell,
        solve_swell,
        Statements(
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
        ),
        tell_swell,
        balanced=True,
        alone=False,
    ),
)
