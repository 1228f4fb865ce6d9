from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audiomcq_cli.listening.analyses import run_analysis
from audiomcq_cli.listening.sound import RATE
from tests.listening import make_tone, values, write
from tests.listening.synthesis import Heard, Samples, click, fade, glide, noise, normalize, place, sine, times, tone

NAMES = ("pitch", "pitch_low", "pitch_high", "pitch_first_half", "pitch_second_half")


def cents(value: float, truth: float) -> float:
    return float(1200 * np.log2(value / truth))


def square(pitch: float, seconds: float) -> Samples:
    odd = [number for number in (1, 3, 5, 7) if number * pitch < RATE / 2]
    return np.asarray(np.sum([np.sin(2 * np.pi * n * pitch * times(seconds)) / n for n in odd], axis=0))


@pytest.mark.parametrize("make", [sine, tone, square, lambda p, s: tone(p, s, 30, 0.85)])
@pytest.mark.parametrize("hiss", [0.0, 0.01, 0.04])
@pytest.mark.parametrize("pitch", [82.4, 147.0, 261.6, 440.0, 784.0, 1046.5])
def test_pitch_of_a_tone(pitch: float, hiss: float, make: Callable[[float, float], Samples]) -> None:
    """Whatever its timbre, in noise or not, a tone has its pitch within 20 cents, and it is steady."""
    heard = Heard(normalize(fade(make(pitch, 3))) + noise(3, hiss))
    for name in NAMES:
        assert heard.one(name) is not None
        assert cents(heard.one(name) or 0, pitch) == pytest.approx(0, abs=20)
    assert heard.text("pitch_change") == "steady"


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_pitch_at_other_rates(rate: int, tmp_path: Path) -> None:
    """The rate of the file changes nothing."""
    path = write(tmp_path / "a.wav", make_tone(2, rate, 330.0, harmonics=5), rate)
    assert values(run_analysis("measure", str(path), {}), "pitch") == [pytest.approx(330, rel=0.002)]


@pytest.mark.parametrize("harmonics", [1, 5])
@pytest.mark.parametrize("hiss", [0.0, 0.02])
@pytest.mark.parametrize(
    ("first", "semitones", "seconds"), [(200, 12, 3), (400, 5, 2), (300, -4, 4), (220, 24, 5), (800, -12, 1)]
)
def test_glide(first: float, semitones: float, seconds: float, hiss: float, harmonics: int) -> None:
    """A glide has its change in semitones, and what is told of its pitch is within 20 cents."""
    heard = Heard(normalize(fade(glide(first, semitones, seconds, harmonics))) + noise(seconds, hiss))
    assert heard.one("pitch_change") == pytest.approx(semitones, abs=0.5)
    assert heard.text("pitch_change") == ("rising" if semitones > 0 else "falling")
    low, high = (0.05, 0.95) if semitones > 0 else (0.95, 0.05)
    for name, part in zip(NAMES, (0.5, low, high, 0.25, 0.75), strict=True):
        if (told := heard.one(name)) is not None:
            assert cents(told, first * 2 ** (part * semitones / 12)) == pytest.approx(0, abs=20)


@pytest.mark.parametrize(("first", "semitones"), [(126, -17.7), (1000, 17.7)])
def test_glide_out_of_reach_is_not_cut_short(first: float, semitones: float) -> None:
    """Of a glide that ends below or above the pitches that are looked for, the part that is followed is not told."""
    assert Heard(normalize(fade(glide(first, semitones, 4.5, 1)))).one("pitch_change") is None


def test_slip_at_the_end_changes_nothing() -> None:
    """A tone is not said to have moved because of its last instant."""
    told = Heard(np.concatenate([fade(tone(300, 3)), fade(tone(1200, 0.09))]) * 0.3).one("pitch_change")
    assert told is None or abs(told) <= 0.5


def test_halves_are_compared() -> None:
    """The pitch of each half is told where each has one."""
    heard = Heard(np.concatenate([fade(tone(220, 2)), fade(tone(330, 2))]) * 0.3)
    assert heard.one("pitch_first_half") == pytest.approx(220, rel=0.005)
    assert heard.one("pitch_second_half") == pytest.approx(330, rel=0.005)
    assert heard.one("pitch_change") is None


def test_vibrato_goes_nowhere() -> None:
    """Vibrato has the pitch that it goes around, and its lowest and highest, but no direction."""
    phase = 2 * np.pi * np.cumsum(300 * 2 ** (np.sin(2 * np.pi * 5.5 * times(4)) / 12)) / RATE
    heard = Heard(0.2 * (np.sin(phase) + np.sin(2 * phase) / 2))
    assert heard.one("pitch_change") is None
    assert cents(heard.one("pitch_low") or 0, 300) == pytest.approx(-98.8, abs=20)
    assert cents(heard.one("pitch_high") or 0, 300) == pytest.approx(98.8, abs=20)


NONE = {
    "white noise": noise(3),
    "deep noise": np.cumsum(noise(3, 0.002)),
    "major chord": tone(220, 3) + tone(277.2, 3) + tone(329.6, 3),
    "chord in just intonation": sine(400, 3) + sine(500, 3) + sine(600, 3),
    "fifth": tone(220, 3) + tone(330, 3),
    "two tones": sine(300, 3) + sine(431, 3),
    "clicks": place(3, np.arange(0.1, 3, 0.3), click),
    "tone in as much noise": tone(300, 3) + noise(3, 1.0),
    "silence": np.zeros(3 * RATE),
}


@pytest.mark.parametrize("name", NONE)
def test_no_pitch_of_what_has_none(name: str) -> None:
    """Noise, chords and knocks have no pitch, and it neither rises nor falls."""
    heard = Heard(normalize(NONE[name]) if np.any(NONE[name]) else NONE[name])
    assert not heard.names() & {*NAMES, "pitch_change"}
