"""The analysis ``measure``: all measurements of a clip in one pass. Names and tolerances are in ``measurements.py``.

Only certain results are reported. A rhythm with accents has no tempo here, a chord no pitch, rain no onsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli import audio
from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import ClipTooLong
from audiomcq_cli.listening.gaps import find_gaps
from audiomcq_cli.listening.loudness import follow_loudness, measure_seconds, take_powers
from audiomcq_cli.listening.pitch import follow_glide, summarize_pitch, track_pitch
from audiomcq_cli.listening.rhythm import find_onsets, find_repetition, follow_beat, hides_onsets
from audiomcq_cli.listening.sound import RATE, Sound, Told
from audiomcq_cli.listening.timbre import measure_brightness, measure_harmonic_share
from audiomcq_cli.measurements import MEASURED, SILENCE, SOUND, make_entry

if TYPE_CHECKING:
    from audiomcq_cli.decoding import Samples

SHORTEST, LONGEST = 0.1, 600.0
"""Least and greatest length in seconds of a clip that is measured: a recording of hours has no tempo, and would not fit
into memory.
"""

EXAMPLE: Row = {
    "measurements": [make_entry("brightness", 1_500.0, 0.9)],
    "events": [{"label": SOUND, "onset": 0.5, "offset": 1.5, "origin": MEASURED}],
}


def measure(path: Path, settings: Mapping[str, Any]) -> Row:
    """Return the measurements and the measured events of a file; empty if its length is outside these limits."""
    try:
        samples, seconds = audio.load_timed(path, RATE, most=LONGEST)
    except ClipTooLong:
        seconds = LONGEST + 1
    if not SHORTEST <= seconds <= LONGEST:
        return {"measurements": [], "events": []}
    return measure_samples(samples)


def measure_samples(samples: Samples) -> Row:
    """Return the same for mono samples at ``RATE``."""
    sound = Sound(samples)
    gaps = find_gaps(sound)
    if gaps and hides_onsets(sound, gaps):
        gaps = None
    entries = [make_entry(name, told.value, told.confidence, told.text) for name, told in _tell(sound, gaps)]
    parts = [(SOUND, gaps.sounds), (SILENCE, gaps.silences)] if gaps else []
    events = [
        {"label": label, "onset": _round(one.onset), "offset": _round(one.offset), "origin": MEASURED}
        for label, found in parts
        for one in found
    ]
    return {"measurements": entries, "events": sorted(events, key=lambda one: (one["onset"], one["label"]))}


def _tell(sound: Sound, gaps: Any) -> Iterator[tuple[str, Told]]:
    """Yield every certain measurement with its name."""
    powers = take_powers(sound)
    yield from (("second_loudness", told) for told in measure_seconds(powers))
    onsets = find_onsets(sound, gaps)
    yield from (("onset", Told(time, 1.0)) for time in onsets)
    if gaps:
        yield "separate_sounds", Told(len(gaps.sounds), 1.0)
    beat = follow_beat(sound, onsets)
    track = track_pitch(sound)
    single = {
        "loudness_change": follow_loudness(powers),
        "repetition_period": find_repetition(sound),
        "tempo": beat.tempo,
        "tempo_change": beat.change,
        **summarize_pitch(track),
        "pitch_change": follow_glide(track),
        "brightness": measure_brightness(sound),
        "harmonic_share": measure_harmonic_share(sound),
    }
    yield from ((name, told) for name, told in single.items() if told is not None)


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
