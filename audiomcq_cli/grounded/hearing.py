"""Reads what is heard out of captions: events, what goes on at the same time, and in which order they come.

What a caption names beside the events still counts as said, so that it is never offered as a wrong option.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from audiomcq_cli.grounded.clauses import BEFORE, DURING, UNREAL, Clause, read_clauses
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.grammar import TIMES, TOKEN
from audiomcq_cli.grounded.lexicon import SOMETHING, Lexicon, Words, load

_COUNTED = re.compile(rf"\b(?:again|more|twice as|times as)\b|{TIMES.pattern}")

Concept = tuple[str, str]
"""A source and an action."""

_DOUBT = re.compile(r"\b(?:like|imitat\w+|mimic\w*|pretend\w*|as if|or|resembl\w+)\b")
"""Words of a caption that leave open whether what it names is heard: it is not asked about.
"""

_SURE = 2
"""Captions that have to state an event before any others can bear it out."""

_SPOKEN = frozenset({"speak", "whisper", "shout", "sing"})
"""What voices do, whether somebody is named or not."""

_CLEAR = frozenset({"animal", "person", "vehicle", "music", "signal"})
"""Kinds of things that who hears them hardly takes for something else; a caption may pass over them."""

_NOT_ON_ROADS = frozenset({"aircraft", "airplane", "helicopter", "train", "tram", "boat"})
"""Sources that nobody who hears them calls a vehicle."""

_GENERAL = frozenset({"engine", "machine", "vehicle", "traffic", "water"})
"""Sources that go by other names just as well."""

_MISTAKEN: Mapping[str, frozenset[str]] = {
    "vehicle": frozenset({"vehicle", "machine", "part", "nature"}),
    "machine": frozenset({"vehicle", "machine", "part", "nature", "household"}),
    "nature": frozenset({"nature", "household", "machine", "vehicle"}),
    "household": frozenset({"household", "nature", "machine", "blast", "part"}),
    "signal": frozenset({"signal", "music", "animal"}),
    "music": frozenset({"music", "signal"}),
}
"""Kinds that things of a kind are taken for, beside their own."""

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
        hinted: Sources that the words let one expect, but do not name.
        captions: How many captions there are.
    """

    events: tuple[Event, ...]
    counts: Mapping[tuple[str, str], int]
    pairs: tuple[Pair, ...]
    chain: tuple[Event, ...]
    sources: frozenset[str]
    actions: frozenset[str]
    captions: int
    hinted: frozenset[str] = frozenset()

    def agreed(self) -> list[Event]:
        """Events that half of the captions have, at least: of one caption all, of five those in three."""
        return [event for event in self.events if 2 * self.counts[event.concept] >= self.captions]


def listen(captions: Sequence[str], labels: Sequence[str] = ()) -> Scene:
    """Return what some captions of one clip say is heard; labels of known events count as named."""
    return _listen(tuple(text[:LONGEST] for text in captions), tuple(labels))


@lru_cache(_KEPT)
def _listen(captions: tuple[str, ...], labels: tuple[str, ...]) -> Scene:
    lexicon = load()
    read = [list(read_clauses(" ".join(text.lower().split()), lexicon)) for text in captions]
    counted = {count for text in captions for count in _COUNTED.findall(text.lower())}
    if "" in counted or len(counted) > 1:
        read = [[_forget_times(clause) for clause in clauses] for clauses in read]
    told: dict[Concept, list[Event]] = {}
    for clauses in read:
        for event in {clause.event.concept: clause.event for clause in clauses if clause.event}.values():
            told.setdefault(event.concept, []).append(event)
    stated = [{clause.event.concept for clause in clauses if clause.event} for clauses in read]
    named = [_find_named([text], lexicon, guess=False) for text in captions] if len(captions) > 1 else []
    doubted = [names[0] for names, text in zip(named, captions, strict=False) if _leaves_open(text.lower())]
    counts = {
        concept: 0 if any(concept[0] in names for names in doubted) else _count(concept, stated, named, lexicon)
        for concept in told
    }
    sources, actions = _find_named([*captions, *labels], lexicon)
    hinted = {name for text in captions for word in TOKEN.findall(text.lower()) for name in lexicon.hints.get(word, ())}
    return Scene(
        events=tuple(map(_choose_words, told.values())),
        counts=counts,
        pairs=tuple(pair for clauses in read for pair in _pair(clauses)),
        chain=_chain(read[0]) if len(read) == 1 else (),
        sources=sources | {source for source, _ in told} - {SOMETHING},
        hinted=frozenset(hinted) - sources,
        actions=actions | {action for _, action in told},
        captions=len(captions),
    )


def _leaves_open(text: str) -> bool:
    return bool(_DOUBT.search(text) or UNREAL.search(text))


def _choose_words(events: Sequence[Event]) -> Event:
    """Return an event in the words of most captions that have it, and as one or several; of equals as in the first."""
    verbs, numbers = Counter(event.verb for event in events), Counter(event.plural for event in events)
    plural = max(events, key=lambda event: numbers[event.plural]).plural
    return replace(max(events, key=lambda event: verbs[event.verb]), plural=plural)


