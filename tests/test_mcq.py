"""Tests of ``mcq.py``."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.mcq import (
    LINTS,
    caption_texts,
    fold,
    format_options,
    heard_texts,
    letter,
    lint,
    mentions_text,
    shuffle_choices,
)

CHOICES = ["Dog barking", "Heavy rain", "A man's laugh", "Rain"]
GOOD = ("What moves while it pours?", ["A window", "A door", "A gate", "A chair"], "A door")

words = st.from_regex(r"[a-z]{2,8}", fullmatch=True).filter(
    lambda word: word not in {"answer", "option", "choice", "yes", "no", "not", "none"}
)
texts = st.lists(words, min_size=1, max_size=4).map(" ".join)
four = st.lists(texts, min_size=4, max_size=4, unique=True)


def codes(question: str, choices: list[str], answer: str) -> list[str]:
    return [problem.code for problem in lint(question, choices, answer)]


def test_answers_spread_evenly() -> None:
    """Over 4,000 ids the answer takes each of four positions about a quarter of the time."""
    positions = Counter(shuffle_choices(f"Clotho:{n}:llm:0", "a", ["b", "c", "d"], 0)[1] for n in range(4000))
    assert sorted(positions) == [0, 1, 2, 3]
    assert all(900 < count < 1100 for count in positions.values())


def test_every_order_occurs() -> None:
    """All 24 orders of four options come up, so no distractor has a place of its own."""
    orders = {tuple(shuffle_choices(str(n), "a", ["b", "c", "d"], 0)[0]) for n in range(1000)}
    assert len(orders) == 24


@given(st.text(), texts, st.lists(texts, min_size=3, max_size=3), st.integers())
def test_shuffle_is_a_permutation(row_id: str, answer: str, distractors: list[str], seed: int) -> None:
    """The choices are the texts given, the index names the answer, and the same row gets the same order again."""
    choices, index = shuffle_choices(row_id, answer, distractors, seed)
    assert sorted(choices) == sorted([answer, *distractors])
    assert choices[index] == answer
    assert shuffle_choices(row_id, answer, distractors, seed) == (choices, index)


def test_seed_changes_the_order() -> None:
    """Another seed gives other orders."""
    first, second = ([shuffle_choices(str(n), "a", ["b", "c", "d"], seed)[1] for n in range(50)] for seed in (0, 1))
    assert first != second


def test_options_look_like_a_python_list() -> None:
    """Options are shown as Python prints a list of strings."""
    assert format_options(("Rain", "A man's laugh")) == "['Rain', \"A man's laugh\"]"


def test_letters() -> None:
    """Options are lettered from A."""
    assert [letter(index) for index in range(4)] == ["A", "B", "C", "D"]


def test_captions_come_once_and_on_one_line() -> None:
    """Captions are brought to one line each; equal and empty ones are left out."""
    captions = [{"text": text, "origin": "x"} for text in ("A dog\n barks", "  ", "A dog barks", "Rain")]
    assert caption_texts(captions) == ["A dog barks", "Rain"]


@given(st.text("aB1 .,'\"()*`\u201c#-+"))
def test_fold_is_stable(text: str) -> None:
    """Folding a folded text changes nothing more."""
    assert fold(fold(text)) == fold(text)


def test_good_question_passes() -> None:
    """Nothing is wrong with a good question."""
    assert lint(*GOOD) == []


@pytest.mark.parametrize(
    ("code", "question", "choices", "answer"),
    [
        ("question_empty", " ?", GOOD[1], "A door"),
        ("question_too_long", "What " * 80 + "?", GOOD[1], "A door"),
        ("has_markup", "What <b>moves</b>?", GOOD[1], "A door"),
        ("has_markup", "What moves?", ["A window", "A door</answer>", "A gate", "A chair"], "A gate"),
        ("choices_not_four", "What moves?", ["A window", "A door", "A gate"], "A door"),
        ("choices_not_four", "What moves?", [*GOOD[1], "A bed"], "A door"),
        ("choice_empty", "What moves?", ["A window", "A door", "-", "A chair"], "A door"),
        ("choice_too_long", "What moves?", ["A window " * 30, "A door", "A gate", "A chair"], "A door"),
        ("answer_not_among_choices", "What moves?", GOOD[1], "A bed"),
        ("choices_not_distinct", "What moves?", ["A window", "A door", "a  Door.", "A chair"], "A window"),
        (
            "choices_same_words",
            "What order?",
            ["dog then cat", "cat then dog", "one of each", "only dogs"],
            "only dogs",
        ),
        ("choices_same_words", "When?", ["1.2 s", "2.1 s", "3.4 s", "7.8 s"], "3.4 s"),
        ("mentions_text", "What does the caption say moves?", GOOD[1], "A door"),
        ("mentions_text", "What moves?", ["A window", "As described", "A gate", "A chair"], "A gate"),
        ("answer_in_question", "Why is a door heard?", GOOD[1], "A door"),
        ("none_or_all", "What moves?", ["A window", "A door", "A gate", "None of the above"], "A door"),
        ("none_or_all", "What moves?", ["A window", "A door", "A gate", "All of these."], "A door"),
        ("none_or_all", "What moves?", ["A window", "A door", "A gate", "It cannot be determined"], "A door"),
        ("yes_no", "Does a door move?", ["Yes", "No", "Twice", "Once"], "Yes"),
        ("yes_no", "Does it?", ["Yes, once", "No, never", "Yes, twice", "A bit"], "A bit"),
        (
            "answer_longest",
            "What moves?",
            ["A bin", "A very old wooden door", "A gate", "A jar"],
            "A very old wooden door",
        ),
    ],
)
def test_lints(code: str, question: str, choices: list[str], answer: str) -> None:
    """Each lint finds what it is for."""
    assert code in codes(question, choices, answer)


def test_every_lint_is_tested() -> None:
    """The cases above name every lint."""
    [mark] = [mark for mark in test_lints.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {case[0] for case in mark.args[1]} == set(LINTS)


def test_question_that_names_all_its_options() -> None:
    """A question that names a distractor as well leaks nothing."""
    assert codes("Is it a door or a gate that moves?", GOOD[1], "A door") == []


def test_both_is_fair_where_it_means_something() -> None:
    """Words of an option that only look like 'all of the above' pass."""
    assert (
        codes(
            "Who claps?", ["Both hands at once", "None but a child", "All the crowd", "Any passer-by"], "All the crowd"
        )
        == []
    )


@pytest.mark.parametrize(
    "text",
    [
        "What does the caption mention?",
        "Which sound is in the description?",
        "According to the text, who speaks?",
        "Which animal is described?",
        "Based on the audio description, what falls?",
        "As described, a dog barks.",
        "The transcript says so.",
        "From the provided information, rain falls.",
        "The metadata names a dog.",
        "It matches the ground truth.",
    ],
)
def test_mentions(text: str) -> None:
    """Mentions of what a listener does not have are found."""
    assert mentions_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "What follows the text message tone?",
        "Which alert resembles the text notification?",
        "Which description best fits the music?",
        "Which of these best describes the voice?",
        "According to the speaker, what comes next?",
        "How could this voice be described?",
        "Which place is described by the speaker?",
        "Which texture does the passage have?",
        "Who is texting while talking?",
        "Which notes does the bell play?",
    ],
)
def test_fair_words(text: str) -> None:
    """Words that only look like a mention are let through."""
    assert not mentions_text(text)


def test_captions_of_a_part_say_which() -> None:
    """A writer reads which part of the clip a caption is about; the plain texts do not say."""
    captions = [
        {"text": " A dog  barks", "origin": "Clotho"},
        {"text": "Rain", "origin": "ears (0 s to 15.5 s)"},
        {"text": "Rain", "origin": "ears (15.5 s to 31 s)"},
        {"text": "A dog barks", "origin": "ears"},
    ]
    assert heard_texts(captions) == ["A dog barks", "(0 s to 15.5 s) Rain", "(15.5 s to 31 s) Rain"]
    assert caption_texts(captions) == ["A dog barks", "Rain"]
