"""Says why the rules made fewer questions about a clip than wanted: the causes that hold for this clip alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiomcq_cli.grounded.drafts import COMMON, FEW_OPTIONS, REPEATED, UNFIT, Chosen
from audiomcq_cli.grounded.hearing import Scene

_PASSED_OVER = {
    FEW_OPTIONS: "wrong options are missing for {}, because too few other clips have sounds or words to take them from",
    COMMON: "the answer of {} is too common in this corpus",
    UNFIT: "{} would break a rule, as an answer that stands in its question",
    REPEATED: "{} would ask about the same thing again",
}
"""What happened to drafts that were not taken, by cause; in the order in which people read them."""


def describe_shortfall(row: Mapping[str, Any], scene: Scene, chosen: Chosen) -> str:
    """Why there are no more questions about a clip (a row of ``records.CLIP``), in words."""
    if chosen.questions or chosen.passed_over:
        causes = list(_describe_passed_over(chosen)) or ["nothing else is known that a rule asks about"]
    else:
        causes = [_describe_captions(row, scene), _describe_measured(row)]
    return "; ".join(causes)


def _describe_passed_over(chosen: Chosen) -> Iterator[str]:
    for cause, text in _PASSED_OVER.items():
        if count := chosen.passed_over.get(cause, 0):
            yield text.format(f"{count} possible question{'s'[: count > 1]}")


def _describe_captions(row: Mapping[str, Any], scene: Scene) -> str:
    if not row["captions"]:
        return "the clip has no caption"
    if scene.events and not scene.agreed():
        return "the captions do not agree on a sound"
    return "the captions name no sound that the rules know"


def _describe_measured(row: Mapping[str, Any]) -> str:
    if row["measurements"] or row["transcript"]:
        return "nothing measured is certain enough to ask about"
    if row["events"]:
        return "the known sounds allow no question about time or order"
    return 'the audio was not measured (describe = ["local"] under [caption] does that)'
