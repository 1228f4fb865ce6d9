"""Says why the rules ask nothing about a clip: the causes that hold for this clip alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.measurements import SOURCE, select_events


def describe_nothing(row: Mapping[str, Any]) -> str:
    """Why nothing can be asked of a clip (a row of ``records.CLIP``), in words."""
    return f"{_describe_captions(row)}; {_describe_measured(row)}"


def _describe_captions(row: Mapping[str, Any]) -> str:
    if not row["captions"]:
        return "the clip has no caption"
    labels = [str(event["label"]) for event in select_events(row["events"], SOURCE)]
    scene = listen(caption_texts(row["captions"]), labels)
    if scene.events and not scene.agreed():
        return "the captions do not agree on a sound"
    return "the captions name no sound that the rules know"


def _describe_measured(row: Mapping[str, Any]) -> str:
    if row["measurements"] or row["transcript"]:
        return "nothing measured is certain enough to ask about"
    if row["events"]:
        return "the known sounds allow no question about time or order"
    return 'the audio was not measured (describe = ["local"] under [caption] does that)'
