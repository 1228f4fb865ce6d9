"""Families about the loudest and the softest moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, state
from audiomcq_cli.grounded.measured.options import Names, join
from audiomcq_cli.grounded.measured.weighing import Ways, gather_names

AUDIBLE = 3.0
"""dB that seconds of a clip are apart so that one hears which is louder.

Measured they are told apart at half of that, but not heard: of steady rain no second is the loudest to a listener.
"""

SILENT = -65.0
"""LUFS of a second below which nothing is heard to be louder, or to grow or fade."""


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


_NEAREST = (
    "I compare the four: from {time} it is {most}, and {near} comes nearest, about {off} dB {other}.",
    "From {time} the clip is clearly {than} than at the other three times; {near} is nearest, with {off} dB between.",
    "At none of the other three times is it as {way} as from {time}: even {near} is about {off} dB {other}.",
    "Of the four times {time} is the {most} one, with {near} next, about {off} dB {other}.",
)


def tell_extreme(proof: Proof, say: Say) -> str:
    """Return how the second that is asked about stands to the others that are offered."""
    [asked] = pick(proof, "asked")
    levels = {fact.text: fact.value or 0.0 for fact in pick(proof, "second_loudness")}
    own = levels.pop(asked.text)
    near = min(levels, key=lambda name: abs(levels[name] - own))
    louder = own > levels[near]
    shown = f"{abs(own - levels[near]):.0f}"
    tied = [name for name, level in levels.items() if f"{abs(own - level):.0f}" == shown]
    ways: Ways = _NEAREST
    if len(tied) == len(levels):
        ways = (
            "It is {most} from {time}; the other three are about equally loud, some {off} dB {over} it.",
            "The {most} of the four is {time}, with the other three alike, each about {off} dB {other}.",
        )
    elif len(tied) > 1:
        ways = (
            "It is {most} from {time}; {near} come nearest, each about {off} dB {other}.",
            "Of the four times {time} is the {most} one, with {near} next, each about {off} dB {other}.",
        )
    words = (
        ("loudest", "louder", "loud", "softer", "below") if louder else ("softest", "softer", "soft", "louder", "above")
    )
    told = dict(zip(("most", "than", "way", "other", "over"), words, strict=True))
    return say(ways).format(time=asked.text, near=join(tied), off=shown, **told)


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
    if len(clear) < 3 or best < SILENT:
        return None
    words = {name: f"about {by:.0f} dB" for name, by in clear.items()}
    return Key(asked.text, others=tuple(levels), unclear=frozenset(levels) - frozenset(clear), words=words)


def _weigh_second(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a second by how much its level is off that of the right one."""
    levels = {fact.text: fact.value or 0.0 for fact in pick(proof, "second_loudness")}
    by = levels[option] - levels[key.name]
    if option == key.name:
        ways: tuple[str, ...] = (
            "{option} is {own} than each of the other three",
            "each of the other three is {opposite} than {option}",
        )
    else:
        ways = (
            "from {option} it is about {off} dB {way} than from {key}",
            "{option} is {way} by about {off} dB",
            "{option} is about {off} dB {way} than {key}",
            "the sound from {option} is about {off} dB {over} that from {key}",
        )
    way = "louder" if by > 0 else "softer"
    over = "above" if by > 0 else "below"
    softer = any(level < levels[key.name] for level in levels.values())
    return say(ways).format(
        option=option,
        key=key.name,
        over=over,
        opposite="softer" if softer else "louder",
        own="louder" if softer else "softer",
        off=f"{abs(by):.0f}",
        way=way,
    )


def _gather_seconds(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take together the seconds that lie as many decibels off."""
    levels = {fact.text: fact.value or 0.0 for fact in pick(proof, "second_loudness")}
    off = {option: f"{abs(levels[option] - levels[key.name]):.0f}" for option in options}
    alike = max(([one for one in options if off[one] == by] for by in off.values()), key=len)
    way = "louder" if levels[options[0]] > levels[key.name] else "softer"
    ways = ("{all} are each about {off} dB {way}", "{all} are about {off} dB {way} than {key}")
    return gather_names(alike, ways, say, off=off[alike[0]], way=way, key=key.name)


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
        gather=_gather_seconds,
        decisive=True,
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
        gather=_gather_seconds,
        decisive=True,
        alone=False,
    ),
)
