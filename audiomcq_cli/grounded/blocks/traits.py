"""Words an option that states two traits of music."""

from __future__ import annotations

Said = tuple[str, str]
"""A facet and one of its options."""

RANKED = ("genre", "tempo", "mood", "voice", "instrument")
"""Facets in the order in which they are named."""

_TEMPOS = {"moderate": "a mid-tempo piece", "constantly changing": "a piece of changing tempo"}
"""Names of music of a tempo, if not like ``a slow piece``."""


def name_traits(first: Said, second: Said) -> str:
    """Return two traits as one option: ``a slow piece with a piano``, ``an organ and a harp``."""
    link = "and" if first[0] == second[0] else "with"
    return f"{_name_piece(*first)} {link} {_name_trait(*second)}"


def _name_trait(facet: str, option: str) -> str:
    """Return a trait as something that music has: ``a slow tempo``, ``no singing``."""
    if facet in ("tempo", "mood"):
        return f"{_article(option)} {option} {facet}"
    if facet == "voice":
        return "no singing" if option == "nobody" else f"{option} singing"
    return option


def _name_piece(facet: str, option: str) -> str:
    """Return music named by a trait: ``a slow piece``, ``an instrumental piece``."""
    if facet == "tempo" and option in _TEMPOS:
        return _TEMPOS[option]
    if (facet, option) == ("voice", "nobody"):
        return "an instrumental piece"
    return f"{_article(option)} {option} piece" if facet in ("tempo", "mood") else _name_trait(facet, option)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
