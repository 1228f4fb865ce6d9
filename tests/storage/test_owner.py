"""Records of who owns a folder, into which anybody can write who shares it."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiomcq_cli.cli.commands.publish import check_release_name
from audiomcq_cli.storage.manifest import manifest_path
from audiomcq_cli.storage.owner import Owner, owner_path, read_owner

FOREIGN = [b"[" * 100_000, b'{"release":' * 100_000, b"null", b"[1]", b'{"project": 5, "sources": 7}', b"\xff", b""]


@pytest.mark.parametrize("written", FOREIGN, ids=range(len(FOREIGN)))
def test_record_that_cannot_be_read_is_nobodys(tmp_path: Path, written: bytes) -> None:
    """A record that is no record makes nobody the owner, however deep its JSON is."""
    path = owner_path(tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written)
    assert read_owner(tmp_path) == Owner()


@pytest.mark.parametrize("written", FOREIGN, ids=range(len(FOREIGN)))
def test_manifest_that_cannot_be_read_names_no_release(tmp_path: Path, written: bytes) -> None:
    """A manifest that is none is left to whoever replaces it: the look at the release's name does not break on it."""
    path = manifest_path(tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written)
    check_release_name(tmp_path, "mine", take_over=False)
