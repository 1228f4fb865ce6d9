"""Tests of ``engine/exporting/audio.py``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiomcq_cli.engine.exporting.rows import LEFT_OUT
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.manifest import manifest_path
from tests.engine.exporting import export, read_records, write_rows_with_audio
from tests.release.conftest import record, released_row, write_stage


@pytest.mark.parametrize("how", ["reference", "copy", "link"])
def test_path_of_a_record_leads_to_its_audio(how: str, tmp_path: Path) -> None:
    """From the folder of the export, to the file that the row was made from."""
    source = write_rows_with_audio(tmp_path, 4)
    out = tmp_path / "out"
    export(source, out, audio=how)
    for one in read_records(out):
        number = one["id"].split(":")[1]
        assert hash_file(out / one["audio"]) == hash_file(tmp_path / f"audio/{number}.wav")
        inside = one["audio"] == f"audio/AudioCaps/{number}.wav"
        assert inside == (how != "reference")
    linked = (out / "audio/AudioCaps/0.wav").exists() and (out / "audio/AudioCaps/0.wav").samefile(
        tmp_path / "audio/0.wav"
    )
    assert linked == (how == "link")


def test_named_audio_is_not_looked_at(tmp_path: Path) -> None:
    """Without a word about audio the path stays as the row has it, whether or not there is a file."""
    source = write_stage(tmp_path / "split", [released_row(1)])
    export(source, tmp_path / "out")
    assert [one["audio"] for one in read_records(tmp_path / "out")] == ["1.wav"]


@pytest.mark.parametrize("how", ["reference", "copy", "link"])
def test_row_whose_audio_cannot_be_had_is_left_out(how: str, tmp_path: Path) -> None:
    """Missing, changed, unknown or outside its folder: counted by reason, and nothing of it is in the export."""
    there = record(tmp_path / "audio", 0, seconds=0.1)
    (tmp_path / "outside.wav").write_bytes(b"secret")
    rows = [
        released_row(0, **there),
        released_row(1),
        released_row(2, audio_path=None),
        released_row(3, **there | {"audio_sha256": "0" * 64}),
        released_row(4, audio_path="../outside.wav"),
        released_row(5, audio_path="/etc/hostname"),
        released_row(6, source_dataset="Elsewhere", **there),
    ]
    source = write_stage(tmp_path / "build/split", rows)
    out = tmp_path / "out"
    written = export(source, out, audio=how).written
    assert (written.written, written.left_out) == (1, {"audio_changed": 1, "audio_missing": 5})
    listed = (out / LEFT_OUT).read_text()
    assert [json.loads(line)["id"].split(":")[1] for line in listed.splitlines()] == ["1", "2", "3", "4", "5", "6"]
    assert str(tmp_path) not in listed
    brought = [path.name for path in (out / "audio").rglob("*.wav")] if (out / "audio").exists() else []
    assert brought == ([] if how == "reference" else ["0.wav"])


def test_audio_of_a_row_that_is_left_out_is_not_brought(tmp_path: Path) -> None:
    """A format that has no use for a row has none for its clip."""
    source = write_rows_with_audio(tmp_path, 2)
    export(source, tmp_path / "out", audio="copy", shortest=1_000)
    assert not (tmp_path / "out/audio").exists()


def test_unfinished_stage_does_not_say_where_its_audio_is(tmp_path: Path) -> None:
    """An export that needs audio says what to do; one that does not is written."""
    source = write_rows_with_audio(tmp_path, 2)
    manifest_path(source).unlink()
    with pytest.raises(InputError, match="the stage is not finished, and the export needs the audio"):
        export(source, tmp_path / "out", audio="copy")
    assert export(source, tmp_path / "out").written.written == 2
