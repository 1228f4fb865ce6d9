"""Tests of ``grounded/measured/labels.py``."""

from __future__ import annotations

import pytest

from audiomcq_cli.grounded.measured.labels import are_alike, read_label


@pytest.mark.parametrize(
    ("label", "phrase"),
    [
        ("a bell ringing", "a bell ringing"),
        ("Morse code beeping", "Morse code beeping"),
        ("footsteps on a hard floor", "footsteps on a hard floor"),
        ("A dog barks loudly.", "a dog barking loudly"),
        ("Birds chirp in the distance", "birds chirping in the distance"),
        ("A woman is speaking in a foreign language", "a woman speaking in a foreign language"),
        ("some waves", "some waves"),
    ],
)
def test_phrases(label: str, phrase: str) -> None:
    """A label stands as what is heard, out of the sentence that a source may write."""
    assert read_label(label) == phrase


@pytest.mark.parametrize(
    "label",
    ["Speech", "Dog_bark", "/m/0bt9lr", "dog", "Male speech, man speaking", "", "a {sound}", "a <b>bell</b>", "a " * 60,
     "a strange machine wheezes"],
)  # fmt: skip
def test_no_phrases(label: str) -> None:
    """Names of classes, markup and sentences that cannot be turned are no phrases."""
    assert read_label(label) == ""


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a bell ringing", "a bell ringing", True),
        ("a bell ringing", "a bell ringing twice", True),
        ("birds chirping", "a bird chirping", True),
        ("a bell ringing", "a phone ringing", False),
        ("a man speaking", "a woman speaking", False),
        ("a dog barking", "a dog growling", False),
    ],
)
def test_alike(one: str, other: str, alike: bool) -> None:
    """Labels are alike that may be of one sound."""
    assert are_alike(one, other) is are_alike(other, one) is alike
