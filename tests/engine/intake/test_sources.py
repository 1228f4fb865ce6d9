"""Reading a source: which clips are taken, and what is kept of one that lies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import NoOptions, Row, Seed, Source, SourceRow
from audiomcq_cli.engine.extent import Extent
from audiomcq_cli.engine.intake.partition import partition, read_partition
from audiomcq_cli.engine.intake.sources import Sample, SourceSpec
from audiomcq_cli.errors import InputError, Interrupted
from tests.engine import find_temporary


class Shelf:
    """A source that lies elsewhere: it has a state, and counts how often it is read."""

    def __init__(self, rows: Sequence[SourceRow], state: str = "1") -> None:
        self.rows, self.state, self.read_to = rows, state, 0

    def read(self, path: Path, options: Any) -> Iterator[SourceRow]:
        for row in self.rows:
            self.read_to += 1
            yield row

    def spec(self, *, remote: bool = False, **changes: Any) -> SourceSpec:
        pin = (lambda path, options: Path(f"shelf@{self.state}")) if remote else None
        source = Source(help="", dataset="Shelf", read=self.read, options=NoOptions, grouped=False, pin=pin,
                        brings_audio=True)  # fmt: skip
        return SourceSpec(
            adapter="shelf", source=source, options=NoOptions(), path=Path("shelf"), name="Shelf", **changes
        )


def rows_of(clips: int, captions: int = 1) -> list[SourceRow]:
    """Rows of some clips, the captions of one far apart."""
    return [
        SourceRow(source_id=str(clip), row=1, captions=(f"{clip}-{n}",))
        for n in range(captions)
        for clip in range(clips)
    ]


def with_audio(clips: int) -> list[SourceRow]:
    def bring(number: int) -> SourceRow:
        return SourceRow(
            source_id=str(number), row=1, audio=(f"{number}.flac", f"{number}"), content=lambda: b"fLaC %d" % number
        )

    return [bring(number) for number in range(clips)]


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.wav", "..\\a.wav", "sub/../../a.wav", "C:/a.wav", "a\0.wav"])
def test_name_that_leaves_the_folder_is_a_problem(tmp_path: Path, name: str) -> None:
    """An audio file that is absolute or leads out of its folder, of whatever source, rejects its clip and no other."""
    rows = [SourceRow(source_id=one, row=3, captions=("x",), audio=(one,)) for one in (name, "b.wav")]
    first, second = clips_of(Shelf(rows).spec(), tmp_path)
    assert first["problem"]["reason"] in ("path_outside_root", "control_characters")
    assert first["problem"]["detail"].startswith("row 3")
    assert second["problem"] is None


def clips_of(spec: SourceSpec, folder: Path, **options: Any) -> list[Row]:
    parts = partition([spec.pinned()], folder / "parts", 1, store=folder / "audio", **options)
    return [clip for part in parts for clip in read_partition(part)]


def ids_of(clips: Sequence[Row]) -> set[str]:
    return {clip["source_id"] for clip in clips}


# ----------------------------------------------------------------------------------------------------------- samples


def test_sample_draws_clips_with_all_their_rows(tmp_path: Path) -> None:
    """So many clips as are asked for, each with every caption, however far apart its rows stand."""
    clips = clips_of(Shelf(rows_of(200, captions=3)).spec(sample=17), tmp_path)
    assert len(clips) == 17
    assert all(
        [one["text"] for one in clip["captions"]] == [f"{clip['source_id']}-{n}" for n in range(3)] for clip in clips
    )
    assert not list(find_temporary(tmp_path))


def test_sample_depends_on_the_seed(tmp_path: Path) -> None:
    """The same seed draws the same clips, another one others."""
    spec = Shelf(rows_of(300)).spec(sample=30)
    first = ids_of(clips_of(spec, tmp_path, seed=1))
    assert first == ids_of(clips_of(spec, tmp_path, seed=1))
    assert len(first & ids_of(clips_of(spec, tmp_path, seed=2))) < 15


def test_sample_that_is_more_than_there_is(tmp_path: Path) -> None:
    """All clips are taken, in their order."""
    assert [clip["source_id"] for clip in clips_of(Shelf(rows_of(5)).spec(sample=9), tmp_path)] == list("01234")


def test_sample_is_drawn_of_what_the_limit_reads(tmp_path: Path) -> None:
    """The limit says how far the source is read, the sample how many of those clips are taken."""
    clips = clips_of(Shelf(rows_of(100)).spec(sample=4, limit=10), tmp_path)
    assert len(clips) == 4
    assert ids_of(clips) <= {str(number) for number in range(10)}


@settings(max_examples=30)
@given(order=st.permutations(range(60)), small=st.integers(1, 30), more=st.integers(0, 29))
def test_larger_sample_holds_the_smaller(order: list[int], small: int, more: int) -> None:
    """Whatever the order of the clips; so a corpus that grows keeps what it has paid for."""
    drawn = []
    for count, clips in ((small, order), (small + more, sorted(order))):
        sample = Sample(count, seed=3)
        for clip in clips:
            sample.offer(str(clip))
        drawn.append({clip for clip in map(str, order) if clip in sample})
    assert len(drawn[0]) == small and len(drawn[1]) == small + more
    assert drawn[0] <= drawn[1]


def test_clips_that_are_added_take_the_place_of_few(tmp_path: Path) -> None:
    """A source with a tenth more clips keeps about nine tenths of a sample."""
    before, after = (ids_of(clips_of(Shelf(rows_of(n)).spec(sample=100), tmp_path)) for n in (1_000, 1_100))
    assert len(before & after) > 80


# ------------------------------------------------------------------------------------------------ audio that is brought


def test_audio_that_is_brought_is_kept_by_its_hash(tmp_path: Path) -> None:
    """Each file once, below two digits of its hash, with the extension of its name."""
    shelf = Shelf([*with_audio(2), replace(with_audio(1)[0], source_id="again")])
    clips = clips_of(shelf.spec(), tmp_path)
    paths = [clip["audio_path"] for clip in clips]
    assert paths[0] == paths[2] != paths[1]
    assert paths[0] == f"{clips[0]['audio_sha256'][:2]}/{clips[0]['audio_sha256']}.flac"
    assert (tmp_path / "audio" / paths[1]).read_bytes() == b"fLaC 1"
    assert all(clip["audio_present"] for clip in clips)
    assert len(list((tmp_path / "audio").rglob("*.flac"))) == 2


def test_sample_leaves_no_audio_of_others(tmp_path: Path) -> None:
    """Files of clips that were in question and are not drawn do not stay, but what was there before does."""
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "mine.wav").write_bytes(b"1")
    clips = clips_of(Shelf(with_audio(100)).spec(sample=5), tmp_path)
    kept = {path.relative_to(tmp_path / "audio").as_posix() for path in (tmp_path / "audio").rglob("*.*")}
    assert kept == {clip["audio_path"] for clip in clips} | {"mine.wav"}


def test_folder_of_audio_goes_before_what_is_brought(tmp_path: Path) -> None:
    """Where a folder is told, the file of that name in it is the clip's."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "1.wav").write_bytes(b"mine")
    first, second = clips_of(Shelf(with_audio(2)).spec(audio_root=tmp_path / "own"), tmp_path)
    assert (first["audio_path"], first["audio_present"]) == ("0.flac", False)
    assert (second["audio_path"], second["audio_present"]) == ("1.wav", True)
    assert not (tmp_path / "audio").exists()


