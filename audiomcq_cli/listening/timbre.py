"""How bright a clip is, and how much of it rings rather than knocks."""

from __future__ import annotations

from typing import Any

from audiomcq_cli.listening.sound import Sound, Told

_ALIKE = 0.5  # of the median: how far the middle half of the frames may be apart
_ALONG, _ACROSS = 9, 193  # frames and rows of the medians: 0.2 s, as a vowel, and 4,100 Hz, more than a chirp
_CLEARLY = 2.0  # times: what is not so much stronger one way than the other belongs to neither
_STEADY = 0.25  # of its median: how far a partial may be from it; noise is 0.38 off
_CLEAR = 0.7  # of the power that must belong to one


def measure_brightness(sound: Sound) -> Told | None:
    """Median of the spectral centroid of what is heard, weighted by power; None where it moves about too much."""
    import numpy as np

    power = sound.power[:, sound.heard]
    if power.shape[1] < 4 or not np.any(power):
        return None
    centroid = sound.pitches @ power / power.sum(axis=0)
    low, middle, high = np.percentile(centroid, (25, 50, 75))
    spread = (high - low) / middle
    return Told(float(middle), 1 - spread) if spread < _ALIKE else None


def measure_harmonic_share(sound: Sound) -> Told | None:
    """Part of the energy that is harmonic where nearly all is either that or percussive, as noise is not.

    Median filtering along time and along pitch (Fitzgerald, "Harmonic/percussive separation using median filtering",
    2010, as ``librosa.decompose.hpss``), with what is neither left over (Driedger, Müller and Disch, 2014). Noise of
    some pitches only is stronger along time as well, but not steady.
    """
    import numpy as np

    power = sound.power[:, 2:-2:2]  # each half over the next; the first and the last reach over the edge
    if power.shape[1] < 2 * _ALONG or not np.any(power):
        return None
    strength = np.sqrt(power)
    harmonic, percussive = _take_medians(strength, _ALONG), _take_medians(strength.T, _ACROSS).T
    total = float(power.sum())
    along, across = harmonic > _CLEARLY * percussive, percussive > _CLEARLY * harmonic
    knocking = float(power[across].sum()) / total
    if knocking + float(power[along].sum()) / total < _CLEAR:
        return None
    flutter = _take_medians(np.abs(strength - harmonic), _ALONG)
    clear = knocking + float(power[along & (flutter < _STEADY * harmonic)].sum()) / total
    return Told(1 - knocking / clear, clear) if clear >= _CLEAR else None


def _take_medians(rows: Any, width: int) -> Any:
    """Running medians along each row. As one long row, ten times as fast as a filter over two dimensions."""
    import numpy as np
    from scipy.ndimage import median_filter

    half = width // 2
    padded = np.pad(rows, ((0, 0), (half, half)), mode="reflect")
    return median_filter(padded.ravel(), width).reshape(padded.shape)[:, half:-half]
