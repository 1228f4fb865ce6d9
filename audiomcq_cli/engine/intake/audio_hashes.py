"""Keeps content hashes of audio files, so that a second pass over the sources reads no audio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from audiomcq_cli import audio_files
from audiomcq_cli.errors import StorageError
from audiomcq_cli.storage.descriptors import advise

if TYPE_CHECKING:
    import sqlite3


class AudioHashes:
    """Content hashes of audio files by path, size and modification time.

    They can be computed again: a damaged file of hashes is started anew.
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
        """Return the hash of a file; raises ``InputError`` or ``OSError`` if it cannot be read."""
        stat = path.stat()
        now = (stat.st_size, stat.st_mtime_ns)
        query = "SELECT size, changed, hash FROM hashes WHERE path = ?"
        with self._reporting():
            known = self._connection.execute(query, (str(path),)).fetchone()
        if known is not None and known[:2] == now:
            return str(known[2])
        found = audio_files.hash_file(path)
        with self._reporting():
            self._connection.execute("REPLACE INTO hashes VALUES (?, ?, ?, ?)", (str(path), *now, found))
        return found

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        import sqlite3

        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: cannot be read or written: {error}", hint=advise(error)) from error


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
