"""AudioCaps 1 and 2: ``train.csv``, ``val.csv`` or ``test.csv``, one caption a row.

A clip is ten seconds of a YouTube video, so its id has both the video and the start. The rows of a clip (five in val
and test) need not be adjacent.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import Layout, NoOptions, Source, SourceRow
from audiomcq_cli.sources._csv import Record, format_youtube, parse_seconds, read_csv, reject_row
from audiomcq_cli.sources._identity import find_youtube_problem
from audiomcq_cli.sources._windows import add_seconds, name_window

_SECONDS = 10
"""Length of every clip in seconds."""

_COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")


def read(path: Path, options: NoOptions) -> Iterator[SourceRow]:
    """Stream the rows of a file; raises ``InputError`` if the file itself is invalid."""
    for record in read_csv(path, _COLUMNS):
        yield _read_row(record, path)


def _read_row(record: Record, path: Path) -> SourceRow:
    row, cells = record.row, record.cells
    video, start = cells["youtube_id"].strip(), parse_seconds(cells["start_time"])
    if not video:
        return reject_row(path, row, "no_id", "youtube_id", "is empty")
    if problem := find_youtube_problem(video):
        return reject_row(path, row, "bad_id", "youtube_id", problem)
    if start is None:
        what = f"is {cells['start_time']!r}, expected seconds, 0 or more"
        return reject_row(path, row, "bad_start_time", "start_time", what)
    caption, number = cells["caption"].strip(), cells["audiocap_id"].strip()
    names = name_window(video, start, add_seconds(start, _SECONDS))
    return SourceRow(
        source_id=f"{video}_{start}",
        row=row,
        captions=(caption,) if caption else (),  # the clip's other rows, or its audio, may still do
        audio=names.sure,
        guesses=(*names.guesses, *((number,) if number.isdecimal() else ())),
        origin=format_youtube(video, start),
    )


SOURCE: Source[NoOptions] = Source(
    help="AudioCaps CSV: audiocap_id, youtube_id, start_time, caption",
    dataset="AudioCaps",
    read=read,
    options=NoOptions,
    grouped=False,
    layout=Layout(
        path="train.csv, val.csv or test.csv; those of AudioCaps 2 have the same columns",
        columns={
            "audiocap_id": "number of the caption; a name that its audio may have",
            "youtube_id, start_time": "id of the clip, and its origin",
            "caption": "what is heard; clips of val and test have several rows",
        },
        audio="{youtube_id}_{start_time}.EXT, …_{start_time}_{end}.EXT, …_30.000_40.000.EXT or …_30000_40000.EXT (ms), "
        "else {youtube_id}.EXT, each also with a Y before it, or {audiocap_id}.EXT",
        rights="captions for academic use; nothing is said of the audio (YouTube): say it with license",
    ),
)
