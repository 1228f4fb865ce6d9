"""Tests of ``grounded/measured/words.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.measured.words import is_asked, sounds_alike
from tests.grounded.measured import FOREIGN, KNOWN, all_options, draft, is_proved, make_row

SAID = "the quick brown fox jumps over the lazy dog"


def test_word() -> None:
    """A word of some weight that is said, among words that others say and nobody says here."""
    drafts = draft(make_row(words=SAID), "word")
    assert {one.answer for one in drafts} == {"quick", "brown", "fox", "jumps", "lazy", "dog"}
    for one in drafts:
        assert set(one.draw_wrong()) < set(KNOWN["word"])
        assert is_proved(one)
        assert one.question_type == "speech"


def test_no_word_that_may_be_said() -> None:
    """A word that sounds like one that is said is no wrong option; with too few others nothing is asked."""
    known = {"word": dict.fromkeys(("box", "browns", "window", "garden", "doc", "jumped"), 2)}
    assert draft(make_row(words=SAID), "word", known=known) == []
    assert draft(make_row(words=SAID), "word", known={}) == []


def test_following() -> None:
    """The word behind another one that is said once, among words of the clip."""
    drafts = draft(make_row(words=SAID), "following")
    assert {one.answer for one in drafts} == {"brown", "fox", "jumps", "dog"}
    for one in drafts:
        assert set(all_options(one)) < {*SAID.split()}
        assert not {*FOREIGN} & {*all_options(one)}


def test_only_the_clearest_words_are_asked() -> None:
    """A word that is clear enough to be counted may not be clear enough to be asked about."""
    row = make_row(words=[("fox", 0.95), ("sailor", 0.7), ("the", 0.7), ("winter", 0.95)])
    assert {one.answer for one in draft(row, "word")} == {"fox", "winter"}
    assert draft(row, "words")


def test_a_doubtful_small_word_is_not_counted() -> None:
    """Where a small word may be part of another one the words are not counted, while those that are clear are asked."""
    row = make_row(words=[("fox", 0.95), ("mount", 0.75), ("in", 0.92), ("the", 0.53), ("winter", 0.95)])
    assert draft(row, "word")
    assert not draft(row, "words")


def test_words_are_counted() -> None:
    """How many words are said; options are three tenths apart."""
    [one] = draft(make_row(words=SAID), "words")
    key, *wrong = (int(re.findall(r"\d+", option)[0]) for option in all_options(one))
    assert key == 9
    assert all(abs(other - 9) >= 2.7 for other in wrong)


@pytest.mark.parametrize(
    "row",
    [
        make_row(words=[("hello", 0.95), ("sailor", 0.5), ("winter", 0.95)]),
        make_row(words=[("hello", 0.95), ("the", 0.2), ("sailor", 0.95)]),
        make_row(words="hello sailor again", voices=[("speech", 1.0, 9.0)]),
        make_row(words="hello ... sailor"),
        make_row(),
    ],
    ids=["unclear", "a small one", "more is spoken", "no word", "nothing"],
)
def test_words_not_clearly_heard(row: Row) -> None:
    """Where a word was not clearly heard, or more is spoken than understood, no word is asked about."""
    assert not {one.form for one in draft(row)} & {"word", "words", "following"}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("eight", "late", False), ("five", "nine", False), ("box", "fox", True), ("jumps", "jumped", True),
     ("brown", "crown", True), ("table", "cable", True), ("window", "garden", False), ("ladder", "letter", True),
     ("wind", "window", True), ("seven", "orange", False)],
)  # fmt: skip
def test_sounds_alike(one: str, other: str, alike: bool) -> None:
    """Words are alike that share all but a letter, their beginning, or their consonants."""
    assert sounds_alike(one, other) is sounds_alike(other, one) is alike


def test_small_words() -> None:
    """Small words, numbers in digits and fragments are not asked about."""
    assert [word for word in ("the", "at", "7", "fox", "don't", "seven") if is_asked(word)] == ["fox", "seven"]
