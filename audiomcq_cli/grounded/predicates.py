"""Reads who does what in a clause: a subject with its verb, a verb with its object, or a thing that is merely named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.grammar import MERE_SOUND, is_adverb, load_grammar, mark, may_follow, skip_modifiers
from audiomcq_cli.grounded.lexicon import SOMETHING, Lexicon, Noun, gerund, load, pluralize

_NOT_MADE = frozenset(
    {"approach", "pass", "go by", "move", "strike", "come by", "ride", "run", "blow", "hit", "turn", "fly"}
)
"""Verbs that with an object do not say that the object is heard to do the same."""

_TOUCHES = frozenset({"tap", "bang", "scrape"})
"""Actions whose sound is that of what they are done to."""

_SURFACES = frozenset({"object", "wood", "metal", "glass", "plastic", "paper", "water", "gravel"})
"""Sources that are hardly more than what something else is done on."""

_PARTICLES = frozenset({"by", "past", "along", "through", "away", "around", "near"})


def find_subject(words: Sequence[str], place: int, lexicon: Lexicon) -> int:
    """Length of the noun at a place; 0 where there is none, or where the word is the verb of an elided subject."""
    length = lexicon.find(words, place, lexicon.nouns)
    if length and place + length == len(words) and tuple(words[place:]) in lexicon.sounds:
        return 0
    return length


def read_predicate(words: Sequence[str], place: int, source: str, plural: bool, lexicon: Lexicon) -> Event | None:
    """Return what the subject does, if that is a verb of its own with nothing but circumstances behind it."""
    known, before = load_grammar(), place
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
    """Return the verb at a place, if its subject can do that."""
    person = lexicon.sources[source].kind == "person"
    for length in range(lexicon.find(words, place, lexicon.verbs), 0, -1):
        rest = words[place + length : place + length + 1]
        if rest and not may_follow(rest[0]):
            continue
        for verb in lexicon.verbs.get(tuple(words[place : place + length]), ()):
            # "A toilet is flushed" is heard as a toilet flushing; "a surface is tapped" is no surface tapping.
            done = passive and verb.tag != "VBG" and (lexicon.actions[verb.action].vague or person)
            if lexicon.covers(verb.action, source) and not done:
                # "Sheep bleat": only the verb tells.
                several = plural or (verb.tag == "VB" and _looks_the_same(source))
                if names_target(verb.action, words[place + length :], lexicon):
                    return None
                marks = mark(words, place, length, lexicon)
                return Event(source, verb.action, several, verb.base, verb.gerund, **marks)
    return None


def names_target(action: str, rest: Sequence[str], lexicon: Lexicon) -> bool:
    """Return whether what is tapped on is named: of "tapping on a bell" a bare "tapping" says too little."""
    if action not in _TOUCHES or rest[:1] not in (["on"], ["at"], ["against"]):
        return False
    place, _ = skip_modifiers(rest, 1)
    length = lexicon.find(rest, place, lexicon.nouns)
    return bool(length) and lexicon.nouns[tuple(rest[place : place + length])].source not in _SURFACES


def read_participle(words: Sequence[str], place: int, following: int, lexicon: Lexicon) -> Event | None:
    """``a meowing cat``, ``rustling leaves``: what is done stands before who does it, and nothing else is said."""
    length = lexicon.find(words, following, lexicon.nouns)
    rest = words[following + length :]
    if place < 0 or not length or (rest and not may_follow(rest[0])):
        return None
    noun = lexicon.nouns[tuple(words[following : following + length])]
    several = bool(load_grammar().several & set(words[:place])) and not lexicon.sources[noun.source].mass
    for verb in lexicon.verbs.get(tuple(words[place:following]), ()):
        if verb.tag == "VBG" and lexicon.covers(verb.action, noun.source):
            marks = mark(words, following, length, lexicon)
            return Event(noun.source, verb.action, noun.plural or several, verb.base, verb.gerund, **marks)
    return None


def read_object(words: Sequence[str], place: int, noun: Noun, lexicon: Lexicon) -> Event | None:
    """``someone rings a bell``, ``a man is opening the door``: what somebody makes sound is heard."""
    if lexicon.sources[noun.source].kind != "person":
        return None
    while place < len(words) and (words[place] in load_grammar().auxiliaries or is_adverb(words[place])):
        place += 1
    if {"is", "are", "was", "were", "being", "been"} & set(words[:place]) and not words[place : place + 1]:
        return None
    for length in range(lexicon.find(words, place, lexicon.verbs), 0, -1):
        form = tuple(words[place : place + length])
        following, several = skip_modifiers(words, place + length)
        reach = lexicon.find(words, following, lexicon.nouns)
        rest = words[following + reach :]
        if not reach or (rest and not may_follow(rest[0])):
            continue
        thing = lexicon.nouns[tuple(words[following : following + reach])]
        known = lexicon.sources[thing.source]
        for verb in lexicon.verbs.get(form, ()):
            made = verb.base not in _NOT_MADE and verb.base.split()[-1] not in _PARTICLES
            if made and known.kind not in ("person", "animal") and lexicon.covers(verb.action, thing.source):
                marks = mark(words, following, reach, lexicon)
                plural = thing.plural or (several and not known.mass)
                return Event(thing.source, verb.action, plural, verb.base, verb.gerund, **marks)
    return None


def read_thing(words: Sequence[str], place: int, noun: Noun, lexicon: Lexicon) -> Event | None:
    """``thunder in the distance``, ``traffic noise``, ``crickets can be heard``: a thing sounds as such things do."""
    rest = [word for word in words[place:] if word not in MERE_SOUND]
    while rest and (rest[0] in load_grammar().auxiliaries or is_adverb(rest[0])):
        rest = rest[1:]
    if rest and not may_follow(rest[0]):
        return None
    return name_what(noun, lexicon, mark(words, place, 0, lexicon))


def name_what(noun: Noun, lexicon: Lexicon, marks: Mapping[str, Any]) -> Event | None:
    """Return a thing with what it does to be heard, where there is but one such."""
    does = lexicon.sources[noun.source].does
    if not does:
        return None
    base = lexicon.actions[does].verbs[0]
    return Event(noun.source, does, noun.plural, base, gerund(base), **(dict(marks) | {"times": ""}))


def _looks_the_same(source: str) -> bool:
    """Return whether a noun has one form for one and for many, as sheep and aircraft do."""
    known = load().sources[source]
    return not known.mass and pluralize(known.words[0]) == known.words[0]


def read_of(form: tuple[str, ...], words: Sequence[str], lexicon: Lexicon) -> Event | None:
    """``humming of an engine``: the source follows."""
    place, several = skip_modifiers(words, 0)
    length = lexicon.find(words, place, lexicon.nouns)
    if not length:
        return None
    noun = lexicon.nouns[tuple(words[place : place + length])]
    plural = noun.plural or (several and not lexicon.sources[noun.source].mass)
    for verb in lexicon.verbs[form]:
        if verb.tag == "VBG" and lexicon.covers(verb.action, noun.source):
            marks = mark(words, place, length, lexicon)
            return Event(noun.source, verb.action, plural, verb.base, verb.gerund, **marks)
    return None


def name_alone(name: str, base: str, marks: Mapping[str, Any], lexicon: Lexicon) -> Event | None:
    """Return an event of which only the sound is named, with whoever makes such a sound."""
    action = lexicon.actions[name]
    source = SOMETHING if action.vague else action.alone
    if not source:
        return None
    base = base or " ".join(filter(None, (action.verbs[0], action.object)))
    return Event(source, name, False, base, gerund(base), **marks, stated=False)
