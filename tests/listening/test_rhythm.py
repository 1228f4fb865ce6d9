from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from audiomcq_cli.listening.sound import RATE
from tests.listening.synthesis import (
    Heard,
    Samples,
    bell,
    blip,
    burst,
    click,
    drum,
    fade,
    noise,
    normalize,
    place,
    sine,
    times,
    tone,
)

SOUNDS = [click, blip, drum, bell]


@pytest.mark.parametrize("make", SOUNDS)
@pytest.mark.parametrize("hiss", [0.0, 0.003, 0.02])
@pytest.mark.parametrize("tempo", [45, 90, 133, 200])
def test_tempo_and_onsets_are_right_or_not_told(tempo: float, hiss: float, make: Callable[[], Samples]) -> None:
    """Even beats have their tempo (2 %) and their onsets (50 ms), whatever beats; in noise they may not be told."""
    onsets = np.arange(0.3, 9.7, 60 / tempo)
    heard = Heard(place(10, onsets, make, hiss))
    told = heard.one("tempo")
    assert told == pytest.approx(tempo, rel=0.02) if told else hiss == 0.02 or make is bell or tempo == 90
    if found := heard.all("onset"):
        assert found == pytest.approx(list(onsets), abs=0.05)
    period = heard.one("repetition_period")
    assert period is None or period == pytest.approx(60 / tempo, rel=0.02)


def test_tempo_is_told_of_most() -> None:
    """Of even beats without much noise, most have their tempo told."""
    told = [
        Heard(place(10, np.arange(0.3, 9.7, 60 / tempo), make, 0.001)).one("tempo")
        for tempo in (60, 75, 110, 150, 180)
        for make in SOUNDS
    ]
    assert sum(value is not None for value in told) >= 18


@pytest.mark.parametrize(("begin", "end", "text"), [(90, 130, "faster"), (140, 95, "slower"), (80, 160, "faster")])
@pytest.mark.parametrize("make", [click, drum])
def test_tempo_change(begin: float, end: float, text: str, make: Callable[[], Samples]) -> None:
    """Beats that come ever faster or slower have the ratio of their tempos (4 %), and no tempo."""
    onsets = [0.2]
    while onsets[-1] < 9:
        onsets.append(onsets[-1] + 60 / (begin + (end - begin) * onsets[-1] / 10))
    first, last = (begin + (end - begin) * onset / 10 for onset in (onsets[0], onsets[-1]))
    heard = Heard(place(10, onsets, make))
    assert heard.one("tempo_change") == pytest.approx(last / first, rel=0.04)
    assert (heard.text("tempo_change"), heard.one("tempo")) == (text, None)


def test_even_tempo_is_steady() -> None:
    """Even beats change nothing."""
    heard = Heard(place(10, np.arange(0.2, 9.8, 0.6), drum))
    assert heard.text("tempo_change") == "steady"
    assert heard.one("tempo_change") == pytest.approx(1, abs=0.02)


def make_kit(beat: float) -> Samples:
    """Drum and noise in turn on the beat, a hat between: it could be counted twice as fast."""
    hat = place(10, np.arange(0.1, 10, beat / 2), click, 0, 0.25)
    return (
        place(10, np.arange(0.1, 10, 2 * beat), drum, 0, 0.8)
        + place(10, np.arange(0.1 + beat, 10, 2 * beat), burst)
        + hat
    )


RHYTHMS = {
    "at random": np.sort(np.random.default_rng(1).uniform(0.2, 9.5, 25)),
    "swing": np.cumsum([0.4, 0.2] * 15) + 0.1,
    "three, three, two": np.cumsum([0.3, 0.3, 0.2] * 11) + 0.1,
    "uneven": np.arange(0.2, 9.6, 0.5) + np.random.default_rng(2).normal(0, 0.04, 19),
    "too few": np.arange(0.5, 2.6, 0.5),
}


@pytest.mark.parametrize("make", [click, drum, blip])
@pytest.mark.parametrize("name", RHYTHMS)
def test_no_tempo_without_an_even_beat(name: str, make: Callable[[], Samples]) -> None:
    """What is not even, or not long enough, has no tempo and no change of it."""
    heard = Heard(place(10, RHYTHMS[name], make))
    assert not heard.names() & {"tempo", "tempo_change"}


