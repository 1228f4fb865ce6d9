"""What things sound like, in words: the table that options are weighed with."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.event import Event, name_source
from audiomcq_cli.grounded.lexicon import SOMETHING, gerund, load


def describe(event: Event) -> str:
    """Return what an event sounds like, as a phrase; empty where the table has nothing for it."""
    table = _load()
    like: str = (
        table["events"].get(f"{event.source} {event.action}")
        or table["actions"].get(f"{event.action} {event.verb}")
        or table["actions"].get(event.action, "")
    )
    return like.format(voice=_voice(event))


def describe_source(source: str) -> str:
    """Return what something sounds like, whatever it does; empty where the table has nothing for it."""
    like: str = _load()["sources"].get(source, "")
    return like


def describe_music(option: str) -> str:
    """Return what an option about music sounds like; empty where the table has nothing for it."""
    like: str = _load()["music"].get(option, "")
    return like


def describe_label(label: str) -> str:
    """Return what the label of a known event sounds like, where it is one of the events of the vocabulary."""
    event = read_event(label)
    return describe(event) if event else ""


def read_event(option: str) -> Event | None:
    """Return the event that an option names; None where it is none that the vocabulary can write."""
    return _list_options().get(option)


def read_events(option: str, links: Sequence[str]) -> tuple[Event, Event] | None:
    """Return the two events on either side of one of some links; what both do may be said once."""
    for link in links:
        parts = option.split(link)
        for place in range(1, len(parts)):
            before, second = link.join(parts[:place]), read_event(link.join(parts[place:]))
            first = read_event(before) or (read_event(f"{before} {second.gerund}") if second else None)
            if first and second:
                return first, second
    return None


def read_source(option: str) -> str:
    """Return the source that an option names alone: ``dog`` of ``dogs``; empty where it is none."""
    return _list_sources().get(option, "")


def read_doing(source: str, doing: str, *, plural: bool) -> Event | None:
    """Return the event in which a source does what an option says: ``speaking`` of a man."""
    return read_event(f"{name_source(source, plural=plural)} {doing}")


def _voice(event: Event) -> str:
    voices: Mapping[str, Sequence[str]] = _load()["voices"]
    one, several = voices.get(event.source, voices["person"])
    return several if event.plural else one


@cache
def _list_options() -> dict[str, Event]:
    """Every event as it stands in an option; where two would read the same, the first of the vocabulary."""
    options: dict[str, Event] = {}
    for event in _list_events():
        options.setdefault(event.text, event)
    return options


def _list_events() -> Iterator[Event]:
    lexicon = load()
    for source in (SOMETHING, *lexicon.sources):
        for name, action in lexicon.actions.items():
            if not lexicon.covers(name, source) and action.alone != source:
                continue
            for verb in action.verbs:
                base = f"{verb} {action.object}" if action.object and " " not in verb else verb
                for plural in (False,) if source == SOMETHING else (False, True):
                    yield Event(source, name, plural, base, gerund(base))


@cache
def _list_sources() -> dict[str, str]:
    names = load().sources
    return {name_source(name, plural=plural): name for plural in (True, False) for name in names}


@cache
def _load() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("sounding.toml").read_text("utf-8"))
