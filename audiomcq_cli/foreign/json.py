"""Reads JSON from untrusted authors: UTF-8, without lone surrogates, with limits on size and depth.

The parser is Python's own, because it reads everything that ``json.dumps`` writes: whole numbers of any size, infinity.
Depth is limited because the code that uses the data (checks, comparisons, writers) is recursive.
"""

from __future__ import annotations

import json
from typing import Any

from audiomcq_cli.errors import InputError

LARGEST = 256 * 2**20
"""Most bytes of a file. The manifest of a release of 10,000 files has 2 MB."""

DEEPEST = 64
"""Most levels of nested lists and tables. A manifest has 8."""


def read_json(data: bytes | str, file: str, *, hint: str = "") -> Any:
    """Parse a JSON text.

    Args:
        data: The text.
        file: Name of the file, for the error.
        hint: Advice if it cannot be read.

    Raises:
        InputError: The text is not JSON, too large, or too deep.
    """
    if len(data) > LARGEST:
        raise InputError(f"more than {LARGEST:,} bytes of JSON", file=file, hint=hint)
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(text, parse_constant=_read_constant)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:  # its traceback has a thousand useless lines
        raise InputError(f"JSON more than {DEEPEST} levels deep", file=file, hint=hint) from None
    except ValueError as error:  # not JSON, not UTF-8, a number of 5,000 digits
        raise InputError(f"not JSON: {error}", file=file, hint=hint) from error
    if is_deeper(value, DEEPEST):
        raise InputError(f"JSON more than {DEEPEST} levels deep", file=file, hint=hint)
    return value


def _read_constant(name: str) -> float:
    """Return infinity, which compares like any number. NaN is refused: it passes every range check."""
    if name == "NaN":
        raise ValueError("NaN is no number")
    return float(name)


def is_deeper(value: Any, most: int) -> bool:
    """Return whether lists and tables are nested more than ``most`` levels deep."""
    level = [value]
    for _ in range(most + 1):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True
