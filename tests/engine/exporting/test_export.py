"""Tests of ``engine/exporting/export.py`` and ``folder.py``."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.engine.exporting import folder as folders
from audiomcq_cli.engine.exporting.export import ExportReport
from audiomcq_cli.errors import AudiomcqError, InputError, StorageError
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.manifest import manifest_path, read_manifest
from tests.cli import ROOT
from tests.engine import snapshot
from tests.engine.exporting import EXPORT, export, write_rows_with_audio
from tests.release.conftest import released_row, write_stage


def read(out: Path) -> dict[str, Any]:
    """The manifest of an export."""
    found: dict[str, Any] = json.loads(manifest_path(out).read_text())
    return found


def test_manifest_says_what_the_export_is_made_of(tmp_path: Path) -> None:
    """Format, version, options, input with hashes, counts, and every file with its hash; no place on this machine."""
    source = write_rows_with_audio(tmp_path, 3)
    out = tmp_path / "out"
    export(source, out, audio="copy")
    manifest = read(out)
    assert (manifest["export"], manifest["version"], manifest["audio"]) == ("apart", 1, "copy")
    assert manifest["options"] == {"audio": "copy", "shortest": 0, "each": 1, "readme": True}
    assert [one["sha256"] for one in manifest["input"]] == [
        hash_file(path) for path in sorted(source.glob("*.parquet"))
    ]
    assert manifest["counts"]["records"] == {"weak.jsonl": 2, "strong.json": 1}
    assert manifest["counts"]["tally"] == {"sound": 3}
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert names == {folders.MANIFEST, *(one["file"] for one in manifest["files"]), *folders.read_audio_list(out)}
    assert all(hash_file(out / one["file"]) == one["sha256"] for one in manifest["files"])
    assert str(tmp_path) not in json.dumps(manifest)


@pytest.mark.parametrize("how", ["named", "reference", "copy", "link"])
def test_second_run_does_nothing(how: str, tmp_path: Path) -> None:
    """The same rows in the same format with the same options are there already, and the counts are said again."""
    source = write_rows_with_audio(tmp_path, 3)
    out = tmp_path / "out"
    first = export(source, out, audio=how)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert export(source, out, audio=how) == replace(first, current=True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == times
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "build", "out"]


def _change_options(source: Path, out: Path) -> ExportReport:
    return export(source, out, audio="copy", readme=False)


def _change_rows(source: Path, out: Path) -> ExportReport:
    write_rows_with_audio(source.parent.parent, 3)
    return export(source, out, audio="copy")


def _change_version(source: Path, out: Path) -> ExportReport:
    return export(source, out, audio="copy", using=replace(EXPORT, version=2))


def _change_a_file(source: Path, out: Path) -> ExportReport:
    (out / "weak.jsonl").write_text("")
    return export(source, out, audio="copy")


def _remove_audio(source: Path, out: Path) -> ExportReport:
    (out / "audio/AudioCaps/1.wav").unlink()
    return export(source, out, audio="copy")


def _link_audio(source: Path, out: Path) -> ExportReport:
    return export(source, out, audio="link")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (_change_options, "the options differ"),
        (_change_rows, "the rows differ"),
        (_change_version, "the export has a new version"),
        (_change_a_file, "weak.jsonl is missing or has changed"),
        (_remove_audio, "audio/AudioCaps/1.wav is missing or has changed"),
        (_link_audio, "the options differ"),
    ],
)
def test_change_writes_again_what_is_the_exports_own(change: Any, cause: str, tmp_path: Path) -> None:
    """The folder then holds what a new one would, and whatever somebody else put there."""
    source = write_rows_with_audio(tmp_path, 4)
    out = tmp_path / "out"
    export(source, out, audio="copy")
    (out / "notes.txt").write_text("mine")
    (out / "audio/AudioCaps/mine.wav").write_text("mine")
    report = change(source, out)
    assert (report.current, report.cause) == (False, cause)
    change(source, tmp_path / "new") if change not in (_change_a_file, _remove_audio) else export(
        source, tmp_path / "new", audio="copy"
    )
    mine = {"notes.txt": b"mine", "audio/AudioCaps/mine.wav": b"mine"}
    assert snapshot(out) == {**snapshot(tmp_path / "new"), **mine}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "build", "new", "out"]


def test_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A folder without the manifest of an export, one in another format, and one that names files outside."""
    source = write_rows_with_audio(tmp_path, 2)
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="out: the folder is not empty"):
        export(source, out)
    assert snapshot(out) == {"notes.txt": b"mine"}
    export(source, tmp_path / "other")
    manifest = read(tmp_path / "other")
    for wrong, problem in (
        ({"export": "llama"}, "holds an export in the format llama"),
        ({"leaving": ["../notes.txt"]}, "not empty"),
        ({"files": [{"file": "/etc/passwd", "sha256": ""}]}, "not empty"),
    ):
        manifest_path(tmp_path / "other").write_text(json.dumps(manifest | wrong))
        with pytest.raises(InputError, match=problem):
            export(source, tmp_path / "other")


def test_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    """A companion that an option adds does not take the place of a file that people wrote; the export stays."""
    source = write_rows_with_audio(tmp_path, 2)
    out = tmp_path / "out"
    export(source, out, readme=False)
    (out / "README.md").write_text("mine")
    before = snapshot(out)
    with pytest.raises(InputError, match=r"README.md: is not the export's own and would be replaced"):
        export(source, out)
    assert snapshot(out) == before
    assert not (tmp_path / ".out.building").exists()


