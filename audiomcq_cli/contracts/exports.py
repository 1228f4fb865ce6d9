"""Exports: formats that trainers read.

An export says what a row becomes; the engine (``engine/exporting/``) does the rest: it reads the shards, places the
audio, writes the files, counts every row, puts the folder in place whole, and does nothing where nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Generic

from audiomcq_cli.contracts.options import O
from audiomcq_cli.contracts.rows import Reject, Row

Record = Mapping[str, Any]
"""What a trainer reads of one row, or of one use of it."""

KINDS = (".jsonl", ".json", ".csv", ".parquet")
"""Kinds of data files, by the ending of their name: one object a line, one list of objects, a table with a heading,
a Parquet file."""

TABLES = (".csv", ".parquet")
"""Kinds whose columns must be declared: they hold even where there is no record."""

PLACES = ("named", "reference", "copy", "link")
"""What an export can ask for the audio of a row, which decides what ``audio_path`` of the row is.

``named``: nothing; the path is that of the row, below the audio root of its source. ``reference``: the path leads from
the folder of the export to the file where it lies. ``copy``, ``link``: the file is put into the folder of the export,
and the path leads there. A link is a hard link, or a symbolic one where the file system allows no other.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the rows of an export: ``rows == sum(left_out.values()) + rows written``.

    Attributes:
        rows: Rows read.
        records: Records in each data file.
        left_out: Rows without a record, by reason code.
        tally: Rows with records, by what ``Export.tally`` says of them; empty without it.
    """

    rows: int
    records: Mapping[str, int]
    left_out: Mapping[str, int]
    tally: Mapping[str, int]

    @property
    def written(self) -> int:
        """Rows that became records."""
        return self.rows - sum(self.left_out.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Generic[O]):
    """A format that a trainer reads: the ``EXPORT`` of a file in ``exports/``. All functions are pure.

    Attributes:
        help: One line for the command line.
        version: Raise it when the same rows would give other files: folders are then written again.
        options: A frozen dataclass of ``option`` fields.
        files: Names of the data files; the ending says the kind (``KINDS``). Each is written, even without a record.
        records: Returns one or more records of a row (columns as in ``records.QUESTION`` and later), or a ``Reject``
            that says why there are none. Raises ``InputError`` where the whole export makes no sense.
        pick: The data file that the records of a row go to, where there are several.
        columns: Names and types of the columns of tables (``TABLES``), as ``records.COLUMNS`` writes types.
        audio: What is done with the audio of a row: one of ``PLACES``. Without it: ``named``.
        lint: Returns what the trainer's own reader would misread in a record. If there is anything, the row is left
            out and counted under the first reason.
        tally: Returns the group that a row is counted in. ``check`` and ``companions`` are given the counts.
        check: Raises ``InputError`` where the trainer could not use the records as a whole.
        companions: Returns further files by name, such as a README, made from the counts.
    """

    help: str
    version: int
    options: type[O]
    files: tuple[str, ...]
    records: Callable[[Row, O], Sequence[Record] | Reject]
    pick: Callable[[Row, O], str] | None = None
    columns: Callable[[O], Mapping[str, Any]] | None = None
    audio: Callable[[O], str] | None = None
    lint: Callable[[Record, O], Sequence[Reject]] | None = None
    tally: Callable[[Row, O], str] | None = None
    check: Callable[[Written, O], None] | None = None
    companions: Callable[[Written, O], Mapping[str, str | bytes]] | None = None

    def __post_init__(self) -> None:
        """Refuse a description that the engine could not follow, where it is written and not where it is used."""
        kinds = {PurePosixPath(name).suffix for name in self.files}
        if not kinds or not kinds <= set(KINDS):
            raise ValueError(f"files {self.files}: name one or more that end in {', '.join(KINDS)}")
        if kinds & set(TABLES) and self.columns is None:
            raise ValueError(f"files {self.files}: a table needs columns")
        if len(self.files) > 1 and self.pick is None:
            raise ValueError(f"files {self.files}: pick has to say which of them a row goes to")
