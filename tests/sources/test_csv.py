"""The errors of CSV files are the same for every source; they are tested once, with AudioCaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._csv import credit, format_youtube, parse_seconds
from audiomcq_cli.sources.audiocaps import SOURCE

HEADER = "audiocap_id,youtube_id,start_time,caption\n"


def read(path: Path) -> list[SourceRow]:
    return list(SOURCE.read(path, SOURCE.options()))


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "train.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named, with the columns expected of it."""
    with pytest.raises(
        InputError, match=r"absent\.csv: no such file, expected a CSV file with the columns audiocap_id"
    ):
        read(tmp_path / "absent.csv")


def test_folder_offers_its_files(tmp_path: Path) -> None:
    """A folder in place of a file is refused, with the CSV files in it."""
    write(tmp_path, HEADER)
    with pytest.raises(InputError, match="is a folder") as caught:
        read(tmp_path)
    assert "train.csv" in caught.value.hint


@pytest.mark.parametrize("content", ["", "\n\n", b"\xef\xbb\xbf"])
def test_empty_file_is_refused(tmp_path: Path, content: str | bytes) -> None:
    """A file without a header is empty."""
    with pytest.raises(InputError, match=r"train\.csv: is empty"):
        read(write(tmp_path, content))


def test_missing_columns_are_named_with_those_found(tmp_path: Path) -> None:
    """A header without the columns says which are missing and which there are."""
    with pytest.raises(
        InputError, match="the header has no column 'audiocap_id', 'start_time'; found: youtube_id, Cap"
    ):
        read(write(tmp_path, "youtube_id,Caption,caption\n"))


def test_other_separator_is_guessed(tmp_path: Path) -> None:
    """A file with semicolons is told so."""
    with pytest.raises(InputError) as caught:
        read(write(tmp_path, HEADER.replace(",", ";")))
    assert "separated by ';'" in caught.value.hint


def test_column_twice_is_refused(tmp_path: Path) -> None:
    """Of two columns with one name neither is taken silently."""
    with pytest.raises(InputError, match="column 'caption': is there more than once"):
        read(write(tmp_path, "caption," + HEADER))


def test_other_encoding_names_the_line(tmp_path: Path) -> None:
    """A file that is not UTF-8 says in which line, near what, and how to convert it."""
    with pytest.raises(InputError, match=r"line 3 is not UTF-8, near .*caf") as caught:
        read(write(tmp_path, (HEADER + "1,a,0,fine\n2,b,0,café noise\n").encode("iso-8859-1")))
    assert "iconv" in caught.value.hint


def test_utf16_is_told(tmp_path: Path) -> None:
    """A file as spreadsheets save "Unicode text" is told by its mark, with the conversion that helps."""
    with pytest.raises(InputError, match="is UTF-16, expected UTF-8") as caught:
        read(write(tmp_path, (HEADER + "1,a,0,fine\n").encode("utf-16")))
    assert "iconv -f UTF-16" in caught.value.hint


@pytest.mark.parametrize(("line", "count"), [("2,b,0\n", 3), ("2,b,0,wind, rain\n", 5)])
def test_ragged_row_is_named(tmp_path: Path, line: str, count: int) -> None:
    """A row with fewer or more fields than the header names its row and both counts."""
    with pytest.raises(InputError, match=f"row 2: has {count} fields, expected 4"):
        read(write(tmp_path, HEADER + "1,a,0,fine\n" + line))


def test_open_quote_is_refused(tmp_path: Path) -> None:
    """A quote that is never closed does not swallow the rest of the file."""
    with pytest.raises(InputError, match="row 2: is not CSV") as caught:
        read(write(tmp_path, HEADER + '1,a,0,fine\n2,b,0,"open\n3,c,0,lost\n'))
    assert "double quote" in caught.value.hint


def test_rows_come_before_an_error_behind_them(tmp_path: Path) -> None:
    """Reading streams: rows before a broken one arrive."""
    rows = SOURCE.read(write(tmp_path, HEADER + "1,abcdefghij0,0,fine\n2,b\n"), SOURCE.options())
    assert next(rows).source_id == "abcdefghij0_0"
    with pytest.raises(InputError):
        next(rows)


def test_byte_order_mark_line_breaks_and_blank_lines(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, blank lines and a line break inside a caption are all fine."""
    content = "\ufeff" + HEADER + '1,abcdefghij0,0,"two\nlines"\n\n2,bbcdefghij0,0,"a ""quoted"" word"\n'
    rows = read(write(tmp_path, content.replace("\n", "\r\n")))
    assert [(row.row, row.captions) for row in rows] == [(1, ("two\r\nlines",)), (2, ('a "quoted" word',))]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", "30"), ("30.0", "30"), (" 030.50 ", "30.5"), ("0", "0"), ("0.5", "0.5"), ("1.", "1"), ("-5", None),
     ("nan", None), ("1e3", None), ("", None), ("ten", None), ("٣", None)],
)  # fmt: skip
def test_seconds_have_one_form(text: str, seconds: str | None) -> None:
    """A time has one spelling, so that an id does not depend on how a table was saved; others are no times."""
    assert parse_seconds(text) == seconds


def test_untrusted_id_cannot_change_an_address() -> None:
    """A video id is quoted in the address."""
    assert format_youtube("a&b=/#c", "7.5") == "https://www.youtube.com/watch?v=a%26b%3D%2F%23c&t=7s"


@pytest.mark.parametrize(
    ("address", "author", "expected"),
    [("url", "Ann", "url (by Ann)"), ("url", "", "url"), ("", "Ann", "Ann"), ("", "", None)],
)
def test_credit_keeps_what_is_known(address: str, author: str, expected: str | None) -> None:
    """Address and author go together, each alone where the other is not known."""
    assert credit(address, author) == expected


def test_long_cell_is_read(tmp_path: Path) -> None:
    """A caption of megabytes is a caption."""
    [row] = read(write(tmp_path, f"{HEADER}1,abcdefghij0,0,{'la ' * 700_000}end\n"))
    assert len(row.captions[0]) == 2_100_003
