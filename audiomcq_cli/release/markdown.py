"""Text that people and models wrote, made safe to stand in Markdown, in code in it, and in BibTeX."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

_BIBTEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", **{sign: f"\\{sign}" for sign in "&%$#_"},
}  # fmt: skip


def flatten(text: object) -> str:
    """One line of signs that can be seen, whatever a text holds."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def escape(text: object) -> str:
    """Text that means itself in Markdown, HTML in it and a table cell: one line, with all that could act escaped.

    Bare addresses are broken by a sign that is not seen, as readers that follow GitHub would make links of them.
    """
    line = re.sub(r"([\\`*_\[\]<>&|~#$!@])", r"\\\1", flatten(text))
    return re.sub(r"(?i)\b(https?|ftp)(:)|\b(www)(\.)", r"\1\3<!-- -->\2\4", line)


def quote(text: str) -> str:
    """A text as a literal of Python or JSON that ends neither a block of code nor a comment of HTML."""
    return json.dumps(text).replace("<", "\\u003c").replace("`", "\\u0060")


def escape_bibtex(text: str) -> str:
    """Text that means itself within braces of BibTeX."""
    return "".join(_BIBTEX.get(sign, sign) for sign in flatten(text)).replace("`", "'")


def write_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> str:
    """A Markdown table of escaped cells; the last columns, ``numbers`` of them, are set to the right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    cells = [[f"{cell:,}" if isinstance(cell, int) else escape(cell) for cell in row] for row in rows]
    if not cells:
        return "None."
    return "\n".join("| " + " | ".join(line) + " |" for line in ([escape(name) for name in head], rule, *cells))
