"""Checks the audio of rows: that it opens, matches its hash, and is as long as the row says.

A matching hash proves that the bytes are those that were decoded and measured when the clip came in, so reading the
header is enough. Without a match all of the audio is decoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from audiomcq_cli.audio_files import resolve
from audiomcq_cli.errors import InputError
from audiomcq_cli.release.check.rows import AUDIO, Problem, RowChecks
from audiomcq_cli.release.tree import Tree

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_SLACK = 0.1  # seconds: an MP3 file without an Info frame does not know its length to the frame
_BLOCK = 1 << 18  # samples decoded at a time
_COLUMNS = ("id", "audio_sha256", "duration", AUDIO)
_REFERENCE = ("clip_id", "source_dataset", "audio_path", "audio_sha256", "duration")


def check_embedded(tree: Tree, manifest: Mapping[str, Any], rows: RowChecks, sample: int | None) -> Iterator[Problem]:
    """Check audio embedded in the rows, all of it or a sample, one row group at a time."""
    del manifest  # not needed here
    files = [(path, count) for path, count in sorted(rows.embedded.items()) if count]
    chosen = _choose(sum(count for _, count in files), sample)
    before = 0
    for path, count in files:
        mine = {number - before for number in chosen if before <= number < before + count}
        before += count
        if not mine:
            continue
        try:
            with tree.parquet(path) as file:
                yield from _check_groups(file, path, mine, rows)
        except InputError as error:
            yield Problem("parquet", path, str(error).partition(": ")[2])


def check_referenced(tree: Tree, manifest: Mapping[str, Any], rows: RowChecks, sample: int | None) -> Iterator[Problem]:
    """Check each file that rows of a stage folder name, once, if the folder of its source is there."""
    if tree.folder is None:
        return
    roots = {name: tree.folder / root for name, root in manifest.get("audio_roots", {}).items()}
    roots = {name: root for name, root in roots.items() if root.is_dir()}
    if not roots or rows.schema is None or not set(_REFERENCE) <= set(rows.schema.names):
        return
    total = sum(1 for _ in _list_clips(tree, rows, roots)) if sample is not None else 0
    chosen = _choose(total, sample) if sample is not None else None
    for number, (path, row) in enumerate(_list_clips(tree, rows, roots)):
        if chosen is not None and number not in chosen:
            continue
        rows.heard += 1
        try:
            with resolve(roots[row["source_dataset"]], row["audio_path"]).open("rb") as file:
                what = _find_problem(file, row["audio_sha256"], row["duration"])
        except (InputError, OSError) as error:
            what = f"audio {row['audio_path']!r} cannot be read: {getattr(error, 'strerror', None) or error}"
        if what:
            yield Problem("audio", path, what, row["clip_id"])


def _check_groups(file: pq.ParquetFile, path: str, chosen: set[int], rows: RowChecks) -> Iterator[Problem]:
    """Check the chosen rows with audio of a file; rows are counted from 0."""
    seen = 0
    names = [name for name in _COLUMNS if name in file.schema_arrow.names]
    for group in range(file.num_row_groups):
        there = file.read_row_group(group, columns=[f"{AUDIO}.path"]).column(AUDIO).is_valid().to_pylist()
        places = [place for place, valid in enumerate(there) if valid]
        mine = [place for number, place in enumerate(places, start=seen) if number in chosen]
        seen += len(places)
        if not mine:
            continue
        table = file.read_row_group(group, columns=names)
        last: tuple[bytes, Any, Any] | None = None
        for place in mine:
            row = {name: table.column(name)[place].as_py() for name in names}
            rows.heard += 1
            this = (row[AUDIO]["bytes"] or b"", row.get("audio_sha256"), row.get("duration"))
            if this == last:  # another question about the same clip
                continue
            what = _find_problem(BytesIO(this[0]), *this[1:])
            last = this if not what else None
            if what:
                yield Problem("audio", path, what, str(row.get("id", "")))


def _find_problem(file: BinaryIO, sha256: str | None, duration: float | None) -> str:
    """Describe what is wrong with an audio file; empty if nothing is."""
    import soundfile as sf

    found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # BytesIO is fine as well
    if sha256 is not None and found != sha256:
        return "its audio does not have the hash audio_sha256"
    try:
        length = _measure(file, whole=sha256 is None)
        if duration is not None and abs(length - duration) > _SLACK:
            length = _measure(file, whole=True)
    except (sf.SoundFileError, OSError, ValueError) as error:
        return f"its audio does not open: {' '.join(str(error).split())}"
    if duration is not None and abs(length - duration) > _SLACK:
        return f"its audio is {length:.2f} s long, the row says {duration:.2f} s"
    return ""


def _measure(file: BinaryIO, *, whole: bool) -> float:
    """Return the length in seconds, from the header or by decoding the whole file."""
    import soundfile as sf

    file.seek(0)
    with sf.SoundFile(file) as audio:
        frames = audio.frames
        if whole:
            frames = 0
            while block := len(audio.read(_BLOCK, dtype="int16", always_2d=True)):
                frames += block
        return float(frames / audio.samplerate)


def _list_clips(tree: Tree, rows: RowChecks, roots: Mapping[str, Path]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each clip whose audio was present, once: all rows of a clip are in one shard, one after another."""
    for path in rows.rows:
        last = ""
        for batch in tree.batches(path, _REFERENCE):
            for row in batch.to_pylist():
                known = row["audio_path"] and row["audio_sha256"] and row["source_dataset"] in roots
                if known and row["clip_id"] != last:
                    last = row["clip_id"]
                    yield path, row


def _choose(total: int, sample: int | None) -> Sequence[int] | range | set[int]:
    """Return numbers below ``total``: all of them, or ``sample`` of them evenly spread."""
    if sample is None or sample >= total:
        return range(total)
    return {(2 * number + 1) * total // (2 * sample) for number in range(sample)}