def test_rehearsal_keeps_no_audio(tmp_path: Path) -> None:
    """Without a store nothing is fetched, and the clips are there all the same."""

    def fail() -> bytes:
        raise AssertionError

    row = SourceRow(source_id="a", row=1, audio=("a.wav",), content=fail)
    [path] = partition([Shelf([row]).spec()], tmp_path, 1)
    assert [clip["audio_present"] for clip in read_partition(path)] == [False]


# --------------------------------------------------------------------------------------------- what lies elsewhere


def test_what_lies_elsewhere_is_read_once(tmp_path: Path) -> None:
    """A second pass takes the rows that were kept; another state is read anew, and the old rows do not stay."""
    shelf = Shelf(with_audio(4))
    first = clips_of(shelf.spec(remote=True), tmp_path)
    assert clips_of(shelf.spec(remote=True), tmp_path) == first
    assert shelf.read_to == 4
    shelf.state = "2"
    assert clips_of(shelf.spec(remote=True), tmp_path) == first
    assert shelf.read_to == 8
    assert len(list((tmp_path / "parts").glob("source-*.jsonl"))) == 1


def test_audio_that_was_removed_is_fetched_again(tmp_path: Path) -> None:
    """Rows that were kept are not believed when a file of theirs is gone."""
    shelf = Shelf(with_audio(3))
    clips = clips_of(shelf.spec(remote=True), tmp_path)
    file = tmp_path / "audio" / clips[1]["audio_path"]
    file.unlink()
    assert clips_of(shelf.spec(remote=True), tmp_path) == clips
    assert file.is_file()


