"""Lists that stand as text in a cell: as JSON, or as Python prints them."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize

_LONGEST = 20_000  # characters; what is taken apart as Python is not trusted
_SIDE_BY_SIDE = re.compile(r"""['"]\s*[A-Za-z]{0,2}['"]""")  # also an empty text: the tokens decide
_BETWEEN = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)


class GluedTexts(ValueError):
    """Texts of a list stand side by side: Python would make one of them, and nobody meant that."""

    def __init__(self) -> None:
        super().__init__("texts stand side by side without a comma (one is missing, or numpy has printed the list)")


def parse_list(text: str) -> object:
    """What a text holds that is a list, a tuple or a table; any other text as it is, without space around it.

    Raises:
        GluedTexts: Between two of its texts there is no comma.
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
    """Whether one text follows another, by the tokens of Python, as far as there are any."""
    last = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING and last:
                return True
            last = token.type == tokenize.STRING or (last and token.type in _BETWEEN)
    except (SyntaxError, tokenize.TokenError):
        pass  # no list of Python either
    return False
