"""Sources into shards: where a clip goes depends on its id alone, and all that is said of it comes together."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli import records
from audiomcq_cli.contracts import Event, NoOptions, Reject, Row, Source, SourceRow
from audiomcq_cli.engine.intake.partition import FEW_CLIPS, choose_shards, partition, read_partition
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.errors import InputError, StorageError
from tests.engine import find_temporary


def row(source_id: str, *captions: str, audio: str = "", **more: Any) -> SourceRow:
    return SourceRow(source_id=source_id, row=1, captions=captions, audio=(audio,) if audio else (), **more)


@dataclass
class Counting:
    """Rows that are counted as they are read."""

    rows: Sequence[SourceRow]
    read: int = 0

    def __call__(self, path: Path, options: Any) -> Iterator[SourceRow]:
        for one in self.rows:
            self.read += 1
            yield one


def make_spec(rows: Any, name: str = "Small", grouped: bool = True, **changes: Any) -> SourceSpec:
    read = rows if callable(rows) else Counting(rows)
    source = Source(help="rows", dataset=name, read=read, options=NoOptions, grouped=grouped)
    return SourceSpec(adapter="rows", source=source, options=NoOptions(), path=Path(name), name=name, **changes)


def read_all(paths: Sequence[Path]) -> list[list[Row]]:
    return [list(read_partition(path)) for path in paths]


def clips_of(folder: Path, *specs: SourceSpec, shards: int | None = None) -> list[Row]:
    return [clip for part in read_all(partition(specs, folder, shards)) for clip in part]


def texts(clip: Row) -> list[str]:
    return [caption["text"] for caption in clip["captions"]]


# -------------------------------------------------------------------------------------------------- how many shards


CHOSEN = {
    1: 1, 4_999: 1, 5_000: 4, 7_999: 4, 8_000: 8, 10_000: 8, 15_999: 8, 16_000: 16, 31_999: 16, 32_000: 32, 49_838: 32,
    63_999: 32, 64_000: 64, 64_001: 64, 600_000: 64,
}  # fmt: skip


def test_number_of_shards_is_what_the_design_says() -> None:
    """The numbers are part of the format: a corpus keeps its shards from version to version."""
    assert {clips: choose_shards(clips) for clips in CHOSEN} == CHOSEN


@given(clips=st.integers(0, 10**6))
def test_number_of_shards_leaves_each_enough_clips(clips: int) -> None:
    """It is a power of two up to 64 with 1,000 clips or more each, and the double would be too many."""
    shards = choose_shards(clips)
    assert shards in (1, 2, 4, 8, 16, 32, 64)
    assert shards == 1 or clips >= max(5_000, 1_000 * shards)
    assert shards == 64 or clips < max(5_000, 2_000 * shards)


@pytest.mark.parametrize(("clips", "shards"), [(FEW_CLIPS - 1, 1), (FEW_CLIPS, 4), (8_000, 8)])
def test_number_of_shards_follows_from_the_clips(tmp_path: Path, clips: int, shards: int) -> None:
    """The clips of all sources are counted as they are read; every clip is in one shard."""
    paths = partition([make_spec([row(str(number), "a") for number in range(clips)])], tmp_path, None)
    assert [path.name for path in paths] == [f"part-{index:05d}-of-{shards:05d}.jsonl" for index in range(shards)]
    assert sum(map(len, read_all(paths))) == clips


def test_rows_of_few_clips_are_few_clips(tmp_path: Path) -> None:
    """Many captions of few clips are still one shard."""
    rows = [row(str(number % 10), str(number)) for number in range(FEW_CLIPS + 10)]
    assert len(partition([make_spec(rows)], tmp_path, None)) == 1


def test_number_that_is_given_makes_the_same_files_as_one_that_is_chosen(tmp_path: Path) -> None:
    """What is read to count the clips comes out as what is not: the files have the same bytes."""
    spec = make_spec([row(str(number % 8_100), f"Ein Tür \u2028 {number}", audio="a.wav") for number in range(9_000)])
    chosen, given = partition([spec], tmp_path / "chosen", None), partition([spec], tmp_path / "given", 8)
    assert [path.read_bytes() for path in chosen] == [path.read_bytes() for path in given]


def test_number_of_shards_can_be_given(tmp_path: Path) -> None:
    """As many shards as asked for are written, those without a clip too."""
    parts = read_all(partition([make_spec([row("1"), row("2")])], tmp_path, 7))
    assert len(parts) == 7
    for index, part in enumerate(parts):
        assert all(records.shard_of(clip["clip_id"], 7) == index for clip in part)


def test_older_number_of_shards_is_removed(tmp_path: Path) -> None:
    """Files of another number of shards do not stay."""
    partition([make_spec([row("1")])], tmp_path, 5)
    paths = partition([make_spec([row("1")])], tmp_path, 2)
    assert sorted(tmp_path.glob("part-*")) == paths


@settings(max_examples=20)
@given(seed=st.integers(0, 1_000), shards=st.integers(1, 8))
def test_shard_of_a_clip_does_not_depend_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shards: int
) -> None:
    """Rows in another order, or with others between them, are in the same shards."""
    rows = [row(str(number), "a") for number in range(40)]
    more = rows + [row(f"more {number}", "a") for number in range(20)]
    random.Random(seed).shuffle(more)
    found = []
    for these in (rows, more):
        parts = read_all(partition([make_spec(these)], tmp_path_factory.mktemp("parts"), shards))
        found.append({clip["clip_id"]: index for index, part in enumerate(parts) for clip in part})
    assert len(found[0]) == 40
    assert found[0].items() <= found[1].items()


# ---------------------------------------------------------------------------------------------------- one clip


def test_captions_of_a_clip_come_together(tmp_path: Path) -> None:
    """Captions that stand far apart in a source are one clip, in the order of its first row and of its captions."""
    rows = [row("a", "one"), *[row(f"filler {number}") for number in range(3_000)], row("b", "x"), row("a", "two", "3")]
    clips = clips_of(tmp_path, make_spec(rows, grouped=False))
    assert len(clips) == 3_002
    assert texts(clips[0]) == ["one", "two", "3"]
    assert clips[0]["captions"][0] == {"text": "one", "origin": "Small"}


def test_events_of_a_clip_come_together(tmp_path: Path) -> None:
    """The known sounds of all rows of a clip stand in their order, each once, and say where they come from."""
    dog, rain = Event("dog", 0.5, 2.0), Event("rain")
    rows = [row("a", events=(dog, dog)), row("b", events=(rain,)), row("a", events=(rain, dog))]
    first, second = clips_of(tmp_path, make_spec(rows, grouped=False))
    known = {"label": "rain", "onset": None, "offset": None, "origin": "source"}
    assert first["events"] == [{"label": "dog", "onset": 0.5, "offset": 2.0, "origin": "source"}, known]
    assert second["events"] == [known]


def test_event_that_is_not_unicode_makes_its_row_a_problem(tmp_path: Path) -> None:
    """Half of a surrogate pair in a label is noticed like one in a caption."""
    [clip] = clips_of(tmp_path, make_spec([row("a", "x", events=(Event("\ud800"),))]))
    assert clip["problem"]["reason"] == "not_unicode"


def test_rows_that_name_different_audio_conflict(tmp_path: Path) -> None:
    """Two rows of a clip with different files make it a problem that names both; other clips are untouched."""
    rows = [row("a", "one", audio="a.wav"), row("b", "x", audio="b.wav"), row("a", "two", audio="c.wav")]
    conflict, fine = clips_of(tmp_path, make_spec(rows))
    assert conflict["problem"]["reason"] == "conflicting_rows"
    assert "'a.wav'" in conflict["problem"]["detail"] and "'c.wav'" in conflict["problem"]["detail"]
    assert fine["problem"] is None


def test_problem_of_one_row_is_the_clips(tmp_path: Path) -> None:
    """A row that cannot be used makes its clip a problem, whichever of its rows it is; the first one counts."""
    bad, worse = Reject("bad_row", "no caption"), Reject("worse_row", "no sense")
    rows = [row("a", "one"), row("a", problem=bad), row("a", problem=worse), row("b", problem=worse)]
    first, second = clips_of(tmp_path, make_spec(rows))
    assert first["problem"] == {"reason": "bad_row", "detail": "no caption"}
    assert second["problem"]["reason"] == "worse_row"


def test_license_and_origin_come_from_where_they_are_said(tmp_path: Path) -> None:
    """A row's own license counts first, then another row's of its clip or else the source's."""
    rows = [row("a"), row("a", origin="here"), row("b", license="CC0")]
    plain = clips_of(tmp_path / "plain", make_spec(rows))
    assert [(clip["license"], clip["origin"]) for clip in plain] == [(None, "here"), ("CC0", None)]
    with_default = clips_of(tmp_path / "default", make_spec(rows, license="CC-BY"))
    assert [clip["license"] for clip in with_default] == ["CC-BY", "CC0"]


