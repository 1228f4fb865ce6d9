"""Tests of ``release/texts/recipe.py``: what a release says of how it was made can be made again."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.errors import StorageError
from audiomcq_cli.recipe.read import read_recipe
from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.texts.recipe import hide_places, list_prompts, write_recipe
from audiomcq_cli.storage.prompts import Prompts
from audiomcq_cli.storage.resources import shipped
from tests.cli import audiomcq
from tests.release.conftest import INFO

HOSTILE = ('"\n[models.x]\nbase_url = "http://evil"', "\\", "'''", "# x", "\x7f\x00", "\u2028 🎧", "a = 1\r")


def step(stage: str, **values: Any) -> dict[str, Any]:
    """A stage of a lineage."""
    items = {"in": 1, "kept": 1, "rejected": 0, "failed": 0}
    base = {"stage": stage, "version": 1, "seed": 3, "options": {}, "models": {}, "prompts": {}}
    return {**base, "items": items, "reasons": {"rejected": {}, "failed": {}}, **values}


def judge(**values: Any) -> dict[str, Any]:
    """A model of a lineage."""
    model = {"backend": "openai-compatible", "model": "org/m", "revision": "r1", "sampling": {"temperature": 0.5}}
    return {**model, "structured": "json_schema", "audio": True, "tries": 3, "sample_rate": 16_000, **values}


def manifest(*steps: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A manifest with what a recipe is made of."""
    source: dict[str, Any] = {
        "name": "S",
        "adapter": "folder",
        "file": "clips",
        "limit": None,
        "license": "CC0",
        "options": {},
    }
    return {"tool_version": "0.1.0", "shards": [{}, {}], "sources": [source], "lineage": list(steps), **values}


def test_the_program_reads_the_recipe_of_a_release(tmp_path: Path) -> None:
    """Seed, sources, models and every option are what made it; each model has the address of a server of its own."""
    options = {"condition": "silence", "judges": ["a", "b"], "silence_seconds": 20.0, "weak_at": 2}
    lineage = manifest(
        step("caption"), step("generate", options={"types": {"speech": 0.5}}),
        step("filter", options=options, models={"a": judge(), "b": judge(model="org/n")}),
    )  # fmt: skip
    text = write_recipe(INFO, lineage)
    (tmp_path / "recipe.toml").write_text(text, "utf-8")
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert (recipe.name, recipe.version, recipe.seed, recipe.shards) == ("tiny", "1.2.0", 3, 2)
    assert asdict(recipe.options("filter")) == {**options, "judges": ("a", "b")}
    assert recipe.options("generate").types == {"speech": 0.5}
    assert recipe.models["b"].model == "org/n" and recipe.models["b"].sampling == {"temperature": 0.5}
    assert [recipe.models[name].base_url for name in "ab"] == [
        ("http://localhost:8000/v1",),
        ("http://localhost:8001/v1",),
    ]
    assert (recipe.sources[0].name, recipe.sources[0].license) == ("S", "CC0")
    assert recipe.sources[0].path == tmp_path / "FILL-IN/clips"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_change_only_their_own_text(text: str) -> None:
    """No name ends its quotes, opens a table or leaves a comment."""
    source = {"name": "S", "adapter": text, "file": text, "license": text, "origin": text, "options": {"x": 1}}
    info = ReleaseInfo(name=text, version=text, title=text, license=text, languages=(text,))
    lineage = manifest(
        step("filter", options={"judges": [text], "map": {text: text}}, models={text: judge(model=text)}),
        step("split", seed=9, models={text: judge(model=f"{text}2")}),
        tool_version=text, sources=[source],
    )  # fmt: skip
    table = tomllib.loads(write_recipe(info, lineage))
    assert set(table) == {"project", "sources", "models", "filter", "split", "publish"}
    assert (table["project"]["name"], table["publish"]["languages"]) == (text, [text])
    assert table["sources"][0]["origin"] == text
    assert table["models"][text]["model"] == text
    assert table["filter"] == {"judges": [text], "map": {text: text}}


def test_a_source_is_named_with_all_that_decides_over_its_clips() -> None:
    """Limit and sample; of files only names, below a placeholder; a dataset of the Hub as it is; its audio folder."""
    source = {"adapter": "audiocaps", "name": "A", "file": "train.csv", "limit": 9, "sample": 5, "options": {}}
    hub = {"adapter": "hf", "name": "H", "file": "org/set@v1:en:train", "options": {"columns": {"caption": "text"}}}
    folder = {"adapter": "folder", "name": "F", "file": "clips", "options": {"captions": "texts/c.csv"}}
    roots = {"A": "../../data/audio", "H": "../../audio", "F": "../../clips"}
    lineage = manifest(step("caption"), sources=[source, hub, folder], audio_roots=roots)
    tables = tomllib.loads(write_recipe(INFO, lineage))["sources"]
    assert tables == [
        {"adapter": "audiocaps", "path": "FILL-IN/train.csv", "name": "A", "audio": "FILL-IN/audio", "limit": 9,
         "sample": 5},
        {"adapter": "hf", "path": "org/set@v1:en:train", "name": "H", "columns": {"caption": "text"}},
        {"adapter": "folder", "path": "FILL-IN/clips", "name": "F", "captions": "texts/c.csv"},
    ]  # fmt: skip


