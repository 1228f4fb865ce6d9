"""Reads what somebody walks on, where captions say so: grounds that are told apart by ear."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_GROUNDS: Mapping[str, str] = {
    "gravel": r"gravel|pebbles?|stones?|rocks?|rocky",
    "snow": r"snow\w*|ice|icy",
    "dry leaves": r"leaves|twigs?|foliage|brush|branches",
    "wood": r"wood(?:en)?|hardwood|boards?|deck|boardwalk",
    "concrete or tiles": r"concrete|pavement|tiles?|tiled|cement|asphalt|sidewalk|linoleum|marble",
    "grass": r"grass\w*|lawn",
    "water or mud": r"water|puddles?|mud\w*|stream|swamp",
    "sand": r"sand|sandy|beach",
}
"""Words for each ground. Captions that have words for two say neither."""

_WALKS = re.compile(
    r"\b(?:walk\w*|footsteps?|foot steps?|steps?|stepping|stepped|tread\w*|trudg\w*|march\w*)\b"
    r"(?: (?!with|while|as|and|then)\w+){0,3}? (?:on|in|through|across|over|along|down|onto) (?P<on>(?:[\w-]+ ?){1,5})"
)
_STAIRS = re.compile(r"\b(?:stairs?|staircase|stairway|stairwell)\b")
"""What is of wood as often as of anything else."""

_ANY = {ground: re.compile(rf"\b(?:{words})\b") for ground, words in _GROUNDS.items()}


def find_ground(captions: Sequence[str]) -> list[str]:
    """Return the ground that somebody walks on by half of the captions, or by two that no other contradicts; at most
    one.
    """
    texts = [caption.lower() for caption in captions]
    named = {ground for ground, words in _ANY.items() if any(words.search(text) for text in texts)}
    if len(named) != 1:
        return []
    [ground] = named
    if ground != "wood" and any(_STAIRS.search(text) for text in texts):
        return []
    told = sum(any(_ANY[ground].search(found["on"]) for found in _WALKS.finditer(text)) for text in texts)
    return [ground] if told >= min(2, len(texts)) and told else []
