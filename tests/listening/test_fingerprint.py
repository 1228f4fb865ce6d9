from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from audiomcq_cli.demo.clips import CLIPS
from audiomcq_cli.demo.signals import RATE
from audiomcq_cli.demo.sounds import render
from tests.listening import make_noise, probe, write

SAME = 0.35
"""Part of the bits in which a copy may differ."""


def take(tmp_path: Path, samples: Any, rate: int = RATE, extension: str = "wav") -> Any:
    found = probe(write(tmp_path / f"a.{extension}", samples, rate))["fingerprint"]
    return np.array(found, np.uint32)


def compare(one: Any, other: Any) -> float:
    """Part of the bits that differ at the best shift with most words in common; silence is left out."""
    best = 1.0
    for shift in range(-len(one) + 1, len(other)):
        begin, end = max(0, shift), min(len(other), shift + len(one))
        first, second = one[begin - shift : end - shift], other[begin:end]
        said = (first != 0) & (second != 0)
        if said.sum() >= 0.7 * min((one != 0).sum(), (other != 0).sum()):
            best = min(best, float(np.bitwise_count((first ^ second)[said]).mean()) / 32)
    return best


SOUNDS = {clip.name: clip for clip in CLIPS if clip.seconds >= 5}


@pytest.mark.parametrize("name", sorted(SOUNDS)[::4])
def test_copies_are_found(tmp_path: Path, name: str) -> None:
    """Re-encoded, quieter, resampled and trimmed copies, half a step off at worst, differ in few bits."""
    samples = render(SOUNDS[name], 0)
    original = take(tmp_path, samples)
    cut = len(samples) // 10 // 1_000 * 1_000 + 500
    copies = [
        take(tmp_path, samples, extension="mp3"),
        take(tmp_path, samples, extension="ogg"),
        take(tmp_path, 0.2 * samples),
        take(tmp_path, soxr.resample(samples, RATE, 8_000), 8_000),
        take(tmp_path, samples[cut:]),
        take(tmp_path, 0.5 * samples[cut // 2 : -cut // 2], extension="mp3"),
    ]
    assert max(compare(original, copy) for copy in copies) < SAME


def test_other_recordings_are_not_taken_for_copies(tmp_path: Path) -> None:
    """Two recordings differ in nearly half of the bits, those of noise too."""
    sounds = [render(SOUNDS[name], 0) for name in sorted(SOUNDS)[::6]] + [
        make_noise(10, RATE, seed=seed) for seed in range(3)
    ]
    taken = [take(tmp_path, samples) for samples in sounds]
    assert min(compare(one, other) for one, other in combinations(taken, 2)) > SAME


def test_fingerprint_is_compact(tmp_path: Path) -> None:
    """A second is eight words; a clip of one second has some, and of two hours no more than the first two minutes."""
    assert len(take(tmp_path, make_noise(10, 16_000), 16_000)) == 75
    assert len(take(tmp_path, make_noise(1, 16_000), 16_000)) == 3
    assert len(take(tmp_path, make_noise(130, 8_000), 8_000)) == 955
