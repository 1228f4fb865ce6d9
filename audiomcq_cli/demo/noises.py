"""Sounds without a pitch: knocks, steps, weather, engines, crowds and drums.

Each function makes one sound of a length in seconds.
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
    make_noise,
    make_swell,
    place,
    ring_modes,
    times,
)

# --------------------------------------------------------------------------------------------- knocks and things


def knock_wood(rng: Rng, seconds: float) -> Samples:
    """Synthesise a knuckle on a wooden door: a few damped modes of the panel under a short click."""
    pitches = [160, 290, 430, 710, 1120]
    tone = ring_modes(
        seconds, [pitch * rng.uniform(0.98, 1.02) for pitch in pitches], [0.9, 1.0, 0.7, 0.4, 0.25],
        [0.035, 0.028, 0.02, 0.012, 0.008],
    )  # fmt: skip
    tone += 0.3 * make_noise(rng, seconds, 300, 3000) * np.exp(-times(seconds) / 0.004)
    return fade(tone, 0.001, 0.05)


def step(rng: Rng, seconds: float) -> Samples:
    """Synthesise one step on a hard floor: the heel's thud and click, then the softer sole."""
    time = times(seconds)
    heel = ring_modes(seconds, [95 * rng.uniform(0.95, 1.05), 190, 420], [1.0, 0.6, 0.3], [0.03, 0.02, 0.01])
    heel += 0.35 * make_noise(rng, seconds, 700, 4000) * np.exp(-time / 0.006)
    late = np.maximum(time - 0.07, 0)
    sole = 0.13 * make_noise(rng, seconds, 300, 2500) * np.exp(-late / 0.02) * (time > 0.07)
    return fade(heel + sole, 0.001, 0.05)


def walk(rng: Rng, seconds: float, pace: float = 1.9) -> Samples:
    """Synthesise footsteps: ``pace`` steps a second, left and right slightly different."""
    canvas = np.zeros(count(seconds))
    for number in range(int((seconds - 0.3) * pace) + 1):
        late = rng.uniform(0, 0.02) if number else 0.0
        place(canvas, step(rng, 0.25) * (1.0 if number % 2 else 0.8), number / pace + late)
    return fade(canvas, 0.001)


def tick_clock(rng: Rng, seconds: float) -> Samples:
    """Synthesise a clock: tick and tock in turn, two a second."""
    canvas = np.zeros(count(seconds))
    for number in range(int((seconds - 0.1) * 2) + 1):
        shift = 1.0 if number % 2 else 1.25
        tick = ring_modes(0.08, [2100 * shift, 3300 * shift, 5200], [1.0, 0.6, 0.4], [0.008, 0.005, 0.003])
        tick += 0.3 * make_noise(rng, 0.08, 1500, 7000) * np.exp(-times(0.08) / 0.0015)
        place(canvas, tick, number / 2)
        place(canvas, 0.25 * tick, number / 2 + 0.022)
    return fade(canvas, 0.0005)


def bounce_ball(rng: Rng, seconds: float) -> Samples:
    """Synthesise a ball dropped on a floor: bounces that come faster and softer, as the height shrinks."""
    canvas, onset, gap, level = np.zeros(count(seconds)), 0.0, 0.27 * seconds, 1.0
    while gap > 0.03 and onset + 0.1 < seconds:
        blow = ring_modes(0.15, [130, 330, 690, 1500], [1.0, 0.7, 0.4, 0.2], [0.03, 0.02, 0.012, 0.005])
        blow += 0.2 * make_noise(rng, 0.15, 500, 3000) * np.exp(-times(0.15) / 0.003)
        place(canvas, level * blow, onset)
        onset, gap, level = onset + gap, 0.74 * gap, 0.8 * level
    return fade(canvas, 0.001, 0.05)


def shatter_glass(rng: Rng, seconds: float) -> Samples:
    """Synthesise breaking glass: a hard crash, then splinters that ring as they fall."""
    time = times(seconds)
    canvas = make_noise(rng, seconds, 1800, 7500) * (np.exp(-time / 0.03) + 0.25 * np.exp(-time / 0.2))
    for _ in range(70):
        onset = rng.exponential(0.2) if rng.random() < 0.7 else rng.uniform(0.1, 0.95 * seconds)
        pitch, decay = rng.uniform(2200, 7000), rng.uniform(0.01, 0.07)
        splinter = ring_modes(0.3, [pitch, 1.53 * pitch], [1.0, 0.5], [decay, 0.6 * decay])
        place(canvas, rng.uniform(0.1, 0.7) * np.exp(-onset / (0.6 * seconds)) * splinter, onset)
    return fade(canvas, 0.001, 0.1)


