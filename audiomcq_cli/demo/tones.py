"""Sounds with a pitch: instruments, bells, horns, signals and animals that sing.

Each function makes one sound of a length in seconds; those with ``pitch`` (in Hz) can be played as an instrument.
"""

from __future__ import annotations

import numpy as np

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
    ring_modes,
    times,
)

# ------------------------------------------------------------------------------------------------- instruments


def pluck_string(rng: Rng, seconds: float, pitch: float) -> Samples:
    """Synthesise a guitar string: the modes of an ideal string plucked at a fifth of its length, high ones shorter."""
    numbers = range(1, 24)
    levels = [float(np.sin(np.pi * n / 5) / n) if n % 5 else 0.0 for n in numbers]
    decays = [1 / (1.6 + 0.10 * n**2 + pitch / 400) for n in numbers]
    tone = ring_modes(seconds, [n * pitch * (1 + 4e-5 * n**2) for n in numbers], levels, decays)
    tone += 0.06 * make_noise(rng, seconds, 800, 4000) * np.exp(-times(seconds) / 0.008)
    return fade(tone, 0.002, 0.04)


def pluck_bass(rng: Rng, seconds: float, pitch: float) -> Samples:
    """Synthesise a bass string: fewer and rounder harmonics than the guitar's."""
    levels = [1.0, 0.5, 0.3, 0.15, 0.08, 0.04]
    tone = ring_modes(seconds, [n * pitch for n in range(1, 7)], levels, [0.7 / n for n in range(1, 7)])
    tone += 0.03 * make_noise(rng, seconds, 300, 1500) * np.exp(-times(seconds) / 0.01)
    return fade(tone, 0.004, 0.04)


def play_piano(rng: Rng, seconds: float, pitch: float) -> Samples:
    """Synthesise a piano note: stretched partials in pairs that beat slowly, and the thump of the hammer."""
    numbers = range(1, 13)
    levels = [float(np.exp(-0.45 * (n - 1))) for n in numbers]
    stretched = [n * pitch * float(np.sqrt(1 + 4e-4 * n**2)) for n in numbers]
    tone = ring_modes(seconds, stretched, levels, [1.1 / n**0.7 for n in numbers])
    tone += 0.5 * ring_modes(seconds, [1.0006 * partial for partial in stretched], levels, [2 / n for n in numbers])
    tone += 0.08 * make_noise(rng, seconds, 60, 500) * np.exp(-times(seconds) / 0.02)
    return fade(tone, 0.003, 0.06)


def play_organ(rng: Rng, seconds: float, pitch: float) -> Samples:
    """Synthesise an organ note: steady pipes at the octaves and fifths above, a little out of step with each other."""
    pipes = {0.5: 0.4, 1: 1.0, 2: 0.7, 3: 0.4, 4: 0.35, 6: 0.2, 8: 0.15}
    time = times(seconds)
    tone = np.zeros(len(time))
    for multiple, level in pipes.items():
        if multiple * pitch < 0.45 * RATE:
            tone += level * np.sin(2 * np.pi * (multiple * pitch * time + rng.random()))
    return fade(tone, 0.03, 0.08)


def blow_flute(rng: Rng, seconds: float, pitch: float) -> Samples:
    """Synthesise a flute note: almost a pure tone, with vibrato that comes late, and breath."""
    time = times(seconds)
    vibrato = 1 + 0.006 * np.minimum(time / 0.4, 1) * np.sin(2 * np.pi * 5.2 * time)
    tone = add_harmonics(follow(pitch * vibrato), [1.0, 0.35, 0.18, 0.05], 1.01 * pitch)
    tone += 0.03 * make_noise(rng, seconds, pitch, 5000)
    return fade(tone, 0.05, 0.06)


