"""The parts of every sound: noise, bands of noise, ringing modes, phases that follow a pitch, fades.

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
"""Samples a second: the usual rate of models that take audio."""


def count(seconds: float) -> int:
    """Return the number of samples in a length of time."""
    return round(seconds * RATE)


def times(seconds: float) -> Samples:
    """Return the time of each sample, from 0."""
    return np.arange(count(seconds), dtype=np.float64) / RATE


def make_noise(rng: Rng, seconds: float, low: float = 0.0, high: float = RATE / 2) -> Samples:
    """Return white noise between two frequencies, with edges of 24 dB an octave, at a root mean square of 1."""
    length = count(seconds)
    size = _round_up(length)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    pitches = np.fft.rfftfreq(size, 1 / RATE)
    pitches[0] = 1e-9
    spectrum /= np.sqrt((1 + (low / pitches) ** 8) * (1 + (pitches / high) ** 8))
    noise = np.fft.irfft(spectrum, size)[:length]
    return np.asarray(noise / max(np.sqrt(np.mean(noise**2)), 1e-12))


def make_swell(rng: Rng, seconds: float, pace: float) -> Samples:
    """Return a slow random curve between 0 and 1 with about ``pace`` new values a second, smooth between them."""
    steps = int(seconds * pace) + 3
    places = times(seconds) * pace + rng.random()
    left = places.astype(np.int64)
    blend = (1 - np.cos(np.pi * (places - left))) / 2
    values = rng.random(steps + 1)
    return np.asarray(values[left] * (1 - blend) + values[left + 1] * blend)


def ring_modes(seconds: float, pitches: Sequence[float], levels: Sequence[float], decays: Sequence[float]) -> Samples:
    """Return the sound of something struck or plucked: partials that die away, each by a factor of e in its decay
    (seconds).
    """
    time, out = times(seconds), np.zeros(count(seconds))
    for pitch, level, decay in zip(pitches, levels, decays, strict=True):
        if pitch < 0.45 * RATE:
            out += level * np.exp(-time / decay) * np.sin(2 * np.pi * pitch * time)
    return out


def follow(pitch: Samples) -> Samples:
    """Return the phase, in radians, of a tone whose pitch in Hz is given for each sample."""
    return np.asarray(2 * np.pi * np.cumsum(pitch) / RATE)


def add_harmonics(phase: Samples, levels: Sequence[float], highest: float) -> Samples:
    """Return the harmonics of a tone, the fundamental first, without those above the Nyquist frequency.

    Args:
        phase: Phase of the fundamental.
        levels: Level of each harmonic.
        highest: The highest pitch of the fundamental, in Hz.
    """
    out = np.zeros(len(phase))
    for number, level in enumerate(levels, 1):
        if number * highest < 0.45 * RATE:
            out += level * np.sin(number * phase)
    return out


def fade(samples: Samples, rise: float = 0.004, fall: float = 0.03) -> Samples:
    """Let a sound rise from zero and fall to zero, each over some seconds."""
    out = samples.copy()
    first, last = min(count(rise), len(out)), min(count(fall), len(out))
    out[:first] *= (1 - np.cos(np.pi * np.arange(first) / max(first, 1))) / 2
    out[len(out) - last :] *= (1 + np.cos(np.pi * np.arange(1, last + 1) / max(last, 1))) / 2
    return out


def place(canvas: Samples, samples: Samples, onset: float) -> None:
    """Add a sound to a canvas at a time in seconds; the part beyond its end is cut off."""
    first = count(onset)
    samples = samples[: max(0, len(canvas) - first)]
    canvas[first : first + len(samples)] += samples


def level_peak(samples: Samples, peak: float = 1.0) -> Samples:
    """Scale a sound so that its largest sample is ``peak``."""
    return np.asarray(samples * (peak / max(float(np.max(np.abs(samples))), 1e-12)))


def reverberate(rng: Rng, samples: Samples, wet: float = 0.12, seconds: float = 0.25) -> Samples:
    """Put a sound into a small room: without one, synthesised sounds seem to come from a void."""
    tail = make_noise(rng, seconds, 100, 5000) * np.exp(-6.9 * times(seconds) / seconds)
    tail /= np.sqrt(np.sum(tail**2))
    size = _round_up(len(samples) + len(tail))
    echo = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return np.asarray(samples + wet * echo)


def _round_up(length: int) -> int:
    """Return the next power of two: a transform of a prime length takes ten times as long."""
    return int(1 << (length - 1).bit_length())
