"""Finds onsets, tempo, and repetition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audiomcq_cli.listening.gaps import Gaps
from audiomcq_cli.listening.sound import HOP, RATE, STEP, Sound, Told

_NEAREST = 0.1  # seconds: closer onsets are heard as one
_LEAD = 0.006  # seconds by which the rise of a spectrum's level precedes its cause
_ATTACK = 0.04  # seconds in which a sound has begun
_CLEAR, _VAGUE = 0.5, 0.25  # of a usual onset's strength: above the first it is an onset, below the second it is not
_LEAST_RISE = 6.0  # dB, mean over the bands, from one frame to the next
_STANDS_OUT = 4.0  # times the usual flux: noise has peaks of twice
_LIKE_A_BEGINNING = 0.6  # share of the flux at beginnings: a laser, whose pitch falls, has half of it
_SLOWEST, _FASTEST = 40.0, 208.0  # beats a minute, as on a metronome
_FEWEST = 6  # beats
_EVEN = 0.025  # of the beat: how far beats may be from an even grid, or from one that changes smoothly
_ACCENT = 4.0  # dB between neighbours
_PHASES = 24  # of a beat
_CHANGES = 1.12  # ratio of tempos that is heard as faster
_STEADY = 1.03
_AS_LOUD = 2.5  # dB between the repetitions of a repeating clip
_MORE_ALIKE = 0.03  # a multiple that is more alike than this is the period


@dataclass(frozen=True, slots=True)
class Beat:
    """The tempo in beats a minute, if it is even, and how it changes."""

    tempo: Told | None = None
    change: Told | None = None


def find_onsets(sound: Sound, gaps: Gaps | None) -> list[float]:
    """Return the onsets of sounds in seconds; empty if some are doubtful.

    They are peaks of the spectral flux (Bello et al., "A Tutorial on Onset Detection in Music Signals", 2005, as in
    ``librosa.onset.onset_strength``) that all stand out clearly. If there is silence between the sounds, the onsets are
    their beginnings, unless one of them changes while it lasts.
    """
    if gaps is None:
        peaks = _pick_peaks(sound.flux)
        return peaks if all(_is_sharp(sound.envelope, peak) for peak in peaks) else []
    begins, changes = _compare_changes(sound, gaps)
    return [] if changes > _VAGUE * begins else [one.onset or 0.0 for one in gaps.sounds]


def hides_onsets(sound: Sound, gaps: Gaps) -> bool:
    """Return whether a sound changes while it lasts as if another began: strings that ring into each other."""
    begins, changes = _compare_changes(sound, gaps)
    return changes > min(_LEAST_RISE, _LIKE_A_BEGINNING * begins)


def _compare_changes(sound: Sound, gaps: Gaps) -> tuple[float, float]:
    """Return the usual flux at the beginnings of sounds, and the strongest flux within one."""
    import numpy as np

    begins = [one.onset or 0.0 for one in gaps.sounds]
    ends = [one.offset or following for one, following in zip(gaps.sounds, [*begins[1:], sound.seconds], strict=True)]
    edge = _NEAREST / 2
    strengths = [float(sound.flux[_span(begin - edge, begin + edge)].max(initial=0.0)) for begin in begins]
    inside = [sound.flux[_span(b + _NEAREST, e - edge)] for b, e in zip(begins, ends, strict=True)]
    return float(np.median(strengths)), max(float(part.max(initial=0.0)) for part in inside)


def _span(begin: float, end: float) -> slice:
    """Return the frames between two times."""
    first = max(0, round(begin * RATE / HOP))
    return slice(first, max(first, round(end * RATE / HOP)))


def _pick_peaks(flux: Any) -> list[float]:
    """Return the times of the peaks of the flux in seconds; empty if some are doubtful."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d

    reach = round(_NEAREST / 2 * RATE / HOP)
    if len(flux) <= 2 * reach:
        return []
    summit = np.flatnonzero((flux == maximum_filter1d(flux, 2 * reach + 1)) & (flux > 0))
    strengths = flux[summit]
    alone = max(_LEAST_RISE, _STANDS_OUT * float(np.median(flux)))  # one that would count if it were the only one
    if not len(strengths) or strengths.max() < alone:
        return []
    usual = float(np.median(strengths[strengths > _CLEAR * strengths.max()]))
    vague = min(_VAGUE * usual, alone)
    if np.any((strengths > vague) & (strengths < _CLEAR * usual)):
        return []
    clear = summit[strengths >= _CLEAR * usual]
    every = np.flatnonzero((flux == maximum_filter1d(flux, 3)) & (flux > vague))
    if len(every) > len(clear):  # two that are too near to each other
        return []
    return [max(0.0, _refine(flux, int(one)) * HOP / RATE + _LEAD) for one in clear]


