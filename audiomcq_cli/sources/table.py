"""The user's own table: CSV, JSON Lines, a JSON list, or Parquet, with its columns named in the recipe.

Columns with the names in ``audiomcq sources table`` need no mapping. Parquet may hold the audio itself, as bytes or as
``{bytes, path}`` like ``datasets`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.contracts import Layout, Source, SourceRow, option
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._columns import FIELDS, Plan, check_mapping, plan_columns, read_row
from audiomcq_cli.sources._csv import read_csv
from audiomcq_cli.sources._json import JSON_EXTENSIONS, read_json
from audiomcq_cli.sources._parquet import list_parquet, read_parquet, read_schema

_EXPECTED = "a table: .csv, .jsonl, .json or .parquet"


@dataclass(frozen=True, slots=True)
class Options:
    """Options for a table.

    Raises:
        RecipeError: ``columns`` names an unknown kind of content.
    """

    columns: Mapping[str, str] = option({}, 'which column holds what, as { caption = "text", audio = "file" }')
    own_names: bool = option(False, "no two audio files have the same name, even in different folders")

    def __post_init__(self) -> None:
        check_mapping(self.columns)


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows of a table; raises ``InputError`` if it, or a cell, is invalid."""
    kind = path.suffix.lower()
    if not path.exists():
        raise InputError(f"no such file, expected {_EXPECTED}", file=str(path), hint="check the path")
    if kind == ".parquet" or path.is_dir():
        return _read_parquet(path, options)
    if kind == ".csv":
        return _read_csv(path, options)
    if kind in JSON_EXTENSIONS:
        return _read_json(path, options)
    raise InputError(f"has the extension {kind!r}, expected {_EXPECTED}", file=str(path))


def _read_csv(path: Path, options: Options) -> Iterator[SourceRow]:
    plan: Plan | None = None
    for record in read_csv(path, [name for name in options.columns.values() if name]):
        plan = plan or _plan(options, list(record.cells), path)  # from the header, the same for every row
        yield read_row(record.row, record.cells, plan)


def _read_json(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows of a JSON file. Objects may have different keys; each set of keys has its own plan."""
    plans: dict[tuple[str, ...], Plan] = {}
    mapped = {name for name in options.columns.values() if name}
    unseen, row = set(mapped), 0
    for record in read_json(path, _EXPECTED):
        row, keys = record.row, tuple(record.cells)
        if keys not in plans:
            unseen.difference_update(keys)
            plans[keys] = _plan(options, [*keys, *sorted(mapped.difference(keys))], path)
        yield read_row(row, record.cells, plans[keys])
    if unseen and row:
        raise InputError(f"no key of that name in any of {row:,} rows", file=str(path), column=min(unseen))


def _read_parquet(path: Path, options: Options) -> Iterator[SourceRow]:
    for file in list_parquet(path):
        prefix = "" if file == path else f"{file.relative_to(path).as_posix()}-"
        plan = _plan(options, read_schema(file).names, file, prefix)
        for record in read_parquet(file, plan.used):
            yield read_row(record.row, record.cells, plan)


def _plan(options: Options, found: Sequence[str], file: Path, prefix: str = "") -> Plan:
    return plan_columns(options.columns, found, str(file), own_names=options.own_names, prefix=prefix)


SOURCE: Source[Options] = Source(
    help="table of your own: CSV, JSON Lines, JSON list or Parquet, its columns as columns = { … } says",
    dataset="",
    read=read,
    options=Options,
    grouped=False,
    brings_audio=True,
    layout=Layout(
        path="a .csv, .jsonl, .json or .parquet file, or a folder of Parquet files",
        columns=FIELDS,
        audio="the end of its path that is found below the audio folder; or in the table itself (Parquet)",
        rights="as the columns license, origin and author say",
    ),
)
