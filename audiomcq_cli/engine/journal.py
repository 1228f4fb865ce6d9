"""The journal: every reply of a shard, in one SQLite file with one writer, keyed by what was asked.

Replies are committed in groups by a thread, within ``GROUP_SECONDS``; flows go on meanwhile, and ``flush`` is awaited
before a shard is written. An interruption therefore costs at most the calls sent and not yet committed. What a file
held when it was opened is kept in memory, compressed, so that lookups never wait for a commit.

The file is in rollback mode (no WAL: it must work on shared disks). A lock file keeps a second writer out.
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

from audiomcq_cli.errors import JournalBusy, StorageError

if TYPE_CHECKING:
    import filelock

GROUP_SECONDS = 0.05

ELSEWHERE = -1
"""The run of what was copied from another journal: earlier than any of this one's."""

_TABLES = """
CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (one INTEGER PRIMARY KEY CHECK (one = 1), fingerprint TEXT, run INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal holds of one try.

    Attributes:
        text: Raw reply of a chat. value: Result of an analysis, or scores. error: Why the reply is unusable (a reason
            code), or empty. detail: The same for people. final: Nothing more is asked in this run.
        run: Number of the run of the shard that asked (see ``Journal.lease``).
        prompt_tokens, completion_tokens: As the server counted them.
    """

    text: str = ""
    value: Any = None
    error: str = ""
    detail: str = ""
    final: bool = False
    run: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Journal:
    """The replies of one shard of one stage. Open it with ``JournalWriter.open`` or ``read_only``."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection | None,
        writer: JournalWriter | None,
        others: Sequence[Path] = (),
    ) -> None:
        """Make one; ``others`` are journals that are looked into for what this one lacks, and copied from."""
        self.path = path
        self._connection = connection
        self._writer = writer
        self._others = [_connect_read_only(other) for other in others]
        self._bodies: dict[bytes, bytes] = {}
        if connection:
            self._bodies = dict(connection.execute("SELECT key, body FROM replies"))

    @classmethod
    def read_only(cls, path: Path) -> Journal:
        """A journal to look things up in; empty where there is no such file or a kill left one of no bytes."""
        if not path.is_file() or path.stat().st_size == 0:
            return cls(path, None, None)
        connection = _connect_read_only(path)
        try:
            return cls(path, connection, None)
        except sqlite3.Error as error:
            connection.close()
            raise StorageError(f"{path}: not a readable journal: {error}") from error

    def get(self, key: bytes) -> Entry | None:
        """What is known of a try, from this run, an earlier one or another journal."""
        body = self._bodies.get(key)
        if body is not None:
            return _unpack(body)
        for other in self._others:
            if found := other.execute("SELECT body FROM replies WHERE key = ?", (key,)).fetchone():
                entry = replace(_unpack(found[0]), run=ELSEWHERE)
                self.put(key, entry)
                return entry
        return None

    def put(self, key: bytes, entry: Entry) -> None:
        """Take note of a try; it is committed soon. A journal open for reading only takes no note."""
        if self._writer is not None:
            self._bodies[key] = body = zlib.compress(orjson.dumps(asdict(entry)), 1)
            self._writer.add(self, key, body)

    async def flush(self) -> None:
        """Return when everything put so far is committed; raises ``StorageError`` where it cannot be."""
        if self._writer is not None:
            await self._writer.flush()

    def lease(self, fingerprint: str, done_run: int | None) -> int:
        """The number of this run of the shard.

        A run that was cut short goes on under its number, so that it ends as if it had not been; a run after one that
        ended with failed rows (``done_run``, as its rejects say), or of another fingerprint, takes the next one.
        """
        held = self.leased()
        if held is None:
            run = 0
        else:
            same, last = held[0] == fingerprint, held[1]
            run = last if same and (done_run is None or done_run < last) else last + 1
        if self._connection is not None and self._writer is not None and held != (fingerprint, run):
            with self._connection:
                self._connection.execute("REPLACE INTO lease VALUES (1, ?, ?)", (fingerprint, run))
        return run

    def leased(self) -> tuple[str, int] | None:
        """Fingerprint and number of the last run, if there was one."""
        if self._connection is None:
            return None
        held = self._connection.execute("SELECT fingerprint, run FROM lease").fetchone()
        return None if held is None else (held[0], held[1])

    def close(self) -> None:
        """Close the file; the writer does it for a journal that it opened."""
        for connection in (*self._others, self._connection):
            if connection is not None:
                connection.close()


class JournalWriter:
    """The one writer of all open journals of a process: a thread that commits in groups."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Journal, bytes, bytes] | asyncio.Future[None] | None] = queue.SimpleQueue()
        self._error: Exception | None = None
        self._open: dict[Journal, filelock.BaseFileLock] = {}
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def open(self, path: Path) -> Journal:
        """Open a journal for writing, making it where there is none.

        Raises:
            JournalBusy: Another process is writing it.
            StorageError: The file is no journal or cannot be made.
        """
        import filelock

        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(f"{path}.lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise JournalBusy(
                f"{path}: another run is writing this journal",
                hint="wait for it to end",
            ) from None
        connection = None
        try:
            connection = sqlite3.connect(path, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.executescript(_TABLES)
            journal = Journal(path, connection, self, _find_others(path))
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            lock.release()
            raise StorageError(f"{path}: not a usable journal: {error}") from error
        self._open[journal] = lock
        return journal

    def add(self, journal: Journal, key: bytes, body: bytes) -> None:
        """Queue one reply for the next group."""
        if self._error:
            raise StorageError(f"{journal.path}: replies cannot be stored: {self._error}") from self._error
        self._queue.put((journal, key, body))

    async def flush(self) -> None:
        """Return when everything queued so far is committed."""
        done = asyncio.get_running_loop().create_future()
        self._queue.put(done)
        await done

    async def close_journal(self, journal: Journal) -> None:
        """Commit what is left of a journal and let others write it; ``close`` does so where this is cancelled.

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
        """End the thread, after it has committed what is queued, and whatever is still open."""
        self._queue.put(None)
        self._thread.join()
        for journal in list(self._open):
            self._release(journal)

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
                    with journal._connection:
                        journal._connection.executemany("REPLACE INTO replies VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            self._error = error


def _find_others(path: Path) -> list[Path]:
    """The journals of the same stage when it was cut into another number of shards: a trial run's, say."""
    cut = path.name.rpartition("-of-")[2]
    others = (other for other in path.parent.glob("*-of-*.sqlite") if not other.name.endswith(f"-of-{cut}"))
    return sorted(other for other in others if other.stat().st_size)


def _connect_read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)


def _unpack(body: bytes) -> Entry:
    return Entry(**orjson.loads(zlib.decompress(body)))


def _resolve(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.cancelled():
        return
    if error:
        future.set_exception(StorageError(f"replies cannot be stored: {error}", hint="is the disk full?"))
    else:
        future.set_result(None)
