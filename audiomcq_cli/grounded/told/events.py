"""Weighs options that are events against what is heard: one event, a pair, an order, what somebody does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audiomcq_cli.grounded.blocks.naming import name_definite
from audiomcq_cli.grounded.blocks.reading import ORDERS
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.lexicon import SOMETHING
from audiomcq_cli.grounded.measured.saying import Teller
from audiomcq_cli.grounded.pool import kind_of
from audiomcq_cli.grounded.sounding import describe, read_doing, read_event, read_events
from audiomcq_cli.grounded.told.scene import Heard, is_close

Pairs = Mapping[str, tuple[Event, Event]]


@dataclass(slots=True)
class Weigher:
    """Weighs events one after another, and says of what is heard only once what it sounds like."""

    heard: Heard
    say: Teller
    _described: set[Event] = field(default_factory=set)

    def weigh(self, option: str, event: Event, skip: Sequence[Event] = ()) -> str:
        """Return the clause that says why an event is not what is heard: the nearest that is heard beside it.

        Args:
            skip: What is heard that the option itself names, so that it is not weighed against that.
        """
        near = self.heard.find_nearest(event, skip)
        words = {"option": option, "like": describe(event)}
        if near:
            words |= {
                "near": near.text,
                "known": describe(near),
                "progress": near.progress,
                "subject": near.subject,
                "the": name_definite(near),
                "gerund": near.gerund,
                "too": _TOO.get(kind_of(event.source), ""),
            }
        return self.say(self._list_ways(event, near)).format(**words)

    def _list_ways(self, event: Event, near: Event | None) -> Sequence[str]:
        if not near:
            return _ABSENT
        if _is_by(near, event):
            return _BY_THE_SAME
        if describe(event) == describe(near):
            return _LIKE
        kin = kind_of(near.source) == kind_of(event.source) and kind_of(event.source) in _TOO
        if not is_close(near, event):
            return (*_ALSO, *_ABSENT[:3]) if kin else (*_ABSENT, *_FAR)
        if near in self._described:
            return (*_NEAR_AGAIN, *(_ALSO if kin else ()))
        self._described.add(near)
        return _NEAR

    def note(self, events: Sequence[Event]) -> None:
        """Remember that it has been said what some events sound like."""
        self._described.update(events)

    def fit(self, option: str, event: Event, why: str = "") -> str:
        """Return the clause that says that an event is there, and why that answers the question."""
        self._described.add(event)
        ways = (
            "{option} {be} there{why}: {like}",
            "as for {option}, that is what I get{why}: {like}",
            "what I hear{why} is {like}, and that means {option}",
            "I do hear {like}{why}, so {option} it is",
        )
        be = "are" if event.plural else "is"
        return self.say(ways).format(option=option, like=describe(event), be=be, why=f" {why}" if why else "")


_BY_THE_SAME = (
    "{option} would be {like}, but here {progress}",
    "for {option} I would need {like}; {the} can be heard {gerund} instead",
    "{option} would take {like} from {the}, and all I get is {gerund}",
    "{option} would mean {like}, and that is not how {gerund} sounds",
)
_LIKE = (
    "{option} would sound much like {near}, but it is {subject} that I hear",
    "{option} is close to {near} in kind; the one I hear comes from {subject}",
)
_ABSENT = (
    "for {option} I listen for {like}, and do not find it",
    "{like} would give away {option}, and that is missing",
    "{option} would come as {like}, and nothing here does",
    "nothing in the clip has {like}, as {option} would",
)
_FAR = (
    "{option} would be {like}, a long way from {near}",
    "{option} would stand out from {near} as {like}, and nothing stands out like that",
    "I get {near}, which nobody would take for {option}: that would be {like}",
)
_NEAR = (
    "{option} would be {like}; the nearest to that here is {near}, but that comes as {known}",
    "{option} would come as {like}, whereas {near} can be told by {known}",
    "what comes closest to {option} is {near}, yet I hear {known} and not {like}",
    "of {option} I would expect {like}, and from {near} I get {known}",
)
_NEAR_AGAIN = (
    "{option} would be {like}, unlike {near}",
    "for {option} I would have to hear {like}; the closest I get is {near}",
    "{like} would give away {option}, and {near} does not sound like that",
    "{near} might be taken for {option}, but not by whoever listens for {like}",
)
_ALSO = (
    "{option} would be {too} as well, but one with {like}",
    "{option} would again be {too}, this time with {like}",
    "{option} would be {too} too, though one to be known by {like}",
)
_TOO = {
    "person": "a human sound",
    "animal": "an animal",
    "vehicle": "a vehicle or motor",
    "machine": "a machine",
    "signal": "a signal",
}


def read_pairs(choices: Sequence[str], links: Sequence[str]) -> Pairs | None:
    """Return the two events of each option; None where one is not to be read."""
    found = {choice: read_events(choice, links) for choice in choices}
    return {choice: pair for choice, pair in found.items() if pair} if all(found.values()) else None


def read_ordered(choices: Sequence[str]) -> Pairs | None:
    """Return the two events of each option that is an order, the first of them first."""
    found: dict[str, tuple[Event, Event]] = {}
    for choice in choices:
        for way in ORDERS:
            before, link, after = way.partition("{0}")[0], *_cut(way)
            if choice.startswith(before) and choice.endswith(after):
                pair = read_events(choice[len(before) :], [link])
                if pair:
                    found.setdefault(choice, pair)
    return found if len(found) == len(choices) else None


def weigh_pair(option: str, pair: tuple[Event, Event], weigher: Weigher) -> str:
    """Return which half of a pair is missing, and what is heard in its place; empty where none surely is."""
    heard, say = weigher.heard, weigher.say
    missing = [event for event in pair if not heard.find(event.text) and not heard.may_hear(event)]
    there = [event for event in pair if heard.find(event.text)]
    if not missing:
        return ""
    half = weigher.weigh(missing[0].text, missing[0], there)
    if len(missing) == 2:
        ways: Sequence[str] = (
            '"{option}" has neither of them: {half}',
            '"{option}" fails by both; to name one, {half}',
            'nothing of "{option}" is there: {half}',
        )
        return say(ways).format(option=option, half=half)
    if there:
        ways = (
            '"{option}" is half right, with {there}; {half}',
            '"{option}" has {there} in it, but {half}',
            'of "{option}" I do hear {there}, yet {half}',
            '"{option}" shares {there} with the clip and fails by the rest: {half}',
        )
        return say(ways).format(option=option, half=half, there=there[0].text)
    return say(('"{option}" fails by one half: {half}', 'in "{option}" one half is missing: {half}')).format(
        option=option, half=half
    )


def weigh_order(option: str, pair: tuple[Event, Event], weigher: Weigher) -> str:
    """Return what is wrong with an order: a sound that is missing, or that the two come the other way round."""
    if missing := weigh_pair(option, pair, weigher):
        return missing
    found = [weigher.heard.find(event.text) for event in pair]
    if (found[1], found[0]) in weigher.heard.steps:
        ways = (
            '"{option}" has both sounds but turns them round: {other} is there before {one}',
            '"{option}" is the wrong way about, as {one} comes only after {other}',
            'in "{option}" the two have changed places; I hear {other} first and {one} behind it',
        )
        return weigher.say(ways).format(option=option, one=pair[0].text, other=pair[1].text)
    return ""


def fit_pair(option: str, pair: tuple[Event, Event], weigher: Weigher) -> str:
    """Return that both sounds of the right pair are there."""
    one, other = pair
    ways = (
        'both halves of "{option}" are there, {one} and {other}',
        '"{option}" has both: {one} for the first, {other} for the second',
        'for "{option}" I get {one}, and {other} besides',
        '"{option}" holds, by {one} and by {other}',
    )
    weigher.note(pair)
    return weigher.say(ways).format(option=option, one=describe(one), other=describe(other))


def fit_order(option: str, pair: tuple[Event, Event], weigher: Weigher) -> str:
    """Return that both sounds of the right order are there, in that order."""
    one, other = pair
    ways = (
        '"{option}" has it as it is: {one} to begin with, and {other} behind it',
        'in "{option}" both the sounds and their order are right, {one} giving way to {other}',
        '"{option}" fits, as {one} is followed by {other}',
    )
    weigher.note(pair)
    return weigher.say(ways).format(option=option, one=describe(one), other=describe(other))


def read_singles(choices: Sequence[str], heard: Heard) -> Mapping[str, Event] | None:
    """Return the event of each option; None where one is not to be read."""
    found = {choice: heard.find(choice) or read_event(choice) for choice in choices}
    return {choice: event for choice, event in found.items() if event} if all(found.values()) else None


def read_doings(choices: Sequence[str], answer: Event) -> Mapping[str, Event] | None:
    """Return each option as something that the one who is asked about would do."""
    found = {choice: read_doing(answer.source, choice, plural=answer.plural) for choice in choices}
    return {choice: event for choice, event in found.items() if event} if all(found.values()) else None


def _is_by(near: Event, event: Event) -> bool:
    """Return whether both are done by the same one, who is no more than somebody or something."""
    return near.source == event.source != SOMETHING and near.action != event.action and kind_of(near.source) != "nature"


def _cut(way: str) -> tuple[str, str]:
    """Return what stands between and behind the two places of an order."""
    _, _, rest = way.partition("{0}")
    link, _, after = rest.partition("{1}")
    return link, after
