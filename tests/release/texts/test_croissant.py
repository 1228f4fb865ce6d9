"""Tests of ``release/texts/croissant.py`` with ``mlcroissant``, the reader that the format's makers give out."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.records import RELEASED
from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.texts.croissant import describe_release
from tests.release.conftest import INFO, record, released_row, write_stage

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib", "ignore::DeprecationWarning:mlcroissant")

CONFIGS = {"all": "data/*/*.parquet"}


def read(metadata: Path | dict[str, Any], **options: Any) -> Any:
    """The data set as mlcroissant sees it; it raises where the metadata is wrong."""
    import mlcroissant  # type: ignore[import-untyped]  # it has no types

    dataset = mlcroissant.Dataset(jsonld=metadata, **options)
    assert not dataset.metadata.ctx.issues.errors
    return dataset


def test_a_reader_of_the_format_reads_the_rows(tmp_path: Path) -> None:
    """From the local folder, config by config, lists and structs and the embedded audio with them."""
    clip = record(tmp_path / "audio", 1)
    rows = [released_row(1, **clip), released_row(2, label="strong", audio_path=None)]
    source = write_stage(tmp_path / "split", rows, audio_roots={"AudioCaps": "../audio"})
    build_release(source, tmp_path / "release", replace(INFO, repo="", audio="embed"))
    dataset = read(tmp_path / "release/croissant.json")
    [row] = dataset.records("weak")
    assert row["weak/question"] == b"What is heard?"
    assert row["weak/choices"] == [b"rain", b"wind", b"a dog", b"a bell"]
    assert row["weak/captions"] == [{"weak/captions/text": b"rain falls", "weak/captions/origin": b"AudioCaps"}]
    assert list(row["weak/votes"][0]["weak/votes/order"]) == [0, 1, 2, 3]
    assert {name.removeprefix("weak/") for name in row} == {"audio", *RELEASED}


def test_a_known_repository_is_where_the_files_are(release: Path, tmp_path: Path) -> None:
    """Its address stands in the metadata, and a copy of it can be read in its place."""
    text = json.loads((release / "croissant.json").read_text("utf-8"))
    assert text["url"] == "https://huggingface.co/datasets/org/tiny"
    assert (text["version"], text["license"]) == ("1.2.0", "cc-by-4.0")
    assert "@misc{tiny-1-2-0," in text["citeAs"]
    moved = shutil.copytree(release, tmp_path / "copy")
    dataset = read(moved / "croissant.json", mapping={"repo": str(moved)})
    assert len(list(dataset.records("strong"))) == 20


@pytest.mark.parametrize("text", ['"}], "@type": "x', "<script>", "a\nb", "مرحبا 🎧 $x$", "../../etc", "x y/z\\u0000"])
def test_hostile_names_change_only_their_own_text(text: str) -> None:
    """The metadata is valid and says the same of the files, whatever the release is called."""
    plain = describe_release(replace(INFO, repo=""), CONFIGS, 40, "c")
    info = ReleaseInfo(name=text, version="1.0.0", title=text, license=text, repo=text)
    metadata = json.loads(json.dumps(describe_release(info, CONFIGS, 40, text)))
    assert read(copy.deepcopy(metadata)).metadata.name == " ".join(text.split())
    assert metadata["license"] == " ".join(text.split())
    told = {"name", "alternateName", "license", "version", "citeAs"}
    assert {key: value for key, value in metadata.items() if key not in told} == {
        key: value for key, value in plain.items() if key not in told
    }
