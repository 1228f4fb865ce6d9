"""Measures loudness by ITU-R BS.1770-4 and EBU R 128, block by block.

The filters are pyloudnorm's; its meter needs the whole recording in memory and takes four times as long.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from audiomcq_cli.listening.sound import QUIET, RATE, Sound, Told

if TYPE_CHECKING:
    from audiomcq_cli.decoding import Samples

STEP = 0.1
"""Seconds of a step. A gated block of 0.4 s is four steps, and one begins with each step."""

_A_SECOND = 10  # steps
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0
_SURROUND = {5: (1.0, 1.0, 1.0, 1.41, 1.41), 6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41)}  # left, right, centre, (bass,) back


class LoudnessMeter:
    """Measures the K-weighted power of each tenth of a second."""

    def __init__(self, rate: int, channels: int) -> None:
        self._filters = _design(rate)
        self._state: Any = None
        self._weights = _SURROUND.get(channels, (1.0,) * channels)
        self._hop = max(1, round(rate * STEP))
        self._rest: Any = None
        self._powers: list[Any] = []

    def add(self, block: Samples) -> None:
        """Add a block of shape (frames, channels)."""
        import numpy as np
        from scipy.signal import sosfilt

        if self._state is None:
            self._state = np.zeros((len(self._filters), 2, block.shape[1]))
        weighted, self._state = sosfilt(self._filters, block, axis=0, zi=self._state)
        power = np.einsum("ij,ij,j->i", weighted, weighted, np.asarray(self._weights))
        parts, self._rest = split_evenly(power, self._rest, self._hop)
        self._powers.append(parts.mean(axis=1))

    def powers(self) -> Any:
        """Return the power of each whole tenth of a second, summed over the channels."""
        import numpy as np

        return np.concatenate(self._powers) if self._powers else np.zeros(0)

    def integrate(self) -> float | None:
        """Return the integrated loudness in LUFS; None for less than 0.4 s, or if no block is above -70 LUFS."""
        import numpy as np

        powers = self.powers()
        if len(powers) < 4:
            return None
        blocks = np.convolve(powers, np.full(4, 0.25), "valid")
        blocks = blocks[blocks >= _as_power(_ABSOLUTE_GATE)]
        if not len(blocks):
            return None
        blocks = blocks[blocks > blocks.mean() * 10 ** (_RELATIVE_GATE / 10)]
        return as_loudness(float(blocks.mean()))


def as_loudness(power: float) -> float:
    """Return the loudness in LUFS of a K-weighted power."""
    return -0.691 + 10 * math.log10(power)


def split_evenly(values: Any, rest: Any, size: int) -> tuple[Any, Any]:
    """Join values to an earlier rest; return whole parts, shape (parts, size), and the new rest."""
    import numpy as np

    joined = values if rest is None else np.concatenate([rest, values])
    whole = len(joined) // size * size
    return joined[:whole].reshape(-1, size), joined[whole:]


def _as_power(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))


@lru_cache(maxsize=8)
def _design(rate: int) -> Any:
    """Return the two filters of K-weighting at a rate, as second-order sections.

    They are the filters that Brecht De Man derived from the standard's coefficients at 48 kHz (AES convention e-Brief,
    2018), which pyloudnorm has too: its own are 0.2 LU off at 8 kHz.
    """
    import numpy as np
    from pyloudnorm import IIRfilter

    shelf = IIRfilter(3.99984385397, 0.7071752369554193, 1681.9744509555319, rate, "high_shelf_DeMan")
    high_pass = IIRfilter(0.0, 0.5003270373253953, 38.13547087613982, rate, "high_pass_DeMan")
    return np.array([[*one.b, *one.a] for one in (shelf, high_pass)])


# ------------------------------------------------------------------------------------------------------- over time

_QUIETEST = -70.0  # LUFS: a softer second is reported as this level
_TREND, _LEVEL = 6.0, 2.0  # dB of a change that is heard, and of one that is not
_STRAIGHT = 2.0  # dB that a fade may deviate from a straight line, which then gives its first and last level
_STEP, _BACK = 0.1, 1.5  # dB in half a second: most of them must rise by more, and none may fall by more


def take_powers(sound: Sound) -> Any:
    """Return the K-weighted power of each tenth of a second."""
    meter = LoudnessMeter(RATE, 1)
    meter.add(sound.samples[:, None])
    return meter.powers()


def measure_seconds(powers: Any) -> list[Told]:
    """Return the ungated K-weighted loudness of each whole second; the text is the second at which it begins."""
    whole = len(powers) // _A_SECOND
    means = powers[: whole * _A_SECOND].reshape(whole, _A_SECOND).mean(axis=1)
    return [Told(max(_QUIETEST, as_loudness(max(float(mean), 1e-12))), 1.0, str(at)) for at, mean in enumerate(means)]


def follow_loudness(powers: Any) -> Told | None:
    """Return the change of loudness from beginning to end, if it grows or fades steadily or stays constant."""
    import numpy as np

    whole = len(powers) // 5
    if whole < 4:
        return None
    levels = 10 * np.log10(np.maximum(powers[: whole * 5].reshape(whole, 5).mean(axis=1), 1e-7))
    if levels.max() < QUIET:
        return None
    times = (np.arange(whole) + 0.5) * 5 / len(powers)
    slope, level = np.polyfit(times, levels, 1)
    off = float(np.abs(levels - level - slope * times).max())
    if levels.max() - levels.min() <= _LEVEL:
        return Told(float(slope), 1 - off / 10, "steady")
    change = float(slope) if off <= max(_STRAIGHT, 0.12 * abs(slope)) else float(levels[-1] - levels[0])
    steps = np.diff(levels) * np.sign(change)
    spread = steps.max() < 0.5 * abs(change) and (steps > _STEP).mean() > 0.6
    if abs(change) < _TREND or steps.min() < -_BACK or not spread:
        return None
    return Told(change, 0.9, "louder" if change > 0 else "softer")
