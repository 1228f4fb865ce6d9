from __future__ import annotations

from pathlib import Path

import pytest

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.sources.musiccaps import SOURCE

HEADER = "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,is_audioset_eval"


def read(folder: Path, *windows: str) -> list[SourceRow]:
    path = folder / "musiccaps-public.csv"
    lines = [f"""{window},"/m/0140xf","['slow', 'sad']","A slow, sad song.",4,False,True""" for window in windows]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return list(SOURCE.read(path, SOURCE.options()))


def test_row_becomes_a_clip_with_its_window(tmp_path: Path) -> None:
    """A row gives id, caption, the names its audio may have and the address; the audio's license is not known."""
    assert read(tmp_path, "-0Gj8-vB1q4,30,40") == [
        SourceRow(
            source_id="-0Gj8-vB1q4_30",
            row=1,
            captions=("A slow, sad song.",),
            audio=(
                "[-0Gj8-vB1q4]-[30-40]",
                "-0Gj8-vB1q4_30",
                "Y-0Gj8-vB1q4_30",
                "-0Gj8-vB1q4_30_40",
                "Y-0Gj8-vB1q4_30_40",
                "-0Gj8-vB1q4_30.000_40.000",
                "Y-0Gj8-vB1q4_30.000_40.000",
                "-0Gj8-vB1q4_30000_40000",
                "Y-0Gj8-vB1q4_30000_40000",
            ),
            guesses=("-0Gj8-vB1q4", "Y-0Gj8-vB1q4"),
            license=None,
            origin="https://www.youtube.com/watch?v=-0Gj8-vB1q4&t=30s",
        )
    ]


def test_windows_of_one_video_are_two_clips(tmp_path: Path) -> None:
    """Two windows of a video are never taken for one clip."""
    assert [row.source_id for row in read(tmp_path, "abcdefghij0,0,10", "abcdefghij0,30,40")] == [
        "abcdefghij0_0",
        "abcdefghij0_30",
    ]


@pytest.mark.parametrize(
    ("window", "reason"), [(",30,40", "no_id"), ("#NAME?,30,40", "bad_id"), ("abcdefghij0,-1,9", "bad_start_time")]
)
def test_row_at_fault_is_a_problem(tmp_path: Path, window: str, reason: str) -> None:
    """A row without a usable id is given on with its problem and an id of its own."""
    [row] = read(tmp_path, window)
    assert row.source_id == "musiccaps-public.csv-row-1"
    assert row.problem is not None
    assert row.problem.reason == reason


def test_bad_end_only_costs_a_name(tmp_path: Path) -> None:
    """The end is only part of a file name, so a row without one is kept."""
    [row] = read(tmp_path, "abcdefghij0,30,")
    assert row.audio == ("abcdefghij0_30", "Yabcdefghij0_30")
    assert row.guesses == ("abcdefghij0", "Yabcdefghij0")
