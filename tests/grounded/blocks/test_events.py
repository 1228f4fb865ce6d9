"""Tests of ``grounded/blocks/events.py``: the events that a scene leaves open, as bits."""

from __future__ import annotations

from hypothesis import given, settings

from audiomcq_cli.grounded.blocks.events import find_texture, list_audible, name, number
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.pool import is_implied
from tests.grounded import CORPUS, hear
from tests.grounded.blocks import captions

EVENTS = {hear(text).concept for text in CORPUS}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(captions)
def test_as_single_questions_judge(caption: str) -> None:
    """Every event that is implied for a single question is left open here, and some more that none surely lacks."""
    scene = listen([caption])
    audible = list_audible(scene)
    for concept in EVENTS:
        implied = is_implied(Event(*concept, False, "", ""), scene)
        assert bool(audible >> number(concept) & 1) >= implied


def test_numbers() -> None:
    """A number stands for one event."""
    assert {name(number(concept)) for concept in EVENTS} == EVENTS


def test_textures() -> None:
    """Voices are of one texture, motors of another, whoever or whatever it is."""
    assert find_texture(("man", "speak")) == find_texture(("crowd", "cheer")) == "voice"
    assert find_texture(("engine", "idle")) == find_texture(("car", "pass")) == "hum"