def test_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """A folder of the export that became a link: nothing behind it is replaced or removed."""
    source = write_rows_with_audio(tmp_path, 2)
    out = tmp_path / "out"
    export(source, out, audio="copy")
    shutil.move(out / "audio", tmp_path / "elsewhere")
    (out / "audio").symlink_to(tmp_path / "elsewhere")
    before = snapshot(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="is a link that leads out of the export"):
        export(source, out)
    assert snapshot(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("where", ["records", "check", "companions"])
def test_export_that_fails_changes_nothing(where: str, tmp_path: Path) -> None:
    """A new folder is not there, and one that was there is as it was."""

    def fail(*given: Any) -> Any:
        raise InputError("no sense")

    source = write_rows_with_audio(tmp_path, 2)
    changes: dict[str, Any] = {"version": 2, where: fail}
    broken = replace(EXPORT, **changes)
    with pytest.raises(InputError, match="no sense"):
        export(source, tmp_path / "new", using=broken)
    export(source, tmp_path / "out", audio="copy")
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="no sense"):
        export(source, tmp_path / "out", audio="copy", using=broken)
    assert snapshot(tmp_path) == before


def test_companion_takes_the_place_of_no_other_file(tmp_path: Path) -> None:
    """A companion is named as a data file, or leads out of the folder: the description is wrong."""
    source = write_rows_with_audio(tmp_path, 2)
    for name in ("weak.jsonl", "../README.md"):
        made: dict[str, str | bytes] = {name: "text"}
        wrong = replace(EXPORT, companions=lambda written, options, made=made: made)  # type: ignore[misc]  # mypy wants no default
        with pytest.raises(AudiomcqError):
            export(source, tmp_path / "out", using=wrong)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "build"]


def test_strict_refuses_what_leaves_out_rows(tmp_path: Path) -> None:
    """Also where the folder holds such an export already; without a row to leave out it changes nothing."""
    rows = [released_row(0), released_row(1, question="<audio>?")]
    source = write_stage(tmp_path / "split", rows)
    out = tmp_path / "out"
    problem = r"1 of 2 rows would be left out \(literal_audio 1\); the first is 'AudioCaps:1:llm:0': <audio>\?"
    with pytest.raises(InputError, match=problem):
        export(source, out, strict=True)
    assert not out.exists()
    assert export(source, out).written.left_out == {"literal_audio": 1}
    with pytest.raises(InputError, match=problem):
        export(source, out, strict=True)
    source = write_stage(tmp_path / "split", rows[:1])
    assert export(source, out, strict=True).written.written == 1


def test_export_folder_is_not_taken_for_a_stage(tmp_path: Path) -> None:
    """Its manifest says what it is."""
    export(write_rows_with_audio(tmp_path, 2), tmp_path / "out")
    with pytest.raises(InputError, match="this is an export, not a stage"):
        read_manifest(tmp_path / "out")


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from tests.engine.exporting import EXPORT, export, make_records

left = int(sys.argv[3])
def dying(row, options):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return make_records(row, options)

export(Path(sys.argv[1]), Path(sys.argv[2]), using=replace(EXPORT, records=dying), audio="copy")
"""


def test_killed_export_leaves_nothing_half_and_goes_on(tmp_path: Path) -> None:
    """After SIGKILL the folder is not there; the next run uses the audio that was copied and ends the same."""
    source = write_rows_with_audio(tmp_path, 6)
    out = tmp_path / "out"
    killed = subprocess.run([sys.executable, "-c", KILLED, source, out, "4"], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    copied = {path: path.stat().st_ino for path in (tmp_path / ".out.building/audio").rglob("*.wav")}
    assert len(copied) == 4
    export(source, out, audio="copy")
    inodes = {path.stat().st_ino for path in (out / "audio").rglob("*.wav")}
    assert set(copied.values()) < inodes
    export(source, tmp_path / "new", audio="copy")
    assert snapshot(out) == snapshot(tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "build", "new", "out"]


def test_replacing_that_is_stopped_at_any_file_is_completed(tmp_path: Path) -> None:
    """Whichever files had been moved when the process was killed: the next run ends as one that was left alone."""
    source = write_rows_with_audio(tmp_path, 3)
    old, new = tmp_path / "old", tmp_path / "new"
    export(source, old, audio="copy")
    export(source, new, readme=False)
    former, manifest = read(old), read(new)
    owned = {one["file"] for one in former["files"]} | folders.read_audio_list(old).keys()
    leaving = sorted(owned - {one["file"] for one in manifest["files"]})
    coming = sorted(name for name in snapshot(new) if name != folders.MANIFEST)
    for moved in range(len(coming) + 1):
        for gone in range(len(leaving) + 1) if moved == len(coming) else (0,):
            out = tmp_path / f"out{moved}-{gone}"
            shutil.copytree(old, out)
            manifest_path(out).write_text(json.dumps(manifest | {"leaving": leaving}))
            for name in coming[:moved]:
                shutil.copyfile(new / name, out / name)
            for name in leaving[:gone]:
                (out / name).unlink()
            export(source, out, readme=False)
            assert snapshot(out) == snapshot(new)
