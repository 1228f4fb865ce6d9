"""``probe`` and the limit of publish as their users meet them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import audiomcq
from tests.release.conftest import write_stage
from tests.release.rows.test_guesses import told_rows

RECIPE = '[project]\nname = "tiny"\n[publish]\nlicense = "cc-by-4.0"\nmax_guessable = 0.5\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe that has a limit, a corpus that can be guessed, and a small one."""
    folder = tmp_path_factory.mktemp("probing")
    (folder / "recipe.toml").write_text(RECIPE)
    rows = [*told_rows(80, told=0.9), *told_rows(60, told=0.0, first=100, form="who"), *told_rows(5, told=0, first=200,
            form="rare")]  # fmt: skip
    write_stage(folder / "build" / "split", rows)
    write_stage(folder / "small", told_rows(12, told=1.0))
    return folder


def test_probe_tells_people_what_can_be_guessed(folder: Path) -> None:
    """The whole, each guesser, each form, small groups and telling words go to stderr; the last stage is probed."""
    told = audiomcq("probe", "build", "--no-learned", folder=folder)
    assert (told.code, told.out) == (0, "")
    assert "build/split: 145 questions" in told.err
    assert "guessable from the text alone: " in told.err
    assert "too few rows to say anything: form rare (5)" in told.err
    for part in ("same options", "position", "length", "presence", "siren"):
        assert part in told.err
    assert "trained model" not in told.err


def test_probe_gives_its_numbers_as_json(folder: Path) -> None:
    """One summary on stdout, with what the trained model guesses marked as deciding nothing."""
    told = audiomcq("probe", "build/split", "--json", folder=folder)
    found = told.json["probe"]
    assert (found["folder"], found["rows"]) == ("build/split", 145)
    assert found["groups"]["form"]["presence"]["guessable"] > found["groups"]["form"]["who"]["guessable"]
    assert found["groups"]["form"]["rare"]["note"] == "too few rows: 5"
    assert found["learned"]["decides"] is False


def test_of_few_rows_probe_says_nothing_yet(folder: Path) -> None:
    """A small corpus gets a sentence in place of a number."""
    told = audiomcq("probe", "small", folder=folder)
    assert told.code == 0
    assert "nothing can be said yet: too few rows: 12" in told.err
    assert "%" not in told.err


def test_publish_stops_above_the_limit(folder: Path, tmp_path: Path) -> None:
    """Exit code 13, and nothing is written."""
    told = audiomcq("publish", "build/split", str(tmp_path / "out"), "--recipe", "recipe.toml", "--json", folder=folder)
    assert told.code == 13
    assert told.json["error"]["type"] == "TooGuessable"
    assert "presence" in told.err
    assert not (tmp_path / "out").exists()


def test_publish_says_where_the_limit_does_not_apply(folder: Path, tmp_path: Path) -> None:
    """Of too few rows nothing is known: the release is built, and stderr says that the limit was not held."""
    told = audiomcq("publish", "small", str(tmp_path / "out"), "--recipe", "recipe.toml", "--json", folder=folder)
    assert told.code == 0
    assert "not known, too few rows: 12; max_guessable = 0.5 does not apply" in told.err
    assert told.json["release"]["guessable"] == {"share": None, "note": "too few rows: 12"}


def test_a_folder_without_questions_is_named(folder: Path, tmp_path: Path) -> None:
    """An empty folder is bad input, with what to name instead."""
    told = audiomcq("probe", str(tmp_path), folder=folder)
    assert told.code == 3
    assert "no Parquet shards" in told.err
