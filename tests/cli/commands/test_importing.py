"""A question set that exists, from the command line: into the rows that filter reads, and on to a release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from audiomcq_cli.records import REASONED
from tests.cli import JUDGES, audiomcq, hash_tree, write_recipe, write_tones
from tests.importers.test_sets import MMAU
from tests.servers.process import RunningServer
from tests.servers.replies import Manner
from tests.servers.scripted import running_scripted

SET = [
    {**MMAU, "id": f"q{n}", "audio_id": f"./audios/tone{n // 2}.wav", "question": f"What is heard in number {n}?",
     "choices": ["Man", "Woman", "Child", "Robot", "Bird"][: 2 + n % 4]}
    for n in range(12)
]  # fmt: skip
WRONG = [
    {**SET[0], "id": "w1", "answer": "Dog"},
    {**SET[0], "id": "w2", "choices": "Man"},
    {**SET[0], "id": "w3", "question": ""},
    SET[3],
]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose judges know half of the answers."""
    with running_scripted(manner=Manner(know=0.5)) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a set of 12 questions about 6 clips, one of them there, and 4 more rows that cannot be used."""
    write_tones(tmp_path / "audio/audios", 1)
    (tmp_path / "set.json").write_text(json.dumps([*SET, *WRONG]))
    return tmp_path


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The kept rows of a stage folder."""
    return pl.read_parquet(folder / "*.parquet").to_dicts()


def rejects_of(folder: Path) -> dict[str, str]:
    """Why each item was rejected."""
    frame = pl.read_parquet(folder / ".audiomcq/rejects/*.parquet")
    return dict(zip(frame["id"], frame["reason"], strict=True))


def test_import(folder: Path) -> None:
    """Every row is kept or rejected with a reason; audio that is there is measured, the rest counted."""
    ended = audiomcq("import", "mmau:set.json", "out", "--audio", "audio", "--json", folder=folder)
    assert ended.code == 0, ended.err
    [report] = ended.json["stages"]
    assert report["items"] == {"in": 16, "kept": 12, "rejected": 4, "failed": 0}
    assert rejects_of(folder / "out") == {
        "MMAU:tone0:imported:w1": "answer_not_among_choices",
        "MMAU:tone0:imported:w2": "bad_choices",
        "MMAU:tone0:imported:w3": "no_question",
        "MMAU:tone1:imported:q3#2": "duplicate_question",
    }
    rows = rows_of(folder / "out")
    assert [row["id"] for row in rows] == [f"MMAU:tone{n // 2}:imported:q{n}" for n in range(12)]
    assert list(rows[0]) == list(REASONED)
    assert [row["duration"] for row in rows] == [0.25] * 2 + [None] * 10
    assert [row["flags"] for row in rows] == [[]] * 2 + [["audio_missing"]] * 10
    assert rows[0]["audio_path"] == "audios/tone0.wav"
    assert ended.json["stages"][0]["audio_missing"] == 5
    assert "5 clips have no audio file (" in ended.err
    assert audiomcq("validate", "out", folder=folder).code == 0


def test_import_again_does_nothing(folder: Path) -> None:
    """A second run finds all done and changes no byte; another folder gets the same bytes."""
    line = ("import", "mmau:set.json", "out", "--audio", "audio")
    assert audiomcq(*line, folder=folder).code == 0
    before = hash_tree(folder / "out")
    ended = audiomcq(*line, folder=folder)
    assert "nothing to do" in ended.err
    assert hash_tree(folder / "out") == before
    assert audiomcq("import", "mmau:set.json", "other", "--audio", "audio", folder=folder).code == 0
    assert hash_tree(folder / "other") == before


def test_without_any_audio(folder: Path) -> None:
    """A file without a folder of audio is imported all the same; --require-audio rejects what is not there."""
    ended = audiomcq("import", "mmau:set.json", "out", "--limit", "5", folder=folder)
    assert ended.code == 0, ended.err
    assert {row["audio_sha256"] for row in rows_of(folder / "out")} == {None}
    ended = audiomcq("import", "mmau:set.json", "out", "--limit", "5", "--require-audio", "--json", folder=folder)
    assert ended.json["stages"][0]["reasons"]["rejected"] == {"audio_missing": 5}


def test_recipe_with_imports(folder: Path, server: RunningServer) -> None:
    """``run`` begins with the set, goes on with filter, and ends in a release that is whole."""
    recipe = write_recipe(
        folder / "recipe.toml", server.base_url, sources="folder:x", stages="[publish]\nlicense = 'MIT'\n"
    )
    text = recipe.read_text().replace("[[sources]]", "[[imports]]").replace('"folder"', '"mmau"')
    recipe.write_text(text.replace('path = "x"', 'path = "set.json"\naudio = "audio"'))
    ended = audiomcq("run", "recipe.toml", "--dry-run", "--json", folder=folder)
    assert [one["stage"] for one in ended.json["dry_run"]] == ["import", "filter", "split"]
    ended = audiomcq("run", "recipe.toml", "--json", folder=folder)
    assert ended.code == 0, ended.err
    assert [one["stage"] for one in ended.json["stages"]] == ["import", "filter", "split"]
    for row in rows_of(folder / "build/filter"):
        assert [vote["judge"] for vote in row["votes"]] == list(JUDGES)
        assert row["votes"][0]["order"] == list(range(len(row["choices"])))
    assert {len(row["choices"]) for row in rows_of(folder / "build/filter")} == {2, 3, 4, 5}
    ended = audiomcq("validate", "build/release", folder=folder)
    assert ended.code == 0, ended.out
    card = (folder / "build/release/README.md").read_text()
    assert "of which one is right, a chain of thought" not in card
    assert "They are the same as in the sets above" in card
    shown = audiomcq("trace", "build/filter", "MMAU:tone1:imported:q3", "--json", folder=folder)
    assert [one["stage"] for one in shown.json["steps"]] == ["import", "filter"]


