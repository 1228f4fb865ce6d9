"""What is said of a table that breaks its schema, and of a name that is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.recipe.check import did_you_mean, error_at, first_problem

WANTED: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model"],
    "properties": {
        "model": {"type": "string", "minLength": 1, "description": "which"},
        "api_key_env": {"type": "string", "pattern": "^[A-Z]+$"},
        "tries": {"anyOf": [{"type": "integer"}, {"const": "auto"}]},
    },
}


@pytest.mark.parametrize(
    ("table", "keys", "message"),
    [
        ({}, [], "key 'model' is missing: which"),
        ({"model": "m", "modle": 1}, ["modle"], "unknown key; did you mean 'model'?"),
        ({"model": 5}, ["model"], "expected a text, found 5 (which)"),
        ({"model": ""}, ["model"], "must not be empty (which)"),
        ({"model": "m", "tries": "x"}, ["tries"], "'x' does not fit"),
        ({"model": "m", "api_key_env": "sk-1"}, ["api_key_env"], "something else does not have the form ^[A-Z]+$"),
    ],
)  # fmt: skip
def test_first_problem(table: dict[str, Any], keys: list[str], message: str) -> None:
    """The key and what was expected there; what may be a secret is not repeated."""
    assert first_problem(table, WANTED) == (keys, message)


def test_no_problem() -> None:
    """A table that keeps to its schema has none."""
    assert first_problem({"model": "m", "tries": "auto"}, WANTED) is None


def test_error_names_file_line_and_key() -> None:
    """An error is placed by the line of its key."""
    error = error_at(Path("r.toml"), "[a]\nx = 1\n", ["a", "x"], "too small", "raise it")
    assert (str(error), error.hint) == ("r.toml, line 2, key a.x: too small", "raise it")


def test_did_you_mean() -> None:
    """A name close to one is answered with that one, any other with all there are."""
    assert did_you_mean("wrter", ("writer", "grader")) == "; did you mean 'writer'?"
    assert did_you_mean("x", ("writer", "grader")) == "; expected one of grader, writer"
