"""The format of a packed journal: one SQLite file with the replies of any number of stages and shards.

``journals`` has a row for each journal file (stage, shard, and its lease), ``replies`` their content, sorted by journal
and key, with one index by key for ``--reuse``. It is written in one go into a new file, so the same content gives the
same bytes (with the same version of SQLite, which is in the header).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.engine.journal import file as journal_file
from audiomcq_cli.engine.journal.file import Lease, is_shard, is_stage, reporting
from audiomcq_cli.foreign.sqlite import limited
from audiomcq_cli.storage.files import replacing

_APPLICATION = 0x61_6D_63_71
"""``amcq``, at byte 68 of the file."""

_FORMAT = 1

_TABLES = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_FORMAT};
PRAGMA page_size = 4096;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE journals (
    id INTEGER PRIMARY KEY, stage TEXT NOT NULL, shard TEXT NOT NULL, fingerprint TEXT, run INTEGER
);
CREATE TABLE replies (journal INTEGER NOT NULL REFERENCES journals, key BLOB NOT NULL, body BLOB NOT NULL);
"""

_INDEX = "CREATE INDEX replies_by_key ON replies (key)"


@dataclass(frozen=True, slots=True)
class Held:
    """One journal of a packed file: its number there, stage, name of the shard's file, and lease."""

    number: int
    stage: str
    shard: str
    lease: Lease | None


def is_packed(path: Path) -> bool:
    """Return whether the header of a file is that of a packed journal."""
    with path.open("rb") as file:
        head = file.read(72)
    return head.startswith(b"SQLite format 3\0") and head[68:72] == _APPLICATION.to_bytes(4, "big")


def connect(path: Path) -> sqlite3.Connection:
    """Open a packed file for reading; raises ``StorageError`` if it is damaged or has another format."""
    with reporting(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        try:
            journal_file.check(connection, path, f"{_TABLES}{_INDEX};")
            [format_] = connection.execute("PRAGMA user_version").fetchone()
            if format_ != _FORMAT:
                raise journal_file.damaged(path, f"packed in format {format_}, and this program knows {_FORMAT}")
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def writing(path: Path) -> Iterator[PackWriter]:
    """Yield a writer of a packed file, which is moved into place when the block succeeds."""
    with replacing(path) as temporary, reporting(path):
        temporary.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            connection.executescript(_TABLES)
            connection.execute("BEGIN")
            yield PackWriter(connection)
            connection.execute(_INDEX)
            connection.execute("COMMIT")


class PackWriter:
    """Writes journals in the given order, each with its replies by key."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._journals = 0

    def add(self, stage: str, shard: str, lease: Lease | None, replies: Iterable[tuple[bytes, bytes]]) -> None:
        """Add a journal."""
        self._journals += 1
        number = self._journals
        row = (number, stage, shard, *(lease or (None, None)))
        self._connection.execute("INSERT INTO journals VALUES (?, ?, ?, ?, ?)", row)
        rows = ((number, key, body) for key, body in replies)
        self._connection.executemany("INSERT INTO replies VALUES (?, ?, ?)", rows)


def read_journals(connection: sqlite3.Connection, path: Path) -> list[Held]:
    """Return the journals of a packed file, in order.

    Raises:
        StorageError: A name is not valid for a stage or shard: it might lead to another folder.
    """
    with reporting(path), limited(connection, path):
        rows = connection.execute("SELECT id, stage, shard, fingerprint, run FROM journals ORDER BY id").fetchall()
    found: list[Held] = []
    for number, stage, shard, fingerprint, run in rows:
        if not is_stage(stage) or not is_shard(shard):
            raise journal_file.damaged(path, f"no name of a journal: {stage!r:.80}/{shard!r:.80}")
        if run is not None and not journal_file.is_lease(fingerprint, run):
            raise journal_file.damaged(path, f"the run of {stage}/{shard} is no number")
        found.append(Held(number, stage, shard, None if run is None else (fingerprint, run)))
    return found


def read_replies(connection: sqlite3.Connection, path: Path) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield journal number, key and body of every reply, in order; raises ``StorageError`` if they do not match."""
    with reporting(path), limited(connection, path):
        for number, key, body in connection.execute("SELECT journal, key, body FROM replies ORDER BY rowid"):
            if not journal_file.is_sealed(key, body):
                raise journal_file.damaged(path, "a reply does not belong to its key")
            if type(number) is not int or number < 1:
                raise journal_file.damaged(path, "a reply is of no journal")
            yield number, key, body
