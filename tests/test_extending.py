"""One file (and its prompt) is all it takes to add a source, a stage, a backend or an export.

The package is copied, one file of each kind is put beside the others, and all four are used from the command line.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.cli import ROOT, spawn

SOURCE = '''
"""Lines of NAME = CAPTION."""

from dataclasses import dataclass

from audiomcq_cli.contracts import Source, SourceRow, option
from audiomcq_cli.errors import InputError


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set."""

    mark: str = option("=", "what stands between name and caption")


def read(path, options):
    """Stream the lines."""
    for row, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        name, mark, caption = line.partition(options.mark)
        if not mark:
            raise InputError(f"no {options.mark!r}", file=str(path), row=row)
        yield SourceRow(source_id=name.strip(), row=row, captions=(caption.strip(),))


SOURCE = Source(help="lines of NAME = CAPTION", dataset="Lines", read=read, options=Options)
'''

STAGE = '''
"""Has each caption said again in other words."""

from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.contracts import Chat, Need, Reject, Stage, option
from audiomcq_cli.records import CLIP


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set."""

    writer: str = option("writer", "model that writes")
    shortest: int = option(1, "reject captions of fewer words", minimum=0)
    dull: str = option("", "file of captions that are left out", path=True)


def flow(row, context):
    """Ask once."""
    text = row["captions"][0]["text"]
    if len(text.split()) < context.options.shortest:
        return Reject("too_short", text)
    [reply] = yield [Chat(model=context.options.writer, prompt="reword", variables={"caption": text})]
    return [
        row
        | {
            "captions": [*row["captions"], {"text": reply.text, "origin": "reword"}],
            "calls": [*row["calls"], reply.call],
            "provenance": [*row["provenance"], reply.made("captions")],
        }
    ]


STAGE = Stage(
    help="say each caption again in other words",
    after="caption",
    version=1,
    options=Options,
    key="clip_id",
    reads=CLIP,
    writes=CLIP,
    flow=flow,
    needs=lambda options: [Need(options.writer, frozenset({"chat"}))],
    prompts=lambda options: ("reword",),
    beside=lambda options: {"dull": Path(options.dull)} if options.dull else {},
)
'''

PROMPT = """
version = "1"
description = "Says a caption in other words."
system = ""
user = "Say in other words: {{ caption }}"
example = "{{ caption }}, in other words"
"""

BACKEND = '''
"""Says everything loudly."""

from dataclasses import dataclass

from audiomcq_cli.contracts import BackendKind, Capabilities, Completion, option


@dataclass(frozen=True, slots=True)
class Options:
    """Keys of the model's table."""

    ending: str = option("!", "what everything ends with")


class Loud:
    """Repeats what it is asked."""

    def __init__(self, model, encode):
        self._ending = model.settings.ending

    async def check(self):
        """It is always there."""

    async def send(self, call):
        """Repeat the last turn; where JSON is wanted, write a question or its choices."""
        text = call.messages[-1].text
        if call.schema_name == "question":
            return Completion(text='{"question": "Who is loud?", "question_type": "sound"}')
        if call.schema_name == "choices":
            return Completion(text='{"answer": "A dog", "distractors": ["A cat", "A cow", "A hen"]}')
        return Completion(text=text.upper() + self._ending)

    async def close(self):
        """Nothing is open."""


BACKEND = BackendKind(help="loud echo", options=Options, capabilities=lambda model: Capabilities(), open=Loud)
'''

EXPORT = '''
"""One question a line."""

from dataclasses import dataclass

from audiomcq_cli.contracts import Export, Reject, option


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set."""

    upper: bool = option(False, "write in capitals")
    longest: int = option(100, "leave out questions of more letters", minimum=1)


def make_records(row, options):
    """One record a question."""
    if len(row["question"]) > options.longest:
        return Reject("too_long", row["question"])
    return [{"question": row["question"].upper() if options.upper else row["question"]}]


EXPORT = Export(
    help="one question a line",
    version=1,
    options=Options,
    files=("questions.jsonl",),
    records=make_records,
    companions=lambda written, options: {"README.md": f"{written.written} questions\\n"},
)
'''

RECIPE = """
[project]
name = "extended"

[models.writer]
backend = "loud-echo"
model = "echo"
ending = "!!"

[[sources]]
adapter = "plain-lines"
path = "clips.txt"
mark = ":"

[reword]
shortest = 2
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with its prompts, schemas and examples, and one more file of each kind."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("audiomcq_cli", "examples", "prompts", "schemas"):
        shutil.copytree(ROOT / name, root / name)
    package = root / "audiomcq_cli"
    (package / "sources/plain_lines.py").write_text(SOURCE)
    (package / "stages/reword.py").write_text(STAGE)
    (package / "backends/loud_echo.py").write_text(BACKEND)
    (package / "exports/questions.py").write_text(EXPORT)
    (root / "prompts/reword.toml").write_text(PROMPT)
    return root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a recipe and two sources for what was added."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "clips.txt").write_text("one: A dog barks\ntwo: Rain falls\nthree: Thunder\n")
    (tmp_path / "equal.txt").write_text("one = A dog barks\n")
    return tmp_path


def captions(folder: Path) -> list[list[str]]:
    """Captions of every clip of a folder."""
    return [[one["text"] for one in row] for row in pl.read_parquet(folder / "*.parquet")["captions"].to_list()]


