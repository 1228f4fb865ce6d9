"""Ways to weigh one option against what is heard: a number, a count, a stretch of time, a name, an order.

Each function here makes the ``weigh`` of a family (see ``Family``). A sentence names the option and, where it is wrong,
says how far it lies from what is heard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import combinations, permutations

from audiomcq_cli.grounded.measured.family import Key, Proof, Say, Weigh, pick
from audiomcq_cli.grounded.measured.options import ORDERS, count_in_words
from audiomcq_cli.grounded.measured.timeline import show_time
from audiomcq_cli.grounded.sounding import describe_label

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
        words = name_sounds(proof) | {"option": option, "true": f"{true:.{key.digits}f}"}
        ways = fit if abs(off) < 10.0**-key.digits / 2 else less if off < 0 else more
        return say(ways).format(off=measure(abs(off), key.digits, unit), **words)

    return weigh


def weigh_stretch(start: Ways, stop: Ways, before: Ways, after: Ways, fit: Ways) -> Weigh:
    """Make sentences about a stretch of time, by that end of it that is further off.

    Args:
        start: Of one that begins too early. stop: Of one that ends too late. before: Of one that ends too early.
        after: Of one that begins too late. fit: Of the right one.
    """

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        told = [float(number) for number in _NUMBER.findall(option)]
        begin, end = (round(number, key.digits) for number in key.numbers)
        first, last = (round(one - true, key.digits) for one, true in zip(told, (begin, end), strict=True))
        if first == last == 0:
            ways, off = fit, 0.0
        elif abs(first) >= abs(last):
            ways, off = (start if first < 0 else after), first
        else:
            ways, off = (before if last < 0 else stop), last
        words = {"option": option, "begin": f"{begin:.{key.digits}f}", "end": f"{end:.{key.digits}f}"}
        words |= {"from": f"{told[0]:.{key.digits}f}", "to": f"{told[1]:.{key.digits}f}"}
        return say(ways).format(**name_sounds(proof), off=measure(abs(off), key.digits, "seconds"), **words)

    return weigh


def weigh_count(read: Callable[[str], int | None], thing: str, fit: Ways) -> Weigh:
    """Make sentences about a count of things: how many would be left out, or be missing."""
    less = (
        "{option} would leave out {off} that I clearly hear",
        "{option} falls {off} short",
        "with {option} as the answer, {off} of the {things} would have gone uncounted",
        "{option} is too few by {off}",
    )
    more = (
        "for {option}, {off} more would have to come, and none does",
        "{option} is too many by {off}",
        "{option} would take {off} more {thing} than I count",
        "I would have to hear {off} more for {option}",
    )

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        true = round(key.numbers[0])
        off = (read(option) or 0) - true
        things = thing if abs(off) == 1 else f"{thing}s"
        words = {"option": option, "off": count_in_words(abs(off)), "thing": things, "things": f"{thing}s"}
        ways = fit if not off else less if off < 0 else more
        return say(ways).format(**name_sounds(proof), true=count_in_words(true), **words)

    return weigh


def weigh_statement(read: Callable[[str, Key], str], reason: Callable[[Proof, Key, str, Say], str]) -> Weigh:
    """Make sentences about set statements: the family gives the reason by the name of the statement."""

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        told = reason(proof, key, read(option, key), say)
        return say(
            ('"{option}": {told}', '"{option}" is out: {told}') if read(option, key) != key.name else _FITS
        ).format(option=option, told=told)

    return weigh


_FITS = ('"{option}": {told}', '"{option}" fits: {told}')


def weigh_place(fit: Ways, own: Ways) -> Weigh:
    """Make sentences about a sound by its place in time: of the right one, and of others that the clip has as well.

    Places in braces: ``option``, ``time``, ``off`` (the time between it and the right one) and ``side`` (earlier or
    later). Of a sound that is not there it is said what it would sound like.
    """
    plain = (
        "of {option} there is no sign at any point",
        "I do not hear {option} at all",
        "I wait in vain for {option}",
        "{option} would be another sound altogether, and it does not come",
    )
    described = (
        "{option} would be {like}, and none of these sounds is that",
        "of {option}, {like}, there is no trace",
        "{option} would come as {like}, and nothing here does",
        "for {option} I would need {like}, which never comes",
    )

    def weigh(proof: Proof, key: Key, option: str, say: Say) -> str:
        onsets = {fact.text: fact for fact in pick(proof, "onset")}
        if option in onsets:
            here, true = onsets[option].value or 0.0, onsets[key.name].value or 0.0
            shown, first = float(show_time(onsets[option])), float(show_time(onsets[key.name]))
            words = name_sounds(proof) | {"side": "later" if here > true else "earlier"}
            words |= {"time": show_time(onsets[option])}
            off = measure(abs(shown - first), 1, "seconds")
            return say(fit if option == key.name else own).format(**words, option=option, off=off)
        like = describe_label(option)
        return say(described if like else plain).format(option=option, like=like)

    return weigh


def weigh_order(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of an order of three which two of them it swaps, and how far apart those are."""
    onsets = {fact.text: float(show_time(fact)) for fact in pick(proof, "onset")}
    order = read_order(option, key.others)
    if order == tuple(key.others):
        return say(
            (
                '"{option}" keeps that order from end to end',
                '"{option}" has all three where I hear them',
                '"{option}" goes along with the three onsets',
            )
        ).format(option=option)
    swapped = [(one, other) for one, other in combinations(order, 2) if key.others.index(one) > key.others.index(other)]
    one, other = max(swapped, key=lambda pair: onsets[pair[0]] - onsets[pair[1]])
    ways = (
        '"{option}" puts {one} ahead of {other}, though its onset is {off} later',
        '"{option}" cannot be, since I hear {other} {off} before {one}',
        'in "{option}", {one} would come before {other}, but at {late} seconds it is the later of the two by {off}',
        '"{option}" has {one} too early: I hear {other} at {early} seconds, {one} only at {late} seconds',
    )
    return say(ways).format(
        option=option,
        one=one,
        other=other,
        off=measure(onsets[one] - onsets[other], 1, "seconds"),
        late=f"{onsets[one]:.1f}",
        early=f"{onsets[other]:.1f}",
    )


def read_order(option: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Return three labels in the order in which an option has them."""
    orders = {write(*order): order for order in permutations(labels) for write in ORDERS}
    return orders[option]


def measure(size: float, digits: int, unit: str) -> str:
    """Return a distance with its unit, of which there may be one only: ``1 second``, ``0.9 seconds``."""
    text = f"{size:.{digits}f}"
    one = float(text) == 1 and unit.endswith("s")
    return f"{'1' if one else text} {unit[:-1] if one else unit}"
