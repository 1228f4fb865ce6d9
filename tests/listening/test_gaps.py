from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from audiomcq_cli.listening.sound import RATE
from tests.listening.synthesis import Heard, Samples, bell, blip, burst, click, drum, fade, noise, place, tone


def beep() -> Samples:
    return fade(tone(600, 0.4))


@pytest.mark.parametrize("make", [click, blip, drum, bell, burst, beep])
@pytest.mark.parametrize("level", [0.8, 0.1])
@pytest.mark.parametrize("hiss", [0.0, 0.001])
@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_sounds_are_counted_exactly(count: int, hiss: float, level: float, make: Callable[[], Samples]) -> None:
    """Sounds with silence between them are counted, loud or soft, with hiss or without; their onsets are right."""
    onsets = np.cumsum(np.random.default_rng(count).uniform(1.1, 1.5, count)) - 0.6
    heard = Heard(place(onsets[-1] + 1.4, onsets, make, hiss * level, level))
    assert heard.one("separate_sounds") == count
    sounds = [event for event in heard.events if event["label"] == "sound"]
    assert [event["onset"] for event in sounds] == pytest.approx(list(onsets), abs=0.05)
    assert {event["origin"] for event in heard.events} == {"measured"}


def test_sharp_sounds_have_ends_and_silences() -> None:
    """Where every edge is sharp the ends are told too, and the silences before, between and behind."""
    heard = Heard(place(5, [1.0, 3.0], beep, 0.0005))
    told = [(one["label"], one["onset"], one["offset"]) for one in heard.events]
    expected = [("silence", 0, 1), ("sound", 1, 1.4), ("silence", 1.4, 3), ("sound", 3, 3.4), ("silence", 3.4, 5)]
    assert [label for label, *_ in told] == [label for label, *_ in expected]
    flat = [time for _, *span in told for time in span]
    assert flat == pytest.approx([time for _, *span in expected for time in span], abs=0.05)


def test_end_of_what_dies_away_is_not_told() -> None:
    """When a bell has died away is anybody's guess: its end is not told, nor any silence."""
    events = Heard(place(5, [1.0, 3.0], bell, 0.0005)).events
    assert [(event["label"], event["offset"]) for event in events] == [("sound", None), ("sound", None)]


def test_clip_that_begins_and_ends_with_a_sound() -> None:
    """A sound at the edge of a clip begins and ends with it."""
    samples = np.concatenate([tone(300, 1), np.zeros(22_050), tone(300, 1)]) * 0.3
    told = [(one["label"], one["onset"], one["offset"]) for one in Heard(samples).events]
    assert told == [
        ("sound", 0.0, pytest.approx(1, abs=0.05)),
        ("silence", pytest.approx(1, abs=0.05), pytest.approx(2, abs=0.05)),
        ("sound", pytest.approx(2, abs=0.05), pytest.approx(3, abs=0.05)),
    ]


def pluck() -> Samples:
    """A string that rings on until the next one."""
    along = np.arange(int(0.5 * RATE)) / RATE
    partials = [
        np.exp(-along * number / 0.6) * np.sin(2 * np.pi * 220 * number * along) / number for number in range(1, 9)
    ]
    return fade(np.asarray(np.sum(partials, axis=0)), 0.003)


@pytest.mark.parametrize("step", [0.39, 0.49])
def test_sounds_that_ring_into_each_other_are_not_counted_as_one(step: float) -> None:
    """Strings between two rests are several sounds: nobody would count the rests."""
    onsets = [onset for place_, onset in enumerate(np.arange(0.3, 9.3, step)) if place_ not in (5, 12)]
    heard = Heard(place(10, onsets, pluck))
    assert heard.one("separate_sounds") is None
    assert heard.events == []
    assert heard.all("onset") in ([], pytest.approx(onsets, abs=0.05))


def soft(level: float) -> Samples:
    return place(6, [1.0, 3.0], burst) + place(6, [2.0], burst, 0, level)


UNCLEAR = {
    "a soft one between": soft(0.02),
    "a gap too short to be sure": place(6, [1.0, 1.39, 3.0], burst),
    "one that swells again": place(6, [1.0, 1.25, 3.0], bell),
    "a slow beginning": np.concatenate([np.zeros(22_050), fade(noise(2, 0.3), 1.0, 0.5), np.zeros(22_050)]),
    "too much hiss": place(6, [1.0, 3.0], burst, 0.05),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_unclear_counts_are_not_told(name: str) -> None:
    """What could be counted one way or another is not counted."""
    heard = Heard(UNCLEAR[name])
    assert "separate_sounds" not in heard.names()
    assert heard.events == []
