"""Measures how bright a clip is, and how much of it is harmonic rather than percussive."""

from __future__ import annotations

from typing import Any

from audiomcq_cli.listening.sound import Sound, Told

_ALIKE = 0.5  # of the median: greatest spread of the middle half of the frames
_ALONG, _ACROSS = 9, 193  # frames and rows of the medians: 0.2 s, like a vowel, and 4,100 Hz, more than a chirp
_CLEARLY = 2.0  # ratio of harmonic and percussive strength below which energy counts as neither
_STEADY = 0.25  # of its median: greatest deviation of a partial; noise has 0.38
_CLEAR = 0.7  # share of the power that must belong to one of them


def measure_brightness(sound: Sound) -> Told | None:
    """Return the median spectral centroid of the audible frames in Hz, with a confidence.

    None if the centroid varies too much, or if fewer than four frames are audible.
    """
    import numpy as np

    power = sound.power[:, sound.heard]
    if power.shape[1] < 4 or not np.any(power):
        return None
    centroid = sound.pitches @ power / power.sum(axis=0)
    low, middle, high = np.percentile(centroid, (25, 50, 75))
    spread = (high - low) / middle
    return Told(float(middle), 1 - spread) if spread < _ALIKE else None


def measure_harmonic_share(sound: Sound) -> Told | None:
    """Return the harmonic share of the energy, if nearly all is either harmonic or percussive; noise is neither.

    Median filtering along time and along pitch (Fitzgerald, "Harmonic/percussive separation using median filtering",
    2010, as ``librosa.decompose.hpss``); the rest is left out (Driedger, Müller and Disch, 2014). Narrow-band noise is
    stronger along time as well, but not steady.
    """
    import numpy as np

    power = sound.power[:, 2:-2:2]  # each half overlaps the next; the first and the last reach over the edge
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
    """Return running medians along each row. Joined into one long row they are ten times as fast as a two-dimensional
    filter.
    """
    import numpy as np
    from scipy.ndimage import median_filter

    half = width // 2
    padded = np.pad(rows, ((0, 0), (half, half)), mode="reflect")
    return median_filter(padded.ravel(), width).reshape(padded.shape)[:, half:-half]