def pluck_comb(rng: Rng, seconds: float, pitch: float) -> Samples:
    """Synthesise a tooth of a music box: a clear tone with the overtones of a steel bar, and a click."""
    tone = ring_modes(seconds, [pitch, 2 * pitch, 6.27 * pitch], [1.0, 0.2, 0.25], [0.5, 0.25, 0.06])
    tone += 0.05 * make_noise(rng, seconds, 3000, 7000) * np.exp(-times(seconds) / 0.003)
    return fade(tone, 0.001, 0.04)


# ----------------------------------------------------------------------------------------------- bells and horns


def strike_bell(rng: Rng, seconds: float, pitch: float = 590.0) -> Samples:
    """Synthesise a church bell: hum, prime, minor third, fifth and upper partials, and the blow of the clapper."""
    ratios = [0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 2.66, 3.01, 4.17, 5.43]
    levels = [0.4, 0.8, 0.6, 0.3, 1.0, 0.25, 0.3, 0.35, 0.25, 0.15]
    decays = [0.9, 0.7, 0.55, 0.4, 0.45, 0.25, 0.2, 0.2, 0.12, 0.08]
    tone = ring_modes(seconds, [pitch * ratio for ratio in ratios], levels, decays)
    tone += 0.4 * make_noise(rng, seconds, 1000, 6000) * np.exp(-times(seconds) / 0.006)
    return fade(tone, 0.001, 0.3)


def ring_phone(rng: Rng, seconds: float) -> Samples:
    """Synthesise the bell of an old telephone: a hammer between two small gongs, 22 blows a second."""
    canvas = np.zeros(count(seconds))
    gongs = [
        ring_modes(0.3, [pitch, 2.71 * pitch, 5.2 * pitch], [1.0, 0.6, 0.3], [0.12, 0.07, 0.03])
        for pitch in (1180.0, 1480.0)
    ]
    for number in range(int((seconds - 0.12) * 22)):
        place(canvas, gongs[number % 2] * (0.85 + 0.15 * rng.random()), number / 22)
    return fade(canvas, 0.001, 0.1)


def honk_horn(rng: Rng, seconds: float) -> Samples:
    """Synthesise a car's horn: two buzzing tones a major third apart."""
    levels = [0.5, 0.8, 1.0, 0.9, 0.7, 0.6, 0.45, 0.4, 0.3, 0.25, 0.2, 0.15]
    low, high = 405 * (1 + 0.01 * rng.random()), 510.0
    time = times(seconds)
    tones = (add_harmonics(2 * np.pi * pitch * time + rng.random(), levels, pitch) for pitch in (low, high))
    return fade(np.sum(list(tones), axis=0), 0.015, 0.05)


def blow_ship_horn(rng: Rng, seconds: float) -> Samples:
    """Synthesise the horn of a ship: a low, rich tone that takes a moment to speak and shudders a little."""
    time = times(seconds)
    pitch = 98 * (1 - 0.03 * np.exp(-time / 0.15))
    levels = [1 / n**0.8 for n in range(1, 16)]
    tone = add_harmonics(follow(pitch), levels, 100) + 0.7 * add_harmonics(follow(1.498 * pitch), levels, 150)
    tone *= 1 + 0.05 * np.sin(2 * np.pi * 7 * time)
    tone += 0.15 * make_noise(rng, seconds, 100, 1200)
    return fade(tone, 0.12, 0.3)


def blow_whistle(rng: Rng, seconds: float) -> Samples:
    """Synthesise a referee's whistle: a high tone that the pea inside breaks up 32 times a second."""
    time = times(seconds)
    flutter = np.sin(2 * np.pi * 32 * time + rng.random())
    tone = np.sin(follow(2650 + 90 * flutter)) + 0.5 * np.sin(follow(2820 + 90 * flutter))
    tone = tone * (0.65 + 0.35 * flutter) + 0.12 * make_noise(rng, seconds, 2000, 6000)
    return fade(tone, 0.02, 0.05)


# --------------------------------------------------------------------------------------------- signals and toys


