"""Tests of ``sources/_columns.py``: which column holds what, and names of audio files."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.contracts import Event, Seed, SourceRow
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.sources._columns import check_mapping, plan_columns, read_row
from audiomcq_cli.sources._identity import name_audio


def read(cells: dict[str, Any], **columns: str) -> SourceRow:
    return read_row(1, cells, plan_columns(columns, list(cells), "t.csv"))


def test_columns_are_guessed_by_their_names() -> None:
    """Names that public sets use are understood without a mapping."""
    cells = {"file_name": "a/b.wav", "caption_1": "rain", "caption_2": "it rains", "license": "CC0", "source_url": "u"}
    assert read(cells) == SourceRow(
        source_id="a/b.wav", row=1, captions=("rain", "it rains"),
        audio=("a/b.wav", "a/b"), guesses=("/b.wav", "/b"), license="CC0", origin="u",
    )  # fmt: skip


def test_mapping_goes_before_a_guess() -> None:
    """What the recipe says counts; an empty name says that there is no such column."""
    cells = {"caption": "no", "text": "rain", "clip": 7, "file": "x.mp3", "url": "u"}
    row = read(cells, caption="text", id="clip", origin="")
    assert (row.source_id, row.captions, row.origin) == ("7", ("rain",), None)


def test_question_with_its_answer_is_enough() -> None:
    """What was answered of a clip is known of it: no caption and no audio has to stand beside."""
    row = read({"id": "a", "q": "What barks?", "a": "A dog."}, question="q", answer="a")
    assert (row.captions, row.seeds) == (("What barks? A dog.",), (Seed("What barks?", "A dog."),))


def test_question_is_a_seed_and_its_answer_is_known() -> None:
    """A question with its answer is a seed, and both together a caption; questions are never guessed."""
    cells = {"id": "a", "caption": "A tune", "question": "Which mood?", "answer": "Calm."}
    row = read(cells, question="question", answer="answer")
    assert row.seeds == (Seed("Which mood?", "Calm."),)
    assert row.captions == ("A tune", "Which mood? Calm.")
    assert read(cells).seeds == ()


def test_captions_and_events_of_a_release() -> None:
    """Lists of objects, as releases of this program hold them, are read."""
    cells = {"clip_id": "A:1", "captions": [{"text": "rain", "origin": "A"}, {"text": " ", "origin": "A"}],
             "events": [{"label": "rain", "onset": 0.5, "offset": None, "origin": "source"}]}  # fmt: skip
    row = read(cells)
    assert (row.source_id, row.captions, row.events) == ("A:1", ("rain",), (Event("rain", 0.5, None),))


def test_events_may_be_json_in_a_cell() -> None:
    """A CSV file has them so."""
    assert read({"caption": "x", "events": '[{"label": "dog", "onset": 1}]'}).events == (Event("dog", 1.0),)


def test_audio_may_be_in_the_cell() -> None:
    """Bytes, plain or with a path, can be fetched; without any name they name the clip themselves."""
    row = read({"audio": {"bytes": b"RIFF", "path": "x.wav"}, "caption": "a"})
    assert (row.source_id, row.audio[0], row.content and row.content()) == ("x.wav", "x.wav", b"RIFF")
    one, two = read({"audio": b"1", "caption": "a"}), read({"audio": b"2", "caption": "a"})
    assert one.source_id != two.source_id == read({"audio": b"2", "caption": "b"}).source_id


def test_address_is_an_id_and_the_origin() -> None:
    """An address of the web is the clip's id as a whole, where it comes from, and looked for by its parts."""
    address = "https://host/a%20b/c.mp3?x=1"
    row = read({"audio": address, "caption": "a"})
    assert (row.source_id, row.origin) == (address, address)
    assert row.audio == ("host/a b/c.mp3?x=1",)
    assert row.guesses == ("a b/c.mp3", "a b/c", "/c.mp3", "/c")


@pytest.mark.parametrize("scheme", ["s3", "gs", "file", "hf", "GS"])
def test_storage_has_no_query(scheme: str) -> None:
    """In an address of storage a question mark and a hash are part of the name."""
    names = name_audio(f"{scheme}://samples/rec/a?1#2.wav", own_names=False)
    assert names.sure == ("samples/rec/a?1#2.wav", "samples/rec/a?1#2")
    assert names.guesses == ("rec/a?1#2.wav", "rec/a?1#2", "/a?1#2.wav", "/a?1#2")


addresses = st.builds("{}://{}/{}".format, st.sampled_from(("http", "https", "s3", "HTTP")),
                      st.sampled_from(("h", "g")), st.text("ab/.?#=%2F", max_size=8))  # fmt: skip


