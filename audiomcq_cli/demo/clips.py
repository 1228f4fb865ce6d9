"""The demo set as a table: each clip with its length, two captions, and its sounds with their times.

Times are seconds, tempos beats a minute. Captions name sounds in the order of their onsets; of a sound over a
background the foreground comes first.
"""

from __future__ import annotations

from audiomcq_cli.demo.sounds import (
    BALL,
    BEEP,
    BELL,
    BIRD,
    CAR_HORN,
    CLOCK,
    CRICKETS,
    CROWD,
    CUCKOO,
    DRIP,
    ENGINE,
    FIRE,
    GLASS,
    HEART,
    KNOCK,
    LASER,
    MORSE,
    PHONE,
    RADIO,
    RAIN,
    REV,
    SHIP_HORN,
    SIREN,
    STEPS,
    THUNDER,
    WAVES,
    WHISTLE,
    WIND,
    Clip,
    Part,
    at,
    behind,
    drums,
    instrument,
)
from audiomcq_cli.demo.tones import blow_flute, play_organ, play_piano, pluck_bass, pluck_comb, pluck_string


def _clip(name: str, seconds: float, first: str, second: str, *parts: tuple[Part, ...]) -> Clip:
    return Clip(name, (first, second), seconds, tuple(part for group in parts for part in group))


_RISING = "C3 D3 E3 F3 G3 A3 B3 C4"
_FALLING = "C5 B4 A4 G4 F4 E4 D4 C4"
_ROUND = (  # Frère Jacques
    "G3 A3 B3 G3 G3 A3 B3 G3 B3 C4 D4:2 B3 C4 D4:2 D4:0.5 E4:0.5 D4:0.5 C4:0.5 B3 G3 D4:0.5 E4:0.5 D4:0.5 C4:0.5 B3 G3"
)
_ODE = "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 E4:1.5 D4:0.5 D4:2"  # Ode to Joy
_CHORDS = "C3+E4+G4+C5:2 F3+F4+A4+C5:2 G3+D4+G4+B4:2 C3+E4+G4+C5:2"
_LULLABY = "E5 G5 G5:2 E5 G5 G5:2 E5:0.5 G5:0.5 C6 B5 A5 A5 G5:2"  # Brahms
_MELODY = "G4 A4 B4 D5 B4 G4 A4 D5 C5 B4 A4 G4:2"
_BASS = "G2:2 D2:2 E2:2 D2:2 C2:2 D2:1 G2:2"
_CALL = "C4 E4 G4 C5 A4 G4:2"

COUNTED = (
    _clip("bell-rings-three-times", 6.2, "A bell rings three times", "Three rings of a bell, one after another",
          at(BELL, 0.4, 2.25, 4.1)),
    _clip("two-knocks", 3.0, "Someone knocks on wood twice", "Two knocks on a wooden door",
          at(KNOCK, 0.8, 1.4)),
    _clip("alarm-beeps-five-times", 4.0, "An alarm beeps five times", "Five short beeps come from an alarm",
          at(BEEP, 0.5, 1.1, 1.7, 2.3, 2.9)),
    _clip("phone-rings-twice", 5.0, "An old phone rings twice", "Two rings of a phone with a mechanical bell",
          at(PHONE, 0.6, 2.8)),
    _clip("four-whistles", 5.5, "A whistle is blown four times", "Four blasts of a whistle",
          at(WHISTLE, 0.4, 1.6, 2.8, 4.0)),
    _clip("car-horn-honks-three-times", 4.2, "A car horn honks three times", "Three honks of a car horn",
          at(CAR_HORN, 0.6, 1.6, 2.6)),
    _clip("six-drips", 5.5, "Water drips six times", "Six drops of water drip one after another",
          at(DRIP, 0.5, 1.3, 2.1, 2.9, 3.7, 4.5)),
    _clip("cuckoo-calls-four-times", 6.2, "A cuckoo clock calls four times", "Four calls of a cuckoo clock",
          at(CUCKOO, 0.4, 1.8, 3.2, 4.6)),
)  # fmt: skip
"""Clips of one sound, heard a number of times."""

