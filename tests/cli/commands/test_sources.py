"""``audiomcq sources`` and the tables [[sources]] of a recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiomcq_cli import registry
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.read import read_recipe
from tests.cli import audiomcq

NAMES = registry.names("sources")


def test_list(tmp_path: Path) -> None:
    """Every source is in the table for people, and with all that is known of it in the summary."""
    ended = audiomcq("sources", folder=tmp_path)
    assert ended.code == 0 and ended.out == ""
    assert all(name in ended.err for name in NAMES)
    found = audiomcq("sources", "--json", folder=tmp_path).json["sources"]
    assert [one["name"] for one in found] == NAMES
    assert found[NAMES.index("clotho")]["options"]["metadata"]["type"] == "string"


@pytest.mark.parametrize("name", NAMES)
def test_every_source_says_what_it_expects(tmp_path: Path, name: str) -> None:
    """Path, columns, names of audio and rights of each are told, and a table of a recipe to begin with."""
    layout = registry.source(name).layout
    assert layout.path and layout.columns and layout.audio and layout.rights
    ended = audiomcq("sources", name, folder=tmp_path)
    assert layout.path in ended.out and f'adapter = "{name}"' in ended.out
    assert all(option in ended.out for option in registry.source(name).options.__dataclass_fields__)


def test_unknown_source(tmp_path: Path) -> None:
    """A name that there is not is refused with those there are."""
    ended = audiomcq("sources", "audiocap", folder=tmp_path)
    assert ended.code == 4
    assert "audiocaps" in ended.error + ended.err


def recipe(folder: Path, *lines: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text("\n".join(["[[sources]]", *lines]) + "\n")
    return path


def test_address_is_not_a_path(tmp_path: Path) -> None:
    """A dataset of the Hub is not looked for beside the recipe, and its name is without the revision."""
    [spec] = read_recipe(recipe(tmp_path, 'adapter = "hf"', 'path = "org/set@v1:en:train"', "sample = 7")).sources
    assert (spec.path.as_posix(), spec.name, spec.sample) == ("org/set@v1:en:train", "set-en-train", 7)
    assert spec.find_root(tmp_path) == tmp_path / "audio"


def test_table_is_named_without_its_extension(tmp_path: Path) -> None:
    """The name of a table is that of its file; its options come from the recipe."""
    path = recipe(tmp_path, 'adapter = "table"', 'path = "my clips.csv"', 'columns = { caption = "text" }')
    [spec] = read_recipe(path).sources
    assert (spec.name, spec.options.columns) == ("my-clips", {"caption": "text"})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (('adapter = "table"', 'path = "x.csv"', 'columns = { captoin = "text" }'), "line 4, key sources.0.columns"),
        (('adapter = "lp-musiccaps"', 'path = "x"', 'kinds = ["tags"]'), "line 4, key sources.0.kinds"),
        (('adapter = "tacos"', 'path = "x"', 'split = "train"'), "line 4, key sources.0.split"),
        (('adapter = "tacos"', 'path = "x"', "sample = 0"), "line 4, key sources.0.sample"),
    ],
)
def test_mistakes_are_told_with_line_and_key(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    """An option of a source that does not make sense is told where it stands."""
    with pytest.raises(RecipeError, match=message):
        read_recipe(recipe(tmp_path, *lines))