def drip(rng: Rng, seconds: float) -> Samples:
    """Synthesise a drop that falls into water: the bubble rings, and rises in pitch as it nears the surface."""
    time = times(seconds)
    pitch = rng.uniform(750, 950) * (1 + 9 * time)
    return fade(np.sin(follow(np.minimum(pitch, 6000))) * np.exp(-time / 0.035), 0.003, 0.05)


def beat_heart(rng: Rng, seconds: float) -> Samples:
    """Synthesise a heart at 72 beats a minute, as in a stethoscope: a lower and a higher thud each time."""
    canvas = np.zeros(count(seconds))
    for number in range(int((seconds - 0.5) * 1.2) + 1):
        for late, pitch, level in ((0.0, 55.0, 1.0), (0.3, 75.0, 0.7)):
            time = times(0.18)
            thud = np.sin(2 * np.pi * pitch * time) + 0.5 * np.sin(2 * np.pi * 2.1 * pitch * time)
            place(canvas, level * thud * np.exp(-time / 0.04), number / 1.2 + late)
    return fade(canvas + 0.002 * make_noise(rng, seconds, 30, 200), 0.004)


# ------------------------------------------------------------------------------------------------------ weather


def rain(rng: Rng, seconds: float) -> Samples:
    """Synthesise rain: the rush of many drops and, over it, 200 near ones a second."""
    out = 0.35 * make_noise(rng, seconds, 900, 7500) + 0.12 * make_noise(rng, seconds, 200, 900)
    drops = np.zeros(len(out))
    for _ in range(int(200 * seconds)):
        pitch, length = rng.uniform(1500, 6500), rng.uniform(0.004, 0.012)
        drop = np.sin(2 * np.pi * pitch * times(length)) * np.hanning(count(length))
        place(drops, rng.exponential(0.5) * drop, rng.uniform(0, seconds - 0.02))
    return fade(out + drops, 0.08, 0.3)


def wind(rng: Rng, seconds: float) -> Samples:
    """Synthesise wind: a rush in gusts, brighter as they grow, with a howl that wanders between 350 and 800 Hz."""
    gust = 0.35 + 0.65 * make_swell(rng, seconds, 0.9)
    howl = np.zeros(count(seconds))
    place_of_howl = 3 * make_swell(rng, seconds, 0.7)
    for number, pitch in enumerate((380.0, 500.0, 640.0, 800.0)):
        near = np.maximum(0, 1 - np.abs(place_of_howl - number))
        howl += near * make_noise(rng, seconds, 0.93 * pitch, 1.07 * pitch)
    rush = make_noise(rng, seconds, 120, 700) + 0.3 * gust * make_noise(rng, seconds, 700, 3000)
    return fade(gust * (rush + 0.7 * gust * howl), 0.3, 0.4)


def roll_waves(rng: Rng, seconds: float) -> Samples:
    """Synthesise waves on a shore, one in three seconds: each swells, breaks brightly and draws back with a hiss."""
    place_in_wave = np.mod(times(seconds) / 3.0 + 0.12, 1.0)
    swell = np.where(place_in_wave < 0.35, place_in_wave / 0.35, np.exp(-3.0 * (place_in_wave - 0.35)))
    body, foam = make_noise(rng, seconds, 120, 900), make_noise(rng, seconds, 900, 6500)
    return fade(body * (0.1 + 0.6 * swell**1.5) + foam * (0.05 + 0.75 * swell**3), 0.15, 0.4)


def thunder(rng: Rng, seconds: float) -> Samples:
    """Synthesise thunder: a crack, then rumbling that rolls and dies away."""
    time = times(seconds)
    crack = make_noise(rng, seconds, 80, 1500) * np.exp(-time / 0.18) * (0.5 + make_swell(rng, seconds, 25))
    roll = make_noise(rng, seconds, 30, 160) * (0.15 + make_swell(rng, seconds, 5)) * np.exp(-time / (0.45 * seconds))
    return fade(0.8 * crack + 1.6 * roll, 0.01, 0.4)


