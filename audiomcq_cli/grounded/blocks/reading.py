"""Reads the claims of a clip: what its captions state, what is said of its music, and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from audiomcq_cli.grounded.blocks.claims import Candidate, Claim
from audiomcq_cli.grounded.blocks.events import find_texture, list_audible, number
from audiomcq_cli.grounded.blocks.naming import name_definite, name_plainly
from audiomcq_cli.grounded.blocks.surfaces import find_ground
from audiomcq_cli.grounded.blocks.traits import RANKED, name_traits
from audiomcq_cli.grounded.clauses import BEFORE, DURING
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import Scene, listen
from audiomcq_cli.grounded.lexicon import SOMETHING, load
from audiomcq_cli.grounded.measured.clip import read_clip
from audiomcq_cli.grounded.measured.family import Fact, Family
from audiomcq_cli.grounded.measured.options import COUNTS
from audiomcq_cli.grounded.measured.proof import FAMILIES, sign, solve
from audiomcq_cli.grounded.music import Trait, load_facets, read_traits
from audiomcq_cli.grounded.pool import kind_of
from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.measurements import SOURCE, select_events
from audiomcq_cli.records import draw

NAMED = ("animal", "vehicle", "machine")
"""Kinds of which the thing alone is an option: "a dog" rather than "a dog barking"."""

CLASSES: Mapping[str, str] = {
    **{kind: kind for kind in NAMED},
    "person": "human", "nature": "nature", "household": "household", "signal": "signal", SOMETHING: "noise",
}  # fmt: skip
"""Family that asks for a sound of one kind, by kind."""

_TOO_BROAD = frozenset(
    {"animal", "vehicle", "traffic", "tire", "brakes", "aircraft", "race_cars", "machine", "engine", "tool"}
)
"""Sources that are no answer to a question after an animal, a vehicle or a machine: too broad, or a part only."""

_WHO = frozenset({"laugh", "shout", "sing", "whistle", "cough", "sneeze", "snore", "cry"})
"""What anybody may be heard to do, so that who does it is a question."""

_OF_MANY = frozenset({"clap", "cheer", "chant"})
"""What a single person, of whom no more is known, is hardly heard to do."""

ORDERS = ("{0}, then {1}", "{0}, and then {1}", "first {0}, then {1}", "first {0}, and then {1}")
"""Ways to name an order. The options of a block share one, but for an order beside its reverse: a scorer that ignores
the order of words has to tell them apart.
"""

TRAITS_FROM = 100_000
"""Numbers of what is said of music begin here; below are those of events."""


def read_candidate(row: Mapping[str, Any], cluster: str = "") -> Candidate:
    """Return what a clip (a row of ``records.CLIP``) offers to blocks; ``cluster``: what it is a duplicate of, if
    anything.
    """
    captions = caption_texts(row["captions"])
    known = select_events(row["events"], SOURCE)
    scene = listen(captions, [str(event["label"]) for event in known])
    traits = read_traits(captions)
    steps = [(pair.first.concept, pair.second.concept) for pair in scene.pairs if pair.relation == BEFORE]
    claims = [
        *_read_scene(scene, timed=bool(known)),
        *(Claim("surface", "", ground, (ground,)) for ground in find_ground(captions)),
        *_read_music(traits),
        *_read_measured(row),
    ]
    return Candidate(
        clip=row["clip_id"],
        cluster=cluster or row["clip_id"],
        claims=tuple(dict.fromkeys(claims)),
        audible=list_audible(scene),
        orders=frozenset((number(first), number(second)) for first, second in steps),
        sources=scene.sources | scene.hinted,
        actions=scene.actions,
        traits=frozenset(
            TRAITS_FROM + 100 * list(load_facets()).index(trait.facet) + family
            for trait in traits
            for family in trait.named
        ),
    )


def _read_scene(scene: Scene, *, timed: bool) -> Iterator[Claim]:
    agreed = [name_plainly(event) for event in scene.agreed()]
    for event in agreed:
        yield _claim("presence", "", event)
        yield from _read_class(event)
        yield from _read_doing(event, scene)
        others = [one for one in scene.events if one.concept != event.concept]
        if event.background and not any(other.background for other in others):
            yield _claim("background", "", event)
        if event.times in COUNTS and not timed:
            yield _read_times(event)
    for first, second in combinations(agreed, 2):
        if not are_close(first, second):
            if first.source != second.source or first.source == SOMETHING:
                yield _read_pair(first, second)
            yield _claim("beside", first.text, second, {"sound": first.text})
            yield _claim("beside", second.text, first, {"sound": second.text})
    yield from _read_order(scene, agreed)


def _claim(family: str, ask: str, event: Event, words: Mapping[str, str] | None = None) -> Claim:
    kind = kind_of(event.source)
    texture = find_texture(event.concept)
    return Claim(family, ask, _key(event), (event.text,), (number(event.concept),), kind, texture, words or {})


def _key(event: Event) -> str:
    return " ".join(event.concept)


def _read_class(event: Event) -> Iterator[Claim]:
    """Yield which of its class it is; of people what they do, of animals which they are."""
    kind = kind_of(event.source)
    if kind in NAMED:
        if event.source not in _TOO_BROAD:
            texture = find_texture(event.concept)
            yield Claim(kind, "", event.source, (event.subject,), (number(event.concept),), kind, texture)
    elif kind in CLASSES:
        yield _claim(CLASSES[kind], "", event)


def _read_doing(event: Event, scene: Scene) -> Iterator[Claim]:
    """Yield what somebody or something does, or who does it, where nothing else of its kind is named."""
    kind = kind_of(event.source)
    if kind == SOMETHING or not _is_alone(event, scene):
        return
    the = name_definite(event)
    be, do = ("are", "do") if event.plural else ("is", "does")
    words = {"the": the, "be": be, "do": do}
    if kind != "person" or _is_only_act(event, scene):
        yield Claim("doing", the, event.action, (event.gerund,), (number(event.concept),), kind, words=words)
    if event.action in _WHO and event.source != "person":
        yield Claim("who", event.gerund, event.source, (event.subject,), (), kind, words={"gerund": event.gerund})


def _is_only_act(event: Event, scene: Scene) -> bool:
    """Return whether somebody is said to do something, and nobody is said to do anything else."""
    lexicon = load()
    if not event.stated or (event.source == "person" and event.action in _OF_MANY):
        return False
    return not any(
        "person" in lexicon.actions[name].of
        and not lexicon.actions[name].vague
        and not lexicon.alike(name, event.action)
        for name in scene.actions
    )


def _is_alone(event: Event, scene: Scene) -> bool:
    kind = kind_of(event.source)
    allowed = (event.source, *load().sources[event.source].broader)
    if any(kind_of(name) == kind and name not in allowed for name in scene.sources):
        return False
    return not any(kind_of(one.source) == kind and one.concept != event.concept for one in scene.events)


def _read_times(event: Event) -> Claim:
    do = "do" if event.plural else "does"
    words = {"do": do, "the": name_definite(event), "verb": event.verb}
    return Claim("how_often", f"{words['the']} {event.verb}", event.times, (event.times,), words=words)


def _read_pair(first: Event, second: Event) -> Claim:
    """Both of two sounds; which is named first says nothing. What both do is said once."""
    one, other = sorted(
        (first, second), key=lambda event: draw("pair", *sorted((_key(first), _key(second))), _key(event))
    )
    events = tuple(sorted((number(first.concept), number(second.concept))))
    key = " + ".join(sorted((_key(first), _key(second))))
    same = one.gerund == other.gerund and SOMETHING not in (one.source, other.source)
    if same and other.plural and not one.plural:
        one, other = (
            other,
            one,
        )  # women and a man speaking: in "a man and women" the verb could be that of the women alone
    text = f"{one.subject} and {other.text}" if same else f"{one.text} and {other.text}"
    return Claim("pair", "", key, (text,), events)


def _read_order(scene: Scene, agreed: list[Event]) -> Iterator[Claim]:
    """Yield what the captions state of when two sounds are heard."""
    plain = {event.concept: event for event in agreed}
    steps = [(pair.first.concept, pair.second.concept) for pair in scene.pairs if pair.relation == BEFORE]
    before, after = Counter(first for first, _ in set(steps)), Counter(second for _, second in set(steps))
    for pair in scene.pairs:
        if pair.first.concept not in plain or pair.second.concept not in plain:
            continue
        first, second = plain[pair.first.concept], plain[pair.second.concept]
        if are_close(first, second):
            continue  # a drill operating, then another tool: the one would do as well as the other
        if pair.relation == DURING:
            for event, cue in ((first, second), (second, first)):
                yield _claim("while", cue.progress, event, {"cue": cue.progress, "sound": cue.text})
        elif pair.relation == BEFORE and not _leads(second.concept, first.concept, steps):
            outer = not after[first.concept] and not before[second.concept]
            yield from _read_step(first, second, outer=outer)
            if before[first.concept] == 1:
                yield _claim("comes_after", first.text, second, {"sound": first.text})
            if after[second.concept] == 1:
                yield _claim("comes_before", second.text, first, {"sound": second.text})


def _read_step(first: Event, second: Event, *, outer: bool) -> Iterator[Claim]:
    """Yield the order of two sounds; of the outer sounds of a clip also which is the first and which the last."""
    numbers = (number(first.concept), number(second.concept))
    same = first.source == second.source != SOMETHING
    texts = tuple(way.format(first.text, second.gerund if same else second.text) for way in ORDERS)
    yield Claim("in_order", "", f"{_key(first)} > {_key(second)}", texts, numbers)
    if outer:
        yield Claim("opens", "", _key(first), (first.text,), numbers, kind_of(first.source))
        yield Claim("closes", "", _key(second), (second.text,), numbers[::-1], kind_of(second.source))


def _leads(start: tuple[str, str], end: tuple[str, str], steps: list[tuple[tuple[str, str], tuple[str, str]]]) -> bool:
    """Return whether the captions also let one sound come before the other by way of any others."""
    reached, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for first, second in steps:
            if first == here and second not in reached:
                reached.add(second)
                waiting.append(second)
    return end in reached


def are_close(one: Event, other: Event) -> bool:
    """Return whether two events are easily taken for one another, or what makes one is of the kind that makes the
    other.
    """
    lexicon = load()
    named = SOMETHING not in (one.source, other.source)
    if named and kind_of(one.source) != "person" and _is_kin(one.source, other.source):
        return True  # insects and crickets
    close = lexicon.same(one.source, other.source) if named else one.source == other.source
    return close and lexicon.alike(one.action, other.action)


def _is_kin(one: str, other: str) -> bool:
    """Return whether one source is the other's kind, as insects are of crickets; not whether both are the same."""
    sources = load().sources
    return one in sources[other].broader or other in sources[one].broader


