"""The samples and bytes of audio that models and analyses hear: decode a file, encode what is sent.

Everything here is plain and synchronous; the engine runs it in threads and worker processes. What goes wrong with one
clip is told without its folder, so that the rejects are the same on every machine.
"""

from __future__ import annotations

import math
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli.audio_files import find_clip, hash_file
from audiomcq_cli.contracts import Audio, Clip, Silence
from audiomcq_cli.decoding import describe_error, open_audio
from audiomcq_cli.errors import ClipTooLong, InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

FORMATS = ("wav", "flac")
"""Formats to which audio can be encoded."""

LONGEST = 3_600.0
"""Most seconds of audio in memory at once: 460 MB while decoded to 16 kHz, and more than any model accepts."""


def load(path: Path, rate: int, *, start: float = 0.0, seconds: float | None = None, most: float = LONGEST) -> Samples:
    """Decode a file to mono at a rate: the samples of ``librosa.load(path, sr=rate, mono=True)``, faster.

    Decoding is block by block: its memory depends on the requested length, not on the rate and the channels of the
    file.

    Args:
        path: The file.
        rate: Samples a second.
        start: Start of the requested part in seconds; the nearest sample of the file is used.
        seconds: Length of the part; it ends at the end of the file at the latest.
        most: Longest part in seconds that is allowed.

    Returns:
        float32 samples, shape ``(ceil(frames * rate / rate of the file),)``.

    Raises:
        InputError: The file cannot be decoded, or has no samples in that part.
        ClipTooLong: The part is longer than ``most``.
    """
    return load_timed(path, rate, start=start, seconds=seconds, most=most)[0]


def load_timed(
    path: Path, rate: int, *, start: float = 0.0, seconds: float | None = None, most: float = LONGEST
) -> tuple[Samples, float]:
    """Do what ``load`` does, and return the length of the file's own samples in seconds too."""
    import numpy as np
    import soundfile as sf

    frames, parts = 0, []
    try:
        with open_audio(path, start, seconds) as file:
            native, resample = file.rate, _Resampler(file.rate, rate)
            for block in file.blocks:
                frames += len(block)
                if frames > most * native:
                    break
                parts.append(resample.add(mix(block)))
    except (sf.SoundFileError, OSError) as error:
        raise InputError(f"cannot be decoded: {describe_error(error)}", file=path.name) from error
    if not frames:
        raise InputError("holds no samples there" if start else "holds no samples", file=path.name)
    if frames > most * native:
        hint = "cut it into shorter clips, or give the model an audio_window"
        raise ClipTooLong(f"is longer than {most:,.0f} s, the most that is heard at once", file=path.name, hint=hint)
    samples = np.concatenate([*parts, resample.finish()])
    length = math.ceil(frames * (float(rate) / native))  # librosa's own formula, rounding included
    missing = length - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples[:length], frames / native


class _Resampler:
    """Resamples mono blocks; the result equals ``soxr.resample`` on all of them at once, bit for bit."""

    def __init__(self, native: int, rate: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(native, rate, 1, dtype="float32", quality="HQ") if native != rate else None

    def add(self, block: Samples) -> Samples:
        """Return the output for a block."""
        return self._stream.resample_chunk(block) if self._stream else block

    def finish(self) -> Samples:
        """Return the rest of the output."""
        import numpy as np

        rest = np.zeros(0, np.float32)
        return self._stream.resample_chunk(rest, last=True) if self._stream else rest


def encode(samples: Samples, rate: int, format: str) -> bytes:
    """Encode samples between -1 and 1 (clipped if beyond) as 16-bit WAV or FLAC."""
    import soundfile as sf

    if format not in FORMATS:
        raise InputError(f"audio cannot be encoded as {format!r}", hint=f"use one of {', '.join(FORMATS)}")
    buffer = BytesIO()
    sf.write(buffer, samples, rate, format=format.upper(), subtype="PCM_16")
    return buffer.getvalue()


@lru_cache(maxsize=16)
def silence(seconds: float, rate: int, format: str) -> bytes:
    """Encode digital silence, mono. The result is cached, because the label needs the same silence
    for every question.
    """
    import numpy as np

    return encode(np.zeros(round(seconds * rate), np.float32), rate, format)


def read_part(audio: Audio, rate: int, format: str) -> bytes:
    """The bytes of an audio part, mono at a rate, encoded.

    Args:
        audio: The part. rate: Samples a second. format: One of ``FORMATS``.

    Raises:
        InputError: The file is not there, leaves its root, cannot be decoded or is not the one that was hashed (its
            replies would be kept under the hash of another).
    """
    match audio:
        case Silence(seconds=seconds):
            return silence(seconds, rate, format)
        case Clip():
            path = find_clip(audio)
            if audio.sha256 and hash_file(path) != audio.sha256:
                raise InputError(
                    "has changed since the caption stage", file=audio.path, hint="run the caption stage again"
                )
            return encode(load(path, rate, start=audio.start, seconds=audio.seconds), rate, format)


def read_length(file: Path | BytesIO) -> float:
    """Return the length in seconds in the header of a file, or of audio that was encoded here.

    Raises:
        InputError: It cannot be read.
    """
    import soundfile as sf

    try:
        if isinstance(file, BytesIO):
            return float(sf.info(file).duration)
        with open_audio(file) as opened:
            frames, rate = opened.frames, opened.rate
    except (sf.SoundFileError, OSError) as error:
        raise InputError(f"cannot be decoded: {describe_error(error)}") from error
    if frames is None:
        raise InputError("its header does not say how long it is")
    return frames / rate


def mix(block: Samples) -> Samples:
    """Return the mean over the channels; ``np.mean`` over the short axis takes twenty times as long."""
    first, *others = block.T
    mono: Samples = first + others[0] if others else first.copy()  # always a copy: the block is reused
    for channel in others[1:]:
        mono += channel
    mono /= block.shape[1]
    return mono
