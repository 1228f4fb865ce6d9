"""The first step of caption: one streaming pass over the sources that only sorts their rows into shards.

Memory stays constant whatever the size of a source. The captions of a clip, which may be far apart in its source, are
brought together when a shard is read, with its known events and questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import orjson

from audiomcq_cli import records
from audiomcq_cli.contracts import Row
from audiomcq_cli.engine.intake.audio_hashes import AudioHashes
from audiomcq_cli.engine.intake.audio_store import AudioStore
from audiomcq_cli.engine.intake.sources import InputSpec, SourceSpec, name_kept, no_rows, read_source
from audiomcq_cli.engine.intake.watching import Watch
from audiomcq_cli.storage.files import replacing

FEW_CLIPS = 5_000
"""Number of clips below which one shard is enough."""

CLIPS_OF_A_SHARD = 1_000
"""Fewest clips of a shard on average, if the number of shards is chosen here."""

MANY_SHARDS = 64
"""Most shards that are chosen here."""

WAITING_BYTES = 2**24
"""Most bytes of rows that wait to be written, over all shards."""


def partition(
    specs: Sequence[SourceSpec],
    folder: Path,
    shards: int | None,
    *,
    seed: int = 0,
    store: Path | None = None,
    watch: Watch | None = None,
) -> list[Path]:
    """Sort the rows of all sources into shards: one file for each in ``folder``, returned in order.

    Each row has the content hash of its audio, so that a replaced file is noticed. If ``shards`` is None, the clips
    decide (see ``choose_shards``).

    Args:
        specs: The sources.
        folder: Folder for the files.
        shards: Number of shards.
        seed: Seed of the clips that are drawn for a ``sample``.
        store: Folder for audio that sources bring along; None does not keep it.
        watch: Called from time to time with the progress; may raise to end the reading.

    Raises:
        InputError: A source is invalid, or there is no clip at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with AudioHashes(folder / "audio.sqlite") as hashes:
        audio = AudioStore(store)
        rows = (row for spec in specs for row in read_source(spec, folder, hashes, audio, seed, watch))
        paths = write_partition(rows, specs, folder, shards)
    wanted = {name_kept(spec, audio, seed) for spec in specs if spec.remote}
    for path in folder.glob("source-*.jsonl"):
        if path.name not in wanted:
            path.unlink()  # of another state, or of a source that is no more
    return paths


def write_partition(rows: Iterator[Row], specs: Sequence[InputSpec], folder: Path, shards: int | None) -> list[Path]:
    """Sort the rows of sources or sets into shards, by their clips."""
    with ExitStack() as stack:
        early: Iterable[Row] = ()
        if shards is None:
            spool = stack.enter_context(TemporaryFile(dir=folder))  # without a name: a kill leaves nothing
            shards = choose_shards(_count_clips(rows, spool))
            spool.seek(0)
            early = map(orjson.loads, spool)
        paths = [folder / f"part-{index:05d}-of-{shards:05d}.jsonl" for index in range(shards)]
        lines = _Lines([stack.enter_context(replacing(path)) for path in paths])
        count = 0
        for row in chain(early, rows):
            lines.add(records.shard_of(row["clip_id"], shards), _write_line(row))
            count += 1
        lines.flush()
    if not count:
        raise no_rows(specs)
    for path in set(folder.glob("part-*.jsonl")) - set(paths):
        path.unlink()  # of an older version that was cut into another number of shards
    return paths


def choose_shards(clips: int) -> int:
    """Return the number of shards for a corpus: one if it is small, else a power of two with ``CLIPS_OF_A_SHARD`` clips
    or more in each.
    """
    if clips < FEW_CLIPS:
        return 1
    return min(MANY_SHARDS, 1 << (clips // CLIPS_OF_A_SHARD).bit_length() - 1)


def _count_clips(rows: Iterator[Row], spool: IO[bytes]) -> int:
    """Count clips as far as they decide the number of shards; the rows that are read for it go to ``spool``."""
    clips: set[str] = set()
    while len(clips) < MANY_SHARDS * CLIPS_OF_A_SHARD and (row := next(rows, None)) is not None:
        spool.write(_write_line(row))
        clips.add(row["clip_id"])
    return len(clips)


def _write_line(row: Row) -> bytes:
    return orjson.dumps(row) + b"\n"


class _Lines:
    """Appends lines to many files with one open at a time: there may be more shards than a process may open."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._waiting: list[list[bytes]] = [[] for _ in paths]
        self._bytes = 0
        for path in paths:
            path.write_bytes(b"")

    def add(self, index: int, line: bytes) -> None:
        """Add a line to the file with this number."""
        self._waiting[index].append(line)
        self._bytes += len(line)
        if self._bytes >= WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        for path, lines in zip(self._paths, self._waiting, strict=True):
            if lines:
                with path.open("ab") as file:
                    file.writelines(lines)
                lines.clear()
        self._bytes = 0


def read_partition(path: Path) -> Iterator[Row]:
    """Yield the clips of one shard in the order of their first row, the rows of a clip brought together.

    Rows wait as text: this takes a quarter of the memory, and parsing them twice takes a second for a million.
    """
    clips: dict[str, list[bytes]] = {}
    with path.open("rb") as file:
        for line in file:
            clips.setdefault(orjson.loads(line)["clip_id"], []).append(line)
    for first, *others in clips.values():
        clip = orjson.loads(first)
        for line in others:
            _merge(clip, orjson.loads(line))
        yield clip


def _merge(clip: Row, row: Row) -> None:
    if clip["problem"] or row["problem"]:
        clip["problem"] = clip["problem"] or row["problem"]
    elif clip["audio_path"] != row["audio_path"]:
        same = clip["named"] == row["named"] and (
            not (clip["audio_present"] and row["audio_present"]) or _is_same(clip, row)
        )
        if not same:
            detail = f"two rows of this clip name different audio: {clip['audio_path']!r} and {row['audio_path']!r}"
            clip["problem"] = {"reason": "conflicting_rows", "detail": detail}
        elif row["audio_present"] and not clip["audio_present"]:  # found by a name that this row alone has
            clip.update({column: row[column] for column in ("audio_path", "audio_present", "audio_sha256")})
    clip["captions"] += row["captions"]
    for column in ("events", "seeds"):
        clip[column] += [one for one in row[column] if one not in clip[column]]
    for column in ("license", "origin"):
        clip[column] = clip[column] or row[column]


def _is_same(clip: Row, row: Row) -> bool:
    return clip["audio_sha256"] is not None and bool(clip["audio_sha256"] == row["audio_sha256"])
