"""Reads what captions say of music: instruments, voices, tempo, style, mood.

What is denied or only supposed ("no drums", "might be a violin") is mentioned and not stated.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from audiomcq_cli.grounded.lexicon import pluralize

_SENTENCE = re.compile(r"[.;!?]|,? but ")
_UNSURE = re.compile(
    r"\b(?:no|not|without|isn't|aren't|doesn't|don't|lack\w*|absence|could|might|may|maybe|possibly|perhaps|seem\w*"
    r"|like|\w+-?like|as if|similar|reminiscent|resembl\w+|imitat\w+"
    r"|emulat\w+|inspired|or|would|style of|used in|suitable|can be|supposed)\b"
)
_ABOUT_MUSIC = re.compile(
    r"\b(?:music|songs?|melod(?:y|ies)|tunes?|vocals?|vocalists?|singers?|tempo|guitars?|piano|orchestra|chords?|flute|violin"
    r"|drum (?:kit|machine)|drums|trumpet|organ|instrumental|harmonica|accordion|ukulele|banjo|mandolin|sitar|congas?"
    r"|tablas?|cello|saxophone|trombone|clarinet|theremin|xylophone|bagpipes?|didgeridoo|synth|synthesizer|harpsichord)\b"
)


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing that is said of music.

    Attributes:
        name: What it is. families: Families of options with the words for them.
        rare: Options that hardly a clip has, so that nobody would believe them beside others.
    """

    name: str
    families: Sequence[Mapping[str, Sequence[str]]]
    rare: frozenset[str] = frozenset()

    def family(self, option: str) -> int:
        """Number of the family of an option."""
        return next(number for number, family in enumerate(self.families) if option in family)


@dataclass(frozen=True, slots=True)
class Trait:
    """What some captions say of one facet.

    Attributes:
        facet: Its name. stated: Options that are stated. named: Families that are so much as mentioned.
        sure: Options that are stated, and that every other word of the facet leaves open: of a slow song with fast
            drums neither is.
    """

    facet: str
    stated: tuple[str, ...]
    named: frozenset[int]
    sure: tuple[str, ...] = ()


@cache
def load_facets() -> Mapping[str, Facet]:
    """Return the facets that come with the program."""
    table = tomllib.loads(Path(__file__).with_name("music.toml").read_text("utf-8"))
    return {name: Facet(name, facet["families"], frozenset(facet.get("rare", ()))) for name, facet in table.items()}


def read_traits(captions: Sequence[str]) -> list[Trait]:
    """Return what captions of a clip say of its music, half of them at least; none where those are not about music."""
    texts = [caption.lower() for caption in captions]
    if 2 * sum(bool(_ABOUT_MUSIC.search(text)) for text in texts) < max(1, len(texts)):
        return []
    found = []
    for facet in load_facets().values():
        stated: Counter[str] = Counter()
        meant: set[frozenset[int]] = set()
        for text in texts:
            here: dict[str, None] = {}
            for sentence in _SENTENCE.split(text):
                words = _find_words(facet, sentence)
                meant |= {frozenset(family for family, _ in word) for word in words}
                if not _UNSURE.search(sentence) or facet.name == "voice":
                    here |= dict.fromkeys(option for word in words for _, option in word if option)
            stated.update(here.keys())
        if meant:
            agreed = tuple(option for option, count in stated.items() if 2 * count >= len(texts))
            sure = tuple(option for option in agreed if all(facet.family(option) in families for families in meant))
            found.append(Trait(facet.name, agreed, frozenset().union(*meant), sure))
    return found


def _find_words(facet: Facet, sentence: str) -> list[Sequence[tuple[int, str]]]:
    """Families and options of each word of a facet, longer words first: an electric guitar is no guitar besides."""
    pattern, words = _compile(facet.name)
    return [words[word] for word in dict.fromkeys(pattern.findall(sentence))]


@cache
def _compile(name: str) -> tuple[re.Pattern[str], Mapping[str, Sequence[tuple[int, str]]]]:
    words: dict[str, list[tuple[int, str]]] = {}
    for number, family in enumerate(load_facets()[name].families):
        for option, said in family.items():
            for form in dict.fromkeys(form for word in said for form in (word, pluralize(word))):
                words.setdefault(form, []).append((number, option))
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])"), words
