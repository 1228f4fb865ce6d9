"""What a listener hears of a clip, out of what its captions agree on: in sentences of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiomcq_cli.grounded.blocks.events import find_texture, list_audible, number
from audiomcq_cli.grounded.blocks.naming import name_plainly
from audiomcq_cli.grounded.clauses import BEFORE
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import Scene
from audiomcq_cli.grounded.lexicon import SOMETHING, load
from audiomcq_cli.grounded.measured.family import Say
from audiomcq_cli.grounded.measured.options import join
from audiomcq_cli.grounded.measured.saying import capitalize
from audiomcq_cli.grounded.pool import kind_of
from audiomcq_cli.grounded.sounding import describe


@dataclass(frozen=True, slots=True)
class Heard:
    """A scene as it is told.

    Attributes:
        events: What captions agree on, in the words of options. steps: Pairs of those of which the first is over before
            the second begins. together: Pairs of those that go on at once.
        audible: Bits of all events that the scene leaves open (see ``events.list_audible``).
    """

    events: tuple[Event, ...]
    steps: tuple[tuple[Event, Event], ...]
    together: tuple[tuple[Event, Event], ...]
    audible: int

    def find(self, text: str) -> Event | None:
        """Return the event that an option names, if it is one of those that are heard."""
        return next((event for event in self.events if event.text == text), None)

    def may_hear(self, event: Event) -> bool:
        """Return whether the scene leaves it open whether an event is heard."""
        return bool(self.audible >> number(event.concept) & 1) or any(_may_be(event, other) for other in self.events)

    def find_nearest(self, event: Event, skip: Sequence[Event] = ()) -> Event | None:
        """Return what is heard that comes closest to an event: by who makes it, by its sound, by its kind.

        Args:
            skip: Events to leave out; None is returned where no other is heard.
        """
        others = [other for other in self.events if other not in skip]
        return max(others, key=lambda other: _compare(event, other), default=None)


def _may_be(one: Event, other: Event) -> bool:
    """Return whether an event that is heard may be another: somebody who speaks may be a man."""
    named = SOMETHING not in (one.source, other.source)
    return named and load().same(one.source, other.source) and load().alike(one.action, other.action)


def is_close(one: Event, other: Event) -> bool:
    """Return whether one event might be taken for another, by what makes it or by how it sounds."""
    return any(_compare(one, other)[:3])


def _compare(one: Event, other: Event) -> tuple[bool, ...]:
    named = SOMETHING not in (one.source, other.source)
    textures = {find_texture(one.concept), find_texture(other.concept)}
    return (
        named and load().same(one.source, other.source) and (kind_of(one.source) != "person" or len(textures) == 1),
        load().alike(one.action, other.action),
        len(textures) == 1 and not textures & _BROAD,
        named and kind_of(one.source) == kind_of(other.source),
    )


_BROAD = frozenset({"impact", "noise"})
"""Textures of which two sounds may have nothing else in common: a step and a creaking door, rain and applause."""


def read_heard(scene: Scene) -> Heard:
    """Return what of a scene can be told: its agreed events, and how they lie in time where captions state that."""
    plain = {event.concept: name_plainly(event) for event in scene.agreed()}
    pairs = [
        (plain[pair.first.concept], plain[pair.second.concept], pair.relation)
        for pair in scene.pairs
        if pair.first.concept in plain and pair.second.concept in plain
    ]
    steps = [(one, other) for one, other, relation in pairs if relation == BEFORE]
    steps = [(one, other) for one, other in steps if (other, one) not in steps]
    together = [(one, other) for one, other, relation in pairs if relation != BEFORE]
    return Heard(
        events=tuple(plain.values()),
        steps=tuple(dict.fromkeys(steps)),
        together=tuple(pair for pair in dict.fromkeys(together) if pair not in steps and pair[::-1] not in steps),
        audible=list_audible(scene),
    )


def tell_heard(heard: Heard, say: Say, first: Event | None = None) -> str:
    """Return what is heard in a few sentences: what follows what, what goes on at once, and the rest.

    Args:
        first: An event that is told even if there are more than one keeps in mind.
    """
    told: list[Event] = []
    sentences = []
    for one, other in heard.steps[:2]:
        sentences.append(_tell_step(one, other, one in told, say))
        told += [one, other]
    for one, other in heard.together[:2]:
        if not (one in told and other in told) and one.source != other.source:
            sentences.append(_tell_together(one, other, say))
            told += [one, other]
    far = next((event for event in heard.events if event.background), None)
    rest = [event for event in heard.events if event not in told and event != far]
    if first in rest:
        rest.remove(first)
        rest.insert(0, first)
    if rest:
        sentences.append(_tell_rest(rest[:4], bool(told), say))
    if far:
        sentences.append(_tell_far(far, far in told, say))
    return " ".join(capitalize(sentence) for sentence in sentences)


def _tell_step(one: Event, other: Event, known: bool, say: Say) -> str:
    if known:
        ways: tuple[str, ...] = ("after that comes {other}.", "then it is {other} that I hear.", "{other} follows.")
    else:
        ways = (
            "{one} {come} before {other}.",
            "I hear {one}, and after that {other}.",
            "the one before the other, I hear {one} and {other}.",
            "I hear {one} until that gives way to {other}.",
            "it goes from {one} to {other}.",
        )
    come = "come" if one.plural else "comes"
    return say(ways).format(one=one.text, other=other.text, come=come)


def _tell_together(one: Event, other: Event, say: Say) -> str:
    ways = (
        "{one} while {other}.",
        "{first} and {second} can be heard at the same time.",
        "at the same time as {first} I hear {second}.",
        "{one}, and along with that {other}.",
        "{first} and {second} overlap.",
    )
    return say(ways).format(one=one.progress, other=other.progress, first=one.text, second=other.text)


def _tell_rest(rest: Sequence[Event], more: bool, say: Say) -> str:
    listed = join([event.text for event in rest])
    be = "are" if rest[0].plural else "is"
    if more:
        ways: tuple[str, ...] = (
            "besides, I can make out {listed}.",
            "there {be} also {listed}.",
            "I notice {listed} as well.",
            "{listed} can be heard too.",
        )
    elif len(rest) == 1:
        like = describe(rest[0])
        ways = (
            "what I can make out is {listed}: {like}.",
            "{like}: that is {listed}.",
            "I hear {listed}, and know it by {like}.",
            "the sound to go by is that of {listed}: {like}.",
            "clearly there {be} {listed}, {like}.",
            "{like} can be heard, as of {listed}.",
            "I make out {like}, and take that for {listed}.",
            "listening in, I find {listed}, by the sound of it: {like}.",
            "there {be} {listed} to be heard, with {like}.",
        )
        return say(ways).format(listed=listed, like=like, be=be)
    else:
        ways = (
            "I can make out {listed}.",
            "what I hear is {listed}.",
            "there {be} {listed}.",
            "{listed} can be heard.",
            "the clip has {listed}.",
        )
    return say(ways).format(listed=listed, be=be)


def _tell_far(event: Event, known: bool, say: Say) -> str:
    if known:
        ways: tuple[str, ...] = ("{text} {stay} in the background.", "{text} {come} from some distance.")
    else:
        ways = (
            "in the background I hear {text}: {like}.",
            "further back I can make out {text}, {like}.",
            "from some distance I get {text}, which I know by {like}.",
        )
    stay, come = ("stay", "come") if event.plural else ("stays", "comes")
    return say(ways).format(text=event.text, stay=stay, come=come, like=describe(event))
