"""Shards: named in order, whole or not there, and of the columns that are declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli import records
from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.storage.files import HIDDEN, hash_file, replacing
from audiomcq_cli.storage.shards import (
    ROW_GROUP,
    Shard,
    ShardWriter,
    is_intact,
    list_shards,
    read_note,
    read_rows,
    shard,
    write_digest,
)

COLUMNS = ("clip_id", "captions", "duration", "flags")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "clip_id": TEXTS,
            "captions": st.lists(st.fixed_dictionaries({"text": TEXTS, "origin": TEXTS}), max_size=3),
            "duration": st.none() | st.floats(allow_nan=False),
            "flags": st.lists(TEXTS, max_size=3),
        }
    ),
    max_size=20,
)


def make_row(number: int = 0, **changes: Any) -> Row:
    return {"clip_id": f"c{number}", "captions": [], "duration": None, "flags": []} | changes


def write(path: Path, rows: list[Row], columns: tuple[str, ...] = COLUMNS) -> None:
    with ShardWriter(path, columns) as writer:
        for row in rows:
            writer.write(row)


# ---------------------------------------------------------------------------------------------------------- names


def test_name_of_a_shard(tmp_path: Path) -> None:
    """Number and count stand in the name; the rejects lie under the same name in the hidden folder."""
    one = shard(tmp_path, 3, 64)
    assert one.path == tmp_path / "part-00003-of-00064.parquet"
    assert one.rejects == tmp_path / HIDDEN / "rejects" / "part-00003-of-00064.parquet"


def test_shards_are_listed_in_order(tmp_path: Path) -> None:
    """Shards come by number; hidden, temporary and foreign files are passed over."""
    for index in (2, 0, 1):
        write(shard(tmp_path, index, 4).path, [])
    for name in ("README.md", "part-1.parquet", ".part-00003-of-00004.parquet.tmp", "part-00003-of-00004.parquet.bak"):
        (tmp_path / name).touch()
    assert list_shards(tmp_path) == [Shard(index, 4, shard(tmp_path, index, 4).path) for index in range(3)]


@pytest.mark.parametrize(("names", "message"), [([], "no Parquet shards"), (["1", "2"], "shards of different counts")])
def test_folder_without_a_set_of_shards_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    """A folder without shards, or with those of two counts, is named."""
    for count in names:
        shard(tmp_path, 0, int(count)).path.touch()
    with pytest.raises(InputError, match=message):
        list_shards(tmp_path)


def test_folder_around_stages_names_them(tmp_path: Path) -> None:
    """A folder that holds stage folders is refused with their names, and no others."""
    for name in ("cot", "filter"):
        (tmp_path / name).mkdir()
        write(shard(tmp_path / name, 0, 1).path, [])
    (tmp_path / "journal").mkdir()
    with pytest.raises(InputError, match="no Parquet shards") as caught:
        list_shards(tmp_path)
    assert caught.value.hint == f"name a stage's folder: {tmp_path / 'cot'}, {tmp_path / 'filter'}"


def test_file_in_place_of_a_folder(tmp_path: Path) -> None:
    """A file is not said to be missing."""
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(InputError, match="is a file, expected the folder of a stage"):
        list_shards(tmp_path / "recipe.toml")


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A missing folder is named with what to do first."""
    with pytest.raises(InputError, match="nowhere: no such folder") as caught:
        list_shards(tmp_path / "nowhere")
    assert caught.value.hint


# -------------------------------------------------------------------------------------------------------- round trip


@settings(max_examples=30)
@given(rows=ROWS)
def test_rows_come_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    """Any rows of the declared columns are read again as they were."""
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    write(path, rows)
    assert list(read_rows(path)) == rows


def test_row_groups_have_a_fixed_size(tmp_path: Path) -> None:
    """The size of row groups does not depend on how rows come in, so the same rows are the same bytes."""
    rows = [make_row(number) for number in range(ROW_GROUP * 2 + 1)]
    write(tmp_path / "rows.parquet", rows)
    with ShardWriter(tmp_path / "table.parquet", COLUMNS) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=records.arrow_schema(COLUMNS)))
    metadata = pq.read_metadata(tmp_path / "rows.parquet")
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [1_000, 1_000, 1]
    assert (tmp_path / "rows.parquet").read_bytes() == (tmp_path / "table.parquet").read_bytes()
    assert [row["clip_id"] for row in read_rows(tmp_path / "rows.parquet")] == [row["clip_id"] for row in rows]


def test_shard_without_rows_has_its_columns(tmp_path: Path) -> None:
    """An empty shard is a Parquet file with the declared types."""
    write(tmp_path / "rows.parquet", [])
    assert pq.read_schema(tmp_path / "rows.parquet").equals(records.arrow_schema(COLUMNS))
    assert list(read_rows(tmp_path / "rows.parquet")) == []


