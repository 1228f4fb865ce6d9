"""Packs all journals of a work folder into one file, and unpacks it: for CI caches, colleagues, another machine.

Replies are moved unchanged. Open batches, and their results that no shard has taken yet, stay where they are. Nothing
in a packed file is trusted: names of stages and shards are checked before they become paths, and every reply must match
its key.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.engine.journal import file as journal_file
from audiomcq_cli.engine.journal import pack_file
from audiomcq_cli.engine.journal.file import Lease, list_journals, list_stages
from audiomcq_cli.engine.journal.pack_file import Held
from audiomcq_cli.engine.journal.reuse import journal_folder, open_place, refusing
from audiomcq_cli.errors import InputError

_Reply = tuple[bytes, bytes]


@dataclass(slots=True)
class StageSum:
    """Contents of one stage: number of journals, of replies, and of bytes of the compressed replies.

    ``known`` counts replies that already existed in the place of unpacking.
    """

    stage: str
    journals: int = 0
    replies: int = 0
    bytes: int = 0
    known: int = 0

    def count(self, replies: Iterable[_Reply]) -> Iterator[_Reply]:
        """Count the replies of one journal as they pass."""
        self.journals += 1
        for key, body in replies:
            self.replies += 1
            self.bytes += len(body)
            yield key, body


def pack(workdir: Path, file: Path, stages: Sequence[str] = (), *, replace: bool = False) -> list[StageSum]:
    """Put the journals of a work folder, of some stages or all, into one file.

    Raises:
        InputError: There is no such journal, or the file exists and ``replace`` is false.
        JournalBusy: A run is writing one of them.
        StorageError: A journal is damaged, or the file cannot be written.
    """
    root = journal_folder(workdir)
    there = list_stages(root)
    for stage in stages:
        if stage not in there:
            raise InputError(f"no journal of stage {stage!r}", file=str(root), hint=f"stages are {', '.join(there)}")
    if file.exists() and not replace:
        raise InputError("is there already", file=str(file), hint="name another file, or say --replace")
    sums: list[StageSum] = []
    with pack_file.writing(file) as writer:
        for stage in there if not stages else [stage for stage in there if stage in stages]:
            sums.append(one := StageSum(stage))
            for path in list_journals(root, stage):
                with journal_file.locked(path), contextlib.closing(journal_file.connect(path, write=False)) as journal:
                    lease = journal_file.read_lease(journal, path)
                    writer.add(stage, path.name, lease, one.count(journal_file.read_replies(journal, path)))
    return sums


def unpack(file: Path, workdir: Path) -> list[StageSum]:
    """Put the journals of a packed file into a work folder; existing journals gain the replies that they lack.

    An existing reply stays. Of two leases the later run's counts, so that a journal and an earlier copy of it give that
    journal, whichever is unpacked first.

    Raises:
        InputError: The file is not a packed journal, or is damaged.
        JournalBusy: A run is writing one of the journals.
        StorageError: An existing journal is damaged, or cannot be written.
    """
    root = _target(workdir)
    sums: dict[str, StageSum] = {}
    for held, replies in _read(file):
        one = sums.setdefault(held.stage, StageSum(held.stage))
        path = root / held.stage / held.shard
        before = one.replies
        with journal_file.locked(path):
            added = _add(path, held.lease, one.count(replies))
        one.known += one.replies - before - added
    return list(sums.values())


def summarise(path: Path) -> list[StageSum]:
    """Return the contents of a packed file, a work folder or a folder of journals; all of it is read and checked.

    Raises:
        InputError: The path is none of these, or a damaged packed file.
        StorageError: A journal is damaged.
    """
    sums: dict[str, StageSum] = {}
    for stage, replies in _read_folder(journal_folder(path)) if path.is_dir() else _read_stages(path):
        for _ in sums.setdefault(stage, StageSum(stage)).count(replies):
            pass
    return list(sums.values())


def _target(workdir: Path) -> Path:
    """Return the folder of journals of a work folder, which may not exist yet."""
    try:
        return journal_folder(workdir)
    except InputError:
        return workdir / "journal"


def _add(path: Path, lease: Lease | None, replies: Iterable[_Reply]) -> int:
    """Add replies to a journal in one transaction; return how many were new."""
    if not path.exists():
        journal_file.create(path)
    with contextlib.closing(journal_file.connect(path, write=True)) as journal:
        ours = journal_file.read_lease(journal, path)
        with journal_file.reporting(path), journal:
            added = journal.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?)", replies).rowcount
            if lease and (ours is None or lease[1] > ours[1]):
                journal.execute("REPLACE INTO lease VALUES (1, ?, ?)", lease)
    return max(0, added)


def _read(file: Path) -> Iterator[tuple[Held, Iterator[_Reply]]]:
    """Yield the journals of a packed file in order, each with its replies, which must be read before the next one."""
    open_place(file)  # raises where it is no such file
    with refusing(), contextlib.closing(pack_file.connect(file)) as connection:
        groups = itertools.groupby(pack_file.read_replies(connection, file), key=lambda row: row[0])
        number, rows = next(groups, (0, iter(())))
        for held in pack_file.read_journals(connection, file):
            if number != held.number:
                yield held, iter(())
                continue
            yield held, _take(rows)
            number, rows = next(groups, (0, iter(())))
        if number:
            raise journal_file.damaged(file, "it has replies of no journal")


def _take(rows: Iterable[tuple[int, bytes, bytes]]) -> Iterator[_Reply]:
    with refusing():  # here again: what is raised while somebody takes replies does not pass through ``_read``
        for _, key, body in rows:
            yield key, body


def _read_stages(file: Path) -> Iterator[tuple[str, Iterator[_Reply]]]:
    for held, replies in _read(file):
        yield held.stage, replies


def _read_folder(root: Path) -> Iterator[tuple[str, Iterator[_Reply]]]:
    for stage in list_stages(root):
        for path in list_journals(root, stage):
            with contextlib.closing(journal_file.connect(path, write=False)) as journal:
                journal_file.read_lease(journal, path)
                yield stage, journal_file.read_replies(journal, path)
