"""The Parquet files of a release: one for each input shard, subset and label, written row group by row group.

With audio a row group is small, so that a reader needs little memory and the Hub's viewer little traffic: at most
``AUDIO_ROWS`` rows and ``AUDIO_BYTES`` of audio (a single row may be larger). Audio is stored without compression and
without a dictionary: it hardly shrinks, and equal recordings are then equal bytes, which the Hub stores once.

The Hub cuts files into chunks of about 64 kB by content and takes only chunks that it lacks. Row groups and pages are
therefore cut by content as well, so that a new version repeats what did not change. With row groups of a fixed size,
one row less would move every later boundary; 12 % of a file were then sent again (``benchmarks/release.py``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from audiomcq_cli import parquet
from audiomcq_cli.characters import find_control, has_control
from audiomcq_cli.errors import InputError
from audiomcq_cli.records import LABELS, RELEASED, arrow_schema, draw
from audiomcq_cli.storage.shards import ROW_GROUP, Shard

if TYPE_CHECKING:
    import pyarrow as pa

    from audiomcq_cli.release.rows.embed import Recording

AUDIO = "audio"
"""Column of the embedded audio."""

AUDIO_ROWS = 100
AUDIO_BYTES = 100_000_000

_LEAST_ROWS, _ONE_IN = 25, 25
"""A row group with audio ends after at least this many rows, before the next row whose id draws one in this many."""

_PAGE = {"min_chunk_size": 4 << 10, "max_chunk_size": 8 << 10}
"""Bytes of a page in files with audio. A recording is longer, so each has a page of its own. With Arrow's 256 kB to 1
MB some recordings would share a page, and which ones would depend on all rows before them.
"""

_SUBSET = re.compile(r"(?!all\Z)[A-Za-z0-9][A-Za-z0-9_-]*")


def release_schema(*, embed: bool) -> pa.Schema:
    """Return the Arrow schema of a release's rows; embedded audio is the first column.

    The schema's metadata makes ``datasets`` read that column as an Audio feature, even without a card. The metadata
    names only this column: every version of ``datasets`` finds the others by their types.
    """
    import pyarrow as pa

    schema = arrow_schema(RELEASED)
    if not embed:
        return schema
    features = {"info": {"features": {AUDIO: {"_type": "Audio"}}}}
    column = pa.field(AUDIO, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    return pa.schema([column, *schema], metadata={"huggingface": json.dumps(features)})


def read_clips(shard: Shard, columns: Sequence[str] = RELEASED) -> Iterator[pa.Table]:
    """Stream the rows of a shard, in the columns and types of a release; the rows of a clip stay together.

    Raises:
        InputError: The shard is not Parquet that split wrote.
    """
    import pyarrow as pa

    schema = arrow_schema(columns)
    held = schema.empty_table()  # the last clip read: more of its rows may follow
    try:
        with parquet.open_parquet(shard.path) as file:
            if missing := set(RELEASED) - set(file.schema_arrow.names):
                hint = "publish reads what split writes"
                raise InputError("column is missing", file=str(shard.path), column=min(missing), hint=hint)
            for batch in file.iter_batches(ROW_GROUP, columns=list(columns)):
                batch.validate(full=True)
                _check_texts(batch, shard.path)
                table = pa.concat_tables([held, pa.Table.from_batches([batch]).select(columns).cast(schema)])
                cut = _find_last_clip(table["clip_id"].to_pylist())
                held = table.slice(cut)
                if cut:
                    yield table.slice(0, cut)
    except pa.ArrowException as error:
        raise InputError(f"not rows that split wrote: {error}", file=str(shard.path)) from error
    if held.num_rows:
        yield held


def _check_texts(batch: pa.RecordBatch, path: Path) -> None:
    """Refuse texts with control characters: readers of the release would see half of them."""
    import polars as pl
    import pyarrow as pa

    frame = pl.DataFrame(pa.Table.from_batches([batch]))
    found = frame.filter(pl.any_horizontal(has_control(frame)))
    for row in found.head(1).iter_rows(named=True):
        name, sign = next((name, sign) for name, value in row.items() if (sign := find_control(value)))
        hint = "run the stages again from the one that wrote it, with a version that refuses such replies"
        raise InputError(f"row {row['id']!r} has {sign} in it", file=str(path), column=name, hint=hint)


def _find_last_clip(clips: Sequence[str]) -> int:
    """Return the index of the first row of the last clip."""
    cut = len(clips)
    while cut and clips[cut - 1] == clips[-1]:
        cut -= 1
    return cut


class ShardFiles:
    """Writes the rows of one shard into one file for each subset and label, in the order they come.

    A context manager; the files are complete once it has ended.
    """

    def __init__(self, folder: Path, shard: Shard, *, embed: bool) -> None:
        """Write below ``folder``, with or without the audio column."""
        self._folder, self._shard, self._embed = folder, shard, embed
        self._open: dict[tuple[str, str], _File] = {}
        self._stack = ExitStack()

    def __enter__(self) -> ShardFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                for file in self._open.values():
                    file.flush()

    @property
    def rows(self) -> Mapping[Path, int]:
        """Number of rows in each file."""
        return {file.path: file.rows for _, file in sorted(self._open.items())}

    def write(self, table: pa.Table, recordings: Sequence[Recording | None]) -> None:
        """Add rows, each with the recording to embed in it, if any.

        Raises:
            InputError: A subset or label is invalid, or a recording can no longer be read.
        """
        places: dict[tuple[str, str], list[int]] = {}
        for place, row in enumerate(table.select(["subset", "audio_contribution"]).to_pylist()):
            places.setdefault((str(row["subset"]), str(row["audio_contribution"])), []).append(place)
        for pair, chosen in places.items():
            if pair not in self._open:
                self._open[pair] = self._begin(*pair)
            self._open[pair].add(table.take(chosen), [recordings[place] for place in chosen])

    def _begin(self, subset: str, label: str) -> _File:
        # Both become a path and a glob, and subsets come from rows that anyone may have written.
        if not _SUBSET.fullmatch(subset) or label not in LABELS:
            problem = f"rows of subset {subset!r} with label {label!r}"
            raise InputError(problem, file=str(self._shard.path), column="subset")
        path = self._folder / subset / f"{label}-{self._shard.index:05d}-of-{self._shard.count:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _File(path, embed=self._embed)
        self._stack.callback(file.close)
        return file


class _File:
    """One Parquet file. Rows wait until they fill a row group; audio is read when the group is written."""

    def __init__(self, path: Path, *, embed: bool) -> None:
        self.path, self.rows = path, 0
        self._embed = embed
        self._schema = release_schema(embed=embed)
        self._tables: list[pa.Table] = []
        self._recordings: list[Recording | None] = []
        self._bytes = 0
        # Chunks cut by content: a new version uploads only the pages that changed. The page index lets the Hub's
        # viewer read a page without its row group.
        self._writer = parquet.open_writer(
            path,
            self._schema,
            write_page_index=True,
            use_content_defined_chunking=_PAGE if embed else True,
            **(_encode_audio_plain(self._schema) if embed else {"compression": "zstd"}),
        )

    def add(self, table: pa.Table, recordings: Sequence[Recording | None]) -> None:
        """Add rows; write those that fill whole row groups."""
        begin = 0
        for place, (id_, recording) in enumerate(zip(table["id"].to_pylist(), recordings, strict=True)):
            if self._is_full(id_, recording):
                self._tables.append(table.slice(begin, place - begin))
                self.flush()
                begin = place
            self._recordings.append(recording)
            self._bytes += recording.size if recording else 0
        self._tables.append(table.slice(begin))

    def _is_full(self, id_: str, recording: Recording | None) -> bool:
        """Return whether the waiting rows fill a row group, so that the row of this id begins the next."""
        rows = len(self._recordings)
        if not self._embed:
            return rows == ROW_GROUP
        size = self._bytes + (recording.size if recording else 0)
        by_content = rows >= _LEAST_ROWS and draw("row group", id_) % _ONE_IN == 0
        return by_content or rows == AUDIO_ROWS or (self._bytes > 0 and size > AUDIO_BYTES)

    def flush(self) -> None:
        """Write the waiting rows as a row group."""
        import pyarrow as pa

        # One chunk: how the rows arrived does not show in the pages.
        table = pa.concat_tables(self._tables).combine_chunks()
        if self._embed:
            table = table.add_column(0, self._schema.field(AUDIO), self._read_audio())
        self._writer.write_table(table, row_group_size=ROW_GROUP)
        self.rows += table.num_rows
        self._tables.clear()
        self._recordings.clear()
        self._bytes = 0

    def close(self) -> None:
        self._writer.close()

    def _read_audio(self) -> pa.ChunkedArray:
        """Return the audio of the waiting rows; a clip is read, and held, once for consecutive rows."""
        import pyarrow as pa

        type_ = self._schema.field(AUDIO).type
        cells: list[pa.Array] = []
        last: Recording | None = None
        for recording in self._recordings:
            if not cells or recording != last:
                value = {"bytes": recording.read(), "path": recording.name} if recording else None
                cells.append(pa.array([value], type_))
            else:
                cells.append(cells[-1])
            last = recording
        return pa.chunked_array(cells, type_)


def _encode_audio_plain(schema: pa.Schema) -> dict[str, Any]:
    """Return writer options that leave the audio uncompressed; an option given by column must name all columns."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    parquet.open_writer(sink, schema).close()  # Parquet's own names of nested columns
    with parquet.open_parquet(pa.BufferReader(sink.getvalue())) as file:
        columns = [file.schema.column(number).path for number in range(len(file.schema))]
    others = [column for column in columns if column != f"{AUDIO}.bytes"]
    return {
        "compression": {column: "zstd" if column in others else "none" for column in columns},
        "use_dictionary": others,
        "write_statistics": others,
    }