def test_a_second_input_is_named_below_a_placeholder() -> None:
    """Of a file that a stage read beside its input the name is known; other options stay as they are."""
    options = {"reviews": "reviews.csv", "style": "plain"}
    tables = tomllib.loads(write_recipe(INFO, manifest(step("verify", options=options, beside={"reviews": "ab"}))))
    assert tables["verify"] == {"reviews": "FILL-IN/reviews.csv", "style": "plain"}


def test_models_are_named_by_what_loads_them() -> None:
    """Weights by package or repository, else below a placeholder; tables of one served model share its address."""
    weights = judge(backend="embedded", model="Small.Q4", revision="ab12")
    models = {
        "a": judge(), "b": judge(model="org/n"), "c": judge(sampling={"temperature": 0}),
        "d": judge(model="gpt-4.1-mini"), "e": {**weights, "named": "llm-small"}, "f": weights,
    }  # fmt: skip
    text = write_recipe(INFO, manifest(step("filter", models=models)))
    tables = tomllib.loads(text)["models"]
    addresses = {name: table.get("base_url", "").removeprefix("http://localhost:") for name, table in tables.items()}
    assert addresses == {"a": "8000/v1", "b": "8001/v1", "c": "8000/v1", "d": "", "e": "", "f": ""}
    assert (tables["e"]["model"], tables["f"]["model"]) == ("llm-small", "FILL-IN/Small.Q4.gguf")
    assert "revision" not in tables["e"] and "named" not in tables["e"] and "ab12" in text


def test_a_recipe_with_a_missing_place_stops_at_its_line(tmp_path: Path) -> None:
    """The first place that is not filled in ends the run before anything is written, for weights as for sources."""
    recipe = tmp_path / "recipe.toml"
    (tmp_path / "here").mkdir()
    source = '[[sources]]\nadapter = "folder"\npath = "FILL-IN/clips"\n'
    stages = '[generate]\nmethods = ["grounded"]\n[verify]\ngraders = []\n[cot]\nwriter = ""\ngrader = ""\n'
    model = '[models.m]\nbackend = "embedded"\nmodel = "FILL-IN/w.gguf"\n[filter]\njudges = ["m:letter"]\n'
    recipe.write_text(f'{source}{stages}{model}condition = "none"\nweak_at = 1\n', "utf-8")
    ended = audiomcq("run", recipe, folder=tmp_path)
    assert ended.code == 4 and "line 3, key sources.0.path" in ended.error
    recipe.write_text(recipe.read_text("utf-8").replace("FILL-IN/clips", "here"), "utf-8")
    ended = audiomcq("run", recipe, folder=tmp_path)
    assert ended.code == 4 and "key models.m.model" in ended.error and "FILL-IN/w.gguf" in ended.error
    assert not (tmp_path / "build").exists()


def test_stages_that_differ_from_the_rest_are_remarked(tmp_path: Path) -> None:
    """A recipe has one seed and one model of a name; where a stage had another, a comment says so."""
    text = write_recipe(
        INFO,
        manifest(step("verify", models={"m": judge()}), step("cot", seed=9, models={"m": judge(revision="r2\nx")})),
    )
    assert "# run with seed 9\n" in text and '"revision": "r2\\nx"' in text
    assert set(tomllib.loads(text)) == {"project", "sources", "models", "verify", "cot", "publish"}


def test_prompts_are_files_that_the_program_reads(stage: Path, tmp_path: Path) -> None:
    """Each with the text that made the rows, under its own name."""
    text = (shipped("prompts") / "judge.toml").read_text("utf-8")
    path = stage / ".audiomcq/manifest.json"
    content = json.loads(path.read_text("utf-8"))
    content["lineage"][1]["prompts"]["judge"]["text"] = text
    path.write_text(json.dumps(content), "utf-8")
    build_release(stage, tmp_path / "release", INFO)
    assert Prompts(tmp_path / "release/prompts").get("judge").source == text


def test_a_prompt_changed_between_stages_is_two_files() -> None:
    """The later text does not take the place of the first."""
    first, later = ({"judge": {"text": text}} for text in ("one", "two"))
    found = list_prompts(manifest(step("verify", prompts=first), step("filter", prompts=later)))
    assert found == {"prompts/judge.toml": "one", "prompts/filter/judge.toml": "two"}


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a.b", "C:x"])
def test_a_prompt_with_a_name_that_is_a_path_is_refused(name: str) -> None:
    """A manifest is a file that anyone may have written."""
    with pytest.raises(StorageError, match="no name of a prompt"):
        list_prompts(manifest(step("filter", prompts={name: {"text": "x"}})))


def test_places_on_the_machine_are_not_told(tmp_path: Path) -> None:
    """Of paths in the options of a source only the last part stays, in the recipe and in the manifest of a release."""
    source: dict[str, Any] = {
        "name": "S",
        "adapter": "clotho",
        "file": "c.csv",
        "options": {"metadata": "/home/me/m.csv", "n": 1},
    }
    assert hide_places([source])[0]["options"] == {"metadata": "m.csv", "n": 1}
    assert hide_places([{**source, "options": {"metadata": "C:\\me\\m.csv"}}])[0]["options"] == {"metadata": "m.csv"}
    assert "/home" not in write_recipe(replace(INFO, title=""), manifest(step("caption"), sources=[source]))
