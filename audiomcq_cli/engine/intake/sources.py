"""Reads a source as plain rows: the clips to take, the place of their audio, and what is known of each.

A row is ``{"clip_id", "source_dataset", "source_id", "captions", "events", "seeds", "audio_path", "audio_present",
"audio_sha256", "license", "origin", "problem"}``; the rows of a clip are brought together later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from heapq import heappush, heapreplace
from pathlib import Path
from typing import IO, Any

import orjson

from audiomcq_cli import audio_files, records
from audiomcq_cli.characters import escape_control, find_control
from audiomcq_cli.contracts import Reject, Row, Source, SourceRow
from audiomcq_cli.engine import keys
from audiomcq_cli.engine.extent import UNKNOWN, Extent, measure
from audiomcq_cli.engine.intake.audio_hashes import AudioHashes
from audiomcq_cli.engine.intake.audio_store import FOLDER, AudioStore
from audiomcq_cli.engine.intake.watching import Watch, watched
from audiomcq_cli.errors import InputError
from audiomcq_cli.measurements import SOURCE
from audiomcq_cli.storage.files import replacing

_KEPT = 2
"""Version of the kept form of a row; rows of another version are not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """An input of a run: a table of the recipe, or ``ADAPTER:PATH`` on the command line.

    Attributes:
        adapter: Name of the format.
        options: Options of the format.
        path: Path or address to read.
        name: ``source_dataset`` of the clips.
        audio_root: Folder of its audio, if there is one.
        limit: Most clips or questions to read, from the first on.
        license: License of the audio, for rows that name none.
        origin: Origin of the audio, for rows that name none.
    """

    adapter: str
    options: Any
    path: Path
    name: str
    audio_root: Path | None = None
    limit: int | None = None
    license: str | None = None
    origin: str | None = None

    @property
    def remote(self) -> bool:
        """True if its path is an address, and not one of this machine."""
        return False

    def find_root(self, workdir: Path) -> Path | None:
        """Return the folder of its audio, if there is one."""
        return self.audio_root


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec(InputSpec):
    """One source of captioned audio: ``[[sources]]``.

    Attributes:
        source: Its format.
        sample: Number of clips to draw by the seed from those that are read.
    """

    source: Source[Any]
    sample: int | None = None

    @property
    def remote(self) -> bool:
        """True if its path is an address, and not one of this machine."""
        return self.source.pin is not None

    def read(self) -> Iterator[SourceRow]:
        """Yield its rows unchanged; raises ``InputError`` if the source is invalid."""
        return self.source.read(self.path, self.options)

    def pinned(self) -> SourceSpec:
        """Return the same source; a remote one at its current state."""
        return replace(self, path=self.source.pin(self.path, self.options)) if self.source.pin else self

    def find_root(self, workdir: Path) -> Path | None:
        """Return the folder of its audio: the given one, or the store for audio that it brings along."""
        return self.audio_root or (workdir / FOLDER if self.source.brings_audio else None)


def no_rows(specs: Sequence[InputSpec]) -> InputError:
    """Return the error about sources or sets that are all empty."""
    return InputError("no rows", file=", ".join(str(spec.path) for spec in specs))


def read_source(
    spec: SourceSpec, folder: Path, hashes: AudioHashes, store: AudioStore, seed: int, watch: Watch | None
) -> Iterator[Row]:
    """Yield the rows of the clips to take from a source.

    A remote source is read once, and its rows are kept in ``folder``.

    Raises:
        InputError, HubError: The source is invalid, or cannot be reached.
    """
    rows = _keep(spec, folder, store, seed, watch) if spec.remote else _draw(spec, folder, store, seed, watch)
    finder = AudioFinder(spec.audio_root, hashes, exact=spec.source.exact)
    yield from finder.settle(rows, folder, spec.path.name, watch)


# ------------------------------------------------------------------------------------------------------ which clips


