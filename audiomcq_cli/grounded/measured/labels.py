"""Labels of known events as phrases: ``a dog barking``, out of ``A dog barks.`` where a source writes sentences."""

from __future__ import annotations

import re
from functools import lru_cache

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.lexicon import load

_PHRASE = re.compile(r"^(?=[^,;:/_{}<>]+$)(?:(?:a|an|some|the)\s|.*\w+ing\b|\S+ (?:on|of|in) ).*")
"""A label that reads as what is heard: "a knock on wood", "rain falling"."""

_PROGRESSIVE = re.compile(r"\b(?:is|are|was|were) (?=(?:\w+ly )?\w+ing\b)")
_LITTLE = frozenset(
    ("a", "an", "the", "some", "of", "on", "in", "at", "by", "to", "and", "with", "from", "for", "its", "it", "into",
     "over", "up", "down", "while")
)  # fmt: skip

_PLURALS = frozenset(("people", "children", "men", "women", "two", "three", "several", "many", "geese", "mice"))

LONGEST = 70
"""Characters of a label that still reads well inside a question."""


@lru_cache(maxsize=65_536)
def read_label(label: str) -> str:
    """Return a label as a phrase that stands for a sound; empty where it is none, such as the name of a class."""
    text = " ".join(label.split()).rstrip(" .!")
    if not text or len(text) > LONGEST:
        return ""
    first, _, rest = text.partition(" ")
    if first.lower() in _LITTLE or (first.lower(),) in load().nouns:
        text = f"{first.lower()} {rest}".strip()
    text = _turn_verb(_PROGRESSIVE.sub("", text))
    return text if _PHRASE.search(text) and not _is_sentence(text) else ""


@lru_cache(maxsize=65_536)
def are_alike(one: str, other: str) -> bool:
    """Return whether two labels may be of one sound: the same, mostly of the same words, or the same event."""
    words, others = _content(one), _content(other)
    if one == other or 2 * len(words & others) > min(len(words), len(others)) > 0:
        return True
    heard, known = ({event.concept for event in listen([text]).events} for text in (one, other))
    return bool(heard & known)


def agree(label: str, singular: str, plural: str) -> str:
    """Return the verb that goes with a label: ``footsteps on a floor set in``, but ``a bell ringing sets in``."""
    first = re.match(r"\w*", label.lower())
    return plural if first and (first[0] in _PLURALS or re.search(r"[^s]s$", first[0])) else singular


def _turn_verb(text: str) -> str:
    """Return ``a dog barks loudly`` as ``a dog barking loudly``: the first word that is a verb alone, in that form."""
    lexicon, words = load(), text.split()
    if re.search(r"\w{2,}ing\b", text):
        return text
    for place in range(1, len(words)):
        if not lexicon.find(words, place - 1, lexicon.nouns):
            continue
        for verb in lexicon.verbs.get((words[place].lower(),), ()):
            if verb.tag in ("VBZ", "VB"):
                return " ".join([*words[:place], verb.gerund, *words[place + 1 :]])
    return text


def _is_sentence(text: str) -> bool:
    """Return whether a phrase without a participle has a word that is a verb: ``a machine sputters``."""
    from lemminflect import getAllLemmas

    words = text.split()
    if re.search(r"\w{2,}ing\b", text):
        return False
    later = ((words[place - 1], words[place]) for place in range(2, len(words)))
    return any(
        re.fullmatch(r"\w+[^s\W]s", word) and before not in _LITTLE and getAllLemmas(word, upos="VERB")
        for before, word in later
    )


def _content(label: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"\w+", label.lower())} - _LITTLE
