"""Tests of ``sources/_json.py``: three forms of a file of rows, each streamed."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._json import JsonRow, parse_json, read_json

ROWS: list[dict[str, Any]] = [{"id": "a", "text": "naïve"}, {"id": "b", "times": [0.5, None]}]


def read(folder: Path, text: str | bytes) -> list[JsonRow]:
    path = folder / "rows.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_json(path, "a list of rows"))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\ufeff" + json.dumps(ROWS, ensure_ascii=False),
        "\n".join(map(json.dumps, ROWS)),
        "\r\n\r\n".join(map(json.dumps, ROWS)) + "\r\n",
    ],
    ids=["list", "indented list", "byte order mark", "lines", "blank lines"],
)
def test_list_and_lines_are_the_same_rows(tmp_path: Path, text: str) -> None:
    """A list and JSON Lines give the same rows, numbered from 1, however they are laid out."""
    assert read(tmp_path, text) == [JsonRow(1, ROWS[0]), JsonRow(2, ROWS[1])]


@pytest.mark.parametrize("indent", [None, 1])
def test_object_of_rows(tmp_path: Path, indent: int | None) -> None:
    """An object gives a row for each key, with the key."""
    assert read(tmp_path, json.dumps({"x": ROWS[0], "y": ROWS[1]}, indent=indent)) == [
        JsonRow(1, ROWS[0], "x"), JsonRow(2, ROWS[1], "y"),
    ]  # fmt: skip


def test_one_line_is_one_row(tmp_path: Path) -> None:
    """A single object whose values are no objects is a row, and not a row for each of its keys."""
    assert read(tmp_path, json.dumps(ROWS[0])) == [JsonRow(1, ROWS[0])]


def test_half_of_a_surrogate_pair_is_passed_on(tmp_path: Path) -> None:
    """Text that is no Unicode is for the reader of the row to refuse, not for the parser."""
    [row] = read(tmp_path, '{"id": "\\ud800"}\n')
    assert row.cells == {"id": "\ud800"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": 1}, {"id": ', "rows.json, row 2: is not JSON"),
        ('[{"id": 1}, 2]', "rows.json, row 2: expected an object, found int"),
        ('{"id": 1}\n{"id": \n', "rows.json, row 2: is not JSON"),
        ("  \n", "rows.json: is empty, expected a list of rows"),
        (b'[{"id": "\xff"}]', "rows.json, row 1: is not JSON"),
        ("id,text\n1,a\n", "rows.json, row 1: is not JSON"),
        ("[" * 100_000, "rows.json, row 1: nested too deeply"),
        ('{"a":' * 100_000, "rows.json, row 1: nested too deeply"),
        ('[{"id": 1}, {"id": ' + "[" * 5_000, "rows.json, row 2: nested too deeply"),
    ],
)
def test_fault_is_told_with_its_row(tmp_path: Path, text: str | bytes, message: str) -> None:
    """A file that is cut off, of another kind, or not UTF-8 is refused where it goes wrong."""
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_long_list_on_one_line_is_streamed(tmp_path: Path) -> None:
    """A list of 80 MB on one line takes no such memory: rows come one by one."""
    path = tmp_path / "long.json"
    with path.open("w") as file:
        file.write("[" + json.dumps({"id": "0", "text": "x" * 1000}))
        file.writelines("," + json.dumps({"id": str(n), "text": "x" * 1000}) for n in range(1, 80_000))
        file.write("]")
    code = (
        "import resource; from pathlib import Path; from audiomcq_cli.sources._json import read_json\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"print(sum(1 for _ in read_json(Path({str(path)!r}), 'rows')))\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows, megabytes = map(int, ended.stdout.split())
    assert rows == 80_000
    assert megabytes < 40


@pytest.mark.parametrize("name", ["t.jsonl", "t.json"])
@pytest.mark.parametrize("row", ['{"a": 1, "b": {"c": ":\\"x\\":", "c": 2}}', '{"c"  :1, "d": "\\":", "c":\t2}'])
def test_key_that_is_there_twice(tmp_path: Path, name: str, row: str) -> None:
    """Of two values of one key neither is taken, however deep it lies; a text that looks like a key is none."""
    good = json.dumps({"text": 'he said "c": and "c":', "c": 1})
    lines = [good, row]
    (tmp_path / name).write_text("\n".join(lines) if name == "t.jsonl" else "[" + ",\n".join(lines) + "]")
    with pytest.raises(InputError, match=rf"{name}, row 2, column 'c': the key is there more than once"):
        list(read_json(tmp_path / name, "rows"))


@pytest.mark.parametrize("levels", [900, 1_000, 1_010, 1_024, 5_000])
@pytest.mark.parametrize("first", [b"", b'"\\"a\\":",', b'"\\ud800",'])
def test_depth_ends_in_a_value_or_our_error(levels: int, first: bytes) -> None:
    """JSON as deep as orjson still reads it, and deeper, is read or refused."""
    with suppress(ValueError):
        assert isinstance(parse_json(b"[" + first + b"[" * levels + b"]" * levels + b"]"), list)
