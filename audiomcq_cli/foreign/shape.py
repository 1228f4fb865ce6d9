"""The one way to say which fields and types data out of a foreign file must have: a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiomcq_cli.errors import InputError

_HEAD, _TAIL = 120, 100
"""Characters of a message that are shown: it begins with the value that is wrong, and ends with what is wrong."""


PATH = {"type": "string", "maxLength": 3_000, "pattern": r"\A(?:[^/\x00]{0,255}(?:/|\Z))*\Z"}
"""Text that may name a file or a folder: systems take no U+0000, no name of over 255 and no path of 4,096 bytes."""


def find_faults(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Every place where a value is not of the form that a schema asks for, with what is wrong there."""
    import jsonschema

    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        yield f"{_cut(error.json_path)}: {_cut(error.message)}"


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is of the form that a schema asks for."""
    return next(find_faults(value, schema), None) is None


def require(value: Any, schema: Mapping[str, Any], what: str, file: str, *, hint: str = "") -> dict[str, Any]:
    """A table of the form that a schema asks for.

    Args:
        value: Parsed data. schema: Of a table. what: What it should be, as "a manifest". file, hint: For the error.

    Raises:
        InputError: It is of another form.
    """
    for fault in find_faults(value, schema):
        raise InputError(f"not {what} that this version reads: {fault}", file=file, hint=hint)
    return dict(value)


def _cut(text: str) -> str:
    """A text without its middle where it is long: it may hold a whole file."""
    text = " ".join(text.split())
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} … {text[-_TAIL:]}"
