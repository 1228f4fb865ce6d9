"""Reads CSV files of captions with errors that name the place, and the cells that several formats share."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from textwrap import shorten
from urllib.parse import quote

from audiomcq_cli.contracts import Reject, SourceRow
from audiomcq_cli.errors import InputError

LARGEST_CELL = 64 * 2**20
"""Most characters of a cell. No caption is that long, and an unclosed quote is found before the rest of the file is
read.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table: its number, from 1, without the header and blank lines, and its cells by column."""

    row: int
    cells: dict[str, str]


def read_csv(
    path: Path, columns: Sequence[str], *, encoding: str = "utf-8-sig", delimiter: str = ","
) -> Iterator[Record]:
    """Stream the rows of a delimited file with a header, one in memory at a time.

    Args:
        path: The file.
        columns: Columns that it must have, in any order and among others.
        encoding: Encoding; by default UTF-8 with or without a byte order mark.
        delimiter: A comma or a tab.

    Raises:
        InputError: The path is not a file; the file is empty, lacks a column or has another encoding; or a row has
            unmatched quotes or a wrong number of fields.
    """
    expected = f"a CSV file with the columns {', '.join(columns)}" if columns else "a CSV file with a header"
    row = 0
    csv.field_size_limit(LARGEST_CELL)
    try:
        with refusing(path, expected), path.open(encoding=encoding, newline="") as file:
            reader = csv.reader(file, strict=True, delimiter=delimiter)
            header = _read_header(reader, path, columns, expected)
            for fields in reader:
                if not fields:
                    continue
                row += 1
                if len(fields) != len(header):
                    raise InputError(
                        f"has {len(fields)} fields, expected {len(header)}",
                        file=str(path),
                        row=row,
                        hint="a text with a comma, a quote or a line break in it must stand in double quotes",
                    )
                yield Record(row, dict(zip(header, fields, strict=True)))
    except UnicodeDecodeError as error:
        raise _refuse_encoding(path) from error
    except csv.Error as error:
        raise InputError(
            f"is not CSV: {error}",
            file=str(path),
            row=row + 1,
            hint="look for a double quote that is not closed, or not doubled inside a quoted text",
        ) from error


@contextmanager
def refusing(path: Path, expected: str) -> Iterator[None]:
    """Turn the errors of opening and reading a file into ``InputError``, with what was expected."""
    try:
        yield
    except IsADirectoryError as error:
        inside = ", ".join(sorted(file.name for file in path.glob("*.csv"))[:5])
        hint = f"give one of the files in it: {inside}" if inside else "give the file itself"
        raise InputError(f"is a folder, expected {expected}", file=str(path), hint=hint) from error
    except FileNotFoundError as error:
        raise InputError(f"no such file, expected {expected}", file=str(path), hint="check the path") from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from error


def name_row(row: int) -> str:
    """Return the source id of a row without one."""
    return f"row-{row}"


def reject_row(file: Path | str, row: int, reason: str, column: str, what: str) -> SourceRow:
    """Return a row that cannot be used, named after its file and row number."""
    name = PurePath(file).name
    problem = Reject(reason, describe_cell(name, row, column, what))
    return SourceRow(source_id=f"{name}-{name_row(row)}", row=row, problem=problem)


def describe_cell(file: str, row: int, column: str, what: str) -> str:
    """Describe what is wrong with a cell, and where it is."""
    return f"{file}, row {row}, column {column!r}: {what}"


def parse_seconds(text: str) -> str | None:
    """Return a time in seconds in its shortest form (``30.0`` is ``30``), or None if it is invalid or negative."""
    found = re.fullmatch(r"0*([0-9]{1,9})(?:\.([0-9]*?)0*)?", text.strip())
    if not found:
        return None
    whole, fraction = found.groups()
    return f"{whole}.{fraction}" if fraction else whole


def format_youtube(video: str, seconds: str) -> str:
    """Return the address of a video from a second on; ids are untrusted and are escaped."""
    return f"https://www.youtube.com/watch?v={quote(video, safe='')}&t={seconds.partition('.')[0]}s"


def credit(address: str, author: str) -> str | None:
    """Return the address and author of a recording, which licenses ask to keep; None if neither is known."""
    if address and author:
        return f"{address} (by {author})"
    return address or author or None


def _read_header(reader: Iterator[list[str]], path: Path, columns: Sequence[str], expected: str) -> list[str]:
    header = [name.strip() for name in next((fields for fields in reader if any(map(str.strip, fields))), [])]
    if not header:
        raise InputError(f"is empty, expected {expected}", file=str(path))
    found = shorten(", ".join(header), 300)
    if twice := [name for name, count in Counter(header).items() if name and count > 1]:
        raise InputError("is there more than once", file=str(path), column=twice[0], hint=f"found: {found}")
    if missing := [name for name in columns if name not in header]:
        separator = next((mark for mark in (";", "\t", "|") if len(header) == 1 and mark in header[0]), "")
        hint = f"the columns seem to be separated by {separator!r}; save the file with commas" if separator else ""
        raise InputError(
            f"the header has no column {', '.join(map(repr, missing))}; found: {found}",
            file=str(path),
            hint=hint or f"expected {expected}",
        )
    return header


def _refuse_encoding(path: Path) -> InputError:
    """Find the line that is not UTF-8: the decoder works in blocks and cannot tell."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                hint = f"convert it, as with: iconv -f UTF-16 -t UTF-8 {path.name}"
                return InputError("is UTF-16, expected UTF-8", file=str(path), hint=hint)
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                shown = repr(line[max(0, error.start - 20) : error.end + 20])[1:]
                return InputError(
                    f"line {number} is not UTF-8, near {shown}",
                    file=str(path),
                    hint=f"convert it, as with: iconv -f ISO-8859-1 -t UTF-8 {path.name}",
                )
    return InputError("is not UTF-8", file=str(path))
