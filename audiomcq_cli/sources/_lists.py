"""Parses lists that are written as text in a cell: as JSON, or as Python prints them."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize

_LONGEST = 20_000  # characters; parsing untrusted Python must stay cheap
_SIDE_BY_SIDE = re.compile(r"""['"]\s*[A-Za-z]{0,2}['"]""")  # an empty text, too: the tokens decide
_BETWEEN = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)


class GluedTexts(ValueError):
    """Texts of a list stand side by side: Python would join them, which nobody intended."""

    def __init__(self) -> None:
        super().__init__("texts stand side by side without a comma (one is missing, or numpy has printed the list)")


def parse_list(text: str) -> object:
    """Return the list, tuple or table that a text holds; any other text is returned without surrounding space.

    Raises:
        GluedTexts: A comma is missing between two of its texts.
    """
    text = text.strip()
    if not text.startswith(("[", "{", "(")) or len(text) > _LONGEST:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if _SIDE_BY_SIDE.search(text) and _is_glued(text):
        raise GluedTexts
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text


def _is_glued(text: str) -> bool:
    """Return whether one string token follows another."""
    last = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING and last:
                return True
            last = token.type == tokenize.STRING or (last and token.type in _BETWEEN)
    except (SyntaxError, tokenize.TokenError):
        pass  # not a list of Python either
    return False
