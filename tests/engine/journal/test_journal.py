"""The journal: what was committed is there, one writer, and which run it is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.engine.journal.journal import Entry, Journal, JournalWriter
from audiomcq_cli.errors import JournalBusy, StorageError

ROOT = Path(__file__).parents[3]
KEY = b"k" * 32

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ENTRIES = st.builds(
    Entry,
    text=TEXTS,
    value=st.none() | st.dictionaries(TEXTS, st.integers(-(2**53), 2**53) | TEXTS | st.booleans()),
    error=TEXTS,
    detail=TEXTS,
    final=st.booleans(),
    prompt_tokens=st.integers(0, 2**53),
    completion_tokens=st.integers(0, 2**53),
)

HOLD = """
import sys
from pathlib import Path
from audiomcq_cli.engine.journal.journal import JournalWriter
writer = JournalWriter()
writer.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""

WRITE = """
import asyncio, sys
from pathlib import Path
from audiomcq_cli.engine.journal.journal import Entry, JournalWriter

async def main():
    journal = JournalWriter().open(Path(sys.argv[1]))
    number = 0
    while True:
        for _ in range(20):
            journal.put(number.to_bytes(32, "big"), Entry(text=f"reply {number} " + "x" * 500))
            number += 1
        await journal.flush()
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def writer() -> Iterator[JournalWriter]:
    with JournalWriter() as writer:
        yield writer


@contextlib.contextmanager
def other_process(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def count_committed(path: Path) -> int:
    """Replies that another reader of the file sees."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM replies").fetchone()[0]
    return count


