"""``audiomcq journal`` and ``--reuse``: a version moves to another machine as one file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from audiomcq_cli.engine.journal.journal import JournalWriter
from tests.cli import NOWHERE, Ended, audiomcq, hash_tree, write_audiocaps, write_recipe
from tests.servers.scripted import running_scripted

STAGES = ("caption", "generate", "verify", "cot", "filter", "split")
CAPTIONS = [f"{what} {how}" for what in ("A dog barks", "Rain falls") for how in ("far off", "close by", "again")]

FOR_EVER = [
    {"fault": "prose", "match": {"schema": "question", "contains": "Rain falls again"}},
    {"fault": "empty", "match": {"schema": "grade_question", "contains": "A dog barks close by"}},
]
AT_FIRST = [{"fault": "prose", "match": {"schema": "question", "contains": "far off"}}, *FOR_EVER]
"""What the writer says of some clips is of no use in the first run, of others never; likewise the grader."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a corpus was built in three runs, in all of which rows failed; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("corpus")
    write_audiocaps(folder / "captions.csv", CAPTIONS)
    stages = "[generate]\nquestions_per_clip = 2\n"
    failed = []
    for number, (faults, flags) in enumerate(((AT_FIRST, ()), (FOR_EVER, ()), (FOR_EVER, ("--keep-failed",)))):
        (folder / f"server{number}").mkdir()
        with running_scripted(faults=faults, folder=folder / f"server{number}") as server:
            write_recipe(folder / "recipe.toml", server.base_url, sources="audiocaps:captions.csv", stages=stages)
            ended = audiomcq("run", "recipe.toml", "--json", *flags, folder=folder)
        failed.append([one["items"]["failed"] for one in ended.json["stages"]])
    assert failed == [[0, 6], [0, 2], [0, 2, 2, 0, 0, 0]], ended.err
    assert ended.json["stages"][-1]["rows"] > 3
    assert audiomcq("journal", "pack", "build", "packed", folder=folder).code == 0
    return folder


def move(built: Path, folder: Path, *, project: str = "") -> Path:
    """Another machine: the sources, the recipe with a server that is not there, and the packed file."""
    folder.mkdir(exist_ok=True)
    for name in ("captions.csv", "packed"):
        shutil.copy(built / name, folder)
    text = (built / "recipe.toml").read_text()
    address = next(line for line in text.splitlines() if line.startswith("base_url"))
    text = text.replace(address, f'base_url = "{NOWHERE}"').replace("[project]", f"[project]\n{project}", 1)
    (folder / "recipe.toml").write_text(text)
    return folder


def assert_same(folder: Path, built: Path) -> None:
    """Every stage folder and the release have the same bytes."""
    for name in (*STAGES, "release"):
        assert hash_tree(folder / "build" / name) == hash_tree(built / "build" / name), name


def replay(folder: Path, *arguments: str) -> Ended:
    return audiomcq("run", "recipe.toml", "--replay", "--keep-failed", *arguments, folder=folder)


def test_version_is_rebuilt_after_unpacking(built: Path, tmp_path: Path) -> None:
    """With sources, recipe and the packed file every stage is made anew, byte for byte, rows that failed included."""
    folder = move(built, tmp_path)
    ended = audiomcq("journal", "unpack", "packed", "build", "--json", folder=folder)
    assert ended.code == 0, ended.err
    assert {one["stage"] for one in ended.json["journal"]["stages"]} == set(STAGES) - {"split"}
    assert replay(folder).code == 0
    assert_same(folder, built)


@pytest.mark.parametrize("where", ["packed", pytest.param("workdir", marks=pytest.mark.check)])
def test_version_is_rebuilt_with_reuse(where: str, built: Path, tmp_path: Path) -> None:
    """``--reuse`` does without unpacking, and writes no journal; ``trace`` takes it as well."""
    folder = move(built, tmp_path)
    path = "packed" if where == "packed" else str(built / "build")
    ended = replay(folder, "--reuse", path)
    assert ended.code == 0, ended.err
    assert_same(folder, built)
    assert not list((folder / "build/journal").glob("*/*"))  # whose folder it is, and no replies
    name = json.loads((folder / "build/split/.audiomcq/manifest.json").read_text())["shards"][0]["file"]
    import polars as pl

    id_ = pl.read_parquet(folder / "build/split" / name)["id"][0]
    assert audiomcq("trace", "build/split", id_, "--reuse", path, folder=folder).code == 0
    ended = audiomcq("trace", "build/split", id_, folder=folder)
    assert ended.code == 7
    assert "--reuse" in ended.error


def test_recipe_names_what_is_reused(built: Path, tmp_path: Path) -> None:
    """``reuse`` under [project] is relative to the recipe; a flag takes its place."""
    folder = move(built, tmp_path, project='reuse = ["packed"]')
    command = ("run", str(folder / "recipe.toml"), "--replay", "--keep-failed")
    (tmp_path / "away").mkdir()
    ended = audiomcq(*command, folder=tmp_path / "away")
    assert ended.code == 0, ended.err
    assert_same(folder, built)
    ended = audiomcq(*command, "--reuse", "none", folder=tmp_path / "away")
    assert (ended.code, "none: no such file or folder" in ended.error) == (3, True)


