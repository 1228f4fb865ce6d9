"""Rows of tables and question sets: whatever a cell holds ends in a clip, a reject, or one of our own errors."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from audiomcq_cli.audio_files import check_relative
from audiomcq_cli.errors import InputError
from audiomcq_cli.importers._answers import FORMS, Choices, find_answer, read_choices
from audiomcq_cli.sources._columns import FIELDS, plan_columns, read_row
from audiomcq_cli.sources._identity import name_audio
from audiomcq_cli.sources._json import parse_json
from audiomcq_cli.sources._lists import GluedTexts, parse_list
from audiomcq_cli.sources.audiocaps import SOURCE
from tests.fuzz import fuzzed

PIECES = ("a", "b.wav", "/", "..", "\\", "://", "http", "s3", "?", "#", "%2F", "C:", "::", "[", "]", "'", '"', ",", " ",
          "{", "}", "(", ")", "1", "1.0", "#NAME?", "\0", "\ud800", "e\u0301", "\n", "...", "http://[")  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=10)
plain: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=4)
    | st.decimals() | st.just(datetime(2020, 1, 1)) | st.just(Decimal("1.0"))
)  # fmt: skip
cells = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(("text", "path", "bytes", "label", "onset", "A", "B")), inner, max_size=3)
    ),
    max_leaves=6,
)


@fuzzed
@given(values=st.fixed_dictionaries(dict.fromkeys(FIELDS, cells)), own_names=st.booleans())
@example(values={**dict.fromkeys(FIELDS), "id": Decimal("sNaN")}, own_names=False)
def test_row_of_a_table(values: dict[str, Any], own_names: bool) -> None:
    """A row is a clip, a reject with a place, or an error with file and row; its texts have no space around them."""
    plan = plan_columns({field: field for field in FIELDS}, list(values), "t.parquet", own_names=own_names)
    try:
        row = read_row(7, values, plan)
    except InputError as error:
        assert str(error).startswith("t.parquet, row 7")
        return
    assert row.source_id and row.row == 7
    assert all(text and text == text.strip() for text in row.captions)
    if row.problem and row.problem.reason in ("no_id", "bad_id"):
        assert row.problem.detail.startswith("t.parquet, row 7, column ")


@fuzzed
@given(text=texts, own_names=st.booleans())
@example(text=".MPG", own_names=False)
@example(text="/data/a/.wav", own_names=True)
def test_names_lead_nowhere_else(text: str, own_names: bool) -> None:
    """No name of audio is absolute or leads upwards, unless it is refused as such."""
    names = name_audio(text, own_names=own_names)
    for name in (*names.sure, *names.guesses):
        assert ".." not in name.removeprefix("/").split("/")
        try:
            check_relative(name.removeprefix("/"))
        except InputError:
            assert "\0" in name or "\\" in name or name.removeprefix("/")[1:2] == ":"


@fuzzed
@given(value=cells, answer=cells, form=st.sampled_from(FORMS))
@example(value=[Decimal("sNaN"), "b"], answer=Decimal("sNaN"), form="auto")
def test_options_and_answer(value: Any, answer: Any, form: str) -> None:
    """Options are different texts or a problem, and a key is the place of one of them or a problem."""
    choices = read_choices(value)
    if isinstance(choices, Choices):
        assert len(set(choices.texts)) == len(choices.texts) >= 2 and all(choices.texts)
        found = find_answer(answer, choices, form)
        assert not isinstance(found, int) or 0 <= found < len(choices.texts)


@fuzzed
@given(value=st.lists(st.text(max_size=6), min_size=2, max_size=5), comma=st.integers(0, 3))
def test_list_without_a_comma(value: list[str], comma: int) -> None:
    """A list that Python has printed is read as it is; with one comma less it is never read as another list."""
    printed = [repr(text) for text in value]
    assert parse_list(f"[{', '.join(printed)}]") == value
    place = comma % (len(value) - 1) + 1
    try:
        found = parse_list(f"[{', '.join(printed[:place])} {', '.join(printed[place:])}]")
    except GluedTexts:
        return
    assert isinstance(found, str)


@fuzzed
@given(
    pairs=st.lists(st.tuples(st.sampled_from(("a", "b", 'c":')), plain.filter(lambda one: isinstance(one, str | int))))
)
def test_json_with_keys(pairs: list[tuple[str, Any]]) -> None:
    """An object is read as it is, or refused where a key is there twice."""
    text = "{" + ", ".join(f"{json.dumps(key)} : {json.dumps(value)}" for key, value in pairs) + "}"
    twice = len({key for key, _ in pairs}) < len(pairs)
    try:
        parse_json(text.encode())
    except ValueError:
        return
    assert not twice


@fuzzed
@given(cells=st.lists(texts, min_size=4, max_size=4))
def test_row_of_audiocaps(tmp_path_factory: Any, cells: list[str]) -> None:
    """A row of a CSV file is a clip of an id of YouTube, a reject, or an error that names the file."""
    path = Path(tmp_path_factory.getbasetemp(), "fuzz.csv")
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    path.write_bytes(f"audiocap_id,youtube_id,start_time,caption\n{quoted}\n".encode("utf-8", "surrogatepass"))
    try:
        rows = list(SOURCE.read(path, SOURCE.options()))
    except InputError as error:
        assert "fuzz.csv" in str(error)
        return
    assert len(rows) == 1
