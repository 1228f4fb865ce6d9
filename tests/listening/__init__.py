"""Sounds whose truth is known, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

from audiomcq_cli.listening.analyses import run_analysis

Samples = npt.NDArray[np.float32]


def times(seconds: float, rate: int) -> npt.NDArray[np.float64]:
    """When each sample is."""
    return np.arange(round(seconds * rate)) / rate


def make_tone(
    seconds: float = 1.0, rate: int = 16_000, pitch: float = 220.0, level: float = 0.4, harmonics: int = 1
) -> Samples:
    """A tone of so many harmonics, each half as strong as the one before, below half of the rate."""
    parts = [
        0.5 ** (number - 1) * np.sin(2 * np.pi * number * pitch * times(seconds, rate))
        for number in range(1, harmonics + 1)
        if number * pitch < rate / 2
    ]
    tone: Samples = (level * np.sum(parts, axis=0)).astype(np.float32)
    return tone


def make_noise(seconds: float = 1.0, rate: int = 16_000, level: float = 0.1, seed: int = 0) -> Samples:
    """White noise of a level (RMS)."""
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)


def write(path: Path, samples: Any, rate: int = 16_000, subtype: str | None = None) -> Path:
    """Write samples, shape (frames,) or (frames, channels), in the format that the extension says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, samples, rate, subtype=subtype, format="OGG" if path.suffix == ".opus" else None)
    return path


def probe(path: Path) -> dict[str, Any]:
    """What the probe finds."""
    return run_analysis("probe", str(path), {})


def values(found: dict[str, Any], name: str) -> list[float]:
    """The values of one measurement."""
    return [one["value"] for one in found["measurements"] if one["name"] == name]
