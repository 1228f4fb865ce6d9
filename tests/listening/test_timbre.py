from __future__ import annotations

import numpy as np
import pytest

from audiomcq_cli.listening.sound import RATE
from tests.listening.synthesis import Heard, Samples, click, fade, glide, noise, normalize, place, sine, tone


@pytest.mark.parametrize("pitch", [200.0, 1000.0, 6000.0])
def test_brightness_of_a_tone_is_its_pitch(pitch: float) -> None:
    """All of a pure tone is at its pitch, noise far below it changes nothing."""
    assert Heard(0.4 * sine(pitch, 3) + noise(3, 0.001)).one("brightness") == pytest.approx(pitch, rel=0.1)


def test_brightness_is_the_mean_weighted_by_power() -> None:
    """Two tones are as bright as the mean of their pitches, weighted by their power."""
    clip = 0.4 * sine(500, 3) + 0.2 * sine(3000, 3)
    assert Heard(clip).one("brightness") == pytest.approx((4 * 500 + 3000) / 5, rel=0.05)


def test_brightness_that_moves_is_not_told() -> None:
    """A glide over two octaves has no one brightness."""
    assert Heard(0.4 * glide(300, 36, 4, 1)).one("brightness") is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_harmonic_share(share: float) -> None:
    """Of tones and knocks in known parts the harmonic part is told (0.1)."""
    knocks, tones = place(10, np.arange(0.2, 9.9, 0.25), click), tone(330, 10) + 0.5 * tone(495, 10)
    parts = [np.sqrt(part) * one / np.sqrt((one**2).mean()) for part, one in ((share, tones), (1 - share, knocks))]
    assert Heard(normalize(parts[0] + parts[1])).one("harmonic_share") == pytest.approx(share, abs=0.1)


def chirp() -> Samples:
    return fade(glide(2500, 12, 0.12, 1))


NEITHER = {
    "white noise": noise(5),
    "deep noise": np.cumsum(noise(5, 0.002)),
    "noise of one pitch": np.convolve(noise(5.1, 0.2), sine(500, 0.02) * np.hanning(int(0.02 * RATE)), "same"),
    "tone in noise": tone(300, 5) + noise(5, 1.0),
    "chirps": place(5, np.arange(0.2, 4.8, 0.2), chirp),
    "silence": np.zeros(5 * RATE),
}


@pytest.mark.parametrize("name", NEITHER)
def test_noise_is_neither_harmonic_nor_percussive(name: str) -> None:
    """Where much is neither harmonic nor percussive no part is told."""
    clip = NEITHER[name]
    assert Heard(normalize(clip) if np.any(clip) else clip).one("harmonic_share") is None
