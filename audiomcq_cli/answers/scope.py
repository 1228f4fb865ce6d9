"""The part of a reply in which its answer stands: between its last marks, else all of it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping

# The last tag counts: models think aloud and correct themselves. A stop token may have cut off the closing one.
_TAG = re.compile(
    r"<(?:final[_ ]?)?answer>((?:(?!<(?:final[_ ]?)?answer>).)*?)(</(?:final[_ ]?)?answer>|$)",
    re.DOTALL | re.IGNORECASE,
)
_BOXED = re.compile(r"\\f?box(?:ed)?\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_BOX_TOKENS = re.compile(r"<\|begin_of_box\|>((?:(?!<\|begin_of_box\|>).)*?)<\|end_of_box\|>", re.DOTALL)  # GLM-V
_LATEX = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|rm|bf)\s*\{([^{}]*)\}|\\[()\[\],;! ]|\$")
_OBJECT = re.compile(r"\{[^{}]{1,2000}\}")
_KEYS = frozenset({"answer", "final_answer", "final answer", "finalanswer", "correct_answer", "option", "choice"})
_FORMATTING = re.compile(r"</?(?:b|i|u|em|strong|p|br|span|code|div)\s*/?>", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def find_scope(text: str) -> str:
    """What is to be read of a reply whose thinking is taken off."""
    text = _INVISIBLE.sub("", text)
    if tagged := _TAG.findall(text):
        text = tagged[-1][0]
    for marks in (_BOX_TOKENS, _BOXED):
        if boxed := marks.findall(text):
            text = boxed[-1]
    return _find_value(_FORMATTING.sub("", _LATEX.sub(lambda found: found[1] or "", text)))


def is_closed(text: str) -> bool:
    """Whether the answer of such a text stands between marks, and the last of them is closed."""
    if tagged := _TAG.findall(text):
        return bool(tagged[-1][1])
    return bool(_BOXED.search(text) or _BOX_TOKENS.search(text))


def _find_value(text: str) -> str:
    """The answer of the last object that has one; the text itself where there is none, nothing where it has two."""
    for found in reversed(_OBJECT.findall(text)):
        stated = {
            value
            for key, value in _parse_object(found).items()
            if isinstance(key, str) and key.strip().lower() in _KEYS and isinstance(value, str)
        }
        if stated:
            return stated.pop() if len(stated) == 1 else ""
    return text


def _parse_object(text: str) -> Mapping[object, object]:
    """An object of JSON, or as Python prints one; empty where it is neither."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(value, Mapping):
            return value
    return {}
