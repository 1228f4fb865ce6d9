"""Recipes that nobody would write: each is read, or ends in an error of ours that says where."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli import registry
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.read import read_recipe
from audiomcq_cli.storage.resources import shipped
from tests.fuzz import fuzzed

EXAMPLES = [path.read_text("utf-8") for path in sorted(shipped("examples").glob("*.toml"))]

ODD = (
    "yes", "None", "nan", "-inf", "1e400", "9" * 30, "9" * 5_000, "-1", "0", "true", "1979-05-27", "07:32:00",
    "1979-05-27T07:32:00Z", "[]", "{}", "[[]]", "[" * 30 + "]" * 30, "[" * 3_000, "[" * 3_000 + "]" * 3_000, '""',
    r'"\u0000"', r'"a\u0000b"',
    '"~nobody-of-this-name/x"', '"~"', '"/"', '".."', "[1, 'a', {}]", '{ a = { b = 1 } }',
    '"é\u202e"',
    "'''", '"http://[::1"', '"http://h:99999999/v1"', '"http://h"', "1_000", "0x10", "[nan]", '[""]', '"a:b:c"',
)  # fmt: skip
"""Values to stand after a key; most of them mean something to TOML."""

LINES = (
    "[models]", "[models.writer]", "[models.x]", "[[models]]", "[[sources]]", "[sources]", "[[imports]]", "[generate]",
    "[project]", "[limits]", "[limits.max_rejected]", "[expect]", "[publish]", "[nothing]", 'models = "x"',
    "sources = 1",
    'adapter = "hf"', 'adapter = "table"', 'backend = "embedded"', 'backend = "openai-batch"',
    "a" + ".a" * 300 + " = 1",
    "filter = 3", "]", "\ufeff", "\r", "=",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """An example with some values replaced by odd ones, and some lines left out, doubled or brought in."""
    lines = draw(st.sampled_from(EXAMPLES)).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[at].partition("=")
        match draw(st.integers(0, 3)):
            case 0 if equals:
                lines[at] = f"{key}= {draw(st.sampled_from(ODD))}"
            case 1:
                lines.insert(at, draw(st.sampled_from(LINES)))
            case 2:
                lines.insert(
                    at,
                    f"{draw(st.sampled_from(('model', 'path', 'name', 'seed', 'x')))} = {draw(st.sampled_from(ODD))}",
                )
            case _:
                lines[at] = draw(st.sampled_from(("", lines[at] * 2, lines[at][: len(lines[at]) // 2])))
    return "\n".join(lines)


def check(text: bytes) -> None:
    """Read a recipe, with the options of every stage; what is refused says in which file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "recipe.toml")
        path.write_bytes(text)
        try:
            recipe = read_recipe(path)
            for name in registry.stages():
                recipe.options(name)
                assert math.isfinite(recipe.limit("max_rejected", name, 1.0))
        except RecipeError as error:
            assert str(path) in str(error)


@fuzzed
@given(mutated())
def test_recipe_that_was_spoilt(text: str) -> None:
    """A recipe with odd values and lines is read or refused."""
    check(text.encode("utf-8", "surrogatepass"))


@fuzzed
@given(st.one_of(st.text(), st.lists(st.sampled_from((*LINES, *ODD, *(f"k = {odd}" for odd in ODD)))).map("\n".join)))
def test_recipe_that_is_none(text: str) -> None:
    """Any text is read or refused."""
    check(text.encode("utf-8", "surrogatepass"))


@fuzzed
@given(st.binary())
def test_recipe_that_is_no_text(data: bytes) -> None:
    """Any bytes are read or refused."""
    check(data)
