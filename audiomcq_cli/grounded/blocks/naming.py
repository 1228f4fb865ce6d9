"""How events and subjects read in questions and options of blocks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.lexicon import SOMETHING, gerund

_PLAIN = "plain"
"""Table of plain words, beside those of the families."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a family is asked: its question type, its stems, and whether it only asks what is there."""

    type: str
    stems: tuple[str, ...]
    presence: bool = False


@cache
def load_forms() -> Mapping[str, Form]:
    """The families that ask in set stems, by name."""
    return {
        name: Form(table["type"], tuple(table["stems"]), table.get("presence", False))
        for name, table in _load().items()
        if name != _PLAIN
    }


def name_plainly(event: Event) -> Event:
    """An event in the plain words for what it is: of a voice that narrates, murmurs or chats, that it speaks."""
    plain = _load()[_PLAIN]
    words = plain.get(event.action, {}) | plain.get(" ".join(event.concept), {})
    verb: str | None = words.get(event.verb)
    return replace(event, verb=verb, gerund=gerund(verb)) if verb else event


def name_definite(event: Event) -> str:
    """The subject where it is known which: ``the man``, ``the people``."""
    if event.source == SOMETHING:
        return SOMETHING
    if event.source == "person":
        return "the people" if event.plural else "the person"
    return f"the {event.subject.removeprefix('an ').removeprefix('a ')}"


@cache
def _load() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("stems.toml").read_text("utf-8"))
