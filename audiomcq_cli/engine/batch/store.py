"""Records the batches of a stage at a provider, and replies that no shard has taken yet.

It is in ``batches/`` beside the stage's journals: one SQLite file with one writer, and the request files until they
have become batches. A batch is recorded before anything of it leaves this machine, so that a run that was killed at any
moment knows what it may already have to pay for.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import orjson

from audiomcq_cli.contracts import Completion
from audiomcq_cli.errors import JournalBusy, StorageError
from audiomcq_cli.storage.descriptors import advise

KEY_BYTES = 32

_TABLES = """
CREATE TABLE IF NOT EXISTS batches (
    token TEXT PRIMARY KEY, model TEXT NOT NULL, keys BLOB NOT NULL, begun REAL NOT NULL,
    prompt_tokens REAL NOT NULL, completion_tokens REAL NOT NULL, file TEXT NOT NULL, id TEXT NOT NULL, ended REAL
);
CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """A request file that is to become a batch.

    Attributes:
        path: Path of the file.
        keys: Journal keys of its calls, in order.
        prompt_tokens: Most prompt tokens, estimated.
        completion_tokens: Most reply tokens, estimated.
    """

    path: Path
    keys: Sequence[bytes]
    prompt_tokens: float
    completion_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch that has not ended.

    Attributes:
        token: Our token, which is part of the batch at the provider.
        model: Name of a model in the recipe.
        keys: Journal keys of its calls.
        begun: Time of its record, in seconds since 1970.
        prompt_tokens: Most prompt tokens, estimated.
        completion_tokens: Most reply tokens, estimated.
        file: The provider's name of the uploaded file; empty before the upload.
        id: The provider's name of the batch; empty before it begins.
    """

    token: str
    model: str
    keys: frozenset[bytes]
    begun: float
    prompt_tokens: float
    completion_tokens: float
    file: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The failure of a call that cannot be answered: code and text of the error."""

    code: str
    detail: str


class BatchStore:
    """The batches of one stage; a context manager that keeps other processes out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection: sqlite3.Connection | None = None

    @staticmethod
    def is_there(folder: Path) -> bool:
        """Return whether a run of this stage ever had batches."""
        return (folder / "batches.sqlite").is_file()

    def __enter__(self) -> BatchStore:
        """Open the file; create it if it does not exist.

        Raises:
            JournalBusy: Another process has it open.
            StorageError: The file is not usable.
        """
        import filelock

        path = self.folder / "batches.sqlite"
        self._lock = filelock.FileLock(f"{path}.lock", timeout=0)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout:
            raise JournalBusy(f"{path}: another run has these batches", hint="wait for it to end") from None
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot be written: {error}", hint=advise(error)) from error
        try:
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA journal_mode = TRUNCATE")
            self._connection.executescript(_TABLES)
            self._remove_strays()
        except (sqlite3.Error, OSError) as error:
            self._close()
            raise StorageError(f"{path}: not a usable file of batches: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    # ------------------------------------------------------------------------------------------------- batches

    def list_open(self) -> list[Batch]:
        """Return the batches that have not ended, in the order of their beginning."""
        columns = [one.name for one in fields(Batch)]
        found = self._ask(f"SELECT {', '.join(columns)} FROM batches WHERE ended IS NULL ORDER BY begun")
        rows = [dict(zip(columns, row, strict=True)) for row in found]
        return [Batch(**row | {"keys": _split(row["keys"])}) for row in rows]

    def path_of(self, batch: Batch) -> Path:
        """Return the path of a batch's request file, which exists until the provider has the batch."""
        return self.folder / f"{batch.token}.jsonl"

    def begin(self, model: str, requests: Requests) -> Batch:
        """Record a batch that will be made from a request file; the file is taken over."""
        batch = Batch(
            token=uuid4().hex,
            model=model,
            keys=frozenset(requests.keys),
            begun=time.time(),
            prompt_tokens=requests.prompt_tokens,
            completion_tokens=requests.completion_tokens,
        )
        requests.path.replace(self.path_of(batch))
        self._do(
            "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, '', '', NULL)",
            [(batch.token, model, b"".join(requests.keys), batch.begun, batch.prompt_tokens, batch.completion_tokens)],
        )
        return batch

    def note_file(self, batch: Batch, file: str) -> Batch:
        """Record that the provider has the request file."""
        self._do("UPDATE batches SET file = ? WHERE token = ?", [(file, batch.token)])
        return replace(batch, file=file)

    def note_id(self, batch: Batch, id_: str) -> Batch:
        """Record that the provider has the batch, and remove the local file."""
        self._do("UPDATE batches SET id = ? WHERE token = ?", [(id_, batch.token)])
        self.path_of(batch).unlink(missing_ok=True)
        return replace(batch, id=id_)

    def renew(self, batch: Batch) -> Batch:
        """Record that the provider refused a batch: its file becomes another one."""
        again = replace(batch, token=uuid4().hex, id="", begun=time.time())
        self._do(
            "UPDATE batches SET token = ?, id = '', begun = ? WHERE token = ?",
            [(again.token, again.begun, batch.token)],
        )
        return again

    def end(self, batch: Batch) -> None:
        """Record that a batch brings nothing more; its ids stay."""
        self._do("UPDATE batches SET ended = ?, keys = x'' WHERE token = ?", [(time.time(), batch.token)])
        self.path_of(batch).unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------------- replies

    def deliver(self, replies: Iterable[tuple[bytes, Completion | Refusal]]) -> None:
        """Keep replies until they are taken; an existing reply stays."""
        self._do("INSERT OR IGNORE INTO replies VALUES (?, ?)", [(key, _pack(reply)) for key, reply in replies])

    def find(self, key: bytes) -> Completion | Refusal | None:
        """Return the reply to a call, if it is stored here."""
        found = self._ask("SELECT body FROM replies WHERE key = ?", (key,))
        return _unpack(found[0][0]) if found else None

    def drop(self, keys: Iterable[bytes]) -> None:
        """Drop replies that are in the journals of all shards that needed them."""
        self._do("DELETE FROM replies WHERE key = ?", [(key,) for key in keys])

    # --------------------------------------------------------------------------------------------------- SQLite

    def _ask(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._translating() as connection:
            return connection.execute(query, values).fetchall()

    def _do(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        with self._translating() as connection, connection:
            connection.executemany(statement, rows)

    @contextmanager
    def _translating(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                raise StorageError(f"{self.folder}: the batches are not open")
            yield self._connection
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{self.folder}: cannot be read or written: {error}", hint=advise(error)) from error

    def _remove_strays(self) -> None:
        """Remove request files that did not become a batch before a kill: they are written again."""
        known = {self.path_of(batch) for batch in self.list_open() if not batch.id}
        for path in self.folder.glob("*.jsonl*"):
            if path not in known:
                path.unlink()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()


def _split(keys: bytes) -> frozenset[bytes]:
    return frozenset(keys[start : start + KEY_BYTES] for start in range(0, len(keys), KEY_BYTES))


def _pack(reply: Completion | Refusal) -> bytes:
    kind = "refusal" if isinstance(reply, Refusal) else "completion"
    return zlib.compress(orjson.dumps({kind: asdict(reply)}), 1)


def _unpack(body: bytes) -> Completion | Refusal:
    reply = orjson.loads(zlib.decompress(body))
    return Refusal(**reply["refusal"]) if "refusal" in reply else Completion(**reply["completion"])
