"""The first step of caption: one streaming pass over the sources that only sorts their rows into shards.

Memory stays flat whatever the size of a source. The captions of a clip, which may stand far apart in its source, are
brought together when a shard is read, as are its known events and its questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson

from audiomcq_cli import audio, records
from audiomcq_cli.contracts import Reject, Row, Source, SourceRow
from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.measurements import SOURCE
from audiomcq_cli.storage.shards import UNWRITABLE, replacing

if TYPE_CHECKING:
    import sqlite3

FEW_CLIPS = 5_000
"""Below so many clips one shard is enough."""

MANY_SHARDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One source of a run: a ``[[sources]]`` table of the recipe, or ``ADAPTER:PATH`` on the command line.

    Attributes:
        adapter, source, options: Which format. path: What is read. name: The clips' ``source_dataset``.
        audio_root: Folder below which its audio lies, if there is any. limit: Clips taken, the first ones.
        license, origin: Of the audio, where the rows do not say.
    """

    adapter: str
    source: Source[Any]
    options: Any
    path: Path
    name: str
    audio_root: Path | None = None
    limit: int | None = None
    license: str | None = None
    origin: str | None = None


class AudioHashes:
    """Content hashes of audio files, kept by path, size and time of change, so that a second pass reads no audio.

    They can be taken again: a file of them that is damaged is begun anew.
    """

    def __init__(self, path: Path) -> None:
        import sqlite3

        self._path = path
        with self._reporting():
            try:
                self._connection = _open_hashes(path)
            except sqlite3.OperationalError:  # the disk, not what is on it
                raise
            except sqlite3.DatabaseError:
                path.unlink()
                self._connection = _open_hashes(path)

    def __enter__(self) -> AudioHashes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with closing(self._connection), self._reporting():
            self._connection.commit()

    def get(self, path: Path) -> str:
        """The hash of a file; raises ``InputError`` or ``OSError`` where it cannot be read."""
        stat = path.stat()
        now = (stat.st_size, stat.st_mtime_ns)
        query = "SELECT size, changed, hash FROM hashes WHERE path = ?"
        with self._reporting():
            known = self._connection.execute(query, (str(path),)).fetchone()
        if known is not None and known[:2] == now:
            return str(known[2])
        found = audio.hash_file(path)
        with self._reporting():
            self._connection.execute("REPLACE INTO hashes VALUES (?, ?, ?, ?)", (str(path), *now, found))
        return found

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        import sqlite3

        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: cannot be read or written: {error}", hint=UNWRITABLE) from error


