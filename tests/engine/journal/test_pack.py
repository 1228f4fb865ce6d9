"""Journals in one file: what is packed comes out again, whatever is there, and nothing damaged is taken."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from audiomcq_cli.contracts import Call, Completion
from audiomcq_cli.engine.journal.journal import Entry, Journal, JournalWriter
from audiomcq_cli.engine.journal.pack import StageSum, pack, summarise, unpack
from audiomcq_cli.errors import InputError, JournalBusy, ReplayMiss, StorageError
from tests.cli import audiomcq, start
from tests.engine import Bench, Options, Puppet, answer_well, snapshot, texts_of

FIRST = "part-00000-of-00002.sqlite"
SECOND = "part-00001-of-00002.sqlite"


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def write(workdir: Path, replies: Mapping[int, str], stage: str = "small", shard: str = FIRST, runs: int = 1) -> Path:
    """Write replies into a journal of a work folder, in runs that failed before the last."""
    path = workdir / "journal" / stage / shard

    async def put(writer: JournalWriter) -> None:
        journal = writer.open(path)
        for done in range(-1, runs - 1):
            journal.lease("fingerprint", done if done >= 0 else None)
        for number, text in replies.items():
            journal.put(key(number), Entry(text=text, run=runs - 1))
        await writer.close_journal(journal)

    with JournalWriter() as writer:
        asyncio.run(put(writer))
    return path


def read(path: Path) -> dict[int, str]:
    """Texts of the replies of a journal by key."""
    journal = Journal.read_only(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        keys = [row[0] for row in connection.execute("SELECT key FROM replies")]
    found = {int.from_bytes(one, "big"): entry.text for one in keys if (entry := journal.get(one))}
    journal.close()
    return found


def leased(path: Path) -> tuple[str, int] | None:
    journal = Journal.read_only(path)
    lease = journal.leased()
    journal.close()
    return lease


# ------------------------------------------------------------------------------------------------------- there and back


def test_journals_come_out_as_they_went_in(tmp_path: Path) -> None:
    """Stages, shards, replies and leases are the same after packing and unpacking."""
    write(tmp_path / "a", {1: "one", 2: "two"}, runs=3)
    write(tmp_path / "a", {3: "three"}, shard=SECOND)
    write(tmp_path / "a", {}, stage="other")
    packed = pack(tmp_path / "a", tmp_path / "packed")
    assert [(one.stage, one.journals, one.replies) for one in packed] == [("other", 1, 0), ("small", 2, 3)]
    assert [one.replies for one in unpack(tmp_path / "packed", tmp_path / "b")] == [0, 3]
    for name in (f"small/{FIRST}", f"small/{SECOND}", f"other/{FIRST}"):
        before, after = (tmp_path / folder / "journal" / name for folder in "ab")
        assert (read(after), leased(after)) == (read(before), leased(before))
    assert leased(tmp_path / "b/journal/small" / FIRST) == ("fingerprint", 2)


def test_same_replies_give_the_same_bytes(tmp_path: Path) -> None:
    """It does not matter in which order or how often replies were written, nor where."""
    texts = {number: f"reply {number} " * (number % 50) for number in range(500)}
    for folder, order in (("a", list(texts)), ("b", random.Random(1).sample(list(texts), len(texts)))):
        for part in range(5):
            write(tmp_path / folder, {number: texts[number] for number in order[part * 100 : part * 100 + 100]})
        write(tmp_path / folder, texts, shard=SECOND)
        pack(tmp_path / folder, tmp_path / f"{folder}.packed")
    assert (tmp_path / "a.packed").read_bytes() == (tmp_path / "b.packed").read_bytes()
    unpack(tmp_path / "a.packed", tmp_path / "c")
    pack(tmp_path / "c", tmp_path / "c.packed")
    assert (tmp_path / "a.packed").read_bytes() == (tmp_path / "c.packed").read_bytes()


def test_some_stages_only(tmp_path: Path) -> None:
    """Stages can be chosen; one that is not there is named with those that are."""
    write(tmp_path, {1: "one"})
    write(tmp_path, {2: "two"}, stage="other")
    assert [one.stage for one in pack(tmp_path, tmp_path / "packed", ["other"])] == ["other"]
    assert [one.stage for one in summarise(tmp_path / "packed")] == ["other"]
    with pytest.raises(InputError, match="'nowhere'") as caught:
        pack(tmp_path, tmp_path / "more", ["nowhere"])
    assert "other, small" in caught.value.hint
    assert not (tmp_path / "more").exists()


def test_file_that_is_there_is_left_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    """Packing does not write over a file by itself."""
    write(tmp_path, {1: "one"})
    (tmp_path / "packed").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        pack(tmp_path, tmp_path / "packed")
    assert (tmp_path / "packed").read_text() == "mine"
    pack(tmp_path, tmp_path / "packed", replace=True)
    assert summarise(tmp_path / "packed")[0].replies == 1


def test_folder_of_journals_is_as_good_as_its_workdir(tmp_path: Path) -> None:
    """Whoever names build/journal means the same as with build; other folders are refused."""
    write(tmp_path / "build", {1: "one"})
    pack(tmp_path / "build/journal", tmp_path / "packed")
    (tmp_path / "build/journal/small" / FIRST).unlink()
    write(tmp_path / "build", {}, shard=SECOND)
    unpack(tmp_path / "packed", tmp_path / "build/journal")
    assert read(tmp_path / "build/journal/small" / FIRST) == {1: "one"}
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match=path.name):
            pack(path, tmp_path / "other")


def test_nothing_is_left_of_a_pack_that_failed(tmp_path: Path) -> None:
    """A file is there whole or not at all, and one that was there stays."""
    write(tmp_path, {1: "one"})
    write(tmp_path, {2: "two"}, shard=SECOND).write_bytes(b"noise" * 1000)
    (tmp_path / "packed").write_text("mine")
    with pytest.raises(StorageError, match=SECOND):
        pack(tmp_path, tmp_path / "packed", replace=True)
    assert (tmp_path / "packed").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal", "packed"]


# -------------------------------------------------------------------------------------------------------- what is there


def test_reply_that_is_there_stays(tmp_path: Path) -> None:
    """To a journal that is there what it lacks is added, nothing else; the sums say so."""
    write(tmp_path / "a", {1: "theirs", 2: "theirs"})
    pack(tmp_path / "a", tmp_path / "packed")
    path = write(tmp_path / "b", {1: "ours", 3: "ours"})
    [one] = unpack(tmp_path / "packed", tmp_path / "b")
    assert (one.replies, one.known) == (2, 1)
    assert read(path) == {1: "ours", 2: "theirs", 3: "ours"}
    assert [one.known for one in unpack(tmp_path / "packed", tmp_path / "b")] == [2]


@pytest.mark.parametrize(("ours", "theirs"), [(1, 3), (3, 1)])
def test_lease_of_the_later_run_counts(tmp_path: Path, ours: int, theirs: int) -> None:
    """A journal and an earlier copy of it make the journal, in either order."""
    write(tmp_path / "a", {1: "x"}, runs=theirs)
    pack(tmp_path / "a", tmp_path / "packed")
    path = write(tmp_path / "b", {1: "x"}, runs=ours)
    unpack(tmp_path / "packed", tmp_path / "b")
    assert leased(path) == ("fingerprint", 2)


def test_unpacking_that_was_ended_is_finished_by_the_same_command(tmp_path: Path) -> None:
    """SIGTERM amid unpacking leaves whole journals; the same command, given again, brings the rest."""
    replies = {number: f"{number} " * 40 for number in range(4_000)}
    for stage in "abcdef":
        write(tmp_path / "there", replies, stage=stage)
    pack(tmp_path / "there", tmp_path / "packed")
    command = ("journal", "unpack", "packed", "here")
    process = start(*command, folder=tmp_path)
    while not list((tmp_path / "here/journal").glob("*/*.sqlite")) and process.poll() is None:
        time.sleep(0.002)
    process.terminate()
    process.communicate(timeout=60)
    held = sum(one.replies for one in summarise(tmp_path / "here"))
    ended = audiomcq(*command, "--json", folder=tmp_path)
    assert ended.code == 0, ended.err
    stages = ended.json["journal"]["stages"]
    assert sum(one["known"] for one in stages) == held
    assert sum(one["replies"] for one in stages) == 6 * len(replies)
    assert read(tmp_path / "here/journal/f" / FIRST) == replies


def test_journal_that_is_being_written_is_refused(tmp_path: Path) -> None:
    """While a run has a journal open it is neither packed nor added to; afterwards it is."""
    path = write(tmp_path, {1: "one"})
    pack(tmp_path, tmp_path / "packed")
    with JournalWriter() as writer:
        writer.open(path)
        with pytest.raises(JournalBusy, match=FIRST):
            pack(tmp_path, tmp_path / "second")
        with pytest.raises(JournalBusy, match=FIRST):
            unpack(tmp_path / "packed", tmp_path)
    assert not (tmp_path / "second").exists()
    pack(tmp_path, tmp_path / "second")


# ------------------------------------------------------------------------------------------------------------- damage


def change(path: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def use_packed(file: Path, workdir: Path | None) -> list[StageSum]:
    """Unpack a file, or see what is in it."""
    return unpack(file, workdir) if workdir else summarise(file)


@pytest.mark.parametrize("column", ["stage", "shard"])
@pytest.mark.parametrize("name", ["../../away", "/away", "", "a/b", ".", "x\0"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, column: str, name: str) -> None:
    """A packed file of a stranger cannot write anywhere but into journals."""
    write(tmp_path / "a", {1: "one"})
    pack(tmp_path / "a", tmp_path / "packed")
    change(tmp_path / "packed", f"UPDATE journals SET {column} = ?", name)
    with pytest.raises(InputError, match="no name of a journal"):
        unpack(tmp_path / "packed", tmp_path / "b/c/d")
    assert not list((tmp_path / "b").rglob("*.sqlite"))


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("UPDATE replies SET body = ?", (b"x" * 40,)),
        ("UPDATE replies SET key = ?", (b"x" * 32,)),
        ("UPDATE replies SET key = 'text'", ()),
        ("UPDATE replies SET body = body || x'00'", ()),
        ("UPDATE replies SET journal = 9", ()),
        ("UPDATE journals SET run = 'x'", ()),
        ("UPDATE journals SET run = -5", ()),
        ("PRAGMA user_version = 2", ()),
        ("DROP TABLE journals", ()),
    ],
)
def test_content_that_does_not_fit_is_refused(tmp_path: Path, statement: str, values: tuple[object, ...]) -> None:
    """A packed file that was tampered with is named, and nothing of the journal in question is written."""
    write(tmp_path / "a", {1: "one"})
    pack(tmp_path / "a", tmp_path / "packed")
    change(tmp_path / "packed", statement, *values)
    for place in (tmp_path / "b", None):
        with pytest.raises(InputError, match="packed") as caught:
            use_packed(tmp_path / "packed", place)
        assert caught.value.hint
    for path in (tmp_path / "b").rglob("*.sqlite"):
        assert read(path) == {}


@pytest.mark.parametrize("content", [b"", b"text", b"SQLite format 3\0" + bytes(200)])
def test_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever is no packed journal is named as such."""
    (tmp_path / "file").write_bytes(content)
    for place in (tmp_path / "b", None):
        with pytest.raises(InputError, match="file: not a packed journal"):
            use_packed(tmp_path / "file", place)
    with pytest.raises(InputError, match="none: no such"):
        unpack(tmp_path / "none", tmp_path / "b")


