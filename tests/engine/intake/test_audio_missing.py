"""The table of clips without audio."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.cli import audiomcq

ROWS = [
    "audiocap_id,youtube_id,start_time,caption",
    "1,abcdefghij0,30,rain",
    "2,abcdefghij0,30,water",
    "3,-_cdefghij0,0,wind",
    "4,defghijkl_0,5,a dog",
]


def test_missing_audio_is_counted_and_listed(tmp_path: Path) -> None:
    """Each clip once, with the name that was looked for; the table goes when nothing is missing any more."""
    (tmp_path / "val.csv").write_text("\n".join(ROWS) + "\n")
    (tmp_path / "audio").mkdir()
    run = ("caption", "audiocaps:val.csv", "clips", "--audio", "audio", "--json")
    ended = audiomcq(*run, folder=tmp_path)
    table = tmp_path / "clips" / ".audiomcq" / "audio_missing.csv"
    assert ended.json["stages"][0]["audio_missing"] == 3
    named = "abcdefghij0_30.wav, -_cdefghij0_0.wav, defghijkl_0_5.wav"
    assert f"3 clips have no audio file ({named}); listed in {table.relative_to(tmp_path)}\n" in ended.err
    with table.open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"source_dataset": "AudioCaps", "clip_id": f"AudioCaps:{stem}", "audio_path": f"{stem}.wav"}
            for stem in ("abcdefghij0_30", "-_cdefghij0_0", "defghijkl_0_5")
        ]
    write_clips(tmp_path / "audio", "abcdefghij0_30", "-_cdefghij0_0", "defghijkl_0_5")
    ended = audiomcq(*run, folder=tmp_path)
    assert ended.json["stages"][0]["audio_missing"] == 0
    assert "no audio file" not in ended.err
    assert not table.exists()


def test_misspelled_name_is_shown_with_the_file_that_is_meant(tmp_path: Path) -> None:
    """A caption without its file and a file without its caption stand side by side; events say something of a file."""
    (tmp_path / "clips/nature").mkdir(parents=True)
    write_clips(tmp_path / "clips/nature", "rain", "wind", "bell")
    rows = ["file_name,caption,events"]
    rows += ["nature/rian.wav,Rain falls,", "nature/wind.wav,Wind blows,"]
    rows += ['nature/bell.wav,,"[{""label"": ""a bell rings"", ""onset"": 0.0, ""offset"": 0.1}]"']
    (tmp_path / "clips/captions.csv").write_text("\n".join(rows) + "\n")
    ended = audiomcq("caption", "folder:clips", "out", folder=tmp_path)
    assert ended.code == 0, ended.err
    told = (
        "1 clip has no audio file (nature/rian.wav), and 1 audio file has no caption (nature/rain.wav):"
        " is a name misspelled?; listed in out/.audiomcq/audio_missing.csv\n"
    )
    assert told in ended.err


def write_clips(folder: Path, *stems: str) -> None:
    import numpy as np
    import soundfile

    for stem in stems:
        soundfile.write(folder / f"{stem}.wav", np.zeros(800), 8_000)
