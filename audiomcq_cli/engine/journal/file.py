"""One file of the journal on disk: creates it atomically, locks it, opens it, and detects damage.

A checksum of key and body follows each reply, so that a flipped bit in either is detected; SQLite's own check finds
missing rows. Both together take about 0.2 s for 100,000 replies. The file is in rollback mode (no WAL: it must work on
shared disks).
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli.errors import JournalBusy, StorageError
from audiomcq_cli.foreign.sqlite import guard, limited
from audiomcq_cli.storage.descriptors import advise
from audiomcq_cli.storage.files import replacing

if TYPE_CHECKING:
    import filelock

KEY_BYTES = 32

LARGEST_REPLY = 256 * 2**20
"""Most bytes of a reply; a larger body was made to fill the memory."""

_TABLES = """
CREATE TABLE replies (key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE lease (one INTEGER PRIMARY KEY CHECK (one = 1), fingerprint TEXT, run INTEGER);
"""

OPENING = "opening.sqlite"
"""Name of the journal of what a stage asks before its first row."""

_STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHARD = re.compile(r"part-\d{5}-of-\d{5}\.sqlite")

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_UNREACHABLE = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)

Lease = tuple[str, int]
"""Fingerprint and number of the last run of a shard."""


def is_stage(name: object) -> bool:
    """Return whether a value is a valid name of a stage, and so of a folder."""
    return isinstance(name, str) and _STAGE.fullmatch(name) is not None


def is_shard(name: object) -> bool:
    """Return whether a value is a valid name of a journal file: of a shard, or of the opening of the stage."""
    return isinstance(name, str) and (name == OPENING or _SHARD.fullmatch(name) is not None)


def list_stages(folder: Path) -> list[str]:
    """Return the names of the stages with files in a folder of journals."""
    paths = folder.glob("*/*.sqlite")
    return sorted({path.parent.name for path in paths if is_shard(path.name) and is_stage(path.parent.name)})


def list_journals(folder: Path, stage: str) -> list[Path]:
    """Return the journal files of a stage, in order."""
    return sorted(path for path in (folder / stage).glob("*.sqlite") if is_shard(path.name))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only writer of a journal file; the lock ends with the process, even if that is killed.

    Raises:
        JournalBusy: Another process has the lock.
    """
    lock = acquire(path)
    try:
        yield
    finally:
        lock.release()


def acquire(path: Path) -> filelock.BaseFileLock:
    """Take the lock of a journal file and create its folder; raises ``JournalBusy``, ``StorageError``."""
    import filelock

    lock = filelock.FileLock(f"{path}.lock", timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise JournalBusy(f"{path}: another run is writing this journal", hint="wait for it to end") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be locked: {error}", hint=advise(error)) from error
    return lock


def create(path: Path) -> None:
    """Create an empty journal file atomically; the caller has its lock."""
    with replacing(path) as temporary, reporting(path):
        temporary.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(temporary)) as connection:
            connection.executescript(_TABLES)


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open an existing journal file and check that SQLite finds nothing wrong with it.

    A reader opens it for writing as well if possible: after a kill during a commit SQLite must roll that back first.

    Raises:
        StorageError: The file is damaged, or not a journal.
    """
    with reporting(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA {'journal_mode = TRUNCATE' if write else 'query_only = ON'}")
            check(connection, path, _TABLES)
        except BaseException:
            connection.close()
            raise
    return connection


def check(connection: sqlite3.Connection, path: Path, tables: str) -> None:
    """Make a file safe to read, and check that it is whole and has exactly the ``tables`` of these statements.

    Raises:
        StorageError: It holds something else, SQLite finds it damaged, or its last page is incomplete.
    """
    connection.execute("BEGIN")  # while a reader is at it, nobody changes the file
    try:
        if stranger := guard(connection, tables):
            raise damaged(path, stranger)
        with limited(connection, path):
            _check_pages(connection, path)
    finally:
        connection.execute("ROLLBACK")


def _check_pages(connection: sqlite3.Connection, path: Path) -> None:
    [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
    [wanted] = connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    if path.stat().st_size < wanted:
        found = "it was cut short"
    if found != "ok":
        raise damaged(path, " ".join(str(found).split()))


def read_replies(connection: sqlite3.Connection, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and bodies of a journal file, by key; raises ``StorageError`` if a body does not match its key."""
    with reporting(path), limited(connection, path):
        for key, body in connection.execute("SELECT key, body FROM replies ORDER BY key"):
            if not is_sealed(key, body):
                raise damaged(path, "a reply does not belong to its key")
            yield key, body


def count_replies(connection: sqlite3.Connection, path: Path) -> int:
    """Return the number of replies in a journal file."""
    with reporting(path), limited(connection, path):
        return int(connection.execute("SELECT count(*) FROM replies").fetchone()[0])


def read_lease(connection: sqlite3.Connection, path: Path) -> Lease | None:
    """Return the fingerprint and number of the last run, if there was one."""
    with reporting(path):
        held = connection.execute("SELECT fingerprint, run FROM lease").fetchone()
    if held is None:
        return None
    if not is_lease(*held):
        raise damaged(path, "its run is no number")
    return held[0], held[1]


def is_lease(fingerprint: object, run: object) -> bool:
    """Return whether two values of a file are a lease."""
    return isinstance(fingerprint, str) and len(fingerprint) < 1_000 and type(run) is int and 0 <= run < 2**31


def seal(key: bytes, data: bytes) -> bytes:
    """Compress the body of a key; the checksum follows the end of the stream, where zlib does not look."""
    body = zlib.compress(data, 1)
    return body + _checksum(key, body)


def is_sealed(key: object, body: object) -> bool:
    """Return whether key and body are what was stored; in old files without checksums, whether the body is whole."""
    if not isinstance(key, bytes) or not isinstance(body, bytes) or len(key) != KEY_BYTES:
        return False
    if _checksum(key, body[:-4]) == body[-4:]:
        return True
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(body, LARGEST_REPLY)
    except zlib.error:
        return False
    return unpacker.eof and not unpacker.unused_data


def unseal(body: bytes) -> bytes:
    """Decompress a body; raises ``zlib.error`` if it is incomplete."""
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(body, LARGEST_REPLY)
    if not unpacker.eof:
        raise zlib.error("cut short, or too long")
    return data


def _checksum(key: bytes, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(key)).to_bytes(4, "big")


@contextlib.contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Add the file and a hint to SQLite's errors."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite's own words, with a name out of a damaged file in them
        raise damaged(path, "it holds text that is none") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # extended codes: see their first byte
        if code in _BUSY:
            raise JournalBusy(f"{path}: another process is writing it", hint="try again when it has ended") from error
        if code in _UNREACHABLE:
            raise StorageError(f"{path}: cannot be read or written: {error}", hint=advise(error)) from error
        raise damaged(path, str(error)) from error


def damaged(path: Path, problem: str) -> StorageError:
    """Return the error about a file whose content cannot be trusted."""
    return StorageError(
        f"{path}: not a usable journal: {problem}",
        hint="move it away and run again: what is done stays done, and replies that were in it are asked for, and paid"
        " for, again, but for those that --reuse finds in a copy (audiomcq journal pack)",
    )
