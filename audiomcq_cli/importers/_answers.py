"""Reads the options and the key of a question in the forms that sets use. Nothing is guessed.

A key is the text of an option, its letter, both ("(A) a dog"), or its number. If two readings of it lead to two
options, or no reading does, there is no key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from textwrap import shorten

from audiomcq_cli.mcq import Problem, fold, letter, tidy
from audiomcq_cli.sources._columns import read_number
from audiomcq_cli.sources._lists import GluedTexts, parse_list

FORMS = ("auto", "text", "letter", "index", "index1")
"""Forms of a key. ``text``: an option's text is tried before other readings. ``index`` counts from 0, ``index1`` from
1. ``auto`` tries every reading and refuses a key if they differ.
"""

MOST = 26
"""Most options: each has a letter."""

REPEATED = "repeated_choice_dropped"
"""Flag of a question with a repeated option."""

EMPTY = "empty_choice_dropped"
"""Flag of a question with an empty option."""

_WHOLE = re.compile(r"(-?[0-9]+)\.0+")
_ALONE = re.compile(r"[(\[]?([A-Za-z])[)\]]?[.:)]?")
_BEFORE_TEXT = re.compile(
    r"(?:[(\[]([A-Za-z])[)\]]|([A-Za-z])\s*[.:)]|([A-Za-z])\s+[-\u2013\u2014])\s*(\S.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of a question.

    Attributes:
        texts: Texts of the options, all different, none empty.
        places: For every option of the set, its index in ``texts``; None if it has no text.
        flags: What was dropped.
    """

    texts: tuple[str, ...]
    places: tuple[int | None, ...]
    flags: tuple[str, ...] = ()


def read_text(value: object) -> str:
    """Return a cell as text: numbers as they are written, whole ones without a point, empty for null."""
    if value is None:
        return ""
    return read_number(value) if isinstance(value, float | Decimal) else str(value).strip()


def read_choices(value: object) -> Choices | Problem:
    """Read options from a list, a table of letters, or either of them written as JSON or Python in a text.

    Letters before all options, in order ("A. a dog"), are removed. An option that occurs twice, with the same
    characters, is kept once; case counts, because "Am" and "AM" are two chords.
    """
    if isinstance(value, str):
        try:
            value = parse_list(value)
        except GluedTexts as error:
            return Problem("bad_choices", f"{error}: {shorten(repr(value), 100)}")
    if isinstance(value, Mapping):
        value = [value[name] for name in sorted(value, key=str)]
    if not isinstance(value, list | tuple):
        return Problem("bad_choices", f"expected a list of options, found {shorten(repr(value), 100)}")
    if odd := [one for one in value if not isinstance(one, str | int | float | Decimal | None)]:
        return Problem("bad_choices", f"expected texts as options, found {shorten(repr(odd[0]), 100)}")
    return _tidy_choices(_drop_letters([read_text(one) for one in value]))


def find_answer(answer: object, choices: Choices, form: str = "auto") -> int | Problem:
    """Return the index in ``choices.texts`` of the key.

    Args:
        answer: Key as the set writes it.
        choices: The options.
        form: One of ``FORMS``.
    """
    text = read_text(answer)
    if not text:
        return Problem("no_answer", "there is no answer")
    found = {choices.places[place] for place in _find_places(answer, text, choices, form)}
    meant = sorted(place for place in found if place is not None)
    if len(meant) == 1:
        return meant[0]
    said = shorten(repr(text), 200)
    if meant:
        options = " or ".join(repr(choices.texts[place]) for place in meant)
        return Problem("answer_ambiguous", f"{said} may mean {shorten(options, 300)}")
    return Problem("answer_not_among_choices", f"{said} is none of {shorten(repr(list(choices.texts)), 300)}")


def _drop_letters(texts: list[str]) -> list[str]:
    found = [_BEFORE_TEXT.fullmatch(text) for text in texts]
    pairs = [((one[1] or one[2] or one[3]).upper(), one[4]) for one in found if one]
    if len(pairs) < 2 or [name for name, _ in pairs] != [letter(place) for place in range(len(texts))]:
        return texts
    return [text for _, text in pairs]


def _tidy_choices(texts: Sequence[str]) -> Choices | Problem:
    order: dict[str, int] = {}
    places = [order.setdefault(tidy(text), len(order)) if text else None for text in texts]
    if len(order) < 2:
        return Problem("too_few_choices", f"{len(order)} different options, expected at least 2")
    if len(order) > MOST:
        return Problem("too_many_choices", f"{len(order)} options, expected at most {MOST}")
    flags = [REPEATED] if len(order) < len(texts) - places.count(None) else []
    flags += [EMPTY] if None in places else []
    return Choices(tuple(order), tuple(places), tuple(flags))


def _find_places(answer: object, text: str, choices: Choices, form: str) -> set[int]:
    """Return the options, by their place in the set, that a key may mean."""
    shown = ["" if place is None else choices.texts[place] for place in choices.places]
    texts = _find_text(text, shown)
    if texts and form == "text":
        return texts
    letters = _find_letter(text, shown)
    is_number = isinstance(answer, int | float | Decimal) and not isinstance(answer, bool)
    if form in ("index", "index1"):
        return _find_number(text, len(shown), first=1 if form == "index1" else 0)
    if form == "letter":
        return letters or texts
    numbers = _find_number(text, len(shown), first=0) if is_number else set()
    if form == "text":
        return letters or numbers
    return texts | letters | numbers


def _find_text(text: str, shown: Sequence[str]) -> set[int]:
    """Return the options with that text; if none matches exactly, those that differ in case, spaces or outer marks."""
    plain = tidy(text)
    if same := {place for place, one in enumerate(shown) if one == plain}:
        return same
    alike = fold(text)
    if found := {place for place, one in enumerate(shown) if alike and fold(one) == alike}:
        return found
    whole = _WHOLE.fullmatch(plain)  # 3.0 if the column has gaps: pandas writes numbers so
    return {place for place, one in enumerate(shown) if one == whole[1]} if whole else set()


def _find_letter(text: str, shown: Sequence[str]) -> set[int]:
    """Return the option of a letter, alone or before a text. If the text belongs to another option,
    both are returned.
    """
    if alone := _ALONE.fullmatch(text):
        return _find_number(str(ord(alone[1].upper()) - ord("A")), len(shown), first=0)
    if found := _BEFORE_TEXT.fullmatch(text):
        named = _find_text(found[4], shown)
        place = ord((found[1] or found[2] or found[3]).upper()) - ord("A")
        return named | {place} if named and place < len(shown) else set()
    return set()


def _find_number(text: str, count: int, *, first: int) -> set[int]:
    found = re.fullmatch(r"([0-9]{1,3})(?:\.0+)?", text)
    if not found:
        return set()
    place = int(found[1]) - first
    return {place} if 0 <= place < count else set()
