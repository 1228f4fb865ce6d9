"""The reasoning behind a question that captions answer: what to listen for, what is heard, and each option against it.

It says what the captions of the clip agree on, in other words than theirs, and weighs each option by what it would
sound like. Where an option is not one that can be weighed there is no reasoning.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.blocks.naming import name_definite
from audiomcq_cli.grounded.blocks.traits import read_traits_of
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.measured.options import join
from audiomcq_cli.grounded.measured.saying import Teller, capitalize, conclude, line_up
from audiomcq_cli.grounded.pool import kind_of
from audiomcq_cli.grounded.sounding import describe, describe_source, read_source
from audiomcq_cli.grounded.told import events, music
from audiomcq_cli.grounded.told.scene import Heard, read_heard, tell_heard
from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.measurements import SOURCE, select_events

VERSION = "1"
"""Raise it when the same captions would be told in other words."""

Told = tuple[dict[str, str], str]
"""The three stages by name, and the short analysis."""

_OPENINGS = (
    '"{question}" {ways} {kinds}The question type is {type}.',
    "I have to find out {asked}. {ways} {kinds}This is a question of the type {type}.",
    "{ways} The question, after all, is {asked}. {kinds}Its type: {type}.",
    "{kinds}The question is {asked}. {ways} Question type: {type}.",
    '{kinds}{ways} That should settle "{question}", a question of the type {type}.',
)

_KINDS = {
    "person": ("a human sound", "human sounds"),
    "animal": ("an animal", "animals"),
    "vehicle": ("a vehicle or motor", "vehicles or motors"),
    "machine": ("a machine", "machines"),
    "nature": ("a sound of nature", "sounds of nature"),
    "household": ("an everyday object", "everyday objects"),
    "signal": ("a signal", "signals"),
    "music": ("music", "music"),
    "something": ("a noise of no known source", "noises of no known source"),
    "blast": ("a shot or blast", "shots or blasts"),
    "part": ("a part of a vehicle", "parts of a vehicle"),
}
_MOST = ("no", "one", "two", "three", "all four")

_NAMED = frozenset({"animal", "vehicle", "machine"})


def compose_heard(row: Mapping[str, Any]) -> Told | None:
    """Return the reasoning of a row of the method ``grounded`` without a proof; None where it can have none."""
    family = _read_family(row)
    if family not in _list_listening():
        return None
    weigh = _WEIGHERS.get(family) or partial(_compose_event, family)
    return weigh(row)


def _compose_event(family: str, row: Mapping[str, Any]) -> Told | None:
    """Reason about options that are one event each."""
    heard = hear(row)
    singles = events.read_singles(row["choices"], heard)
    right = heard.find(row["answer"])
    if not singles or not right or any(heard.find(one) for one in row["choices"] if one != row["answer"]):
        return None
    if any(heard.may_hear(event) for option, event in singles.items() if option != row["answer"]):
        return None
    why = _say_why(family, row, heard, right)
    if why is None:
        return None

    def weigh(option: str, weigher: events.Weigher) -> str:
        if option == row["answer"]:
            return weigher.fit(option, right, why)
        return weigher.weigh(option, singles[option])

    return _assemble(family, row, heard, weigh, right, list(singles.values()))


def _compose_doing(row: Mapping[str, Any]) -> Told | None:
    """Reason about what somebody does."""
    heard = hear(row)
    right = next((one for one in heard.events if one.gerund == row["answer"] and _is_asked(one, row)), None)
    doings = events.read_doings(row["choices"], right) if right else None
    if not right or not doings:
        return None

    def weigh(option: str, weigher: events.Weigher) -> str:
        event = doings[option]
        return weigher.fit(option, event) if option == row["answer"] else weigher.weigh(option, event)

    return _assemble("doing", row, heard, weigh, right, [])


def _compose_named(family: str, row: Mapping[str, Any]) -> Told | None:
    """Reason about animals, vehicles or machines alone."""
    heard = hear(row)
    right = next((one for one in heard.events if one.subject == row["answer"]), None)
    sources = {choice: read_source(choice) for choice in row["choices"]}
    likes = {choice: describe_source(source) for choice, source in sources.items()}
    if not right or not all(likes.values()):
        return None

    def weigh(option: str, weigher: events.Weigher) -> str:
        if option == row["answer"]:
            return weigher.fit(option, right)
        ways = (
            "{option} would show by {like}; what I hear is {near}",
            "for {option} I would expect {like}, and I get {near} instead",
            "{option} would mean {like}, unlike {near}",
            "{like} would speak for {option}, but the sound is {known}",
            "I listen for {like}, as {option} would have it, and only find {near}",
        )
        return weigher.say(ways).format(option=option, like=likes[option], near=right.text, known=describe(right))

    return _assemble(family, row, heard, weigh, right, [])


def _compose_pair(family: str, row: Mapping[str, Any]) -> Told | None:
    """Reason about options of two events each, in an order or not."""
    heard = hear(row)
    ordered = family == "in_order"
    pairs = events.read_ordered(row["choices"]) if ordered else events.read_pairs(row["choices"], [" and "])
    if not pairs:
        return None
    right = [heard.find(event.text) for event in pairs[row["answer"]]]
    one, other = right
    if not one or not other or (ordered and (one, other) not in heard.steps):
        return None
    judge, fit = (events.weigh_order, events.fit_order) if ordered else (events.weigh_pair, events.fit_pair)

    def weigh(option: str, weigher: events.Weigher) -> str:
        if option == row["answer"]:
            return fit(option, (one, other), weigher)
        return judge(option, pairs[option], weigher)

    return _assemble(family, row, heard, weigh, one, [])


def _compose_place(family: str, row: Mapping[str, Any]) -> Told | None:
    """Reason about which of four sounds is first or last, where the others may be there as well."""
    heard = hear(row)
    singles = events.read_singles(row["choices"], heard)
    right = heard.find(row["answer"])
    last = family == "closes"
    steps = {(other, one) if last else (one, other) for one, other in heard.steps}
    if not singles or not right or not any(one == right for one, _ in steps):
        return None
    side, other_side = ("before", "after") if last else ("after", "before")

    def weigh(option: str, weigher: events.Weigher) -> str:
        event = heard.find(option)
        if option == row["answer"]:
            beside = (
                next(other for one, other in heard.steps if one == right)
                if not last
                else next(one for one, other in heard.steps if other == right)
            )
            return weigher.fit(option, right, f"{other_side} {beside.text}")
        if not event:
            return "" if heard.may_hear(singles[option]) else weigher.weigh(option, singles[option])
        if (right, event) not in steps:
            return ""
        ways = ("{option} is there too, but {side} {right}", "I do hear {option}, only it comes {side} {right}")
        return weigher.say(ways).format(option=option, side=side, right=right.text)

    return _assemble(family, row, heard, weigh, right, [])


def _compose_music(facet: str, row: Mapping[str, Any]) -> Told | None:
    """Reason about an instrument, a voice, a tempo or a style."""
    heard = music.read_music(caption_texts(row["captions"]))
    if row["answer"] not in heard.stated.get(facet, ()):
        return None
    judge = _JUDGES[facet]

    def weigh(option: str, say: Teller) -> str:
        if option == row["answer"]:
            return music.fit_option(option, say)
        return "" if option in heard.stated[facet] else judge(option, heard, say)

    return _assemble_music(facet, row, heard, weigh)


def _compose_traits(row: Mapping[str, Any]) -> Told | None:
    """Reason about two things that hold of the music together."""
    heard = music.read_music(caption_texts(row["captions"]))
    for facets in combinations(music.PAIRED, 2):
        parts = {choice: read_traits_of(choice, facets) for choice in row["choices"]}
        if all(parts.values()):
            break
    else:
        return None
    read = {choice: pair for choice, pair in parts.items() if pair}
    if any(facet not in heard.stated for facet in facets) or any(
        part not in heard.stated[facet] for facet, part in zip(facets, read[row["answer"]], strict=True)
    ):
        return None

    def weigh(option: str, say: Teller) -> str:
        if option == row["answer"]:
            return music.fit_traits(option, read[option], say)
        return music.weigh_traits(option, read[option], facets, heard, say)

    return _assemble_music("traits", row, heard, weigh)


def _assemble_music(
    family: str, row: Mapping[str, Any], heard: music.Music, weigh: Callable[[str, Teller], str]
) -> Told | None:
    """Return the stages of a question about music; None where an option is left that nothing speaks against."""
    say, brief = Teller(row["id"]), Teller(row["id"], "brief")
    wrong = [choice for choice in row["choices"] if choice != row["answer"]]
    clauses = [weigh(option, say) for option in _order_options(row, say)]
    against = [weigh(option, brief) for option in wrong]
    if not all((*clauses, *against, weigh(row["answer"], brief))):
        return None
    parts = {
        "stage1": open_question(family, row, say, "", {}),
        "stage2": music.tell_music(heard, say),
        "stage3": f"{line_up(clauses, say)} {conclude(row['answer'], say)}",
    }
    told = music.tell_music(heard, brief)
    if len(heard.stated) == 1 and list(heard.stated.get("voice", ())) == ["nobody"]:
        return None  # nothing but what is not there
    return parts, " ".join([told, line_up(against, brief), conclude(row["answer"], brief)])


def _assemble(
    family: str,
    row: Mapping[str, Any],
    heard: Heard,
    weigh: Callable[[str, events.Weigher], str],
    right: Event,
    offered: Sequence[Event],
) -> Told | None:
    """Return the stages; None where an option is left that nothing speaks against."""
    say, brief = Teller(row["id"]), Teller(row["id"], "brief")
    wrong = [choice for choice in row["choices"] if choice != row["answer"]]
    options = _order_options(row, say)
    weigher, short = events.Weigher(heard, say), events.Weigher(heard, brief)
    clauses = [weigh(option, weigher) for option in options]
    against = [weigh(option, short) for option in wrong]
    if not all((*clauses, *against)):
        return None
    opening = open_question(family, row, say, _tell_kinds(offered, say), name_cue(family, row, right))
    parts = {
        "stage1": opening,
        "stage2": tell_heard(heard, say, right),
        "stage3": f"{line_up(clauses, say)} {conclude(row['answer'], say)}",
    }
    told = tell_heard(heard, brief, right)
    return parts, " ".join([told, line_up(against, brief), conclude(row["answer"], brief)])


def _order_options(row: Mapping[str, Any], say: Teller) -> list[str]:
    """Return the options in one of several orders: as they stand, the right one first, last, or left out."""
    wrong = [choice for choice in row["choices"] if choice != row["answer"]]
    shapes = (list(row["choices"]), [row["answer"], *wrong], [*wrong, row["answer"]], wrong)
    return shapes[("offered", "first", "last", "wrong").index(say(("offered", "first", "last", "wrong")))]


def open_question(family: str, row: Mapping[str, Any], say: Teller, kinds: str, words: Mapping[str, str]) -> str:
    """Return the first stage: what is asked and how that is found by ear; it ends in the type of the question."""
    listening = _list_listening()[family]
    ways = capitalize(say(listening["ways"]).format(**words))
    return say(_OPENINGS).format(
        question=row["question"],
        type=row["question_type"],
        asked=listening["asked"].format(**words),
        ways=ways,
        kinds=f"{kinds} " if kinds else "",
    )


def name_cue(family: str, row: Mapping[str, Any], right: Event) -> dict[str, str]:
    """Return what a question is about, besides its answer."""
    cue = _find_cue(row)
    return {"the": name_definite(right), "sound": cue.text if cue else "the given sound"}


def _say_why(family: str, row: Mapping[str, Any], heard: Heard, right: Event) -> str | None:
    """Return why an event that is heard answers the question; None where what is heard does not say so."""
    cue = _find_cue(row)
    if family in ("beside", "while", "comes_after", "comes_before"):
        if not cue:
            return None
        if family == "beside":
            return f"beside {cue.text}"
        if family == "while":
            pairs = {*heard.together, *((other, one) for one, other in heard.together)}
            return f"at the same time as {cue.text}" if (cue, right) in pairs else None
        step = (cue, right) if family == "comes_after" else (right, cue)
        word = "after" if family == "comes_after" else "before"
        return f"right {word} {cue.text}" if step in heard.steps else None
    return "from further back" if family == "background" else ""


def _find_cue(row: Mapping[str, Any]) -> Event | None:
    """Return the event that a question names."""
    heard = hear(row)
    named = [one for one in heard.events if one.text in row["question"] or one.progress in row["question"]]
    return max(named, key=lambda one: len(one.text), default=None)


def _is_asked(event: Event, row: Mapping[str, Any]) -> bool:
    return name_definite(event) in row["question"]


def _tell_kinds(offered: Sequence[Event], say: Teller) -> str:
    """Return what kinds of sound are offered; nothing where that is not known."""
    kinds = Counter(kind_of(event.source) for event in offered)
    if not kinds or any(kind not in _KINDS for kind in kinds):
        return ""
    if len(kinds) == 1:
        [kind] = kinds
        ways: tuple[str, ...] = (
            "All four are {many}, so it is the finer differences that count.",
            "The options are all {many}, which have to be told apart by how they sound.",
        )
        return say(ways).format(many=_KINDS[kind][1])
    if len(kinds) == len(offered):
        listed = join([_KINDS[kind][0] for kind in kinds])
    else:
        listed = join(
            [
                f"{_MOST[count]} {'is' if count == 1 else 'are'} {_KINDS[kind][count > 1]}"
                for kind, count in kinds.most_common()
            ]
        )
        return say(("Of the options, {listed}.", "Among the four, {listed}.")).format(listed=listed)
    return say(("The options are {listed}.", "On offer are {listed}.", "It is between {listed}.")).format(listed=listed)


def _read_family(row: Mapping[str, Any]) -> str:
    made = [entry["prompt"] for entry in row["provenance"] if entry["column"] == "question"]
    return str(made[-1]) if made and row["method"] == "grounded" else ""


def hear(row: Mapping[str, Any]) -> Heard:
    """Return what the captions of a row agree on."""
    labels = [str(event["label"]) for event in select_events(row["events"], SOURCE)]
    return read_heard(listen(caption_texts(row["captions"]), labels))


@cache
def _list_listening() -> Mapping[str, Mapping[str, Any]]:
    """Return how to listen, by family."""
    table = tomllib.loads(Path(__file__).with_name("listening.toml").read_text("utf-8"))
    return {family: entry for entry in table.values() for family in entry["families"]}


_WEIGHERS: Mapping[str, Callable[[Mapping[str, Any]], Told | None]] = {
    "doing": _compose_doing,
    **{family: partial(_compose_named, family) for family in _NAMED},
    **{family: partial(_compose_pair, family) for family in ("pair", "in_order")},
    **{family: partial(_compose_place, family) for family in ("opens", "closes")},
    **{facet: partial(_compose_music, facet) for facet in music.FACETS},
    "traits": _compose_traits,
}

_JUDGES: Mapping[str, Callable[[str, music.Music, Teller], str]] = {
    "instrument": music.weigh_instrument,
    "voice": music.weigh_voice,
}
