"""What is said of a clip that gave fewer questions than wanted."""

from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli.grounded.knowledge import build_table, load_table
from audiomcq_cli.grounded.questions import write_questions
from tests.grounded import make_clip, small

NAMELESS = "the captions name no sound that the rules know"
UNMEASURED = 'the audio was not measured (describe = ["local"] under [caption] does that)'
HM = {"text": "hm", "onset": 0.0, "offset": 0.1, "confidence": 0.1}
APART = ("A dog barks", "A cat meows", "Rain falls")


@pytest.mark.parametrize(
    ("clip", "count", "shortfall"),
    [
        (make_clip("Odd noises"), 1, f"{NAMELESS}; {UNMEASURED}"),
        (make_clip(), 1, f"the clip has no caption; {UNMEASURED}"),
        (make_clip(*APART), 1, f"the captions do not agree on a sound; {UNMEASURED}"),
        (make_clip(transcript=[HM]), 1, "the clip has no caption; nothing measured is certain enough to ask about"),
        (make_clip("A door closes"), 2, "nothing else is known that a rule asks about"),
        (make_clip("A dog barks"), 1, ""),
    ],
)
def test_cause_is_that_of_the_clip(clip: Any, count: int, shortfall: str) -> None:
    """Only what holds for this clip is said, and nothing where all questions were made."""
    assert write_questions(clip, small(), count, 0).shortfall == shortfall


def test_lone_clip_lacks_wrong_options() -> None:
    """In a corpus of one clip no other clip has sounds that could be wrong options."""
    clip = make_clip("A dog barks")
    alone = load_table(build_table([clip]))
    assert "wrong options are missing for 2 possible questions" in write_questions(clip, alone, 1, 0).shortfall


def test_same_subject_is_not_asked_twice() -> None:
    """Drafts about something that was asked about already are counted."""
    written = write_questions(make_clip("A dog barks while rain falls"), small(), 9, 0)
    assert written.questions
    assert "would ask about the same thing again" in written.shortfall
