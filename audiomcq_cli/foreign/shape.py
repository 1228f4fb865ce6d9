"""Checks the fields and types of data from a foreign file against a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiomcq_cli.errors import InputError

_HEAD, _TAIL = 120, 100
"""Characters of a message that are kept at both ends: it begins with the wrong value and ends with the fault."""


PATH = {"type": "string", "maxLength": 3_000, "pattern": r"\A(?:[^/\x00]{0,255}(?:/|\Z))*\Z"}
"""Schema of a path: systems refuse U+0000, names of more than 255 bytes and paths of more than 4,096."""


def find_faults(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield every place where a value breaks a schema, with the fault."""
    import jsonschema

    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        yield f"{_cut(error.json_path)}: {_cut(error.message)}"


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a value fits a schema."""
    return next(find_faults(value, schema), None) is None


def require(value: Any, schema: Mapping[str, Any], what: str, file: str, *, hint: str = "") -> dict[str, Any]:
    """Return a value if it is a table that fits a schema.

    Args:
        value: Parsed data.
        schema: Schema of a table.
        what: Description of the expected data, such as "a manifest".
        file: Name of the file, for the error.
        hint: Advice for the error.

    Raises:
        InputError: The value does not fit.
    """
    for fault in find_faults(value, schema):
        raise InputError(f"not {what} that this version reads: {fault}", file=file, hint=hint)
    return dict(value)


def _cut(text: str) -> str:
    """Shorten a long text in the middle: it may hold a whole file."""
    text = " ".join(text.split())
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} … {text[-_TAIL:]}"
