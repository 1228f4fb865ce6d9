"""Clips of which everything is known, and what the families make of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.drafts import Draft
from audiomcq_cli.grounded.measured.proof import find_fault
from audiomcq_cli.grounded.measured.questions import draft_measured
from audiomcq_cli.measurements import MEASURED, MEASUREMENTS, SEGMENTED, SILENCE, SOUND, SOURCE

BELL, DOG, MAN, RAIN = "a bell ringing", "a dog barking", "a man speaking", "rain falling"
FOREIGN = ("water dripping", "a cow mooing", "a train moving")
KNOWN = {"word": dict.fromkeys(("table", "window", "garden", "yellow", "house", "mountain"), 2)}

Times = tuple[str, float, float]


def make_row(
    *events: tuple[str, float | None, float | None],
    sounds: Sequence[tuple[float, float]] = (),
    voices: Iterable[Times] = (),
    words: str | Iterable[tuple[str, float]] = (),
    captions: Iterable[str] = (),
    duration: float | None = 20.0,
    flags: Sequence[str] = (),
    clip: str = "Small:1",
    **values: float | str | Sequence[float],
) -> Row:
    """A row of clips.

    Args:
        events: Label, onset and offset, of the source. sounds: When there is energy; silence lies between.
        voices: Label, onset and offset of speech, singing and music. words: Said one after another from 1 s on, or each
            with its confidence. values: Measurements: a value, several, or a text such as ``rising 4.2``.
    """
    spans = [(label, on, off, SOURCE) for label, on, off in events]
    spans += [(SOUND, on, off, MEASURED) for on, off in sounds]
    edges = [0.0, *(time for span in sounds for time in span), duration or 0.0] if sounds else []
    spans += [(SILENCE, on, off, MEASURED) for on, off in zip(edges[::2], edges[1::2], strict=True) if off - on > 0.01]
    spans += [(label, on, off, SEGMENTED) for label, on, off in voices]
    said = [(word, 0.95) for word in words.split()] if isinstance(words, str) else list(words)
    return {
        "clip_id": clip,
        "audio_sha256": None,
        "captions": [{"text": text, "origin": "Small"} for text in captions],
        "events": [{"label": label, "onset": on, "offset": off, "origin": origin} for label, on, off, origin in spans],
        "transcript": [
            {"text": word, "onset": 1 + 0.4 * n, "offset": 1.35 + 0.4 * n, "confidence": confidence}
            for n, (word, confidence) in enumerate(said)
        ],
        "measurements": [entry for name, value in values.items() for entry in _measure(name, value)],
        "duration": duration,
        "flags": list(flags),
    }


def draft(row: Row, family: str = "", *, known: Mapping[str, Mapping[str, int]] = KNOWN, seed: int = 0) -> list[Draft]:
    """The drafts about a row that have wrong options, of one family or of all."""

    def pick(label: str, count: int, form: str) -> Sequence[str]:
        return FOREIGN[:count]

    drafts = draft_measured(row, known, pick, seed)
    return [one for one in drafts if family in ("", one.form) and len(one.draw_wrong()) == 3]


def answers(row: Row, family: str, *, seed: int = 0) -> list[str]:
    """What a family has as answers about a row."""
    return [one.answer for one in draft(row, family, seed=seed)]


def all_options(one: Draft) -> list[str]:
    """The answer and the wrong options."""
    return [one.answer, *one.draw_wrong()]


def is_proved(one: Draft) -> bool:
    """Whether the check of proofs finds nothing wrong with a draft."""
    return not find_fault(all_options(one), one.answer, one.proof)


def _measure(name: str, value: float | str | Sequence[float]) -> Iterable[dict[str, Any]]:
    text = ""
    if isinstance(value, str):
        text, _, number = value.partition(" ")
        value = float(number)
    for one in [value] if isinstance(value, (int, float)) else value:
        yield {"name": name, "value": one, "text": text, "unit": MEASUREMENTS[name].unit, "confidence": 0.9}
