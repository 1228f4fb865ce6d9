"""Ways to weigh one option against what is heard: a number, a count, a stretch of time, a name, an order.

Each function here makes the ``weigh`` of a family (see ``Family``). A sentence names the option and, where it is wrong,
says how far it lies from what is heard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from audiomcq_cli.grounded.measured.family import Gather, Key, Proof, Say, Weigh, pick
from audiomcq_cli.grounded.measured.labels import agree
from audiomcq_cli.grounded.measured.options import ORDERS, count_in_words, join
from audiomcq_cli.grounded.measured.saying import quote
from audiomcq_cli.grounded.measured.timeline import list_shown, show_time

_NUMBER = re.compile(r"\d+(?:\.\d+)?")

Ways = Sequence[str]


def name_sounds(proof: Proof) -> dict[str, str]:
    """Return what a proof is about: its sound, the other one, and its cue, where it has them."""
    labels = list(dict.fromkeys(fact.text for fact in proof if fact.text))
    found = dict(zip(("sound", "other"), labels, strict=False))
    cues = pick(proof, "cue")
    return found | {"cue": cues[0].text} if cues else found


def weigh_number(fit: Ways, less: Ways, more: Ways, unit: str = "seconds") -> Weigh:
    """Make sentences about a number in a unit: one that is right, one below, one above.

    Places in braces: ``option``, ``off`` (the distance with its unit), ``true`` (what is heard, without a unit) and
    what ``name_sounds`` finds.
    """

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        told, true = float(_NUMBER.findall(option)[0]), round(key.numbers[0], key.digits)
        off = round(told - true, key.digits)
        words = name_sounds(proof) | {"option": quote(option), "true": f"{true:.{key.digits}f}"}
        ways = fit if abs(off) < 10.0**-key.digits / 2 else less if off < 0 else more
        return say(ways).format(off=measure(abs(off), key.digits, unit), **words)

    return weigh


@dataclass(frozen=True, slots=True)
class Stretches:
    """Ways to say how a stretch of time is off at both ends.

    Places in braces: ``option``, ``from`` and ``to`` (its ends), ``begin`` and ``end`` (the right ones), ``head`` and
    ``tail`` (how far either is off), ``last`` (the sound that comes in last, or alone) and ``gone`` (the one that is
    over first, or alone), and the verb ``starts`` that goes with the former.

    Attributes:
        early, late: Of one that shares a part with the right one. over, ahead: Of one after it, and of one before it.
        fit: Of the right one.
    """

    early: Ways
    late: Ways
    over: Ways
    ahead: Ways
    fit: Ways


def weigh_stretch(ways: Stretches) -> Weigh:
    """Make sentences about a stretch of time by both of its ends."""

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        first, last = (float(number) for number in _NUMBER.findall(option))
        begin, end = (round(number, key.digits) for number in key.numbers)
        if first == begin and last == end:
            chosen = ways.fit
        elif first >= end:
            chosen = ways.over
        elif last <= begin:
            chosen = ways.ahead
        else:
            chosen = ways.early if first < begin else ways.late
        times = {"from": first, "to": last, "begin": begin, "end": end}
        words = {name: f"{time:.{key.digits}f}" for name, time in times.items()}
        words["head"] = measure(abs(first - begin), key.digits, "seconds")
        words["tail"] = measure(abs(last - end), key.digits, "seconds")
        words["last"] = max(pick(proof, "onset"), key=lambda fact: fact.value or 0.0).text
        words["gone"] = "the sound of " + min(pick(proof, "offset"), key=lambda fact: fact.value or 0.0).text
        words["starts"] = agree(words["last"], "starts", "start")
        return say(chosen).format(option=quote(option), **words)

    return weigh


def weigh_count(read: Callable[[str], int | None], thing: str, fit: Ways) -> Weigh:
    """Make sentences about a count of onsets: which would be left out, or how many would have to be made up."""
    less = (
        "{option} leaves out {left}",
        "{option} is too few: I count {so_far} by {last} seconds, and {off} more {follow}",
        "{option} is too few: {off} more {come}",
    )
    more = (
        "{option} is {off} too many, as none comes after {end} seconds",
        "{option} is {off} more than the {true} that I hear",
        "{option} needs {off} more, but the one at {end} seconds is the last",
    )

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        onsets = [f"{fact.value:.1f}" for fact in pick(proof, "onset")]
        told, true = read(option) or 0, len(onsets)
        off = abs(told - true)
        left = onsets[told:]
        if len(left) == 1:
            missed = f"the last {thing}, at {left[0]} seconds"
        elif len(left) <= 3:
            missed = f"the last {count_in_words(len(left))} {thing}s, at {join(left)} seconds"
        else:
            missed = f"the {count_in_words(len(left))} {thing}s from {left[0] if left else ''} seconds on"
        words = {
            "option": option,
            "off": count_in_words(off),
            "true": count_in_words(true),
            "left": missed,
            "last": onsets[min(told, true) - 1],
            "end": onsets[-1],
            "so_far": count_in_words(told),
            "come": f"comes at {left[0]} seconds"
            if off == 1 and left
            else f"come from {(left or onsets)[0]} seconds on",
            "follow": "follows" if off == 1 else "follow",
        }
        return say(fit if told == true else less if told < true else more).format(**words)

    return weigh


def weigh_statement(read: Callable[[str, Key], str], reason: Callable[[Proof, Key, str, Say], str]) -> Weigh:
    """Make sentences about set statements: the family gives the reason by the name of the statement."""

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        name = read(option, key)
        told = reason(proof, key, name, say)
        return say(_FITS if name == key.name else _FAILS).format(option=option, told=told)

    return weigh


_FITS = ('"{option}" is right, as {told}', '"{option}" agrees with that: {told}', '"{option}" is what I hear: {told}')
_FAILS = (
    '"{option}" is wrong, since {told}',
    'it cannot be "{option}" when {told}',
    'as {told}, I rule out "{option}"',
    '"{option}" does not agree with what I hear, because {told}',
)


def gather_names(options: Sequence[str], ways: Ways, say: Say, **words: str) -> tuple[Sequence[str], str]:
    """Return options with a clause about all of them; none where there are fewer than two.

    Places in braces: ``all`` and ``none`` (the options, joined by "and" or by "or"), and the words given.
    """
    if len(options) < 2:
        return (), ""
    told = [quote(option) for option in options]
    return options, say(ways).format(all=join(told), none=join(told, "or"), **words)


@dataclass(frozen=True, slots=True)
class Places:
    """Ways to say why a sound is not at the place in time that is asked about.

    Places in braces: ``option``, ``key``, ``time`` (of the option) and ``at`` (of the key), ``cue`` and ``mark`` (its
    time), ``off`` (between the option and the key), ``aside`` (between the option and the cue), ``span`` (between the
    key and the cue), ``before`` and ``after`` (the neighbours of the option, with their times), ``second``, ``beside``
    and ``closing`` (the second, the last but one and the last of the clip, with their times), and the verbs that go
    with option and key: ``comes`` and ``key_comes``.

    Attributes:
        fit: Of the right one. sooner, later: Of others of the clip that begin before the key, or after it.
        foreign: Of one that is not of the clip: what is heard at the place asked about.
        strangers: Of several such, see ``gather_names``.
    """

    fit: Ways
    sooner: Ways
    later: Ways
    foreign: Ways
    strangers: Ways


def weigh_place(ways: Places) -> Weigh:
    """Make sentences about a sound by its place in time, beside the cue and the right one."""

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        times = {fact.text: float(show_time(fact)) for fact in list_shown(proof)}
        labels = list(times)
        at, here = times[key.name], times.get(option)
        cues = pick(proof, "cue")
        mark = times[cues[0].text] if cues else at
        words = {
            "option": option,
            "key": key.name,
            "at": f"{at:.1f}",
            "mark": f"{mark:.1f}",
            "cue": cues[0].text if cues else "",
            "span": measure(abs(mark - at), 1, "seconds"),
            "comes": agree(option, "comes", "come"),
            "key_comes": agree(key.name, "comes", "come"),
            "second": _place(labels[1], times),
            "closing": _place(labels[-1], times),
            "beside": _place(labels[-2], times),
        }
        if here is None:
            return say(ways.foreign).format(**words)
        place = labels.index(option)
        words |= {
            "time": f"{here:.1f}",
            "off": measure(abs(here - at), 1, "seconds"),
            "aside": measure(abs(here - mark), 1, "seconds"),
            "before": _place(labels[place - 1], times),
            "after": _place(labels[min(place + 1, len(labels) - 1)], times),
        }
        return say(ways.fit if option == key.name else ways.sooner if here < at else ways.later).format(**words)

    return weigh


def gather_places(ways: Places) -> Gather:
    """Take together the sounds that a clip does not have: what is heard at the place asked about is said once."""

    def gather(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
        times = {fact.text: float(show_time(fact)) for fact in list_shown(proof)}
        cues = pick(proof, "cue")
        mark = times[cues[0].text] if cues else times[key.name]
        words = {"at": f"{times[key.name]:.1f}", "mark": f"{mark:.1f}", "key": key.name}
        words |= {"cue": cues[0].text if cues else "", "span": measure(abs(mark - times[key.name]), 1, "seconds")}
        return gather_names([option for option in options if option not in times], ways.strangers, say, **words)

    return gather


def _place(label: str, times: Mapping[str, float]) -> str:
    return f"{label} at {times[label]:.1f} seconds"


def weigh_order(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of an order of three with which of them it opens or ends, and what comes before or after that."""
    onsets = {fact.text: float(show_time(fact)) for fact in pick(proof, "onset")}
    order, true = read_order(option, key.others), tuple(key.others)
    if order == true:
        return say(
            (
                '"{option}" keeps the order that I hear',
                '"{option}" has all three where I hear them',
                '"{option}" agrees with the three starts',
            )
        ).format(option=option)
    wrong_ends = [end for end, place in (("open", 0), ("close", -1)) if order[place] != true[place]]
    if say(wrong_ends) == "open":
        one, other = order[0], true[0]
        ways: Ways = (
            '"{option}" opens with {one}, but {other} {comes} {off} before that',
            '"{option}" starts wrong: {one} {comes_too} at {time} seconds, and {other} at {first} already',
            '"{option}" puts {one} first, but the first sound, at {first} seconds, is {other}',
        )
    else:
        one, other = order[-1], true[-1]
        ways = (
            '"{option}" ends with {one}, but {other} {comes} {off} after that',
            '"{option}" closes with {one}, while the last sound, at {first} seconds, is {other}',
            '"{option}" goes wrong at the end: after {one} at {time} seconds there is still {other}, at {first}',
        )
    words = {"comes": agree(other, "comes", "come"), "comes_too": agree(one, "comes", "come")}
    words |= {"time": f"{onsets[one]:.1f}", "first": f"{onsets[other]:.1f}"}
    off = measure(abs(onsets[one] - onsets[other]), 1, "seconds")
    return say(ways).format(option=option, one=one, other=other, off=off, **words)


def gather_orders(proof: Proof, key: Key, options: Sequence[str], say: Say) -> tuple[Sequence[str], str]:
    """Take together the orders that do not begin with the sound that comes first."""
    first = key.others[0]
    time = next(show_time(fact) for fact in list_shown(proof))
    ways = (
        "{first} {is_first} at {time} seconds, which rules out {all}",
        "{all} do not begin with {first}, the first sound, at {time} seconds",
        "since {first} {is_first}, at {time} seconds, it cannot be {none}",
    )
    late = [option for option in options if read_order(option, key.others)[0] != first]
    return gather_names(late, ways, say, first=first, time=time, is_first=agree(first, "comes first", "come first"))


def read_order(option: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Return three labels in the order in which an option has them."""
    orders = {write(*order): order for order in permutations(labels) for write in ORDERS}
    return orders[option]


def measure(size: float, digits: int, unit: str) -> str:
    """Return a distance with its unit, of which there may be one only: ``1 second``, ``0.9 seconds``."""
    text = f"{size:.{digits}f}"
    one = float(text) == 1 and unit.endswith("s")
    return f"{'1' if one else text} {unit[:-1] if one else unit}"