SEQUENCES = (
    _clip("bell-knocks-siren", 7.8,
          "A bell rings, then someone knocks on wood three times, followed by a siren wailing",
          "The ringing of a bell comes first, three knocks on wood follow, and a siren wails at the end",
          at(BELL, 0.4), at(KNOCK, 2.5, 2.9, 3.3), at(SIREN, 4.3)),
    _clip("steps-then-knocks", 5.6,
          "Footsteps cross a hard floor, then there are three knocks on wood",
          "Someone walks with clear footsteps and then knocks on a wooden door three times",
          at(STEPS, 0.4), at(KNOCK, 3.6, 4.05, 4.5)),
    _clip("siren-then-honks", 6.2,
          "A siren wails, then a car horn honks twice",
          "The wailing of a siren is followed by two honks of a car horn",
          at(SIREN, 0.4), at(CAR_HORN, 4.1, 5.0)),
    _clip("whistle-then-applause", 5.6,
          "A whistle is blown once and then a crowd applauds",
          "After one blast of a whistle comes the applause of a crowd",
          at(WHISTLE, 0.5), at(CROWD, 1.8)),
    _clip("phone-then-alarm", 5.2,
          "A phone rings once, then an alarm beeps four times",
          "One ring of a phone is followed by four beeps of an alarm",
          at(PHONE, 0.4), at(BEEP, 2.4, 2.9, 3.4, 3.9)),
    _clip("thunder-then-rain", 7.6,
          "Thunder rumbles, then rain falls",
          "A clap of thunder is followed by falling rain",
          at(THUNDER, 0.4), at(RAIN, 4.1)),
    _clip("ball-then-glass", 5.4,
          "A ball bounces and then glass shatters",
          "The bouncing of a ball, followed by shattering glass",
          at(BALL, 0.4), at(GLASS, 3.3)),
    _clip("engine-horn-glass", 6.6,
          "An engine revs, a car horn honks once, and then glass shatters",
          "The revving of an engine is followed by one honk of a car horn and then by shattering glass",
          at(REV, 0.4), at(CAR_HORN, 3.2, seconds=0.8), at(GLASS, 4.7)),
    _clip("ship-horn-then-waves", 7.6,
          "A ship horn blows, then waves roll onto a shore",
          "The low sound of a ship horn is followed by waves breaking on a shore",
          at(SHIP_HORN, 0.4), at(WAVES, 3.3, seconds=4.0)),
    _clip("bird-then-laser", 5.4,
          "A bird chirps, then a toy laser zaps three times",
          "The chirping of a bird is followed by three zaps of a toy laser",
          at(BIRD, 0.4), at(LASER, 3.3, 3.9, 4.5)),
    _clip("cuckoo-steps-knocks-bell", 8.0,
          "A cuckoo clock calls once, footsteps follow, then someone knocks on wood twice and finally a bell rings",
          "After one call of a cuckoo clock there are footsteps, two knocks on wood and the ringing of a bell",
          at(CUCKOO, 0.3), at(STEPS, 1.7, seconds=2.0), at(KNOCK, 4.4, 4.85), at(BELL, 5.8)),
    _clip("clock-then-phone", 6.4,
          "A clock ticks until a phone rings twice",
          "The ticking of a clock is followed by two rings of a phone",
          at(CLOCK, 0.4, seconds=2.6), at(PHONE, 3.3, 4.8)),
    _clip("heart-then-alarm", 6.2,
          "A heart beats in a steady rhythm, then an alarm beeps three times",
          "The beating of a heart is followed by three beeps of an alarm",
          at(HEART, 0.4), at(BEEP, 4.4, 4.9, 5.4)),
)  # fmt: skip
"""Clips of several sounds, one after another."""