def _is_sharp(envelope: Any, onset: float) -> bool:
    """Return whether a sound reaches its full level (within 6 dB) as soon as it begins."""
    import numpy as np

    begin = round(onset * RATE / STEP)
    level = envelope[max(0, begin - 3) : begin + 15]
    if not len(level):
        return False
    full = max(0, begin - 3) + int(np.argmax(level >= level.max() - 6))
    return (full - begin) * STEP / RATE <= _ATTACK


def _refine(values: Any, at: int) -> float:
    """Return the position of a peak between two frames, by the parabola through three."""
    if not 0 < at < len(values) - 1:
        return float(at)
    before, here, after = (float(values[at + shift]) for shift in (-1, 0, 1))
    bend = before - 2 * here + after
    return at + min(1.0, max(-1.0, 0.5 * (before - after) / bend)) if bend else float(at)


# ---------------------------------------------------------------------------------------------------------- tempo


def follow_beat(sound: Sound, onsets: list[float]) -> Beat:
    """Return the tempo, if sounds follow each other evenly, or ever faster or slower, and every one of them is a beat.

    Accents or subdivisions could be counted at twice or half the tempo, so their tempo is not reported.
    """
    import numpy as np

    if len(onsets) < _FEWEST:
        return Beat(_find_pulse(sound)) if not onsets else Beat()
    times = np.array(onsets)
    steps = np.diff(times)
    if not 60 / steps.max() >= _SLOWEST or not 60 / steps.min() <= _FASTEST:
        return Beat()
    if times[-1] - times[0] < 0.6 * sound.seconds:
        return Beat()
    slope, level = np.polyfit(times[:-1] + steps / 2, np.log(steps), 1)
    fitted = np.exp(level + slope * (times[:-1] + steps / 2))
    spread = float(np.max(np.abs(steps / fitted - 1)))
    if spread > 2 * _EVEN + 0.01 / fitted.min():  # onsets are 5 ms off at times
        return Beat()
    ratio = float(np.exp(-slope * (times[-1] - times[0])))
    if max(ratio, 1 / ratio) >= _CHANGES:
        return Beat(change=Told(ratio, 1 - spread, "faster" if ratio > 1 else "slower"))
    if max(ratio, 1 / ratio) > _STEADY:
        return Beat()
    if _has_accents(sound, times):
        return Beat(change=Told(ratio, 1 - spread, "steady"))
    period = float(np.polyfit(np.arange(len(times)), times, 1)[0])
    return Beat(Told(60 / period, 1 - spread), Told(ratio, 1 - spread, "steady"))


def _has_accents(sound: Sound, times: Any) -> bool:
    """Return whether every second, third or fourth beat is more alike than neighbours are: a drum
    between two others.
    """
    import numpy as np

    width = round(0.06 / sound.frame_seconds)
    frames = [min(round(time / sound.frame_seconds), sound.mel.shape[1] - width) for time in times]
    beats = np.stack([sound.mel[:, at : at + width].mean(axis=1) for at in frames])
    apart = [float(np.median(np.sqrt(((beats[lag:] - beats[:-lag]) ** 2).mean(axis=1)))) for lag in range(1, 5)]
    return apart[0] > _ACCENT and min(apart[1:]) < 0.6 * apart[0]