@given(one=addresses, other=addresses)
def test_two_addresses_are_two_clips(one: str, other: str) -> None:
    """Whatever two addresses differ in, they are two recordings."""
    ids = [read({"audio": address, "caption": "a"}).source_id for address in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3.0, "3"), (3, "3"), (Decimal("3.00"), "3"), (2.5, "2.5"), ("3.0", "3.0"), (1e15, "1000000000000000")],
)
def test_number_as_id(value: Any, expected: str) -> None:
    """A whole number is the same id whether its column has gaps (3.0) or not; a text stays as it is."""
    assert read({"id": value, "caption": "a"}).source_id == expected


@pytest.mark.parametrize(
    "text", ["#NAME?", "#REF!", "#N/A", "#DIV/0!", "#VALUE!", "1.23E+10", "2E+05", "Err:508", "####"]
)
@pytest.mark.parametrize("column", ["id", "audio"])
def test_error_of_a_spreadsheet_is_no_id(text: str, column: str) -> None:
    """What a spreadsheet writes in place of a value names no clip, with file, row and column."""
    row = read({column: text, "caption": "a"})
    assert row.problem is not None
    assert (row.problem.reason, row.source_id) == ("bad_id", "t.csv-row-1")
    assert row.problem.detail.startswith(f"t.csv, row 1, column {column!r}: is {text!r}")


@pytest.mark.parametrize("text", ["C#4", "#1", "1.5", "E+10", "take #2!.wav", "1e5.wav"])
def test_sign_of_number_may_be_in_an_id(text: str) -> None:
    """Ids that only look a little like such an error stay."""
    assert read({"id": text, "caption": "a"}).source_id == text


@pytest.mark.parametrize(
    ("value", "captions"),
    [
        ('["rain", "wind"]', ("rain", "wind")),
        ("['rain', 'wind']", ("rain", "wind")),
        ("[music plays]", ("[music plays]",)),
        ("['rain', 1]", ("['rain', 1]",)),
    ],
)
def test_list_of_captions_in_a_text(value: str, captions: tuple[str, ...]) -> None:
    """A list of texts may stand in a cell as JSON or Python have it; what is no such list is a caption."""
    assert read({"id": "a", "caption": value}).captions == captions


def test_list_of_captions_without_a_comma_is_rejected() -> None:
    """Two captions that stand side by side in a list are not made one."""
    row = read({"id": "a", "caption": "['rain' 'wind']"})
    assert row.problem is not None
    assert row.problem.reason == "bad_caption"
    assert "side by side without a comma" in row.problem.detail


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/data/set/a.wav", ("data/set/a.wav", "data/set/a", "set/a.wav", "set/a", "a.wav", "a")),
        ("..\\x\\a.b.wav", ("x/a.b.wav", "x/a.b", "a.b.wav", "a.b")),
        ("C:\\x\\a.wav", ("x/a.wav", "x/a", "a.wav", "a")),
        ("./", ()),
        ("", ()),
    ],
)
def test_names_of_audio_stay_below_the_root(path: str, names: tuple[str, ...]) -> None:
    """A path of another machine is looked for by ever shorter ends, none of which leads out of the audio root."""
    assert name_audio(path).sure == names


@pytest.mark.parametrize(
    ("cells", "columns", "message"),
    [
        ({"caption": 3}, {}, "t.csv, row 1, column 'caption': expected a text or a list of texts, found int"),
        ({"caption": {"a": 1}}, {}, "t.csv, row 1, column 'caption': expected a text or a list of texts, found dict"),
        ({"caption": "a", "audio": {"x": 1}}, {}, "t.csv, row 1, column 'audio': expected a path or an audio file"),
        ({"caption": "a", "audio": 3}, {}, "t.csv, row 1, column 'audio': expected a path or an audio file, found int"),
        ({"caption": "a", "id": [1]}, {}, "t.csv, row 1, column 'id': expected a text, found list"),
        ({"caption": "a", "events": "{"}, {}, "t.csv, row 1, column 'events': is not JSON"),
        ({"caption": "a", "ev": [{"label": ""}]}, {"events": "ev"}, "t.csv, row 1, column 'ev': expected a text as"),
        ({"text": "a"}, {}, "t.csv: no column is known to hold captions"),
        ({"text": "a"}, {"caption": "txt"}, "t.csv, column 'txt': no such column"),
    ],
)
def test_fault_is_told_with_file_row_and_column(cells: dict[str, Any], columns: dict[str, str], message: str) -> None:
    """A cell, or a column, that is not what it should be is named."""
    with pytest.raises(InputError, match=message):
        read(cells, **columns)


def test_clip_without_an_id_is_a_problem() -> None:
    """An empty id is the row's fault alone."""
    row = read({"id": " ", "caption": "a"})
    assert row.problem is not None
    assert (row.problem.reason, row.source_id) == ("no_id", "t.csv-row-1")


@pytest.mark.parametrize("columns", [{"captoin": "text"}, {"answer": "a"}])
def test_mapping_is_checked(columns: dict[str, str]) -> None:
    """A name that means nothing, or an answer without its question, is refused before a file is opened."""
    with pytest.raises(RecipeError, match="columns: "):
        check_mapping(columns)
