"""Finds the first problem of a recipe and its place, in words for people."""

from __future__ import annotations

import datetime
import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.lines import find_line

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}


def error_at(path: Path, text: str, keys: Sequence[str | int], message: str, hint: str = "") -> RecipeError:
    """Return an error about a recipe, with its line and key."""
    dotted = ".".join(str(key) for key in keys)
    return RecipeError(f"{path}, line {find_line(text, keys)}, key {dotted}: {message}", hint=hint)


def first_problem(table: Any, wanted: Mapping[str, Any]) -> tuple[list[str | int], str] | None:
    """Return the first place where a table breaks its schema, and a description; None if it is valid."""
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
    """Suggest known names for an unknown one: those that contain it, the closest one, else all of them."""
    known = list(known)
    close = [one for one in known if name in one.split("_")] or difflib.get_close_matches(name, known, n=1)
    meant = " or ".join(repr(one) for one in sorted(close))
    return f"; did you mean {meant}?" if close else f"; expected one of {', '.join(sorted(known))}"


DEEPEST = 20
"""Most levels of nested tables and lists: no recipe needs more, and the code that reads them is recursive."""


def first_odd(table: Any) -> tuple[list[str | int], str] | None:
    """Return the first value that TOML allows and no recipe can use: a time, an infinite or huge number, a truncated
    text.
    """
    todo: list[tuple[list[str | int], Any]] = [([], table)]
    while todo:
        keys, value = todo.pop()
        if len(keys) > DEEPEST:
            return keys[:DEEPEST], "nested too deeply"
        match value:
            case dict():
                todo += [([*keys, name], one) for name, one in reversed(value.items())]
                texts = [str(name) for name in value]
            case list():
                todo += [([*keys, index], one) for index, one in reversed(list(enumerate(value)))]
                texts = []
            case _:
                texts = [value] if isinstance(value, str) else []
        if any("\0" in text for text in texts):
            return keys, "a text holds the character U+0000"
        if isinstance(value, datetime.date | datetime.time):
            return keys, "expected no date or time; a text stands in quotes"
        if isinstance(value, float) and not math.isfinite(value):
            return keys, f"expected a number, found {value}"
        if isinstance(value, int) and abs(value) >= 2**63:
            return keys, "the number is too large"
    return None


def explain_toml(text: str, error: Exception) -> tuple[str, str]:
    """Describe what is wrong with a text that is not TOML, with its line, and a hint."""
    hint = 'texts stand in quotes, as name = "corpus"'
    if isinstance(error, RecursionError):
        lines = text.split("\n")
        deepest = max(range(len(lines)), key=lambda at: lines[at].count("[") + lines[at].count("{"))
        return f"line {deepest + 1}: nested too deeply", "are there brackets too many?"
    found = re.search(r"at line (\d+)", str(error))
    if not found:
        return f"not TOML: {error}", hint
    line = text.split("\n")[int(found[1]) - 1] if int(found[1]) <= text.count("\n") + 1 else ""
    key, _, value = (part.strip() for part in line.partition("="))
    word = value.partition("#")[0].strip()
    if word.lower() in ("yes", "on", "true", "no", "off", "false"):
        hint = f"write {key} = {'true' if word.lower() in ('yes', 'on', 'true') else 'false'}"
    elif word.lower() in ("none", "null", "nil"):
        hint = f"leave {key} out where it has no value"
    elif re.fullmatch(r"[\w./:-]+", word):
        hint = f'texts stand in quotes: {key} = "{word}"'
        if key in ("api_key_env", "base_url"):  # the value may be the key itself
            hint = f"texts stand in quotes, after {key} as well"
    return f"not TOML: {error}", hint


def _explain(error: Any, keys: Sequence[str | int]) -> str:
    """Describe what is wrong with a value."""
    described = error.schema.get("description", "")
    # In place of a variable's name there may be the key itself, and an address may hold a password.
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
