"""Multiple-choice questions as pure functions: shuffle options, format them, compare texts, lint a question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from audiomcq_cli.records import draw, read_window

MAX_QUESTION = 300
"""Most characters of a question: about 50 words, more than anybody remembers while listening."""

MAX_CHOICE = 200
"""Most characters of an option."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault found by a lint or a check: a snake_case code that is counted, and a sentence for people."""

    code: str
    detail: str


def shuffle_choices(row_id: str, answer: str, distractors: Sequence[str], seed: int) -> tuple[list[str], int]:
    """Put the answer among its distractors in an order that depends only on the row's id and the seed.

    Positions are sorted by a hash rather than by ``random.shuffle``, whose result may change between Python versions.

    Returns:
        The choices and the position of the answer among them.
    """
    texts = [answer, *distractors]
    order = sorted(range(len(texts)), key=lambda position: draw(seed, row_id, "choices", position))
    return [texts[position] for position in order], order.index(0)


def letter(index: int) -> str:
    """Return the letter of an option, counted from 0: A, B, C …"""
    return chr(ord("A") + index)


def format_options(choices: Sequence[str]) -> str:
    """Return the options as a judge sees them: Python's form of a list, as in the released models' cards."""
    return str(list(choices))


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text in lower case, each once and unordered, as public scorers compare answers."""
    return frozenset(re.findall(r"\w+", text.lower()))


def tidy(text: str) -> str:
    """Return the text on one line, with single spaces."""
    return " ".join(text.split())


def caption_texts(captions: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the different texts of a clip's ``captions``, on one line each, in their order."""
    return list(dict.fromkeys(filter(None, (tidy(caption["text"]) for caption in captions))))


