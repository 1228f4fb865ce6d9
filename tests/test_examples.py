"""The examples and the documentation say what is so: recipes load, commands exist, tables are in step, links lead on.

``python -m tests.test_examples`` writes the tables of the documentation again.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from audiomcq_cli import records, registry
from audiomcq_cli.cli.main import make_app
from audiomcq_cli.contracts import Model
from audiomcq_cli.recipe.options import schema_of
from audiomcq_cli.recipe.read import DEFAULT_BACKEND, Recipe, read_recipe
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.storage.resources import schema

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(ROOT.glob("examples/*.toml"))
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*.md"))]
EXTENDING = ROOT / "docs" / "extending.md"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([\w/.]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(<!-- table (\S+) -->\n)(?:\n(?:\|.*\n)+)?")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(page.read_text("utf-8")) if found == language]


def _recipes_in_pages() -> Iterator[Any]:
    for page in PAGES:
        if page != EXTENDING:
            for number, text in enumerate(_blocks(page, "toml")):
                yield pytest.param(text, id=f"{_name(page)}-{number}")


def _check_models(recipe: Recipe) -> None:
    """Every model that a stage of the recipe needs is there and can do what it must."""
    for name, stage in registry.stages().items():
        if stage.needs and (not stage.named_only or name in recipe.stages):
            for need in stage.needs(recipe.options(name)):
                model = recipe.models[need.model]
                offered = registry.backend(model.backend).capabilities(model)
                assert all(getattr(offered, capability) for capability in need.capabilities)


# --------------------------------------------------------------------------------------------- recipes, commands


def test_there_are_examples() -> None:
    """There is something for the tests below to look at."""
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_an_example_is_a_whole_recipe(path: Path) -> None:
    """Every example loads, has sources, and has each model that its stages need."""
    recipe = read_recipe(path)
    assert recipe.sources
    _check_models(recipe)


@pytest.mark.parametrize("text", [*_recipes_in_pages()])
def test_a_recipe_in_the_documentation_loads(text: str, tmp_path: Path) -> None:
    """Every block of TOML in the documentation is a recipe, or a part of one, that loads."""
    path = tmp_path / "recipe.toml"
    path.write_text(text, "utf-8")
    recipe = read_recipe(path)
    if recipe.sources and recipe.models:  # else it is a part
        _check_models(recipe)


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES], ids=_name)
def test_commands_in_the_documentation_exist(page: Path) -> None:
    """Every ``audiomcq`` command in code has a name and flags that there are."""
    text = page.read_text("utf-8")
    found = re.findall(r"(?:^|[`#] *)(audiomcq [^`\n]*)", text, re.MULTILINE)
    if page == EXTENDING:
        found = [line for line in found if not re.search("audible|tab-lines|quiz-lines|answer-key", line)]
    for line in found:
        _check_command(line.split("  ")[0])


def _check_command(line: str) -> None:
    command: Any = get_command(make_app())
    flags = {"--help"} | {flag for parameter in command.params for flag in parameter.opts}
    for word in shlex.split(line)[1:]:
        if word.startswith("-"):
            assert word.split("=")[0] in flags, f"{line}: no flag {word}"
        elif hasattr(command, "commands") and not word.isupper():
            assert word in command.commands, f"{line}: no command {word}"
            command = command.commands[word]
            flags |= {flag for parameter in command.params for flag in parameter.opts}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_files(page: Path) -> None:
    """Every relative link names a file that is there."""
    for target in re.findall(r"\]\((?!\w+:|#)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).is_file(), target


# --------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_tables_are_in_step(page: Path) -> None:
    """The tables of keys and columns are those of the code; ``python -m tests.test_examples`` writes them again."""
    text = page.read_text("utf-8")
    assert text == _fill_tables(text)


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES, *sorted(ROOT.glob("schemas/*.json"))], ids=_name)
def test_license_is_spelled_one_way(page: Path) -> None:
    """People read "license" everywhere, as the key is called; two spellings look like two things."""
    assert "licence" not in page.read_text("utf-8").lower()


def test_every_table_and_stage_has_its_place() -> None:
    """No stage and no table of the recipe is left out of its page."""
    text = (ROOT / "docs" / "recipe.md").read_text("utf-8")
    named = {name for _, name in _TABLE.findall(text)} | {"expect"}  # keys are stages: told in words
    named |= {name for _, name in _TABLE.findall((ROOT / "docs" / "importing.md").read_text("utf-8"))}
    assert set(schema("recipe")["properties"]) | set(registry.stages()) <= named


def test_every_source_has_its_section() -> None:
    """No adapter is left out of the page of the sources, and each has an example there that names it."""
    text = (ROOT / "docs" / "sources.md").read_text("utf-8")
    sections = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    assert sorted(sections) == registry.names("sources")
    assert all(f'adapter = "{name}"' in part for name, part in sections.items())


def _fill_tables(text: str) -> str:
    return _TABLE.sub(lambda found: f"{found[1]}\n" + "\n".join(_make_table(found[2])) + "\n", text)


def _make_table(name: str) -> list[str]:
    recipe = schema("recipe")
    match name:
        case "columns":
            return _table_of_columns({one: column for one, column in records.COLUMNS.items() if _first_stage(one)})
        case "rejects":
            return _table_of_columns({one: records.COLUMNS[one] for one in records.REJECT}, stages=False)
        case "project":
            return _table_of_keys(recipe["properties"]["project"], {"version": "0.1.0", "seed": 0, "workdir": "build"})
        case "budget" | "limits":
            return _table_of_keys(recipe["properties"][name], {"max_failed": 0.0, "max_rejected": 1.0})
        case "publish":
            return _table_of_keys(recipe["properties"]["publish"], _defaults(ReleaseInfo))
        case "models":
            return _table_of_keys(recipe["$defs"]["model"], {**_defaults(Model), "backend": DEFAULT_BACKEND})
        case "sources":
            return _table_of_keys(recipe["$defs"]["source"], {})
        case "backends":
            return _lay_out(["backend", ""], [[f"`{one}`", registry.backend(one).help] for one in registry.names(name)])
        case "adapters":
            names = registry.names("sources")
            return _lay_out(["adapter", "what it reads"], [[f"`{one}`", registry.source(one).help] for one in names])
        case "models-own":
            return _table_of_own({one: registry.backend(one).options for one in registry.names("backends")})
        case "imports":
            return _table_of_keys(recipe["$defs"]["import"], {})
        case "importers":
            names = registry.names("importers")
            return _lay_out(["adapter", "what it reads"], [[f"`{one}`", registry.importer(one).help] for one in names])
        case "imports-own":
            return _table_of_own({one: registry.importer(one).options for one in registry.names("importers")})
        case "sources-own":
            return _table_of_own({one: registry.source(one).options for one in registry.names("sources")})
    options = registry.stages()[name].options
    return _table_of_keys(schema_of(options), _defaults(options))


def _table_of_columns(columns: Mapping[str, records.Column], *, stages: bool = True) -> list[str]:
    heads = ["column", "type", *(["from"] if stages else []), "what it holds"]
    rows = [
        [
            f"`{name}`",
            _describe_type(column.type) + ("" if column.required else " or null"),
            *([_first_stage(name)] if stages else []),
            column.doc,
        ]
        for name, column in columns.items()
    ]
    return _lay_out(heads, rows)


def _first_stage(column: str) -> str:
    return next((name for name, stage in registry.stages().items() if column in stage.writes), "")


def _describe_type(type_: Any) -> str:
    if isinstance(type_, list):
        return f"list of {_describe_type(type_[0])}"
    if isinstance(type_, dict):
        return "{" + ", ".join(f"{name}: {_describe_type(part)}" for name, part in type_.items()) + "}"
    return str(type_)


def _table_of_keys(table: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    required = table.get("required", ())
    rows = [
        [
            f"`{key}`",
            _describe_values(value),
            "*required*" if key in required else _describe_default(defaults.get(key)),
            value.get("description", ""),
        ]
        for key, value in table["properties"].items()
    ]
    return _lay_out(["key", "value", "default", "what it sets"], rows)


def _table_of_own(options: Mapping[str, type]) -> list[str]:
    rows = [
        [f"`{name}`", f"`{key}`", _describe_values(value), value["description"]]
        for name, one in options.items()
        for key, value in schema_of(one)["properties"].items()
    ]
    return _lay_out(["of", "key", "value", "what it sets"], rows)


def _defaults(options: type) -> dict[str, Any]:
    found: dict[str, Any] = {one.name: one.default for one in fields(options) if one.default is not MISSING}
    return found


def _describe_values(value: Mapping[str, Any]) -> str:
    if choices := value.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices if choice)
    if parts := value.get("anyOf"):
        return " or ".join(_describe_values(part) for part in parts)
    if value["type"] == "array":
        return f"list of {value['items']['type']}s"
    if value["type"] == "object":
        inner = value.get("additionalProperties", {})
        return f"table of {inner['type']}s" if inner else "table"
    bounds = [f"from {value['minimum']:g}"] if "minimum" in value else []
    bounds += ["above 0"] if value.get("exclusiveMinimum") == 0 else []
    bounds += [f"to {value['maximum']:g}"] if "maximum" in value else []
    return " ".join([value["type"], *bounds])


def _describe_default(value: Any) -> str:
    if value is None or value in ("", ()):
        return ""
    return f"`{json.dumps(value)}`"


def _lay_out(heads: list[str], rows: list[list[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


# ------------------------------------------------------------------------------------------------------ extending


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with every file that ``docs/extending.md`` shows, and the data for a small corpus."""
    folder = tmp_path_factory.mktemp("extended")
    for name in ("audiomcq_cli", "examples", "prompts", "schemas"):
        shutil.copytree(ROOT / name, folder / name)
    for name, text in _FILE.findall(EXTENDING.read_text("utf-8")):
        assert not (folder / name).exists(), f"{name} is there already"
        (folder / name).write_text(text, "utf-8")
    (folder / "quiz.txt").write_text("door.wav\tWhat slams?\ta door\ta book\ndoor.wav\tWhat?\n", "utf-8")
    (folder / "clips.txt").write_text("door.wav\tA door slams twice\nno tab\n", "utf-8")
    question = {"question": "What is it that happens twice?", "question_type": "sound"}
    choices = {"answer": "a door slam", "distractors": ["a dog bark", "a car horn", "a hand clap"]}
    script = {"question": [json.dumps(question)], "choices": [json.dumps(choices)]}
    (folder / "script.json").write_text(json.dumps(script), "utf-8")
    reply = {"reason": "A slam can be heard.", "audible": True}
    (folder / "my_checker.py").write_text(f"import sys\nsys.stdin.read()\nprint({json.dumps(reply)!r})\n", "utf-8")
    writer = '[models.writer]\nbackend = "scripted"\nmodel = "script"\nscript = "script.json"\n'
    [checker] = [text for text in _blocks(EXTENDING, "toml") if text.startswith("[models.")]
    checker = checker.replace('"python3"', json.dumps(sys.executable))
    (folder / "recipe.toml").write_text(f"{writer}\n{checker}\n[verify]\ngraders = []\n", "utf-8")
    return folder


