"""Says which sounds go well together as options of one question: those that a listener would expect in one scene."""

from __future__ import annotations

from audiomcq_cli.grounded.blocks.events import name
from audiomcq_cli.grounded.blocks.wrong import Asked
from audiomcq_cli.grounded.lexicon import SOMETHING

_SCENES = (
    frozenset({"animal", "nature", "person"}),  # out of doors
    frozenset({"vehicle", "signal", "machine", "person", "part"}),  # in the street
    frozenset({"household", "person", "signal", SOMETHING}),  # at home
    frozenset({"machine", "household", SOMETHING, "part"}),  # in a workshop
    frozenset({"vehicle", "nature", "machine"}),  # on the road, in the air, at sea
    frozenset({"blast", SOMETHING, "part", "nature"}),  # bangs, thunder
    frozenset({"music", "person", "signal"}),
)
"""Kinds of sources that are heard in one kind of scene."""

BODILY = frozenset({"burp", "fart", "sneeze", "snore", "hiccup", "cough"})
"""What nobody would believe beside any sound but those of people."""


def is_akin(one: Asked, other: Asked) -> bool:
    """Return whether two answers belong to one kind of scene."""
    first, second = one.claim.kind, other.claim.kind
    return first == second or any(first in scene and second in scene for scene in _SCENES)


def clashes(one: Asked, other: Asked) -> bool:
    """Return whether nobody would believe one answer beside the other, as a bodily sound beside a machine."""
    return (_is_bodily(one) or _is_bodily(other)) and one.claim.kind != other.claim.kind


def shares_sound(one: Asked, other: Asked) -> bool:
    """Return whether two answers are made of some of the same sounds."""
    return bool(set(one.claim.events) & set(other.claim.events))


def is_reverse(one: Asked, other: Asked) -> bool:
    """Return whether two answers are orders of the same two sounds."""
    return one.claim.events == other.claim.events[::-1]


def _is_bodily(asked: Asked) -> bool:
    return any(name(event)[1] in BODILY for event in asked.claim.events)
