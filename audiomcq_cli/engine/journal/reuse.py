"""Finds replies missing from this shard's journal: first in this stage's journals of another shard count, then in each
``--reuse`` path.

A place is a packed file (``pack_file.py``) or a folder of journals. It is searched by key only, whichever shard of the
stage a reply was for. The order is fixed (the shard of the same name first, then the order on the command line), so
that the result depends on nothing else. Nothing is ever written there.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from audiomcq_cli.engine.journal import file as journal_file
from audiomcq_cli.engine.journal import pack_file
from audiomcq_cli.engine.journal.file import OPENING, Lease, list_journals, list_stages
from audiomcq_cli.errors import InputError, JournalBusy, StorageError
from audiomcq_cli.foreign.sqlite import limited


@dataclass(frozen=True, slots=True)
class Found:
    """A reply in another journal: its body, the number of the last run of that journal, and its file."""

    body: bytes
    run: int
    file: Path


class Place(Protocol):
    """Another place. A journal is identified by the last two parts of its path: stage and shard."""

    def open(self, journal: Path) -> None:
        """Prepare for lookups on behalf of a journal; raises ``InputError`` if a file is damaged."""

    def find(self, journal: Path, key: bytes) -> Found | None:
        """Return the reply to a key in any journal of the same stage."""

    def lease(self, journal: Path) -> Lease | None:
        """Return the lease of the journal of the same stage and shard."""

    def close(self) -> None:
        """Close its files."""


class Elsewhere:
    """The places that the journals of a process search, each opened once."""

    def __init__(self) -> None:
        self._own: dict[Path, Place] = {}
        self._reused: dict[Path, Place] = {}

    def places(self, journal: Path, reuse: Sequence[Path]) -> list[Place]:
        """Return the places for a journal, ready for lookups: its own stage with other shard counts, then ``reuse`` in
        order.

        Raises:
            InputError: One of ``reuse`` does not exist, is not a journal, or is damaged.
        """
        home = journal.parent.parent
        if home not in self._own:
            self._own[home] = _Folder(home, ours=True)
        for path in reuse:
            if path not in self._reused:
                self._reused[path] = open_place(path)
        found = [self._own[home], *(self._reused[path] for path in reuse)]
        for place in found:
            place.open(journal)
        return found

    def close(self) -> None:
        """Close every file."""
        for place in (*self._own.values(), *self._reused.values()):
            place.close()


def open_place(path: Path) -> Place:
    """Return the place that a ``--reuse`` path names; nothing is opened yet.

    Raises:
        InputError: There is no journal at the path.
    """
    if path.is_dir():
        return _Folder(journal_folder(path), ours=False)
    if not path.exists():
        raise InputError("no such file or folder to reuse replies of", file=str(path), hint=_KINDS)
    if not pack_file.is_packed(path):
        raise InputError("not a packed journal", file=str(path), hint=_KINDS)
    return _Packed(path)


def journal_folder(path: Path) -> Path:
    """Return the folder of journals of a workdir, or the path itself if it is that folder.

    Raises:
        InputError: The path is neither.
    """
    for folder in (path / "journal", path):
        if list_stages(folder):
            return folder
    raise InputError("there is no journal in this folder", file=str(path), hint=_KINDS)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn errors of a journal that the user named, and that is only read, into ``InputError``."""
    try:
        yield
    except JournalBusy:
        raise
    except StorageError as error:
        raise InputError(str(error), hint=_ANOTHER) from error


_ANOTHER = "take another copy of it, or leave it out of what is reused"

_KINDS = "expected a file that audiomcq journal pack wrote, a workdir, or the folder journal in one"


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    connection: sqlite3.Connection
    lease: Lease | None

    def prefixes(self) -> Iterator[bytes]:
        """Yield the first 8 bytes of every key."""
        with journal_file.reporting(self.path), limited(self.connection, self.path):
            for key, length in self.connection.execute("SELECT substr(key, 1, 8), length(key) FROM replies"):
                if not isinstance(key, bytes) or length != journal_file.KEY_BYTES:
                    raise journal_file.damaged(self.path, "a key has another length")
                yield key


