"""What is wrong with a recipe, for people: the first thing that breaks its schema, and where that stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audiomcq_cli.cli.lines import find_line
from audiomcq_cli.errors import RecipeError

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}


def error_at(path: Path, text: str, keys: Sequence[str | int], message: str, hint: str = "") -> RecipeError:
    """An error of a recipe, with the line and the key where it stands."""
    dotted = ".".join(str(key) for key in keys)
    return RecipeError(f"{path}, line {find_line(text, keys)}, key {dotted}: {message}", hint=hint)


def first_problem(table: Any, wanted: Mapping[str, Any]) -> tuple[list[str | int], str] | None:
    """Where a table first breaks its schema, and how."""
    import jsonschema

    for error in jsonschema.Draft202012Validator(wanted).iter_errors(table):
        keys = list(error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = error.schema["properties"] if isinstance(error.schema, dict) else {}
            if unknown := [name for name in error.instance if name not in known]:
                return [*keys, unknown[0]], f"unknown key{did_you_mean(unknown[0], known)}"
        return keys, _explain(error, keys)
    return None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not known: the one it is close to, else all there are."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of {', '.join(sorted(known))}"


def _explain(error: Any, keys: Sequence[str | int]) -> str:
    """What is wrong with a value, for people."""
    described = error.schema.get("description", "")
    # What stands where the name of a variable should may well be the key itself; an address may hold a password.
    found = "something else" if keys and keys[-1] in ("api_key_env", "base_url") else repr(error.instance)
    match error.validator:
        case "required":
            missing = next(name for name in error.validator_value if name not in error.instance)
            described = error.schema["properties"].get(missing, {}).get("description", "")
            return f"key {missing!r} is missing" + (f": {described}" if described else "")
        case "type":
            expected = f"expected {_TYPES.get(error.validator_value, error.validator_value)}, found {found}"
        case "enum":
            expected = f"expected one of {', '.join(repr(one) for one in error.validator_value)}, found {found}"
        case "pattern":
            expected = f"{found} does not have the form {error.validator_value}"
        case "minLength":
            expected = "must not be empty"
        case "anyOf":
            expected = f"{found} does not fit"
        case _:
            expected = error.message
    return expected + (f" ({described})" if described else "")
