"""Checks the rows of a release or stage folder in batches.

Only rows that look wrong become plain data, and rows with a proof: the numbers of the proof are computed again from
what the row knows of its clip, and the key from those numbers.

Ids are compared by 64-bit hashes, 8 bytes a row. Rows whose hashes are equal are read again, so a hash collision is no
problem.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiomcq_cli.characters import find_control, has_control
from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.grounded.measured.proof import find_fault, is_of
from audiomcq_cli.records import COLUMNS, LABELS, REJECT, arrow_schema, find_problem, shard_of
from audiomcq_cli.release.diff.compare import describe_type
from audiomcq_cli.release.tree import DataFile, Tree

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

AUDIO = "audio"
AUDIO_ROWS, AUDIO_BYTES = 100, 100_000_000
"""Most rows, and most bytes of audio, in a row group with audio. A single row may have more."""

_BATCH = 5_000

_PROVED = {"proof", "choices", "answer"}
"""Columns of a question whose key can be computed again."""

_KNOWN = {"events", "transcript", "measurements", "captions", "duration", "flags"}
"""Columns from which a proof is computed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: its kind, the file, the row's id, and a description."""

    kind: str
    file: str
    what: str
    row: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.row}: {self.what}" if self.row else f"{self.file}: {self.what}"


class RowChecks:
    """Checks rows, and keeps what other checks need to know about them.

    Attributes:
        schema: Schema of the first file.
        rows: Number of rows by file.
        counts: Rows by subset, label and question type.
        sources: Sources named in the rows.
        licenses: Rows with audio by source and license.
        embedded: Rows with embedded audio by file.
        notes: Note that this program left in the footer of each file.
        heard: Rows whose audio was opened; set by the audio checks.
    """

    def __init__(self, tree: Tree, manifest: Mapping[str, Any], columns: Sequence[str], *, release: bool) -> None:
        """Check for the given columns; an empty manifest sets no further rules."""
        self._tree, self._columns = tree, list(columns)
        self._release = release
        entries = manifest.get("files" if release else "shards", ())
        self._listed = {entry["file"]: entry.get("rows") for entry in entries}
        self._rule = _find_rule(manifest)
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._read: list[tuple[str, str]] = []  # files with ids, and the name of their id
        self.schema: pa.Schema | None = None
        self.rows: dict[str, int] = {}
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.sources: set[str] = set()
        self.licenses: Counter[tuple[str, str]] = Counter()
        self.embedded: dict[str, int] = {}
        self.notes: dict[str, dict[str, Any]] = {}
        self.heard = 0

    def check(self) -> Iterator[Problem]:
        """Check the rows of all files and yield each problem."""
        files = self._tree.data_files()
        if not files:
            yield Problem("files", self._tree.name, "no file with rows")
        for file in files:
            try:
                yield from self._check_file(file)
            except InputError as error:
                yield Problem("parquet", file.path, str(error).partition(": ")[2] or str(error))

    def read_rejects(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield the outcome and reason of each item that was not kept, and remember its id for ``find_twins``.

        Raises:
            InputError: The file is not Parquet, or has other columns.
        """
        import polars as pl

        with self._tree.parquet(path) as file:
            if missing := [name for name in REJECT if name not in file.schema_arrow.names]:
                raise InputError(f"column {missing[0]!r} is missing", file=path)
            self._read.append((path, "id"))
            for batch in file.iter_batches(columns=["id", "outcome", "reason"]):
                ids, outcomes, reasons = (column.to_pylist() for column in batch.columns)
                self._hashes.append(pl.Series(ids, dtype=pl.String).hash().to_numpy())
                yield from zip(outcomes, reasons, strict=True)

    def _check_file(self, file: DataFile) -> Iterator[Problem]:
        with self._tree.parquet(file.path) as parquet:
            names = list(parquet.schema_arrow.names)
            yield from self._check_schema(file, parquet.schema_arrow)
            yield from _check_groups(file, parquet.metadata, embedded=AUDIO in names)
            self.rows[file.path] = rows = parquet.metadata.num_rows
            yield from self._read_note(file, (parquet.metadata.metadata or {}).get(b"audiomcq", b"{}"))
            if (listed := self._listed.get(file.path)) not in (None, rows):
                yield Problem("counts", file.path, f"has {rows:,} rows, the manifest says {listed:,}")
            known = [name for name in names if name in COLUMNS and name in self._fitting(parquet.schema_arrow)]
            for batch in parquet.iter_batches(_BATCH, columns=[*known, *([f"{AUDIO}.path"] if AUDIO in names else [])]):
                batch.validate(full=True)  # Parquet does not check text, and Polars crashes on text that is not UTF-8
                yield from self._check_batch(file, batch)

    def _read_note(self, file: DataFile, data: bytes) -> Iterator[Problem]:
        """Read this program's note in the footer of a file."""
        try:
            note = read_json(data, file.path)
        except InputError as error:
            yield Problem(
                "parquet", file.path, f"the note in its footer is {str(error).removeprefix(f'{file.path}: ')}"
            )
            return
        if isinstance(note, dict):
            self.notes[file.path] = note
        else:
            yield Problem("parquet", file.path, "the note in its footer is not a table")

    def _check_schema(self, file: DataFile, found: pa.Schema) -> Iterator[Problem]:
        """Check that the required columns exist with their types, the same in every file."""
        for name in self._columns:
            if name not in found.names:
                yield Problem("schema", file.path, f"column {name!r} is missing")
        for name in found.names:
            if name in COLUMNS and name not in self._fitting(found):
                wanted = describe_type(arrow_schema([name]).field(name).type)
                kind = describe_type(found.field(name).type)
                yield Problem("schema", file.path, f"column {name!r} is {kind}, expected {wanted}")
        if self.schema is None:
            self.schema = found
        elif not found.equals(self.schema):
            yield Problem("schema", file.path, "its columns differ from those of the first file")

    def _fitting(self, found: pa.Schema) -> set[str]:
        """Return the known columns that have the right type."""
        names = [name for name in found.names if name in COLUMNS]
        wanted = arrow_schema(names)
        return {name for name in names if found.field(name).type == wanted.field(name).type}

    def _check_batch(self, file: DataFile, batch: pa.RecordBatch) -> Iterator[Problem]:
        import polars as pl
        import pyarrow as pa

        frame = pl.from_arrow(pa.Table.from_batches([batch]))
        if not isinstance(frame, pl.DataFrame) or not frame.height:
            return
        key = "id" if "id" in frame.columns else "clip_id"
        if key not in frame.columns:
            return
        self._keep(file, frame, key)
        suspects = frame.filter(pl.any_horizontal(self._list_doubts(file, frame)).fill_null(True))
        for row in suspects.iter_rows(named=True):
            for kind, what in self._judge(file, row):
                yield Problem(kind, file.path, what, str(row[key]))
        if "clip_id" in frame.columns:
            for clip in frame.get_column("clip_id").drop_nulls().unique(maintain_order=True):
                if shard_of(clip, file.count) != file.index:
                    yield Problem("shard", file.path, f"belongs into shard {shard_of(clip, file.count)}", clip)

    def _keep(self, file: DataFile, frame: pl.DataFrame, key: str) -> None:
        """Keep what the checks over all rows need from these."""
        import polars as pl

        self._hashes.append(frame.get_column(key).hash().to_numpy())
        if (file.path, key) not in self._read:
            self._read.append((file.path, key))
        if "source_dataset" in frame.columns:
            self.sources |= set(frame.get_column("source_dataset").drop_nulls().unique())
        if self._release and {"subset", "audio_contribution", "question_type"} <= set(frame.columns):
            groups = frame.group_by("subset", "audio_contribution", "question_type").len()
            for subset, label, kind, rows in groups.iter_rows():
                self.counts[str(subset), str(label), str(kind)] += rows
        if AUDIO in frame.columns:
            heard = frame.filter(pl.col(AUDIO).is_not_null())
            self.embedded[file.path] = self.embedded.get(file.path, 0) + heard.height
            if "license" in frame.columns:
                for source, license, rows in heard.group_by("source_dataset", "license").len().iter_rows():
                    self.licenses[str(source), license or ""] += rows

    def _list_doubts(self, file: DataFile, frame: pl.DataFrame) -> list[pl.Expr]:
        """Return masks of rows to look at closely. A masked row need not be wrong."""
        import polars as pl

        have = set(frame.columns)
        masks = [pl.col(name).is_null() for name in frame.columns if name in COLUMNS and COLUMNS[name].required]
        if {"choices", "answer", "answer_index"} <= have:
            chosen = pl.col("choices").list.get(pl.col("answer_index"), null_on_oob=True)
            masks.append(chosen.ne_missing(pl.col("answer")) | (pl.col("answer_index") < 0))
            masks.append(pl.col("choices").list.n_unique() != pl.col("choices").list.len())
            masks.append(pl.col("choices").list.len() < 2)
        if have >= _PROVED:
            masks.append(pl.col("proof").list.len() > 0)
        if {"clip_id", "source_dataset", "source_id"} <= have:
            masks.append(pl.col("clip_id") != pl.col("source_dataset") + ":" + pl.col("source_id"))
        if {"id", "clip_id"} <= have:
            masks.append(~pl.col("id").str.starts_with(pl.col("clip_id") + ":"))
        if "audio_contribution" in have:
            masks.append(~pl.col("audio_contribution").is_in(LABELS))
            masks += [pl.col("audio_contribution") != file.label] if file.label else []
        if "subset" in have and file.subset:
            masks.append(pl.col("subset") != file.subset)
        if {"votes", "audio_contribution", "answer_index"} <= have:
            masks += self._doubt_votes()
        masks += has_control(frame)
        return masks or [pl.lit(False)]

    def _doubt_votes(self) -> list[pl.Expr]:
        import polars as pl

        status = pl.element().struct.field("status")
        chosen = pl.element().struct.field("chosen")
        right = pl.col("votes").list.eval(status == "right").list.sum()
        masks = [
            pl.col("votes").list.eval((status == "unparsable") != chosen.is_null()).list.any(),
            pl.col("votes").list.eval(chosen.filter(status == "right")).list.n_unique() > 1,
            pl.col("votes").list.eval(chosen.filter(status == "right")).list.first() != pl.col("answer_index"),
            pl.col("votes").list.eval(chosen.filter(status == "wrong")).list.contains(pl.col("answer_index")),
        ]
        if self._rule:
            weak_at, judges = self._rule
            masks.append(pl.when(right >= weak_at).then(pl.lit("weak")).otherwise(pl.lit("strong"))
                         != pl.col("audio_contribution"))  # fmt: skip
            masks.append(pl.col("votes").list.len() != judges)
        return [mask.fill_null(False) for mask in masks]

    def _judge(self, file: DataFile, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with a row, each with its kind."""
        for name, value in row.items():
            if sign := find_control(value):
                yield "text", f"column {name!r} has {sign} in it"
        if problem := find_problem(dict(row), [name for name in row if name in COLUMNS]):
            yield ("answer" if problem.startswith("answer") else "row"), problem
            return
        choices = row.get("choices")
        if choices is not None and len(set(choices)) < len(choices):
            yield "choices", f"choices are not distinct: {choices!r}"
        if choices is not None and len(choices) < 2:
            yield "choices", f"a question has to have choices: {choices!r}"
        if row.keys() >= _PROVED and row["proof"]:
            yield from _judge_proof(row)
        if "clip_id" in row and row["clip_id"] != f"{row['source_dataset']}:{row['source_id']}":
            yield "id", f"clip_id {row['clip_id']!r} is not of {row['source_dataset']} and {row['source_id']}"
        if "id" in row and not row["id"].startswith(f"{row['clip_id']}:"):
            yield "id", f"the id is not one of clip {row['clip_id']}"
        for column, value in (("audio_contribution", file.label), ("subset", file.subset)):
            if value is not None and column in row and row[column] != value:
                yield "place", f"{column} is {row[column]!r}, the file's name says {value!r}"
        if "votes" in row:
            yield from self._judge_votes(row)

    def _judge_votes(self, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Check that the votes agree with each other and, if the rule is known, with the label."""
        for vote in row["votes"]:
            chosen = vote["chosen"]
            status = "unparsable" if chosen is None else "right" if chosen == row["answer_index"] else "wrong"
            if vote["status"] != status:
                yield "votes", f"{vote['judge']} chose {chosen}, which is {status}, but has the status {vote['status']}"
        if self._rule:
            weak_at, judges = self._rule
            right = sum(vote["status"] == "right" for vote in row["votes"])
            if len(row["votes"]) != judges:
                yield "votes", f"{len(row['votes'])} votes of {judges} judges"
            if (label := "weak" if right >= weak_at else "strong") != row["audio_contribution"]:
                yield "votes", f"is {row['audio_contribution']}, and {right} judges right make it {label}"

    def find_twins(self) -> Iterator[Problem]:
        """Yield ids that occur more than once, in one file or in several, among all ids that were read."""
        import numpy as np
        import polars as pl

        if not self._hashes:
            return
        hashes, counts = np.unique(np.concatenate(self._hashes), return_counts=True)
        self._hashes.clear()
        twins = hashes[counts > 1]
        if not len(twins):
            return
        seen: dict[str, str] = {}
        for path, key in self._read:
            for batch in self._tree.batches(path, [key], rows=_BATCH):
                ids = pl.Series(key, batch.column(0).to_pylist(), dtype=pl.String)
                for id in ids.filter(ids.hash().is_in(pl.Series(twins).implode())).drop_nulls():
                    if id in seen:
                        yield Problem("id", path, f"the id is there twice, also in {seen[id]}", id)
                    seen[id] = path


def _check_groups(file: DataFile, metadata: pq.FileMetaData, *, embedded: bool) -> Iterator[Problem]:
    """Check that row groups with audio are small enough to read and view, and that every page can be found."""
    paged = True
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(place) for place in range(group.num_columns)]
        paged = paged and all(column.has_offset_index for column in columns)
        audio = sum(one.total_uncompressed_size for one in columns if one.path_in_schema.startswith(f"{AUDIO}."))
        if not embedded or not audio:
            continue
        if group.num_rows > AUDIO_ROWS:
            yield Problem(
                "groups", file.path, f"row group {number} has {group.num_rows:,} rows with audio, more than 100"
            )
        if audio > AUDIO_BYTES * 1.01 and group.num_rows > 1:  # page headers come on top of the audio
            what = f"row group {number} has {audio / 1e6:,.0f} MB of audio, more than 100"
            yield Problem("groups", file.path, what)
    if not paged:
        yield Problem("groups", file.path, "has no page index, which the Hub's viewer needs to read a page alone")


def _find_rule(manifest: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return how many judges must be right for a weak label, and how many judges there are; None if the lineage does
    not say.
    """
    for step in reversed(manifest.get("lineage", ())):
        options = step.get("options", {})
        weak_at, judges = options.get("weak_at"), options.get("judges")
        if step.get("stage") == "filter" and type(weak_at) is int and isinstance(judges, list):
            return weak_at, len(judges)
    return None


def _judge_proof(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if fault := find_fault(row["choices"], row["answer"], row["proof"]):
        yield "proof", f"the proof does not prove the answer: {fault}"
    elif row.keys() >= _KNOWN and not is_of(row):
        yield "proof", "the proof is not taken from the events, words and measurements of the row"
