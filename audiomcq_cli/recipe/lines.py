"""Finds the line of a key in a TOML text, which the parser knows and does not report."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any


def find_line(text: str, keys: Sequence[str | int]) -> int:
    """Return the line, from 1, of a key in TOML text, or of the nearest table or key around it.

    A statement (a header, or a key with its value, which may span lines) is the shortest text that TOML can parse.
    """
    best, depth = 1, 0
    table: list[str | int] = []
    arrays: dict[tuple[str | int, ...], int] = {}
    statement, begun = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        begun = begun if statement else number
        statement += line + "\n"
        try:
            path = _path_of(tomllib.loads(statement))
        except (ValueError, RecursionError):
            continue  # goes on in the next line
        if line.lstrip().startswith("[") and begun == number:
            table = _count_in(path, arrays, begins=line.lstrip().startswith("[["))
            here = table
        else:
            here = [*table, *path]
        statement = ""
        shared = next((n for n, (one, other) in enumerate(zip(here, keys, strict=False)) if one != other), None)
        shared = min(len(here), len(keys)) if shared is None else shared
        if shared > depth:
            best, depth = begun, shared
    return best


def _path_of(statement: Any) -> list[str]:
    """Return the keys that lead to the value of a statement, up to where it branches."""
    path: list[str] = []
    while isinstance(statement, dict) and len(statement) == 1:
        [(name, statement)] = statement.items()
        path.append(name)
    return path


def _count_in(names: Sequence[str], arrays: dict[tuple[str | int, ...], int], *, begins: bool) -> list[str | int]:
    """Return the keys of a header with indices into arrays of tables; ``begins`` adds an element."""
    keys: list[str | int] = []
    for place, name in enumerate(names, start=1):
        keys.append(name)
        if begins and place == len(names):
            arrays[tuple(keys)] = arrays.get(tuple(keys), -1) + 1
        if tuple(keys) in arrays:
            keys.append(arrays[tuple(keys)])
    return keys
