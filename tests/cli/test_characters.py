"""Control characters in rows: ``validate`` and ``publish`` refuse them and name row, column and character."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli import audiomcq
from tests.release.conftest import released_row, write_stage

RECIPE = '[project]\nname = "tiny"\nversion = "1.0.0"\n[publish]\nlicense = "cc-by-4.0"\n'
REFUSED = ["\x00", "\x07", "\x0b", "\x1b", "\x7f"]
PLACES: dict[str, Any] = {
    "question": "What is{}heard?",
    "simple_cot": "It{}rains.",
    "source_id": "a{}b",
    "captions": [{"text": "rain{}falls", "origin": "AudioCaps"}],
    "tags": [{"name": "task", "value": "a{}b"}],
    "flags": ["a{}b"],
}
"""Columns of each kind: a text, one that may be missing, an id, lists of tables, a list of texts."""


def put(value: Any, sign: str) -> Any:
    """A value with a character in it."""
    return json.loads(json.dumps(value).replace("{}", json.dumps(sign)[1:-1]))


def write(folder: Path, column: str, sign: str) -> None:
    """A finished folder of split whose second row has a character in a column, and a recipe."""
    rows = [released_row(0), released_row(1, **{column: put(PLACES[column], sign)}), released_row(2)]
    write_stage(folder / "split", rows)
    (folder / "recipe.toml").write_text(RECIPE)


@pytest.mark.parametrize(
    ("column", "sign"), [*((column, "\x00") for column in PLACES), *(("question", sign) for sign in REFUSED[1:])]
)
def test_control_characters_are_refused(column: str, sign: str, tmp_path: Path) -> None:
    """Both commands name row, column and character; no release is left, and the character is not printed raw."""
    write(tmp_path, column, sign)
    code = f"U+{ord(sign):04X}"
    checked = audiomcq("validate", "split", folder=tmp_path)
    assert checked.code == 8
    assert code in checked.out and column in checked.out and "AudioCaps:1:llm:0" in checked.out
    published = audiomcq("publish", "split", "release", "--recipe", "recipe.toml", folder=tmp_path)
    assert published.code == 3
    assert code in published.error and f"column '{column}'" in published.error and "AudioCaps:1" in published.error
    assert "hint: " in published.error
    assert not list(tmp_path.glob("*release*/**/*.parquet"))
    assert sign not in checked.out + checked.err + published.out + published.err


@pytest.mark.parametrize("sign", ["\t", "\n", "\r\n", "\u00a0", "\U0001f600"])
def test_other_characters_are_kept(sign: str, tmp_path: Path) -> None:
    """Tabs, line ends and whatever is no control character are no problem in a text."""
    write(tmp_path, "simple_cot", sign)
    checked = audiomcq("validate", "split", folder=tmp_path)
    assert (checked.code, checked.out) == (0, "")


def test_names_are_no_emoji(tmp_path: Path) -> None:
    """An id with a word between colons, as ``Lines:one:llm:0``, is shown as it is."""
    write_stage(tmp_path / "split", [released_row(0, id="Lines:one:llm:0", simple_cot=None)])
    ended = audiomcq("export", "audiomcq", "split", "out", "--cot", "simple", folder=tmp_path)
    assert "question 'Lines:one:llm:0' has none" in ended.error