def heard_texts(captions: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the same for a writer; the description of a part of the clip says which part."""
    parts = [(read_window(caption["origin"]), tidy(caption["text"])) for caption in captions]
    return list(dict.fromkeys(f"({part}) {text}" if part else text for part, text in parts if text))


# Typographic quotes equal plain ones; emphasis marks (**B**, `B`) mean nothing.
_SAME = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"", "*`")
# A leading full stop or minus stays (.5 s, -5 dB), as does a trailing sharp or plus (C#, C+): they carry meaning.
_OPENING = " \"'([{"
_CLOSING = " \"')]}.,;:!?"


def fold(text: str) -> str:
    """Normalise a text for comparison: no case, runs of white space, emphasis or outer punctuation and quotes."""
    return fold_words(text).lstrip(_OPENING).rstrip(_CLOSING)


def fold_words(text: str) -> str:
    """Normalise like ``fold``, but keep outer punctuation."""
    return tidy(unicodedata.normalize("NFKC", text).casefold().translate(_SAME))


# An option is a word of its own only if nothing next to it changes its meaning: "5 s" is not in "15 s", "2.5 s" or "-5
# s", "vocal" not in "non-vocal", "c" not in "c#", "dog" not in "dog's".
BEFORE = r"(?<![\w\-+#♯♭])(?<!\d[.,:/])"
AFTER = r"(?![\w\-+#♯♭%°])(?![.,:/]\d)(?!'\w)"
"""Patterns to put around an option that is searched for in a text."""


# ------------------------------------------------------------------------------------------------ lint a question

# Sources that a listener does not have. "Text" and "description" count only for the given one: "a text message tone",
# "which description fits the music" and "described by the speaker" are fair; "according to the speaker" too.
_MENTIONS_TEXT = re.compile(
    r"\b(?:captions?|captioned|transcripts?|transcriptions?|annotations?|metadata|ground[ -]truth|answer key)\b"
    r"|\b(?:the|this|that|these|an?|its|given|provided|above|following|audio|written|textual)\s+descriptions?\b"
    r"|\b(?:the|this|given|provided|above|following|input)\s+texts?\b"
    r"(?![\s-]*(?:messages?|messaging|tones?|alerts?|notifications?|chimes?|pings?|sounds?|to[ -]speech))"
    r"|\b(?:given|provided)\s+(?:answer|information|context|details?|notes?)\b|\bthe\s+notes\s+(?:say|state|mention)"
    r"|\bas\s+described\b|\b(?:is|are|was|were)\s+described\b(?!\s+(?:by|as)\b)",
    re.IGNORECASE,
)
_NONE_OR_ALL = re.compile(
    r"^(?:all|none|both|neither|any|either)(?:\s+of)?(?:\s+the)?\s+(?:above|these|those|them|options|choices|others?)\b"
    r"|^(?:none|all|both|neither|other|unknown|unclear|not sure|i don't know)$"
    r"|\b(?:cannot|can't|could not|impossible to)\s+(?:be\s+)?(?:tell|told|say|said|determined?)\b"
    r"|\bnot enough information\b"
)
_YES_NO = re.compile(r"^(?:yes|no|true|false)(?:$|\s*[,.;:\u2013\u2014-]\s)")
_TAG = re.compile(r"</?[a-z]", re.IGNORECASE)

Lint = Callable[[str, Sequence[str], str], str]
"""Takes question, choices and answer; returns what is wrong, or an empty string."""


def lint(question: str, choices: Sequence[str], answer: str) -> list[Problem]:
    """Return every fault that the rules below find in a question, in their order."""
    return _lint(LINTS, question, choices, answer)


def lint_block(question: str, choices: Sequence[str]) -> list[Problem]:
    """Return the faults of a balanced block, in which each option is the answer once."""
    return _lint([code for code in LINTS if code not in OF_THE_ANSWER], question, choices, choices[0])


def _lint(codes: Iterable[str], question: str, choices: Sequence[str], answer: str) -> list[Problem]:
    found = ((code, LINTS[code](question, choices, answer)) for code in codes)
    return [Problem(code, detail) for code, detail in found if detail]


def mentions_text(text: str) -> str:
    """Return the words with which a text mentions a caption, description, transcript or the like;
    empty if it does not.
    """
    found = _MENTIONS_TEXT.search(text)
    return found[0] if found else ""


def _check_question_there(question: str, choices: Sequence[str], answer: str) -> str:
    return "" if re.search(r"\w", question) else "there is no question"


def _check_question_length(question: str, choices: Sequence[str], answer: str) -> str:
    if len(question) <= MAX_QUESTION:
        return ""
    return f"the question has {len(question)} characters, at most {MAX_QUESTION} are allowed"


def _check_markup(question: str, choices: Sequence[str], answer: str) -> str:
    marked = [text for text in (question, *choices) if _TAG.search(text)]
    return f"there is a tag in {marked[0]!r}, which would be mistaken for <answer> and the like" if marked else ""


def _check_four(question: str, choices: Sequence[str], answer: str) -> str:
    return "" if len(choices) == 4 else f"there are {len(choices)} options, expected 4"


def _check_choices_there(question: str, choices: Sequence[str], answer: str) -> str:
    return "" if all(re.search(r"\w", choice) for choice in choices) else "an option is empty"


def _check_choice_length(question: str, choices: Sequence[str], answer: str) -> str:
    longest = max(map(len, choices), default=0)
    if longest <= MAX_CHOICE:
        return ""
    return f"an option has {longest} characters, at most {MAX_CHOICE} are allowed"


def _check_among(question: str, choices: Sequence[str], answer: str) -> str:
    return "" if answer in choices else f"the answer {answer!r} is not an option"


def _check_distinct(question: str, choices: Sequence[str], answer: str) -> str:
    twice = _find_equal(choices, fold)
    return f"{twice[0]!r} and {twice[1]!r} are the same option" if twice else ""


def _check_same_words(question: str, choices: Sequence[str], answer: str) -> str:
    # The words are those of the public scorers (\w+ in lower case, as a set): for them "1.2 s" and "2.1 s", or "C" and
    # "C#", are the same answer.
    twice = _find_equal(choices, words_of)
    return f"{twice[0]!r} and {twice[1]!r} are made of the same words" if twice else ""


def _check_no_text(question: str, choices: Sequence[str], answer: str) -> str:
    mentioned = next(filter(None, map(mentions_text, (question, *choices))), "")
    return f"{mentioned!r} is nothing that a listener has" if mentioned else ""


def _check_not_leaked(question: str, choices: Sequence[str], answer: str) -> str:
    # A question that names several of its options ("a dog or a cat?") leaks nothing.
    asked = fold(question)
    there = {folded for folded in map(fold, choices) if folded in asked}  # cheap, and usually decisive
    named = {folded for folded in there if re.search(BEFORE + re.escape(folded) + AFTER, asked)}
    return f"of all options only the answer {answer!r} stands in the question" if named == {fold(answer)} else ""


def _check_none_or_all(question: str, choices: Sequence[str], answer: str) -> str:
    hits = [choice for choice in choices if _NONE_OR_ALL.search(fold(choice))]
    return f"{hits[0]!r} says nothing about the sound" if hits else ""


def _check_yes_no(question: str, choices: Sequence[str], answer: str) -> str:
    hits = [choice for choice in choices if _YES_NO.search(fold(choice))]
    return f"{hits[0]!r} answers yes or no" if hits else ""


def _check_not_longest(question: str, choices: Sequence[str], answer: str) -> str:
    longest = max((len(choice) for choice in choices if choice != answer), default=0)
    if len(answer) <= 2 * longest:
        return ""
    return f"the answer has {len(answer)} characters, the longest other option {longest}"


LINTS: Mapping[str, Lint] = {
    "question_empty": _check_question_there,
    "question_too_long": _check_question_length,
    "has_markup": _check_markup,
    "choices_not_four": _check_four,
    "choice_empty": _check_choices_there,
    "choice_too_long": _check_choice_length,
    "answer_not_among_choices": _check_among,
    "choices_not_distinct": _check_distinct,
    "choices_same_words": _check_same_words,
    "mentions_text": _check_no_text,
    "answer_in_question": _check_not_leaked,
    "none_or_all": _check_none_or_all,
    "yes_no": _check_yes_no,
    "answer_longest": _check_not_longest,
}
"""Every lint by its reason code. A row is rejected for the first that finds something."""

OF_THE_ANSWER = frozenset({"answer_in_question", "answer_longest"})
"""Lints that compare the answer with the other options; within a balanced block that means nothing."""


def _find_equal(texts: Sequence[str], of: Callable[[str], object]) -> tuple[str, str] | None:
    """Return the first two texts with the same value of ``of``."""
    seen: dict[object, str] = {}
    for text in texts:
        if of(text) in seen:
            return seen[of(text)], text
        seen[of(text)] = text
    return None
