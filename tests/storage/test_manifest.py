"""The manifest: written whole, read only if it is one, and its sums are the sums of its shards."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.errors import InputError
from audiomcq_cli.storage.manifest import COUNTS, manifest_path, read_manifest, total_items, total_reasons
from audiomcq_cli.storage.manifest import write_manifest as write

ITEMS = {"in": 3, "kept": 1, "rejected": 1, "failed": 1}
REASONS = {"rejected": {"dull": 1}, "failed": {"not_json": 1}}
MANIFEST: dict[str, Any] = {
    "format": 1,
    "stage": "verify",
    "stage_version": 1,
    "tool_version": "0.1.0",
    "input": "../generate",
    "shards": [
        {
            "file": "part-00000-of-00001.parquet",
            "rows": 1,
            "sha256": "ab",
            "fingerprint": "cd",
            "items": ITEMS,
            "reasons": REASONS,
        }
    ],
    "totals": {"rows": 1, "items": ITEMS, "reasons": REASONS},
    "lineage": [
        {
            "stage": "verify",
            "version": 1,
            "options": {},
            "models": {},
            "prompts": {"ask": {"text": "für\n"}},
            "items": ITEMS,
            "reasons": REASONS,
        }
    ],
    "sources": [{"name": "Clotho", "adapter": "clotho"}],
    "audio_roots": {"Clotho": "../../audio"},
}


def test_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """What is written is read again, and lies in the hidden folder."""
    write(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == [".audiomcq"]


def test_same_manifest_is_the_same_bytes(tmp_path: Path) -> None:
    """The order in which its keys were put together does not show."""
    write(tmp_path / "a", MANIFEST)
    write(tmp_path / "b", dict(reversed(MANIFEST.items())))
    assert manifest_path(tmp_path / "a").read_bytes() == manifest_path(tmp_path / "b").read_bytes()


def test_folder_without_a_manifest_is_not_finished(tmp_path: Path) -> None:
    """No file, no manifest: that is no error."""
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("\udcff", "not JSON"),
        ("[]", "not a manifest"),
        (json.dumps(MANIFEST | {"format": 2}), r"not a manifest that this version reads: \$\.format"),
        (json.dumps({name: part for name, part in MANIFEST.items() if name != "lineage"}), "lineage"),
        (json.dumps(MANIFEST | {"shards": [{"file": "../../etc/passwd"}]}), r"\$\.shards"),
        (json.dumps(MANIFEST | {"audio_roots": {"Clotho": 5}}), r"\$\.audio_roots"),
    ],
)
def test_file_that_is_no_manifest_is_named(tmp_path: Path, text: str, message: str) -> None:
    """A manifest that is cut short, of another format or tampered with is refused with the file and the place."""
    manifest_path(tmp_path).parent.mkdir()
    manifest_path(tmp_path).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message) as caught:
        read_manifest(tmp_path)
    assert "manifest.json" in str(caught.value)


@given(st.lists(st.fixed_dictionaries({name: st.integers(0, 1_000) for name in COUNTS})))
def test_items_are_summed_up(parts: list[dict[str, int]]) -> None:
    """Each count is the sum over the shards; without a shard it is 0."""
    assert total_items(parts) == {name: sum(part[name] for part in parts) for name in COUNTS}


def test_reasons_are_summed_up_by_code() -> None:
    """Counts of the same code add up within their outcome, in the order of the codes."""
    parts = [
        {"rejected": {"b": 1, "a": 2}, "failed": {}},
        {"rejected": {"b": 3}, "failed": {"a": 1}},
    ]
    found = total_reasons(parts)
    assert found == {"rejected": {"a": 2, "b": 4}, "failed": {"a": 1}}
    assert list(found["rejected"]) == ["a", "b"]
    assert total_reasons([]) == {"rejected": {}, "failed": {}}


def test_pipe_in_place_of_a_manifest_is_refused(tmp_path: Path) -> None:
    """A pipe by the name of the manifest is an error, and is not waited for."""
    manifest_path(tmp_path).parent.mkdir()
    os.mkfifo(manifest_path(tmp_path))
    with pytest.raises(InputError, match="is a pipe"):
        read_manifest(tmp_path)
