"""Reading a recipe: what it comes to, and errors that name line and key."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from audiomcq_cli.cli.recipe import Recipe, default_recipe, read_recipe, recipe_schema
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.storage.resources import shipped

GOOD = """\
[project]
name = "tiny"
version = "1.2.0"
seed = 7
workdir = "work"
prompts = "mine"

[models.writer]
model = "m"
base_url = ["http://one:8000/v1", "https://two/v1/"]
sampling = { temperature = 0.7 }

[models.script]
backend = "scripted"
model = "s"
script = "replies.json"

[[sources]]
adapter = "folder"
path = "clips"
captions = "texts.csv"
limit = 3

[[sources]]
adapter = "audiocaps"
path = "train.csv"
audio = "/audio"
license = "CC-BY-4.0"

[generate]
questions_per_clip = 2
types = { speech = 1, music = 3 }

[filter]
judges = [
    "writer",
    "script",
]

[publish]
repo = "org/name"
languages = ["en"]
"""


def read(folder: Path, text: str) -> Recipe:
    """Read a recipe from its text."""
    path = folder / "recipe.toml"
    path.write_text(text, "utf-8")
    return read_recipe(path)


def test_recipe(tmp_path: Path) -> None:
    """All tables are read; paths are as seen from the recipe, absolute ones stay."""
    recipe = read(tmp_path, GOOD)
    assert (recipe.name, recipe.version, recipe.seed, recipe.shards) == ("tiny", "1.2.0", 7, None)
    assert (recipe.workdir, recipe.prompts) == (tmp_path / "work", tmp_path / "mine")
    writer, script = recipe.models["writer"], recipe.models["script"]
    assert writer.base_url == ("http://one:8000/v1", "https://two/v1/")
    assert (writer.backend, writer.sampling) == ("openai-compatible", {"temperature": 0.7})
    assert script.settings.script == str(tmp_path / "replies.json")
    clips, audiocaps = recipe.sources
    assert (clips.name, clips.path, clips.audio_root, clips.limit) == ("clips", *[tmp_path / "clips"] * 2, 3)
    assert clips.options.captions == "texts.csv"
    assert (audiocaps.name, audiocaps.path, audiocaps.audio_root) == (
        "AudioCaps",
        tmp_path / "train.csv",
        Path("/audio"),
    )
    assert audiocaps.license == "CC-BY-4.0"
    assert recipe.publish == {"repo": "org/name", "languages": ["en"]}


def test_defaults(tmp_path: Path) -> None:
    """A recipe need not say more than it has to."""
    recipe = read(tmp_path, '[[sources]]\nadapter = "folder"\npath = "."\n')
    assert (recipe.name, recipe.version, recipe.seed, recipe.workdir) == ("recipe", "0.1.0", 0, tmp_path / "build")
    assert recipe.options("generate").questions_per_clip == 1


def test_flags_override_the_table(tmp_path: Path) -> None:
    """A flag counts more than the recipe's table of the stage, which counts more than the default."""
    options = read(tmp_path, GOOD).options("generate", {"questions_per_clip": 5})
    assert options.questions_per_clip == 5
    assert options.types == {"speech": 1.0, "music": 3.0}
    assert options.writer == "writer"


def test_flag_mends_the_table(tmp_path: Path) -> None:
    """Options are judged together: a flag may make sense of a table that would make none alone."""
    recipe = read(tmp_path, '[models.one]\nmodel = "m"\n[filter]\njudges = ["one"]\n')
    assert recipe.options("filter", {"weak_at": 1}).judges == ("one",)
    with pytest.raises(RecipeError, match="weak_at is 2 with 1 judge:"):
        recipe.options("filter")


