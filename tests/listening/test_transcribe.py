"""Tests of ``listening/transcribe.py`` that need no weights."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.listening.transcribe import measure_rate

SPANS = [(0.5, 3.5)]


def make_words(texts: Sequence[str]) -> list[Row]:
    return [
        {"text": text, "onset": 0.5 + number / 2, "offset": 0.9 + number / 2, "confidence": 0.95}
        for number, text in enumerate(texts)
    ]


def test_speech_rate() -> None:
    """Words a minute of the time in which somebody speaks."""
    rate = measure_rate(make_words(("we", "walked", "home", "in", "the", "rain")), SPANS)
    assert rate
    assert rate["value"] == pytest.approx(120.0)


def test_no_speech_rate_of_digits() -> None:
    """What is written in digits is any number of words, so it is not told how fast they are spoken."""
    assert measure_rate(make_words(("we", "walked", "home", "in", "1984,", "twice")), SPANS) is None
