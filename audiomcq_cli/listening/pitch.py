"""Follows the fundamental frequency of clips with one voice or instrument.

YIN (de Cheveigné and Kawahara, "YIN, a fundamental frequency estimator for speech and music", JASA 2002), over all
frames at once; librosa's version does not say how periodic a frame is, and its pYIN takes seconds for a clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audiomcq_cli.listening.sound import RATE, Sound, Told

LOWEST, HIGHEST = 55.0, 2_000.0
"""Range of fundamental frequencies in Hz."""

_FRAME, _HOP = 1_024, 441  # samples that are compared, and between two frames: 46 and 20 ms
_LONGEST = int(RATE / LOWEST) + 2  # samples of the longest period
_PERIODIC = 0.1  # greatest aperiodicity of a frame that has a pitch: a tenth of its power
_AS_GOOD = 0.03  # of aperiodicity: if twice the period is better by more, the pitch is an octave lower
_FUNDAMENTAL = 10**-2.5  # least share of a frame's power: the common period of a chord is not a pitch that is heard
_LOUD = 30.0  # dB below the loudest frame: softer frames do not count
_VOICED = 0.8  # least share of the power in frames that have a pitch
_SHORTEST = 0.15  # least seconds with a pitch
_EDGES = 0.05  # seconds at both ends in which no frame is centred
_FIRM = 2 ** (15 / 1200)  # greatest ratio of a percentile to its neighbours
_GLIDES, _HOLDS = 2.0, 0.5  # semitones of a change that is heard, and of one that is not
_STRAIGHT = 0.5  # semitones that a glide may deviate from a straight line
_LOST = 0.1  # seconds without a pitch at either end: a glide goes on there, too low or too high to follow


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """The fundamental frequency over time.

    Attributes:
        times: Seconds of the audible frames.
        pitches: Hz of each frame; 0 if it has no pitch.
        powers: Power of each frame.
        seconds: Length of the clip.
    """

    times: Any
    pitches: Any
    powers: Any
    seconds: float

    def cut(self, begin: float, end: float) -> PitchTrack:
        """Return the frames between two times."""
        inside = (self.times >= begin) & (self.times < end)
        return PitchTrack(self.times[inside], self.pitches[inside], self.powers[inside], end - begin)

    @property
    def voiced(self) -> float:
        """Share of the power that is in frames with a pitch; 0 if there are too few."""
        has = self.pitches > 0
        if has.sum() * _HOP / RATE < _SHORTEST:
            return 0.0
        return float(self.powers[has].sum() / self.powers.sum())


def track_pitch(sound: Sound) -> PitchTrack | None:
    """Return the pitch of each audible frame; None if there is none."""
    import numpy as np

    span = _FRAME + _LONGEST
    if len(sound.samples) < span:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(sound.samples, span)[::_HOP]
    squares = np.concatenate([[0.0], np.cumsum(np.square(sound.samples, dtype=np.float64))])
    starts = np.arange(len(frames)) * _HOP
    power = (squares[starts + span] - squares[starts]) / span
    heard = power > max(1e-6, float(power.max()) * 10 ** (-_LOUD / 10))
    if not heard.any():
        return None
    places = np.flatnonzero(heard)
    energy = np.lib.stride_tricks.sliding_window_view(squares[_FRAME:] - squares[:-_FRAME], _LONGEST)[::_HOP]
    parts = [places[at : at + 512] for at in range(0, len(places), 512)]
    pitches = np.concatenate([_find_pitches(frames[part], energy[part]) for part in parts])
    periods = np.where(pitches > 0, RATE / np.maximum(pitches, LOWEST), _LONGEST)
    times = (places * _HOP + (_FRAME + periods) / 2) / RATE
    return PitchTrack(times, _smooth(pitches), power[heard], sound.seconds)


def _smooth(pitches: Any) -> Any:
    """Return the running median of the frames that have a pitch."""
    from scipy.ndimage import median_filter

    has = pitches > 0
    if has.any():
        pitches[has] = median_filter(pitches[has], 3, mode="nearest")
    return pitches


def summarize_pitch(track: PitchTrack | None) -> dict[str, Told]:
    """Return the median, 5th and 95th percentile of the fundamental frequency, and its median in the first and second
    half.

    Empty if the sound has no single pitch. A value that depends on a few frames is left out: in a fast glide the median
    of the whole is certain, the percentiles are not.
    """
    if track is None or track.voiced < _VOICED:
        return {}
    found = {name: _take_percentile(track, at) for name, at in (("pitch", 50), ("pitch_low", 5), ("pitch_high", 95))}
    halves = [track.cut(0, track.seconds / 2), track.cut(track.seconds / 2, track.seconds)]
    if all(half.voiced >= _VOICED for half in halves):
        for name, half in zip(("pitch_first_half", "pitch_second_half"), halves, strict=True):
            found[name] = _take_percentile(half, 50)
    return {name: told for name, told in found.items() if told}


def _take_percentile(track: PitchTrack, at: float) -> Told | None:
    """Return a percentile of the pitch, if the frames lost at the edges could not move it."""
    import numpy as np

    pitches = track.pitches[track.pitches > 0]
    moves = 100 * _EDGES / (len(pitches) * _HOP / RATE)
    below, here, above = np.percentile(pitches, np.clip([at - moves, at, at + moves], 0, 100))
    return Told(float(here), track.voiced) if above < here * _FIRM and below > here / _FIRM else None


def follow_glide(track: PitchTrack | None) -> Told | None:
    """Return the change from beginning to end, in semitones, of a pitch that glides in one
    direction or stays constant.
    """
    import numpy as np

    if track is None or track.voiced < _VOICED:
        return None
    has = track.pitches > 0
    times, pitches = track.times[has], 12 * np.log2(track.pitches[has] / LOWEST)
    if max(times[0] - track.times[0], track.times[-1] - times[-1]) > _LOST:
        return None
    spread = float(np.subtract(*np.percentile(pitches, (98, 2))))
    slope, level = np.polyfit(times, pitches, 1)
    if spread <= _HOLDS:
        held = float(slope * (times[-1] - times[0]))
        return Told(held, track.voiced, "steady") if abs(held) <= _HOLDS else None
    lasts = times[-1] - times[0] + _EDGES
    off = np.abs(pitches - (level + slope * times))
    change = float(slope * lasts)
    if abs(change) < _GLIDES or np.percentile(off, 95) > max(_STRAIGHT, 0.06 * abs(change)):
        return None
    return Told(change, track.voiced, "rising" if change > 0 else "falling")


def _find_pitches(frames: Any, energy: Any) -> Any:
    """Return the pitch of each frame in Hz, 0 if it has none.

    Args:
        frames: Samples, shape (frames, samples).
        energy: Energy of the part that each lag compares a frame with, shape (frames, lags).
    """
    import numpy as np

    aperiodicity = _measure_aperiodicity(frames, energy)
    shortest = int(RATE / HIGHEST)
    dips = (aperiodicity[:, 1:-1] <= aperiodicity[:, :-2]) & (aperiodicity[:, 1:-1] < aperiodicity[:, 2:])
    dips &= aperiodicity[:, 1:-1] < _PERIODIC
    dips[:, : shortest - 1] = False
    first = np.where(dips.any(axis=1), dips.argmax(axis=1) + 1, 0)
    rows = np.flatnonzero(first)
    pitches = np.zeros(len(frames))
    if not len(rows):
        return pitches
    periods = _refine_periods(aperiodicity[rows], first[rows])
    deeper = _read(aperiodicity[rows], 2 * periods)
    shallow = aperiodicity[rows, first[rows]] - deeper < _AS_GOOD
    found = RATE / periods
    heard = _measure_fundamental(frames[rows], found) > _FUNDAMENTAL
    good = shallow & heard & (found >= LOWEST) & (found <= HIGHEST)
    pitches[rows[good]] = found[good]
    return pitches


def _measure_aperiodicity(frames: Any, energy: Any) -> Any:
    """Return the cumulative mean normalized difference of each frame and lag (YIN, step 3), shape (frames, lags)."""
    import numpy as np
    from scipy import fft

    size = fft.next_fast_len(_FRAME + _LONGEST, real=True)
    head = fft.rfft(frames[:, :_FRAME], size, axis=1)
    product = fft.irfft(fft.rfft(frames, size, axis=1) * np.conj(head), size, axis=1)[:, :_LONGEST]
    difference = np.maximum(energy[:, :1] + energy - 2 * product, 0.0)
    mean = np.cumsum(difference[:, 1:], axis=1) / np.arange(1, _LONGEST)
    found = np.ones_like(difference)
    found[:, 1:] = difference[:, 1:] / np.maximum(mean, 1e-12)
    return found


def _refine_periods(aperiodicity: Any, first: Any) -> Any:
    """Return periods finer than a sample: by a parabola, at the largest multiple available."""
    import numpy as np

    rows = np.arange(len(first))
    periods, times = _bend(aperiodicity, rows, first), np.ones(len(first))
    for number in range(2, int(_LONGEST * HIGHEST / RATE)):
        at = np.rint(number * periods).astype(int)
        inside = at < _LONGEST - 2
        if not inside.any():
            break
        some, near = rows[inside], at[inside]
        window = np.stack([aperiodicity[some, near + shift] for shift in (-1, 0, 1)])
        near = near + window.argmin(axis=0) - 1
        better = (aperiodicity[some, near] < _PERIODIC) & (near < _LONGEST - 1)
        some, near = some[better], near[better]
        periods[some] = _bend(aperiodicity, some, near) / number
        times[some] = number
    return periods


def _bend(values: Any, rows: Any, at: Any) -> Any:
    """Return the minimum of the parabola through a dip and its neighbours."""
    import numpy as np

    before, here, after = values[rows, at - 1], values[rows, at], values[rows, at + 1]
    bend = before - 2 * here + after
    return at + np.clip(np.where(bend > 0, 0.5 * (before - after) / np.maximum(bend, 1e-12), 0.0), -1, 1)


def _read(values: Any, at: Any) -> Any:
    """Return values next to fractional positions; past the end, the value at the position itself."""
    import numpy as np

    near = np.rint(at).astype(int)
    rows = np.arange(len(near))
    return np.where(near < values.shape[1], values[rows, np.minimum(near, values.shape[1] - 1)], np.inf)


def _measure_fundamental(frames: Any, pitches: Any) -> Any:
    """Return the share of each frame's power that is at its pitch."""
    import numpy as np

    window = np.hanning(frames.shape[1])
    wave = np.exp(-2j * np.pi / RATE * pitches[:, None] * np.arange(frames.shape[1]))
    height = np.abs(np.einsum("ij,ij,j->i", frames, wave, window)) / window.sum()
    power = np.maximum((frames**2 * window).sum(axis=1) / window.sum(), 1e-12)
    return 2 * height**2 / power
