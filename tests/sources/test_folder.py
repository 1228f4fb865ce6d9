from __future__ import annotations

import os
import sys
from pathlib import Path

import polars as pl
import pytest

from audiomcq_cli.contracts import Event, SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources.folder import SOURCE, Options, list_unread


def read(folder: Path, captions: str = "") -> list[SourceRow]:
    return list(SOURCE.read(folder, Options(captions=captions)))


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_audio_alone_is_enough(tmp_path: Path) -> None:
    """A folder without a captions file gives its audio files by name, without captions."""
    fill(tmp_path, "b.wav", "sub/a.flac", "notes.txt")
    assert read(tmp_path) == [
        SourceRow(source_id="b.wav", row=1, audio=("b.wav",)),
        SourceRow(source_id="sub/a.flac", row=2, audio=("sub/a.flac",)),
    ]


def test_rows_come_first_then_files_without_one(tmp_path: Path) -> None:
    """Rows of the captions file keep their order; audio files that none of them names follow."""
    fill(tmp_path, "a.wav", "b.wav", "c.wav", "sub/d.wav")
    (tmp_path / "captions.csv").write_text("file_name,caption\nc.wav,cat\nd,dog\n./b.wav,bird\n", encoding="utf-8")
    assert [(row.source_id, row.captions, row.row) for row in read(tmp_path)] == [
        ("c.wav", ("cat",), 1),
        ("d", ("dog",), 2),
        ("b.wav", ("bird",), 3),
        ("a.wav", (), 4),
    ]


def test_csv_keeps_license_author_and_address(tmp_path: Path) -> None:
    """License, address and author of a row are kept."""
    table = "file_name,caption,author,source_url,license\nrain.wav,Rain falls,Ann,https://example.org/1,CC BY\n"
    (tmp_path / "clips.csv").write_text(table, encoding="utf-8")
    assert read(tmp_path) == [
        SourceRow(
            source_id="rain.wav",
            row=1,
            captions=("Rain falls",),
            audio=("rain.wav",),
            license="CC BY",
            origin="https://example.org/1 (by Ann)",
        )
    ]


def test_several_captions_in_columns_or_rows(tmp_path: Path) -> None:
    """Captions of a clip stand in numbered columns or in several rows, which may be apart."""
    table = "file_name,caption_1,caption_2\na.wav,one,two\nb.wav,x,\na.wav,three,\n"
    (tmp_path / "captions.csv").write_text(table, encoding="utf-8")
    expected = [("a.wav", ("one", "two")), ("b.wav", ("x",)), ("a.wav", ("three",))]
    assert [(row.source_id, row.captions) for row in read(tmp_path)] == expected
    assert not SOURCE.grouped


