"""Tests of ``grounded/blocks/traits.py``."""

from __future__ import annotations

from itertools import combinations

import pytest

from audiomcq_cli.grounded.blocks.traits import RANKED, Said, name_traits
from audiomcq_cli.grounded.music import load_facets
from audiomcq_cli.mcq import words_of


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (("tempo", "slow"), ("instrument", "a piano"), "a slow piece with a piano"),
        (("tempo", "moderate"), ("instrument", "a piano"), "a mid-tempo piece with a piano"),
        (("genre", "funk"), ("instrument", "a trumpet"), "funk with a trumpet"),
        (("genre", "rock"), ("tempo", "fast"), "rock with a fast tempo"),
        (("voice", "nobody"), ("instrument", "a tambourine"), "an instrumental piece with a tambourine"),
        (("voice", "a man"), ("instrument", "drums"), "a man singing with drums"),
        (("tempo", "slow"), ("voice", "nobody"), "a slow piece with no singing"),
        (("tempo", "slow"), ("mood", "energetic"), "a slow piece with an energetic mood"),
        (("mood", "energetic"), ("instrument", "an organ"), "an energetic piece with an organ"),
        (("instrument", "an organ"), ("instrument", "a harp"), "an organ and a harp"),
    ],
)
def test_reads(first: Said, second: Said, text: str) -> None:
    """Two traits read as one thing that is said of music, by what they are."""
    assert name_traits(first, second) == text


@pytest.mark.parametrize("facets", [*combinations(RANKED, 2), ("instrument", "instrument")])
def test_no_two_pairs_read_alike(facets: tuple[str, str]) -> None:
    """No two pairs of traits have the same words."""
    options = [[option for family in load_facets()[one].families for option in family if option] for one in facets]
    texts = {
        (one, other): name_traits((facets[0], one), (facets[1], other)) for one in options[0] for other in options[1]
    }
    assert facets[0] == facets[1] or len({words_of(text) for text in texts.values()}) == len(texts)
