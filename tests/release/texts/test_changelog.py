"""Tests of ``release/texts/changelog.py``: what stands in a CHANGELOG.md, and what people wrote there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.release.build import build_release, is_current
from audiomcq_cli.release.tree import open_tree
from tests.release.conftest import INFO, Releases, released_row, upload, write_stage
from tests.servers.hub import ORG, RunningHub


def publish(folder: Path, rows: Sequence[Row], version: str, *, since: str = "", to: str = "release") -> str:
    """Build a release of some rows; returns its changelog."""
    source = write_stage(folder / f"split-{version}", rows)
    target = folder / to
    build_release(source, target, replace(INFO, version=version), since=open_tree(since) if since else None)
    return (target / "CHANGELOG.md").read_text()


def publish_first(releases: Releases, folder: Path, version: str = "1.0.0", *, to: str = "release") -> None:
    """Put a release of three rows there that has none before it."""
    releases.put(folder / to, rows_of(3), replace(INFO, version=version))


def versions(changelog: str) -> list[str]:
    return re.findall(r"^## \[(.+)\]$", changelog, re.MULTILINE)


def rows_of(count: int) -> list[Row]:
    return [released_row(number) for number in range(count)]


def test_the_first_entry_counts(tmp_path: Path) -> None:
    """Nothing came before, so it says what there is."""
    changelog = publish(tmp_path, rows_of(3), "1.0.0")
    assert versions(changelog) == ["1.0.0"]
    assert "- 3 questions about 3 clips: 3 sound; 3 weak." in changelog


def test_an_entry_for_each_version_newest_first(releases: Releases, tmp_path: Path) -> None:
    """A release that replaces one of a lower version says what changed, and carries the entries before it."""
    publish_first(releases, tmp_path)
    changed = [released_row(0, label="strong"), *rows_of(5)[1:4]]
    publish(tmp_path, changed, "1.1.0")
    changelog = publish(tmp_path, changed, "1.1.1")
    assert versions(changelog) == ["1.1.1", "1.1.0", "1.0.0"]
    newest, middle, _ = changelog.split("\n## ")[1:]
    assert "The questions are the same, row by row." in newest
    assert "4 questions, 3 in 1.0.0." in middle
    assert "### Added\n\n- 1 question." in middle
    assert "- config strong: train: data/\\*/strong-\\*.parquet." in middle
    assert "- 1 label flipped: weak → strong 1." in middle


def test_since_a_release_elsewhere(hub: RunningHub, releases: Releases, tmp_path: Path) -> None:
    """``since`` may be a revision of the Hub; its entries are carried over, and another one is another changelog."""
    publish_first(releases, tmp_path, to="old")
    upload(hub, f"{ORG}/log", tmp_path / "old")
    changelog = publish(tmp_path, rows_of(5), "2.0.0", since=f"{ORG}/log")
    assert versions(changelog) == ["2.0.0", "1.0.0"]
    assert "5 questions, 3 in 1.0.0." in changelog
    source, info = tmp_path / "split-2.0.0", replace(INFO, version="2.0.0")
    assert is_current(source, tmp_path / "release", info, since=open_tree(f"{ORG}/log"))
    assert not is_current(source, tmp_path / "release", info)


def test_what_people_wrote_survives(releases: Releases, tmp_path: Path) -> None:
    """Outside of the marks every word stays where it is, when the version is built again and when the next one is."""
    publish_first(releases, tmp_path)
    publish(tmp_path, rows_of(4), "1.1.0")
    file = tmp_path / "release/CHANGELOG.md"
    text = file.read_text().replace("# Changelog\n", "# Changelog of ours\n")
    text = text.replace("## [1.1.0]\n", "## [Unreleased]\n\nMuch to do.\n\n## [1.1.0]\n\nThanks to all who listened.\n")
    file.write_text(text + "\n[1.0.0]: https://example.org/1.0.0\n")
    for changelog in (publish(tmp_path, rows_of(6), "1.1.0"), publish(tmp_path, rows_of(6), "1.2.0")):
        assert "# Changelog of ours" in changelog
        assert "## [Unreleased]\n\nMuch to do." in changelog
        assert "## [1.1.0]\n\nThanks to all who listened." in changelog
        assert changelog.rstrip().endswith("[1.0.0]: https://example.org/1.0.0")
    assert versions(changelog) == ["Unreleased", "1.2.0", "1.1.0", "1.0.0"]


def test_a_version_built_again(releases: Releases, tmp_path: Path) -> None:
    """Without the release before at hand its entry says so; with it, or without change, it counts."""
    publish_first(releases, tmp_path)
    publish_first(releases, tmp_path, to="old")
    assert "4 questions, 3 in 1.0.0." in publish(tmp_path, rows_of(4), "1.1.0")
    assert "4 questions, 3 in 1.0.0." in publish(tmp_path, rows_of(4), "1.1.0")
    again = publish(tmp_path, rows_of(6), "1.1.0")
    assert "6 questions. This version was built again without the one before it at hand" in again
    assert "4 questions" not in again
    told = publish(tmp_path, rows_of(6), "1.1.0", since=str(tmp_path / "old"))
    assert "6 questions, 3 in 1.0.0." in told
    assert versions(told) == ["1.1.0", "1.0.0"]


def test_a_first_version_built_again(releases: Releases, tmp_path: Path) -> None:
    """It has nothing before it, so it counts anew."""
    publish_first(releases, tmp_path)
    changelog = publish(tmp_path, rows_of(5), "1.0.0")
    assert "- 5 questions about 5 clips" in changelog
    assert "3 questions" not in changelog


@pytest.mark.parametrize(
    ("version", "since", "message"),
    [
        ("0.9.0", False, "is lower than 1.0.0"),
        ("0.9.0", True, "is lower than 1.0.0"),
        ("1.0.0", True, "differs"),
    ],
)
def test_a_version_that_misleads_leaves_the_old_release(
    version: str, since: bool, message: str, releases: Releases, tmp_path: Path
) -> None:
    """It is refused before anything is replaced."""
    publish_first(releases, tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "release").rglob("*") if path.is_file()}
    with pytest.raises(RecipeError, match=message):
        publish(tmp_path, rows_of(5), version, since=str(tmp_path / "release") if since else "")
    after = {path: path.read_bytes() for path in (tmp_path / "release").rglob("*") if path.is_file()}
    assert after == before
    assert not list(tmp_path.glob(".release*"))


def test_another_corpus_in_the_folder_is_no_release_before(releases: Releases, tmp_path: Path) -> None:
    """What has another name is replaced, and neither its version nor its changelog counts."""
    publish_first(releases, tmp_path, "3.0.0")
    source = write_stage(tmp_path / "split", rows_of(2))
    build_release(source, tmp_path / "release", replace(INFO, name="another", version="1.0.0"))
    assert versions((tmp_path / "release/CHANGELOG.md").read_text()) == ["1.0.0"]


def test_a_damaged_release_is_mended_by_building_it_again(releases: Releases, tmp_path: Path) -> None:
    """The same version takes its place; a higher one says that the release before cannot be read."""
    publish_first(releases, tmp_path)
    file = tmp_path / "release/data/sft/weak-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-9])
    (tmp_path / "release/README.md").write_text("cut")
    with pytest.raises(InputError, match="the release before cannot be read"):
        publish(tmp_path, rows_of(4), "1.1.0")
    assert "- 3 questions about 3 clips" in publish(tmp_path, rows_of(3), "1.0.0")
    assert "4 questions, 3 in 1.0.0." in publish(tmp_path, rows_of(4), "1.1.0")
