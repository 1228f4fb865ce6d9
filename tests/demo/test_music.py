"""Tunes are read from text."""

from __future__ import annotations

import pytest

from audiomcq_cli.demo.music import Note, count_beats, read_pitch, read_tune


@pytest.mark.parametrize(
    ("name", "pitch"), [("A4", 440.0), ("C4", 261.63), ("A3", 220.0), ("Bb3", 233.08), ("F#5", 739.99)]
)
def test_pitches(name: str, pitch: float) -> None:
    """Notes have the pitches of the equal temperament."""
    assert read_pitch(name) == pytest.approx(pitch, abs=0.01)


def test_tunes() -> None:
    """Notes follow each other; a chord sounds at once, and a rest takes its time."""
    assert list(read_tune("A4 -:0.5 A3+A4:2")) == [
        Note(0, 1, (440.0,)), Note(1, 0.5, ()), Note(1.5, 2, (220.0, 440.0)),
    ]  # fmt: skip
    assert count_beats("A4 -:0.5 A3+A4:2") == 3.5


@pytest.mark.parametrize("name", ["H4", "A", "a4", "A9", "Abb4"])
def test_wrong_notes_are_refused(name: str) -> None:
    """What is not a note is an error, not a silence."""
    with pytest.raises(ValueError, match="not a note"):
        read_pitch(name)