# -------------------------------------------------------------------------------------------------------- sources


def test_sources_follow_one_another(tmp_path: Path) -> None:
    """Clips of several sources keep their names apart, also where their ids are the same."""
    specs = [make_spec([row("1", "a")], "One"), make_spec([row("1", "b")], "Two")]
    clips = clips_of(tmp_path, *specs)
    assert [(clip["clip_id"], texts(clip)) for clip in clips] == [("One:1", ["a"]), ("Two:1", ["b"])]


def test_limit_takes_the_first_clips_of_each_source(tmp_path: Path) -> None:
    """A limit counts clips, not rows, and each source for itself."""
    rows = [row(str(number // 2), str(number)) for number in range(20)]
    clips = clips_of(tmp_path, make_spec(rows, "One", limit=3), make_spec(rows, "Two", limit=1), make_spec([row("x")]))
    assert [clip["clip_id"] for clip in clips] == ["One:0", "One:1", "One:2", "Two:0", "Small:x"]
    assert texts(clips[0]) == ["0", "1"]


def test_limit_of_a_grouped_source_stops_reading(tmp_path: Path) -> None:
    """Where the rows of a clip come together, no more than one row behind the limit is read."""
    read = Counting([row(str(number)) for number in range(100)])
    clips_of(tmp_path, make_spec(read, limit=5))
    assert read.read == 6


def test_limit_of_a_scattered_source_reads_on(tmp_path: Path) -> None:
    """Where they do not, the later captions of the clips that are taken are found."""
    rows = [row("a", "1"), row("b", "2"), row("c", "3"), row("a", "4")]
    clips = clips_of(tmp_path, make_spec(rows, grouped=False, limit=2))
    assert [(clip["source_id"], texts(clip)) for clip in clips] == [("a", ["1", "4"]), ("b", ["2"])]


def test_no_rows_at_all_are_refused(tmp_path: Path) -> None:
    """Sources without a row are named, and no empty corpus is begun."""
    with pytest.raises(InputError, match="One, Two: no rows"):
        partition([make_spec([], "One"), make_spec([], "Two")], tmp_path, None)
    assert not list(find_temporary(tmp_path))


def test_source_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """An error in the middle of a source comes out itself, and no half shard is left."""

    def read(path: Path, options: Any) -> Iterator[SourceRow]:
        yield row("a")
        raise InputError("not a number", file=str(path), row=2)

    with pytest.raises(InputError, match="row 2"):
        partition([make_spec(read)], tmp_path, 3)
    assert not list(tmp_path.glob("*part-*"))


# ---------------------------------------------------------------------------------------------------------- audio


def test_audio_is_found_below_its_root(tmp_path: Path) -> None:
    """A name is found with its extension or without, in folders too, and its hash is noted."""
    root = tmp_path / "audio"
    (root / "deep").mkdir(parents=True)
    (root / "a.flac").write_bytes(b"12345")
    (root / "deep" / "b.wav").write_bytes(b"1")
    rows = [row("a", audio="a"), row("b", audio="b.wav"), row("c", audio="c"), row("d")]
    clips = clips_of(tmp_path / "parts", make_spec(rows, audio_root=root))
    assert [(clip["audio_path"], clip["audio_present"], clip["audio_sha256"]) for clip in clips] == [
        ("a.flac", True, hashlib.sha256(b"12345").hexdigest()),
        ("deep/b.wav", True, hashlib.sha256(b"1").hexdigest()),
        ("c.wav", False, None),
        (None, False, None),
    ]


def test_audio_that_changes_changes_the_partition(tmp_path: Path) -> None:
    """A file that was replaced by one of the same size is noticed: the shard that it is in is another."""
    root = tmp_path / "audio"
    root.mkdir()
    (root / "a.wav").write_bytes(b"1")
    spec = make_spec([row("a", audio="a")], audio_root=root)
    [path] = partition([spec], tmp_path / "parts", None)
    before = path.read_bytes()
    assert partition([spec], tmp_path / "parts", None)[0].read_bytes() == before
    (root / "a.wav").write_bytes(b"2")
    os.utime(root / "a.wav", ns=(1, 1))
    assert partition([spec], tmp_path / "parts", None)[0].read_bytes() != before


def test_damaged_hashes_are_taken_again(tmp_path: Path) -> None:
    """The file of content hashes is there for speed alone: overwritten with noise it is begun anew."""
    (tmp_path / "a.wav").write_bytes(b"1")
    spec = make_spec([row("a", audio="a.wav")], audio_root=tmp_path)
    [path] = partition([spec], tmp_path / "parts", None)
    before = path.read_bytes()
    (tmp_path / "parts" / "audio.sqlite").write_bytes(bytes(range(256)) * 16)
    assert partition([spec], tmp_path / "parts", None)[0].read_bytes() == before


def test_hashes_that_cannot_be_stored_are_named(tmp_path: Path) -> None:
    """A file that cannot be opened is an error of ours."""
    (tmp_path / "parts" / "audio.sqlite").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"audio\.sqlite: cannot be read or written"):
        partition([make_spec([row("a")])], tmp_path / "parts", None)