def test_packed_file_cut_short_is_refused(tmp_path: Path) -> None:
    """Half a download is not half a journal."""
    write(tmp_path / "a", {number: "text " * 50 + str(number) for number in range(200)})
    pack(tmp_path / "a", tmp_path / "packed")
    whole = (tmp_path / "packed").read_bytes()
    for part in (100, 4096, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        (tmp_path / "packed").write_bytes(whole[:part])
        with pytest.raises(InputError, match="packed"):
            unpack(tmp_path / "packed", tmp_path / "b")


def test_sums_of_a_workdir(tmp_path: Path) -> None:
    """What is there is counted without a file being packed, and damage is found."""
    write(tmp_path, {1: "one", 2: "two"})
    path = write(tmp_path, {3: "three"}, shard=SECOND)
    [one] = summarise(tmp_path)
    assert (one, one.bytes > 0) == (StageSum("small", 2, 3, one.bytes), True)
    change(path, "UPDATE replies SET body = ?", b"x" * 40)
    with pytest.raises(StorageError, match=SECOND):
        summarise(tmp_path)


# ---------------------------------------------------------------------------------------------------- runs that go on


def build(bench: Bench, shards: int = 2) -> None:
    """Run a small stage twice.

    Of two rows all replies are of no use; of two more those of the first run, and the first of the second; of others
    the first.
    """
    bench.write_input(texts_of(12), shards)
    useless = {0: 6, 1: 6, 2: 4, 3: 4, 4: 1, 5: 2}
    asked: Counter[str] = Counter()

    async def answer(call: Call) -> Completion:
        text = call.messages[1].text
        asked[text] += 1
        if asked[text] <= useless.get(int(text.split("clip ")[1].partition("<")[0]), 0):
            return Completion(text=f"no JSON, {asked[text]}")
        return await answer_well(call)

    bench.puppet = Puppet(answer)
    assert bench.run().items["failed"] == 4
    assert bench.run().items["failed"] == 2


async def refuse(call: Call) -> Completion:
    raise AssertionError("nothing is to be asked")


def elsewhere(bench: Bench, shards: int = 2) -> Bench:
    """The same input in another folder, where nobody answers."""
    other = Bench(bench.folder / "elsewhere", puppet=Puppet(refuse))
    other.write_input(texts_of(12), shards)
    return other


def test_version_is_rebuilt_from_a_packed_file(tmp_path: Path) -> None:
    """Unpacked elsewhere, a journal gives the same shards, rejects and manifest, rows that failed among them."""
    bench = Bench(tmp_path)
    build(bench)
    pack(bench.folder / "work", tmp_path / "packed")
    other = elsewhere(bench)
    unpack(tmp_path / "packed", other.folder / "work")
    report = other.run(replay=True)
    assert (report.items["kept"], report.items["failed"]) == (10, 2)
    assert snapshot(other.target) == snapshot(bench.target)


@pytest.mark.parametrize("kind", ["packed", "workdir", "journal"])
def test_replay_reads_what_is_reused_and_writes_nothing(tmp_path: Path, kind: str) -> None:
    """With --replay a packed file, a workdir or its journal folder is enough; no journal is made."""
    bench = Bench(tmp_path)
    build(bench)
    pack(bench.folder / "work", tmp_path / "packed")
    path = {"packed": tmp_path / "packed", "workdir": tmp_path / "work", "journal": tmp_path / "work/journal"}[kind]
    other = elsewhere(bench)
    other.run(replay=True, reuse=(path,))
    assert snapshot(other.target) == snapshot(bench.target)
    assert not (other.folder / "work").exists()


@pytest.mark.parametrize("kind", ["packed", "workdir"])
@pytest.mark.parametrize(("before", "now"), [(1, 3), (3, 1), (2, 3)])
def test_another_number_of_shards_does_not_matter(tmp_path: Path, kind: str, before: int, now: int) -> None:
    """Replies are found in whatever shard of the stage they are, and what failed there is what it was there."""
    bench = Bench(tmp_path)
    build(bench, before)
    pack(bench.folder / "work", tmp_path / "packed")
    other = elsewhere(bench, now)
    reuse = (tmp_path / "packed" if kind == "packed" else tmp_path / "work",)
    assert other.run(replay=True, reuse=reuse).items["failed"] == 2

    def by_id(rows: list[dict[str, object]], name: str) -> list[dict[str, object]]:
        return sorted(rows, key=lambda row: str(row[name]))

    assert by_id(other.kept(), "clip_id") == by_id(bench.kept(), "clip_id")
    assert by_id(other.rejects(), "id") == by_id(bench.rejects(), "id")


@pytest.mark.parametrize("kind", ["packed", "workdir"])
def test_run_copies_what_it_reuses_and_asks_for_what_failed(tmp_path: Path, kind: str) -> None:
    """Replies of elsewhere cost nothing and are kept here; what failed there is asked again, with the next try."""
    bench = Bench(tmp_path)
    build(bench)
    pack(bench.folder / "work", tmp_path / "packed")
    other = elsewhere(bench)
    other.puppet = Puppet(answer_well)
    reuse = (tmp_path / "packed" if kind == "packed" else tmp_path / "work",)
    assert other.run(reuse=reuse).calls == {"writer": 2}
    before = snapshot(other.target)
    other.puppet = Puppet(refuse)
    other.run(replay=True)  # from the own journal alone
    assert snapshot(other.target) == before
    kept = {row["clip_id"]: row for row in other.kept()}
    assert len(kept) == 12
    assert all(kept[row["clip_id"]] == row for row in bench.kept())


def test_reply_here_goes_before_one_elsewhere(tmp_path: Path) -> None:
    """What the own journal holds is not looked for anywhere, and of several places the first counts."""
    first = write(tmp_path / "a", {1: "a", 2: "a", 3: "a"})
    write(tmp_path / "b", {2: "b", 3: "b"})
    write(tmp_path / "c", {3: "c"})
    with JournalWriter() as writer:
        path = tmp_path / "c/journal/small" / first.name
        journal = writer.open(path, (tmp_path / "b", tmp_path / "a"))
        assert [entry and entry.text for entry in map(journal.get, map(key, range(5)))] == [None, "a", "b", "c", None]
    assert read(path) == {1: "a", 2: "b", 3: "c"}


def test_another_stage_is_not_looked_into(tmp_path: Path) -> None:
    """A reply counts for the stage that asked for it."""
    write(tmp_path / "a", {1: "one"}, stage="other")
    pack(tmp_path / "a", tmp_path / "packed")
    with JournalWriter() as writer:
        journal = writer.open(tmp_path / "b/journal/small" / FIRST, (tmp_path / "packed", tmp_path / "a"))
        assert journal.get(key(1)) is None


def test_replay_misses_what_no_place_has(tmp_path: Path) -> None:
    """A reply that is nowhere is an error in a replay, with --reuse as without."""
    bench = Bench(tmp_path)
    build(bench)
    other = elsewhere(bench)
    with pytest.raises(ReplayMiss):
        other.run(replay=True, reuse=(tmp_path / "work",), options=Options(flavour="!"))


def test_own_workdir_can_be_named(tmp_path: Path) -> None:
    """Naming the own workdir changes nothing."""
    bench = Bench(tmp_path)
    build(bench)
    before = snapshot(bench.target)
    bench.run(reuse=(tmp_path / "work",), replay=True)
    assert snapshot(bench.target) == before


def test_place_that_is_damaged_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    """A journal that is reused and cannot be read is bad input, with its name."""
    bench = Bench(tmp_path)
    build(bench)
    pack(bench.folder / "work", tmp_path / "packed")
    (tmp_path / "packed").write_bytes((tmp_path / "packed").read_bytes()[:-4096])
    path = tmp_path / "work/journal/small" / FIRST
    path.write_bytes(path.read_bytes()[:-100])
    other = elsewhere(bench)
    for place, named in ((tmp_path / "packed", "packed"), (tmp_path / "work", FIRST)):
        with pytest.raises(InputError, match=named):
            other.run(reuse=(place,))


def test_reply_elsewhere_that_is_damaged_is_named(tmp_path: Path) -> None:
    """A body that cannot be read ends the run, whoever asked for it."""
    path = write(tmp_path / "a", {1: "one"})
    pack(tmp_path / "a", tmp_path / "packed")
    for file in (path, tmp_path / "packed"):
        change(file, "UPDATE replies SET body = ?", b"x" * 40)
        place = tmp_path / "a" if file == path else file
        with JournalWriter() as writer:
            journal = writer.open(tmp_path / "b/journal/small" / FIRST, (place,))
            with pytest.raises(StorageError, match=file.name):
                journal.get(key(1))
