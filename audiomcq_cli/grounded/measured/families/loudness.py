"""Families about loudness over time: the loudest and the softest moment, and swelling and fading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import fmean

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, state
from audiomcq_cli.grounded.measured.options import Names, Statements
from audiomcq_cli.grounded.measured.weighing import weigh_statement
from audiomcq_cli.measurements import MEASUREMENTS

AUDIBLE = 3.0
"""dB that seconds of a clip are apart so that one hears which is louder.

Measured they are told apart at half of that, but not heard: of steady rain no second is the loudest to a listener.
"""

_SILENT = -65.0  # LUFS of a second: what is softer is nothing that grows or fades, or is heard to be louder
_CHANGES = {"louder": "louder", "softer": "softer", "steady": "steady"}


def find_loudest(clip: Clip) -> Iterator[Found]:
    """Find every second that is clearly louder than three others: with those it can be an option."""
    return _find_extremes("loudest", _list_seconds(clip), solve_loudest)


def find_softest(clip: Clip) -> Iterator[Found]:
    """Find the same for the softest, without the first and the last second: there most clips fade in and out."""
    return _find_extremes("softest", _list_seconds(clip)[1:-1], solve_softest)


def solve_loudest(proof: Proof) -> Key | None:
    """Return the second that is asked about; those that are not clearly softer are no options."""
    return _solve_extreme(proof, 1)


def solve_softest(proof: Proof) -> Key | None:
    """Return the second that is asked about; those that are not clearly louder are no options."""
    return _solve_extreme(proof, -1)


def tell_extreme(proof: Proof, say: Say) -> str:
    """Return how the second that is asked about stands to all others of the clip."""
    [asked] = pick(proof, "asked")
    levels = {fact.text: fact.value or 0.0 for fact in pick(proof, "second_loudness")}
    own = levels.pop(asked.text)
    softer = sum(own - level >= AUDIBLE for level in levels.values())
    louder = sum(level - own >= AUDIBLE for level in levels.values())
    many, way = max((softer, "above"), (louder, "below"))
    ways = (
        "From {time} the level is well {way} that of {many} other {seconds}, by {off} dB or more.",
        "The second from {time} lies at least {off} dB {way} {many} of the {rest} others.",
        "The level from {time} is {way} that of {many} other {seconds}; the nearest of those is {off} dB away.",
    )
    apart = [abs(own - level) for level in levels.values() if (own > level) == (way == "above")]
    clear = min(by for by in apart if by >= AUDIBLE)
    seconds = "second" if many == 1 else "seconds"
    return say(ways).format(time=asked.text, way=way, many=many, seconds=seconds, rest=len(levels), off=f"{clear:.0f}")


def find_swell(clip: Clip) -> Iterator[Found]:
    """Find clips of six whole seconds or more whose level moves one way at a time, and nothing speaks against it."""
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
    """Tell the level of the middle and the end against that of the beginning."""
    begin, middle, end = (fact.value or 0.0 for fact in proof)
    ways = (
        "Against the beginning, the middle of the clip is {middle} and the end is {end}.",
        "Compared with the beginning, the middle is {middle}, and the end is {end}.",
        "I take the level of the opening as a mark: halfway through it is {middle}, towards the close {end}.",
        "Halfway through, the clip is {middle} when held against its start, and at the end it is {end}.",
    )
    return say(ways).format(middle=_compare(middle - begin), end=_compare(end - begin))


def _list_seconds(clip: Clip) -> tuple[Fact, ...]:
    """Return the level of each whole second of a clip."""
    levels = clip.values.get("second_loudness", ())
    return tuple(state("second_loudness", one.value, f"{n}s to {n + 1}s") for n, one in enumerate(levels))


def _find_extremes(family: str, seconds: Sequence[Fact], solve: Callable[[Proof], Key | None]) -> Iterator[Found]:
    for fact in seconds:
        proof = (Fact("asked", text=fact.text), *seconds)
        if solve(proof):
            yield Found((family, fact.text), proof)


def _solve_extreme(proof: Proof, sign: int) -> Key | None:
    """Return the second that is asked about, if one hears it stand out upwards (1) or downwards (-1) from three."""
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
    if abs(change) <= MEASUREMENTS["loudness_change"].tolerance:
        return "about as loud"
    return f"about {abs(change):.0f} dB {'louder' if change > 0 else 'softer'}"


def _weigh_second(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a second by how much its level is off that of the right one."""
    levels = {fact.text: fact.value or 0.0 for fact in pick(proof, "second_loudness")}
    by = levels[option] - levels[key.name]
    if option == key.name:
        ways: tuple[str, ...] = (
            "{option} is ahead of the other three in that",
            "{option} stands out from the other three",
            "no other of the four comes near {option} in that",
        )
    else:
        ways = (
            "{option} is about {off} dB {way}",
            "from {option} it is {way}, by about {off} dB",
            "{option} differs from it by about {off} dB, and is {way}",
            "for {option} I hear about {off} dB {more}",
        )
    more = "more" if by > 0 else "less"
    return say(ways).format(option=option, off=f"{abs(by):.0f}", way="louder" if by > 0 else "softer", more=more)


