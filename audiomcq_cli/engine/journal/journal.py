"""The journal: every reply of a shard, in one SQLite file with one writer, keyed by its request.

Replies are committed in groups by a thread, within ``GROUP_SECONDS``; flows go on meanwhile, and ``flush`` is awaited
before a shard is written. An interruption therefore costs at most the calls sent and not yet committed. The content of
a file when it was opened is kept in memory, compressed, so that lookups never wait for a commit.

A lock file keeps a second writer out. Replies that the file lacks are searched for elsewhere (``reuse.py``) and, in a
run, copied.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson

from audiomcq_cli.engine.journal import file as journal_file
from audiomcq_cli.engine.journal.file import Lease, damaged, is_sealed, seal, unseal
from audiomcq_cli.engine.journal.reuse import Elsewhere, Place
from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.foreign.json import read_json

if TYPE_CHECKING:
    import filelock

GROUP_SECONDS = 0.05

ELSEWHERE = -1
"""Number for the last run of another journal: earlier than any run of this one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The journal's record of one try.

    Attributes:
        text: Raw reply of a chat.
        value: Result of an analysis, or scores.
        error: Why the reply is unusable (a reason code), or empty.
        detail: The same for people.
        final: Whether nothing more is asked in this run.
        run: Number of the run of the shard that asked (see ``Journal.lease``).
        prompt_tokens: Prompt tokens as the server counted them.
        completion_tokens: Reply tokens as the server counted them.
    """

    text: str = ""
    value: Any = None
    error: str = ""
    detail: str = ""
    final: bool = False
    run: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


_KINDS = {
    **dict.fromkeys(("text", "error", "detail"), str),
    **dict.fromkeys(("run", "prompt_tokens", "completion_tokens"), int),
    "final": bool,
}
"""Types of an entry: a reply may come from anybody's packed journal."""


