"""Reads JSON that anybody may have written: in UTF-8, without halves of surrogate pairs, bounded in size and depth.

The parser is Python's own, since it reads back all that ``json.dumps`` writes: whole numbers of any size, infinity.
Depth is bounded because all that walks the data later (checks, comparisons, writers) is recursive.
"""

from __future__ import annotations

import json
from typing import Any

from audiomcq_cli.errors import InputError

LARGEST = 256 * 2**20
"""Bytes of a file. The manifest of a release of 10,000 files has 2 MB."""

DEEPEST = 64
"""Lists and tables within each other. A manifest has 8."""


def read_json(data: bytes | str, file: str, *, hint: str = "") -> Any:
    """The value that a JSON text stands for.

    Args:
        data: The text. file: Its name, for the error. hint: What to do where it cannot be read.

    Raises:
        InputError: It is not JSON, too large, or too deep.
    """
    if len(data) > LARGEST:
        raise InputError(f"more than {LARGEST:,} bytes of JSON", file=file, hint=hint)
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(text, parse_constant=_read_constant)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:  # its traceback has a thousand lines that say nothing
        raise InputError(f"JSON more than {DEEPEST} levels deep", file=file, hint=hint) from None
    except ValueError as error:  # no JSON, no UTF-8, a number of 5,000 digits
        raise InputError(f"not JSON: {error}", file=file, hint=hint) from error
    if is_deeper(value, DEEPEST):
        raise InputError(f"JSON more than {DEEPEST} levels deep", file=file, hint=hint)
    return value


def _read_constant(name: str) -> float:
    """Infinity, which is compared like any number; what is not a number passes every check of a range."""
    if name == "NaN":
        raise ValueError("NaN is no number")
    return float(name)


def is_deeper(value: Any, most: int) -> bool:
    """Whether lists and tables lie in each other more than ``most`` deep."""
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
