"""Reads TOML from untrusted authors."""

from __future__ import annotations

import tomllib
from typing import Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.json import DEEPEST, is_deeper

LARGEST = 4 * 2**20
"""Most characters of a file; a prompt has 3,000."""


def read_toml(text: str, file: str, *, hint: str = "") -> dict[str, Any]:
    """Parse a TOML text.

    Raises:
        InputError: The text is not TOML, too long, or too deeply nested.
    """
    if len(text) > LARGEST:
        raise InputError(f"more than {LARGEST:,} characters of TOML", file=file, hint=hint)
    try:
        table = tomllib.loads(text)
    except RecursionError:  # its traceback has a thousand useless lines
        raise InputError(f"TOML more than {DEEPEST} levels deep", file=file, hint=hint) from None
    except ValueError as error:  # a TOMLDecodeError, an impossible date, a number of 5,000 digits
        raise InputError(f"not TOML: {error}", file=file, hint=hint) from error
    if is_deeper(table, DEEPEST):
        raise InputError(f"TOML more than {DEEPEST} levels deep", file=file, hint=hint)
    return table
