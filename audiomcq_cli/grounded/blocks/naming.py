"""How events and subjects read in questions and options of blocks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.lexicon import SOMETHING, gerund


@dataclass(frozen=True, slots=True)
class Form:
    """How a family is asked.

    Attributes:
        type: Question type. stems: Its questions. presence: Whether it only asks what is there.
        asks: Stems in place of those, by what the question is about (``Claim.ask``).
    """

    type: str
    stems: tuple[str, ...]
    presence: bool = False
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def list_stems(self, ask: str) -> tuple[str, ...]:
        """Return the stems of a question about something."""
        return self.asks.get(ask, self.stems)


@cache
def load_forms() -> Mapping[str, Form]:
    """Return the families that ask in set stems, by name."""
    return {
        name: Form(
            table["type"],
            tuple(table["stems"]),
            table.get("presence", False),
            {ask: tuple(stems) for ask, stems in table.get("asks", {}).items()},
        )
        for name, table in _load("stems.toml").items()
    }


def name_plainly(event: Event) -> Event:
    """Return an event in the plain words for what it is: of a voice that narrates, murmurs or chats, that it speaks."""
    plain = _list_plain()
    own, any_ = plain.get(" ".join(event.concept), {}), plain.get(event.action, {})
    common = any_.get(event.verb, event.verb)
    verb = own.get(event.verb) or own.get(common) or common
    renamed: Mapping[str, Any] = _load("wording.toml")["renamed"].get(" ".join(event.concept), {})
    return replace(event, verb=verb, gerund=gerund(verb), **renamed) if renamed or verb != event.verb else event


def name_definite(event: Event) -> str:
    """Return the subject where it is known which: ``the man``, ``the people``."""
    if event.source == SOMETHING:
        return SOMETHING
    if event.source == "person":
        return "the people" if event.plural else "the person"
    return f"the {event.subject.removeprefix('an ').removeprefix('a ')}"


@cache
def _list_plain() -> Mapping[str, Mapping[str, str]]:
    """Return what is said in place of a verb, by action or by source and action."""
    return {
        name: {verb: said for said, verbs in words.items() for verb in verbs}
        for name, words in _load("wording.toml")["plain"].items()
    }


@cache
def _load(name: str) -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))