def _audiomcq(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "audiomcq_cli", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.check
def test_what_is_shown_for_extending_works(extended: Path) -> None:
    """The five that are shown are used from the command line, by adding their files only."""
    said = _audiomcq(extended, "caption", "tab-lines:clips.txt", "build/caption")
    assert "2 in = 1 kept + 1 rejected" in said
    said = _audiomcq(extended, "import", "quiz-lines:quiz.txt", "build/quiz")
    assert "2 in = 1 kept + 1 rejected" in said
    recipe = ("--recipe", "recipe.toml")
    _audiomcq(extended, "generate", "build/caption", "build/generate", *recipe)
    _audiomcq(extended, "verify", "build/generate", "build/verify", *recipe)
    said = _audiomcq(extended, "audible", "build/verify", "build/audible", *recipe)
    assert "1 in = 1 kept" in said
    _audiomcq(extended, "export", "answer-key", "build/audible", "build/answers", "--letters")
    lines = (extended / "build" / "answers" / "answers.csv").read_text("utf-8").splitlines()
    assert lines[0] == "id,answer"
    assert re.fullmatch(r"\S+:door\.wav:llm:0,[A-D]", lines[1])


def main() -> None:
    """Write the tables of the documentation again."""
    for page in PAGES:
        text = page.read_text("utf-8")
        if (filled := _fill_tables(text)) != text:
            page.write_text(filled, "utf-8")
            sys.stdout.write(f"{_name(page)}\n")


if __name__ == "__main__":
    main()
