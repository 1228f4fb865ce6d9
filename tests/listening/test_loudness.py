from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from audiomcq_cli.listening.sound import RATE
from tests.listening import make_noise, make_tone, probe, values, write
from tests.listening.synthesis import Heard, Samples, fade, noise, normalize, times, tone


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("level", [0.5, 0.01])
def test_loudness_of_a_tone(tmp_path: Path, rate: int, channels: int, level: float) -> None:
    """A tone of 997 Hz is as loud as BS.1770 says: 3.01 dB below its amplitude, for each channel."""
    tone = make_tone(4.0, rate, 997.0, level)
    found = probe(write(tmp_path / "a.wav", np.stack([tone] * channels, axis=1), rate, "FLOAT"))
    expected = 20 * np.log10(level) - 3.01 + 10 * np.log10(channels)
    assert values(found, "loudness") == [pytest.approx(expected, abs=0.1)]


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg"])
def test_loudness_is_that_of_pyloudnorm(tmp_path: Path, extension: str) -> None:
    """Gating is that of the standard: noise with pauses and quiet parts is as loud as pyloudnorm says."""
    import pyloudnorm

    parts = [make_noise(2, 44_100, 0.2), np.zeros(44_100, np.float32), make_noise(3, 44_100, 0.002, 1)]
    samples = np.stack([np.concatenate(parts), np.concatenate(parts[::-1])], axis=1)
    path = write(tmp_path / f"a.{extension}", samples, 44_100)
    expected = pyloudnorm.Meter(44_100, "DeMan").integrated_loudness(sf.read(path)[0])
    assert values(probe(path), "loudness") == [pytest.approx(expected, abs=0.02)]


@pytest.mark.parametrize(("seconds", "level"), [(0.39, 0.5), (4.0, 1e-4)])
def test_no_loudness(tmp_path: Path, seconds: float, level: float) -> None:
    """A clip of less than 0.4 s, and one that is below -70 LUFS throughout, has no loudness."""
    assert values(probe(write(tmp_path / "a.wav", make_tone(seconds, level=level), subtype="FLOAT")), "loudness") == []


# ------------------------------------------------------------------------------------------------------- over time


def test_seconds_have_their_loudness() -> None:
    """Each whole second has its loudness (0.5 dB), in their order."""
    heard = Heard(np.concatenate([noise(1, level) for level in (0.05, 0.1, 0.2, 0.4, 0.02, 0.1)])[: -RATE // 2])
    steps = np.diff(heard.all("second_loudness"))
    assert list(steps) == pytest.approx([6.02, 6.02, 6.02, -26.02], abs=0.5)


def test_silent_second_has_a_floor() -> None:
    """A second of silence is told as one that is not heard."""
    samples = np.concatenate([noise(1, 0.1), np.zeros(RATE), noise(1, 0.1)])
    assert Heard(samples).all("second_loudness")[1] == -70.0


MUSIC = np.tile(np.concatenate([fade(tone(pitch, 0.25)) for pitch in (262, 330, 392, 523)]), 8)


@pytest.mark.parametrize("sound", [noise(8), tone(220, 8), MUSIC])
@pytest.mark.parametrize("change", [-24, -12, -8, 0, 10, 24])
def test_fades_are_told(change: float, sound: Samples) -> None:
    """What grows or fades evenly has its change in dB (1.5 dB), what stays is steady."""
    heard = Heard(normalize(sound * 10 ** (np.linspace(0, change, len(sound)) / 20)))
    assert heard.one("loudness_change") == pytest.approx(change, abs=1.5)
    assert heard.text("loudness_change") == ("steady" if change == 0 else "louder" if change > 0 else "softer")


def test_silence_is_not_steady() -> None:
    """Of what is not heard nothing is said, not even that it stays as it is."""
    assert Heard(np.zeros(4 * RATE)).text("loudness_change") == ""
    assert Heard(noise(4, 2e-4)).text("loudness_change") == ""


def test_linear_fade_is_told() -> None:
    """A fade of the amplitude, as editors make it, is one as well."""
    assert Heard(noise(8) * np.linspace(1, 0, 8 * RATE)).text("loudness_change") == "softer"


@pytest.mark.parametrize(
    "gain",
    [
        np.concatenate([np.linspace(0, 1, 4 * RATE), np.linspace(1, 0, 4 * RATE)]),
        np.where(times(8) < 4, 1.0, 0.1),
        np.where(times(8) % 2 < 1, 1.0, 0.2),
        10 ** (np.linspace(0, 4, 8 * RATE) / 20),
        np.concatenate([np.ones(6 * RATE), np.linspace(1, 0.01, 2 * RATE)]),
    ],
    ids=["up and down", "a step", "on and off", "too little", "at the end only"],
)
def test_no_fade(gain: Samples) -> None:
    """What goes up and down, jumps, or changes only a little or late is no fade and not steady."""
    assert Heard(noise(8) * gain).one("loudness_change") is None