def test_json_lines_are_read(tmp_path: Path) -> None:
    """A JSON Lines file does the same; null is no caption, other keys are ignored, a byte order mark is fine."""
    lines = '\ufeff{"file_name": "a.wav", "caption": "one", "extra": [1]}\n\n{"file_name": "b.wav", "caption": null}\n'
    (tmp_path / "metadata.jsonl").write_text(lines, encoding="utf-8")
    assert [(row.source_id, row.captions) for row in read(tmp_path)] == [("a.wav", ("one",)), ("b.wav", ())]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "row 2: is not JSON"),
        ('{"file_name": "a", "caption": "\\ud800}', "row 2: is not JSON"),
        ('{"file_name": "a", "caption": "\\ud800", "x": NaN}', "row 2: is not JSON"),
        ('{"file_name": "a", "caption": "\\ud800", "x": ' + "[" * 100_000, "row 2: is not JSON"),
        ("[1]", "row 2: expected an object with the key 'file_name'"),
        ('{"caption": "x"}', "row 2: expected an object with the key 'file_name'"),
        ('{"file_name": "a", "caption": ["x"]}', "row 2, column 'caption': expected a text, found list"),
        ('{"file_name": "a", "text": "x"}', "row 2: no key 'caption'; found: file_name, text"),
    ],
)
def test_bad_json_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    """A line that is not what was expected names file, row and, where one is at fault, column."""
    (tmp_path / "captions.jsonl").write_text('{"file_name": "z", "caption": "x"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"captions\.jsonl, ") as caught:
        read(tmp_path)
    assert message in str(caught.value)


def test_events_are_read_from_json_lines(tmp_path: Path) -> None:
    """Known sounds of a clip are read with their times; a time that is null or not there is not known."""
    events = '[{"label": " dog ", "onset": 1, "offset": 2.5}, {"label": "rain", "onset": null, "extra": 1}]'
    lines = f'{{"file_name": "a.wav", "caption": "x", "events": {events}}}\n'
    (tmp_path / "a.jsonl").write_text(lines + '{"file_name": "b.wav", "caption": "x", "events": null}\n')
    first, second = read(tmp_path)
    assert first.events == (Event("dog", 1.0, 2.5), Event("rain"))
    assert second.events == ()


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ('"dog"', "expected a list, found str"),
        ('{"label": "dog"}', "expected a list, found dict"),
        ('["dog"]', "expected objects, found str"),
        ('[{"onset": 1}]', "expected a text as label, found None"),
        ('[{"label": " "}]', "expected a text as label, found ' '"),
        ('[{"label": "dog", "onset": "1"}]', "expected seconds or null as onset, found '1'"),
        ('[{"label": "dog", "offset": true}]', "expected seconds or null as offset, found True"),
    ],
)
def test_bad_event_is_named(tmp_path: Path, events: str, message: str) -> None:
    """Events of another shape name file, row and column, and show what they should look like."""
    (tmp_path / "captions.jsonl").write_text(f'{{"file_name": "z", "caption": "x", "events": {events}}}\n')
    with pytest.raises(InputError, match=r"captions\.jsonl, row 1, column 'events': ") as caught:
        read(tmp_path)
    assert message in str(caught.value)
    assert '"label": "dog barking"' in caught.value.hint


def test_windows_separators_are_understood(tmp_path: Path) -> None:
    """A table made on Windows names files in folders with backslashes."""
    fill(tmp_path, "sub/a.wav")
    (tmp_path / "captions.csv").write_text("file_name,caption\nsub\\a.wav,x\n", encoding="utf-8")
    assert [row.source_id for row in read(tmp_path)] == ["sub/a.wav"]


def test_row_without_a_name_is_a_problem(tmp_path: Path) -> None:
    """A row without a file name is given on with its problem and an id of its own."""
    (tmp_path / "captions.csv").write_text("file_name,caption\n ,x\n", encoding="utf-8")
    [row] = read(tmp_path)
    assert row.source_id == "captions.csv-row-1"
    assert row.problem is not None
    assert row.problem.reason == "no_id"


def test_several_tables_ask_to_choose(tmp_path: Path) -> None:
    """With two files that could have the captions, none is taken silently."""
    fill(tmp_path, "a.csv", "b.jsonl")
    with pytest.raises(InputError, match=r"a\.csv, b\.jsonl") as caught:
        read(tmp_path)
    assert "captions = 'a.csv'" in caught.value.hint


def test_table_can_be_chosen(tmp_path: Path) -> None:
    """The option names the captions file, relative to the folder or absolute."""
    (tmp_path / "clips").mkdir()
    fill(tmp_path, "clips/b.jsonl")
    for table in (tmp_path / "clips" / "a.csv", tmp_path / "outside.csv"):
        table.write_text(f"file_name,caption\n{table.stem}.wav,x\n", encoding="utf-8")
    assert [row.source_id for row in read(tmp_path / "clips", "a.csv")] == ["a.wav"]
    assert [row.source_id for row in read(tmp_path / "clips", str(tmp_path / "outside.csv"))] == ["outside.wav"]


@pytest.mark.parametrize(
    ("captions", "message"),
    [("absent.csv", "no such file"), ("absent.jsonl", "no such file"), ("notes.txt", "has the extension '.txt'")],
)
def test_bad_choice_is_an_error(tmp_path: Path, captions: str, message: str) -> None:
    """A captions file that is not there, or is of another kind, is named."""
    fill(tmp_path, "a.wav")
    with pytest.raises(InputError, match=message):
        read(tmp_path, captions)


