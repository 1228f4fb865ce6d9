from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile as sf

from tests.listening import make_noise, make_tone, probe, values, write


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
    parts = [make_noise(2, 44_100, 0.2), np.zeros(44_100, np.float32), make_noise(3, 44_100, 0.002, 1)]
    samples = np.stack([np.concatenate(parts), np.concatenate(parts[::-1])], axis=1)
    path = write(tmp_path / f"a.{extension}", samples, 44_100)
    expected = pyloudnorm.Meter(44_100, "DeMan").integrated_loudness(sf.read(path)[0])
    assert values(probe(path), "loudness") == [pytest.approx(expected, abs=0.02)]


@pytest.mark.parametrize(("seconds", "level"), [(0.39, 0.5), (4.0, 1e-4)])
def test_no_loudness(tmp_path: Path, seconds: float, level: float) -> None:
    """A clip of less than 0.4 s, and one that is below -70 LUFS throughout, has no loudness."""
    assert values(probe(write(tmp_path / "a.wav", make_tone(seconds, level=level), subtype="FLOAT")), "loudness") == []
