"""What every sound is made of: noise, bands of noise, ringing modes, phases that follow a pitch, fades.

Samples are float64, mono, ``RATE`` a second. Filters work on the spectrum of a whole sound and shift no phase, so shape
noise first and give it its envelope afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]
Rng = np.random.Generator

RATE = 16_000
"""Samples a second: what models that hear usually work at."""


def count(seconds: float) -> int:
    """Samples in a length of time."""
    return round(seconds * RATE)


def times(seconds: float) -> Samples:
    """The time of each sample, from 0."""
    return np.arange(count(seconds), dtype=np.float64) / RATE


def make_noise(rng: Rng, seconds: float, low: float = 0.0, high: float = RATE / 2) -> Samples:
    """White noise between two frequencies, with edges of 24 dB an octave, at a root mean square of 1."""
    length = count(seconds)
    size = _round_up(length)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    pitches = np.fft.rfftfreq(size, 1 / RATE)
    pitches[0] = 1e-9
    spectrum /= np.sqrt((1 + (low / pitches) ** 8) * (1 + (pitches / high) ** 8))
    noise = np.fft.irfft(spectrum, size)[:length]
    return np.asarray(noise / max(np.sqrt(np.mean(noise**2)), 1e-12))


def make_swell(rng: Rng, seconds: float, pace: float) -> Samples:
    """A slow random curve between 0 and 1 with about ``pace`` new values a second, smooth between them."""
    steps = int(seconds * pace) + 3
    places = times(seconds) * pace + rng.random()
    left = places.astype(np.int64)
    blend = (1 - np.cos(np.pi * (places - left))) / 2
    values = rng.random(steps + 1)
    return np.asarray(values[left] * (1 - blend) + values[left + 1] * blend)


def ring_modes(seconds: float, pitches: Sequence[float], levels: Sequence[float], decays: Sequence[float]) -> Samples:
    """What something struck or plucked does: partials that die away, each by a factor of e in its decay (seconds)."""
    time, out = times(seconds), np.zeros(count(seconds))
    for pitch, level, decay in zip(pitches, levels, decays, strict=True):
        if pitch < 0.45 * RATE:
            out += level * np.exp(-time / decay) * np.sin(2 * np.pi * pitch * time)
    return out


def follow(pitch: Samples) -> Samples:
    """The phase, in radians, of a tone whose pitch in Hz is given for each sample."""
    return np.asarray(2 * np.pi * np.cumsum(pitch) / RATE)


def add_harmonics(phase: Samples, levels: Sequence[float], highest: float) -> Samples:
    """Harmonics of a tone, the fundamental first; those beyond what the rate can hold are left out.

    Args:
        phase: Of the fundamental. levels: One a harmonic. highest: The highest pitch of the fundamental, in Hz.
    """
    out = np.zeros(len(phase))
    for number, level in enumerate(levels, 1):
        if number * highest < 0.45 * RATE:
            out += level * np.sin(number * phase)
    return out


def fade(samples: Samples, rise: float = 0.004, fall: float = 0.03) -> Samples:
    """Let a sound begin and end at zero, over so many seconds."""
    out = samples.copy()
    first, last = min(count(rise), len(out)), min(count(fall), len(out))
    out[:first] *= (1 - np.cos(np.pi * np.arange(first) / max(first, 1))) / 2
    out[len(out) - last :] *= (1 + np.cos(np.pi * np.arange(1, last + 1) / max(last, 1))) / 2
    return out


def place(canvas: Samples, samples: Samples, onset: float) -> None:
    """Add a sound to a canvas at a time in seconds; what would lie beyond its end is cut off."""
    first = count(onset)
    samples = samples[: max(0, len(canvas) - first)]
    canvas[first : first + len(samples)] += samples


def level_peak(samples: Samples, peak: float = 1.0) -> Samples:
    """Scale a sound so that its largest sample is ``peak``."""
    return np.asarray(samples * (peak / max(float(np.max(np.abs(samples))), 1e-12)))


def reverberate(rng: Rng, samples: Samples, wet: float = 0.12, seconds: float = 0.25) -> Samples:
    """Put a sound into a small room: without one, synthesised sounds stand in a void."""
    tail = make_noise(rng, seconds, 100, 5000) * np.exp(-6.9 * times(seconds) / seconds)
    tail /= np.sqrt(np.sum(tail**2))
    size = _round_up(len(samples) + len(tail))
    echo = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return np.asarray(samples + wet * echo)


def _round_up(length: int) -> int:
    """The next power of two: a transform of a prime length takes ten times as long."""
    return int(1 << (length - 1).bit_length())
