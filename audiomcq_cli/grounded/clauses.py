"""Reads the clauses of a caption: what links each to the one before, and the event in it.

Only clauses of a plain form are taken as events: somebody or something, and what it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.grammar import MERE_SOUND, TOKEN, is_adverb, mark, may_follow, skip_modifiers
from audiomcq_cli.grounded.lexicon import SOMETHING, Lexicon, Noun, gerund, load, pluralize
from audiomcq_cli.grounded.predicates import (
    find_subject,
    name_alone,
    name_what,
    names_target,
    read_object,
    read_of,
    read_participle,
    read_predicate,
    read_thing,
)

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

_NEGATED = re.compile(
    r"\b(?:no|not|without|nor|never|n't|lacks?|absence|stop|stops|stopped|silence|like|if|seems?|maybe|possibly|perhaps"
    r"|either|or)\b"
)


UNREAL = re.compile(
    r"\b(?:toys?|remote[- ]control\w*|radio[- ]controlled|rc|model (?:cars?|trains?|air\w+|planes?|boats?)|fake"
    r"|imitat\w*|mimic\w*|pretend\w*|cartoons?|animated|video ?games?|simulat\w*|synthesi[sz]ed|music box|artificial)\b"
)
"""What says that a thing is not what its noun names: a toy car is no car revving."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a caption: what links it to the one before, and the event in it, if it has one."""

    link: str
    event: Event | None


def read_clauses(text: str, lexicon: Lexicon) -> Iterator[Clause]:
    """Yield the clauses of a caption with what links each to the one before, and the event in it if it has one."""
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
        """Return the same with what joins the next clause to it."""
        return replace(self, link=link, joined=joined)

    @property
    def goes_on(self) -> bool:
        """Return whether a verb without a subject goes on about the one before: "and growls", "barking, growling"."""
        return self.link == "" and bool(self.text) and not _WITH.search(self.joined)

    @property
    def progressive(self) -> bool:
        """Return whether the clause before has its verb in progress."""
        return bool(self.event) and _first_word(self.event) in TOKEN.findall(self.text)


def _first_word(event: Event | None) -> str:
    return event.gerund.split()[0] if event else ""


def _names(part: str, event: Event, lexicon: Lexicon) -> bool:
    """Return whether a clause names who or what does something, or goes on about it, rather than a bare sound."""
    words = TOKEN.findall(part)
    return any(
        lexicon.nouns[tuple(words[place : place + length])].source == event.source
        for place in range(len(words))
        if (length := lexicon.find(words, place, lexicon.nouns))
    ) or (bool(words) and words[0] in _PRONOUNS)


def _share_verb(noun: Noun, event: Event, lexicon: Lexicon) -> Event | None:
    """Return what the first of two subjects does: of "a man and a woman speak", that a man speaks."""
    known = lexicon.sources
    if event.source == SOMETHING or noun.source == event.source or not lexicon.covers(event.action, noun.source):
        return None
    alike = known[noun.source].kind == known[event.source].kind
    return replace(event, source=noun.source, plural=noun.plural) if alike else None


def _read_noun(text: str, lexicon: Lexicon) -> Noun | None:
    """Return the noun of a clause that is nothing else."""
    words = TOKEN.findall(text)
    place, several = skip_modifiers(words, 0)
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
    if _NEGATED.search(text) or UNREAL.search(text):
        return None
    if _RAINS.match(text):
        return name_what(Noun("rain", False), lexicon, mark(words, 0, 0, lexicon))
    if words[:1] and words[0] in _PRONOUNS and previous and _PRONOUNS[words[0]](previous):
        return read_predicate(words, 1, previous.source, previous.plural, lexicon)
    place, several = skip_modifiers(words, 0)
    if length := find_subject(words, place, lexicon):
        noun = lexicon.nouns[tuple(words[place : place + length])]
        plural = noun.plural or (several and not lexicon.sources[noun.source].mass)
        said = read_predicate(words, place + length, noun.source, plural, lexicon)
        return (
            said
            or read_participle(words, place - 1, place, lexicon)
            or read_object(words, place + length, noun, lexicon)
            or read_thing(words, place + length, Noun(noun.source, plural), lexicon)
        )
    return _read_bare(words, place, before, lexicon)


def _read_bare(words: Sequence[str], place: int, before: _Before, lexicon: Lexicon) -> Event | None:
    """Return a clause without a subject: another verb of the one before ("and growls"), or a sound ("laughter").

    "…, then laughs" and "… and laughing" go on about who was named; "followed by laughing", "a laugh" and "tapping
    occurs" do not. What goes on about somebody who cannot do that is no event: "a man speaks and rings".
    """
    length = lexicon.find(words, place, lexicon.verbs)
    verbs = lexicon.verbs.get(tuple(words[place : place + length]), ()) if length else ()
    rest = words[place + length :]
    marks = mark(words, place, length, lexicon)
    if verbs and verbs[0].tag == "VBG" and _names_source(rest, lexicon):
        return read_of(tuple(words[place : place + length]), rest[1:], lexicon)
    if verbs and names_target(verbs[0].action, rest, lexicon):
        return None
    if verbs and (not rest or may_follow(rest[0])):
        bare = all(map(is_adverb, words[:place])) and not MERE_SOUND & set(rest)
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
                event = name_alone(verb.action, verb.base, marks, lexicon)
                if event and not (goes_on and before.text and event.source == SOMETHING):
                    return event
    if verbs and (event := read_participle(words, place, place + length, lexicon)):
        return event
    length = lexicon.find(words, place, lexicon.sounds)
    return _read_sound(words, place, length, lexicon) if length else None


def _read_sound(words: Sequence[str], place: int, length: int, lexicon: Lexicon) -> Event | None:
    """Return a noun that says what is heard: "a thump" as something thumping, "the hum of an engine" as an engine
    humming.

    A texture without such a verb, as vibrations are, is no event: another verb could say what is not heard.
    """
    name, rest = lexicon.sounds[tuple(words[place : place + length])], words[place + length :]
    action, text = lexicon.actions[name], " ".join(words[place : place + length])
    base = next((verb for verb in action.verbs if text in (verb, pluralize(verb))), "")
    if base and _names_source(rest, lexicon):
        return read_of(tuple(gerund(base).split()), rest[1:], lexicon)
    if (action.vague and not base) or (rest and not may_follow(rest[0])) or names_target(name, rest, lexicon):
        return None
    return name_alone(name, base if action.vague else "", mark(words, place, length, lexicon), lexicon)


def _names_source(rest: Sequence[str], lexicon: Lexicon) -> bool:
    """Return whether what makes a sound is named behind it: "of an engine", "from a machine"."""
    if rest[:1] not in (["of"], ["from"]):
        return False
    return bool(lexicon.find(rest, skip_modifiers(rest, 1)[0], lexicon.nouns))