def wail_siren(rng: Rng, seconds: float, period: float = 1.5) -> Samples:
    """Synthesise a siren: a tone that climbs and falls between 550 and 1350 Hz, once a period."""
    time = times(seconds)
    climb = (1 - np.cos(2 * np.pi * time / period)) / 2
    levels = [1.0, 0.15, 0.4, 0.1, 0.15]
    return fade(add_harmonics(follow(550 * (1350 / 550) ** climb), levels, 1350), 0.04, 0.15)


def beep(rng: Rng, seconds: float, pitch: float = 2000.0) -> Samples:
    """Synthesise a beep of an alarm clock or a watch."""
    return fade(add_harmonics(2 * np.pi * pitch * times(seconds), [1.0, 0.0, 0.3], pitch), 0.004, 0.008)


def tap_morse(rng: Rng, seconds: float) -> Samples:
    """Synthesise Morse code at 650 Hz: dots of 70 ms and dashes of 210 ms, in random order, with
    gaps between letters.
    """
    canvas, onset = np.zeros(count(seconds)), 0.0
    while True:
        for mark in rng.choice([0.07, 0.21], size=int(rng.integers(2, 5))):
            if onset + mark > seconds:
                return fade(canvas)
            place(canvas, beep(rng, float(mark), 650), onset)
            onset += float(mark) + 0.07
        onset += 0.14


def call_cuckoo(rng: Rng, seconds: float) -> Samples:
    """Synthesise the two pipes of a cuckoo clock, a minor third down."""
    canvas = np.zeros(count(seconds))
    for onset, pitch in ((0.0, 660.0), (0.5 * seconds, 550.0)):
        place(canvas, blow_flute(rng, 0.46 * seconds, pitch), onset)
    return canvas


def zap_laser(rng: Rng, seconds: float) -> Samples:
    """Synthesise a toy laser: a tone that drops from 3000 to 150 Hz."""
    time = times(seconds)
    pitch = 150 + 2850 * np.exp(-time / (0.22 * seconds))
    return fade(np.tanh(2 * np.sin(follow(pitch))) * np.exp(-time / (0.5 * seconds)), 0.003, 0.05)


# ----------------------------------------------------------------------------------------------------- animals


def chirp_bird(rng: Rng, seconds: float) -> Samples:
    """Synthesise a small bird: a phrase of quick whistled sweeps between 2.5 and 5.5 kHz, again and again."""
    canvas = np.zeros(count(seconds))
    phrase = [(rng.uniform(2800, 5200), rng.uniform(-1500, 1500), rng.uniform(0.06, 0.13)) for _ in range(4)]
    whole = sum(length + 0.04 for _, _, length in phrase)
    for start in np.linspace(0, seconds - whole, int(seconds / (whole + 0.2))):
        for pitch, slide, length in phrase:
            time = times(length) / length
            track = pitch * (1 + 0.01 * rng.standard_normal()) + slide * (time - 0.5)
            syllable = np.sin(follow(np.clip(track, 2500, 5500))) * np.sin(np.pi * time) ** 0.7
            place(canvas, fade(syllable), start)
            start += length + 0.04
    return canvas


def chirp_crickets(rng: Rng, seconds: float) -> Samples:
    """Synthesise crickets: three insects between 4.2 and 5 kHz, each with short trills of three or four pulses."""
    canvas = np.zeros(count(seconds))
    for pitch, level in ((4250.0, 1.0), (4620.0, 0.5), (4900.0, 0.35)):
        pulse = np.sin(2 * np.pi * pitch * times(0.018)) * np.hanning(count(0.018))
        onset = 0.0 if level == 1.0 else rng.uniform(0.05, 0.4)
        pause = rng.uniform(0.36, 0.44)
        while onset + 0.15 < seconds:
            for number in range(int(rng.integers(3, 5))):
                place(canvas, level * pulse, onset + number * 0.033)
            onset += pause + rng.uniform(-0.015, 0.015)
    return level_peak(canvas)
