"""Finds the part of a reply that holds its answer: between its last marks, else all of it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping

# The last tag counts: models think aloud and correct themselves. A stop token may have removed the closing one.
_TAG = re.compile(
    r"<(?:final[_ ]?)?answer>((?:(?!<(?:final[_ ]?)?answer>).)*?)(</(?:final[_ ]?)?answer>|$)",
    re.DOTALL | re.IGNORECASE,
)
_BOXED = re.compile(r"\\f?box(?:ed)?\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_BOX_TOKENS = re.compile(r"<\|begin_of_box\|>((?:(?!<\|begin_of_box\|>).)*?)<\|end_of_box\|>", re.DOTALL)  # GLM-V
_LATEX = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|rm|bf)\s*\{([^{}]*)\}|\\[()\[\],;! ]|\$")
_OBJECT = re.compile(r"\{[^{}]{1,2000}\}")
_LARGEST = 20_000
"""Most characters of a nested object that is read."""

_MOST_MARKS = 20
"""Most marks of a kind that are checked, from the last one back."""

_KEYS = frozenset({"answer", "final_answer", "final answer", "finalanswer", "correct_answer", "option", "choice"})
_NEAR = 300
"""Characters before and after marks that decide whether the marks hold the answer."""

_SENTENCE = re.compile(r"(?<!e\.g)[.!?]\s+(?=[A-Z\"'(]|$)|[\u3002\uff01\uff1f]")
_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot|neither|nor|or|except)\b|\b(?:wrong|incorrect)\s+(?:answer|option|choice)\b|n['\u2019]t\b)"
    r"(?:\s+(?:be|an?|the|my|correct|right|answer|option|choice|say|pick|choose|is|answer:?))*[\s:\"'`$(\\\[]*$"
    r"|(?:\be\.g\.?|\b(?:for example|for instance|examples?|such as|like|instead of|rather than))[\s:,\"'`$(\\\[]*$"
    r"|\bin the form(?:at)?(?:\s+of)?[\s\"'`$]*$"
    r"|\b(?:form|format|template|syntax)\s+(?:is|was|(?:would|should|must) be)\b"
    r"|^\W*(?:if|unless|please|suppose|imagine)\b|(?:;|\b(?:otherwise|else|or))\s*if\b|不是|而不是",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"[\s\"'`$)\\\]]*(?:(?:is|was|are|(?:would|could|might|may) be|seems|looks)\s+)?"
    r"(?:not (?!an?\b|the\b|\(?[a-z]\b)|wrong|incorrect|false|impossible|unlikely|excluded|ruled out|unless"
    r"|if|or|n['\u2019]t|would|could|\?)(?:\W|$)",
    re.IGNORECASE,
)
_FORMATTING = re.compile(r"</?(?:b|i|u|em|strong|p|br|span|code|div)\s*/?>", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def find_scope(text: str) -> str:
    """Return the part of a reply (without thinking) in which to search for the answer."""
    text = _INVISIBLE.sub("", text)
    for marks in (_TAG, _BOX_TOKENS, _BOXED):
        text = _find_last(marks, text)
    return _find_value(_FORMATTING.sub("", _LATEX.sub(lambda found: found[1] or "", text)))


def is_closed(text: str) -> bool:
    """Return whether the answer of a reply stands between marks, and the last mark is closed."""
    if tagged := _TAG.findall(text):
        return bool(tagged[-1][1])
    return bool(_BOXED.search(text) or _BOX_TOKENS.search(text))


def _find_value(text: str) -> str:
    """Return the answer in the outermost object, or in the last object that has one; without an object the text itself.

    Empty if an object has two answers, or no object holds the answer.
    """
    answers = False
    begin, end = text.find("{"), text.rfind("}") + 1
    whole = re.compile(r".*", re.DOTALL).match(text, begin, end) if 0 <= begin < end <= begin + _LARGEST else None
    for found in [*([whole] if whole else []), *reversed([*_OBJECT.finditer(text)][-_MOST_MARKS:])]:
        stated = {
            value
            for key, value in _parse_object(found[0]).items()
            if isinstance(key, str) and key.strip().lower() in _KEYS and isinstance(value, str)
        }
        if stated and _is_meant(found):
            return stated.pop() if len(stated) == 1 else ""
        answers = answers or bool(stated)
    return "" if answers else text


def _find_last(marks: re.Pattern[str], text: str) -> str:
    """Return the text between the last marks that hold the answer; empty if none does; without
    marks, the whole text.
    """
    found = [*marks.finditer(text)][-_MOST_MARKS:]
    meant = (one[1] for one in reversed(found) if _is_meant(one))
    return next(meant, "" if found else text)


def _is_meant(marked: re.Match[str]) -> bool:
    """Return whether marks hold the answer: the line must not deny it, make it conditional, or give
    it as an example.
    """
    text = marked.string
    before = text[max(0, marked.start() - _NEAR) : marked.start()].rpartition("\n")[2]
    after = text[marked.end() : marked.end() + _NEAR].partition("\n")[0]
    return not (_DENIED.search(_SENTENCE.split(before)[-1]) or _TAKEN_BACK.match(after))


def _parse_object(text: str) -> Mapping[object, object]:
    """Parse an object of JSON, or as Python prints one; empty if it is neither."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(value, Mapping):
            return value
    return {}
