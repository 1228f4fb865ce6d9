"""Reads what is heard out of captions: events, what goes on at the same time, and in which order they come.

What a caption names beside the events still counts as said, so that it is never offered as a wrong option.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from audiomcq_cli.grounded.clauses import BEFORE, TIMES, TOKEN, Clause, Event, read_clauses
from audiomcq_cli.grounded.lexicon import Lexicon, load

_COUNTED = re.compile(rf"\b(?:again|more|twice as|times as)\b|{TIMES.pattern}")

LONGEST = 4_000
"""Characters of a caption that are read."""

_KEPT = 4_096
"""Clips whose scene is kept: several modules listen to one clip, some of them after all others of its shard."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two events of one caption and how they lie in time (``BEFORE`` or ``DURING``)."""

    first: Event
    second: Event
    relation: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What the captions of a clip say is heard.

    Attributes:
        events: Distinct by concept, in the order of the captions; ``counts`` says how many captions have each, as an
            event or in other words that name both its source and such an action.
        pairs: Events whose order, or whose being together, a caption states.
        chain: All events of the clip in order, where a caption states the order of all of them; else empty.
        sources, actions: Everything that is named anywhere, as part of an event or not.
        captions: How many captions there are.
    """

    events: tuple[Event, ...]
    counts: Mapping[tuple[str, str], int]
    pairs: tuple[Pair, ...]
    chain: tuple[Event, ...]
    sources: frozenset[str]
    actions: frozenset[str]
    captions: int

    def agreed(self) -> list[Event]:
        """Events that half of the captions have, at least: of one caption all, of five those in three."""
        return [event for event in self.events if 2 * self.counts[event.concept] >= self.captions]


def listen(captions: Sequence[str], labels: Sequence[str] = ()) -> Scene:
    """What some captions of one clip say is heard; labels of known events count as named."""
    return _listen(tuple(text[:LONGEST] for text in captions), tuple(labels))


@lru_cache(_KEPT)
def _listen(captions: tuple[str, ...], labels: tuple[str, ...]) -> Scene:
    lexicon = load()
    read = [list(read_clauses(" ".join(text.lower().split()), lexicon)) for text in captions]
    counted = {count for text in captions for count in _COUNTED.findall(text.lower())}
    if "" in counted or len(counted) > 1:
        read = [[_forget_times(clause) for clause in clauses] for clauses in read]
    events: dict[tuple[str, str], Event] = {}
    stated: list[set[tuple[str, str]]] = []
    for clauses in read:
        found = {clause.event.concept: clause.event for clause in clauses if clause.event}
        events = found | events
        stated.append(set(found))
    named = [_find_named([text], lexicon) for text in captions] if len(captions) > 1 else []
    counts = {concept: _count(concept, stated, named, lexicon) for concept in events}
    sources, actions = _find_named([*captions, *labels], lexicon)
    return Scene(
        events=tuple(events.values()),
        counts=counts,
        pairs=tuple(pair for clauses in read for pair in _pair(clauses)),
        chain=_chain(read[0]) if len(read) == 1 else (),
        sources=sources,
        actions=actions,
        captions=len(captions),
    )


def _count(
    concept: tuple[str, str],
    stated: Sequence[set[tuple[str, str]]],
    named: Sequence[tuple[frozenset[str], frozenset[str]]],
    lexicon: Lexicon,
) -> int:
    """Captions that have an event, or name its source and an action like its own in whatever way."""
    source, action = concept
    like = [
        source in sources and any(lexicon.alike(action, other) for other in actions) for sources, actions in named
    ] or [False] * len(stated)
    return sum(concept in events or also for events, also in zip(stated, like, strict=True))


def _forget_times(clause: Clause) -> Clause:
    """A clause of captions that count more than once, so that no number is of all the clip."""
    return replace(clause, event=replace(clause.event, times="")) if clause.event else clause


def _pair(clauses: Sequence[Clause]) -> Iterator[Pair]:
    for first, second in pairwise(clauses):
        if first.event and second.event and second.link and first.event.concept != second.event.concept:
            if second.link == "after":
                yield Pair(second.event, first.event, BEFORE)
            else:
                yield Pair(first.event, second.event, second.link)


def _chain(clauses: Sequence[Clause]) -> tuple[Event, ...]:
    """The events of a caption, where every clause is one and each comes before the next."""
    events = tuple(clause.event for clause in clauses if clause.event)
    links = {clause.link for clause in clauses[1:]}
    distinct = len({event.concept for event in events}) == len(events)
    return events if len(events) == len(clauses) > 1 and links == {BEFORE} and distinct else ()


def _find_named(captions: Sequence[str], lexicon: Lexicon) -> tuple[frozenset[str], frozenset[str]]:
    """Every source and action that is named anywhere, in whatever clause."""
    sources: set[str] = set()
    sounds: set[str] = set()
    verbs: set[str] = set()
    for caption in captions:
        words = TOKEN.findall(caption.lower().replace("-", " "))
        for place in range(len(words)):
            for length in range(1, lexicon.reach(words, place) + 1):
                form = tuple(words[place : place + length])
                if noun := lexicon.nouns.get(form):
                    sources.add(noun.source)
                if sound := lexicon.sounds.get(form):
                    sounds.add(sound)
                if said := lexicon.said.get(form):
                    verbs.add(said)
                verbs.update(verb.action for verb in lexicon.verbs.get(form, ()))
    done = {name for name in verbs if any(lexicon.covers(name, source) for source in sources)}
    # "barking" alone says that there is a dog; what neither is done by anybody named nor says who does it, is no sound.
    alone = {name: lexicon.actions[name].alone for name in (verbs | sounds) - done}
    vague = {name for name in verbs if lexicon.actions[name].vague}
    return (
        frozenset(sources | set(alone.values()) - {""}),
        frozenset(done | sounds | vague | {name for name in alone if alone[name]}),
    )