def _read_music(traits: list[Trait]) -> Iterator[Claim]:
    """Yield what is stated of the music, and two such things together; but for instruments, what nothing else said
    denies.

    Rare instruments are asked about among themselves.
    """
    told = [
        (trait.facet, option)
        for trait in traits
        for option in (trait.stated if trait.facet == "instrument" else trait.sure)
    ]
    for facet, option in told:
        ask = "rare" if _is_rare(facet, option) else ""
        yield Claim(facet, ask, option, (option,), (_number_trait(facet, option),))
    ranked = sorted((one for one in told if not _is_rare(*one)), key=lambda one: RANKED.index(one[0]))
    for first, second in combinations(ranked, 2):
        if _number_trait(*first) != _number_trait(*second) and (first[0] != second[0] or first[0] == "instrument"):
            yield _read_traits(first, second)


def _read_traits(first: tuple[str, str], second: tuple[str, str]) -> Claim:
    """Return two things that hold of the music together."""
    if first[0] == second[0]:
        first, second = sorted((first, second), key=lambda one: draw("pair", *sorted((first[1], second[1])), one[1]))
    events = tuple(sorted((_number_trait(*first), _number_trait(*second))))
    return Claim(
        "traits",
        f"{first[0]} and {second[0]}",
        " + ".join(sorted((first[1], second[1]))),
        (name_traits(first, second),),
        events,
    )


