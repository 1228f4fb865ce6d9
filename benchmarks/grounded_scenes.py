"""Synthesised clips of which everything is known: events, beat, pitch, level, voices and words.

Sounds are those of the demo set. Speech is flite's.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from audiomcq_cli.demo import music, noises, sounds, tones
from audiomcq_cli.demo.signals import (
    RATE,
    Rng,
    Samples,
    add_harmonics,
    count,
    fade,
    follow,
    level_peak,
    make_noise,
    place,
    times,
)
from audiomcq_cli.records import draw

ROOM = 2e-4
"""Noise of the room, 74 dB below full scale."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip and what is true of it.

    Attributes:
        kind: How it was made. samples: Mono, at ``RATE``. told: Whether its events are told to the program. sharp:
            Whether its sounds end at once, so that the silence behind them has a length.
        events: Label, onset and offset. beats: Beats a minute. change: Tempo of the end by that of the beginning.
        period: Seconds. semitones: Of a glide, from beginning to end. halves: Semitones from the first half to the
            second. level: Shape of the level: louder, softer, steady, swell or dip. voices: Begin and end of speech and
            music. words: What is said.
    """

    kind: str
    samples: Samples
    told: bool = False
    sharp: bool = False
    events: tuple[tuple[str, float, float], ...] = ()
    beats: float | None = None
    change: float | None = None
    period: float | None = None
    semitones: float | None = None
    halves: float | None = None
    level: str = ""
    voices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE


SINGLE = (
    sounds.BELL, sounds.PHONE, sounds.WHISTLE, sounds.CAR_HORN, sounds.SHIP_HORN, sounds.SIREN, sounds.CUCKOO,
    sounds.LASER, sounds.BIRD, sounds.GLASS, sounds.REV, sounds.CROWD, sounds.RAIN, sounds.THUNDER, sounds.BALL,
    sounds.STEPS,
)  # fmt: skip
LONG = (
    sounds.RAIN,
    sounds.ENGINE,
    sounds.RADIO,
    sounds.FIRE,
    sounds.CRICKETS,
    sounds.SIREN,
    sounds.STEPS,
    sounds.CLOCK,
)
SHARP = (sounds.BEEP, sounds.CAR_HORN, sounds.WHISTLE)
SHORT = (sounds.BEEP, sounds.KNOCK, sounds.CAR_HORN, sounds.WHISTLE, sounds.DRIP, sounds.LASER)


def make_scene(kind: str, number: int, seed: int) -> Scene:
    """The clip of a kind with a number."""
    return MAKERS[kind](np.random.Generator(np.random.PCG64(draw(seed, kind, number))), number)


def make_sequence(rng: Rng, number: int) -> Scene:
    """Three to five sounds one after another."""
    chosen = rng.permutation(len(SINGLE))[: 3 + number % 3]
    at, parts = float(rng.uniform(0.7, 2.0)), []
    for place_ in chosen:
        sound = SINGLE[place_]
        length = float(max(0.6, sound.seconds * rng.uniform(0.8, 1.2)))
        parts.append((sound, at, length))
        at += length + float(rng.uniform(0.5, 1.8))
    return _mix("sequence", rng, parts, at + float(rng.uniform(0.4, 1.5)), told=True)


def make_overlap(rng: Rng, number: int) -> Scene:
    """Two long sounds of which the second begins while the first goes on."""
    first, second = (LONG[place_] for place_ in rng.permutation(len(LONG))[:2])
    begin, length = float(rng.uniform(0.8, 2.5)), float(rng.uniform(4.0, 6.0))
    start = begin + float(rng.uniform(0.9, length - 2.0))
    parts = [(first, begin, length), (second, start, float(rng.uniform(3.5, 6.0)))]
    return _mix(
        "overlap", rng, parts, max(at + lasts for _, at, lasts in parts) + float(rng.uniform(0.8, 2.0)), told=True
    )


def make_counted(rng: Rng, number: int) -> Scene:
    """One short sound, two to nine times, with one pause that is longer; its times are told."""
    return _repeat("counted", rng, SHORT[number % len(SHORT)], 2 + number % 8, told=True)


def make_pulses(rng: Rng, number: int) -> Scene:
    """The same, and nothing is told."""
    return _repeat("pulses", rng, SHORT[number % len(SHORT)], 2 + number % 12, told=False)


def make_glide(rng: Rng, number: int) -> Scene:
    """A tone that rises, falls or stays."""
    little, much = float(rng.uniform(2.2, 4.2)), float(rng.uniform(8.0, 13.0))
    semitones = (0.0, little, much, -little, -much)[number % 5]
    length = float(rng.uniform(3.0, 6.0))
    time = times(length) / length
    pitch = float(rng.uniform(260, 420)) * 2 ** (semitones * (time - 0.5) / 12)
    tone = fade(add_harmonics(follow(pitch), [1.0, 0.5, 0.3, 0.15], float(pitch.max())), 0.02, 0.02)
    return Scene("glide", _put_into_room(rng, tone, 0.5), semitones=semitones, halves=semitones / 2, level="steady")


def make_halves(rng: Rng, number: int) -> Scene:
    """One note for the first half, another for the second."""
    semitones = float(rng.integers(3, 15)) * (1 if number % 2 else -1)
    low = float(rng.uniform(180, 330))
    notes = (low, low * 2 ** (abs(semitones) / 12))[:: 1 if semitones > 0 else -1]
    half = float(rng.uniform(1.8, 3.5))
    voice = (tones.blow_flute, tones.play_organ, _sing)[number % 3]
    canvas = np.concatenate([level_peak(voice(rng, half, note)) for note in notes])
    return Scene("halves", _put_into_room(rng, canvas, 0.5), halves=semitones)


def make_level(rng: Rng, number: int) -> Scene:
    """Noise, rain or a tone whose level takes one of five shapes."""
    shape = ("louder", "softer", "steady", "swell", "dip")[number % 5]
    length = float(rng.integers(9, 16))
    size, time = float(rng.uniform(16, 26)), times(length) / length
    curves = {"louder": time, "softer": 1 - time, "steady": 0 * time + 1,
              "swell": 1 - np.abs(2 * time - 1), "dip": np.abs(2 * time - 1)}  # fmt: skip
    what = (make_noise(rng, length, 200, 4000), np.sin(2 * np.pi * 330 * times(length)))[number % 2]
    samples = 0.5 * level_peak(what * 10 ** (size * (curves[shape] - 1) / 20))
    return Scene("level", samples, semitones=0.0 if number % 2 else None, level=shape)


def make_beat(rng: Rng, number: int) -> Scene:
    """An even beat of one drum, in one of four classes of tempo."""
    low, high = ((50, 72), (88, 102), (119, 134), (158, 198))[number % 4]
    beats = float(rng.uniform(low, high))
    onsets = np.arange(0.4, 0.4 + max(10.0, 9.5 * 60 / beats), 60 / beats)
    samples, events = _strike(rng, onsets, number)
    return Scene("beat", samples, events=events, beats=beats, change=1.0, period=60 / beats, level="steady")


def make_change(rng: Rng, number: int) -> Scene:
    """A beat that gets faster or slower, a little or a lot, or neither."""
    little, much = float(rng.uniform(1.14, 1.24)), float(rng.uniform(1.62, 1.9))
    ratio = (1.0, little, much, 1 / little, 1 / much)[number % 5]
    first = 60 / float(rng.uniform(90, 130)) * (ratio**0.5)
    intervals = first * ratio ** -(np.arange(17) / 16)
    samples, events = _strike(rng, 0.4 + np.concatenate([[0], np.cumsum(intervals)]), number)
    even = 60 / first if ratio == 1.0 else None
    period = first if even else None
    return Scene("change", samples, events=events, beats=even, change=ratio, period=period, level="steady")


def make_loop(rng: Rng, number: int) -> Scene:
    """A bar of several sounds, the same over and over."""
    period = float(rng.uniform(0.9, 2.4))
    bar = np.zeros(count(period))
    hits = np.cumsum(rng.uniform(0.15, 0.4, 8)) - 0.1
    voices = (noises.kick, noises.snare, noises.hat, tones.beep, noises.knock_wood)
    for place_, onset in enumerate(hit for hit in hits if hit < period - 0.12):
        voice = voices[int(rng.integers(len(voices)))] if place_ else noises.kick
        place(bar, level_peak(voice(rng, 0.2)) * float(rng.uniform(0.5, 1.0)), float(onset))
    canvas = np.zeros(count(max(9.0, 5 * period)))
    for turn in range(int(len(canvas) / RATE / period) + 1):
        place(canvas, bar, turn * period)
    return Scene("loop", _put_into_room(rng, canvas, 0.0), change=1.0, period=period, level="steady")


def make_voices(rng: Rng, number: int) -> Scene:
    """Speech, music or both, with silence before and behind."""
    begin, length = float(rng.uniform(1.5, 3.0)), float(rng.uniform(5.0, 8.0))
    canvas, voices, tempo = np.zeros(count(begin + length + 2.5)), {}, None
    spoken, words = None, list[str]()
    if number % 3 != 1:
        spoken, words = speak(rng, number, int(4 + length))
        length = max(length, len(spoken) / RATE)
        canvas = np.zeros(count(begin + length + 2.5))
        place(canvas, 0.8 * spoken, begin)
        voices["speech"] = (begin, begin + len(spoken) / RATE)
    if number % 3:
        voice = (tones.play_piano, tones.pluck_string, tones.play_organ)[number // 3 % 3]
        start = begin if number % 3 == 1 else 0.4
        lasts = length if number % 3 == 1 else len(canvas) / RATE - 0.8
        tempo = float(rng.uniform(90, 150))
        tune = " ".join(
            rng.choice(["C4", "D4", "E4", "G4", "A4", "C5", "E4+G4+C5", "F3+A3+C4"], int(lasts * tempo / 60))
        )
        played = level_peak(music.play_tune(rng, lasts, voice=voice, tune=tune, tempo=tempo))
        place(canvas, (0.25 if spoken is not None else 0.6) * played, start)
        voices["music"] = (start, start + lasts)
    return Scene("voices", _put_into_room(rng, canvas, 0.0), voices=voices, beats=tempo, words=tuple(words))


def make_speech(rng: Rng, number: int) -> Scene:
    """A sentence of plain words."""
    spoken, words = speak(rng, number, 0)
    begin = float(rng.uniform(0.6, 1.2))
    return Scene(
        "speech",
        _put_into_room(rng, spoken, begin),
        voices={"speech": (begin, begin + len(spoken) / RATE)},
        words=tuple(words),
    )


MAKERS: Mapping[str, Callable[[Rng, int], Scene]] = {
    "sequence": make_sequence, "overlap": make_overlap, "counted": make_counted, "pulses": make_pulses,
    "glide": make_glide, "halves": make_halves, "level": make_level, "beat": make_beat, "change": make_change,
    "loop": make_loop, "voices": make_voices, "speech": make_speech,
}  # fmt: skip
"""Every kind of clip."""

_SUBJECTS = ("the farmer", "my sister", "the old teacher", "a young doctor", "the captain", "our neighbor")
_VERBS = ("carried", "painted", "bought", "cleaned", "found", "borrowed")
_OBJECTS = (
    "a yellow basket",
    "the heavy table",
    "seven oranges",
    "a wooden ladder",
    "the broken window",
    "two blankets",
)
_PLACES = (
    "in the garden",
    "near the river",
    "at the station",
    "behind the church",
    "on the mountain",
    "in the kitchen",
)
_TIMES = ("yesterday morning", "last winter", "on Sunday", "before breakfast", "every summer", "at midnight")


def speak(rng: Rng, number: int, least: int) -> tuple[Samples, list[str]]:
    """Sentences by flite (Debian's package of that name), of so many words at least, and the words."""
    program = shutil.which("flite")
    if not program:
        raise SystemExit("flite is not installed: apt-get install flite, or leave the kinds voices and speech out")
    text: list[str] = []
    while not text or sum(len(part.split()) for part in text) < least:
        text.append(" ".join(str(rng.choice(part)) for part in (_SUBJECTS, _VERBS, _OBJECTS, _PLACES, _TIMES)))
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "spoken.wav"
        voice = ("rms", "awb")[number % 2]
        subprocess.run([program, "-voice", voice, "-t", f"{'. '.join(text)}.", "-o", wave], check=True)
        samples, rate = soundfile.read(wave)
    resampled = np.asarray(soxr.resample(samples, rate, RATE), np.float64)
    loud = np.flatnonzero(np.abs(resampled) > 0.01 * np.abs(resampled).max())
    return level_peak(resampled[loud[0] : loud[-1] + 1], 0.6), " ".join(text).lower().split()


def _mix(
    kind: str, rng: Rng, parts: Sequence[tuple[sounds.Sound, float, float]], seconds: float, *, told: bool
) -> Scene:
    canvas = np.zeros(count(seconds))
    for sound, onset, length in parts:
        place(canvas, level_peak(sound.make(rng, length), 10 ** (sound.level / 20)), onset)
    events = tuple((sound.label, round(onset, 3), round(onset + length, 3)) for sound, onset, length in parts)
    return Scene(kind, _put_into_room(rng, canvas, 0.0), told=told, events=events)


def _repeat(kind: str, rng: Rng, sound: sounds.Sound, times_: int, *, told: bool) -> Scene:
    length = sound.seconds
    gaps = rng.uniform(0.4, 1.0, times_)
    gaps[int(rng.integers(times_ - 1))] = rng.uniform(1.4, 3.0)
    at, parts = float(rng.uniform(0.8, 2.5)), []
    for gap in gaps:
        parts.append((sound, at, length))
        at += length + float(gap)
    scene = _mix(kind, rng, parts, at + float(rng.uniform(0.2, 1.0)), told=told)
    return replace(scene, sharp=sound in SHARP)


def _strike(rng: Rng, onsets: Samples, number: int) -> tuple[Samples, tuple[tuple[str, float, float], ...]]:
    """One drum at each of some times, and its events."""
    voice = (noises.kick, noises.knock_wood, noises.snare)[number % 3]
    hit = level_peak(voice(rng, 0.2))
    canvas = np.zeros(count(float(onsets[-1]) + 0.5))
    for onset in onsets:
        place(canvas, hit, float(onset))
    return _put_into_room(rng, canvas, 0.0), tuple(("a drum", float(onset), float(onset) + 0.2) for onset in onsets)


def _sing(rng: Rng, seconds: float, pitch: float) -> Samples:
    """A held vowel-like tone."""
    return fade(add_harmonics(2 * np.pi * pitch * times(seconds), [1.0, 0.6, 0.4, 0.25, 0.1], pitch), 0.03, 0.05)


def _put_into_room(rng: Rng, samples: Samples, around: float) -> Samples:
    """With so many seconds of quiet before and behind, and the noise of the room."""
    canvas = np.zeros(len(samples) + 2 * count(around))
    place(canvas, level_peak(samples, 0.6), around)
    return canvas + ROOM * make_noise(rng, len(canvas) / RATE, 0, 2000)