class _Keys:
    """Tells which of many files may have a key, by its first 8 bytes: 12 MB for a million keys,
    without reading a file.
    """

    def __init__(self, files: Sequence[_File]) -> None:
        self._files = files
        if not files:
            return
        import numpy as np

        parts = [np.frombuffer(b"".join(file.prefixes()), ">u8") for file in files]
        owners = np.repeat(np.arange(len(files), dtype=np.int32), [len(part) for part in parts])
        prefixes = np.concatenate(parts).astype(np.uint64)
        order = np.argsort(prefixes, kind="stable")
        self._prefixes, self._owners = prefixes[order], owners[order]

    def find(self, key: bytes) -> list[_File]:
        """Return the files that may have a key, in their order."""
        if not self._files:
            return []
        import numpy as np

        prefix = np.uint64(int.from_bytes(key[:8], "big"))
        first, last = (int(np.searchsorted(self._prefixes, prefix, side)) for side in ("left", "right"))
        return [self._files[owner] for owner in self._owners[first:last]]


class _Folder:
    """A folder of journals. In the run's own one (``ours``) only other shard counts are searched, such as a trial
    run's.

    Shards of the same count never read each other, or the result would depend on how far the other one is.
    """

    def __init__(self, root: Path, *, ours: bool) -> None:
        self._root = root
        self._ours = ours
        self._stage = ""
        self._files: dict[str, _File] = {}
        self._keys = _Keys(())

    def open(self, journal: Path) -> None:
        if journal.parent.name == self._stage:
            return
        self.close()  # stages come one after another, and the files of all of them may be too many
        self._stage = journal.parent.name
        paths = list_journals(self._root, self._stage)
        if self._ours or self._root.resolve() == journal.parent.parent.resolve():
            cut = journal.name.rpartition("-of-")[2]
            paths = [
                path
                for path in paths
                if OPENING not in (path.name, journal.name) and path.name.rpartition("-of-")[2] != cut
            ]
        with contextlib.nullcontext() if self._ours else refusing():
            for path in paths:
                self._files[path.name] = _open_file(path)
            self._keys = _Keys(list(self._files.values()))

    def find(self, journal: Path, key: bytes) -> Found | None:
        for file in sorted(self._keys.find(key), key=lambda file: file.path.name != journal.name):
            with journal_file.reporting(file.path):
                row = file.connection.execute("SELECT body FROM replies WHERE key = ?", (key,)).fetchone()
            if row:
                return Found(row[0], file.lease[1] if file.lease else 0, file.path)
        return None

    def lease(self, journal: Path) -> Lease | None:
        file = self._files.get(journal.name)
        return file.lease if file else None

    def close(self) -> None:
        for file in self._files.values():
            file.connection.close()
        self._files.clear()
        self._keys = _Keys(())
        self._stage = ""


class _Packed:
    """A packed file: one index for all shards of all stages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def open(self, journal: Path) -> None:
        if self._connection is None:
            with refusing():
                self._connection = pack_file.connect(self._path)

    def find(self, journal: Path, key: bytes) -> Found | None:
        query = """
            SELECT body, run FROM replies JOIN journals ON journals.id = replies.journal
            WHERE key = ? AND stage = ? ORDER BY shard <> ?, journals.id LIMIT 1
        """
        row = self._query(query, (key, journal.parent.name, journal.name))
        if row is None:
            return None
        body, run = row
        if not isinstance(body, bytes) or not (run is None or journal_file.is_lease("", run)):
            raise InputError(f"{self._path}: a reply or its run is of another type", hint=_ANOTHER)
        return Found(body, run or 0, self._path)

    def lease(self, journal: Path) -> Lease | None:
        query = "SELECT fingerprint, run FROM journals WHERE stage = ? AND shard = ? AND run IS NOT NULL"
        row = self._query(query, (journal.parent.name, journal.name))
        if row is not None and not journal_file.is_lease(*row):
            raise InputError(f"{self._path}: the run of {journal.name} is of another type", hint=_ANOTHER)
        return (row[0], row[1]) if row else None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _query(self, query: str, values: tuple[object, ...]) -> Any:
        if self._connection is None:
            raise StorageError(f"{self._path}: not open")
        with journal_file.reporting(self._path), limited(self._connection, self._path):
            return self._connection.execute(query, values).fetchone()


def _open_file(path: Path) -> _File:
    connection = journal_file.connect(path, write=False)
    try:
        return _File(path, connection, journal_file.read_lease(connection, path))
    except BaseException:
        connection.close()
        raise
