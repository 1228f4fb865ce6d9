"""Tests of ``grounded/measured/voices.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.measured.voices import is_asked, sounds_alike
from tests.grounded.measured import BELL, FOREIGN, KNOWN, MAN, all_options, answers, draft, is_proved, make_row

SAID = "the quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize(
    ("voices", "said"),
    [
        ([("speech", 1, 4)], "Somebody speaks, without any music"),
        ([("music", 1, 4)], "Music plays, and nobody speaks or sings"),
        ([("music", 0, 9), ("speech", 3, 6)], "There is talking as well as music"),
        ([("singing", 1, 4), ("music", 0, 9)], "Somebody sings"),
    ],
)
def test_kinds(voices: list[tuple[str, float, float]], said: str) -> None:
    """What there is of speech, singing and music."""
    words = SAID if {"speech", "singing"} & {label for label, *_ in voices} else ()
    [one] = draft(make_row(voices=voices, words=words), "voices")
    assert one.answer == said
    assert is_proved(one)
    assert one.question_type == "speech"


@pytest.mark.parametrize(
    "row",
    [
        make_row(),
        make_row(voices=[("speech", 1, 1.4)], words=SAID),
        make_row(voices=[("speech", 1, 9), ("music", 3, 3.4)], words=SAID),
        make_row(voices=[("singing", 1, 4), ("speech", 5, 9)], words=SAID),
        make_row(voices=[("music", 1, 5)], captions=["A man speaks"]),
        make_row((MAN, 2.0, 5.0), voices=[("music", 1, 5)]),
        make_row((BELL, 2.0, 5.0), voices=[("music", 1, 5)]),
        make_row(voices=[("music", 1, 5)], words=SAID),
        make_row(voices=[("speech", 1, 5)]),
        make_row(voices=[("speech", 1, 5)], words="yay yay yay yay"),
        make_row(voices=[("music", 1, 3)]),
        make_row(voices=[("music", 1, 9)], pitch_change="steady 0"),
        make_row(voices=[("music", 1, 9)], sounds=[(1, 2), (3, 5), (6, 9)]),
    ],
    ids=["unknown", "a moment", "a moment of music", "both voices", "caption", "event", "no music", "words", "no words",
         "one word", "short", "one tone", "single sounds"],
)  # fmt: skip
def test_no_kinds(row: Row) -> None:
    """Nothing is asked where little was found, or something else says that there is more."""
    assert answers(row, "voices") == []


def test_range_and_entrance() -> None:
    """From when to when somebody speaks, where that is one stretch; when it begins, where there are several."""
    one = make_row(voices=[("speech", 3.25, 7.51)], words=SAID)
    assert [re.findall(r"[\d.]+", answer) for answer in answers(one, "range")] == [["3.2", "7.5"]]
    several = make_row(voices=[("speech", 3.25, 7.51), ("speech", 9, 12)], words=SAID)
    assert answers(several, "range") == []
    assert [answer[:3] for answer in answers(several, "entrance")] == ["3.2"]


@pytest.mark.parametrize(
    "row",
    [
        make_row(voices=[("speech", 0.2, 7.5)], words=SAID),
        make_row((MAN, 8.1, 12.0), voices=[("speech", 3.2, 7.5)], words=SAID),
        make_row(voices=[("music", 3.2, 7.5)], captions=["A woman sings"]),
        make_row(voices=[("speech", 3.2, 3.9)], words=SAID),
        make_row(voices=[("speech", 3.2, 7.5)]),
    ],
    ids=["edge", "elsewhere", "doubted", "a moment", "no words"],
)
def test_no_range(row: Row) -> None:
    """No time is asked at the clip's edge, or where the source has it elsewhere."""
    assert answers(row, "range") == answers(row, "entrance") == []


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
    row = make_row(words=[("fox", 0.95), ("sailor", 0.7), ("the", 0.4), ("winter", 0.95)])
    assert {one.answer for one in draft(row, "word")} == {"fox", "winter"}
    assert draft(row, "words")


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
