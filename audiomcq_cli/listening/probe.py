"""The analysis ``probe``: decodes every clip once for length, level, defects, and a fingerprint.

All of it is computed block by block, so a recording of hours needs no more memory than a clip.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.decoding import Decoded, check_regular, open_audio
from audiomcq_cli.listening.fingerprint import FingerprintTaker
from audiomcq_cli.listening.loudness import LoudnessMeter, split_evenly
from audiomcq_cli.measurements import make_entry

if TYPE_CHECKING:
    from audiomcq_cli.decoding import Samples

SILENCE = -60.0
"""Level in dBFS below which a hundredth of a second is silence (RMS over all channels)."""

_FULL_SCALE = 1 - 2**-15  # the largest sample of 16 bits
LONGEST = 86_400.0
"""Most seconds of a file that are decoded: no clip takes a day, and a few bytes can encode that much silence."""

_SLOWEST = 4_000  # samples a second, the least for K-weighting; a header with less is damaged
_LARGEST = 2.0**31  # 32-bit samples read as floating point; squares of more overflow
_SLACK = 0.1  # seconds; see probe

EXAMPLE: Row = {
    "duration": 10.0,
    "sample_rate": 44_100,
    "channels": 2,
    "frames": 441_000,
    "format": "WAV",
    "measurements": [make_entry("loudness", -23.0)],
    "fingerprint": [0],
}


def probe(path: Path, settings: Mapping[str, Any]) -> Row:
    """Return the length, rate, channels, format, levels and fingerprint of a file, after decoding all of it.

    The header alone cannot be trusted: a FLAC file damaged in the middle and an MP3 file cut in half both keep their
    full length there, and seeking to the last block finds neither. Decoding takes 5 to 20 ms for ten seconds, once,
    against several model calls on the same clip. A file that ends earlier than its header says is refused; MP3 files
    without an Info frame miss up to a few frames of their estimated length, hence the slack.
    """
    if check_regular(path).st_size == 0:
        return {"problem": "audio_empty", "detail": "the file has no bytes"}
    with open_audio(path) as file:
        if file.rate < _SLOWEST:
            return {"problem": "audio_unreadable", "detail": f"has {file.rate} samples a second, by its header"}
        meter, taker, levels = LoudnessMeter(file.rate, file.channels), FingerprintTaker(file.rate), Levels(file)
        for block in file.blocks:
            levels.add(block)
            meter.add(block)
            taker.add(block)
            if levels.frames > LONGEST * file.rate:
                return {
                    "problem": "audio_too_long",
                    "detail": f"goes on after {LONGEST / 3600:g} hours",
                }
    frames, rate, declared = levels.frames, file.rate, file.frames
    if frames == 0:
        return {"problem": "audio_empty", "detail": "the file has no samples"}
    if declared is not None and declared - frames > _SLACK * rate:
        detail = f"ends after {frames / rate:.2f} s of the {declared / rate:.2f} s in its header"
        return {"problem": "audio_unreadable", "detail": detail}
    loudness = meter.integrate()
    return {
        "duration": frames / rate,
        "sample_rate": rate,
        "channels": file.channels,
        "frames": frames,
        "format": file.format,
        "measurements": ([] if loudness is None else [make_entry("loudness", loudness)]) + levels.describe(),
        "fingerprint": taker.finish(),
    }


class Levels:
    """Measures the peak, and the clipped and silent share of a file, block by block."""

    def __init__(self, file: Decoded) -> None:
        self.frames = 0
        self._channels = file.channels
        self._hop = max(1, round(file.rate / 100))
        self._peak = 0.0
        self._clipped = self._quiet = self._parts = 0
        self._rest: Samples | None = None

    def add(self, block: Samples) -> None:
        """Count the samples of a block, shape (frames, channels).

        Raises:
            OSError: A sample is not finite, or larger than in any recording.
        """
        import numpy as np

        self.frames += len(block)
        size = np.abs(block)
        if not size.max() <= _LARGEST:
            raise OSError("has samples that are no numbers, or beyond 32 bits")
        self._peak = max(self._peak, float(size.max()))
        full = size >= _FULL_SCALE
        if full.any():
            self._clipped += _count_runs(full)
        power = np.einsum("ij,ij->i", block, block) / self._channels
        parts, self._rest = split_evenly(power, self._rest, self._hop)
        self._parts += len(parts)
        self._quiet += int((parts.mean(axis=1) < 10 ** (SILENCE / 10)).sum())

    def describe(self) -> list[Row]:
        """Return the measurements; digital silence has no peak."""
        if not self._parts:  # less than a hundredth of a second
            return []
        peak = [make_entry("peak", 20 * math.log10(self._peak))] if self._peak else []
        clipped = self._clipped / (self.frames * self._channels)
        return [*peak, make_entry("clipped", clipped), make_entry("silent", self._quiet / self._parts)]


def _count_runs(full: Any) -> int:
    """Count samples at full scale next to at least two others: a loud tone touches full scale, a clipped one stays
    there.
    """
    import numpy as np

    runs = full[:-2] & full[1:-1] & full[2:]
    member = np.zeros_like(full)
    for shift in range(3):
        member[shift : shift + len(runs)] |= runs
    return int(member.sum())