class Sample:
    """Draws clips from a stream: those whose ids have the least numbers for a seed.

    Whether a clip is drawn depends only on its id and on how many others have a smaller number. So a larger sample
    contains every smaller one, and clips added to a source replace few.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        self._seed = seed
        self._heap: list[tuple[int, str]] = []  # the largest number first: numbers are negative here
        self._drawn: set[str] = set()

    def __contains__(self, clip: str) -> bool:
        return clip in self._drawn

    def offer(self, clip: str) -> bool:
        """Return whether a clip is drawn among the clips so far; a clip that is not drawn never will be."""
        if clip in self._drawn:
            return True
        entry = (-records.draw(self._seed, "sample", clip), clip)
        if len(self._heap) < self._count:
            heappush(self._heap, entry)
        elif entry > self._heap[0]:
            self._drawn.discard(heapreplace(self._heap, entry)[1])
        else:
            return False
        self._drawn.add(clip)
        return True


def _draw(spec: SourceSpec, folder: Path, store: AudioStore, seed: int, watch: Watch | None) -> Iterator[Row]:
    """Yield the rows of the drawn clips, or of all; the source is read once, so candidate rows are
    written to a file.
    """
    rows = _take(spec, watch)
    if spec.sample is None:
        yield from (_make_plain(row, spec, store) for row in rows)
        return
    sample, used = Sample(spec.sample, seed), set[str]()
    with store.keeping(used), tempfile.TemporaryFile(dir=folder) as aside:
        for row in rows:
            if sample.offer(records.clip_id(spec.name, row.source_id)):
                aside.write(orjson.dumps(_make_plain(row, spec, store)) + b"\n")
        for plain in watched(_read_back(aside), f"{spec.name} once more", watch):
            if plain["clip_id"] in sample:
                used.add(plain["audio_path"] or "")
                yield plain


def _take(spec: SourceSpec, watch: Watch | None) -> Iterator[SourceRow]:
    """Yield the rows of the first clips of a source, up to its limit."""
    clips: set[str] = set()
    extent = measure(spec.path) if watch and spec.limit is None else UNKNOWN
    for read in watched(spec.read(), spec.name, watch, extent):
        row = _normalize(read)
        if spec.limit is not None and row.source_id not in clips:
            if len(clips) >= spec.limit:
                if spec.source.grouped:
                    return
                continue
            clips.add(row.source_id)
        yield _make_unicode(row)


def _normalize(row: SourceRow) -> SourceRow:
    """Return a row with its id and names normalised for comparison."""
    if row.source_id.isascii() and all(name.isascii() for name in row.audio):
        return row
    names, guesses = (tuple(map(audio_files.normalize, one)) for one in (row.audio, row.guesses))
    return replace(row, source_id=audio_files.normalize(row.source_id), audio=names, guesses=guesses)


# ------------------------------------------------------------------------------------------------------- what is kept


def _keep(spec: SourceSpec, folder: Path, store: AudioStore, seed: int, watch: Watch | None) -> Iterator[Row]:
    """Yield the rows of a remote source, from the file of an earlier pass if it is still valid."""
    kept = folder / name_kept(spec, store, seed)
    if not kept.is_file() or not _is_whole(kept, store):
        with replacing(kept) as temporary, temporary.open("wb") as file:
            for row in _draw(spec, folder, store, seed, watch):
                file.write(orjson.dumps(row) + b"\n")
    with kept.open("rb") as file:
        yield from map(orjson.loads, file)


def name_kept(spec: SourceSpec, store: AudioStore, seed: int) -> str:
    """Return the name of the file for the rows of a remote source: a hash of everything that decides its content."""
    told: list[Any] = [
        _KEPT,
        spec.adapter,
        spec.path.as_posix(),
        asdict(spec.options),
        spec.name,
        spec.limit,
        spec.sample,
        seed,
    ]
    told += [str(spec.audio_root or ""), store.folder is not None, spec.license, spec.origin]
    return f"source-{keys.digest(told).hex()[:24]}.jsonl"


def _is_whole(kept: Path, store: AudioStore) -> bool:
    """Return whether all audio that came with the rows of a file still exists."""
    with kept.open("rb") as file:
        rows = map(orjson.loads, file)
        return all(
            store.folder and (store.folder / row["audio_path"]).is_file() for row in rows if row["audio_present"]
        )


def _read_back(file: IO[bytes]) -> Iterator[Any]:
    file.seek(0)
    return map(orjson.loads, file)


def _make_plain(row: SourceRow, spec: SourceSpec, store: AudioStore) -> Row:
    """Return a row of a source as plain data; audio that came with it is stored now, other audio is
    searched for later.
    """
    path, digest = None, None
    problem = row.problem or _check_path(row)
    if row.content is not None and not problem and spec.audio_root is None and store.folder is not None:
        try:
            path, digest = store.put(row.content(), row.audio[0] if row.audio else "")
        except InputError as error:  # this file alone is not there; a Hub that does not answer is another error
            problem = problem or Reject("audio_missing", str(error))
    return {
        "clip_id": records.clip_id(spec.name, row.source_id),
        "source_dataset": spec.name,
        "source_id": row.source_id,
        "captions": [{"text": text, "origin": spec.name} for text in row.captions],
        "events": [{**asdict(event), "origin": SOURCE} for event in dict.fromkeys(row.events)],
        "seeds": [{**asdict(seed), "origin": spec.name} for seed in dict.fromkeys(row.seeds)],
        "audio": list(row.audio),
        "guesses": list(row.guesses),
        "audio_path": path,
        "audio_present": path is not None,
        "audio_sha256": digest,
        "license": row.license or spec.license,
        "origin": row.origin or spec.origin,
        "row": row.row,
        "problem": {"reason": problem.reason, "detail": problem.detail} if problem else None,
    }


def _check_path(row: SourceRow) -> Reject | None:
    """Return the reject for a row whose audio would be outside its folder: the path goes into a release."""
    try:
        audio_files.check_relative(row.audio[0] if row.audio else ".")
    except InputError as error:
        return Reject("path_outside_root", f"row {row.row}: {error}")
    return None


def _make_unicode(row: SourceRow) -> SourceRow:
    """Reject a row with a lone surrogate, which no file can hold, or with a control character (U+0000)."""
    labels = (event.label for event in row.events)
    asked = (text for seed in row.seeds for text in (seed.question, seed.answer or ""))
    texts = (row.source_id, *row.captions, *labels, *asked, *row.audio, row.license or "", row.origin or "")
    if sign := find_control(texts):
        problem = Reject("control_characters", f"row {row.row} holds {sign}")
        return SourceRow(source_id=escape_control(row.source_id), row=row.row, problem=problem)
    if all(text.isascii() or text == text.encode("utf-8", "replace").decode() for text in texts):
        return row
    name = row.source_id.encode("utf-8", "backslashreplace").decode()
    return SourceRow(source_id=name, row=row.row, problem=Reject("not_unicode", f"row {row.row} is not valid Unicode"))


# --------------------------------------------------------------------------------------------------- where audio lies


class AudioFinder:
    """Finds the audio of the rows of one source or set in its folder, and hashes it."""

    def __init__(self, root: Path | None, hashes: AudioHashes, *, exact: bool = False) -> None:
        self._root, self._exact = root, exact
        self._hashes = hashes
        self._index = audio_files.index_folder(root) if root else None

    def settle(self, rows: Iterator[Row], folder: Path, file: str, watch: Watch | None) -> Iterator[Row]:
        """Yield the rows with ``audio_path``, ``audio_present`` and ``audio_sha256`` in place of ``audio`` and
        ``guesses``.

        The owner of a guessed file is known when all rows have been read: from the first guess on, rows wait in
        ``folder``. If no file exists, or it may be another row's, the path is the expected one.

        Args:
            rows: Rows with the names of ``SourceRow``.
            folder: Folder for the waiting rows.
            file: Name for messages.
            watch: Called with the number of waiting rows that have their audio.
        """
        with tempfile.TemporaryFile(dir=folder) as aside:
            waiting = 0
            for row in rows:
                guessed = self._look(row, file)
                if not waiting and guessed is None:
                    yield self._finish(row, None)
                    continue
                waiting += 1
                aside.write(orjson.dumps([row, guessed]) + b"\n")
            if not waiting:
                return
            for row, guessed in watched(_read_back(aside), f"the audio of {file}", watch, Extent(waiting)):
                yield self._finish(row, guessed)

    def _look(self, row: Row, file: str) -> str | None:
        """Set in the row the file that it names; return the file that it guesses."""
        names = row["audio"]
        row["named"] = names[0] if names else None
        if row["audio_sha256"] is not None or self._index is None or not names:  # it may have come with the row
            return None
        if found := self._index.find(names, exact=self._exact):
            self._index.claim(found, names[0], sure=True)
            row["audio_path"] = found
            return None
        meant = self._index.guess(row["guesses"])
        for path in meant:
            self._index.claim(path, names[0], sure=False)
        if len(meant) > 1:
            detail = f"{file}, row {row['row']}: its audio may be {' or '.join(map(repr, meant[:4]))}"
            row["problem"] = row["problem"] or {"reason": "audio_ambiguous", "detail": detail}
            return None
        return meant[0] if meant else None

    def _finish(self, row: Row, guessed: str | None) -> Row:
        names = row.pop("audio")
        row.pop("guesses")
        if row["audio_sha256"] is not None or not names:
            return row
        path = row["audio_path"]
        if guessed and self._index and self._index.grants(guessed, names[0]):
            path = guessed
        if path and self._root and (self._root / path).is_file():  # and no link to nowhere
            return row | {"audio_path": path, "audio_present": True, "audio_sha256": self._hash(self._root, path)}
        known = names[0].lower().endswith(audio_files.AUDIO_EXTENSIONS)
        return row | {"audio_path": names[0] if known else f"{names[0]}.wav", "audio_present": False}

    def _hash(self, root: Path, path: str) -> str | None:
        """Return the content hash of a clip; None if the stage will find that it leaves its root or cannot be read."""
        try:
            return self._hashes.get(audio_files.resolve(root, path))
        except (InputError, OSError):
            return None
