"""What words do in a clause beside the things and what those do: how they stand around nouns and verbs.

The words are data (``grammar.toml``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.lexicon import Lexicon, load

TOKEN = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
"""A word."""

_BACKGROUND = re.compile(
    r"\bin the (?:background|distance|back)\b|\bfrom (?:a|the) distance\b|\bfar away\b|\bdistant\b"
)

TIMES = re.compile(r"\b(once|twice|(?:two|three|four|five|six|seven|eight) times)\b")
"""How often something is said to be heard."""

MERE_SOUND = frozenset({"sound", "sounds", "noise", "noises", "occur", "occurs"})
"""Words behind a participle that say no more than that it is heard."""

_NO_ADVERBS = frozenset(
    {"family", "butterfly", "firefly", "belly", "jelly", "assembly", "holly", "trolley", "supply", "reply"}
)
"""Words in -ly that say what something is or does."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """Words by what they do in a clause, as ``grammar.toml`` explains them."""

    determiners: frozenset[str]
    several: frozenset[str]
    adjectives: frozenset[str]
    adverbs: frozenset[str]
    auxiliaries: frozenset[str]
    after_verb: frozenset[str]


@cache
def load_grammar() -> Grammar:
    """Return the words of ``grammar.toml``."""
    table = tomllib.loads(Path(__file__).with_name("grammar.toml").read_text("utf-8"))
    return Grammar(**{name: frozenset(words.split()) for name, words in table.items()})


def skip_modifiers(words: Sequence[str], place: int) -> tuple[int, bool]:
    """Return where the noun after some modifiers stands, and whether they mean more than one."""
    several = False
    known = load_grammar()
    groups = (known.determiners, known.adjectives)
    while place < len(words) and (any(words[place] in group for group in groups) or is_adverb(words[place])):
        # "a running engine": a participle in front of a noun; "barking", alone or as a sound, is what is heard.
        if words[place].endswith("ing") and (place + 1 == len(words) or words[place + 1] in MERE_SOUND):
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
    """Return whether a noun stands at a place that does not merely describe another one."""
    lexicon, known = load(), load_grammar()
    length = lexicon.find(words, place, lexicon.nouns)
    following = place + length
    if not length or following == len(words):
        return bool(length)
    return words[following] not in known.adjectives and not lexicon.find(words, following, lexicon.nouns)


def mark(words: Sequence[str], place: int, length: int, lexicon: Lexicon) -> dict[str, Any]:
    """Return what is said of a verb: whether it is in the background, and how often it is heard.

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


def may_follow(word: str) -> bool:
    """Return whether a word may stand behind a verb that is complete in itself."""
    return word in load_grammar().after_verb or is_adverb(word)


def is_adverb(word: str) -> bool:
    """Return whether a word only says how something is done: one of those known, or one in -ly that names no thing."""
    return word in load_grammar().adverbs or (len(word) > 4 and word.endswith("ly") and word not in _NO_ADVERBS)
