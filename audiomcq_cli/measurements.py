"""The measurements of a clip: name, unit, and tolerance.

A clip's column ``measurements`` holds entries ``{name, value, text, unit, confidence}``. A name is present only if it
could be measured with enough confidence, and several times if a clip has several values (onsets, in their order).
Questions whose key is a number keep their wrong options at least three tolerances away from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement.

    Attributes:
        unit: Unit of its values; empty for a number without one.
        tolerance: Greatest error of a value, in that unit, or as a share of the value if ``relative``.
        doc: What is measured.
    """

    unit: str
    tolerance: float
    doc: str
    relative: bool = False

    def margin(self, value: float) -> float:
        """Return the tolerance of one value, in its unit."""
        return abs(value) * self.tolerance if self.relative else self.tolerance


MEASUREMENTS: Mapping[str, Measurement] = {
    # of every clip
    "loudness": Measurement("LUFS", 0.5, "integrated loudness (ITU-R BS.1770-4)"),
    "peak": Measurement("dBFS", 0.1, "largest sample"),
    "clipped": Measurement("", 0.001, "part of the samples that are clipped"),
    "silent": Measurement("", 0.01, "part of the clip that is silence"),
    # loudness over time
    "second_loudness": Measurement("dB", 0.5, "loudness of each whole second, in their order; text is its number"),
    "loudness_change": Measurement("dB", 1.5, "from the beginning to the end, text louder, softer or steady"),
    # time
    "onset": Measurement("s", 0.05, "when a sound begins, each in its order"),
    "separate_sounds": Measurement("", 0.0, "number of sounds with silence between them"),
    "repetition_period": Measurement("s", 0.02, "time after which the clip repeats itself", relative=True),
    "tempo": Measurement("BPM", 0.02, "beats a minute", relative=True),
    "tempo_change": Measurement("", 0.04, "tempo of the end by that of the beginning, text faster, slower or steady"),
    # pitch
    "pitch": Measurement("Hz", 0.012, "median of the fundamental frequency (20 cents)", relative=True),
    "pitch_low": Measurement("Hz", 0.012, "5th percentile of the fundamental frequency", relative=True),
    "pitch_high": Measurement("Hz", 0.012, "95th percentile of the fundamental frequency", relative=True),
    "pitch_change": Measurement("semitones", 0.5, "from the beginning to the end, text rising, falling or steady"),
    "pitch_first_half": Measurement("Hz", 0.012, "median of the fundamental frequency, first half", relative=True),
    "pitch_second_half": Measurement("Hz", 0.012, "median of the fundamental frequency, second half", relative=True),
    # timbre
    "brightness": Measurement("Hz", 0.1, "median of the spectral centroid", relative=True),
    "harmonic_share": Measurement("", 0.1, "part of the energy that is harmonic; the rest is percussive"),
    # speech
    "speech_rate": Measurement("words/min", 0.1, "words a minute while somebody speaks", relative=True),
}
"""All measurements by name."""

SILENCE, SOUND = "silence", "sound"
"""Labels of the events of origin ``MEASURED``: gaps, and the sounds between them."""

SPEECH, SINGING, MUSIC = "speech", "singing", "music"
"""Labels of the events of origin ``SEGMENTED``."""

SOURCE, MEASURED, SEGMENTED = "source", "measured", "segmented"
"""Origins of a clip's events: its source, energy over time, a detector of speech and music."""


def make_entry(name: str, value: float | None, confidence: float = 1.0, text: str = "") -> dict[str, Any]:
    """Return an entry of the column ``measurements``; numbers are rounded far below any tolerance."""
    return {
        "name": name,
        "value": None if value is None else round(float(value), 6),
        "text": text,
        "unit": MEASUREMENTS[name].unit,
        "confidence": round(float(confidence), 3),
    }


def read_values(row: Mapping[str, Any], name: str) -> list[float]:
    """Return the values of one name in a row, in their order; empty if it was not measured."""
    return [float(one["value"]) for one in row["measurements"] if one["name"] == name and one["value"] is not None]


def select_events(events: Iterable[Mapping[str, Any]], origin: str) -> list[Mapping[str, Any]]:
    """Return the events of one origin."""
    return [event for event in events if event["origin"] == origin]