def _find_pulse(sound: Sound) -> Told | None:
    """Return the tempo of an even pulse within other sounds: all rises are alike after each number of beats."""
    rises = sound.rises
    alike = _correlate_itself(rises - rises.mean(axis=1, keepdims=True))
    longest = round(60 / _SLOWEST / sound.frame_seconds)
    shortest = round(60 / _FASTEST / sound.frame_seconds)
    if len(alike) < 4 * shortest:
        return None
    peaks = [one for one in range(2, min(longest, len(alike) // 4)) if alike[one] == alike[one - 2 : one + 3].max()]
    strong = [one for one in peaks if alike[one] > 0.5]
    if not strong or strong[0] < shortest or any(alike[one] > 0.25 for one in peaks if one < strong[0]):
        return None
    period, times = _follow_multiples(alike, strong[0], 0.4)
    heights = _read_multiples(alike, period, times)
    if times < _FEWEST or max(heights) > heights[0] + 0.1 or not _beats_once(sound.flux, period):
        return None
    if not _strikes(sound.envelope, period * HOP / STEP):
        return None
    return Told(60 / (period * sound.frame_seconds), min(1.0, 0.5 + min(heights)))


def _beats_once(flux: Any, period: float) -> bool:
    """Return whether the level rises only once in each period."""
    import numpy as np

    phase = (np.arange(len(flux)) % period / period * _PHASES).astype(int)
    profile = np.bincount(phase, flux, _PHASES) / np.bincount(phase, minlength=_PHASES)
    profile = np.roll(profile - profile.min(), _PHASES // 2 - int(profile.argmax()))
    away = np.abs(np.arange(_PHASES) - _PHASES // 2) > _PHASES // 6
    return bool(profile[away].max() < 0.35 * profile.max())


def _strikes(envelope: Any, period: float) -> bool:
    """Return whether the level jumps at a beat, as in a knock, and does not just swell."""
    import numpy as np

    phases = round(period)
    phase = (np.arange(len(envelope)) % period / period * phases).astype(int)
    profile = np.bincount(phase, 10 ** (envelope / 10), phases) / np.bincount(phase, minlength=phases)
    profile = np.roll(profile, -int(profile.argmax()) - 1)  # up to the peak
    low = np.flatnonzero(profile < (profile.max() + 3 * profile.min()) / 4)
    return bool(len(low) and (phases - 1 - low[-1]) * STEP / RATE <= _ATTACK + 0.02)


# ----------------------------------------------------------------------------------------------------- repetition


def find_repetition(sound: Sound) -> Told | None:
    """Return the time after which the clip repeats itself, again and again.

    It is the shortest lag at which the levels by band correlate with themselves almost perfectly, if no shorter lag
    comes near and every multiple does as well (Foote, "Automatic audio segmentation using a measure of audio novelty",
    2000, for the similarity of spectra).
    """
    import numpy as np

    width = sound.frame_seconds
    bands = sound.mel - sound.mel.mean(axis=1, keepdims=True)
    if bands.shape[1] * width < 1.0 or float(np.sqrt((bands**2).mean())) < 3.0:
        return None
    alike = _correlate_itself(bands)[: bands.shape[1] * 2 // 3]
    summits = [one for one in range(2, bands.shape[1] // 2) if alike[one] == alike[max(1, one - 6) : one + 7].max()]
    first = next((one for one in summits if alike[one] > 0.9), None)
    if first is None or first * width < 0.2 or alike[1:first].min() > 0.5:
        return None
    if any(alike[one] > 0.75 for one in summits if one < first):
        return None
    period, times = _follow_multiples(alike, first, 0.85)
    if times < 2 or times < (len(alike) - 1) // period:
        return None
    if _read_multiples(alike, period, times).max() > alike[first] + _MORE_ALIKE:
        return None
    if not _turns_alike(sound.envelope, period * HOP / STEP):
        return None
    return Told(period * width, float(alike[first]))


def _read_multiples(alike: Any, period: float, times: int) -> Any:
    """Return the similarity after one period and after each further one."""
    import numpy as np

    return alike[np.rint(np.arange(1, times + 1) * period).astype(int)]


def _turns_alike(envelope: Any, period: float) -> bool:
    """Return whether every repetition is as loud as the others: with accents on some beats, only the bar repeats."""
    import numpy as np

    power = 10 ** (envelope / 10)
    edges = np.arange(_find_quietest(power, period), len(power), period).astype(int)
    turns = 10 * np.log10(np.add.reduceat(power, edges)[:-1])
    inner = turns[1:-1] if len(turns) > 4 else turns  # a clip may begin and end in the middle of one
    return not len(inner) or float(np.ptp(inner)) <= _AS_LOUD


def _find_quietest(power: Any, period: float) -> float:
    """Return the phase at which a repetition can be cut without cutting a sound."""
    import numpy as np

    phases = max(1, round(period))
    phase = (np.arange(len(power)) % period / period * phases).astype(int)
    return float(np.bincount(phase, power, phases).argmin()) / phases * period


def _correlate_itself(rows: Any) -> Any:
    """Return the correlation of rows with themselves, shifted by each lag, over the overlap; 1 at lag 0."""
    import numpy as np
    from scipy import fft

    length = rows.shape[1]
    size = fft.next_fast_len(2 * length, real=True)
    spectrum = fft.rfft(rows, size, axis=1)
    product = fft.irfft((np.abs(spectrum) ** 2).sum(axis=0), size)[:length]
    energy = np.concatenate([[0.0], np.cumsum((rows**2).sum(axis=0))])
    first, last = energy[length - np.arange(length)], energy[length] - energy[np.arange(length)]
    return product / np.maximum(np.sqrt(first * last), 1e-9)


def _follow_multiples(alike: Any, first: int, least: float) -> tuple[float, int]:
    """Return the period at lag ``first``, refined by its multiples, and how many of them are alike."""
    period, times = _refine(alike, first), 1
    while (at := round((times + 1) * period)) < len(alike) - 3:
        near = at - 3 + int(alike[at - 3 : at + 4].argmax())
        if alike[near] < least:
            break
        times += 1
        period = _refine(alike, near) / times
    return period, times
