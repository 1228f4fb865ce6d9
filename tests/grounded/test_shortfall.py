"""What is said of a clip about which nothing can be asked."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli.grounded.shortfall import describe_nothing
from tests.grounded import make_clip

NAMELESS = "the captions name no sound that the rules know"
UNMEASURED = 'the audio was not measured (describe = ["local"] under [caption] does that)'
HM = {"text": "hm", "onset": 0.0, "offset": 0.1, "confidence": 0.1}
APART = ("A dog barks", "A cat meows", "Rain falls")


@pytest.mark.parametrize(
    ("clip", "cause"),
    [
        (make_clip("Odd noises"), f"{NAMELESS}; {UNMEASURED}"),
        (make_clip(), f"the clip has no caption; {UNMEASURED}"),
        (make_clip(*APART), f"the captions do not agree on a sound; {UNMEASURED}"),
        (make_clip(transcript=[HM]), "the clip has no caption; nothing measured is certain enough to ask about"),
    ],
)
def test_cause_is_that_of_the_clip(clip: Any, cause: str) -> None:
    """Only what holds for this clip is said."""
    assert describe_nothing(clip) == cause