def test_columns_can_be_chosen(tmp_path: Path) -> None:
    """Only the columns asked for are read, and one that is missing is named."""
    write(tmp_path / "rows.parquet", [make_row()])
    assert list(read_rows(tmp_path / "rows.parquet", ["flags"])) == [{"flags": []}]
    with pytest.raises(InputError, match=r"rows\.parquet, column 'question': column is missing"):
        list(read_rows(tmp_path / "rows.parquet", ["flags", "question"]))


@pytest.mark.parametrize("content", [None, b"", b"not Parquet at all, but long enough to look into"])
def test_file_that_is_not_parquet_is_named(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing, empty or something else is named."""
    if content is not None:
        (tmp_path / "rows.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"rows\.parquet: not a readable Parquet file"):
        list(read_rows(tmp_path / "rows.parquet"))
    assert read_note(tmp_path / "rows.parquet") == {}


def test_note_stands_in_the_footer(tmp_path: Path) -> None:
    """What is noted is read again without the rows; a file without a note has an empty one."""
    note = {"items": {"in": 1}, "word": "für"}
    with ShardWriter(tmp_path / "noted.parquet", COLUMNS) as writer:
        writer.write(make_row())
        writer.note(note)
    write(tmp_path / "plain.parquet", [])
    assert read_note(tmp_path / "noted.parquet") == note
    assert read_note(tmp_path / "plain.parquet") == {}
    assert json.loads(pq.read_metadata(tmp_path / "noted.parquet").metadata[b"audiomcq"]) == note


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clip_id": None}, "'clip_id' has no value"),
        ({"captions": None}, "'captions' has no value"),
        ({"captions": ["a text"]}, "do not fit"),
        ({"flags": [1]}, "do not fit"),
        ({"duration": "long"}, "do not fit"),
        ({"flags": ["\ud800"]}, "do not fit"),
    ],
)
def test_row_that_does_not_fit_is_refused(tmp_path: Path, changes: Row, message: str) -> None:
    """A row with a value missing or of another type is refused with its id."""
    with pytest.raises(StorageError, match=message):
        write(tmp_path / "rows.parquet", [make_row(**changes)])


def test_row_without_a_column_is_refused(tmp_path: Path) -> None:
    """A row that lacks a column is refused, whether or not it could be null."""
    row = make_row()
    del row["duration"]
    with pytest.raises(StorageError, match="row 'c0' cannot be written: column 'duration' is missing"):
        write(tmp_path / "rows.parquet", [row])


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"clip_id": ["a"]}),
        pa.table({"clip_id": ["a"], "flags": [None]}),
        pa.table({"clip_id": ["a"], "flags": ["text"]}),
    ],
    ids=["missing", "null", "type"],
)
def test_table_that_does_not_fit_is_refused(tmp_path: Path, table: pa.Table) -> None:
    """A table without a column, a value or the right type is refused as an error of ours."""
    with ShardWriter(tmp_path / "rows.parquet", ("clip_id", "flags")) as writer, pytest.raises(StorageError):
        writer.write_table(table)


# -------------------------------------------------------------------------------------------------------- replacing


def test_file_takes_its_place_when_all_went_well(tmp_path: Path) -> None:
    """The new file is there after the block and not before; folders are made."""
    path = tmp_path / "deep" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_old_file_stays_when_something_goes_wrong(tmp_path: Path) -> None:
    """An error in the block leaves the file as it was, and nothing beside it."""
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyError("a fault")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder in the place of the file is an error of ours that names it."""
    (tmp_path / "file.txt" / "inside").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"file\.txt: cannot be written"), replacing(tmp_path / "file.txt") as path:
        path.write_text("new")


def test_hash_is_of_the_bytes(tmp_path: Path) -> None:
    """The hash of a file is the SHA-256 of what is in it."""
    (tmp_path / "file").write_bytes(b"abc")
    assert hash_file(tmp_path / "file").startswith("ba7816bf8f01cfea")


def test_digest_tells_whether_a_shard_is_intact(tmp_path: Path) -> None:
    """A shard is intact with its bytes and its digest there, which ``sha256sum`` reads too."""
    one = shard(tmp_path, 3, 8)
    assert not is_intact(one)
    one.path.write_bytes(b"abc")
    assert not is_intact(one)
    write_digest(one, hash_file(one.path))
    assert is_intact(one)
    assert one.digest.read_text().split() == [hash_file(one.path), "part-00003-of-00008.parquet"]
    one.path.write_bytes(b"abd")
    assert not is_intact(one)


@pytest.mark.parametrize("note", ["[" * 100_000, "[1]", "null", "{"])
def test_note_of_others_that_is_none(tmp_path: Path, note: str) -> None:
    """A footer of another program's that cannot be read as a note says nothing, however deep its JSON is."""
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({"audiomcq": note}), tmp_path / "a.parquet")
    assert read_note(tmp_path / "a.parquet") == {}