def _open_hashes(path: Path) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(path)
    try:
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, size INT, changed INT, hash TEXT) WITHOUT ROWID"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def partition(specs: Sequence[SourceSpec], folder: Path, shards: int | None) -> list[Path]:
    """Sort the rows of all sources into shards: one file for each in ``folder``, returned in order.

    Each row has the content hash of its audio, so that a file that was replaced is noticed. With ``shards`` None there
    is one shard for fewer than ``FEW_CLIPS`` clips, else ``MANY_SHARDS``.

    Raises:
        InputError: A source is not what it should be, or there is no clip at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with AudioHashes(folder / "audio.sqlite") as hashes:
        return write_partition(_read_sources(specs, hashes), [spec.path for spec in specs], folder, shards)


def write_partition(rows: Iterator[Row], read: Sequence[Path], folder: Path, shards: int | None) -> list[Path]:
    """Sort rows into shards by their clips; ``read`` is where they come from, for messages."""
    early: list[Row] = []
    if shards is None:
        clips: set[str] = set()
        while len(clips) < FEW_CLIPS and (row := next(rows, None)) is not None:
            early.append(row)
            clips.add(row["clip_id"])
        shards = MANY_SHARDS if len(clips) >= FEW_CLIPS else 1
    paths = [folder / f"part-{index:05d}-of-{shards:05d}.jsonl" for index in range(shards)]
    with ExitStack() as stack:
        files = [stack.enter_context(stack.enter_context(replacing(path)).open("wb")) for path in paths]
        count = 0
        for part in (early, rows):
            for row in part:
                files[records.shard_of(row["clip_id"], shards)].write(orjson.dumps(row) + b"\n")
                count += 1
    if not count:
        raise InputError("no rows", file=", ".join(map(str, read)))
    for path in set(folder.glob("part-*.jsonl")) - set(paths):
        path.unlink()  # of an older version that was cut into another number of shards
    return paths


def read_partition(path: Path) -> Iterator[Row]:
    """The clips of one shard in the order of their first row, the rows of a clip brought together."""
    clips: dict[str, Row] = {}
    with path.open("rb") as file:
        for line in file:
            row = orjson.loads(line)
            if (clip := clips.setdefault(row["clip_id"], row)) is not row:
                _merge(clip, row)
    yield from clips.values()


def _merge(clip: Row, row: Row) -> None:
    if clip["problem"] or row["problem"]:
        clip["problem"] = clip["problem"] or row["problem"]
    elif clip["audio_path"] != row["audio_path"]:
        detail = f"two rows of this clip name different audio: {clip['audio_path']!r} and {row['audio_path']!r}"
        clip["problem"] = {"reason": "conflicting_rows", "detail": detail}
    clip["captions"] += row["captions"]
    for column in ("events", "seeds"):
        clip[column] += [one for one in row[column] if one not in clip[column]]
    for column in ("license", "origin"):
        clip[column] = clip[column] or row[column]


def _read_sources(specs: Sequence[SourceSpec], hashes: AudioHashes) -> Iterator[Row]:
    for spec in specs:
        finder = audio.index_folder(spec.audio_root) if spec.audio_root else None
        for row in map(_make_unicode, _take(spec)):
            path, present = find_audio(row.audio, spec.audio_root, finder)
            yield {
                "clip_id": records.clip_id(spec.name, row.source_id),
                "source_dataset": spec.name,
                "source_id": row.source_id,
                "captions": [{"text": text, "origin": spec.name} for text in row.captions],
                "events": [{**asdict(event), "origin": SOURCE} for event in dict.fromkeys(row.events)],
                "seeds": [{**asdict(seed), "origin": spec.name} for seed in dict.fromkeys(row.seeds)],
                "audio_path": path,
                "audio_present": present,
                "audio_sha256": hash_audio(spec.audio_root, path, hashes) if path and present else None,
                "license": row.license or spec.license,
                "origin": row.origin or spec.origin,
                "problem": {"reason": row.problem.reason, "detail": row.problem.detail} if row.problem else None,
            }


def _make_unicode(row: SourceRow) -> SourceRow:
    """Reject a row with half of a surrogate pair, which no file can hold: a broken file name or JSON escape."""
    labels = (event.label for event in row.events)
    texts = (row.source_id, *row.captions, *labels, *row.audio, row.license or "", row.origin or "")
    if all(text.isascii() or text == text.encode("utf-8", "replace").decode() for text in texts):
        return row
    name = row.source_id.encode("utf-8", "backslashreplace").decode()
    return SourceRow(source_id=name, row=row.row, problem=Reject("not_unicode", f"row {row.row} is not valid Unicode"))


def _take(spec: SourceSpec) -> Iterator[SourceRow]:
    """The rows of the first clips of a source, as many clips as its limit says."""
    clips: set[str] = set()
    for row in spec.source.read(spec.path, spec.options):
        if spec.limit is not None and row.source_id not in clips:
            if len(clips) >= spec.limit:
                if spec.source.grouped:
                    return
                continue
            clips.add(row.source_id)
        yield row


def hash_audio(root: Path | None, path: str, hashes: AudioHashes) -> str | None:
    """The content hash of a clip; None where listening will find that it leaves its root or cannot be read."""
    try:
        return hashes.get(audio.resolve(root or Path(), path))
    except (InputError, OSError):
        return None


def find_audio(names: Sequence[str], root: Path | None, finder: audio.FolderIndex | None) -> tuple[str | None, bool]:
    """Path of a row's audio below its root, and whether it is there; the name it should have where it is not."""
    if not names:
        return None, False
    found = finder.find(names) if finder is not None else None
    if found and root and (root / found).is_file():  # and no link to nowhere
        return found, True
    known = names[0].lower().endswith(audio.AUDIO_EXTENSIONS)
    return names[0] if known else f"{names[0]}.wav", False
