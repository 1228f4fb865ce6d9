"""Tests of ``grounded/blocks/wrong.py``: whether the answer of one clip is wrong for another."""

from __future__ import annotations

import pytest

from audiomcq_cli.grounded.blocks.wrong import Asked, fits, is_wrong
from tests.grounded.blocks import ask


def wrong(family: str, option: str, clip: str) -> bool:
    """Whether the answer of a clip with one caption is wrong for a clip with another."""
    return is_wrong(ask(family, option).claim, ask(family, clip))


@pytest.mark.parametrize(
    ("family", "option", "clip"),
    [
        ("presence", "A dog barks", "A man speaks"),
        ("presence", "A woman speaks", "A man speaks"),
        ("animal", "A cow moos", "A dog barks"),
        ("pair", "A dog barks and a bell rings", "A dog barks and rain falls"),
        ("in_order", "A dog barks, then a bell rings", "A bell rings, then a dog barks"),
        ("opens", "A bell rings, then a dog barks", "A dog barks, then a bell rings"),
        ("closes", "A bell rings, then a dog barks", "A dog barks, then a bell rings"),
        ("doing", "A man sneezes", "A man speaks"),
        ("who", "A woman laughs", "A man laughs"),
        ("how_often", "A dog barks twice", "A dog barks three times"),
        ("genre", "This jazz piece features a singer", "This rock song features a singer"),
        ("instrument", "This music features a flute", "This music features a piano"),
        (
            "traits",
            "This music has a slow tempo and a male vocalist",
            "This music has a slow tempo and a female vocalist",
        ),
    ],
)
def test_wrong(family: str, option: str, clip: str) -> None:
    """What the other clip does not state, imply or leave open can stand as a wrong option, both ways round."""
    assert wrong(family, option, clip)
    assert wrong(family, clip, option)


@pytest.mark.parametrize(
    ("family", "option", "clip"),
    [
        ("presence", "A dog barks", "An animal growls"),
        ("presence", "A dog barks", "A man speaks and a dog barks"),
        ("presence", "A crowd talks", "A man speaks"),
        ("presence", "A man speaks", "A crowd cheers"),
        ("presence", "A man speaks", "A man laughs"),
        ("presence", "A sewing machine runs", "A motor is running"),
        ("presence", "A man speaks", "A man and a woman try to comfort a crying baby as a dog barks"),
        ("presence", "A woman speaks", "Wind blows with faint murmuring"),
        ("presence", "A woman speaks", "A man is growling as a bell rings"),
        ("presence", "A tire squeals", "Cars speed by"),
        ("presence", "An engine runs", "Tires squeal"),
        ("presence", "A horn blows", "A car passes"),
        ("presence", "Traffic passes", "A siren wails"),
        ("presence", "Wind blows", "A fan is running"),
        ("presence", "Wind blows", "A loud hiss"),
        ("presence", "Rain falls", "Wind blows"),
        ("presence", "A goat bleats", "A rooster crows on a farm"),
        ("presence", "A chime rings", "A bell rings"),
        ("pair", "A dog barks and a bell rings", "A bell rings, rain falls and a dog barks"),
        ("in_order", "A dog barks, then a bell rings", "A dog barks, then a bell rings and rain falls"),
        ("doing", "A man sneezes", "A man coughs"),
        ("genre", "This jazz piece features a singer", "This swing song is a jazz piece"),
        ("instrument", "This music features a guitar", "This music features a banjo and a piano"),
    ],
)
def test_left_open(family: str, option: str, clip: str) -> None:
    """What the other clip states, implies or leaves open, as most human voices do, is no wrong option."""
    assert not wrong(family, option, clip)


def test_duplicates_do_not_fit() -> None:
    """Two clips of one cluster never share a block, whatever they are asked."""
    one, other = ask("presence", "A dog barks", clip="Small:1"), ask("presence", "A bell rings", clip="Small:2")
    assert fits(one, other)
    copy = type(other.candidate)(
        other.candidate.clip, one.candidate.cluster, other.candidate.claims, other.candidate.audible
    )
    assert not fits(one, Asked(copy, other.claim))
