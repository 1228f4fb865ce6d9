"""The sounds of the demo, each with the label of its events, and the rendering of clips from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from audiomcq_cli.demo import music, noises, tones
from audiomcq_cli.demo.signals import Rng, Samples, count, level_peak, make_noise, place, reverberate
from audiomcq_cli.records import draw

_PEAK = 0.7  # of full scale, 3 dB below clipping
_ROOM = 4e-4  # noise of the room: 68 dB below full scale


@dataclass(frozen=True, slots=True)
class Sound:
    """A kind of sound.

    Attributes:
        label: Label of its events. It must work as the answer to "what is heard?".
        make: Synthesises it, from a length in seconds.
        seconds: Its length, unless a clip says otherwise.
        level: Its peak in dB; a sustained sound needs less than a short one to be as loud.
    """

    label: str
    make: Callable[[Rng, float], Samples]
    seconds: float
    level: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """One occurrence of a sound in a clip: onset and length in seconds, peak in dB."""

    sound: Sound
    onset: float
    seconds: float
    level: float

    @property
    def offset(self) -> float:
        """End in seconds."""
        return self.onset + self.seconds


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip: two captions with the same meaning, its length, and its sounds with their times."""

    name: str
    captions: tuple[str, str]
    seconds: float
    parts: tuple[Part, ...]


BELL = Sound("a bell ringing", tones.strike_bell, 1.6)
KNOCK = Sound("a knock on wood", noises.knock_wood, 0.2, 1.0)
BEEP = Sound("an alarm beeping", tones.beep, 0.15, -9.0)
PHONE = Sound("a phone ringing", tones.ring_phone, 1.2, -4.0)
WHISTLE = Sound("a whistle blowing", tones.blow_whistle, 0.7, -8.0)
CAR_HORN = Sound("a car horn honking", tones.honk_horn, 0.5, -4.0)
SHIP_HORN = Sound("a ship horn blowing", tones.blow_ship_horn, 2.2, -2.0)
SIREN = Sound("a siren wailing", tones.wail_siren, 3.0, -8.0)
CUCKOO = Sound("a cuckoo clock calling", tones.call_cuckoo, 0.9, -4.0)
LASER = Sound("a toy laser zapping", tones.zap_laser, 0.45, -6.0)
MORSE = Sound("Morse code beeping", tones.tap_morse, 3.0, -8.0)
BIRD = Sound("a bird chirping", tones.chirp_bird, 2.5, -7.0)
CRICKETS = Sound("crickets chirping", tones.chirp_crickets, 4.0, -10.0)

DRIP = Sound("water dripping", noises.drip, 0.22)
STEPS = Sound("footsteps on a hard floor", noises.walk, 2.5)
CLOCK = Sound("a clock ticking", noises.tick_clock, 3.0, -3.0)
BALL = Sound("a ball bouncing", noises.bounce_ball, 2.2)
GLASS = Sound("glass shattering", noises.shatter_glass, 1.2)
HEART = Sound("a heart beating", noises.beat_heart, 3.1, 2.0)
RAIN = Sound("rain falling", noises.rain, 3.0, -8.0)
WIND = Sound("wind blowing", noises.wind, 4.0, -4.0)
WAVES = Sound("waves rolling onto a shore", noises.roll_waves, 3.5, -3.0)
THUNDER = Sound("thunder rumbling", noises.thunder, 3.2, 2.0)
FIRE = Sound("a fire crackling", noises.crackle_fire, 5.0, 0.0)
ENGINE = Sound("an engine idling", noises.idle_engine, 4.0, -6.0)
REV = Sound("an engine revving", noises.rev_engine, 2.2, -4.0)
CROWD = Sound("a crowd applauding", noises.applaud, 3.2, -2.0)
RADIO = Sound("a radio hissing with static", noises.hiss_radio, 4.0, -8.0)


def instrument(label: str, voice: music.Voice, tune: str, *, tempo: float, ring: float = 0.4) -> Sound:
    """Return an instrument that plays a tune at a tempo in beats a minute, its last note longer by ``ring`` seconds."""
    seconds = music.count_beats(tune) * 60 / tempo + ring
    return Sound(label, partial(music.play_tune, voice=voice, tune=tune, tempo=tempo), seconds, -4.0)


def drums(*, tempo: float, beats: int) -> Sound:
    """Return a drum kit that plays a beat at a tempo in beats a minute, and stops on the beat after ``beats``."""
    return Sound("a drum kit playing a beat", partial(music.play_drums, tempo=tempo), beats * 60 / tempo + 0.3)


def at(sound: Sound, *onsets: float, seconds: float = 0.0, gain: float = 0.0) -> tuple[Part, ...]:
    """Return a sound at each of some onsets; ``seconds`` and ``gain`` (dB) override its own."""
    length = round(seconds or sound.seconds, 3)
    return tuple(Part(sound, onset, length, sound.level + gain) for onset in onsets)


def behind(sound: Sound, onset: float, offset: float, gain: float = -8.0) -> tuple[Part, ...]:
    """Return a sound in the background, from its onset to its offset."""
    return at(sound, onset, seconds=offset - onset, gain=gain)


def render(clip: Clip, seed: int) -> Samples:
    """Return the samples of a clip: every part in its place, in a small room, with a peak of 0.7."""
    canvas = np.zeros(count(clip.seconds))
    for number, part in enumerate(clip.parts):
        sound = part.sound.make(_seed(seed, clip.name, number), part.seconds)
        place(canvas, level_peak(sound, 10 ** (part.level / 20)), part.onset)
    rng = _seed(seed, clip.name, "room")
    canvas = level_peak(reverberate(rng, canvas), _PEAK)
    return np.asarray(canvas + _ROOM * make_noise(rng, clip.seconds, 0, 2000))


def _seed(*parts: str | int) -> Rng:
    return np.random.Generator(np.random.PCG64(draw(*parts)))