def _count(
    concept: Concept,
    stated: Sequence[set[Concept]],
    named: Sequence[tuple[frozenset[str], frozenset[str]]],
    lexicon: Lexicon,
) -> int:
    """Captions that have an event, or name its source and an action like its own in whatever way.

    Of what two captions have at least, those count as well that bear it out (name the thing, or what it is one of, or
    such an action of nobody else), and those that leave it open (name nothing of a kind that it could be taken for).
    """
    source, action = concept
    if not named:
        return sum(concept in events for events in stated)
    have = [
        concept in events or (source in sources and any(lexicon.alike(action, other) for other in actions))
        for events, (sources, actions) in zip(stated, named, strict=True)
    ]
    if _is_disputed(concept, have, named, lexicon):
        return 0
    often = sum(concept in events for events in stated)
    if often < _SURE < len(stated) and source != SOMETHING and lexicon.sources[source].kind == "person":
        return often  # "children play as adults laugh" has no children laugh
    rivals = (one for events in stated for one in events if one[0] == source and one != concept)
    if (
        sum(have) < _SURE
        or source == SOMETHING
        or any(sum(one in events for events in stated) > often for one in rivals)
    ):
        return sum(have)
    return sum(
        has or _bears_out(concept, sources, actions, lexicon)
        for has, (sources, actions) in zip(have, named, strict=True)
    )


def _is_disputed(
    concept: Concept, have: Sequence[bool], named: Sequence[tuple[frozenset[str], frozenset[str]]], lexicon: Lexicon
) -> bool:
    """Return whether other captions take the source for something else: ducks, where this one has chickens.

    What no caption names together with it may be such a rival. One caption of four may have one if most have the event.
    """
    source = concept[0]
    if source == SOMETHING:
        return False
    known = lexicon.sources[source]
    kinds = _MISTAKEN.get(known.kind, frozenset({known.kind}))
    names = {source, *known.broader} - ({"vehicle"} if source in _NOT_ON_ROADS else set())
    beside = names.union(*(sources for has, (sources, _) in zip(have, named, strict=True) if has))
    rivals = sum(
        not has
        and source not in sources
        and any(lexicon.sources[name].kind in kinds and _is_rival(source, name, lexicon) for name in sources - beside)
        for has, (sources, _) in zip(have, named, strict=True)
    )
    return rivals > (len(have) // 4 if 2 * sum(have) > len(have) else 0)


def _is_rival(one: str, other: str, lexicon: Lexicon) -> bool:
    """Return whether two sources are different things, however easily they are taken for one another: a stream and a
    tap.
    """
    if not lexicon.same(one, other) or (other == "vehicle" and one in _NOT_ON_ROADS):
        return True
    first, second = lexicon.sources[one], lexicon.sources[other]
    return not (one == other or one in second.broader or other in first.broader or {one, other} & _GENERAL)


def _bears_out(concept: Concept, sources: frozenset[str], actions: frozenset[str], lexicon: Lexicon) -> bool:
    """Return whether a caption that does not state an event agrees with it, or leaves it open."""
    source, action = concept
    known = lexicon.sources[source]
    if source in sources or any(name in sources for name in known.broader):
        return True
    kinds = _MISTAKEN.get(known.kind, frozenset({known.kind}))
    if any(lexicon.sources[name].kind in kinds and not lexicon.same(source, name) for name in sources):
        return False
    return known.kind in _CLEAR or any(lexicon.alike(action, other) for other in actions)


def _forget_times(clause: Clause) -> Clause:
    """Return a clause of captions that count more than once, so that no number is of all the clip."""
    return replace(clause, event=replace(clause.event, times="")) if clause.event else clause


def _pair(clauses: Sequence[Clause]) -> Iterator[Pair]:
    """Yield the events of neighbouring clauses; no order of a sound that is heard more than once."""
    times = Counter(clause.event.concept for clause in clauses if clause.event)
    for first, second in pairwise(clauses):
        if first.event and second.event and second.link and first.event.concept != second.event.concept:
            if second.link != DURING and max(times[first.event.concept], times[second.event.concept]) > 1:
                continue
            if second.link == "after":
                yield Pair(second.event, first.event, BEFORE)
            else:
                yield Pair(first.event, second.event, second.link)


def _chain(clauses: Sequence[Clause]) -> tuple[Event, ...]:
    """Return the events of a caption, where every clause is one and each comes before the next."""
    events = tuple(clause.event for clause in clauses if clause.event)
    links = {clause.link for clause in clauses[1:]}
    distinct = len({event.concept for event in events}) == len(events)
    return events if len(events) == len(clauses) > 1 and links == {BEFORE} and distinct else ()


def _find_named(
    captions: Sequence[str], lexicon: Lexicon, *, guess: bool = True
) -> tuple[frozenset[str], frozenset[str]]:
    """Return every source and action that is named anywhere, in whatever clause.

    Args:
        guess: Take a bare sound for that of who makes it even where another of that kind is named, who may make it too
            ("a goose cackles").
    """
    sources: set[str] = set()
    sounds: set[str] = set()
    verbs: set[str] = set()
    voices: set[Words] = set()
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
                if said_by := {verb.action for verb in lexicon.verbs.get(form, ())}:
                    verbs |= said_by
                    if said_by & _SPOKEN:
                        voices.add(form)
    done = {name for name in verbs if any(lexicon.covers(name, source) for source in sources)}
    # "barking" alone says that there is a dog; what neither is done by anybody named nor says who does it, is no sound.
    alone = {name: lexicon.actions[name].alone for name in (verbs | sounds) - done}
    if not guess:
        kinds = {lexicon.sources[source].kind for source in sources}
        alone = {
            name: "" if who not in ("", SOMETHING) and lexicon.sources[who].kind in kinds else who
            for name, who in alone.items()
        }
    vague = {name for name in verbs if lexicon.actions[name].vague}
    # "Faint murmuring" and "he talks" leave open whose voice it is.
    for form in voices:
        acts = {verb.action for verb in lexicon.verbs[form]}
        vague |= set() if acts & done else acts & _SPOKEN
    return (
        frozenset(sources | set(alone.values()) - {"", SOMETHING}),
        frozenset(done | sounds | vague | {name for name in alone if alone[name]}),
    )
