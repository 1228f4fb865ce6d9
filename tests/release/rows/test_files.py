"""Tests of ``release/rows/files.py``: the Parquet files of a release, with their audio and without."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.records import RELEASED, arrow_schema
from audiomcq_cli.release.build import ReleaseReport, build_release
from tests.release.conftest import INFO, record, released_row, write_stage

EMBED = replace(INFO, audio="embed")
WEAK = "data/sft/weak-00000-of-00001.parquet"
MB = 1_000_000


def build(folder: Path, rows: list[Row], **stage: Any) -> ReleaseReport:
    """A release with audio; that of all sources lies in ``audio``."""
    source = write_stage(folder / "split", rows, **{"audio_roots": {"AudioCaps": "../audio"}} | stage)
    return build_release(source, folder / "release", EMBED)


def group_sizes(path: Path) -> list[int]:
    """Rows of every row group of a file."""
    metadata = pq.read_metadata(path)
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def read_audio(path: Path) -> list[bytes]:
    """What the column of the audio is in the file, row group by row group: no dictionary precedes its pages."""
    metadata, data = pq.read_metadata(path), path.read_bytes()
    columns = [metadata.row_group(number).column(0) for number in range(metadata.num_row_groups)]
    return [data[(at := column.data_page_offset) : at + column.total_compressed_size] for column in columns]


def test_a_row_group_has_a_hundred_rows_at_most(tmp_path: Path) -> None:
    """A reader of a row with audio fetches no more than a hundred, and not each by itself."""
    audio = record(tmp_path / "audio", 1)
    build(tmp_path, [released_row(number, **audio) for number in range(4_000)])
    sizes = group_sizes(tmp_path / "release" / WEAK)
    assert sum(sizes) == 4_000
    assert max(sizes) == 100
    assert min(sizes[:-1]) >= 25


def test_a_row_group_has_a_hundred_megabytes_at_most(tmp_path: Path) -> None:
    """Large files end a row group early; what is too large for one is one by itself."""
    from audiomcq_cli.storage.files import hash_file

    rows = []
    for number, size in enumerate([60, 30, 20, 101, 1]):
        path = tmp_path / "audio" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size * MB)
        rows.append(released_row(number, audio_sha256=hash_file(path)))
    build(tmp_path, rows)
    assert group_sizes(tmp_path / "release" / WEAK) == [2, 1, 1, 1]


def test_a_row_that_goes_changes_its_row_group_alone(tmp_path: Path) -> None:
    """Row groups end by the ids in them: audio before and after a change is the same bytes in the new version."""
    rows = [released_row(number, **record(tmp_path / "audio", number)) for number in range(500)]
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, kept in ((old, rows), (new, rows[:5] + rows[6:])):
        folder.mkdir()
        build(folder, kept, audio_roots={"AudioCaps": "../../audio"})
    groups = [read_audio(folder / "release" / WEAK) for folder in (old, new)]
    assert len(groups[0]) == len(groups[1]) > 5
    assert groups[0][0] != groups[1][0]
    assert groups[0][1:] == groups[1][1:]


def test_a_recording_has_a_page_of_its_own(tmp_path: Path) -> None:
    """What lies around a recording does not depend on the rows beside it."""
    around = set()
    for order in ((1, 2, 3), (3, 2, 1)):
        folder = tmp_path / f"first{order[0]}"
        rows = [released_row(number, **record(folder / "audio", number, seconds=1.0)) for number in order]
        build(folder, rows)
        written = (folder / "release" / WEAK).read_bytes()
        recording = (folder / "audio/2.wav").read_bytes()
        at = written.index(recording)
        around.add(written[at - 24 : at + len(recording) + 24])
    assert len(around) == 1


def test_rows_without_audio_are_in_larger_groups(tmp_path: Path) -> None:
    """Text is small: a thousand rows make a row group, and no column of audio is there."""
    source = write_stage(tmp_path / "split", [released_row(number) for number in range(1_500)])
    build_release(source, tmp_path / "release", INFO)
    assert group_sizes(tmp_path / "release" / WEAK) == [1_000, 500]
    assert pq.read_schema(tmp_path / "release" / WEAK) == arrow_schema(RELEASED)


def test_audio_lies_in_the_file_as_it_is(tmp_path: Path) -> None:
    """Neither a dictionary nor compression touches it; all else is compressed, and its pages are indexed."""
    rows = [released_row(number, **record(tmp_path / "audio", number)) for number in range(3)]
    build(tmp_path, rows)
    path = tmp_path / "release" / WEAK
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(number).path_in_schema: group.column(number) for number in range(group.num_columns)}
    audio = columns.pop("audio.bytes")
    assert (audio.compression, audio.has_dictionary_page, audio.has_offset_index) == ("UNCOMPRESSED", False, True)
    assert "PLAIN" in audio.encodings
    assert not any("DICTIONARY" in encoding for encoding in audio.encodings)
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert all(column.has_column_index and column.has_offset_index for column in columns.values())
    for number in range(3):
        assert path.read_bytes().count((tmp_path / f"audio/{number}.wav").read_bytes()) == 1


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_makes_audio_of_the_column(streaming: bool, tmp_path: Path) -> None:
    """With the card and without any, the column is an Audio feature whose bytes decode to the length in the row."""
    import datasets
    import soundfile

    rows = [released_row(number, **record(tmp_path / "audio", number, seconds=0.25 * number)) for number in (1, 2, 3)]
    build(tmp_path, rows)
    path = str(tmp_path / "release" / WEAK)
    where = {"cache_dir": str(tmp_path / "cache"), "streaming": streaming, "split": "train"}
    for loaded in (
        datasets.load_dataset("parquet", data_files=path, **where),
        datasets.load_dataset(str(tmp_path / "release"), "weak", **where),
    ):
        assert loaded.features["audio"] == datasets.Audio()
        assert loaded.features["choices"] == datasets.List(datasets.Value("string"))
        found = list(loaded.cast_column("audio", datasets.Audio(decode=False)))
        assert len(found) == 3
        for row in found:
            assert row["audio"]["path"] == f"{row['source_id']}.wav"
            assert soundfile.info(io.BytesIO(row["audio"]["bytes"])).duration == row["duration"]
    assert "torch" not in sys.modules


def test_every_row_of_a_clip_carries_it(tmp_path: Path) -> None:
    """Questions of one clip have its bytes, in every file and row group that they are in."""
    audio = {number: record(tmp_path / "audio", number) for number in range(60)}
    rows = [
        released_row(number, *pair, **values) | {"id": f"{number}:{slot}"}
        for number, values in audio.items()
        for slot, pair in enumerate([("sft", "weak"), ("sft", "weak"), ("sft", "weak"), ("rl", "strong")])
    ]
    build(tmp_path, rows)
    found = pl.read_parquet(tmp_path / "release/data/*/*.parquet")
    assert found.height == 240
    for row in found.iter_rows(named=True):
        assert row["audio"]["bytes"] == (tmp_path / "audio" / row["audio"]["path"]).read_bytes()
        assert row["audio"]["path"] == row["audio_path"]
    assert len(group_sizes(tmp_path / "release" / WEAK)) > 1


def test_no_folder_of_this_machine_is_in_the_rows(tmp_path: Path) -> None:
    """The path beside the bytes is the name of the file alone."""
    values = record(tmp_path / "audio/deep/er", 1)
    build(tmp_path, [released_row(1, **values | {"audio_path": "deep/er/1.wav"})])
    path = tmp_path / "release" / WEAK
    assert pl.read_parquet(path)["audio"][0]["path"] == "1.wav"
    assert str(tmp_path).encode() not in path.read_bytes()


@pytest.mark.parametrize("audio", ["embed", "reference"])
def test_how_rows_come_in_does_not_show(audio: str, tmp_path: Path) -> None:
    """The same rows give the same files, however the shard that they were read from is laid out."""
    from audiomcq_cli.storage.files import hash_file
    from audiomcq_cli.storage.manifest import read_manifest, write_manifest

    values = record(tmp_path / "audio", 1)
    pairs = [("sft", "weak"), ("rl", "strong"), ("sft", "strong")]
    rows = [released_row(number // 2, *pairs[number % 3], **values) | {"id": str(number)} for number in range(2_500)]
    source = write_stage(tmp_path / "split", rows, audio_roots={"AudioCaps": "../audio"})
    info = replace(INFO, audio=audio)
    first = build_release(source, tmp_path / "first", info)
    shard = source / "part-00000-of-00001.parquet"
    pq.write_table(pq.read_table(shard), shard, row_group_size=7)
    manifest = read_manifest(source) or {}
    manifest["shards"][0]["sha256"] = hash_file(shard)
    write_manifest(source, manifest)
    second = build_release(source, tmp_path / "second", info)
    assert first.files == second.files
    assert [file.rows for file in first.files if file.rows] == [833, 833, 834]
    assert first.statistics == second.statistics


def test_a_clip_is_counted_once(tmp_path: Path) -> None:
    """Rows come in pieces of a thousand, and a clip whose rows would be in two of them is still one clip."""
    values = record(tmp_path / "audio", 1)
    rows = [released_row(number // 3, **values) | {"id": str(number)} for number in range(3_000)]
    statistics = build(tmp_path, rows).statistics
    assert statistics.clips == {("AudioCaps",): 1_000}
    assert statistics.embedded == {("AudioCaps", "CC-BY-4.0"): 1_000}
    assert statistics.rows == 3_000


def test_a_clip_with_more_rows_than_a_piece(tmp_path: Path) -> None:
    """All rows of a clip are kept together, however many they are."""
    values = record(tmp_path / "audio", 1)
    rows = [released_row(1, **values) | {"id": str(number)} for number in range(2_200)]
    report = build(tmp_path, rows)
    assert report.statistics.clips.total() == 1
    assert pq.read_table(tmp_path / "release" / WEAK)["id"].to_pylist() == [row["id"] for row in rows]


def test_the_types_are_those_of_a_release(tmp_path: Path) -> None:
    """Beside the audio the columns are those of a release without it."""
    build(tmp_path, [released_row(1, **record(tmp_path / "audio", 1))])
    schema = pq.read_schema(tmp_path / "release" / WEAK)
    assert schema.field("audio").type == pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    assert pa.schema([field for field in schema if field.name != "audio"]) == arrow_schema(RELEASED)
