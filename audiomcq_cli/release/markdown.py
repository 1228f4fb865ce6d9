"""Escapes text from people and models for Markdown, for code within Markdown, and for BibTeX."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~/%?=&#:+-]*)?")

_BIBTEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", **{sign: f"\\{sign}" for sign in "&%$#_"},
}  # fmt: skip


def flatten(text: object) -> str:
    """Return the visible characters of a text, on one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def escape(text: object) -> str:
    """Escape a text as one line that Markdown, inline HTML and table cells show unchanged."""
    line = re.sub(r"([\\`*_\[\]<>&|~#$!@])", r"\\\1", flatten(text))
    return re.sub(r"(?i)\b(https?|ftp)(:)|\b(www)(\.)", r"\1\3\\\2\4", line)  # bare addresses do not become links


def quote(text: str) -> str:
    """Return a text as a literal of Python or JSON that cannot end a code block or an HTML comment."""
    return json.dumps(text).replace("<", "\\u003c").replace("`", "\\u0060")


def escape_bibtex(text: str) -> str:
    """Return the text that BibTeX shows as it is within braces."""
    return "".join(_BIBTEX.get(sign, sign) for sign in flatten(text)).replace("`", "'")


@dataclass(frozen=True, slots=True)
class Link:
    """A text that becomes a link if all of it is a web address."""

    text: str


def write_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> str:
    """Return a Markdown table of escaped cells; the last ``numbers`` columns are aligned to the right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    cells = [[write_cell(cell) for cell in row] for row in rows]
    if not cells:
        return "None."
    return "\n".join("| " + " | ".join(line) + " |" for line in ([escape(name) for name in head], rule, *cells))


def write_cell(cell: object) -> str:
    """Return a value as text within a line: numbers with separators, addresses as links, all else escaped."""
    if isinstance(cell, Link):
        return f"<{cell.text}>" if _ADDRESS.fullmatch(cell.text) else escape(cell.text)
    return f"{cell:,}" if isinstance(cell, int) else escape(cell)
