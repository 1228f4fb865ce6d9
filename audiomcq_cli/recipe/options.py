"""Reads the options that stages, sources, backends and exports declare from recipe tables."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, TypeVar

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.shape import find_faults

T = TypeVar("T")


def schema_of(options: type) -> dict[str, Any]:
    """Return the JSON Schema of the recipe table that sets these options."""
    hints = typing.get_type_hints(options)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {one.name: _property(one, hints[one.name]) for one in fields(options)},
    }


def build(options: type[T], table: Mapping[str, Any]) -> T:
    """Build options from a table that has been checked against ``schema_of``."""
    hints = typing.get_type_hints(options)
    return options(**{name: _convert(hints[name], value) for name, value in table.items()})


def restore(options: type[T], table: Mapping[str, Any]) -> T:
    """Build options from a table of a manifest, which another version or a person may have written.

    Raises:
        InputError: The table does not fit these options.
    """
    for fault in find_faults(table, schema_of(options)):
        raise InputError(fault)
    return build(options, table)


SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _property(one: Field[Any], hint: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"description": one.metadata.get("help", "")}
    if hint in SCALARS:
        found["type"] = SCALARS[hint]
    elif is_mapping(hint):
        value = typing.get_args(hint)[1]
        found |= {"type": "object", "additionalProperties": {"type": SCALARS[value]}}
    else:
        found |= {"type": "array", "items": {"type": "string"}}
    if choices := one.metadata.get("choices"):
        found["enum"] = list(choices)
    for name in ("minimum", "maximum"):
        if one.metadata.get(name) is not None:
            found[name] = one.metadata[name]
    return found


def _convert(hint: Any, value: Any) -> Any:
    if hint is float:
        return float(value)
    if hint in SCALARS:
        return value
    return dict(value) if is_mapping(hint) else tuple(value)


def is_mapping(hint: Any) -> bool:
    """Return whether an option is a table of names and values."""
    return typing.get_origin(hint) in (Mapping, dict, types.MappingProxyType)