@settings(max_examples=10)
@given(entries=st.lists(ENTRIES, max_size=20))
def test_entries_survive_reopening(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    """What is put into a journal comes out of it after it was closed and opened again, whatever it holds."""
    path = tmp_path_factory.mktemp("journal") / "j.sqlite"

    async def put(writer: JournalWriter) -> None:
        journal = writer.open(path)
        for number, entry in enumerate(entries):
            journal.put(number.to_bytes(32, "big"), entry)
        await writer.close_journal(journal)

    with JournalWriter() as writer:
        asyncio.run(put(writer))
    journal = Journal.read_only(path)
    assert [journal.get(number.to_bytes(32, "big")) for number in range(len(entries))] == entries
    journal.close()


def test_get_sees_what_was_put_before_it_is_committed(tmp_path: Path, writer: JournalWriter) -> None:
    """A reply can be looked up at once, and an unknown key is None."""
    journal = writer.open(tmp_path / "j.sqlite")
    journal.put(KEY, Entry(text="hello"))
    assert journal.get(KEY) == Entry(text="hello")
    assert journal.get(b"x" * 32) is None
    asyncio.run(writer.close_journal(journal))


def test_flush_returns_after_the_commit(tmp_path: Path, writer: JournalWriter) -> None:
    """When flush returns, another reader of the file sees everything put before."""
    path = tmp_path / "j.sqlite"

    async def put() -> int:
        journal = writer.open(path)
        for number in range(100):
            journal.put(number.to_bytes(32, "big"), Entry(text="x"))
        await journal.flush()
        seen = count_committed(path)
        await writer.close_journal(journal)
        return seen

    assert asyncio.run(put()) == 100


def test_replies_of_several_journals_go_to_their_own_files(tmp_path: Path, writer: JournalWriter) -> None:
    """One writer serves several open journals without mixing them."""

    async def put() -> None:
        journals = [writer.open(tmp_path / f"{number}.sqlite") for number in range(3)]
        for turn in range(30):
            journals[turn % 3].put(turn.to_bytes(32, "big"), Entry(text=str(turn)))
        for journal in journals:
            await writer.close_journal(journal)

    asyncio.run(put())
    assert [count_committed(tmp_path / f"{number}.sqlite") for number in range(3)] == [10, 10, 10]


def test_writer_commits_what_is_left_when_it_is_closed(tmp_path: Path) -> None:
    """Ending the writer without closing its journals loses nothing and lets others write them."""
    path = tmp_path / "j.sqlite"
    with JournalWriter() as writer:
        writer.open(path).put(KEY, Entry(text="late"))
    assert count_committed(path) == 1
    with JournalWriter() as writer:
        assert writer.open(path).get(KEY) == Entry(text="late")


def test_second_process_is_refused(tmp_path: Path, writer: JournalWriter) -> None:
    """While another process writes a journal it cannot be opened for writing; afterwards it can."""
    path = tmp_path / "j.sqlite"
    with other_process(HOLD, path) as process:
        assert process.stdout and process.stdout.readline() == "open\n"
        with pytest.raises(JournalBusy) as caught:
            writer.open(path)
        assert caught.value.retryable and caught.value.hint
        process.kill()
        process.wait()
    asyncio.run(writer.close_journal(writer.open(path)))


def test_second_writer_of_the_same_process_is_refused(tmp_path: Path, writer: JournalWriter) -> None:
    """Two runs in one process do not write one journal either."""
    journal = writer.open(tmp_path / "j.sqlite")
    with JournalWriter() as other, pytest.raises(JournalBusy):
        other.open(tmp_path / "j.sqlite")
    asyncio.run(writer.close_journal(journal))


def test_journal_can_be_read_while_it_is_written(tmp_path: Path, writer: JournalWriter) -> None:
    """The lock keeps writers out, not readers."""

    async def put() -> Entry | None:
        journal = writer.open(tmp_path / "j.sqlite")
        journal.put(KEY, Entry(text="x"))
        await journal.flush()
        reading = Journal.read_only(tmp_path / "j.sqlite")
        found = reading.get(KEY)
        reading.close()
        await writer.close_journal(journal)
        return found

    assert asyncio.run(put()) == Entry(text="x")


def test_killed_process_loses_nothing_that_flush_returned_for(tmp_path: Path, writer: JournalWriter) -> None:
    """After SIGKILL in the middle of writing, every reply that flush had returned for is there and whole."""
    path = tmp_path / "j.sqlite"
    with other_process(WRITE, path) as process:
        assert process.stdout
        flushed = [int(process.stdout.readline()) for _ in range(5)][-1]
        os.kill(process.pid, signal.SIGKILL)
        flushed = max([flushed, *(int(line) for line in process.stdout if line.endswith("\n"))])
        assert process.wait() == -signal.SIGKILL
    journal = writer.open(path)
    for number in range(flushed):
        entry = journal.get(number.to_bytes(32, "big"))
        assert entry is not None and entry.text.startswith(f"reply {number} ")
    asyncio.run(writer.close_journal(journal))


def test_reading_a_journal_that_is_not_there(tmp_path: Path) -> None:
    """A journal that is not there is empty, stays so and is not made."""
    path = tmp_path / "j.sqlite"
    journal = Journal.read_only(path)
    assert journal.get(KEY) is None
    assert journal.leased() is None
    journal.put(KEY, Entry(text="not kept"))
    assert journal.get(KEY) is None
    asyncio.run(journal.flush())
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_put_does_not_write_a_journal_open_for_reading(tmp_path: Path, writer: JournalWriter) -> None:
    """What a rehearsal puts into a journal leaves no trace."""
    path = tmp_path / "j.sqlite"
    asyncio.run(writer.close_journal(writer.open(path)))
    before = path.read_bytes()
    journal = Journal.read_only(path)
    journal.put(KEY, Entry(text="x"))
    asyncio.run(journal.flush())
    journal.close()
    assert path.read_bytes() == before


def test_file_that_is_no_journal_is_refused(tmp_path: Path, writer: JournalWriter) -> None:
    """Both ways of opening name the file, and the lock is given back."""
    path = tmp_path / "j.sqlite"
    path.write_text("not a database, and longer than the header of one " * 20)
    for _ in range(2):
        with pytest.raises(StorageError, match=r"j\.sqlite") as caught:
            writer.open(path)
        assert not isinstance(caught.value, JournalBusy)
    with pytest.raises(StorageError, match=r"j\.sqlite"):
        Journal.read_only(path)


def write_many(path: Path) -> dict[bytes, Entry]:
    """Fill a journal of some pages."""
    entries = {
        hashlib.sha256(bytes([n])).digest(): Entry(text=f"reply {n} " + "word " * n, run=n % 2) for n in range(150)
    }

    async def put(writer: JournalWriter) -> None:
        journal = writer.open(path)
        journal.lease("f" * 64, None)
        for key, entry in entries.items():
            journal.put(key, entry)
        await writer.close_journal(journal)

    with JournalWriter() as writer:
        asyncio.run(put(writer))
    return entries


def find_damage(path: Path, entries: dict[bytes, Entry]) -> list[str]:
    """What reading says of a file, opened either way; nothing only where every reply and the lease are right."""

    def read(journal: Journal) -> None:
        assert {key: journal.get(key) for key in entries} == entries
        assert journal.leased() == ("f" * 64, 0)

    said = []
    with JournalWriter() as writer:
        for opened in (Journal.read_only, writer.open):
            before = path.read_bytes()
            try:
                read(opened(path))
            except StorageError as error:
                assert not isinstance(error, JournalBusy)
                assert path.name in str(error)
                assert "move it away" in error.hint
                said.append(str(error))
            assert path.read_bytes() == before
    assert len(said) in (0, 2)
    return said


def test_journal_cut_short_is_named(tmp_path: Path) -> None:
    """However much is left of a journal, nothing of it is taken for the whole, and the file is left as it is."""
    path = tmp_path / "j.sqlite"
    entries = write_many(path)
    assert not find_damage(path, entries)
    whole = path.read_bytes()
    assert len(whole) >= 6 * 4096
    for length in (
        0,
        1,
        15,
        16,
        50,
        99,
        100,
        512,
        4000,
        4096,
        4097,
        8192,
        len(whole) // 2,
        len(whole) - 4096,
        len(whole) - 1,
    ):
        path.write_bytes(whole[:length])
        assert find_damage(path, entries), length


def test_journal_with_noise_in_it_is_named(tmp_path: Path) -> None:
    """Noise anywhere either hits what no reply is made of or is found: no reply is wrong or missing in silence."""
    path = tmp_path / "j.sqlite"
    entries = write_many(path)
    whole = path.read_bytes()
    chance = random.Random(7)
    found = 0
    places = [*range(0, len(whole), 4096), *(chance.randrange(len(whole)) for _ in range(60))]
    for place in places:
        length = chance.choice((16, 64, 1000, 6000))
        path.write_bytes((whole[:place] + chance.randbytes(length) + whole[place + length :])[: len(whole)])
        found += bool(find_damage(path, entries))
    assert found > len(places) / 2
    path.write_bytes(chance.randbytes(len(whole)))
    assert find_damage(path, entries)


@pytest.mark.parametrize(
    "body",
    [b"", b"x" * 100, zlib.compress(b"no JSON"), zlib.compress(b"[1]"), zlib.compress(b'{"what": 1}'), "text", None],
)
def test_body_that_cannot_be_read_is_named(tmp_path: Path, body: object) -> None:
    """A reply that is no compressed JSON of a try ends in an error with the file's name."""
    path = tmp_path / "j.sqlite"
    entries = write_many(path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        value = body if body is not None else zlib.compress(b'{"text": "cut')[:-2]
        connection.execute("UPDATE replies SET body = ? WHERE key = ?", (value, min(entries)))
    assert find_damage(path, entries)


def test_body_without_checksum_is_read(tmp_path: Path) -> None:
    """A journal from before replies had checksums is as good as any."""
    path = tmp_path / "j.sqlite"
    entries = write_many(path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        rows = connection.execute("SELECT key, body FROM replies").fetchall()
        connection.executemany("REPLACE INTO replies VALUES (?, ?)", [(key, body[:-4]) for key, body in rows])
    assert not find_damage(path, entries)


def test_commit_cut_short_by_a_kill_is_taken_back(tmp_path: Path, writer: JournalWriter) -> None:
    """A commit that a kill interrupted does not keep a replay from reading what was there before it."""
    path, copy = tmp_path / "j.sqlite", tmp_path / "copy.sqlite"
    entries = write_many(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE replies SET body = zeroblob(3000)")  # more than the cache: pages are written already
        shutil.copy(path, copy)
        shutil.copy(f"{path}-journal", f"{copy}-journal")
        connection.execute("ROLLBACK")
    assert copy.read_bytes() != path.read_bytes()
    journal = Journal.read_only(copy)
    assert {key: journal.get(key) for key in entries} == entries
    journal.close()


def test_database_of_another_kind_is_left_alone(tmp_path: Path, writer: JournalWriter) -> None:
    """A SQLite file that is no journal is not made one."""
    path = tmp_path / "j.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE mine (x)")
    before = path.read_bytes()
    for use in (writer.open, Journal.read_only):
        with pytest.raises(StorageError, match="this program does not make so"):
            use(path)
    assert path.read_bytes() == before


def test_flush_says_that_replies_cannot_be_stored(tmp_path: Path, writer: JournalWriter) -> None:
    """A commit that fails is raised where it is waited for, and nothing more is taken."""
    path = tmp_path / "j.sqlite"

    async def put() -> None:
        journal = writer.open(path)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DROP TABLE replies")
        journal.put(KEY, Entry(text="x"))
        with pytest.raises(StorageError, match="cannot be stored"):
            await journal.flush()
        with pytest.raises(StorageError, match="cannot be stored"):
            journal.put(KEY, Entry(text="x"))
        with pytest.raises(StorageError, match="cannot be stored"):
            await writer.close_journal(journal)

    asyncio.run(put())
    path.unlink()
    with JournalWriter() as other:  # and the lock was given back all the same
        asyncio.run(other.close_journal(other.open(path)))


# ---------------------------------------------------------------------------------------------------------- runs


def lease(path: Path, fingerprint: str, done_run: int | None = None) -> int:
    """One run of a shard, as far as its number goes."""

    async def open_and_lease(writer: JournalWriter) -> int:
        journal = writer.open(path)
        run = journal.lease(fingerprint, done_run)
        await writer.close_journal(journal)
        return run

    with JournalWriter() as writer:
        return asyncio.run(open_and_lease(writer))


def test_first_run_has_number_zero(tmp_path: Path) -> None:
    """A shard begins with run 0, and the journal remembers for whom."""
    assert lease(tmp_path / "j.sqlite", "a") == 0
    journal = Journal.read_only(tmp_path / "j.sqlite")
    assert journal.leased() == ("a", 0)
    journal.close()


def test_run_cut_short_goes_on_under_its_number(tmp_path: Path) -> None:
    """A run that was interrupted, however often, keeps its number."""
    assert [lease(tmp_path / "j.sqlite", "a") for _ in range(3)] == [0, 0, 0]


def test_run_after_failed_rows_takes_the_next_number(tmp_path: Path) -> None:
    """Every run that ended with failed rows is followed by another; one cut short goes on as it was."""
    path = tmp_path / "j.sqlite"
    runs = [lease(path, "a"), lease(path, "a", 0), lease(path, "a", 0), lease(path, "a", 1)]
    assert runs == [0, 1, 1, 2]


def test_run_with_another_fingerprint_takes_the_next_number(tmp_path: Path) -> None:
    """What failed under other options is asked again, and going back to them as well."""
    path = tmp_path / "j.sqlite"
    assert [lease(path, "a"), lease(path, "b"), lease(path, "b"), lease(path, "a")] == [0, 1, 1, 2]