def crackle_fire(rng: Rng, seconds: float) -> Samples:
    """Synthesise a fire: a soft low roar with sharp cracks, many of them faint."""
    out = 0.05 * make_noise(rng, seconds, 60, 500) * (0.6 + 0.4 * make_swell(rng, seconds, 3))
    out += 0.01 * make_noise(rng, seconds, 1000, 6000)
    for _ in range(int(22 * seconds)):
        length, low = rng.uniform(0.004, 0.02), rng.uniform(700, 2500)
        crack = make_noise(rng, length, low, 3 * low) * np.exp(-times(length) / (0.25 * length))
        place(out, min(rng.exponential(0.13), 0.7) * crack, rng.uniform(0, seconds - 0.03))
    return fade(out, 0.05, 0.1)


# ------------------------------------------------------------------------------------- engines, crowds, machines


def run_engine(rng: Rng, firing: Samples) -> Samples:
    """Synthesise an engine with the given firings a second at each sample: a rough low tone under pulsed noise."""
    seconds = len(firing) / RATE
    phase = follow(firing * (1 + 0.02 * (make_swell(rng, seconds, 12) - 0.5)))
    levels = [0.7, 1.0, 0.8, 0.7, 0.45, 0.4, 0.25, 0.2, 0.15, 0.1, 0.08, 0.06]
    tone = add_harmonics(phase, levels, float(np.max(firing))) + 0.6 * add_harmonics(phase / 2, levels[:6], 60)
    pulse = np.exp(-3 * np.mod(phase / (2 * np.pi), 1.0))
    return np.asarray(np.tanh(0.8 * tone) + 0.3 * pulse * make_noise(rng, seconds, 150, 2200))


def idle_engine(rng: Rng, seconds: float) -> Samples:
    """Synthesise an engine that idles, at 26 firings a second."""
    return fade(run_engine(rng, np.full(count(seconds), 26.0)), 0.1, 0.15)


def rev_engine(rng: Rng, seconds: float) -> Samples:
    """Synthesise an engine that is revved up from idling and falls back."""
    place_in = times(seconds) / seconds
    throttle = np.where(place_in < 0.6, (place_in / 0.6) ** 1.5, np.exp(-5 * (place_in - 0.6)))
    return fade(run_engine(rng, 28 + 112 * throttle) * (0.4 + 0.6 * throttle), 0.05, 0.2)


def applaud(rng: Rng, seconds: float) -> Samples:
    """Synthesise an applauding crowd: 50 people, each with a clap of their own colour, about four times a second."""
    canvas = np.zeros(count(seconds))
    for _ in range(50):
        low, level, pace = rng.uniform(600, 1600), rng.uniform(0.2, 1.0), rng.uniform(3.3, 4.8)
        clap = level * make_noise(rng, 0.03, low, 2.2 * low) * np.exp(-times(0.03) / 0.005)
        onset = rng.uniform(0, 0.3)
        while onset < seconds - 0.04:
            place(canvas, clap * rng.uniform(0.7, 1.0), onset)
            onset += rng.uniform(0.9, 1.1) / pace
    return fade(canvas, 0.1, 0.4)


def hiss_radio(rng: Rng, seconds: float) -> Samples:
    """Synthesise a radio between stations: a hiss as broad as its loudspeaker, with a little crackle."""
    return fade(make_noise(rng, seconds, 250, 4500) * (0.9 + 0.2 * make_swell(rng, seconds, 15)), 0.02, 0.05)


# ------------------------------------------------------------------------------------------------------- drums


def kick(rng: Rng, seconds: float) -> Samples:
    """Synthesise a bass drum: a thump whose pitch falls from 160 to 50 Hz."""
    time = times(seconds)
    tone = np.sin(follow(50 + 110 * np.exp(-time / 0.025))) * np.exp(-time / 0.11)
    return fade(tone + 0.1 * make_noise(rng, seconds, 1000, 4000) * np.exp(-time / 0.004), 0.001, 0.05)


def snare(rng: Rng, seconds: float) -> Samples:
    """Synthesise a snare drum: the skin at 190 Hz and the rattle of the wires."""
    time = times(seconds)
    skin = ring_modes(seconds, [190, 330], [0.7, 0.4], [0.05, 0.035])
    return fade(skin + 0.35 * make_noise(rng, seconds, 1200, 7500) * np.exp(-time / 0.06), 0.001, 0.05)


def hat(rng: Rng, seconds: float) -> Samples:
    """Synthesise a closed hi-hat: a short hiss above 5 kHz."""
    return fade(make_noise(rng, seconds, 5000) * np.exp(-times(seconds) / 0.02), 0.001, 0.02)
