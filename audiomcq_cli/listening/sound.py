"""The samples of one clip, with spectra and levels that several measurements share, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiomcq_cli.decoding import Samples

RATE = 22_050
"""Samples a second for measurements, whatever the file has; as in librosa."""

WINDOW, HOP = 1_024, 256
"""Samples of a spectrum, and between two spectra: 46 and 12 ms."""

STEP = 220
"""Samples of a step of the envelope: 10 ms."""

QUIET = -60.0
"""dB of full scale below which a sound is not audible."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value with its confidence from 0 to 1, and an optional word."""

    value: float
    confidence: float
    text: str = ""


class Sound:
    """Mono samples at ``RATE``."""

    def __init__(self, samples: Samples) -> None:
        self.samples = _remove_drift(samples)
        self.seconds = len(samples) / RATE

    @cached_property
    def envelope(self) -> Any:
        """Level of each step in dB of full scale, at least -120."""
        import numpy as np

        whole = len(self.samples) // STEP * STEP
        parts = self.samples[:whole].reshape(-1, STEP)
        power = np.einsum("ij,ij->i", parts, parts) / STEP
        return 10 * np.log10(np.maximum(power, 1e-12))

    @cached_property
    def power(self) -> Any:
        """Power spectrum, shape (pitches, frames); frame n is centred on sample n * ``HOP``."""
        import librosa
        import numpy as np

        spectrum = librosa.stft(self.samples, n_fft=WINDOW, hop_length=HOP)
        return np.square(spectrum.real) + np.square(spectrum.imag)

    @cached_property
    def pitches(self) -> Any:
        """Frequencies of the rows of ``power`` in Hz."""
        import numpy as np

        return np.fft.rfftfreq(WINDOW, 1 / RATE)

    @cached_property
    def mel(self) -> Any:
        """Level in 64 bands of pitch in dB, at most 60 below the loudest; shape (bands, frames)."""
        import librosa
        import numpy as np

        bands = librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=64, fmin=40.0) @ self.power
        return librosa.power_to_db(bands, ref=max(float(np.max(bands)), 1e-10), top_db=60.0)

    @cached_property
    def rises(self) -> Any:
        """Rise of each band from each frame to the next in dB; the padding causes no rise."""
        import numpy as np

        rises = np.maximum(0.0, np.diff(self.mel, axis=1))
        rises[:, : WINDOW // HOP] = rises[:, -WINDOW // HOP :] = 0.0
        return rises

    @cached_property
    def flux(self) -> Any:
        """Spectral flux: the mean of ``rises`` over the bands."""
        return self.rises.mean(axis=0)

    @cached_property
    def heard(self) -> Any:
        """Audible frames of ``power``: above ``QUIET``, and at most 40 dB below the loudest."""
        import numpy as np

        level = 10 * np.log10(np.maximum(self.power.sum(axis=0) * (4 / WINDOW**2), 1e-12))
        return level > max(QUIET, float(level.max()) - 40)

    @property
    def frame_seconds(self) -> float:
        """Seconds between two frames."""
        return HOP / RATE


def _remove_drift(samples: Samples) -> Samples:
    """Return the samples above 30 Hz: an offset or the drift of a microphone would count as an audible level."""
    import numpy as np
    from scipy.signal import butter, sosfilt, sosfilt_zi

    sections = butter(2, 30.0, "highpass", fs=RATE, output="sos")
    begun = sosfilt_zi(sections) * (samples[0] if len(samples) else 0.0)
    filtered: Samples = sosfilt(sections, samples, zi=begun)[0].astype(np.float32)
    return filtered
