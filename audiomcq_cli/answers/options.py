"""Compares the options of a question with a reply, and finds where a text names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_lowercase

from audiomcq_cli.mcq import AFTER, BEFORE, fold, fold_words

FIRST_MASK = "\ue000"
MASK = "[\ue000-\ue7ff]"
"""Private-use characters that stand for options. In a masked text no word of an option is mistaken for another word."""

BOTH = "\ue7ff"
"""The mask of a text that two options share."""

_NEVER_INSIDE = frozenset(
    {
        "",
        "yes",
        "no",
        "not",
        "none",
        "is",
        "it",
        "the",
        "an",
        "and",
        "or",
        "answer",
        "option",
        "choice",
        *ascii_lowercase,
    }
)
"""Options too common in sentences to be found inside one. As a whole reply they still count."""

# Words before an answer that is the rest of the text: "So the correct answer is: option", "Answer:", "- ".
_LEAD_IN = re.compile(
    r"^(?:[-•]\s+)?(?:(?:so|thus|therefore|hence),?\s+)?(?:(?:the|my)\s+)?(?:(?:correct|right|best|final)\s+)*"
    r"(?:(?:answer|option|choice)\b\s*)+(?:(?:is|would be)\b)?\s*[:=]?\s*(?:(?:option|choice)\b)?\s*"
)
# "Option 2": the second, or the one that reads "2".
_PLACE = re.compile(r"\b(?:option|choice)\W*(\d{1,3})$")
_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\S{2})")
_BULLET = re.compile(r"^[-•]\s+")


class Options:
    """The options of one question."""

    def __init__(self, choices: Sequence[str]) -> None:
        """Take the options in the order in which they were shown."""
        self._texts = [fold(choice) for choice in choices]
        self._ask = any(choice.rstrip().endswith("?") for choice in choices)

    def read_whole(self, text: str) -> set[int] | None:
        """Return the option that is the whole text, by its text or letter; None if the text is longer.

        Two options if letter and text mean different ones (options that are letters themselves); none for a question.
        """
        told = fold(text)
        if not told:
            return set()
        bare = fold(_LEAD_IN.sub("", told))
        plain = fold(_BULLET.sub("", told))
        forms = {told, bare, plain}
        named = {index for index, option in enumerate(self._texts) if option and option in forms}
        if not named:
            nouns = {_ARTICLE.sub("", form) for form in forms}
            named = {index for index, option in enumerate(self._texts) if option and _ARTICLE.sub("", option) in nouns}
        if (index := self.read_letter(bare.strip("()[]{}<>'\"_ "))) is not None:
            named.add(index)
        if named and text.rstrip().endswith("?") and not self._ask:
            return set()
        if named and (place := _PLACE.search(told)):
            named.add(int(place[1]) - 1)
        return named or None

    def read_letter(self, text: str) -> int | None:
        """Return the option of a letter; None if no option has it."""
        index = ascii_lowercase.find(text) if len(text) == 1 else -1
        return index if 0 <= index < len(self._texts) else None

    def read_mask(self, mark: str) -> int | None:
        """Return the option that a mask stands for; None if two share it."""
        return None if mark == BOTH else ord(mark) - ord(FIRST_MASK)

    def mask(self, text: str) -> str:
        """Return a normalised text, lines kept, with a mask in place of each option that it names as whole words.

        If options contain each other, the longest one in the text is masked.
        """
        masked = "\n".join(filter(None, map(fold_words, text.splitlines())))
        marks: dict[str, str] = {}
        for index, option in enumerate(self._texts):
            if option not in _NEVER_INSIDE:
                marks[option] = BOTH if option in marks else chr(ord(FIRST_MASK) + index)
        if not marks:
            return masked
        longest_first = "|".join(re.escape(option) for option in sorted(marks, key=len, reverse=True))
        return re.sub(f"{BEFORE}({longest_first}){AFTER}", lambda found: marks[found[1]], masked)