@pytest.mark.parametrize("tempo", [80, 100, 120, 140])
def test_no_tempo_of_what_has_accents(tempo: float) -> None:
    """A drum kit that could be counted at twice or half the tempo has none; that it repeats is certain."""
    heard = Heard(normalize(make_kit(60 / tempo)))
    assert heard.one("tempo") is None
    assert heard.one("repetition_period") == pytest.approx(2 * 60 / tempo, rel=0.02)


@pytest.mark.parametrize("hiss", [0.0, 0.01])
@pytest.mark.parametrize("period", [0.8, 1.3, 2.0, 3.1])
def test_repetition_period(period: float, hiss: float) -> None:
    """A tune that comes again and again repeats after its length (2 %)."""
    chance = np.random.default_rng(3)
    notes = [
        fade(tone(chance.choice([220, 262, 330, 392, 500, 700]), period / 8)) * chance.uniform(0.4, 1)
        for _ in "12345678"
    ]
    tune = np.concatenate(notes)
    clip = np.tile(tune, int(10 * RATE / len(tune)) + 1)[: 10 * RATE]
    assert Heard(normalize(clip) + noise(10, hiss)).one("repetition_period") == pytest.approx(
        len(tune) / RATE, rel=0.02
    )


@pytest.mark.parametrize("accent", [0.5, 0.2])
@pytest.mark.parametrize(
    ("make", "every", "beat"), [(burst, 3, 0.95), (blip, 2, 0.49), (drum, 4, 0.64), (click, 4, 0.63)]
)
def test_beat_is_no_repetition_of_a_bar(make: Callable[[], Samples], every: int, beat: float, accent: float) -> None:
    """Where each second, third or fourth beat is louder, it is the bar that repeats itself."""
    onsets = np.arange(0.3, 9.7, beat)
    clip = place(10, onsets, make, 0, 0.5 * accent) + place(10, onsets[::every], make, 0, 0.5 * (1 - accent))
    period = Heard(clip).one("repetition_period")
    assert period is None or period == pytest.approx(every * beat, rel=0.02)


def test_two_sounds_repeat_nothing() -> None:
    """What comes twice only need not come again."""
    assert Heard(place(10, [1.5, 5.8], blip)).one("repetition_period") is None


@pytest.mark.parametrize("seconds", [2.0, 3.0, 4.0])
@pytest.mark.parametrize("seed", range(12))
def test_wavering_sounds_are_measured(seed: int, seconds: float) -> None:
    """A noise or a tone that wavers, however irregularly, has measurements and no tempo."""
    chance = np.random.default_rng(seed)
    steps = np.interp(times(seconds), np.linspace(0, seconds, 40), chance.uniform(0, 1, 40) ** 3)
    clip = noise(seconds, 0.2, seed) if seed % 2 else tone(110 + 20 * seed, seconds, 20, 0.9) * 0.1
    assert Heard(clip * steps).one("tempo") is None


DULL = {
    "white noise": noise(8),
    "deep noise": np.cumsum(noise(8, 0.002)),
    "rain": noise(8, 0.05) + place(8, np.random.default_rng(0).uniform(0, 7.9, 400), click, 0, 0.2),
    "tone": tone(300, 8),
    "chord": tone(220, 8) + tone(277.2, 8) + tone(329.6, 8),
    "swelling noise": noise(8, 0.2) * (1 + np.sin(2 * np.pi * 0.4 * times(8))),
    "beating": sine(400, 8) + sine(403, 8),
    "silence": np.zeros(8 * RATE),
}


@pytest.mark.parametrize("name", DULL)
def test_no_onsets_and_no_tempo_of_what_goes_on(name: str) -> None:
    """Noise, rain, a tone or silence have no onsets, no tempo, and no sounds to count."""
    heard = Heard(normalize(DULL[name]) if np.any(DULL[name]) else DULL[name])
    assert not heard.names() & {"onset", "tempo", "tempo_change", "separate_sounds"}
    assert name == "swelling noise" or heard.one("repetition_period") is None or name == "beating"
    assert heard.events == []
