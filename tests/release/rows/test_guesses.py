"""What a release says of how far it can be guessed, and the limit that a recipe sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import jsonschema
import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError, TooGuessable
from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.rows.guesses import probe_stage, probe_tree
from audiomcq_cli.release.tree import open_tree
from audiomcq_cli.storage.resources import schema
from tests.probe.corpora import SOUNDS
from tests.release.conftest import INFO, Releases, released_row, write_stage


def told_rows(count: int, *, told: float, first: int = 0, form: str = "presence") -> list[Row]:
    """Rows of a form of which a share has the same key wherever it stands; of the others the key is any option."""
    random = Random(first)
    rows = []
    for number in range(first, first + count):
        choices = random.sample([text for text in SOUNDS if "siren" not in text], 4)
        index = random.randrange(4)
        if random.random() < told:
            choices[index] = "a siren wailing"
        made = {"column": "question", "model": "grounded", "revision": "", "prompt": form, "prompt_version": ""}
        rows.append(
            released_row(number, choices=choices, answer=choices[index], answer_index=index, method="grounded",
                         provenance=[made])
        )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stage folder with a form that gives its keys away and one that does not."""
    rows = [*told_rows(100, told=0.9), *told_rows(200, told=0.0, first=100, form="background")]
    return write_stage(tmp_path_factory.mktemp("told") / "split", rows, shards=3)


@pytest.fixture(scope="module")
def release(told: Path) -> Path:
    """What is built of it, beside it."""
    return build_release(told, told.parent / "release", INFO).folder


def test_a_release_says_how_far_it_can_be_guessed(release: Path) -> None:
    """The statistics hold the numbers by form, the card has them in words, and both are the same."""
    statistics = json.loads((release / "statistics.json").read_text())
    jsonschema.validate(statistics, schema("statistics"))
    found = statistics["probe"]
    assert found["rows"] == found["probed"] == 300
    assert found["guessable"] == found["best"]["share"]
    assert found["groups"]["form"]["presence"]["guessable"] > 0.85
    assert found["groups"]["form"]["presence"]["word"]["name"] in ("siren", "wailing")
    card = (release / "README.md").read_text()
    assert "## What can be guessed from the text" in card
    assert f"**{100 * found['best']['share']:.1f} %**" in card
    assert "| presence | 100 |" in card


def test_a_small_release_says_that_nothing_is_known(releases: Releases, tmp_path: Path) -> None:
    """With too few rows neither card nor statistics have a number; a limit does not apply, and stands in the recipe."""
    rows = told_rows(12, told=1.0)
    folder = releases.put(tmp_path / "release", rows, replace(INFO, max_guessable=0.25))
    statistics = json.loads((folder / "statistics.json").read_text())
    jsonschema.validate(statistics, schema("statistics"))
    assert (statistics["probe"]["guessable"], statistics["probe"]["note"]) == (None, "too few rows: 12")
    assert "too few rows: 12" in (folder / "README.md").read_text()
    assert "max_guessable = 0.25\n" in (folder / "recipe.toml").read_text()


def test_a_limit_stops_the_release_and_names_the_forms(told: Path, tmp_path: Path) -> None:
    """Above max_guessable nothing is built, and the error names the forms above it, with numbers and what to do."""
    with pytest.raises(TooGuessable) as caught:
        build_release(told, tmp_path / "release", replace(INFO, max_guessable=0.6))
    assert "max_guessable is 60.0 %; forms above it: presence 9" in str(caught.value)
    assert " of 100 (by " in str(caught.value)
    assert "background" not in str(caught.value)
    assert f"audiomcq probe {told}" in caught.value.hint
    assert caught.value.exit_code == 13
    assert list(tmp_path.iterdir()) == []


def test_a_limit_leaves_the_release_that_was_there(told: Path, release: Path) -> None:
    """A release that was built before stays as it was where the limit stops the next."""
    before = (release / ".audiomcq" / "manifest.json").read_bytes()
    with pytest.raises(TooGuessable):
        build_release(told, release, replace(INFO, max_guessable=0.3))
    assert (release / ".audiomcq" / "manifest.json").read_bytes() == before


def test_a_release_is_probed_as_the_stage_it_was_built_of(told: Path, release: Path) -> None:
    """The stage folder, read either way, and the release give one report."""
    report = probe_stage(told)
    assert report == probe_tree(open_tree(told)) == probe_tree(open_tree(release))


def test_a_folder_without_questions_is_refused(tmp_path: Path) -> None:
    """Clips are no questions: the error names the column and where questions are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"clip_id": ["a"]}), tmp_path / "part-00000-of-00001.parquet")
    with pytest.raises(InputError, match="column 'id': column is missing: no questions") as caught:
        probe_tree(open_tree(tmp_path))
    assert "generate" in caught.value.hint
