"""Tests of ``release/tree.py`` and ``hub.py``: folders, and the Hub over HTTP."""

from __future__ import annotations

import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli.errors import AudiomcqError, HubError, InputError
from audiomcq_cli.release.tree import open_tree, read_manifest_of
from audiomcq_cli.storage.files import hash_file
from tests.release.conftest import upload
from tests.servers.hub import ORG, OTHER_TOKEN, RunningHub

REPO = f"{ORG}/tree"


def test_a_folder_and_the_hub_are_alike(hub: RunningHub, release: Path) -> None:
    """The same files with their sizes, hashes and rows, whichever way the dataset is named."""
    upload(hub, REPO, release)
    here = open_tree(release)
    for name in (REPO, f"hf:{REPO}", f"{REPO}@main"):
        there = open_tree(name)
        assert {path: file.size for path, file in here.files.items()} == {
            path: file.size for path, file in there.files.items() if path != ".gitattributes"
        }
        assert there.data_files() == here.data_files()
    for path in here.files:
        assert there.hash(path) == here.hash(path) == hash_file(release / path)
        assert there.read(path) == here.read(path)
    path = here.data_files()[0].path
    assert list(there.batches(path, ["id"])) == list(here.batches(path, ["id"]))
    assert read_manifest_of(there) == read_manifest_of(here)


def test_no_file_is_downloaded_for_its_hash(hub: RunningHub, release: Path) -> None:
    """What the Hub stores as large files, it also lists with their hashes."""
    upload(hub, f"{ORG}/hashes", release)
    hub.clear()
    tree = open_tree(f"{ORG}/hashes")
    assert all(tree.hash(file.path) for file in tree.data_files())
    assert not [entry for entry in hub.log() if "/resolve/" in entry["path"]]


def test_a_reader_stays_at_the_commit_it_found(hub: RunningHub, release: Path) -> None:
    """A push while somebody reads changes nothing for them; a revision may be a tag, a branch or a commit."""
    repo = f"{ORG}/moving"
    first = upload(hub, repo, release)
    tree = open_tree(repo)
    hub.commit(repo, {"README.md": b"# Another\n"})
    assert tree.commit == first
    assert tree.read("README.md") == (release / "README.md").read_bytes()
    assert open_tree(repo).read("README.md") == b"# Another\n"
    assert open_tree(f"{repo}@{first}").commit == first


def test_audio_is_not_downloaded_with_the_other_columns(hub: RunningHub, tmp_path: Path) -> None:
    """Of a file with 4 MB of audio a few kilobytes are asked for, and they tell where there is audio."""
    audio = [{"bytes": bytes([n]) * 2**20, "path": "a.wav"} if n != 2 else None for n in range(5)]
    file = tmp_path / "data.parquet"
    how = {"row_group_size": 2, "compression": "none", "use_dictionary": False}
    pq.write_table(pa.table({"audio": audio, "id": list("abcde")}), file, **how)
    hub.commit(f"{ORG}/audio", {"data/sft/weak-00000-of-00001.parquet": file.read_bytes()})
    tree = open_tree(f"{ORG}/audio")
    [data] = tree.data_files()
    rows = [row for batch in tree.batches(data.path, ["id", "audio.path"]) for row in batch.to_pylist()]
    assert [(row["id"], row["audio"] is not None) for row in rows] == [(id, id != "c") for id in "abcde"]
    with tree.open(data.path) as remote, pq.ParquetFile(remote, pre_buffer=True) as parquet:
        parquet.read(columns=["id", "audio.path"])
        assert remote.cache.total_requested_bytes < 200_000  # type: ignore[attr-defined]  # of fsspec


def test_an_existing_folder_goes_before_the_hub(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``org/name`` is a folder where there is one, unless ``hf:`` says otherwise; then the Hub is asked (offline)."""
    monkeypatch.chdir(release.parent.parent)
    name = f"{release.parent.name}/release"
    assert open_tree(name).folder == release.resolve()
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        open_tree(f"hf:{name}")


@pytest.mark.parametrize(
    ("name", "token", "message"),
    [
        (f"{ORG}/none", None, "no such dataset on the Hub, or none that this token may see"),
        (f"{ORG}/secret", OTHER_TOKEN, "no such dataset on the Hub"),
        (f"{ORG}/secret@v9", None, "no such branch, tag or commit"),
        (f"{ORG}/secret", "hf_notAToken", "no such dataset|does not accept the token"),
        (f"{ORG}/..x", None, "not the name of a repository|no such dataset"),
        ("no such/folder", None, "no such folder"),
    ],
)
def test_what_cannot_be_seen_is_said(
    name: str, token: str | None, message: str, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in words with a hint, and without the token."""
    hub.commit(f"{ORG}/secret", {"README.md": b"# Secret\n"}, private=True)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(AudiomcqError, match=message) as caught:
        open_tree(name)
    assert caught.value.hint
    assert "hf_" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("fault", "message", "retryable"),
    [
        ("status:401", "does not accept the token", False),
        ("status:403", "has no right", False),
        ("status:429", "asks to wait", True),
        ("status:500", "fails", True),
        ("reset", "does not answer", True),
    ],
)
def test_a_hub_that_refuses_or_fails(fault: str, message: str, retryable: bool, hub: RunningHub) -> None:
    """Said apart, with whether it helps to try again."""
    hub.commit(f"{ORG}/faulty", {"README.md": b"#\n"})
    hub.fail(fault, path="/api/datasets", times=None)
    with pytest.raises(HubError, match=message) as caught:
        open_tree(f"{ORG}/faulty")
    assert caught.value.retryable is retryable
    assert hub.url not in f"{caught.value} {caught.value.hint}"


def test_no_network(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub that is not there is no missing dataset."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://user:hunter2@127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(HubError, match="the Hub does not answer") as caught:
            open_tree(f"{ORG}/x")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "neither a release nor a finished stage: it has no .audiomcq/manifest.json"),
        ("{", "not JSON"),
        ("[]", "neither the manifest of a release nor of a stage"),
        ('{"release": "x"}', "does not list its files"),
        ('{"stage": "split", "shards": [{"file": 3}]}', "does not list its files"),
    ],
)
def test_what_is_no_release(text: str | None, message: str, release: Path) -> None:
    """A folder of something else is said to be one."""
    file = release / ".audiomcq/manifest.json"
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_manifest_of(open_tree(release))


def test_a_file_that_is_no_parquet(release: Path) -> None:
    """Named with what Parquet says of it."""
    path = open_tree(release).data_files()[0].path
    (release / path).write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="not a readable Parquet file"), open_tree(release).parquet(path):
        pass