MIXTURES = (
    _clip("clock-in-rain", 7.0,
          "A clock ticks while rain falls in the background",
          "The steady ticking of a clock over the sound of falling rain",
          at(CLOCK, 0.5, seconds=6.1, gain=3), behind(RAIN, 0.1, 6.9, gain=-4)),
    _clip("bird-by-the-sea", 7.5,
          "A bird chirps while waves roll onto a shore in the background",
          "The chirping of a bird is heard above the waves of the sea",
          at(BIRD, 1.0, seconds=5.5), behind(WAVES, 0.1, 7.4, gain=-5)),
    _clip("crickets-and-fire", 7.0,
          "Crickets chirp while a fire crackles",
          "The chirping of crickets and the crackling of a fire",
          at(CRICKETS, 0.4, seconds=6.2, gain=-4), behind(FIRE, 0.1, 6.9, gain=0)),
    _clip("morse-over-radio", 6.5,
          "Morse code beeps over the static of a radio",
          "Beeps of Morse code are heard through the hiss of a radio",
          at(MORSE, 0.8, seconds=4.8), behind(RADIO, 0.1, 6.4)),
    _clip("honks-over-engine", 6.0,
          "A car horn honks twice while an engine idles",
          "Two honks of a car horn over an idling engine",
          at(CAR_HORN, 1.8, 3.2, gain=3), behind(ENGINE, 0.1, 5.9, gain=-6)),
    _clip("bell-in-the-wind", 7.0,
          "A bell rings twice in the blowing wind",
          "Two strokes of a bell are heard while wind blows in the background",
          at(BELL, 1.4, 3.8), behind(WIND, 0.1, 6.9)),
    _clip("steps-in-rain", 6.5,
          "Footsteps are heard while rain falls in the background",
          "Someone walks with steady footsteps as rain falls",
          at(STEPS, 0.8, seconds=5.0, gain=4), behind(RAIN, 0.1, 6.4, gain=-4)),
)  # fmt: skip
"""Clips of sounds over a background."""

MUSIC = (
    _clip("guitar-slow-rising", 8.0,
          "A guitar plays a slow rising scale", "Single notes of a guitar climb slowly from low to high",
          at(instrument("a guitar playing a rising scale", pluck_string, _RISING, tempo=70), 0.3)),
    _clip("guitar-fast-melody", 7.0,
          "A guitar plays a fast melody", "A quick and lively tune played on a guitar",
          at(instrument("a guitar playing a melody", pluck_string, _ROUND, tempo=240), 0.3)),
    _clip("piano-falling", 5.0,
          "A piano plays a falling scale", "The notes of a piano descend step by step from high to low",
          at(instrument("a piano playing a falling scale", play_piano, _FALLING, tempo=120), 0.3)),
    _clip("organ-chords", 7.7,
          "An organ plays four slow chords", "Four long chords are played on an organ",
          at(instrument("an organ playing chords", play_organ, _CHORDS, tempo=72), 0.3)),
    _clip("music-box", 7.3,
          "A music box plays a gentle melody", "The gentle tune of a music box",
          at(instrument("a music box playing a melody", pluck_comb, _LULLABY, tempo=150, ring=0.6), 0.3)),
    _clip("flute-over-bass", 7.8,
          "A flute plays a melody over a plucked bass", "The melody of a flute is accompanied by a plucked bass",
          at(instrument("a flute playing a melody", blow_flute, _MELODY, tempo=112), 0.3),
          at(instrument("a bass being plucked", pluck_bass, _BASS, tempo=112), 0.3, gain=-1)),
    _clip("drums-slow", 7.6,
          "A drum kit plays a slow beat", "A slow rhythm on a drum kit with bass drum, snare and hi-hat",
          at(drums(tempo=66, beats=7), 0.3)),
    _clip("drums-moderate", 7.6,
          "A drum kit plays a beat at a moderate tempo", "A steady rhythm of medium speed on a drum kit",
          at(drums(tempo=104, beats=11), 0.3)),
    _clip("drums-fast", 6.6,
          "A drum kit plays a fast beat", "A quick and driving rhythm on a drum kit",
          at(drums(tempo=168, beats=16), 0.3)),
    _clip("piano-then-guitar", 7.6,
          "A piano plays a short melody, then a guitar plays the same melody",
          "A short tune on a piano is repeated by a guitar",
          at(instrument("a piano playing a melody", play_piano, _CALL, tempo=144), 0.3),
          at(instrument("a guitar playing a melody", pluck_string, _CALL, tempo=144), 4.0)),
    _clip("flute-then-drums", 8.0,
          "A flute plays a slow melody, then a drum kit plays a fast beat",
          "A slow tune on a flute gives way to a fast beat on a drum kit",
          at(instrument("a flute playing a melody", blow_flute, "D5 F5 E5 D5:1.5", tempo=72), 0.3),
          at(drums(tempo=160, beats=7), 4.8)),
    _clip("piano-ode", 8.0,
          "A piano plays a simple, cheerful melody",
          "A simple and happy tune is played on a piano",
          at(instrument("a piano playing a melody", play_piano, _ODE, tempo=138), 0.3)),
)  # fmt: skip
"""Clips of instruments."""

CLIPS = (*COUNTED, *SEQUENCES, *MIXTURES, *MUSIC)
