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
    assert f"without an audio file: 3 clips, listed in {table.relative_to(tmp_path)}" in ended.err
    with table.open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"source_dataset": "AudioCaps", "clip_id": f"AudioCaps:{stem}", "audio_path": f"{stem}.wav"}
            for stem in ("abcdefghij0_30", "-_cdefghij0_0", "defghijkl_0_5")
        ]
    write_clips(tmp_path / "audio", "abcdefghij0_30", "-_cdefghij0_0", "defghijkl_0_5")
    ended = audiomcq(*run, folder=tmp_path)
    assert ended.json["stages"][0]["audio_missing"] == 0
    assert "without an audio file" not in ended.err
    assert not table.exists()


def write_clips(folder: Path, *stems: str) -> None:
    import numpy as np
    import soundfile

    for stem in stems:
        soundfile.write(folder / f"{stem}.wav", np.zeros(800), 8_000)
