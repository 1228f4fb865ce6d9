"""Holds a grounded question against what is true of a synthesised clip, by other means than the program's.

What a family is asked about is read out of the question's text, and the options are compared with the scene itself:
neither the row's proof nor what was measured is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from audiomcq_cli.demo.signals import RATE
from benchmarks.grounded_scenes import Scene

TUNEFUL = frozenset({"glide", "halves", "beat", "change", "loop"})
"""Kinds of which one may say that they are music."""

COUNTS = ("once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times",
          "nine times")  # fmt: skip

INAUDIBLE = -70.0
"""dB below which no second is softer than another."""

SWELLS = {
    "louder": ("It gets louder and louder", "It rises steadily"),
    "softer": ("It gets softer and softer", "It fades steadily"),
    "steady": ("It stays about the same", "It hardly changes"),
    "swell": ("It grows towards the middle and fades again", "It swells up, then dies down"),
    "dip": ("It drops towards the middle and comes back", "It sinks, then returns"),
}


def find_wrong(family: str, row: Mapping[str, Any], scene: Scene) -> str:
    """Why the key of a question is not the one true option, or an empty string."""
    true = [choice for choice in row["choices"] if _TRUTHS[family](choice, row["question"], scene)]
    return "" if true == [row["answer"]] else f"true are {true}, the answer is {row['answer']!r}"


def list_families(scene: Scene) -> set[str]:
    """Families that apply to a scene."""
    by_kind: Mapping[str, set[str]] = {
        "sequence": {"begin", "end", "length", "order", "first", "last", "after", "before", "relation"},
        "overlap": {"begin", "end", "length", "together", "relation"},
        "counted": {"times", "sounds", "entry"} | ({"gap"} if scene.sharp else set()),
        "pulses": {"sounds", "entry"} | ({"gap"} if scene.sharp else set()),
        "glide": {"contour"},
        "halves": {"halves"},
        "level": {"swell"} | ({"loudest", "softest"} if scene.level != "steady" else set()),
        "beat": {"bpm", "pace", "accelerate"},
        "change": {"accelerate"},
        "loop": {"period"},
        "voices": {"voices"} | ({"range", "entrance"} if len(scene.voices) == 1 else set()),
        "speech": {"word", "following", "words"},
    }
    return by_kind[scene.kind]


# --------------------------------------------------------------------------------------------------------- options


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def _near(choice: str, true: Sequence[float], slack: float) -> bool:
    found = _numbers(choice)
    return len(found) == len(true) and all(abs(one - other) <= slack for one, other in zip(found, true, strict=True))


def _named(question: str, scene: Scene) -> list[tuple[str, float, float]]:
    """Events whose label a question has, in the order of its words."""
    asked = [event for event in scene.events if event[0] in question]
    return sorted(asked, key=lambda event: question.index(event[0]))


def _begin(choice: str, question: str, scene: Scene) -> bool:
    return _near(choice, [_named(question, scene)[0][1]], 0.25)


def _end(choice: str, question: str, scene: Scene) -> bool:
    return _near(choice, [_named(question, scene)[0][2]], 0.25)


def _length(choice: str, question: str, scene: Scene) -> bool:
    _, begin, end = _named(question, scene)[0]
    return _near(choice, [end - begin], 0.35)


def _times(choice: str, question: str, scene: Scene) -> bool:
    return COUNTS.index(choice) + 1 == len(_named(question, scene))


def _sounds(choice: str, question: str, scene: Scene) -> bool:
    return bool(scene.events) and int(choice) == len(scene.events)


def _order(choice: str, question: str, scene: Scene) -> bool:
    named = [label for label, *_ in scene.events if label in choice]
    places = [choice.index(label) for label in named]
    return len(named) == 3 and places == sorted(places)


def _first(choice: str, question: str, scene: Scene) -> bool:
    return choice == scene.events[0][0]


def _last(choice: str, question: str, scene: Scene) -> bool:
    return choice == scene.events[-1][0]


def _after(choice: str, question: str, scene: Scene) -> bool:
    return any(first[0] in question and second[0] == choice for first, second in pairwise(scene.events))


def _before(choice: str, question: str, scene: Scene) -> bool:
    return any(first[0] == choice and second[0] in question for first, second in pairwise(scene.events))


def _together(choice: str, question: str, scene: Scene) -> bool:
    one, other = _named(question, scene)[:2]
    return _near(choice, [max(one[1], other[1]), min(one[2], other[2])], 0.25)


def _relation(choice: str, question: str, scene: Scene) -> bool:
    (first, begin, end), (second, start, _) = sorted(_named(question, scene)[:2], key=lambda event: event[1])
    said = sorted((first, second), key=lambda label: choice.lower().index(label.lower()))
    if start > end:
        return said == [first, second] and ("is over before" in choice or "has ended by the time" in choice)
    into = "is still there when" in choice or "joins in while" in choice
    return begin < start and said == [first, second] and into


def _loudest(choice: str, question: str, scene: Scene) -> bool:
    levels = _weigh(scene)
    return levels[int(_numbers(choice)[0])] >= max(levels) - 0.3


def _softest(choice: str, question: str, scene: Scene) -> bool:
    levels = [max(level, INAUDIBLE) for level in _weigh(scene)][1:-1]
    return levels[int(_numbers(choice)[0]) - 1] <= min(levels) + 1.0


def _swell(choice: str, question: str, scene: Scene) -> bool:
    return scene.level in SWELLS and choice in SWELLS[scene.level]


def _gap(choice: str, question: str, scene: Scene) -> bool:
    longest = max((second[1] - first[2] for first, second in pairwise(scene.events)), default=0.0)
    return _near(choice, [longest], 0.3)


def _entry(choice: str, question: str, scene: Scene) -> bool:
    return bool(scene.events) and _near(choice, [scene.events[0][1]], 0.12)


def _bpm(choice: str, question: str, scene: Scene) -> bool:
    return scene.beats is not None and _near(choice, [scene.beats], 0.03 * scene.beats)


def _pace(choice: str, question: str, scene: Scene) -> bool:
    bounds = _numbers(choice)
    low, high = bounds if len(bounds) == 2 else (0, bounds[0]) if "below" in choice else (bounds[0], 999)
    return scene.beats is not None and low < scene.beats < high


def _accelerate(choice: str, question: str, scene: Scene) -> bool:
    ratio = scene.change
    if ratio is None:
        return False
    if ratio == 1.0:
        return "same" in choice
    size = "little" if max(ratio, 1 / ratio) < 1.4 else "lot"
    return ("faster" if ratio > 1 else "slower") in choice and size in choice


def _period(choice: str, question: str, scene: Scene) -> bool:
    return scene.period is not None and _near(choice, [scene.period], 0.02 * scene.period + 0.03)


def _contour(choice: str, question: str, scene: Scene) -> bool:
    semitones = scene.semitones
    if semitones is None:
        return False
    if not semitones:
        return "same" in choice or "where it began" in choice
    up = ("rises", "higher") if semitones > 0 else ("falls", "lower")
    size = ("little", "slightly") if abs(semitones) < 6 else ("lot", "far")
    return any(word in choice for word in up) and any(word in choice for word in size)


def _halves(choice: str, question: str, scene: Scene) -> bool:
    semitones = scene.halves or 0.0
    half = "second" if semitones > 0 else "first"
    return half in choice and _near(choice, [abs(semitones)], 0.6)


def _voices(choice: str, question: str, scene: Scene) -> bool:
    there = set(scene.voices)
    if scene.kind in TUNEFUL:
        there = {"music"}
    truths = {
        "Somebody speaks, without any music": {"speech"},
        "Music plays, and nobody speaks or sings": {"music"},
        "There is talking as well as music": {"speech", "music"},
    }
    return truths.get(choice) == there


def _range(choice: str, question: str, scene: Scene) -> bool:
    kind = "speech" if "speak" in question else "music"
    return kind in scene.voices and _near(choice, scene.voices[kind], 0.6)


def _entrance(choice: str, question: str, scene: Scene) -> bool:
    kind = "speech" if "speak" in question else "music"
    return kind in scene.voices and _near(choice, scene.voices[kind][:1], 0.5)


def _word(choice: str, question: str, scene: Scene) -> bool:
    if not (asked := re.search(r"between ([\d.]+) and ([\d.]+) seconds", question)):
        return choice in scene.words
    begin, end = map(float, asked.groups())
    return any(word == choice and begin - 0.3 < time < end + 0.3 for word, time in _time_words(scene))


def _time_words(scene: Scene) -> list[tuple[str, float]]:
    """The middle of each word, as if all letters took the same time."""
    begin, end = scene.voices["speech"]
    ends = np.cumsum([len(word) + 1 for word in scene.words])
    middles = ends - [(len(word) + 1) / 2 for word in scene.words]
    return list(zip(scene.words, begin + (end - begin) * middles / ends[-1], strict=True))


def _following(choice: str, question: str, scene: Scene) -> bool:
    [cue] = re.findall('"(.*?)"', question)
    return any(first == cue and second == choice for first, second in pairwise(scene.words))


def _words(choice: str, question: str, scene: Scene) -> bool:
    return _near(choice, [len(scene.words)], 0.2 * len(scene.words))


_TRUTHS: Mapping[str, Callable[[str, str, Scene], bool]] = {
    "begin": _begin, "end": _end, "length": _length, "times": _times, "order": _order, "first": _first, "last": _last,
    "after": _after, "before": _before, "together": _together, "relation": _relation, "loudest": _loudest,
    "softest": _softest, "swell": _swell, "sounds": _sounds, "gap": _gap, "entry": _entry, "bpm": _bpm, "pace": _pace,
    "accelerate": _accelerate, "period": _period, "contour": _contour, "halves": _halves, "voices": _voices,
    "range": _range, "entrance": _entrance, "word": _word, "following": _following, "words": _words,
}  # fmt: skip
"""Whether an option is true, by family."""

FAMILIES = tuple(_TRUTHS)


def _weigh(scene: Scene) -> list[float]:
    """K-weighted level of each whole second in dB, from its spectrum: BS.1770's coefficients for 48 kHz.

    Each second is weighed by itself, for what is loud would ring into the one before it.
    """
    pitches = np.fft.rfftfreq(RATE, 1 / RATE)
    shelf = ([1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585])
    high_pass = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
    gain = np.ones(len(pitches))
    for numerator, denominator in (shelf, high_pass):
        delay = np.exp(-2j * np.pi * pitches / 48_000)
        gain *= np.abs(np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay))
    seconds = scene.samples[: len(scene.samples) // RATE * RATE].reshape(-1, RATE)
    weighed = np.fft.irfft(np.fft.rfft(seconds) * gain, RATE)
    return [float(level) for level in 10 * np.log10(np.mean(weighed**2, axis=1) + 1e-12)]
