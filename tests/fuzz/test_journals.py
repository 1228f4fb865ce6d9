"""Packed journals of others: any schema, any types, any bytes."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.engine.journal import pack_file
from audiomcq_cli.engine.journal.file import seal
from audiomcq_cli.engine.journal.pack import summarise, unpack
from audiomcq_cli.engine.journal.reuse import Elsewhere
from audiomcq_cli.errors import AudiomcqError, InputError
from tests.fuzz import fuzzed

KEY = bytes(range(32))
SHARD = "part-00000-of-00001.sqlite"

_VALUE = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=9), st.binary(max_size=40),
    st.sampled_from([KEY, seal(KEY, b"{}"), 1, "filter", SHARD]),
)  # fmt: skip


def packed(path: Path, statements: Any = ()) -> Path:
    """A packed journal of one reply, changed by statements."""
    with pack_file.writing(path) as writer:
        writer.add("filter", SHARD, ("f", 1), [(KEY, seal(KEY, b'{"text": "A"}'))])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement, values in statements:
            with contextlib.suppress(sqlite3.Error):  # a value that the table itself refuses
                connection.execute(statement, values)
    return path


def use(path: Path, folder: Path) -> None:
    """All that the program does with such a file."""
    summarise(path)
    unpack(path, folder / "work")
    elsewhere = Elsewhere()
    try:
        for place in elsewhere.places(folder / "own" / "filter" / SHARD, [path]):
            place.find(folder / "own" / "filter" / SHARD, KEY)
            place.lease(folder / "own" / "filter" / SHARD)
    finally:
        elsewhere.close()


@fuzzed
@given(
    st.sampled_from(["stage", "shard", "fingerprint", "run", "id"]), _VALUE,
    st.sampled_from(["journal", "key", "body"]), _VALUE,
)  # fmt: skip
def test_values_of_other_types(column: str, value: Any, other: str, second: Any) -> None:
    """A value that is not what the column holds is refused, or does not matter."""
    with tempfile.TemporaryDirectory() as name:
        changes = [(f"UPDATE journals SET {column} = ?", (value,)), (f"UPDATE replies SET {other} = ?", (second,))]
        path = packed(Path(name, "packed"), changes)
        with contextlib.suppress(AudiomcqError):
            use(path, Path(name))
        assert {found.name for found in Path(name).iterdir()} <= {"packed", "work"}


@fuzzed
@given(st.integers(0, 20_000), st.binary(min_size=1, max_size=30))
def test_bytes_that_are_others(place: int, noise: bytes) -> None:
    """A file whose bytes were changed anywhere is refused, or read as it was."""
    with tempfile.TemporaryDirectory() as name:
        path = packed(Path(name, "packed"))
        data = bytearray(path.read_bytes())
        start = place % len(data)
        data[start : start + len(noise)] = noise
        path.write_bytes(data)
        with contextlib.suppress(AudiomcqError):
            use(path, Path(name))


_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT 1 AS journal, x'00' AS key, x AS body FROM n"  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TABLE replies", f"CREATE VIEW replies AS {_ENDLESS}"],
        ["CREATE TRIGGER t AFTER INSERT ON journals BEGIN DELETE FROM replies; END"],
        ["DROP TABLE journals", f"CREATE VIEW journals AS {_ENDLESS}"],
        ["CREATE TABLE more (x)"],
        ["ALTER TABLE replies ADD COLUMN more AS (zeroblob(1000000000))"],
        ["DROP TABLE replies", "CREATE VIRTUAL TABLE replies USING fts5(journal, key, body)"],
    ],
    ids=["view", "trigger", "view of journals", "table", "generated", "virtual"],
)
def test_schema_of_another(statements: list[str], tmp_path: Path) -> None:
    """A file that holds anything but our two tables is refused before a row of it is read."""
    path = packed(tmp_path / "packed", [(one, ()) for one in statements])
    with pytest.raises(InputError, match=r"does not make so|lacks the table|not a usable journal"):
        use(path, tmp_path)
    assert not (tmp_path / "work").exists()
