"""What a dry run says beside its numbers: what is called where, what is paid for, and what would stop the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import NOWHERE, Ended, audiomcq, write_audiocaps, write_recipe, write_tones


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with its audio, one without, and a recipe whose writer alone has a price; no server is there."""
    folder = tmp_path_factory.mktemp("dry")
    write_tones(folder / "tones", 1)
    write_audiocaps(folder / "a.csv", ["A dog barks while rain falls"])
    recipe = write_recipe(folder / "recipe.toml", NOWHERE, sources="folder:tones,audiocaps:a.csv")
    text = recipe.read_text().replace("sampling = {seed = 0}", "sampling = {seed = 0}\nprompt_price = 1.0")
    text = text.replace("sampling = {seed = 1}", 'sampling = {seed = 1}\napi_key_env = "NO_SUCH_KEY_HERE"')
    recipe.write_text(text)
    return folder


@pytest.fixture(scope="module")
def table(folder: Path) -> dict[str, list[list[str]]]:
    """Cells of the rows of each stage, of the Markdown that it prints."""
    lines = audiomcq("run", "recipe.toml", "--dry-run", "--markdown", folder=folder).out.splitlines()
    rows: dict[str, list[list[str]]] = {}
    for line in lines:
        cells = [cell.strip().replace("\\", "") for cell in line.split("|")[1:-1]]
        if cells:
            rows.setdefault(cells[0], []).append(cells)
    return rows


@pytest.fixture(scope="module")
def ended(folder: Path) -> Ended:
    """The dry run."""
    ended = audiomcq("run", "recipe.toml", "--dry-run", folder=folder)
    assert ended.code == 0, ended.err
    return ended


def test_what_this_machine_does_is_no_call_that_is_paid(table: dict[str, list[list[str]]], folder: Path) -> None:
    """An analysis is told from the models of the recipe, and is not in the sums."""
    [caption] = table["caption"]
    assert caption[3:5] == ["(this machine) probe", "1"]
    calls = sum(int(row[4]) for stage in ("generate", "verify", "cot", "filter") for row in table[stage])
    document = audiomcq("run", "recipe.toml", "--dry-run", "--json", folder=folder).json
    assert document["dry_run_total"]["calls"] == calls == int(table["all"][0][4])


def test_models_stand_in_the_order_in_which_they_are_asked(table: dict[str, list[list[str]]]) -> None:
    """The writer of a stage comes before its grader."""
    assert [row[3] for row in table["cot"]] == ["writer", "grader"]
    assert [row[3] for row in table["filter"]] == ["judge1", "judge2", "judge3"]


def test_stage_with_several_calls_an_item_says_so(ended: Ended) -> None:
    """Where more is sent than there are items the reason is told."""
    assert "filter: 3 calls a question\n" in ended.err


def test_models_without_a_price_are_named(ended: Ended) -> None:
    """A sum of money that leaves out models names those."""
    assert "money counts writer only: grader, judge1, judge2 and judge3 have no price\n" in ended.err


def test_estimates_are_called_estimates(ended: Ended) -> None:
    """What the numbers rest on, and how to get better ones and a time, is said in plain words."""
    assert "These numbers are estimates: generate, verify, cot and filter have not asked anything yet." in ended.err
    assert "Time: add --throughput TOKENS_A_SECOND\n" in ended.err


def test_missing_key_is_told_of(ended: Ended) -> None:
    """A key that the run needs and the environment lacks is named, though a dry run does without."""
    told = "model 'grader': the environment variable NO_SUCH_KEY_HERE is not set; the run needs it\n"
    assert ended.err.count(told) == 1


def test_shards_of_a_first_run_are_not_listed(ended: Ended) -> None:
    """Where every stage has its one shard to make for the first time there is nothing to tell of shards."""
    assert "shard" not in ended.err


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--judges", "--judges belongs to audiomcq filter; for run, set judges under [filter] in the recipe"),
        ("--writer", "audiomcq generate and audiomcq cot; for run, set writer under [generate] or [cot]"),
        ("--shard-count", "--shard-count belongs to audiomcq caption; for run, set shards under [project]"),
    ],
)
def test_option_of_a_stage_is_no_option_of_run(option: str, told: str, folder: Path) -> None:
    """An option that a stage has is said to be the stage's, with the key of the recipe that run reads."""
    ended = audiomcq("run", "recipe.toml", option, "x", folder=folder)
    assert ended.code == 2
    assert told in ended.err.replace("│", " ").replace("\n", " ")
    assert "Possible options" not in ended.err


def test_items_of_which_a_row_has_several_are_explained(tmp_path: Path) -> None:
    """A stage that makes several items of a clip says how many clips there were."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks while rain falls", "A man talks over music"])
    assert audiomcq("caption", "audiocaps:a.csv", "build/caption", folder=tmp_path).code == 0
    ended = audiomcq("generate", "build/caption", "build/generate", "--questions-per-clip", "3", folder=tmp_path)
    assert "generate: 6 in (2 clips \u00d7 3) = " in ended.err


def test_own_options_of_a_stage_come_first(tmp_path: Path) -> None:
    """The help of a stage begins with what is its own."""
    for stage in ("generate", "filter", "split"):
        out = audiomcq(stage, "--help", folder=tmp_path).out
        assert out.index("Options of this stage") < out.index("Options of every stage")
