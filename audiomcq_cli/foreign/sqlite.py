"""Reads SQLite files that anybody may have written: a file is ours only if its schema is ours, word for word.

A view named like a table can run for ever, a trigger can write what nobody asked for, and a virtual table or a
generated column computes what it likes. None of them can be there where every statement of the schema is known. What
is then left to a stranger are values, whose types and lengths the readers check.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audiomcq_cli.errors import InputError

LARGEST_VALUE = 256 * 2**20
"""Bytes of a text or blob; SQLite's own limit is a thousand million."""

_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the limit. Python takes note of signals there as well."""

_LEAST_STEPS = 50_000_000


def guard(connection: sqlite3.Connection, schema: str) -> str:
    """Make a connection safe to read from, and see that the file has the tables of ``schema`` and nothing else.

    Args:
        connection: Just opened. schema: The statements that make the file, each ended by a semicolon; any that make
            neither a table nor an index are passed over.

    Returns:
        What is wrong with the schema of the file; empty where it is as it should be.
    """
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    known = {_normalise(one) for one in schema.split(";") if _normalise(one).startswith("create ")}
    found = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT ?", (len(known) + 100,))
    seen = set()
    for kind, name, sql in found:
        if sql is None and kind == "index" and str(name).startswith("sqlite_autoindex_"):
            continue
        if not isinstance(sql, str) or _normalise(sql) not in known:
            return f"it holds a {kind} {name!r:.60}, which this program does not make so"
        seen.add(_normalise(sql))
    for sql in sorted(known - seen):
        if not sql.startswith("create index"):  # a missing one makes lookups slow, and nothing wrong
            return f"it lacks the table {sql.split()[2]!r}"
    return ""


@contextmanager
def limited(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Let queries take so many steps as reading all of a file can take, and no more.

    Raises:
        InputError: More were taken.
    """
    most = (_LEAST_STEPS + 16 * path.stat().st_size) // _STEPS
    taken = 0

    def count() -> bool:
        nonlocal taken
        taken += 1
        return taken > most

    connection.set_progress_handler(count, _STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if taken > most:
            raise InputError("takes longer to read than its size can explain", file=str(path)) from error
        raise
    finally:
        with suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
            connection.set_progress_handler(None, 0)


def _normalise(sql: str) -> str:
    """A statement as one line: lower case, single blanks, none beside brackets and commas."""
    words = " ".join(sql.lower().split()).replace("if not exists ", "")
    for sign in "(),":
        words = words.replace(f" {sign}", sign).replace(f"{sign} ", sign)
    return words