MISTAKES = {
    "unknown table": ("[generate]", "[genrate]", 30, "genrate: unknown table; did you mean 'generate'?"),
    "key": ("questions_per_clip", "question_per_clip", 31, "generate.question_per_clip: unknown key; did you mean"),
    "model key": ("sampling", "samplng", 11, "models.writer.samplng: unknown key; did you mean 'sampling'"),
    "other backend's key": ('backend = "scripted"\n', "\n", 16, "models.script.script: unknown key; expected one of"),
    "other adapter's key": ('license = "CC-BY-4.0"', 'captions = "x"', 28, "sources.1.captions: unknown key"),
    "text for a number": ("= 2", '= "2"', 31, "generate.questions_per_clip: expected a whole number, found '2'"),
    "number for a text": ('name = "tiny"', "name = 5", 2, "project.name: expected a text, found 5"),
    "text for a list": ('languages = ["en"]', 'languages = "en"', 42, "publish.languages: expected a list, found 'en'"),
    "no language": ('["en"]', '["English"]', 42, "publish.languages.0: 'English' does not have the form .* of ISO 639"),
    "value for a table": ("{ temperature = 0.7 }", "0.7", 11, "models.writer.sampling: expected a table, found 0.7"),
    "text in a table": ("speech = 1", 'speech = "1"', 32, "generate.types.speech: expected a number, found '1'"),
    "number in a list": ('    "script"', "    5", 35, "filter.judges.1: expected a text, found 5"),
    "too small": ("limit = 3", "limit = 0", 22, "sources.0.limit: 0 is less than the minimum of 1"),
    "not semantic": ('"1.2.0"', '"1.2"', 3, "project.version: version '1.2' is not a semantic version"),
    "price": ("sampling", "price = 1\nsampling", 11, ".*price: unknown key; did you mean 'completion_price' or"),
    "no address": ("https://two/v1/", "two", 10, "models.writer.base_url: expected an address such as http"),
    "bad port": ("//two", "//two:99999", 10, "models.writer.base_url: expected an address"),
    "bad host": ("//two", "//[::1", 10, "models.writer.base_url: expected an address"),
    "name in address": ("//two", "//me@two", 10, "models.writer.base_url: an address holds no credentials"),
    "key in address": ("v1/", "v1?key=x", 10, "models.writer.base_url: an address holds no credentials"),
    "backend": ('"scripted"', '"script"', 14, "models.script.backend: unknown backend 'script'; backends are"),
    "adapter": ('"audiocaps"', '"audiocap"', 25, "sources.1.adapter: unknown adapter 'audiocap'; adapters are"),
    "adapter of no text": ('"audiocaps"', "[]", 25, r"sources.1.adapter: unknown adapter \[\]"),
    "no adapter": ('adapter = "audiocaps"', "", 24, "sources.1: key 'adapter' is missing"),
    "no path": ('path = "train.csv"', "", 24, "sources.1: key 'path' is missing: file or folder"),
    "no model": ('model = "m"', "", 8, "models.writer: key 'model' is missing: id of the model on its server"),
    "name": ('license = "CC-BY-4.0"', 'name = "a:b"', 28, "sources.1.name: 'a:b' does not have the form"),
    "same name": ('license = "CC-BY-4.0"', 'name = "clips"', 28, "sources.1.name: two sources are called 'clips'"),
    "repo": ('"org/name"', '"name"', 41, "publish.repo: 'name' does not have the form .*org/name on the Hub"),
    "audio": ('["en"]', '["en"]\naudio = "copy"', 43, "publish.audio: expected one of .*, found 'copy'"),
    "secret": ('model = "m"', 'model = "m"\napi_key_env = "sk-1"', 10, "models.writer.api_key_env: something"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_name_line_and_key(mistake: str, tmp_path: Path) -> None:
    """Whatever is wrong with a recipe, the error says where and what was expected."""
    before, after, line, message = MISTAKES[mistake]
    assert before in GOOD
    with pytest.raises(RecipeError, match=f"recipe.toml, line {line}, key {message}"):
        read(tmp_path, GOOD.replace(before, after, 1))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("audio = yes", "write audio = true"),
        ("audio = off", "write audio = false"),
        ("audio = True", "write audio = true"),
        ("model = gpt", 'texts stand in quotes: model = "gpt"'),
    ],
)
def test_values_of_other_languages_are_mended(line: str, hint: str, tmp_path: Path) -> None:
    """A value as YAML or Python write it is no TOML; the hint is the line as TOML has it."""
    with pytest.raises(RecipeError, match="not TOML") as caught:
        read(tmp_path, f"[models.a]\n{line}\n")
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("sources = 5", 1, r"sources: expected tables \[\[sources\]\]"),
        ("models = 5", 1, r"models: expected tables \[models.NAME\]"),
        ("\n[models]\nx = 5", 3, "models.x: expected a table, found 5"),
        ("project = 5", 1, "project: expected a table, found 5"),
        ("[project]\nseed = 1", 1, "project: key 'name' is missing: name of the corpus"),
        ('[generate]\ntypes = { spech = 1 }', 2, "generate.types: types: unknown question type 'spech'"),
        ('\n[filter]\njudges = ["a"]\n[models.a]\nmodel = "a"', 2, "filter: weak_at is 2 with 1 judge:"),
    ],
)  # fmt: skip
def test_odd_recipes(text: str, line: int, message: str, tmp_path: Path) -> None:
    """Tables that are none, and options that contradict each other, are found with their line as well."""
    with pytest.raises(RecipeError, match=f"recipe.toml, line {line}, key {message}"):
        recipe = read(tmp_path, text)
        for stage in recipe.stages:
            recipe.options(stage)


