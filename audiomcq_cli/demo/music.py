"""Tunes and drum beats, from notes written as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from audiomcq_cli.demo import noises
from audiomcq_cli.demo.signals import Rng, Samples, count, place

Voice = Callable[[Rng, float, float], Samples]
"""An instrument: makes a note from a length in seconds and a pitch in Hz."""

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TAIL = 0.2  # seconds; how long a drum may sound after its beat


@dataclass(frozen=True, slots=True)
class Note:
    """A note or chord of a tune: the beat at which it starts, its length in beats, and its pitches in Hz (none: a
    rest).
    """

    beat: float
    beats: float
    pitches: tuple[float, ...]


def read_tune(text: str) -> Iterator[Note]:
    """Read notes such as ``"C4 E4 C4+E4+G4:2 - Bb3:0.5"``: a chord has pluses, a colon the beats, ``-`` is a rest."""
    beat = 0.0
    for word in text.split():
        names, _, length = word.partition(":")
        beats = float(length or 1)
        yield Note(beat, beats, () if names == "-" else tuple(read_pitch(name) for name in names.split("+")))
        beat += beats


def read_pitch(name: str) -> float:
    """Return the pitch of a note in Hz, from its name and octave: A4 is 440, C4 the middle C."""
    found = re.fullmatch("([A-G])([#b]?)([0-8])", name)
    if not found:
        raise ValueError(f"not a note: {name!r}")
    step = _STEPS[found[1]] + {"#": 1, "b": -1, "": 0}[found[2]] + 12 * int(found[3])
    return float(440.0 * 2 ** ((step - 57) / 12))


def count_beats(text: str) -> float:
    """Return the length of a tune in beats."""
    return sum(note.beats for note in read_tune(text))


def play_tune(rng: Rng, seconds: float, *, voice: Voice, tune: str, tempo: float) -> Samples:
    """Play a tune at a tempo in beats a minute; the last note is held to the end."""
    canvas, beat = np.zeros(count(seconds)), 60 / tempo
    for note in read_tune(tune):
        onset = note.beat * beat
        last = note.beat + note.beats >= count_beats(tune)
        length = seconds - onset if last else note.beats * beat
        for pitch in note.pitches:
            place(canvas, voice(rng, length, pitch), onset)
    return canvas


def play_drums(rng: Rng, seconds: float, *, tempo: float) -> Samples:
    """Play a rock beat at a tempo in beats a minute: bass drum on 1 and 3, snare on 2 and 4, hi-hat on every half."""
    canvas, half = np.zeros(count(seconds)), 30 / tempo
    for number in range(int((seconds - _TAIL) / half + 1e-6) + 1):
        onset = number * half
        place(canvas, 0.3 * noises.hat(rng, 0.1), onset)
        if number % 4 == 0:
            place(canvas, noises.kick(rng, 0.3), onset)
        if number % 4 == 2:
            place(canvas, 0.8 * noises.snare(rng, 0.25), onset)
    return canvas
