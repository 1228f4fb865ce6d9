"""Clips whose truth is known: what is placed when, at which level, pitch and pace, on which noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from audiomcq_cli.listening.measure import measure_samples
from audiomcq_cli.listening.sound import RATE

Samples = npt.NDArray[Any]


def times(seconds: float) -> Samples:
    """When each sample is."""
    return np.arange(int(seconds * RATE)) / RATE


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> Samples:
    """White noise of a level (RMS)."""
    return level * np.random.default_rng(seed).standard_normal(int(seconds * RATE))


def sine(pitch: float, seconds: float) -> Samples:
    """A pure tone."""
    return np.sin(2 * np.pi * pitch * times(seconds))


def tone(pitch: float, seconds: float, harmonics: int = 8, slope: float = 0.6) -> Samples:
    """A tone of harmonics, each weaker than the one before."""
    numbers = [number for number in range(1, harmonics + 1) if number * pitch < RATE / 2]
    parts = [slope ** (number - 1) * np.sin(2 * np.pi * number * pitch * times(seconds) + number) for number in numbers]
    return np.asarray(np.sum(parts, axis=0))


def glide(first: float, semitones: float, seconds: float, harmonics: int = 5) -> Samples:
    """A tone that glides evenly, in semitones."""
    pitch = first * 2 ** (semitones / 12 * times(seconds) / seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return np.asarray(np.sum([0.6**n * np.sin((n + 1) * phase) for n in range(harmonics)], axis=0))


def fade(samples: Samples, rise: float = 0.005, fall: float = 0.02) -> Samples:
    """The same without clicks at its ends."""
    up, down = int(rise * RATE), int(fall * RATE)
    shape = np.concatenate([np.linspace(0, 1, up), np.ones(len(samples) - up - down), np.linspace(1, 0, down)])
    return np.asarray(samples * shape)


def click() -> Samples:
    """Noise that is over in some milliseconds."""
    return np.exp(-times(0.03) / 0.005) * noise(0.03, 1.0)


def blip() -> Samples:
    """A short pure tone."""
    return fade(sine(1000, 0.06))


def drum() -> Samples:
    """A low drum, whose pitch falls."""
    along = times(0.15)
    body = np.sin(2 * np.pi * (60 + 80 * np.exp(-along * 40)) * along)
    return np.asarray(np.exp(-along / 0.03) * (body + 0.3 * noise(0.15, 1.0)))


def bell() -> Samples:
    """A bell, which rings for a second."""
    along = times(1.0)
    partials = [np.sin(2 * np.pi * 800 * ratio * along) for ratio in (1, 2.76, 5.4)]
    return np.asarray(np.exp(-along * 10) * np.sum(partials, axis=0))


def burst() -> Samples:
    """A third of a second of noise."""
    return fade(noise(0.3, 0.3))


def place(
    seconds: float, onsets: Iterable[float], make: Callable[[], Samples], hiss: float = 0.0, level: float = 0.5
) -> Samples:
    """A clip with a sound at each onset, on noise."""
    clip = noise(seconds, hiss, 9)
    for onset in onsets:
        sound = make()
        begin = round(onset * RATE)
        room = min(len(sound), len(clip) - begin)
        clip[begin : begin + room] += (sound * level / np.abs(sound).max())[:room]
    return clip


def normalize(samples: Samples, peak: float = 0.5) -> Samples:
    """The same with another peak."""
    return np.asarray(samples * (peak / np.abs(samples).max()))


class Heard:
    """What is measured of samples, by name."""

    def __init__(self, samples: Samples) -> None:
        found = measure_samples(samples.astype(np.float32))
        self.events = found["events"]
        self._entries = found["measurements"]

    def all(self, name: str) -> list[float]:
        """Every value of a name."""
        return [one["value"] for one in self._entries if one["name"] == name]

    def one(self, name: str) -> float | None:
        """The only value of a name, or None."""
        found = self.all(name)
        return found[0] if len(found) == 1 else None

    def text(self, name: str) -> str:
        """What a measurement says in a word; empty without it."""
        return next((str(one["text"]) for one in self._entries if one["name"] == name), "")

    def names(self) -> set[str]:
        """What is told beside the loudness of each second."""
        return {one["name"] for one in self._entries} - {"second_loudness"}