def test_csv_without_captions_lists_its_columns(tmp_path: Path) -> None:
    """A table without a caption column says which columns it has."""
    (tmp_path / "clips.csv").write_text("file_name,text\na.wav,x\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"clips.csv: the header has no column 'caption'; found: file_name, text"):
        read(tmp_path)


def test_row_that_says_nothing_of_its_clip_is_named(tmp_path: Path) -> None:
    """In a table with events and without captions, a row without events is named."""
    (tmp_path / "clips.csv").write_text('file_name,events\na.wav,"[{""label"": ""dog""}]"\nb.wav,\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"clips\.csv, row 2: neither events nor a column 'caption'"):
        read(tmp_path)


def test_parquet_without_captions_names_its_columns(tmp_path: Path) -> None:
    """Parquet has a header as CSV has."""
    pl.DataFrame({"file_name": ["a.wav"], "text": ["x"]}).write_parquet(tmp_path / "captions.parquet")
    with pytest.raises(InputError, match=r"parquet: the header has no column 'caption'; found: file_name, text"):
        read(tmp_path, "captions.parquet")


def test_empty_or_missing_folder_is_an_error(tmp_path: Path) -> None:
    """A folder with nothing to read, one that is not there, and a file in its place are refused."""
    with pytest.raises(InputError, match="no audio and no captions"):
        read(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read(tmp_path / "absent")
    fill(tmp_path, "a.wav")
    with pytest.raises(InputError, match="not a folder"):
        read(tmp_path / "a.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not Unicode")
def test_file_name_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 cannot have an id; it is reported, not lost."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")).touch()
    [row] = read(tmp_path)
    assert row.problem is not None
    assert row.problem.reason == "file_name_not_utf8"
    row.source_id.encode()


def test_audio_root_is_the_folder(tmp_path: Path) -> None:
    """The audio of a folder lies in it."""
    assert SOURCE.audio_root is not None
    assert SOURCE.audio_root(tmp_path) == tmp_path


def test_half_of_a_surrogate_pair_is_read(tmp_path: Path) -> None:
    """An escape that is no Unicode is left to whoever rejects the row; the rows after it are read."""
    lines = [
        '{"file_name": "a.wav", "caption": "A dog \\ud83d barks", "extra": 1}',
        '{"file_name": "b.wav", "caption": "A dog \\ud83d\\ude00 barks"}',
        '{"file_name": "c.wav", "events": [{"label": "dog \\udc00", "onset": 1}]}',
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    first, second, third = read(tmp_path)
    assert first.captions == ("A dog \ud83d barks",)
    assert second.captions == ("A dog \U0001f600 barks",)
    assert third.events == (Event("dog \udc00", 1.0),)


def test_events_are_read_from_csv(tmp_path: Path) -> None:
    """A column of events has the same JSON in its cells; a clip with events needs no caption."""
    rows = 'file_name,events\na.wav,"[{""label"": ""a dog barking"", ""onset"": 1, ""offset"": 2}]"\n'
    (tmp_path / "a.csv").write_text(rows)
    [row] = read(tmp_path)
    assert (row.captions, row.events) == ((), (Event("a dog barking", 1.0, 2.0),))


def test_bad_events_in_csv_are_named(tmp_path: Path) -> None:
    """A cell that is no JSON is named with file, row and column."""
    (tmp_path / "a.csv").write_text("file_name,caption,events\na.wav,x,[oops\n")
    with pytest.raises(InputError, match=r"a\.csv, row 1, column 'events': is not JSON"):
        read(tmp_path)


# ------------------------------------------------------------------------------------------- several folders, formats


def test_folders_below_have_captions_files_of_their_own(tmp_path: Path) -> None:
    """In the layout of AudioFolder the names are relative to the folder of the metadata file, and so is their file."""
    fill(tmp_path, "train/0.wav", "test/0.wav", "test/deep/er/1.flac")
    (tmp_path / "train/metadata.csv").write_text("file_name,caption\n0.wav,cat\n,dog\n")
    (tmp_path / "test/metadata.jsonl").write_text('{"file_name": "deep/er/1.flac", "caption": "cow"}\n')
    assert [(row.source_id, row.captions, row.audio) for row in read(tmp_path)] == [
        ("test/deep/er/1.flac", ("cow",), ("test/deep/er/1.flac",)),
        ("train/0.wav", ("cat",), ("train/0.wav",)),
        ("train/metadata.csv-row-2", (), ()),
        ("test/0.wav", (), ("test/0.wav",)),
    ]


@pytest.mark.parametrize("extension", ["csv", "tsv", "jsonl", "ndjson", "parquet"])
@pytest.mark.parametrize("folder", ["", "sub"])
def test_every_format_of_captions_is_read(folder: str, extension: str, tmp_path: Path) -> None:
    """A captions file of each format is found beside the audio, in the folder and below."""
    fill(tmp_path, f"{folder}/a.wav")
    table = pl.DataFrame({"file_name": ["a.wav"], "caption": ["a dog, barking"], "license": ["CC0"]})
    path = tmp_path / folder / f"captions.{extension}"
    if extension in ("csv", "tsv"):
        table.write_csv(path, separator="," if extension == "csv" else "\t")
    elif extension == "parquet":
        table.write_parquet(path)
    else:
        table.write_ndjson(path)
    [row] = read(tmp_path)
    name = f"{folder}/a.wav".lstrip("/")
    assert (row.source_id, row.captions, row.license) == (name, ("a dog, barking",), "CC0")
    assert not list(list_unread(tmp_path, Options()))


def test_name_means_the_file_at_that_path(tmp_path: Path) -> None:
    """A row never takes the file that another row has by its path; what is alone further down it may take."""
    fill(tmp_path, "sub/b.wav", "sub/c.wav", "x/d.wav", "y/d.wav", "x/e.mp3", "x/e.wav")
    names = ("b.wav", "sub/b.wav", "c.wav", "c.wav", "d.wav", "e")
    (tmp_path / "a.csv").write_text("file_name,caption\n" + "".join(f"{name},x\n" for name in names))
    rows = read(tmp_path)
    assert [row.audio for row in rows] == [
        ("b.wav",), ("sub/b.wav",), ("sub/c.wav",), ("sub/c.wav",), ("d.wav",), ("x/e.wav",), ("x/d.wav",),
        ("x/e.mp3",), ("y/d.wav",),
    ]  # fmt: skip
    assert rows[4].problem is not None
    assert (rows[4].problem.reason, rows[4].problem.detail) == (
        "audio_ambiguous",
        "row 5: 'd.wav' may be 'x/d.wav' or 'y/d.wav'",
    )
    assert SOURCE.exact


def test_name_that_leads_out_of_its_folder_stays_so(tmp_path: Path) -> None:
    """A name of a captions file below is not made harmless by the folder before it."""
    fill(tmp_path, "a.wav", "sub/b.wav")
    (tmp_path / "sub/metadata.csv").write_text("file_name,caption\n../a.wav,x\n/a.wav,y\n")
    assert [row.audio for row in read(tmp_path)][:2] == [("sub/../a.wav",), ("/a.wav",)]


def test_several_tables_below_ask_to_choose(tmp_path: Path) -> None:
    """Of several captions files in a folder below the one called metadata counts; else none is taken silently."""
    fill(tmp_path, "sub/a.wav")
    for name in ("a", "b"):
        (tmp_path / f"sub/{name}.csv").write_text("file_name,caption\na.wav,x\n")
    with pytest.raises(InputError, match=r"sub: holds several .*: a\.csv, b\.csv") as caught:
        read(tmp_path)
    assert "captions = 'sub/a.csv'" in caught.value.hint
    (tmp_path / "sub/metadata.csv").write_text("file_name,caption\na.wav,z\n")
    assert [row.captions for row in read(tmp_path)] == [("z",)]
    assert list(list_unread(tmp_path, Options())) == ["not read as captions: sub/a.csv, sub/b.csv"]


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    """Files that are neither audio nor captions, hidden audio and links to folders are named, a kind to a line."""
    fill(tmp_path, "a.wav", "b.webm", "notes.txt", "sub/more.txt", "clip", "sub/.c.wav", ".git/x.wav", ".DS_Store")
    (tmp_path / "sub/labels.tsv").write_text("a\tb\n1\t2\n")
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "sub/link").symlink_to(tmp_path)
    assert list(list_unread(tmp_path, Options())) == [
        "not read as captions: a.json, sub/labels.tsv",
        "not taken, by the name no audio (no extension): clip",
        "not taken, by the name no audio (.txt): notes.txt, sub/more.txt",
        "not taken, hidden: sub/.c.wav",
        "not looked into, a link to a folder: sub/link",
    ]