@pytest.mark.parametrize(
    ("backend", "key", "value"),
    [
        ("vllm-offline", "base_url", '"http://localhost:8000/v1"'),
        ("vllm-offline", "timeout", "5"),
        ("vllm-offline", "api_key_env", '"KEY"'),
        ("embedded", "connect_timeout", "5"),
    ],
)
def test_key_that_a_backend_has_no_use_for_is_refused(backend: str, key: str, value: str, tmp_path: Path) -> None:
    """What would be ignored is not taken: the message names line, key and backend."""
    text = f'[project]\nname = "x"\n\n[models.m]\nbackend = "{backend}"\nmodel = "m"\n{key} = {value}\n'
    with pytest.raises(RecipeError, match=rf"line 7, key models\.m\.{key}: means nothing to the backend '{backend}'"):
        read(tmp_path, text)


def test_not_toml(tmp_path: Path) -> None:
    """A syntax error is told with its line."""
    with pytest.raises(RecipeError, match=r"recipe.toml: not TOML: .*line 2") as caught:
        read(tmp_path, "[project]\nname = tiny\n")
    assert "quotes" in caught.value.hint


def test_not_utf8(tmp_path: Path) -> None:
    """Another encoding is refused."""
    (tmp_path / "recipe.toml").write_bytes(b'[project]\nname = "caf\xe9"\n')
    with pytest.raises(RecipeError, match="not UTF-8, byte 21"):
        read_recipe(tmp_path / "recipe.toml")


def test_default_recipe() -> None:
    """Without a recipe the models and stages of an example count, and nothing else of it; flags go before them."""
    recipe = default_recipe()
    example = read_recipe(shipped("examples") / "laptop.toml")
    assert example.sources and example.name != Recipe().name
    assert recipe == Recipe(models=example.models, stages=example.stages)
    assert recipe.options("verify").graders == ()
    options = recipe.options("filter", {"judges": ["smollm2:pmi"], "weak_at": 1})
    assert (options.judges, options.condition) == (("smollm2:pmi",), "none")


def test_no_recipe(tmp_path: Path) -> None:
    """A missing file is bad input."""
    with pytest.raises(InputError, match=r"none.toml: the recipe cannot be read: No such file"):
        read_recipe(tmp_path / "none.toml")


def test_bad_flag() -> None:
    """A flag's value is held against the same schema as the recipe's."""
    with pytest.raises(RecipeError, match="--questions-per-clip: 0 is less than the minimum of 1"):
        Recipe().options("generate", {"questions_per_clip": 0})


def test_schema_is_valid() -> None:
    """The whole schema is a JSON Schema, plain JSON, and describes every stage's options."""
    whole = recipe_schema()
    jsonschema.Draft202012Validator.check_schema(whole)
    assert json.loads(json.dumps(whole)) == whole
    assert whole["properties"]["generate"]["properties"]["questions_per_clip"]["type"] == "integer"


def test_schema_takes_good_recipes() -> None:
    """Editors that use the schema take what the program takes, and refuse a typo."""
    validator = jsonschema.Draft202012Validator(recipe_schema())
    assert not list(validator.iter_errors(tomllib.loads(GOOD)))
    assert list(validator.iter_errors(tomllib.loads(GOOD.replace("types", "typs"))))
    assert list(validator.iter_errors(tomllib.loads(GOOD.replace("[generate]", "[genrate]"))))


@pytest.mark.parametrize(
    ("judges", "missing"),
    [
        (["j1 j2"], "j1 j2"),
        (['["j1"', '"j2"]'], '["j1"'),
        (["[j1", "j2]"], "[j1"),
        (["j1; j2"], "j1; j2"),
        (["'j1", "j2'"], "'j1"),
    ],
)
def test_names_that_stand_together_are_told_apart(judges: list[str], missing: str, tmp_path: Path) -> None:
    """Names are looked for before they are counted, and the message has them as they are to be written."""
    recipe = read(tmp_path, '[models.j1]\nmodel = "m"\n[models.j2]\nmodel = "n"\n')
    with pytest.raises(RecipeError) as refused:
        recipe.options("filter", {"judges": judges, "weak_at": 3})
    assert f"needs a model {missing!r}" in str(refused.value)
    assert 'j1,j2 on the command line, ["j1", "j2"] in the recipe' in refused.value.hint


def test_unknown_model_is_named_before_models_are_counted(tmp_path: Path) -> None:
    """One judge that is no model is a name that is wrong, and no judge too few."""
    recipe = read(tmp_path, '[models.j1]\nmodel = "m"\n')
    with pytest.raises(RecipeError, match="stage filter needs a model 'nobody'; the recipe has j1"):
        recipe.options("filter", {"judges": ["nobody"]})
