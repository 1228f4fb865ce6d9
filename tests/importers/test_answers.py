"""The key of a question in the forms in which sets write it, and options that are no list of different texts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from audiomcq_cli.importers._answers import EMPTY, REPEATED, Choices, find_answer, read_choices
from audiomcq_cli.mcq import Problem


def choices_of(value: object) -> Choices:
    """Options that there is nothing wrong with."""
    found = read_choices(value)
    assert isinstance(found, Choices), found
    return found


def key_of(answer: object, *texts: object, form: str = "auto") -> str:
    """The text of the option that a key means, or the code of what is wrong with it."""
    choices = choices_of(list(texts))
    found = find_answer(answer, choices, form)
    return found.code if isinstance(found, Problem) else choices.texts[found]


@pytest.mark.parametrize(
    "answer",
    ["A dog", "a dog", " A  dog ", "a dog.", '"A dog"', "B", "b", "(B)", "[B]", "B.", "b)", "B:", "(B) A dog",
     "B. a dog", "B) A dog", "b: a dog", "B - A dog"],
)  # fmt: skip
def test_forms_of_one_key(answer: str) -> None:
    """The text of an option, its letter, or both, in any case, with other spaces and marks around them."""
    assert key_of(answer, "A cat", "A dog", "A cow") == "A dog"


@pytest.mark.parametrize(
    ("answer", "form", "expected"),
    [
        (1, "auto", "dog"),
        (1, "text", "dog"),
        (1.0, "auto", "dog"),
        (0.0, "auto", "cat"),
        (Decimal(1), "auto", "dog"),
        (1.5, "auto", "answer_not_among_choices"),
        (float("nan"), "auto", "no_answer"),
        (1.0, "index", "dog"),
        ("1.0", "index", "dog"),
        ("1.0", "index1", "cat"),
        ("1.0", "auto", "answer_not_among_choices"),
        ("1", "index", "dog"),
        ("1", "index1", "cat"),
        (2, "index1", "dog"),
        ("1", "auto", "answer_not_among_choices"),
        (3, "index", "answer_not_among_choices"),
        (0, "index1", "answer_not_among_choices"),
        (-1, "index", "answer_not_among_choices"),
        (True, "auto", "answer_not_among_choices"),
    ],
)
def test_numbers(answer: object, form: str, expected: str) -> None:
    """A number is a position where the set says so, or where it is a number of JSON; a digit as text is none."""
    assert key_of(answer, "cat", "dog", "cow", form=form) == expected


def test_number_with_a_point_is_the_option_without() -> None:
    """A column of numbers with gaps has 2.0 for 2, which is an option where none is written 2.0."""
    assert key_of("2.0", "1", "2", "3") == "2"
    assert key_of("2.0", "2", "2.0") == "2.0"


@pytest.mark.parametrize(
    "value",
    ["['a dog', 'a cat' 'a horse', 'a cow']", "['a dog' 'a cat']", """["it's"\n 'a cat']""", "('a', 'b' 'c')",
     "{'A': 'a', 'B': 'b' 'c'}", "['a', 'b' '' 'c']", "['a' 'b' ... 'c']", "['a', 'b'u'c']"],
)  # fmt: skip
def test_texts_without_a_comma_between(value: str) -> None:
    """Two options that stand side by side are not made one."""
    found = read_choices(value)
    assert isinstance(found, Problem)
    assert (found.code, "side by side without a comma" in found.detail) == ("bad_choices", True)


@pytest.mark.parametrize(
    "value", ["""['rock \\'n\\' roll', "say 'a' 'b'"]""", """["a 'b' 'c'", 'd']""", "['', 'a', 'b']"]
)
def test_quotes_in_options(value: str) -> None:
    """Quotes that are part of a text put nothing side by side."""
    assert isinstance(read_choices(value), Choices)


def test_two_readings_are_no_key() -> None:
    """Where a key means one option by its text and another by its letter or number, nothing is guessed."""
    chords = ("C", "A", "B", "D")
    assert key_of("A", *chords) == "answer_ambiguous"
    assert key_of("A", *chords, form="text") == "A"
    assert key_of("A", *chords, form="letter") == "C"
    assert key_of(1, "1", "2", "3") == "answer_ambiguous"
    assert key_of(1, "1", "2", "3", form="text") == "1"
    assert key_of(1, "1", "2", "3", form="index") == "2"
    assert key_of("(A) dog", "cat", "dog") == "answer_ambiguous"


def test_case_tells_options_apart() -> None:
    """Of two options that differ in case alone the key is the one that is the same to the letter, else none."""
    assert key_of("Am", "AM", "Am", "G") == "Am"
    assert key_of("aM", "AM", "Am", "G") == "answer_ambiguous"


@pytest.mark.parametrize("answer", ["A bird", "a do", "dog A", "E", "(C) a bird", "the dog barks", "5"])
def test_no_option(answer: str) -> None:
    """What no option is, in whole, is no key: neither a part of one nor its words in another order."""
    assert key_of(answer, "A cat", "A dog", "A cow") == "answer_not_among_choices"


@pytest.mark.parametrize("answer", [None, "", "  "])
def test_no_answer(answer: object) -> None:
    """A set without answers has none."""
    assert key_of(answer, "A cat", "A dog") == "no_answer"


@pytest.mark.parametrize(
    "value",
    [
        ["a", "b", "c"],
        ("a", " b ", "c"),
        '["a", "b", "c"]',
        "['a', 'b', 'c']",
        {"B": "b", "A": "a", "C": "c"},
        '{"A": "a", "B": "b", "C": "c"}',
        ["A. a", "B. b", "C. c"],
        ["(a) a", "(b) b", "(c) c"],
        ["A) a", "B) b", "C) c"],
    ],
)
def test_forms_of_options(value: object) -> None:
    """A list, one written as text, a table of letters, or texts behind their letters."""
    assert choices_of(value).texts == ("a", "b", "c")


@pytest.mark.parametrize(
    "value", [["A. a", "C. b"], ["A. a", "b"], ["B. a", "A. b"], ["A flat", "B flat"], ["a-minor", "b-minor"]]
)
def test_letters_that_are_part_of_options(value: list[str]) -> None:
    """Letters that are not those of all options in their order stay."""
    assert choices_of(value).texts == tuple(value)


def test_numbers_as_options() -> None:
    """Numbers become texts as they are written."""
    assert choices_of([1, 2.0, 2.5]).texts == ("1", "2", "2.5")


def test_option_that_is_there_twice() -> None:
    """An option that is there again, to the letter, counts once, and the key of either copy is the one that stays."""
    choices = choices_of(["one", "ten", "one", "six"])
    assert choices.texts == ("one", "ten", "six")
    assert choices.flags == (REPEATED,)
    assert find_answer("one", choices) == 0
    assert find_answer("C", choices) == 0
    assert find_answer("D", choices) == 2


def test_option_without_a_text() -> None:
    """An option without a text is none; letters still count as the set counts them."""
    choices = choices_of(["a dog", "", None, "a cat"])
    assert choices.texts == ("a dog", "a cat")
    assert choices.flags == (EMPTY,)
    assert find_answer("D", choices) == 1
    found = find_answer("B", choices)
    assert isinstance(found, Problem)
    assert found.code == "answer_not_among_choices"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["a"], "too_few_choices"),
        (["a", "a", ""], "too_few_choices"),
        ([], "too_few_choices"),
        ([f"option {n}" for n in range(27)], "too_many_choices"),
        ("a, b, c", "bad_choices"),
        ("[a, b", "bad_choices"),
        ("[" * 5_000, "bad_choices"),
        ("__import__('os').getcwd()", "bad_choices"),
        (None, "bad_choices"),
        (7, "bad_choices"),
        ([["a"], ["b"]], "bad_choices"),
    ],
)
def test_what_is_no_options(value: object, code: str) -> None:
    """Fewer than two options, more than there are letters, or something else than texts."""
    found = read_choices(value)
    assert isinstance(found, Problem)
    assert found.code == code


@pytest.mark.parametrize("count", [2, 3, 5, 8, 26])
def test_any_number_of_options(count: int) -> None:
    """Two options to as many as there are letters."""
    texts = [f"option {n}" for n in range(count)]
    assert choices_of(texts).texts == tuple(texts)
    assert key_of(chr(ord("A") + count - 1), *texts) == texts[-1]