def _is_rare(facet: str, option: str) -> bool:
    return option in load_facets()[facet].rare


def _number_trait(facet: str, option: str) -> int:
    """Number of a family of options, above those of all events."""
    facets = load_facets()
    return TRAITS_FROM + 100 * list(facets).index(facet) + facets[facet].family(option)


def _read_measured(row: Mapping[str, Any]) -> Iterator[Claim]:
    """Return every question that a measured family finds; other clips' true values are the wrong options."""
    return (claim for claim, _ in _find_measured(row, FAMILIES.values()))


def find_proof(row: Mapping[str, Any], family: str, ask: str, key: str) -> tuple[Fact, ...]:
    """Return the facts behind an answer of a clip in a block of a family; none for one that is read from captions."""
    families = [FAMILIES[family]] if family in FAMILIES else []
    found = (proof for claim, proof in _find_measured(row, families) if (claim.ask, claim.key) == (ask, key))
    return next(found, ())


def _find_measured(row: Mapping[str, Any], families: Iterable[Family]) -> Iterator[tuple[Claim, tuple[Fact, ...]]]:
    if not (row["measurements"] or row["events"] or row["transcript"]):
        return
    clip = read_clip(row)
    for family in families:
        for found in family.find(clip):
            if key := solve(family, found.proof):
                texts = tuple(family.options.show(key, way) for way in range(4))
                ask = "\x1f".join(f"{name}={text}" for name, text in sorted(found.words.items()))
                claim = Claim(family.name, ask, texts[0], texts, words=dict(found.words), solved=(family, key))
                yield claim, sign(family, found.proof)
