"""Tests of ``release/rows/embed.py``: which clips go into a release, and what stops it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.release.build import ReleaseReport, build_release
from tests.release.conftest import INFO, record, released_row, write_stage

EMBED = replace(INFO, audio="embed")
ROOTS = {"AudioCaps": "../audio", "Mine": "../audio"}
SOURCES = [{"name": name, "adapter": "folder", "license": None, "origin": None} for name in ROOTS]


def build(folder: Path, rows: list[Row], *, redistribute: tuple[str, ...] = (), licensed: str = "") -> ReleaseReport:
    """A release with audio of two sources; ``licensed`` is the license of the second."""
    sources = [SOURCES[0], SOURCES[1] | {"license": licensed or None}]
    source = write_stage(folder / "split", rows, audio_roots=ROOTS, sources=sources)
    return build_release(source, folder / "release", replace(EMBED, redistribute=redistribute))


def embedded(folder: Path) -> set[str]:
    """Clips that have their audio in the release."""
    rows = pl.read_parquet(folder / "release/data/*/*.parquet")
    return {row["source_id"] for row in rows.iter_rows(named=True) if row["audio"]}


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Clips with a good license, without any, with one that forbids it, and without audio; two questions of each."""
    licenses = {1: "CC BY 4.0", 2: None, 3: "All rights reserved", 4: "Attribution NonCommercial", 5: ""}
    rows = [
        released_row(number, source_dataset="Mine", license=license_, **record(tmp_path / "audio", number))
        for number, license_ in licenses.items()
    ]
    rows.append(released_row(6, license="CC0", audio_path="6.wav", audio_sha256=None))
    rows.append(released_row(7, license="CC0", audio_path=None, audio_sha256=None))
    return [row | {"id": f"{row['id']}:{slot}"} for row in rows for slot in range(2)]


def test_what_may_not_be_passed_on_stays_out(rows: list[Row], tmp_path: Path) -> None:
    """Clips go in by their license; the others are there without audio, counted by source, license and reason."""
    statistics = build(tmp_path, rows).statistics
    assert embedded(tmp_path) == {"1", "4"}
    assert statistics.embedded == {("Mine", "CC BY 4.0"): 1, ("Mine", "Attribution NonCommercial"): 1}
    assert statistics.withheld == {
        ("Mine", "", "no_license"): 2,
        ("Mine", "All rights reserved", "not_allowed"): 1,
        ("AudioCaps", "CC0", "no_audio"): 2,
    }
    assert statistics.rows == 14


def test_the_license_of_the_source_counts_where_the_row_has_none(rows: list[Row], tmp_path: Path) -> None:
    """What the clip itself says still comes first."""
    build(tmp_path, rows, licensed="cc0-1.0")
    assert embedded(tmp_path) == {"1", "2", "4", "5"}


def test_a_named_source_goes_in_whatever_its_license(rows: list[Row], tmp_path: Path) -> None:
    """Who has the right to pass a source on says so by its name."""
    statistics = build(tmp_path, rows, redistribute=("Mine",)).statistics
    assert embedded(tmp_path) == {"1", "2", "3", "4", "5"}
    assert {reason for *_, reason in statistics.withheld} == {"no_audio"}


def test_a_source_that_is_none_is_refused(rows: list[Row], tmp_path: Path) -> None:
    """A slip in the name of a source is told, not passed over."""
    with pytest.raises(RecipeError, match="no source 'mine'"):
        build(tmp_path, rows, redistribute=("mine",))


def change(audio: Path) -> None:
    (audio / "1.wav").write_bytes((audio / "2.wav").read_bytes())


def remove(audio: Path) -> None:
    (audio / "1.wav").unlink()


def make_folder(audio: Path) -> None:
    (audio / "1.wav").unlink()
    (audio / "1.wav").mkdir()


def lead_out(audio: Path) -> None:
    (audio / "1.wav").unlink()
    (audio.parent / "secret.wav").write_bytes(b"secret")
    (audio / "1.wav").symlink_to("../secret.wav")


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (change, "has changed since it was captioned"),
        (remove, "is not there"),
        (make_folder, "cannot be read"),
        (lead_out, "a symbolic link leads out of the audio root"),
    ],
)
def test_a_file_that_is_not_the_clip_stops_the_build(
    harm: Callable[[Path], None], problem: str, rows: list[Row], tmp_path: Path
) -> None:
    """Clip and file are named, what to do is said, and the release before stays as it is."""
    build(tmp_path, rows)
    before = (tmp_path / "release/.audiomcq/manifest.json").read_bytes()
    harm(tmp_path / "audio")
    with pytest.raises(InputError, match=rf"1\.wav.*audio of clip 'Mine:1'.*{problem}") as raised:
        build(tmp_path, rows, licensed="MIT")
    assert "caption again" in raised.value.hint
    assert (tmp_path / "release/.audiomcq/manifest.json").read_bytes() == before
    assert not list(tmp_path.glob(".release.*"))


def test_a_path_out_of_the_audio_root_is_refused(tmp_path: Path) -> None:
    """Rows may come from anywhere: none brings another file of this machine into a release."""
    values = record(tmp_path, 1)
    (tmp_path / "audio").mkdir()
    for path in ("../1.wav", str(tmp_path / "1.wav")):
        with pytest.raises(InputError, match="audio of clip 'AudioCaps:1'"):
            build(tmp_path, [released_row(1, **values | {"audio_path": path})])


def test_a_source_without_a_root_is_told(tmp_path: Path) -> None:
    """Where the manifest does not say where audio lies, the clip is named."""
    values = record(tmp_path / "audio", 1)
    source = write_stage(tmp_path / "split", [released_row(1, **values)], audio_roots={})
    with pytest.raises(InputError, match="clip 'AudioCaps:1' cannot be found: the manifest has no audio root"):
        build_release(source, tmp_path / "release", EMBED)


def test_the_manifest_and_card_name_no_folder(rows: list[Row], tmp_path: Path) -> None:
    """No place on this machine is in a release with audio either."""
    build(tmp_path, rows)
    manifest = json.loads((tmp_path / "release/.audiomcq/manifest.json").read_text())
    assert "audio_roots" not in manifest
    assert str(tmp_path) not in json.dumps(manifest) + (tmp_path / "release/README.md").read_text()
