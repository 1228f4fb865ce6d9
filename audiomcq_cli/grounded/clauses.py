"""Reads the clauses of a caption: what links each to the one before, and the event in it.

Only clauses of a plain form are taken as events: somebody or something, and what it does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.lexicon import SOMETHING, Lexicon, Noun, gerund, load, pluralize

BEFORE = "before"
"""Relation of two clauses: the first ends where the second begins."""

DURING = "during"
"""Relation of two clauses: both at the same time."""

# What stands between two clauses, longest first, and what it says about their order.
_LINKS: Mapping[str, str] = {
    r"(?:(?:which|that) is |is |are )?(?:immediately |shortly |soon |quickly )?followed (?:closely )?by": BEFORE,
    r"and (?:then|afterwards|after that)": BEFORE,
    r"after which": BEFORE,
    r"then": BEFORE,
    r"before": BEFORE,
    r"after": "after",
    r"while": DURING,
    r"as": DURING,
    r"with": "",
    r"along with|together with|and|but|over|plus|accompanied by|, and|amid": "",
}
_LINK = re.compile(r"(?:\s*[,;.]\s*|\s+|^)(?:" + "|".join(f"({link})" for link in _LINKS) + r")\s+|\s*[,;.]\s*")
_NAMES = tuple(_LINKS.values())
_AND = re.compile(r"\s*,?\s*and\s+")
_WITH = re.compile(r"\b(?:with|over|plus|accompanied|amid|but)\b|[.;]")
_OF = re.compile(r"[a-z]+ing of\b")

TOKEN = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
"""A word."""

_BACKGROUND = re.compile(
    r"\bin the (?:background|distance|back)\b|\bfrom (?:a|the) distance\b|\bfar away\b|\bdistant\b"
)
TIMES = re.compile(r"\b(once|twice|(?:two|three|four|five|six|seven|eight) times)\b")
"""How often something is said to be heard."""

_MERE_SOUND = frozenset({"sound", "sounds", "noise", "noises", "occur", "occurs"})
"""Words behind a participle that say no more than that it is heard."""

_NO_ADVERBS = frozenset(
    {"family", "butterfly", "firefly", "belly", "jelly", "assembly", "holly", "trolley", "supply", "reply"}
)
"""Words in -ly that say what something is or does."""

_RAINS = re.compile(r"it (?:is |was |)(?:still |now |also |heavily |lightly |)rain(?:s|ing|ed)\b")
"""A clause that says that it rains."""

_PRONOUNS: Mapping[str, Callable[[Event], bool]] = {
    "it": lambda event: (
        not event.plural and event.source != SOMETHING and load().sources[event.source].kind != "person"
    ),
    "he": lambda event: event.source in ("man", "boy") and not event.plural,
    "she": lambda event: event.source in ("woman", "girl") and not event.plural,
    "they": lambda event: event.plural,
}
"""Pronouns, and whether each may stand for who was heard before."""

_NOT_MADE = frozenset(
    {"approach", "pass", "go by", "move", "strike", "come by", "ride", "run", "blow", "hit", "turn", "fly"}
)
"""Verbs that with an object do not say that the object is heard to do the same."""

_PARTICLES = frozenset({"by", "past", "along", "through", "away", "around", "near"})

_NEGATED = re.compile(
    r"\b(?:no|not|without|nor|never|n't|lacks?|absence|stop|stops|stopped|silence|like|if|seems?|maybe|possibly|perhaps"
    r"|either|or)\b"
)


@dataclass(frozen=True, slots=True)
class _Grammar:
    """Words by what they do in a clause, as ``grammar.toml`` explains them."""

    determiners: frozenset[str]
    several: frozenset[str]
    adjectives: frozenset[str]
    adverbs: frozenset[str]
    auxiliaries: frozenset[str]
    after_verb: frozenset[str]


@cache
def _grammar() -> _Grammar:
    table = tomllib.loads(Path(__file__).with_name("grammar.toml").read_text("utf-8"))
    return _Grammar(**{name: frozenset(words.split()) for name, words in table.items()})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is heard.

    Attributes:
        source, action: What of ``sounds.toml`` it is. plural: Whether several do it.
        verb, gerund: What it does, as ``bark`` and ``barking``.
        background: Whether it is said to be far or behind the rest. times: How often, where a caption says so.
    """

    source: str
    action: str
    plural: bool
    verb: str
    gerund: str
    background: bool = field(default=False, compare=False)
    times: str = field(default="", compare=False)

    @property
    def subject(self) -> str:
        """Who or what: ``a dog``, ``dogs``, ``water``, ``something``."""
        return name_source(self.source, plural=self.plural)

    @property
    def text(self) -> str:
        """The event as an option: ``a dog barking``."""
        return f"{self.subject} {self.gerund}"

    @property
    def progress(self) -> str:
        """The event as a clause: ``a dog is barking``."""
        return f"{self.subject} {'are' if self.plural else 'is'} {self.gerund}"

    @property
    def concept(self) -> tuple[str, str]:
        """What makes two events the same: source and action, whatever the words."""
        return self.source, self.action


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a caption: what links it to the one before, and the event in it, if it has one."""

    link: str
    event: Event | None


@cache
def name_source(name: str, *, plural: bool) -> str:
    """A source with its article."""
    if name == SOMETHING:
        return SOMETHING
    source = load().sources[name]
    word = source.words[0]
    if name == "person":
        return "people" if plural else "someone"
    if source.mass:
        return word
    if plural:
        return pluralize(word)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def read_clauses(text: str, lexicon: Lexicon) -> Iterator[Clause]:
    """The clauses of a caption with what links each to the one before, and the event in it if it has one."""
    link, start, joined = "", 0, ""
    previous: Event | None = None
    before = _Before()
    waiting: tuple[str, Noun] | None = None
    ends = [*((found.start(), found.end(), _name_link(found)) for found in _LINK.finditer(text)), (len(text), 0, "")]
    for end, following, name in ends:
        part = text[start:end].strip()
        if part:
            event = _read_event(part, previous, lexicon, before.at(link, joined))
            if (
                event
                and event.source == SOMETHING
                and _OF.match(text[following:] if _AND.fullmatch(text[end:following]) else "")
            ):
                event = None  # "humming and clicking of an engine"
            if waiting and event and (shared := _share_verb(waiting[1], event, lexicon)):
                yield Clause(waiting[0], shared)
                link = ""
            elif waiting:
                yield Clause(waiting[0], None)
            waiting = None
            if not event and _AND.fullmatch(text[end : following or end]) and (noun := _read_noun(part, lexicon)):
                waiting = link, noun
            else:
                yield Clause(link, event)
            before = _Before(event if event and _names(part, event, lexicon) else None, part)
            previous = event
            link = name
        else:
            link = name or link
        joined = text[end:following]
        start = following
    if waiting:
        yield Clause(waiting[0], None)


@dataclass(frozen=True, slots=True)
class _Before:
    """What stands before a clause: the event, if its subject is named, and the text; and how the clause is joined."""

    event: Event | None = None
    text: str = ""
    link: str = ""
    joined: str = ""

    def at(self, link: str, joined: str) -> _Before:
        """The same with what joins the next clause to it."""
        return replace(self, link=link, joined=joined)

    @property
    def goes_on(self) -> bool:
        """Whether a verb without a subject goes on about the one before: "and growls", "barking, growling"."""
        return self.link == "" and bool(self.text) and not _WITH.search(self.joined)

    @property
    def progressive(self) -> bool:
        """Whether the clause before has its verb in progress."""
        return bool(self.event) and _first_word(self.event) in TOKEN.findall(self.text)


def _first_word(event: Event | None) -> str:
    return event.gerund.split()[0] if event else ""


def _names(part: str, event: Event, lexicon: Lexicon) -> bool:
    """Whether a clause names who or what does something, or goes on about it, rather than a bare sound."""
    words = TOKEN.findall(part)
    return any(
        lexicon.nouns[tuple(words[place : place + length])].source == event.source
        for place in range(len(words))
        if (length := lexicon.find(words, place, lexicon.nouns))
    ) or (bool(words) and words[0] in _PRONOUNS)


def _share_verb(noun: Noun, event: Event, lexicon: Lexicon) -> Event | None:
    """What the first of two subjects does: of "a man and a woman speak", that a man speaks."""
    known = lexicon.sources
    if event.source == SOMETHING or noun.source == event.source or not lexicon.covers(event.action, noun.source):
        return None
    alike = known[noun.source].kind == known[event.source].kind
    return replace(event, source=noun.source, plural=noun.plural) if alike else None


def _read_noun(text: str, lexicon: Lexicon) -> Noun | None:
    """The noun of a clause that is nothing else."""
    words = TOKEN.findall(text)
    place, several = _skip_modifiers(words, 0)
    length = lexicon.find(words, place, lexicon.nouns)
    if not length or place + length != len(words) or _NEGATED.search(text):
        return None
    noun = lexicon.nouns[tuple(words[place:])]
    return Noun(noun.source, noun.plural or (several and not lexicon.sources[noun.source].mass))


def _name_link(found: re.Match[str]) -> str:
    number = found.lastindex
    return _NAMES[number - 1] if number else ""


def _read_event(text: str, previous: Event | None, lexicon: Lexicon, before: _Before) -> Event | None:
    words = TOKEN.findall(text)
    if _NEGATED.search(text):
        return None
    if _RAINS.match(text):
        return _name_what(Noun("rain", False), lexicon, _mark(words, 0, 0, lexicon))
    if words[:1] and words[0] in _PRONOUNS and previous and _PRONOUNS[words[0]](previous):
        return _read_predicate(words, 1, previous.source, previous.plural, lexicon)
    place, several = _skip_modifiers(words, 0)
    if length := _find_subject(words, place, lexicon):
        noun = lexicon.nouns[tuple(words[place : place + length])]
        plural = noun.plural or (several and not lexicon.sources[noun.source].mass)
        said = _read_predicate(words, place + length, noun.source, plural, lexicon)
        return (
            said
            or _read_participle(words, place - 1, place, lexicon)
            or _read_object(words, place + length, noun, lexicon)
            or _read_thing(words, place + length, Noun(noun.source, plural), lexicon)
        )
    return _read_bare(words, place, before, lexicon)


def _read_object(words: Sequence[str], place: int, noun: Noun, lexicon: Lexicon) -> Event | None:
    """``someone rings a bell``, ``a man is opening the door``: what somebody makes sound is heard."""
    if lexicon.sources[noun.source].kind != "person":
        return None
    while place < len(words) and (words[place] in _grammar().auxiliaries or is_adverb(words[place])):
        place += 1
    if {"is", "are", "was", "were", "being", "been"} & set(words[:place]) and not words[place : place + 1]:
        return None
    for length in range(lexicon.find(words, place, lexicon.verbs), 0, -1):
        form = tuple(words[place : place + length])
        following, several = _skip_modifiers(words, place + length)
        reach = lexicon.find(words, following, lexicon.nouns)
        rest = words[following + reach :]
        if not reach or (rest and not _may_follow(rest[0])):
            continue
        thing = lexicon.nouns[tuple(words[following : following + reach])]
        known = lexicon.sources[thing.source]
        for verb in lexicon.verbs.get(form, ()):
            made = verb.base not in _NOT_MADE and verb.base.split()[-1] not in _PARTICLES
            if made and known.kind not in ("person", "animal") and lexicon.covers(verb.action, thing.source):
                marks = _mark(words, following, reach, lexicon)
                plural = thing.plural or (several and not known.mass)
                return Event(thing.source, verb.action, plural, verb.base, verb.gerund, **marks)
    return None


def _read_thing(words: Sequence[str], place: int, noun: Noun, lexicon: Lexicon) -> Event | None:
    """``thunder in the distance``, ``traffic noise``, ``crickets can be heard``: what is named sounds as such things do."""
    rest = [word for word in words[place:] if word not in _MERE_SOUND]
    while rest and (rest[0] in _grammar().auxiliaries or is_adverb(rest[0])):
        rest = rest[1:]
    if rest and not _may_follow(rest[0]):
        return None
    return _name_what(noun, lexicon, _mark(words, place, 0, lexicon))


def _name_what(noun: Noun, lexicon: Lexicon, marks: Mapping[str, Any]) -> Event | None:
    """A thing with what it does to be heard, where there is but one such."""
    does = lexicon.sources[noun.source].does
    if not does:
        return None
    base = lexicon.actions[does].verbs[0]
    return Event(noun.source, does, noun.plural, base, gerund(base), **(dict(marks) | {"times": ""}))


def _read_participle(words: Sequence[str], place: int, following: int, lexicon: Lexicon) -> Event | None:
    """``a meowing cat``, ``rustling leaves``: what is done stands before who does it, and nothing else is said."""
    length = lexicon.find(words, following, lexicon.nouns)
    rest = words[following + length :]
    if place < 0 or not length or (rest and not _may_follow(rest[0])):
        return None
    noun = lexicon.nouns[tuple(words[following : following + length])]
    several = bool(_grammar().several & set(words[:place])) and not lexicon.sources[noun.source].mass
    for verb in lexicon.verbs.get(tuple(words[place:following]), ()):
        if verb.tag == "VBG" and lexicon.covers(verb.action, noun.source):
            marks = _mark(words, following, length, lexicon)
            return Event(noun.source, verb.action, noun.plural or several, verb.base, verb.gerund, **marks)
    return None


def _find_subject(words: Sequence[str], place: int, lexicon: Lexicon) -> int:
    """Length of the noun at a place; 0 where there is none, or where the word is the verb of an elided subject."""
    length = lexicon.find(words, place, lexicon.nouns)
    if length and place + length == len(words) and tuple(words[place:]) in lexicon.sounds:
        return 0
    return length


def _skip_modifiers(words: Sequence[str], place: int) -> tuple[int, bool]:
    several = False
    known = _grammar()
    groups = (known.determiners, known.adjectives)
    while place < len(words) and (any(words[place] in group for group in groups) or is_adverb(words[place])):
        # "a running engine": a participle in front of a noun; "barking", alone or as a sound, is what is heard.
        if words[place].endswith("ing") and (place + 1 == len(words) or words[place + 1] in _MERE_SOUND):
            break
        if words[place] == "of" and place == 0:
            break
        # "a female cheering", where "a female voice" has it as an adjective.
        if _is_noun_alone(words, place):
            break
        several |= words[place] in known.several
        place += 1
    return place, several


def _is_noun_alone(words: Sequence[str], place: int) -> bool:
    """Whether a noun stands at a place that does not merely describe another one."""
    lexicon, known = load(), _grammar()
    length = lexicon.find(words, place, lexicon.nouns)
    following = place + length
    if not length or following == len(words):
        return bool(length)
    return words[following] not in known.adjectives and not lexicon.find(words, following, lexicon.nouns)


def _read_predicate(words: Sequence[str], place: int, source: str, plural: bool, lexicon: Lexicon) -> Event | None:
    """What the subject does, if that is a verb of its own with nothing but circumstances behind it."""
    known, before = _grammar(), place
    while place < len(words):
        passive = bool({"is", "are", "was", "were", "being", "been"} & set(words[before:place]))
        # "starts" is what an engine does; in "starts speaking" something follows that is no circumstance.
        if event := _read_verb(words, place, source, plural, passive, lexicon):
            return event
        if words[place] not in known.auxiliaries and not is_adverb(words[place]):
            return None
        place += 1
    return None


def _read_verb(
    words: Sequence[str],
    place: int,
    source: str,
    plural: bool,
    passive: bool,
    lexicon: Lexicon,
) -> Event | None:
    """The verb at a place, if its subject can do that."""
    person = lexicon.sources[source].kind == "person"
    for length in range(lexicon.find(words, place, lexicon.verbs), 0, -1):
        rest = words[place + length : place + length + 1]
        if rest and not _may_follow(rest[0]):
            continue
        for verb in lexicon.verbs.get(tuple(words[place : place + length]), ()):
            # "A toilet is flushed" is heard as a toilet flushing; "a surface is tapped" is no surface tapping.
            done = passive and verb.tag != "VBG" and (lexicon.actions[verb.action].vague or person)
            if lexicon.covers(verb.action, source) and not done:
                # "Sheep bleat": only the verb tells.
                several = plural or (verb.tag == "VB" and _looks_the_same(source))
                marks = _mark(words, place, length, lexicon)
                return Event(source, verb.action, several, verb.base, verb.gerund, **marks)
    return None


def _mark(words: Sequence[str], place: int, length: int, lexicon: Lexicon) -> dict[str, Any]:
    """What is said of a verb: whether it is in the background, and how often it is heard.

    Behind another sound or another thing that makes one ("a man speaks near traffic in the distance") it would be said
    of that; and a number of times stands by itself ("barks once", not "once more", "at once", "once in a while").
    """
    rest = words[place + length :]
    others = (
        number
        for number in range(len(rest))
        for table in (lexicon.nouns, lexicon.verbs, lexicon.sounds)
        if lexicon.find(rest, number, table)
    )
    end = next(others, len(rest))
    near = " ".join(rest[:end])
    behind = bool(_BACKGROUND.search(" ".join(words[:place])) or _BACKGROUND.search(near))
    alone = [word for word in rest if not is_adverb(word) or word in ("once", "twice")]
    times = TIMES.fullmatch(" ".join(alone))
    return {"background": behind, "times": times[1] if times and " again" not in f" {' '.join(rest)}" else ""}


def _may_follow(word: str) -> bool:
    """Whether a word may stand behind a verb that is complete in itself."""
    return word in _grammar().after_verb or is_adverb(word)


def is_adverb(word: str) -> bool:
    """Whether a word only says how something is done: one of those known, or one in -ly that names no thing."""
    return word in _grammar().adverbs or (len(word) > 4 and word.endswith("ly") and word not in _NO_ADVERBS)


def _looks_the_same(source: str) -> bool:
    """Whether a noun has one form for one and for many, as sheep and aircraft do."""
    known = load().sources[source]
    return not known.mass and pluralize(known.words[0]) == known.words[0]


def _read_bare(words: Sequence[str], place: int, before: _Before, lexicon: Lexicon) -> Event | None:
    """A clause without a subject: another verb of the one before ("and growls"), or a sound ("laughter").

    "…, then laughs" and "… and laughing" go on about who was named; "followed by laughing", "a laugh" and "tapping
    occurs" do not. What goes on about somebody who cannot do that is no event: "a man speaks and rings".
    """
    length = lexicon.find(words, place, lexicon.verbs)
    verbs = lexicon.verbs.get(tuple(words[place : place + length]), ()) if length else ()
    rest = words[place + length :]
    marks = _mark(words, place, length, lexicon)
    if verbs and (not rest or _may_follow(rest[0])):
        bare = all(map(is_adverb, words[:place])) and not _MERE_SOUND & set(rest)
        finite = "VB" if before.event and before.event.plural else "VBZ"
        form = verbs[0].tag
        goes_on = bare and (
            (form == "VBG" and before.goes_on and (before.progressive or not before.event))
            or (form in ("VB", "VBZ", "VBD") and (before.goes_on or before.link == BEFORE))
        )
        if goes_on and before.text:
            known = before.event
            for verb in verbs:
                fits = verb.tag in (finite, "VBG") and (verb.tag == "VBG") == (form == "VBG")
                if known and known.source != SOMETHING and fits and lexicon.covers(verb.action, known.source):
                    return Event(known.source, verb.action, known.plural, verb.base, verb.gerund, **marks)
            if known or form != "VBG":
                return None
        if form == "VBG":
            for verb in verbs:
                event = _name_alone(verb.action, verb.base, marks, lexicon)
                if event and not (goes_on and before.text and event.source == SOMETHING):
                    return event
    if verbs and (event := _read_participle(words, place, place + length, lexicon)):
        return event
    if verbs and rest[:1] == ["of"]:
        return _read_of(tuple(words[place : place + length]), rest[1:], lexicon)
    length = lexicon.find(words, place, lexicon.sounds)
    if length and (len(words) == place + length or _may_follow(words[place + length])):
        action = lexicon.sounds[tuple(words[place : place + length])]
        return _name_alone(action, "", _mark(words, place, length, lexicon), lexicon)
    return None


def _read_of(form: tuple[str, ...], words: Sequence[str], lexicon: Lexicon) -> Event | None:
    """``humming of an engine``: the source follows."""
    place, several = _skip_modifiers(words, 0)
    length = lexicon.find(words, place, lexicon.nouns)
    if not length:
        return None
    noun = lexicon.nouns[tuple(words[place : place + length])]
    plural = noun.plural or (several and not lexicon.sources[noun.source].mass)
    for verb in lexicon.verbs[form]:
        if verb.tag == "VBG" and lexicon.covers(verb.action, noun.source):
            marks = _mark(words, place, length, lexicon)
            return Event(noun.source, verb.action, plural, verb.base, verb.gerund, **marks)
    return None


def _name_alone(name: str, base: str, marks: Mapping[str, Any], lexicon: Lexicon) -> Event | None:
    """An event of which only the sound is named, with whoever makes such a sound."""
    action = lexicon.actions[name]
    source = SOMETHING if action.vague else action.alone
    if not source:
        return None
    base = base or " ".join(filter(None, (action.verbs[0], action.object)))
    return Event(source, name, False, base, gerund(base), **marks)
