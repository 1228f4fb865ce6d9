"""Tests of ``grounded/measured/families/words.py``: the answer where it is known, nothing where it is not."""

from __future__ import annotations

import re

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.measured.families.words import is_asked, sounds_alike
from audiomcq_cli.grounded.measured.proof import find_fault
from tests.grounded.measured import FOREIGN, KNOWN, all_options, draft, is_proved, make_row

PART = ("blanket", "ladder", "sunday", "oranges")
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
    row = make_row(words=[("fox", 0.95), ("sailor", 0.7), ("the", 0.85), ("winter", 0.95)])
    assert {one.answer for one in draft(row, "word")} == {"fox", "winter"}
    assert draft(row, "words")


@pytest.mark.parametrize("doubtful", [("mount", 0.55), ("in", 0.45)], ids=["a word", "a small word"])
def test_part_that_is_clear(doubtful: tuple[str, float]) -> None:
    """Where a word is doubtful the others are asked about with their times, but for its neighbours."""
    words = [("fox", 0.95), doubtful, *((word, 0.95) for word in PART)]
    drafts = draft(make_row(words=words), "word")
    assert {one.answer for one in drafts} == {"ladder", "sunday", "oranges"}
    for one in drafts:
        assert one.question.endswith(" between 2.2 and 3.4 seconds?")
        assert is_proved(one)
        assert not {*one.draw_wrong()} & {*PART}
    assert not draft(make_row(words=words[:-1]), "word")  # too few are left


def test_word_outside_the_part_is_no_key() -> None:
    """The times of a proof are part of it: a word that is said before them is not the answer."""
    words = [("fox", 0.95), ("mount", 0.55), *((word, 0.95) for word in PART)]
    facts = [fact for fact in draft(make_row(words=words), "word")[0].proof if fact["name"] != "asked"]
    asked = {"name": "asked", "value": None, "text": "blanket", "unit": "", "tolerance": 0.0}
    assert find_fault(["blanket", "table", "house", "garden"], "blanket", [*facts, asked])


def test_following_beside_a_doubtful_word() -> None:
    """What follows what is asked where both are clear, whatever is doubtful elsewhere; words from there are options."""
    words = [(word, 0.95) for word in PART] + [("doctor", 0.3), ("winter", 0.7)]
    drafts = draft(make_row(words=words), "following")
    assert {one.answer for one in drafts} == {"ladder", "sunday", "oranges"}
    assert all(is_proved(one) for one in drafts)
    assert {option for one in drafts for option in one.draw_wrong()} == {*PART, "winter"}
    again = draft(make_row(words=[*words, ("blankets", 0.4)]), "following")
    assert {one.answer for one in again} == {"sunday", "oranges"}


def test_a_doubtful_small_word_is_not_counted() -> None:
    """Where words may be part of another one they are not counted, while those that are clear are asked."""
    row = make_row(words=[("fox", 0.95), ("mount", 0.65), ("in", 0.52), ("the", 0.53), ("winter", 0.95)])
    assert draft(row, "word")
    assert not draft(row, "words")


@pytest.mark.parametrize(("least", "mean", "counted"), [(0.35, 0.9, True), (0.25, 0.9, False), (0.35, 0.8, False)])
def test_words_are_counted_though_one_is_doubtful(least: float, mean: float, *, counted: bool) -> None:
    """A slip is within the tolerance of their number, as long as it is the only one."""
    text = "the captain found seven oranges near the river on sunday"
    words = [(word, mean) for word in text.split()]
    assert bool(draft(make_row(words=[*words, ("midnight", least)]), "words")) is counted


@pytest.mark.parametrize("written", ["1984", "7", "$50", "well-known", "Dr."])
def test_words_not_written_as_they_are_said(written: str) -> None:
    """What stands for words that are not spelt out may be any of them: "seven" is no wrong option where "7" is said."""
    words = [(word, 0.95) for word in ("fox", written, *PART)]
    drafts = draft(make_row(words=words), "word")
    assert {one.answer for one in drafts} == {"ladder", "sunday", "oranges"}
    assert all(" between 2.2 and 3.4 seconds" in one.question for one in drafts)
    if not written.startswith("D"):
        assert not draft(make_row(words=words), "words")


@pytest.mark.parametrize("part", ["-known", "'clock"])
def test_parts_of_words_are_not_counted(part: str) -> None:
    """What a recogniser cuts off a word is no further one."""
    row = make_row(words=f"fox well {part} ladder")
    assert draft(row, "word")
    assert not draft(row, "words")


def test_cue_that_may_be_said_twice() -> None:
    """A word is no cue where it may be part of what is written otherwise: in digits, or behind a hyphen."""
    assert not draft(make_row(words="blanket seven sunday oranges winter 7"), "following")
    drafts = draft(make_row(words="blanket ladder sunday oranges winter well-oranges"), "following")
    assert {one.answer for one in drafts} == {"ladder", "sunday"}


def test_stretch_begins_with_its_first_word() -> None:
    """The times of a stretch include its first word however its onset is rounded."""
    row = make_row(words=[("mount", 0.2), *((word, 0.95) for word in ("fox", *PART))])
    for word in row["transcript"]:
        word["onset"] += 0.2549
        word["offset"] += 0.2549
    assert {one.answer for one in draft(row, "word")} == {*PART}
    row["transcript"][2]["onset"] = 2.0549
    assert {one.answer for one in draft(row, "word")} == {*PART}


@pytest.mark.parametrize("name", ["text", "onset", "offset", "confidence"])
def test_words_of_which_something_is_missing(name: str) -> None:
    """A row that lost part of a word, which no stage writes, asks about none of them and raises nothing."""
    row = make_row(words=SAID)
    row["transcript"][1][name] = None
    assert not {one.form for one in draft(row)} & {"word", "words", "following"}


def test_words_are_counted() -> None:
    """About how many words are said; options are three tolerances of a fifth apart."""
    [one] = draft(make_row(words=SAID), "words")
    key, *wrong = (int(re.findall(r"\d+", option)[0]) for option in all_options(one))
    assert key == 9
    assert all(abs(other - 9) >= 5.4 for other in wrong)


@pytest.mark.parametrize(
    "row",
    [
        make_row(words=[("hello", 0.95), ("sailor", 0.5), ("winter", 0.95)]),
        make_row(words=[("hello", 0.95), ("the", 0.2), ("sailor", 0.95)]),
        make_row(words="hello sailor again", voices=[("speech", 1.0, 9.0)]),
        make_row(words="hello ... sailor"),
        make_row(words=SAID, voices=[("speech", 1.0, 5.0), ("music", 3.0, 20.0)]),
        make_row(),
    ],
    ids=["unclear", "a small one", "more is spoken", "no word", "over music", "nothing"],
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
