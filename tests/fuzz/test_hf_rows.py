"""Rows of a dataset of the Hub: whatever a cell names, a file of that repository is read at that commit, or none."""

from __future__ import annotations

from typing import Any

from huggingface_hub import parse_hf_uri
from hypothesis import example, given
from hypothesis import strategies as st

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.errors import InputError
from audiomcq_cli.sources._columns import Plan
from audiomcq_cli.sources._repository import ForeignFile, Repository, check_card
from audiomcq_cli.sources.hf import _read_cells
from tests.fuzz import fuzzed

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = Repository("org/tones", COMMIT)
OWN = REPOSITORY.root

PIECES = (
    "hf://", "HF://", "hf:", "datasets/", "buckets/", "spaces/", "org/tones", "org/other", f"@{COMMIT}", "@main",
    "@refs%2Fpr%2F1", "/", "//", "..", "../", "%2e%2e", "%2F", "%00", "\\", "\0", "::", "zip://", "ZIP://", "tar://",
    "file://", "/etc/passwd", "http://host/", "https://host/x?a=1", "s3://b/", "simplecache::", "data/a.wav", "a.zip",
    "#", "?", "@", " ", "\n", "é", "\ud800", OWN, OWN + "data/a.wav", "C:\\x",
)  # fmt: skip

names = st.lists(st.sampled_from(PIECES), max_size=7).map("".join) | st.text(max_size=20)
cells: st.SearchStrategy[Any] = (
    names
    | st.builds(lambda path, content: {"path": path, "bytes": content}, names | st.none(), st.none() | st.binary())
    | st.none() | st.binary() | st.integers() | st.floats() | st.lists(names, max_size=2)
    | st.dictionaries(st.sampled_from(("path", "bytes", "x")), names | st.none() | st.integers(), max_size=3)
)  # fmt: skip


@fuzzed
@example(named=f"file:///etc/passwd::{OWN}y", archives=False)
@example(named=f"zip://a.wav::{OWN}a.zip", archives=True)
@given(named=names, archives=st.booleans())
def test_what_is_read_is_of_the_repository(named: str, archives: bool) -> None:
    """A file that is found is one of this repository and commit by the Hub library's own reading of its address."""
    try:
        place = REPOSITORY.find(named, archives=archives)
    except ForeignFile:
        return
    if place is None:
        assert "hf://" not in named.lower()
        return
    told = parse_hf_uri(OWN + place.path)
    assert (told.type, told.id, told.revision, told.path_in_repo) == ("dataset", "org/tones", COMMIT, place.path)
    for path in (place.path, place.member):
        assert not {".", ".."} & set(path.split("/")) and "\\" not in path and "\0" not in path
    assert archives or not place.member
    assert named in (OWN + place.path, f"zip://{place.member}::{OWN}{place.path}")


@fuzzed
@given(cell=cells, id_=names | st.none(), archives=st.booleans())
def test_row_ends_in_a_clip_a_reject_or_our_error(cell: Any, id_: str | None, archives: bool) -> None:
    """No cell of audio breaks a run, and none that brings no file of the set is read; this asks no Hub."""
    plan = Plan("hf:org/tones", ("caption",), audio="audio", id="id" if id_ else None)
    try:
        row = _read_cells(1, {"audio": cell, "caption": "a", "id": id_}, plan, REPOSITORY, archives=archives)
    except InputError:
        return
    assert isinstance(row, SourceRow) and row.source_id
    if row.problem:
        assert row.content is None
        return
    named = cell.get("path") if isinstance(cell, dict) and cell.get("bytes") is None else cell
    if row.content is not None and isinstance(named, str):
        assert REPOSITORY.find(named, archives=archives) is not None


patterns = st.lists(st.sampled_from((*PIECES, "data/*.csv")), max_size=3).map("".join)


@fuzzed
@given(text=patterns, key=st.sampled_from(("data_files", "data_dir")), split=st.booleans())
def test_card_that_sends_elsewhere_is_refused(text: str, key: str, split: bool) -> None:
    """A card that names an address, an absolute path or a step upwards ends in our error, before any request."""
    value: Any = [{"split": "train", "path": [text]}] if split else text
    try:
        check_card({"configs": [{"config_name": "default", key: value}]}, "hf:org/tones")
    except InputError:
        return
    assert "://" not in text and not text.startswith("/") and ".." not in text.split("/")
