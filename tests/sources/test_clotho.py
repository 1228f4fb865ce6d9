from __future__ import annotations

from pathlib import Path

import pytest

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources.clotho import SOURCE, Options

HEADER = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5"
METADATA = "file_name,keywords,sound_id,sound_link,start_end_samples,manufacturer,license"


def read(folder: Path, *lines: str, metadata: str = "") -> list[SourceRow]:
    path = folder / "clotho_captions_validation.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return list(SOURCE.read(path, Options(metadata=metadata)))


def write_metadata(folder: Path, *lines: str) -> str:
    path = folder / "metadata.csv"
    path.write_text("\n".join([METADATA, *lines]) + "\n", encoding="iso-8859-1")
    return path.name


def test_row_has_five_captions(tmp_path: Path) -> None:
    """A row is a clip with its captions in order; its audio may also be kept in another format."""
    assert read(tmp_path, "03 Whales.wav,a,b,c,d,e") == [
        SourceRow(source_id="03 Whales.wav", row=1, captions=tuple("abcde"), audio=("03 Whales.wav", "03 Whales"))
    ]


def test_empty_captions_are_skipped(tmp_path: Path) -> None:
    """Of five captions those that are empty are left out."""
    assert read(tmp_path, "a.wav,one,, ,four,")[0].captions == ("one", "four")


def test_row_without_a_name_is_a_problem(tmp_path: Path) -> None:
    """A row without a file name is given on with its problem and an id of its own."""
    [row] = read(tmp_path, ",a,b,c,d,e")
    assert row.source_id == "clotho_captions_validation.csv-row-1"
    assert row.problem is not None
    assert row.problem.reason == "no_id"


@pytest.mark.parametrize("name", ["/", "..", ".wav", "a/", "..\\x"])
def test_strange_names_are_only_names(tmp_path: Path, name: str) -> None:
    """A file name is untrusted: whatever it is, it is read as a text."""
    assert read(tmp_path, f"{name},a,b,c,d,e")[0].source_id == name


def test_metadata_gives_license_author_and_address(tmp_path: Path) -> None:
    """The metadata file, which is ISO-8859-1, gives the license and whom to credit."""
    name = write_metadata(tmp_path, "é.wav,sea;gull,7,https://freesound.org/s/7,[0 1],José,http://cc.org/by/3.0/")
    [row] = read(tmp_path, "é.wav,a,b,c,d,e", metadata=name)
    assert (row.license, row.origin) == ("http://cc.org/by/3.0/", "https://freesound.org/s/7 (by José)")


def test_what_the_metadata_does_not_know_stays_open(tmp_path: Path) -> None:
    """Recordings that are not found, or have no row, have no license and no origin."""
    name = write_metadata(tmp_path, "a.wav,sea,Not found,Not found,[0 1],,")
    rows = read(tmp_path, "a.wav,a,b,c,d,e", "b.wav,a,b,c,d,e", metadata=name)
    assert [(row.license, row.origin) for row in rows] == [(None, None), (None, None)]


def test_missing_metadata_is_an_error(tmp_path: Path) -> None:
    """A metadata file that was asked for and is not there is named."""
    with pytest.raises(InputError, match=r"absent\.csv: no such file"):
        read(tmp_path, "a.wav,a,b,c,d,e", metadata="absent.csv")
