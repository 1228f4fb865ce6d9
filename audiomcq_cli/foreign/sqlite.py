"""Reads SQLite files from untrusted authors: a file is accepted only if its schema is ours, word for word.

A view named like a table can run for ever, a trigger can write unexpectedly, and a virtual table or a generated column
can compute anything. None of them can exist if every statement of the schema is known. Only values are left to the
author; the readers check their types and lengths.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audiomcq_cli.errors import InputError

LARGEST_VALUE = 256 * 2**20
"""Most bytes of a text or blob; SQLite's own limit is a thousand million."""

_STEPS = 10_000
"""Steps of SQLite's machine between two checks of the limit. Python also handles signals then."""

_LEAST_STEPS = 50_000_000


def guard(connection: sqlite3.Connection, schema: str) -> str:
    """Make a connection safe to read from, and check that the file has exactly the tables of ``schema``.

    Args:
        connection: A new connection.
        schema: Statements that create the file, each ended by a semicolon. Statements that create neither a table nor
            an index are ignored.

    Returns:
        A description of what is wrong with the schema of the file; empty if nothing is.
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
        if not sql.startswith("create index"):  # without an index lookups are slow, but correct
            return f"it lacks the table {sql.split()[2]!r}"
    return ""


@contextmanager
def limited(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Limit queries to the steps that reading all of a file can take.

    Raises:
        InputError: A query took more.
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
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile
            connection.set_progress_handler(None, 0)


def _normalise(sql: str) -> str:
    """Return a statement as one line in lower case, with single blanks and none beside brackets and commas."""
    words = " ".join(sql.lower().split()).replace("if not exists ", "")
    for sign in "(),":
        words = words.replace(f" {sign}", sign).replace(f"{sign} ", sign)
    return words
