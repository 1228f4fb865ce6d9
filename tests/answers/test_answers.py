"""Rules by which an answer is found in a reply, beside the many shapes of ``test_shapes.py``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.answers import drop_thinking, has_closed_answer, parse_answer
from audiomcq_cli.mcq import letter

CHOICES = ["Dog barking", "Heavy rain", "A man's laugh", "Rain"]

words = st.from_regex(r"[a-z]{2,8}", fullmatch=True).filter(
    lambda word: word not in {"answer", "option", "choice", "yes", "no", "not", "none"}
)
four = st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=4, max_size=4, unique=True)


@pytest.mark.parametrize(
    "text",
    [
        "Heavy rain",
        "<answer>Heavy rain</answer>",
        "<answer> heavy   RAIN. </answer>",
        "<answer>\nHeavy rain\n</answer>",
        "<ANSWER>Heavy rain</ANSWER>",
        "<answer>Heavy rain",
        '<answer>"Heavy rain"</answer>',
        "<answer>['Heavy rain']</answer>",
        "<answer>\u201cHeavy rain\u201d</answer>",
        "<answer>**Heavy rain**</answer>",
        "<answer>B</answer>",
        "<answer>b</answer>",
        "(b)",
        "[B]",
        "B.",
        "B)",
        "**B**",
        "Option B",
        "option (b).",
        "Answer: B",
        "The correct answer is B.",
        "So the answer is: (B) Heavy rain",
        "B: Heavy rain",
        "B. heavy rain",
        "B - Heavy rain",
        "(B) It is heavy rain.",
        "The answer is Heavy rain",
        "I hear heavy rain on a roof.",
        "That is not a dog barking but heavy rain.",
        "<answer>Rain</answer> No, wait: <answer>Heavy rain</answer>",
        "It could be A, or dog barking. <answer>B</answer>",
        "<think>Dog barking? Rain?</think> Heavy rain",
        "- Heavy rain",
    ],
)
def test_understood(text: str) -> None:
    """Common forms of naming the second option are understood."""
    assert parse_answer(text, CHOICES) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<answer></answer>",
        "<answer> </answer> Heavy rain",
        "I cannot tell.",
        "E",
        "A: Heavy rain",
        "A and B",
        "A, B",
        "Dog barking and heavy rain",
        "['Dog barking', 'Heavy rain', \"A man's laugh\", 'Rain']",
        "barking dog",
        "heavy",
        "heavy rainfall",
        "It is not heavy rain",
        "Neither heavy rain nor a dog barking",
        "<think>It sounds like heavy rain",
        "B: I cannot say",
        "a man",
        "2",
    ],
)
def test_not_understood(text: str) -> None:
    """What names no option, two, or one in other words or another order is not an answer."""
    assert parse_answer(text, CHOICES) is None


def test_longest_option_wins() -> None:
    """An option inside a longer one that is there does not count, and counts on its own."""
    assert parse_answer("it is heavy rain", CHOICES) == 1
    assert parse_answer("it is rain", CHOICES) == 3
    assert parse_answer("rain, and heavy rain", CHOICES) is None


@pytest.mark.parametrize("text", ["about 15 s", "about 2.5 s", "about -5 s", "0:5 s", "25 s"])
def test_numbers_are_whole(text: str) -> None:
    """A number is not found inside another one."""
    assert parse_answer(text, ["5 s", "7 s", "9 s", "11 s"]) is None
    assert parse_answer("about 5 s", ["5 s", "7 s", "9 s", "11 s"]) == 0


def test_counts() -> None:
    """A single digit is an option like any other, alone, after its letter and inside a sentence."""
    counts = ["2", "4", "5", "3"]
    for text in ("4", "(B) 4", "B. 4", "It barks 4 times.", "The answer is 4"):
        assert parse_answer(text, counts) == 1
    assert parse_answer("(A) 4", counts) is None
    assert parse_answer("Option 4", counts) is None  # the fourth, or the one that reads "4"
    assert parse_answer("Option 2", ["1", "2", "3", "4"]) == 1  # both


def test_sharps_are_kept_apart() -> None:
    """C and C# are different answers, and F# is not F."""
    notes = ["C minor", "C# minor", "F", "F#"]
    assert [parse_answer(text, notes) for text in ("C# minor", "it is C minor", "the note F#", "F#")] == [1, 0, 3, 3]


def test_letter_that_is_another_option() -> None:
    """Where options are letters themselves, a letter that means two of them is not an answer."""
    notes = ["B", "A", "C", "G"]
    assert parse_answer("B", notes) is None
    assert parse_answer("C", notes) == 2
    assert parse_answer("G", notes) == 3


def test_option_that_begins_with_a_letter() -> None:
    """An option's own initial is not taken for the letter of another."""
    assert parse_answer("B. Smetana", ["A. Dvorak", "J. Brahms", "B. Smetana", "C. Nielsen"]) == 2
    assert parse_answer("a dog barking", CHOICES) == 0


def test_options_that_fold_to_the_same() -> None:
    """An answer that two equal options fit is not an answer."""
    assert parse_answer("rain", ["Rain", "rain.", "Wind", "Hail"]) is None


@given(four, st.data())
def test_round_trip(choices: list[str], data: st.DataObject) -> None:
    """Every option is understood in the tag, by its letter, and by its letter and text."""
    index = data.draw(st.integers(0, 3))
    for text in (choices[index], choices[index].upper() + ".", letter(index), f"({letter(index)}) {choices[index]}"):
        assert parse_answer(f"I think so. <answer>{text}</answer>", choices) == index


@given(
    four,
    st.integers(0, 3),
    st.sampled_from(["It is not {}.", "Is it {}?", "If it is {}, it is loud.", "Less like {}."]),
)
def test_what_is_denied_or_asked_is_no_answer(choices: list[str], index: int, frame: str) -> None:
    """No option is taken out of a sentence that denies it, asks about it, or makes it a condition."""
    assert parse_answer(frame.format(choices[index]), choices) is None


@given(four, st.integers(0, 3), st.integers(0, 3))
def test_a_stated_letter_wins(choices: list[str], stated: int, named: int) -> None:
    """What is named after a letter was stated does not count, whichever option it is."""
    text = f"The answer is {letter(stated)}. Note that {choices[named]} would be shorter."
    assert parse_answer(text, choices) == stated


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("<answer>B</answer> and so", True),
        ("\\boxed{B} since", True),
        ("<answer>B", False),
        ("<answer>A</answer> Wait: <answer>B", False),
        ("The answer is B", False),
        ("<think><answer>B</answer>", False),
    ],
)
def test_closed_answers(text: str, closed: bool) -> None:
    """An answer between closed marks stands although the reply was cut short; thinking has none."""
    assert has_closed_answer(text) is closed


def test_text_without_thinking_is_left_alone() -> None:
    """A description keeps its words, brackets and comparisons: they are no marks."""
    for text in ("A man [thinking] hums < 5 s > a dog", "analysis of a sound", "Rain, then {thunder}.", "<3"):
        assert drop_thinking(text) == text
