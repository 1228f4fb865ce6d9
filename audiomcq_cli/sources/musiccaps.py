"""MusicCaps: ``musiccaps-public.csv``, one caption a clip.

The captions are CC BY-SA 4.0; the license of the audio is not known.

The public file has each video once, so ``ytid`` alone would identify a clip. The id has the start all the same: a clip
is a window of a video, two windows in an extended file must stay two clips, and AudioCaps, cut from the same AudioSet
videos, names its clips in this way too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli.contracts import Layout, NoOptions, Source, SourceRow
from audiomcq_cli.sources._csv import Record, format_youtube, parse_seconds, read_csv, reject_row
from audiomcq_cli.sources._identity import find_youtube_problem
from audiomcq_cli.sources._windows import name_window

_COLUMNS = ("ytid", "start_s", "end_s", "caption")


def read(path: Path, options: NoOptions) -> Iterator[SourceRow]:
    """Stream the rows of a file; raises ``InputError`` if the file itself is invalid."""
    for record in read_csv(path, _COLUMNS):
        yield _read_row(record, path)


def _read_row(record: Record, path: Path) -> SourceRow:
    row, cells = record.row, record.cells
    video, start, end = cells["ytid"].strip(), parse_seconds(cells["start_s"]), parse_seconds(cells["end_s"])
    if not video:
        return reject_row(path, row, "no_id", "ytid", "is empty")
    if problem := find_youtube_problem(video):
        return reject_row(path, row, "bad_id", "ytid", problem)
    if start is None:
        what = f"is {cells['start_s']!r}, expected seconds, 0 or more"
        return reject_row(path, row, "bad_start_time", "start_s", what)
    names = name_window(video, start, end)
    caption = cells["caption"].strip()
    return SourceRow(
        source_id=f"{video}_{start}",
        row=row,
        captions=(caption,) if caption else (),
        audio=(*((f"[{video}]-[{start}-{end}]",) if end else ()), *names.sure),
        guesses=names.guesses,
        origin=format_youtube(video, start),
    )


SOURCE: Source[NoOptions] = Source(
    help="MusicCaps CSV: ytid, start_s, end_s, caption (others are ignored)",
    dataset="MusicCaps",
    read=read,
    options=NoOptions,
    layout=Layout(
        path="musiccaps-public.csv",
        columns={
            "ytid, start_s, end_s": "id of the clip, and its origin",
            "caption": "what is heard",
        },
        audio="[{ytid}]-[{start_s}-{end_s}].EXT, {ytid}_{start_s}.EXT, …_{start_s}_{end_s}.EXT, …_30.000_40.000.EXT or "
        "…_30000_40000.EXT (ms), else {ytid}.EXT; all but the first also with a Y before them",
        rights="captions CC BY-SA 4.0; nothing is said of the audio (YouTube): say it with license",
    ),
)
