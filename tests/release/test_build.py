"""Tests of ``release/build.py``."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.records import RELEASED, arrow_schema
from audiomcq_cli.release.build import build_release, is_current
from audiomcq_cli.storage.files import holding
from tests.release.conftest import INFO, released_row, write_stage


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def load(folder: Path, config: str, cache: Path) -> Any:
    """What ``datasets`` itself makes of a config."""
    import datasets

    return datasets.load_dataset(str(folder), config, cache_dir=str(cache))


@pytest.mark.usefixtures("offline")
def test_datasets_opens_every_config(release: Path, tmp_path: Path) -> None:
    """Each config holds the rows it is named for, in one split, with the types of a release."""
    configs = ("all", "rl", "sft", "weak", "strong")
    rows = {name: load(release, name, tmp_path / "cache") for name in configs}
    assert {name: len(parts["train"]) for name, parts in rows.items()} == {
        "all": 40, "rl": 10, "sft": 30, "weak": 20, "strong": 20,
    }  # fmt: skip
    assert all(list(parts) == ["train"] for parts in rows.values())
    assert set(rows["weak"]["train"]["audio_contribution"]) == {"weak"}
    assert set(rows["rl"]["train"]["subset"]) == {"rl"}
    assert rows["all"]["train"].features.arrow_schema.remove_metadata() == arrow_schema(RELEASED)


@pytest.mark.usefixtures("offline")
def test_the_first_config_is_the_default(release: Path, tmp_path: Path) -> None:
    """Without a name, ``datasets`` gives all rows."""
    import datasets

    rows = datasets.load_dataset(str(release), cache_dir=str(tmp_path / "cache"))
    assert len(rows["train"]) == 40


@pytest.mark.usefixtures("offline")
def test_a_new_release_is_not_read_from_the_cache_of_the_old(tmp_path: Path) -> None:
    """``datasets`` keeps what it read by what the card says: one that says the same would bring back the old rows."""
    for count in (3, 5):
        source = write_stage(tmp_path / f"split{count}", [released_row(number) for number in range(count)])
        build_release(source, tmp_path / "release", INFO)
        assert len(load(tmp_path / "release", "all", tmp_path / "cache")["train"]) == count


def test_an_unchanged_release_is_known_as_such(stage: Path, release: Path) -> None:
    """A release of the same rows under the same name need not be built again; under another, or damaged, it must."""
    target = release
    assert not is_current(stage, target.with_name("none"), INFO)
    assert is_current(stage, target, INFO)
    assert not is_current(stage, target, replace(INFO, version="9.0.0"))
    assert not is_current(stage, target, replace(INFO, audio="embed"))
    assert not is_current(stage, target, replace(INFO, redistribute=("AudioCaps",)))
    card = target / "README.md"
    card.write_bytes(card.read_bytes().swapcase())
    assert not is_current(stage, target, INFO)


@pytest.mark.usefixtures("offline")
def test_subsets_named_as_labels_are_one_config(tmp_path: Path) -> None:
    """The subsets of the plan weak-strong and the labels do not meet as two configs of one name."""
    rows = [released_row(number, label, label) for number, label in enumerate(["weak", "strong", "weak"])]
    source = write_stage(tmp_path / "split", rows)
    report = build_release(source, tmp_path / "release", INFO)
    assert report.configs == ("all", "strong", "weak")
    assert len(load(tmp_path / "release", "weak", tmp_path / "cache")["train"]) == 2


def test_polars_scans_the_release(stage: Path, release: Path) -> None:
    """The rows are those of the stage folder, each once."""
    found = pl.scan_parquet(release / "data/*/*.parquet").sort("id").collect()
    assert found.equals(pl.scan_parquet(stage / "*.parquet").sort("id").collect())


def test_files_are_named_for_subset_label_and_shard(stage: Path, tmp_path: Path) -> None:
    """A file holds the rows of one shard, subset and label; without rows there is none."""
    report = build_release(stage, tmp_path / "release", INFO)
    assert report.configs == ("all", "rl", "sft", "weak", "strong")
    for file in report.files:
        if file.rows is None:
            continue
        path = Path(file.path)
        rows = pl.read_parquet(tmp_path / "release" / path)
        assert rows.height == file.rows > 0
        assert set(rows["subset"]) == {path.parent.name}
        assert set(rows["audio_contribution"]) == {path.name.split("-")[0]}
        assert path.name.endswith("-of-00004.parquet")


def test_the_manifest_names_every_file_with_its_hash(stage: Path, tmp_path: Path) -> None:
    """Nothing but the manifest is missing from it, and no place on this machine is in it."""
    from audiomcq_cli.storage.files import hash_file

    target = tmp_path / "release"
    report = build_release(stage, target, INFO)
    manifest = json.loads((target / ".audiomcq/manifest.json").read_text())
    assert {file["file"] for file in manifest["files"]} | {".audiomcq/manifest.json"} == set(snapshot(target))
    assert all(hash_file(target / file["file"]) == file["sha256"] for file in manifest["files"])
    assert manifest["rows"] == sum(count["rows"] for count in manifest["counts"]) == report.statistics.rows == 40
    assert (manifest["release"], manifest["version"]) == ("tiny", "1.2.0")
    assert "audio_roots" not in manifest
    assert str(tmp_path) not in json.dumps(manifest)


def test_parquet_is_written_for_the_viewer(tmp_path: Path) -> None:
    """Row groups are small, pages are indexed, columns compressed."""
    source = write_stage(tmp_path / "split", [released_row(number) for number in range(1_500)])
    build_release(source, tmp_path / "release", INFO)
    metadata = pq.read_metadata(tmp_path / "release/data/sft/weak-00000-of-00001.parquet")
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [1_000, 500]
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    assert metadata.row_group(0).column(0).has_column_index


def test_two_builds_are_the_same_bytes(stage: Path, release: Path, tmp_path: Path) -> None:
    """Neither the place nor what was there before shows in a release."""
    before = snapshot(release)
    other = shutil.copytree(stage, tmp_path / "elsewhere/split")
    build_release(other, tmp_path / "elsewhere/deep/release", INFO)
    assert snapshot(tmp_path / "elsewhere/deep/release") == before
    build_release(stage, release, INFO)
    assert snapshot(release) == before


def test_a_change_touches_only_the_files_of_its_shard(stage: Path, release: Path, tmp_path: Path) -> None:
    """A new version leaves the other data files as they are."""
    rows = pl.read_parquet(stage / "*.parquet").to_dicts()
    rows[0]["question"] = "What else is heard?"
    build_release(write_stage(tmp_path / "split2", rows, shards=4), tmp_path / "new", INFO)
    old, new = snapshot(release), snapshot(tmp_path / "new")
    assert old.keys() == new.keys()
    assert len([name for name in old if name.startswith("data/") and old[name] != new[name]]) == 1


def test_a_new_release_takes_the_place_of_the_old(release: Path, tmp_path: Path) -> None:
    """Files that the new one does not have are gone, and nothing is left beside it."""
    target = shutil.copytree(release, tmp_path / "out/release")
    smaller = write_stage(tmp_path / "smaller", [released_row(1)])
    report = build_release(smaller, target, replace(INFO, version="2.0.0"))
    assert [path for path in sorted(snapshot(target)) if path.startswith("data/")] == [
        "data/sft/weak-00000-of-00001.parquet"
    ]
    assert report.configs == ("all", "sft", "weak")
    assert [path.name for path in target.parent.iterdir()] == ["release"]


def damage_shard(stage: Path) -> None:
    (stage / "part-00003-of-00004.parquet").write_bytes(b"PAR1")


def remove_shard(stage: Path) -> None:
    (stage / "part-00003-of-00004.parquet").unlink()


def remove_manifest(stage: Path) -> None:
    (stage / ".audiomcq/manifest.json").unlink()


def make_text_of_shard(stage: Path) -> None:
    """A shard that is no Parquet, though the manifest names just these bytes: found only when it is read."""
    from audiomcq_cli.storage.files import hash_file

    file = stage / "part-00003-of-00004.parquet"
    file.write_text("no Parquet")
    manifest = json.loads((stage / ".audiomcq/manifest.json").read_text())
    manifest["shards"][3]["sha256"] = hash_file(file)
    (stage / ".audiomcq/manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (damage_shard, StorageError, "part-00003-of-00004.parquet is not as the manifest says"),
        (remove_shard, StorageError, "part-00003-of-00004.parquet is not as the manifest says"),
        (remove_manifest, StorageError, "the stage is not finished"),
        (make_text_of_shard, InputError, "not rows that split wrote"),
    ],
)
def test_a_failed_build_leaves_the_old_release(
    harm: Any, error: type[Exception], message: str, stage: Path, release: Path, tmp_path: Path
) -> None:
    """What is wrong is said, the old release stays whole, and nothing is left beside it."""
    target = shutil.copytree(release, tmp_path / "out/release")
    before = snapshot(tmp_path / "out")
    harm(stage)
    with pytest.raises(error, match=message):
        build_release(stage, target, INFO)
    assert snapshot(tmp_path / "out") == before


def test_a_swap_cut_short_is_mended(stage: Path, release: Path, tmp_path: Path) -> None:
    """A kill between the two renames leaves the old release beside its place; the next run brings it back first."""
    target = shutil.copytree(release, tmp_path / "out/release")
    before = snapshot(target)
    target.rename(target.with_name(".release.previous"))
    (target.with_name(".release.building") / "data").mkdir(parents=True)
    remove_manifest(stage)
    with pytest.raises(StorageError):
        build_release(stage, target, INFO)
    assert snapshot(target) == before
    assert [path.name for path in target.parent.iterdir()] == ["release"]


def test_a_folder_that_is_no_release_is_not_replaced(stage: Path, tmp_path: Path) -> None:
    """Neither someone's files nor a stage folder are lost to a wrong path."""
    mine = tmp_path / "mine"
    mine.mkdir()
    build_release(stage, mine, INFO)  # empty: free to take
    shutil.rmtree(mine)
    mine.mkdir()
    (mine / "thesis.tex").write_text("…")
    for target in (mine, mine / "thesis.tex", stage):
        with pytest.raises(StorageError, match="is in the way"):
            build_release(stage, target, INFO)
    with pytest.raises(StorageError, match="inside the stage folder"):
        build_release(stage, stage / "release", INFO)
    assert (mine / "thesis.tex").read_text() == "…"


