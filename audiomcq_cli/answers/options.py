"""The options of a question as they are compared with a reply, and where a text names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_lowercase

from audiomcq_cli.mcq import AFTER, BEFORE, fold, fold_words

FIRST_MASK = "\ue000"
MASK = "[\ue000-\ue7ff]"
"""Characters of private use that stand for options: in a masked text no word of an option is taken for another."""

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
"""Options too common in sentences that answer nothing to be found inside them; alone they are read all the same."""

# What stands before an answer that is all of a text: "So the correct answer is: option", "Answer:", "- ".
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
        """Take them in the order in which they were shown."""
        self._texts = [fold(choice) for choice in choices]
        self._ask = any(choice.rstrip().endswith("?") for choice in choices)

    def read_whole(self, text: str) -> set[int] | None:
        """The option that a text is as a whole, by its text or letter, and nothing more; None where it is more.

        Two where letter and text say different things (options that are letters themselves); empty for a question.
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
        """The option of a letter; None where there is none of that letter."""
        index = ascii_lowercase.find(text) if len(text) == 1 else -1
        return index if 0 <= index < len(self._texts) else None

    def read_mask(self, mark: str) -> int | None:
        """The option that a mask stands for; None for one of two."""
        return None if mark == BOTH else ord(mark) - ord(FIRST_MASK)

    def mask(self, text: str) -> str:
        """A text as it is compared, its lines kept, with a mask in place of each option that is named as whole words.

        Of options that contain each other the longest that is there is masked.
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
