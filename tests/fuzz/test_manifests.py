"""Manifests, statistics and notes of others: JSON of any depth, size and types."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from audiomcq_cli.errors import InputError
from audiomcq_cli.release.check.validate import validate
from audiomcq_cli.release.diff.made import list_prompts, list_settings
from audiomcq_cli.release.tree import open_tree, read_manifest_of, read_release_manifest
from audiomcq_cli.storage.manifest import manifest_path, read_manifest
from tests.fuzz import fuzzed
from tests.storage.test_manifest import MANIFEST

RELEASE: dict[str, Any] = {
    "format": 1, "release": "tiny", "version": "1.0.0", "license": "cc-by-4.0", "tool_version": "0.1.0", "rows": 1,
    "counts": [], "files": [{"file": "README.md", "rows": None, "size": 1, "sha256": "0" * 64}],
    "lineage": MANIFEST["lineage"], "sources": MANIFEST["sources"], "fingerprint": "f",
}  # fmt: skip

_ODD: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.just("../../etc/passwd")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def changed(draw: st.DrawFn, whole: Any) -> Any:
    """A manifest in which one value, somewhere, is another."""
    value = json.loads(json.dumps(whole))
    place = value
    while isinstance(place, dict | list) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if draw(st.booleans()) or not isinstance(place[key], dict | list) or not place[key]:
            place[key] = draw(_ODD)
            break
        place = place[key]
    return value


_BYTES = st.one_of(
    st.one_of(changed(MANIFEST), changed(RELEASE), _ODD).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=50),
)


@fuzzed
@given(_BYTES)
@example(b"[" * 100_000)
@example(b'{"release":' * 3_000 + b"1" + b"}" * 3_000)
@example(b'{"release": "\\ud800"}')
@example(json.dumps({**RELEASE, "rows": 10**400}).encode())
def test_manifest_is_read_or_refused(data: bytes) -> None:
    """Every reader of a manifest takes it or raises ``InputError``; what is taken leads to no other folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest_path(folder).parent.mkdir()
        manifest_path(folder).write_bytes(data)
        (folder / "README.md").write_text("x")
        for read in (read_manifest, lambda path: read_manifest_of(open_tree(path))):
            try:
                read(folder)
            except InputError as error:
                assert len(str(error)) < 2_000 + 2 * len(name)
        try:
            for entry in read_release_manifest(data, "manifest")["files"]:
                assert folder.resolve() in (folder / entry["file"]).resolve().parents
        except InputError:
            pass
        try:
            report = validate(open_tree(folder), lambda stage: ())
            assert report.total
        except InputError:
            pass


@fuzzed
@given(st.one_of(changed(MANIFEST), changed(RELEASE), st.dictionaries(st.sampled_from(["lineage", "sources"]), _ODD)))
def test_what_made_rows_is_listed_or_left_out(manifest: Any) -> None:
    """``diff`` and ``trace`` list settings and prompts of any manifest, each as text."""
    found = manifest if isinstance(manifest, dict) else {}
    for listed in (list_settings(found), list_prompts(found)):
        assert all(isinstance(name, str) and isinstance(text, str) for name, text in listed.items())
