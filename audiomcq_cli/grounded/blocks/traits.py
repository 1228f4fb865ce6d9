"""How two things that are said of music read together in one option, and how such an option is read back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from audiomcq_cli.grounded.music import load_facets

Said = tuple[str, str]
"""A facet and one of its options."""

RANKED = ("genre", "tempo", "mood", "voice", "instrument")
"""Facets in the order in which they are named."""

_TEMPOS = {"moderate": "a mid-tempo piece", "constantly changing": "a piece of changing tempo"}
"""What music of a tempo is called, where that is not ``a slow piece``."""


def name_traits(first: Said, second: Said) -> str:
    """Two traits as one option: ``a slow piece with a piano``, ``funk with a trumpet``, ``an organ and a harp``."""
    link = "and" if first[0] == second[0] else "with"
    return f"{_name_piece(*first)} {link} {name_trait(*second)}"


def name_trait(facet: str, option: str) -> str:
    """A trait as something that music has: ``a slow tempo``, ``no singing``."""
    if facet in ("tempo", "mood"):
        return f"{_article(option)} {option} {facet}"
    if facet == "voice":
        return "no singing" if option == "nobody" else f"{option} singing"
    return option


def read_traits_of(option: str, facets: tuple[str, str]) -> tuple[str, str] | None:
    """The two parts of an option such as ``a slow piece with a flute``, for two facets; None if it is none."""
    return _list_texts(facets).get(option)


def _name_piece(facet: str, option: str) -> str:
    """Music by a trait of it: ``a slow piece``, ``an instrumental piece``."""
    if facet == "tempo" and option in _TEMPOS:
        return _TEMPOS[option]
    if (facet, option) == ("voice", "nobody"):
        return "an instrumental piece"
    return f"{_article(option)} {option} piece" if facet in ("tempo", "mood") else name_trait(facet, option)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


@cache
def _list_texts(facets: tuple[str, str]) -> Mapping[str, tuple[str, str]]:
    first, second = (
        [option for family in load_facets()[one].families for option in family if option] for one in facets
    )
    return {name_traits((facets[0], one), (facets[1], other)): (one, other) for one in first for other in second}
