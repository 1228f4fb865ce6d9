from __future__ import annotations

from pathlib import Path

import pytest

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.sources.audiocaps import SOURCE


def read(folder: Path, *lines: str) -> list[SourceRow]:
    path = folder / "val.csv"
    path.write_text("\n".join(["audiocap_id,youtube_id,start_time,caption", *lines]) + "\n", encoding="utf-8")
    return list(SOURCE.read(path, SOURCE.options()))


def test_row_becomes_a_clip_with_its_window(tmp_path: Path) -> None:
    """A row gives id, caption, the names its audio may have and the address of the video."""
    assert read(tmp_path, "91139,r1nicOVtvkQ,130,A woman talks nearby as water pours") == [
        SourceRow(
            source_id="r1nicOVtvkQ_130",
            row=1,
            captions=("A woman talks nearby as water pours",),
            audio=(
                "r1nicOVtvkQ_130",
                "Yr1nicOVtvkQ_130",
                "r1nicOVtvkQ_130_140",
                "Yr1nicOVtvkQ_130_140",
                "r1nicOVtvkQ_130.000_140.000",
                "Yr1nicOVtvkQ_130.000_140.000",
                "r1nicOVtvkQ_130000_140000",
                "Yr1nicOVtvkQ_130000_140000",
            ),
            guesses=("r1nicOVtvkQ", "Yr1nicOVtvkQ", "91139"),
            origin="https://www.youtube.com/watch?v=r1nicOVtvkQ&t=130s",
        )
    ]


def test_rows_of_a_clip_share_their_id(tmp_path: Path) -> None:
    """Several captions of a clip are rows with one id, which need not stand together."""
    rows = read(tmp_path, "1,abcdefghij0,30,rain", "2,xyz_XYZ-123,0,wind", "3,abcdefghij0,30.0,water")
    assert [row.source_id for row in rows] == ["abcdefghij0_30", "xyz_XYZ-123_0", "abcdefghij0_30"]
    assert not SOURCE.grouped


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,,30,rain", "no_id"),
        ("1,#NAME?,30,rain", "bad_id"),
        ("1,1.23E+10,30,rain", "bad_id"),
        ("1,abc,30,rain", "bad_id"),
        ("1,abcdefghij0,-5,rain", "bad_start_time"),
        ("1,abcdefghij0,soon,rain", "bad_start_time"),
    ],
)
def test_row_at_fault_is_a_problem(tmp_path: Path, line: str, reason: str) -> None:
    """A row without a usable id is given on with its problem and an id of its own; the rows around it are read."""
    rows = read(tmp_path, "1,abcdefghij0,0,wind", line, "3,abcdefghij0,0,wind")
    assert [row.source_id for row in rows] == ["abcdefghij0_0", "val.csv-row-2", "abcdefghij0_0"]
    assert rows[1].problem is not None
    assert rows[1].problem.reason == reason
    assert rows[1].problem.detail.startswith("val.csv, row 2, column '")


def test_empty_caption_leaves_the_clip(tmp_path: Path) -> None:
    """A row without a caption still names its clip: other rows or the audio may do."""
    [row] = read(tmp_path, "1,abcdefghij0,0,  ")
    assert (row.source_id, row.captions, row.problem) == ("abcdefghij0_0", (), None)