def test_stage_command_reuses(built: Path, tmp_path: Path) -> None:
    """A single stage takes ``--reuse`` too."""
    folder = move(built, tmp_path)
    line = ("caption", "build/caption", "--recipe", "recipe.toml", "--reuse", "packed", "--replay")
    assert audiomcq(*line, folder=folder).code == 0
    line = ("generate", "build/caption", "build/generate", "--recipe", "recipe.toml", "--reuse", "packed")
    ended = audiomcq(*line, "--replay", "--keep-failed", folder=folder)
    assert ended.code == 0, ended.err
    assert hash_tree(folder / "build/generate") == hash_tree(built / "build/generate")


def test_dry_run_counts_what_cannot_be_reused(built: Path, tmp_path: Path) -> None:
    """What a packed file holds is not counted as a call."""
    folder = move(built, tmp_path)
    command = ("run", "recipe.toml", "--until", "generate", "--dry-run", "--json")

    def calls(*more: str) -> int:
        return sum(sum(one["calls"].values()) for one in audiomcq(*command, *more, folder=folder).json["dry_run"])

    assert calls("--reuse", "packed") < calls() / 2
    assert not (folder / "build").exists()


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such file"), (b"text", "not a packed journal"), ("folder", "no journal in this")]
)
def test_place_that_is_none_is_named(content: bytes | str | None, said: str, built: Path, tmp_path: Path) -> None:
    """What is to be reused and cannot be is bad input, before anything is begun."""
    folder = move(built, tmp_path)
    if content == "folder":
        (folder / "place").mkdir()
    elif isinstance(content, bytes):
        (folder / "place").write_bytes(content)
    ended = replay(folder, "--reuse", "place")
    assert ended.code == 3
    assert "place" in ended.error and said in ended.error and "hint" in ended.error
    assert not (folder / "build").exists()


def test_damaged_place_is_named(built: Path, tmp_path: Path) -> None:
    """A packed file cut short is bad input as well."""
    folder = move(built, tmp_path)
    (folder / "packed").write_bytes((folder / "packed").read_bytes()[:-5000])
    for line in (("journal", "unpack", "packed", "build"), ("journal", "info", "packed")):
        ended = audiomcq(*line, folder=folder)
        assert (ended.code, "packed: not a usable journal" in ended.error) == (3, True)
    assert "packed: not a usable journal" in replay(folder, "--reuse", "packed").error


def test_damaged_journal_ends_the_run(built: Path, tmp_path: Path) -> None:
    """A journal of one's own that is damaged is named, with what to do; done as said, the run goes on."""
    folder = move(built, tmp_path)
    shutil.copytree(built / "build", folder / "build")
    shutil.rmtree(folder / "build/verify")
    [path] = (folder / "build/journal/verify").glob("*.sqlite")
    path.write_bytes(path.read_bytes()[:6000])
    ended = replay(folder)
    assert ended.code == 8
    assert str(path.relative_to(folder)) in ended.error and "move it away" in ended.error
    path.rename(tmp_path / "away")
    assert replay(folder, "--reuse", "packed").code == 0
    assert_same(folder, built)


def test_same_journals_give_the_same_file(built: Path, tmp_path: Path) -> None:
    """Packed again, and packed of what was unpacked, the bytes are the same; a file that is there is left alone."""
    assert audiomcq("journal", "unpack", built / "packed", "build", folder=tmp_path).code == 0
    line = ("journal", "pack", "build", "packed")
    assert audiomcq(*line, folder=tmp_path).code == 0
    assert (tmp_path / "packed").read_bytes() == (built / "packed").read_bytes()
    ended = audiomcq(*line, "--stage", "filter", folder=tmp_path)
    assert (ended.code, "--replace" in ended.error) == (3, True)
    assert (tmp_path / "packed").read_bytes() == (built / "packed").read_bytes()
    assert audiomcq(*line, "--stage", "filter", "--replace", folder=tmp_path).code == 0
    ended = audiomcq("journal", "info", "packed", "--json", folder=tmp_path)
    assert [one["stage"] for one in ended.json["journal"]["stages"]] == ["filter"]


def test_journal_of_a_running_stage_is_refused(built: Path, tmp_path: Path) -> None:
    """While a run writes a journal it is not packed."""
    shutil.copytree(built / "build/journal", tmp_path / "build/journal")
    [path] = (tmp_path / "build/journal/filter").glob("*.sqlite")
    with JournalWriter() as writer:
        writer.open(path)
        ended = audiomcq("journal", "pack", "build", "packed", folder=tmp_path)
    assert (ended.code, "another run is writing" in ended.error) == (8, True)
    assert not (tmp_path / "packed").exists()


def test_counts_are_said(built: Path) -> None:
    """People are told replies and bytes of every stage."""
    ended = audiomcq("journal", "info", "build", folder=built)
    assert ended.code == 0
    assert [line.partition(":")[0] for line in ended.err.splitlines()] == sorted(set(STAGES) - {"split"})
    assert all(" replies in 1 journal, " in line for line in ended.err.splitlines())