def test_source(copy: Path, place: Path) -> None:
    """A new source is an adapter of caption."""
    ended = spawn("caption", "plain-lines:equal.txt", "clips", folder=place, root=copy)
    assert ended.code == 0, ended.err
    assert captions(place / "clips") == [["A dog barks"]]
    ended = spawn("caption", "plain-lines:clips.txt", "out", folder=place, root=copy)
    assert ended.code == 3
    assert "clips.txt, row 1: no '='" in ended.error


def test_stage_is_a_command(copy: Path, place: Path) -> None:
    """A new stage is a command with its options as flags; a new backend answers it."""
    assert spawn("caption", "clips", "--recipe", "recipe.toml", folder=place, root=copy).code == 0
    line = ("reword", "clips", "out", "--recipe", "recipe.toml", "--shortest", "3", "--json")
    ended = spawn(*line, folder=place, root=copy)
    assert ended.code == 0, ended.err
    assert ended.json["stages"][0]["reasons"]["rejected"] == {"too_short": 2}
    assert captions(place / "out") == [["A dog barks", "SAY IN OTHER WORDS: A DOG BARKS!!"]]


def test_run_with_all_of_them(copy: Path, place: Path) -> None:
    """A recipe has a table for the new stage, keys for the new source and backend; run puts the stage in its place."""
    line = ("run", "recipe.toml", "--until", "generate")
    ended = spawn(*line, "--dry-run", "--json", folder=place, root=copy)
    assert ended.code == 0, ended.err
    assert [one["stage"] for one in ended.json["dry_run"]] == ["caption", "reword", "generate"]
    ended = spawn(*line, "--json", folder=place, root=copy)
    assert ended.code == 0, ended.err
    assert [one["stage"] for one in ended.json["stages"]] == ["caption", "reword", "generate"]
    assert [one["items"]["kept"] for one in ended.json["stages"]] == [3, 2, 2]
    traced = spawn("trace", "build/generate", "Lines:two:llm:0", "--json", folder=place, root=copy)
    assert traced.code == 0, traced.err
    [one] = traced.json["steps"][1]["tries"]
    assert (one["prompt"], one["reply"]) == ("reword", "SAY IN OTHER WORDS: RAIN FALLS!!")
    assert spawn("export", "questions", "build/generate", "out", "--upper", folder=place, root=copy).code == 0
    assert (place / "out/questions.jsonl").read_text() == '{"question": "WHO IS LOUD?"}\n' * 2
    assert (place / "out/README.md").read_text() == "2 questions\n"
    again = ("export", "questions", "build/generate", "out", "--longest", "5", "--json")
    refused = spawn(*again, "--strict", folder=place, root=copy)
    assert (refused.code, (place / "out/README.md").read_text()) == (3, "2 questions\n")
    assert "2 of 2 rows would be left out (too_long 2); the first is 'Lines:one:llm:0': Who is loud?" in refused.error
    ended = spawn(*again, folder=place, root=copy)
    assert ended.json["export"]["left_out"] == {"too_long": 2}
    assert "out was written again: the options differ" in ended.err
    assert "2 in = 0 written + 2 left out (too_long 2); they are listed in out/.audiomcq/left_out.jsonl" in ended.err


def test_stage_without_a_table_is_left_out(copy: Path, place: Path) -> None:
    """A stage that is not always run is run only where the recipe has its table."""
    (place / "recipe.toml").write_text(RECIPE.partition("[reword]")[0])
    ended = spawn("run", "recipe.toml", "--until", "generate", "--dry-run", "--json", folder=place, root=copy)
    assert [one["stage"] for one in ended.json["dry_run"]] == ["caption", "generate"]


def test_help_and_schema_have_them(copy: Path, place: Path) -> None:
    """Help shows what was added in its place, and the recipe's schema has its keys."""
    shown = spawn("--help", folder=place, root=copy).out
    assert shown.index(" caption ") < shown.index(" reword ") < shown.index(" generate ")
    assert "Say each caption again in other words." in shown
    assert "plain-lines" in spawn("caption", "--help", folder=place, root=copy).out
    schema = json.loads(spawn("recipe-schema", folder=place, root=copy).out)
    assert "shortest" in schema["properties"]["reword"]["properties"]
    assert "ending" in schema["$defs"]["model"]["properties"]
    assert "mark" in schema["$defs"]["source"]["properties"]


def test_file_beside_the_input_is_looked_for_beside_the_recipe(copy: Path, place: Path) -> None:
    """A file that the new stage reads is relative to the recipe; one that is missing stops the run before it begins."""
    (place / "recipe.toml").write_text(RECIPE + 'dull = "dull.txt"\n')
    ended = spawn("run", f"{place.name}/recipe.toml", folder=place.parent, root=copy)
    assert ended.code == 3
    assert f"{place.name}/dull.txt: stage reword, dull: no such file or folder" in ended.error
    assert not (place / "build" / "caption").exists()


def test_mistake_in_a_key_that_was_added(copy: Path, place: Path) -> None:
    """Keys that were added are checked as those that are there."""
    (place / "recipe.toml").write_text(RECIPE.replace("mark =", "marc ="))
    ended = spawn("run", "recipe.toml", folder=place, root=copy)
    assert ended.code == 4
    assert "line 13, key sources.0.marc: unknown key; did you mean 'mark'?" in ended.error
