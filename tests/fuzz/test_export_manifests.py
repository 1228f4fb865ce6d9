"""Manifests and lists of audio in the folder of an export: whatever they say, nobody else's file is touched."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.engine.exporting.folder import AUDIO_LIST
from audiomcq_cli.errors import AudiomcqError
from audiomcq_cli.storage.manifest import manifest_path
from tests.engine import snapshot
from tests.engine.exporting import export, write_rows_with_audio
from tests.fuzz import fuzzed
from tests.fuzz.test_manifests import changed

MINE = {"mine.txt": b"mine", "sub/mine.txt": b"mine"}
_NAMES = st.sampled_from(
    ["../victim.txt", "/etc/hostname", "sub/mine.txt", "audio", "audio/..", "", ".", "a\0b", "C:/x"]
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stage, an export of it, and a file beside it."""
    place = tmp_path_factory.mktemp("origin")
    export(write_rows_with_audio(place, 2), place / "out", audio="copy")
    (place / "victim.txt").write_text("mine")
    return place


@st.composite
def manifests(draw: st.DrawFn, whole: Any) -> bytes:
    """The manifest of the export in which a value is another, or a name that leads elsewhere is listed."""
    value = draw(changed(whole))
    if draw(st.booleans()) and isinstance(value, dict) and isinstance(value.get("files"), list):
        value["files"].append({"file": draw(_NAMES), "sha256": "0"})
    return draw(st.one_of(st.just(json.dumps(value).encode()), st.binary(max_size=20)))


_LISTS = st.one_of(
    st.binary(max_size=30),
    st.lists(_NAMES.map(lambda name: json.dumps({"file": name, "sha256": "0"}))).map(lambda x: "\n".join(x).encode()),
)


@fuzzed
@given(st.data())
def test_damaged_manifest_costs_nobody_a_file(origin: Path, data: st.DataObject) -> None:
    """An export into such a folder ends well or in one of our errors; all that is not its own is as it was."""
    whole = json.loads(manifest_path(origin / "out").read_bytes())
    manifest, listing = data.draw(manifests(whole)), data.draw(_LISTS)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        shutil.copytree(origin, place, dirs_exist_ok=True)
        out = place / "out"
        for mine, text in MINE.items():
            (out / mine).parent.mkdir(exist_ok=True)
            (out / mine).write_bytes(text)
        manifest_path(out).write_bytes(manifest)
        (out / AUDIO_LIST).write_bytes(listing)
        before = {**snapshot(place / "build"), **snapshot(place / "audio")}
        with contextlib.suppress(AudiomcqError):
            export(place / "build/split", out, audio="copy", each=2)
        assert {**snapshot(place / "build"), **snapshot(place / "audio")} == before
        assert (place / "victim.txt").read_text() == "mine"
        assert (out / "mine.txt").read_bytes() == MINE["mine.txt"]
