"""Reads JSON files of rows: a list of objects, JSON Lines, or one object with a row under each key.

Rows are streamed whatever the size of the file: a list of a million rows takes no more memory than one of ten.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Never

from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._csv import refusing

JSON_EXTENSIONS = (".json", ".jsonl", ".ndjson")
"""Extensions of JSON files. Each may hold any of the three forms."""

_BEGIN = ("start_map", "start_array")
_END = ("end_map", "end_array")
_DEEPEST = 32
"""Most levels of nested lists. No set needs more than a few."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # orjson refuses a whole text for one lone surrogate
_KEY = re.compile(rb'"\s*:')
_LONGEST_LINE = 2**20
"""Most bytes of a first line in JSON Lines. If it is longer, the file is one object."""


@dataclass(frozen=True, slots=True)
class JsonRow:
    """One row: its number, from 1, its value, and its key, if it has one."""

    row: int
    cells: dict[str, Any]
    key: str = ""


def read_json(path: Path, expected: str) -> Iterator[JsonRow]:
    """Stream the rows of a file in any of the three forms.

    Raises:
        InputError: The file cannot be read, is not JSON, or holds something other than objects; the error names the
            row.
    """
    with refusing(path, expected), path.open("rb") as file:
        form = _find_form(file)
        if not form:
            raise InputError(f"is empty, expected {expected}", file=str(path))
        file.seek(0)
        rows = read_lines(path, expected) if form == "lines" else _read_whole(file, path)
        for number, (key, value) in enumerate(rows, 1):
            if not isinstance(value, dict):
                found = type(value).__name__
                raise InputError(f"expected an object, found {found}", file=str(path), row=number, hint=expected)
            yield JsonRow(number, value, str(key))


def read_lines(path: Path, expected: str) -> Iterator[tuple[str, Any]]:
    """Stream the values of a JSON Lines file without blank lines; the key is empty.

    Raises:
        InputError: The file cannot be read, a line is not JSON, or a key occurs twice.
    """
    row = 0
    with refusing(path, expected), path.open("rb") as file:
        for line in file:
            if not line.strip():
                continue
            row += 1
            try:
                yield "", parse_json(line.removeprefix(codecs.BOM_UTF8))
            except RepeatedKey as error:
                raise _refuse_key(error, path, row) from error
            except ValueError as error:
                raise InputError(
                    f"is not JSON: {error}", file=str(path), row=row, hint="expected one JSON object on each line"
                ) from error


class RepeatedKey(ValueError):
    """An object has a key twice, so that one of its two values would be lost."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key!r} is there more than once")
        self.key = key


def parse_json(text: bytes) -> Any:
    """Parse JSON, lone surrogates included: the reader of the row reports them.

    Raises:
        ValueError: The text is not JSON.
        RepeatedKey: An object in it has a key twice.
    """
    try:
        value = _parse(text)
        if len(_KEY.findall(text)) != _count_keys(value):  # a text may look like a key, so this alone proves nothing
            json.loads(text.decode("utf-8"), object_pairs_hook=_refuse_repeated)
    except RecursionError as error:  # orjson itself goes deeper than Python
        raise ValueError("nested too deeply") from error
    return value


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_count_keys, value.values()))
    return sum(map(_count_keys, value)) if isinstance(value, list) else 0


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RepeatedKey(key)
        found[key] = value
    return found


def _refuse_key(error: RepeatedKey, path: Path, row: int) -> InputError:
    return InputError("the key is there more than once", file=str(path), row=row, column=error.key)


def _parse(text: bytes) -> Any:
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if not _SURROGATE.search(text):
            raise
    try:
        return json.loads(text.decode(), parse_int=float, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _find_form(file: IO[bytes]) -> str:
    """Return ``lines`` or ``whole``, by the beginning of the file; empty for an empty file."""
    begin = file.read(_LONGEST_LINE).removeprefix(codecs.BOM_UTF8).lstrip()
    if not begin:
        return ""
    if begin.startswith(b"["):
        return "whole"
    first, line_break, rest = begin.partition(b"\n")
    try:
        value = _parse(first)
    except ValueError:
        return "whole" if begin.startswith(b"{") and (not line_break or first.strip() in (b"{", b"")) else "lines"
    rows = isinstance(value, dict) and bool(value) and all(isinstance(one, dict) for one in value.values())
    return "whole" if rows and not rest.strip() else "lines"


def _read_whole(file: IO[bytes], path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a list (without a key) or of an object, one in memory at a time.

    They are built from the basic events: ijson's prefixes grow with the depth of the file.
    """
    import ijson
    from ijson.common import ObjectBuilder

    if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        file.seek(0)
    row, depth, key = 1, 0, ""
    builder = ObjectBuilder()
    keys: list[set[str]] = []  # of the objects that are open
    try:
        for event, value in ijson.basic_parse(file, use_float=True):
            begins = event in _BEGIN
            depth += begins - (event in _END)
            if depth > _DEEPEST:
                raise InputError("nested too deeply", file=str(path), row=row)
            if depth == 0 or (depth == 1 and begins):  # the list or object itself
                continue
            if depth == 1 and event == "map_key":
                key = value
                continue
            if event == "start_map":
                keys.append(set())
            elif event == "end_map":
                keys.pop()
            elif event == "map_key":
                if value in keys[-1]:
                    raise _refuse_key(RepeatedKey(value), path, row)
                keys[-1].add(value)
            builder.event(event, value)
            if depth == 1:
                yield key, builder.value
                builder, row = ObjectBuilder(), row + 1
    except (ijson.JSONError, UnicodeDecodeError) as error:
        said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        message = f"is not JSON: {said.splitlines()[0].strip()}"
        raise InputError(message, file=str(path), row=row, hint="is the file whole?") from error


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")