def test_recipe_of_the_release(folder: Path, server: RunningServer) -> None:
    """The recipe in the release begins with the set again, and loads."""
    recipe = write_recipe(folder / "recipe.toml", server.base_url, sources="mmau:set.json")
    recipe.write_text(recipe.read_text().replace("[[sources]]", "[[imports]]"))
    assert audiomcq("run", "recipe.toml", "--limit", "4", folder=folder).code == 0
    made = folder / "build/release/recipe.toml"
    assert '[[imports]]\nadapter = "mmau"\npath = "FILL-IN/set.json"' in made.read_text()
    made.write_text(made.read_text().replace("FILL-IN/", ""))
    (folder / "build/release/set.json").write_bytes((folder / "set.json").read_bytes())
    ended = audiomcq("run", "build/release/recipe.toml", "--dry-run", "--until", "import", folder=folder)
    assert ended.code == 0, ended.err


def test_import_of_a_recipe(folder: Path) -> None:
    """The command takes the sets of a recipe, with a limit of its own."""
    (folder / "recipe.toml").write_text('[[imports]]\nadapter = "mmau"\npath = "set.json"\nname = "Mine"\n')
    ended = audiomcq("import", "out", "--recipe", "recipe.toml", "--limit", "2", folder=folder)
    assert ended.code == 0, ended.err
    assert [row["source_dataset"] for row in rows_of(folder / "out")] == ["Mine", "Mine"]


def test_folder_of_a_set(folder: Path) -> None:
    """Of a folder the audio is looked for in it."""
    (folder / "audio/mmau-test-mini.json").write_text(json.dumps(SET))
    ended = audiomcq("import", "mmau:audio", "out", folder=folder)
    assert ended.code == 0, ended.err
    assert sum(row["duration"] is not None for row in rows_of(folder / "out")) == 2


def test_table_on_the_command_line(folder: Path) -> None:
    """A table's columns are flags; its name is that of the file."""
    (folder / "my set.csv").write_text("frage,a,b,key\nWas?,Hund,Katze,B\n")
    flags = ("--question-column", "frage", "--choices-column", "a", "--choices-column", "b", "--answer-column", "key")
    ended = audiomcq("import", "table:my set.csv", "out", *flags, folder=folder)
    assert ended.code == 0, ended.err
    [row] = rows_of(folder / "out")
    assert (row["id"], row["answer"]) == ("my-set:row-1:imported:row-1", "Katze")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("mmau:none.json", "out"), 3, "none.json: no such file, expected MMAU JSON"),
        (("mmau:bad.json", "out"), 3, "bad.json, row 1: no key 'question'; found: caption"),
        (("clotho:set.json", "out"), 4, "unknown adapter 'clotho'"),
        (("set.json", "out"), 4, "expected ADAPTER:PATH"),
        (("out",), 4, "no question set"),
        (("out", "--name", "x"), 4, "no question set"),
        (("mmau:set.json", "mmar:set.json", "out"), 4, "several question sets"),
        (("mmau:set.json", "out", "--answer-column", "x"), 4, "--answer-column is not an option of mmau"),
        (("table:set.json", "out", "--answer-form", "x"), 4, "--answer-form: expected one of"),
        (("mmau:set.json", "out", "--name", "a:b"), 4, "--name 'a:b': expected letters"),
        (("mmau:set.json", "bad.json"), 3, "bad.json: is a file, expected a folder"),
        (("mmau:set.json", "out", "--max-rejected", "0.1"), 10, "4 of 16 items rejected"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], code: int, message: str, folder: Path) -> None:
    """A mistake ends in one message and a code of its kind."""
    (folder / "bad.json").write_text('[{"caption": "x"}]')
    ended = audiomcq("import", *arguments, folder=folder)
    assert ended.code == code, ended.err
    assert message in ended.error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[imports]]\nadapter = "mmau"\n', "key imports.0: key 'path' is missing"),
        ('[[imports]]\nadapter = "x"\npath = "a"\n', "key imports.0.adapter: unknown adapter 'x'"),
        ('[[imports]]\nadapter = "mmau"\npath = "a"\nid_column = "x"\n', "key imports.0.id_column: unknown key"),
        (
            '[[imports]]\nadapter = "table"\npath = "a"\nchoices_column = ["a", "a"]\n',
            "line 4, key imports.0.choices_column: name one column",
        ),
        ('[[imports]]\nadapter = "mmau"\npath = "a"\n' * 2, "two imports are called 'MMAU'"),
        (
            '[[imports]]\nadapter = "mmau"\npath = "a"\n[[sources]]\nadapter = "folder"\npath = "a"\n',
            "key imports: a corpus begins with sources or with imports, not with both",
        ),
    ],
)
def test_mistakes_in_a_recipe(text: str, message: str, folder: Path) -> None:
    """A mistake in an import of a recipe is named with line and key."""
    (folder / "recipe.toml").write_text(text)
    ended = audiomcq("run", "recipe.toml", folder=folder)
    assert ended.code == 4
    assert message in ended.error


def test_help_says_what_each_adapter_expects(folder: Path) -> None:
    """Every adapter is in the help, with its files and columns."""
    shown = " ".join(audiomcq("import", "--help", folder=folder).out.split())
    for words in (
        "mmau MMAU JSON: id, audio_id",
        "mmsu MMSU Parquet or JSON Lines",
        "dcase DCASE 2026 task 5 dev.jsonl",
    ):
        assert words in shown
