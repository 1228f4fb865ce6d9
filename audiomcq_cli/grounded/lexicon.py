"""The words for sounds: which source or action a word names, in every form, and how those relate.

The vocabulary is data (``sounds.toml``). Inflected forms come from ``lemminflect``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOMETHING = "something"
"""Stands for a source that nobody names."""

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Something that sounds; the fields are explained at the head of ``sounds.toml``."""

    name: str
    words: Sequence[str]
    kind: str
    broader: Sequence[str] = ()
    near: Sequence[str] = ()
    tags: Sequence[str] = ()
    mass: bool = False
    does: str = ""
    amid: Sequence[str] = ()
    hints: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """What a source does to be heard; the fields are explained at the head of ``sounds.toml``."""

    name: str
    verbs: Sequence[str]
    of: Sequence[str]
    nouns: Sequence[str] = ()
    also: Sequence[str] = ()
    near: Sequence[str] = ()
    tags: Sequence[str] = ()
    vague: bool = False
    object: str = ""
    amid: Sequence[str] = ()
    alone: str = ""


@dataclass(frozen=True, slots=True)
class Noun:
    """A form of a noun: the source that it names, and whether it means several."""

    source: str
    plural: bool


@dataclass(frozen=True, slots=True)
class Verb:
    """A form of a verb: the action that it names, its plain and its progressive form, and the tag of the form."""

    action: str
    base: str
    gerund: str
    tag: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Sources and actions by name, and every form of the words for them, as tuples of lower-case words."""

    sources: Mapping[str, Source]
    actions: Mapping[str, Action]
    nouns: Mapping[Words, Noun] = field(repr=False)
    verbs: Mapping[Words, Sequence[Verb]] = field(repr=False)
    sounds: Mapping[Words, str] = field(repr=False)
    said: Mapping[Words, str] = field(repr=False)
    longest: Mapping[str, int] = field(default_factory=dict, repr=False)
    hints: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    def covers(self, action: str, source: str) -> bool:
        """Return whether a source, or what it is one of, is among those that do something."""
        of = self.actions[action].of
        if source == SOMETHING:
            return SOMETHING in of
        known = self.sources[source]
        return f"={source}" in of or any(name in of for name in (source, known.kind, *known.broader))

    def same(self, one: str, other: str) -> bool:
        """Return whether one source is the other, or one of its kind, or hard to tell from it."""
        first, second = self.sources[one], self.sources[other]
        return (
            one == other or one in second.broader or other in first.broader or one in second.near or other in first.near
        )

    def alike(self, one: str, other: str) -> bool:
        """Return whether two actions are the same to the ear."""
        return one == other or one in self.actions[other].near or other in self.actions[one].near

    def find(self, words: Sequence[str], start: int, table: Mapping[Words, object]) -> int:
        """Length of the longest entry of a table that stands at a place; 0 where there is none."""
        for length in range(self.reach(words, start), 0, -1):
            if tuple(words[start : start + length]) in table:
                return length
        return 0

    def reach(self, words: Sequence[str], start: int) -> int:
        """Length of the longest form that could stand at a place, going by its first word."""
        return min(self.longest.get(words[start], 0), len(words) - start) if start < len(words) else 0


@cache
def load() -> Lexicon:
    """Return the vocabulary that comes with the program."""
    table = tomllib.loads(Path(__file__).with_name("sounds.toml").read_text("utf-8"))
    sources = {name: Source(name=name, **given) for name, given in table["sources"].items()}
    actions = {name: Action(name=name, **given) for name, given in table["actions"].items()}
    nouns = dict(_list_nouns(sources.values()))
    verbs: dict[Words, list[Verb]] = {}
    for form, verb in _list_verbs(actions.values()):
        verbs.setdefault(form, []).append(verb)
    sounds = {form: action.name for action in actions.values() for noun in action.nouns for form in _number(noun)}
    said = {form: action.name for action in actions.values() for verb in action.also for form, _ in _inflect_verb(verb)}
    longest: dict[str, int] = {}
    for form in (*nouns, *verbs, *sounds, *said):
        longest[form[0]] = max(len(form), longest.get(form[0], 0))
    hints: dict[str, list[str]] = {}
    for source in sources.values():
        for word in source.hints:
            hints.setdefault(word, []).append(source.name)
    return Lexicon(sources, actions, nouns, verbs, sounds, said, longest, hints)


@cache
def pluralize(noun: str) -> str:
    """Return the plural of a noun, which may have several words."""
    *before, last = noun.split(" of ")[0].split()
    after = noun.removeprefix(noun.split(" of ")[0])
    return " ".join([*before, _inflect(last, "NNS")]) + after


@cache
def gerund(verb: str) -> str:
    """Return a verb in progress: ``give a speech`` is ``giving a speech``."""
    first, *rest = verb.split()
    return " ".join([_inflect(first, "VBG"), *rest])


def _list_nouns(sources: Iterable[Source]) -> Iterator[tuple[Words, Noun]]:
    for source in sources:
        for word in source.words:
            several = word == "people"
            yield tuple(word.split()), Noun(source.name, several)
            if not source.mass and not several and pluralize(word) != word:
                yield tuple(pluralize(word).split()), Noun(source.name, True)


def _list_verbs(actions: Iterable[Action]) -> Iterator[tuple[Words, Verb]]:
    for action in actions:
        for verb in action.verbs:
            base = f"{verb} {action.object}" if action.object and " " not in verb else verb
            for form, tag in _inflect_verb(verb):
                yield form, Verb(action.name, base, gerund(base), tag)


def _inflect_verb(verb: str) -> Iterator[tuple[Words, str]]:
    first, *rest = verb.split()
    for tag in ("VB", "VBZ", "VBD", "VBG"):
        yield (_inflect(first, tag), *rest), tag


def _number(noun: str) -> set[Words]:
    return {tuple(noun.split()), tuple(pluralize(noun).split())}


def _inflect(word: str, tag: str) -> str:
    from lemminflect import getInflection

    found: tuple[str, ...] = getInflection(word, tag)
    return found[0] if found else word