@pytest.mark.parametrize("name", ["NOTES.md", "inner/.audiomcq/manifest.json", ".git/config"])
def test_files_of_people_in_a_release_are_not_lost(name: str, stage: Path, release: Path, tmp_path: Path) -> None:
    """A new release takes the place of the whole folder, so what is not of the old one is to be moved away first."""
    target = release
    (target / ".DS_Store").write_text("litter")
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (target / name).write_text("mine")
    before = snapshot(tmp_path)
    with pytest.raises(StorageError, match=f"not the release's: {name}"):
        build_release(stage, target, replace(INFO, title="Another"))
    assert snapshot(tmp_path) == before
    (target / name).unlink()
    build_release(stage, target, replace(INFO, title="Another"))


def test_two_builds_at_once_are_one_after_the_other(stage: Path, tmp_path: Path) -> None:
    """While one process builds a release no other does: each would take the other's files away and call it done."""
    target = tmp_path / "release"
    with holding(tmp_path / ".release.lock", "held"), pytest.raises(StorageError, match="another publish is building"):
        build_release(stage, target, INFO)
    build_release(stage, target, INFO)
    assert [path.name for path in tmp_path.iterdir() if "release" in path.name] == ["release"]


def test_no_rows_are_no_release(tmp_path: Path) -> None:
    """A release that no reader could open is not built."""
    with pytest.raises(InputError, match="nothing to release"):
        build_release(write_stage(tmp_path / "split", []), tmp_path / "release", INFO)
    assert not (tmp_path / "release").exists()


def test_rows_of_an_earlier_stage_are_refused(tmp_path: Path, stage: Path) -> None:
    """A folder without subsets is named with the column that it lacks."""
    from audiomcq_cli.storage.files import hash_file

    manifest = json.loads((stage / ".audiomcq/manifest.json").read_text())
    for entry in manifest["shards"]:
        file = stage / entry["file"]
        pq.write_table(pq.read_table(file).drop_columns("subset"), file)
        entry["sha256"] = hash_file(file)
    (stage / ".audiomcq/manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="column 'subset': column is missing"):
        build_release(stage, tmp_path / "release", INFO)


@pytest.mark.parametrize("subset", ["../out", "a/b", "all", "*", "", ".hidden"])
def test_a_subset_that_is_no_name_is_refused(subset: str, tmp_path: Path) -> None:
    """A subset becomes a folder and a glob, so it is a plain word."""
    source = write_stage(tmp_path / "split", [released_row(1, subset)])
    with pytest.raises(InputError, match="rows of subset"):
        build_release(source, tmp_path / "release", INFO)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["split"]
