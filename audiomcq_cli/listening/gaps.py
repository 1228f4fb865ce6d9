"""Finds sounds with silence between them: the beginning and end of each, by its level over time.

A level above the floor is a sound and one at the floor is silence. A level between the two, a sound too soon after
another, and a sound that swells again before it is over could be counted in two ways: then nothing is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audiomcq_cli.listening.sound import QUIET, RATE, STEP, Sound

CONTRAST = 30.0
"""Least difference in dB between the floor and the loudest sound."""

_ABOVE_FLOOR = 8.0  # dB: noise of 30 ms stays within 3 dB of its level
_DEEPEST = 55.0  # dB below the loudest: softer sounds are not heard beside it
_ALIKE = 20.0  # dB below the loudest: a softer sound may or may not be counted
_MERGED, _SEPARATE = 0.06, 0.12  # seconds: below the first no gap; below the second perhaps one
_SWELL = 9.0  # dB that a sound may rise again after a dip
_SHARP = 0.08  # seconds that a sharp edge takes at most
_NEAR_PEAK = 12.0  # dB below its peak at which a sound has fully begun


@dataclass(frozen=True, slots=True)
class Part:
    """A sound, or the silence between two, in seconds; an edge that is too soft to locate is None."""

    onset: float | None
    offset: float | None


@dataclass(frozen=True, slots=True)
class Gaps:
    """The sounds of a clip in their order, and the silences; silences only if every edge is sharp."""

    sounds: tuple[Part, ...]
    silences: tuple[Part, ...]


def find_gaps(sound: Sound) -> Gaps | None:
    """Return the sounds of a clip that have silence around them; None if they cannot be separated with certainty."""
    import numpy as np

    if len(sound.envelope) < 20:
        return None
    level = _smooth(sound.envelope)
    loudest, floor = float(level.max()), float(np.percentile(level, 5))
    low = max(floor + _ABOVE_FLOOR, loudest - _DEEPEST)
    if loudest < QUIET + _ALIKE or loudest - max(floor, loudest - _DEEPEST) < CONTRAST or loudest - low < _ALIKE:
        return None
    runs = _find_runs(level > low)
    joined = _join(runs)
    if joined is None or joined == [(0, len(level))]:
        return None
    sounds = []
    for begin, end in joined:
        part = level[begin:end]
        if part.max() < loudest - _ALIKE or _swells(part):
            return None
        sounds.append(_place(part, begin, end, len(level)))
    if any(one.onset is None for one in sounds):
        return None
    return Gaps(tuple(sounds), _find_silences(sounds, sound.seconds))


def _smooth(envelope: Any) -> Any:
    """Return the mean power of three steps in dB: ten milliseconds are less than a period of low tones."""
    import numpy as np

    power = np.pad(10 ** (envelope / 10), 1, mode="edge")
    return 10 * np.log10((power[:-2] + power[1:-1] + power[2:]) / 3)


def _find_runs(above: Any) -> list[tuple[int, int]]:
    """Return the begin and end of each true stretch."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[0], above.astype(np.int8), [0]])))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _join(runs: list[tuple[int, int]]) -> list[tuple[int, int]] | None:
    """Return the runs with the shortest gaps closed; None if a gap is doubtful."""
    joined: list[tuple[int, int]] = []
    for begin, end in runs:
        gap = (begin - joined[-1][1]) * STEP / RATE if joined else _SEPARATE
        if _MERGED <= gap < _SEPARATE:
            return None
        if gap < _MERGED:
            begin = joined.pop()[0]
        joined.append((begin, end))
    return joined


def _swells(level: Any) -> bool:
    """Return whether a sound rises again after a dip, as two sounds that run into each other do."""
    import numpy as np

    peak = int(level.argmax())
    after, before = level[peak:], level[: peak + 1][::-1]
    return any(float(np.max(side - np.minimum.accumulate(side))) > _SWELL for side in (after, before))


def _place(level: Any, begin: int, end: int, steps: int) -> Part:
    import numpy as np

    full = np.flatnonzero(level > level.max() - _NEAR_PEAK)
    width = STEP / RATE
    onset = (begin + 1) * width if begin else 0.0  # the smoothing reaches one step ahead
    offset = (end - 1) * width if end < steps else steps * width
    rises = full[0] * width <= _SHARP
    falls = (len(level) - 1 - full[-1]) * width <= _SHARP
    return Part(onset if rises or not begin else None, offset if falls or end == steps else None)


def _find_silences(sounds: list[Part], seconds: float) -> tuple[Part, ...]:
    """Return the silences before, between and after the sounds; empty if an edge is unknown."""
    if any(one.offset is None for one in sounds):
        return ()
    edges = [0.0, *(time for one in sounds for time in (one.onset or 0.0, one.offset or 0.0)), seconds]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Part(begin, end) for begin, end in pairs if end - begin >= _SEPARATE)