def test_reading_can_be_ended(tmp_path: Path) -> None:
    """Whoever watches the reading is told how far it is, and may end it; nothing half read is believed later."""
    shelf, told = Shelf(rows_of(1_000)), []

    def watch(name: str, rows: int, extent: Extent) -> None:
        told.append(rows)
        if rows >= 400:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        clips_of(shelf.spec(remote=True), tmp_path, watch=watch)
    assert told == [0, 200, 400]
    assert not list((tmp_path / "parts").glob("*.jsonl"))
    assert len(clips_of(shelf.spec(remote=True), tmp_path)) == 1_000


def test_source_without_rows_is_refused(tmp_path: Path) -> None:
    """An address that holds nothing is named like a file that does."""
    with pytest.raises(InputError, match="no rows"):
        clips_of(Shelf([]).spec(remote=True), tmp_path)


def test_seed_that_is_not_unicode_is_a_problem(tmp_path: Path) -> None:
    """Half of a surrogate pair in a question or an answer is noticed like one in a caption."""
    row = SourceRow(source_id="a", row=1, seeds=(Seed("What?", "\ud800"),))
    [clip] = clips_of(Shelf([row]).spec(), tmp_path)
    assert clip["problem"]["reason"] == "not_unicode"


# ----------------------------------------------------------------------------------------------- files that are guessed


def look_for(folder: Path, rows: Sequence[SourceRow], *files: str) -> dict[str, Row]:
    """The clips of some rows, by id, where these audio files are there, each of other content."""
    for file in files:
        path = folder / "own" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.encode())
    return {clip["source_id"]: clip for clip in clips_of(Shelf(rows).spec(audio_root=folder / "own"), folder)}


def test_file_of_two_rows_is_nobodys(tmp_path: Path) -> None:
    """A file that two rows guess is given to none of them, and one that a row names to that row, wherever it stands."""
    rows = [
        SourceRow(source_id="1", row=1, audio=("h/get?1",), guesses=("get",)),
        SourceRow(source_id="2", row=2, audio=("h/take",), guesses=("take",)),
        SourceRow(source_id="3", row=3, audio=("h/get?2",), guesses=("get",)),
        SourceRow(source_id="4", row=4, audio=("take.mp3",)),
        SourceRow(source_id="5", row=5, audio=("h/own",), guesses=("own",)),
    ]
    clips = look_for(tmp_path, rows, "get.mp3", "take.mp3", "own.wav")
    assert list(clips) == ["1", "2", "3", "4", "5"]
    assert [clip["audio_present"] for clip in clips.values()] == [False, False, False, True, True]
    assert (clips["1"]["audio_path"], clips["4"]["audio_path"]) == ("h/get?1.wav", "take.mp3")
    assert all(clip["problem"] is None for clip in clips.values())


def test_row_of_two_files_is_rejected(tmp_path: Path) -> None:
    """A row that could mean two recordings by its guesses names both; one that is sure of a third is not asked."""
    guesses = ("id", "Yid", "7")
    rows = [SourceRow(source_id="a", row=1, audio=("a",), guesses=guesses)]
    problem = look_for(tmp_path, rows, "Yid.wav", "7.wav")["a"]["problem"]
    assert problem == {"reason": "audio_ambiguous",
                       "detail": "shelf, row 1: its audio may be 'Yid.wav' or '7.wav'"}  # fmt: skip
    assert look_for(tmp_path, rows, "a.flac")["a"]["audio_path"] == "a.flac"


def test_rows_of_a_clip_with_one_file(tmp_path: Path) -> None:
    """Rows of one clip of which one alone has the number that its file is called by are one clip with that file."""
    rows = [SourceRow(source_id="a", row=n, audio=("a",), guesses=(str(n),)) for n in (6, 7, 8)]
    clip = look_for(tmp_path, rows, "7.wav")["a"]
    assert (clip["audio_path"], clip["problem"]) == ("7.wav", None)


def test_two_forms_of_one_name_are_one_clip(tmp_path: Path) -> None:
    """A name with composed and with decomposed accents is the same clip, and counts once for a limit."""
    rows = [SourceRow(source_id=name, row=1, captions=(name,), audio=(name,)) for name in ("caf\u00e9", "cafe\u0301")]
    [clip] = clips_of(Shelf(rows).spec(limit=1), tmp_path)
    assert (clip["source_id"], len(clip["captions"])) == ("caf\u00e9", 2)


def test_audio_that_cannot_be_brought_rejects_its_row(tmp_path: Path) -> None:
    """A row whose audio is not where it says is rejected with what was said; the others are read."""

    def fail() -> bytes:
        raise InputError("no such file", file="set", row=1)

    broken = SourceRow(source_id="x", row=1, audio=("x.wav",), content=fail)
    first, second = clips_of(Shelf([broken, *with_audio(1)]).spec(), tmp_path)
    assert first["problem"] == {"reason": "audio_missing", "detail": "set, row 1: no such file"}
    assert second["audio_present"]