def _weigh_course(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one course of the level."""
    begin, middle, end = (fact.value or 0.0 for fact in proof)
    if name == key.name:
        words = f"the middle is {_compare(middle - begin)} and the end {_compare(end - begin)}"
        return say((f"compared with the beginning, {words}", f"against the start, {words}"))
    ends = f"the end is {_compare(end - begin)} {_as(end - begin)} the beginning"
    middles = f"the middle is {_compare(middle - begin)} {_as(middle - begin)} the beginning"
    last = f"the end is {_compare(end - middle)} {_as(end - middle)} the middle"
    if name == "steady":
        most = ends if abs(end - begin) >= abs(middle - begin) else middles
        return say((f"the level does not hold, as {most}", f"that leaves no room for a change, yet {most}"))
    if name in ("louder", "softer"):
        way = "above" if name == "louder" else "below"
        if key.name in ("swell", "dip"):
            told = last if (key.name == "swell") == (name == "louder") else middles
            return say(
                (f"it would have to go one way all along, but {told}", f"{told}, so it does not go one way only")
            )
        return say(
            (f"it would have to end well {way} where it began, but {ends}", f"{ends}, so it does not go that way")
        )
    back = key.name in ("louder", "softer") and (key.name == "louder") == (name == "swell")
    way = "louder" if name == "swell" else "softer"
    return (
        say((f"the level would have to return at the end, but {ends}",))
        if back
        else say((f"the middle would have to be clearly {way} than both ends, but {middles}",))
    )


def _as(change: float) -> str:
    return "as" if abs(change) <= MEASUREMENTS["loudness_change"].tolerance else "than"


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
        "loudest",
        "temporal",
        "at which moment the clip is loudest",
        (
            "I hold the four seconds against each other and keep the one that stands out.",
            "Only the four seconds that are offered count, so I compare how strong each of them is.",
            "It is a matter of level alone, whatever it is that sounds in each of these seconds.",
        ),
        (
            "Which of these seconds is the loudest?",
            "At which of these times is the clip loudest?",
            "In which of these seconds is it loudest?",
        ),
        find_loudest,
        solve_loudest,
        Names(fill=False),
        tell_extreme,
        _weigh_second,
        alone=False,
    ),
    Family(
        "softest",
        "temporal",
        "at which moment the clip is softest",
        (
            "I hold the four seconds against each other and keep the one that is weakest.",
            "Only the four seconds that are offered count, so I compare how faint each of them is.",
            "It is a matter of level alone, whatever it is that sounds in each of these seconds.",
        ),
        (
            "Which of these seconds is the softest?",
            "At which of these times is the clip softest?",
            "In which of these seconds is it quietest?",
        ),
        find_softest,
        solve_softest,
        Names(fill=False),
        tell_extreme,
        _weigh_second,
        alone=False,
    ),
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
        balanced=True,
        alone=False,
    ),
)