class Journal:
    """The replies of one shard of one stage. Open it with ``JournalWriter.open`` or ``read_only``."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection | None,
        writer: JournalWriter | None,
        places: Sequence[Place] = (),
        *,
        replay: bool = False,
    ) -> None:
        """Use a file, with ``places`` to search for replies that it lacks.

        An entry that failed in the last run there is asked again in a run of this journal; in a replay it is that run's
        result.
        """
        self.path = path
        self._connection = connection
        self._writer = writer
        self._places = places
        self._bodies: dict[bytes, bytes] = {}
        self._lease: Lease | None = None
        if connection:
            self._lease = journal_file.read_lease(connection, path)
            self._bodies = dict(journal_file.read_replies(connection, path))
        self._last_elsewhere = (self.leased() or ("", 0))[1] if replay else ELSEWHERE

    @classmethod
    def read_only(cls, path: Path, places: Sequence[Place] = (), *, replay: bool = True) -> Journal:
        """Return a journal for lookups, empty if the file does not exist; for a replay, or for a rehearsal.

        Raises:
            StorageError: The file is damaged.
        """
        connection = journal_file.connect(path, write=False) if path.exists() else None
        try:
            return cls(path, connection, None, places, replay=replay)
        except BaseException:
            if connection is not None:
                connection.close()
            raise

    def get(self, key: bytes) -> Entry | None:
        """Return the entry of a try, from this run, an earlier one or another journal.

        Raises:
            StorageError: The entry is damaged.
        """
        body = self._bodies.get(key)
        if body is not None:
            return _read_entry(key, body, self.path)
        for place in self._places:
            if found := place.find(self.path, key):
                entry = _read_entry(key, found.body, found.file)
                # Runs there stay apart, as the tries of each are counted by themselves.
                entry = replace(entry, run=self._last_elsewhere - (found.run - entry.run))
                self.put(key, entry)
                return entry
        return None

    def put(self, key: bytes, entry: Entry) -> None:
        """Store a try; it is committed soon. A read-only journal ignores it."""
        if self._writer is not None:
            self._bodies[key] = body = seal(key, orjson.dumps(asdict(entry)))
            self._writer.add(self, key, body)

    @property
    def size(self) -> int:
        """Number of replies in its own file."""
        return len(self._bodies)

    async def flush(self) -> None:
        """Wait until everything stored so far is committed; raises ``StorageError`` if that fails."""
        if self._writer is not None:
            await self._writer.flush()

    def lease(self, fingerprint: str, done_run: int | None) -> int:
        """Return the number of this run of the shard.

        An interrupted run goes on under its number, so that it ends as if it had not been interrupted. A run after one
        that ended with failed rows (``done_run``, from its rejects), or with another fingerprint, takes the next
        number.
        """
        if self._lease is None:
            run = 0
        else:
            same, last = self._lease[0] == fingerprint, self._lease[1]
            run = last if same and (done_run is None or done_run < last) else last + 1
        if self._connection is not None and self._writer is not None and self._lease != (fingerprint, run):
            with journal_file.reporting(self.path), self._connection:
                self._connection.execute("REPLACE INTO lease VALUES (1, ?, ?)", (fingerprint, run))
            self._lease = (fingerprint, run)
        return run

    def leased(self) -> Lease | None:
        """Return fingerprint and number of the last run, if there was one: here, or of the same shard elsewhere."""
        held = (place.lease(self.path) for place in self._places)
        return self._lease or next((lease for lease in held if lease), None)

    def close(self) -> None:
        """Close the file; the writer closes journals that it opened."""
        if self._connection is not None:
            self._connection.close()


class JournalWriter:
    """The only writer of all open journals of a process: a thread that commits in groups."""

    def __init__(self) -> None:
        self.elsewhere = Elsewhere()
        self._queue: queue.SimpleQueue[tuple[Journal, bytes, bytes] | asyncio.Future[None] | None] = queue.SimpleQueue()
        self._error: StorageError | None = None
        self._open: dict[Journal, filelock.BaseFileLock] = {}
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def open(self, path: Path, reuse: Sequence[Path] = ()) -> Journal:
        """Open a journal for writing, and create it if needed; ``reuse`` are journals of other work folders.

        Raises:
            JournalBusy: Another process is writing it.
            StorageError: The file is not a journal or cannot be created.
            InputError: One of ``reuse`` does not exist, is not a journal, or is damaged.
        """
        lock = journal_file.acquire(path)
        connection = None
        try:
            if not path.exists():
                journal_file.create(path)
            connection = journal_file.connect(path, write=True)
            journal = Journal(path, connection, self, self.elsewhere.places(path, reuse))
        except BaseException:
            if connection is not None:
                connection.close()
            lock.release()
            raise
        self._open[journal] = lock
        return journal

    def read(self, path: Path, reuse: Sequence[Path] = (), *, replay: bool) -> Journal:
        """Open a journal as ``Journal.read_only`` does, with the places that ``open`` would search."""
        return Journal.read_only(path, self.elsewhere.places(path, reuse), replay=replay)

    def add(self, journal: Journal, key: bytes, body: bytes) -> None:
        """Queue one reply for the next group."""
        if self._error:
            raise _again(self._error) from self._error
        self._queue.put((journal, key, body))

    async def flush(self) -> None:
        """Wait until everything queued so far is committed."""
        done = asyncio.get_running_loop().create_future()
        self._queue.put(done)
        await done

    async def close_journal(self, journal: Journal) -> None:
        """Commit the rest of a journal and let others write it; ``close`` does so if this is cancelled.

        Raises:
            StorageError: It cannot be committed.
        """
        try:
            await self.flush()
        except StorageError:
            self._release(journal)
            raise
        self._release(journal)

    def close(self) -> None:
        """End the thread after it has committed everything queued, and close all journals."""
        self._queue.put(None)
        self._thread.join()
        for journal in list(self._open):
            self._release(journal)
        self.elsewhere.close()

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _release(self, journal: Journal) -> None:
        journal.close()
        self._open.pop(journal).release()

    def _run(self) -> None:
        running = True
        while running:
            items = [self._queue.get()]
            if not isinstance(items[0], asyncio.Future):
                threading.Event().wait(GROUP_SECONDS)
            while not self._queue.empty():
                items.append(self._queue.get())
            running = None not in items
            self._commit([item for item in items if isinstance(item, tuple)])
            for item in items:
                if isinstance(item, asyncio.Future):
                    item.get_loop().call_soon_threadsafe(_resolve, item, self._error)

    def _commit(self, items: Iterable[tuple[Journal, bytes, bytes]]) -> None:
        groups: dict[Journal, list[tuple[bytes, bytes]]] = {}
        for journal, key, body in items:
            groups.setdefault(journal, []).append((key, body))
        try:
            for journal, rows in groups.items():
                if journal._connection is not None:
                    with journal_file.reporting(journal.path), journal._connection:
                        journal._connection.executemany("REPLACE INTO replies VALUES (?, ?)", rows)
        except StorageError as error:
            self._error = error


def _read_entry(key: bytes, body: bytes, path: Path) -> Entry:
    try:
        if not is_sealed(key, body):
            raise ValueError("it does not belong to its key")
        entry = Entry(**read_json(unseal(body), str(path)))
        if wrong := [name for name, kind in _KINDS.items() if type(getattr(entry, name)) is not kind]:
            raise ValueError(f"its {wrong[0]} is of another type")
        return entry
    except (zlib.error, ValueError, TypeError, InputError) as error:
        raise damaged(path, f"the reply {key.hex()[:16]}… cannot be read: {error}") from error


def _resolve(future: asyncio.Future[None], error: StorageError | None) -> None:
    if future.cancelled():
        return
    if error:
        future.set_exception(_again(error))
    else:
        future.set_result(None)


def _again(error: StorageError) -> StorageError:
    """Return a copy of the thread's error for each caller, with the file and a hint."""
    return StorageError(f"replies cannot be stored: {error}", hint=error.hint)
