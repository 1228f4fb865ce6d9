"""The stand-in Hub: the real huggingface_hub and datasets work with it, and it counts and fails as it is told."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, constants
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.servers.hub import ORG, OTHER_TOKEN, READ_TOKEN, TOKEN, USER, RunningHub, running_hub

REPO = f"{ORG}/corpus"
KIND = "dataset"
SHARD = b"PAR1" + bytes(3000)

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")  # huggingface_hub


@pytest.fixture
def hub(hub_server: RunningHub, monkeypatch: pytest.MonkeyPatch) -> RunningHub:
    """The Hub without a fault, and empty; this process may use it although the others' tests are offline."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    hub_server.empty()
    return hub_server


@pytest.fixture
def api(hub: RunningHub) -> HfApi:
    return HfApi(endpoint=hub.url, token=TOKEN)


@pytest.fixture
def repo(hub: RunningHub, request: pytest.FixtureRequest) -> str:
    """A repository of this test's own with a shard and a card."""
    name = f"{ORG}/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    hub.commit(name, {"README.md": b"# Old\n", "data/old.parquet": b"old" + SHARD}, "First release")
    return name


def add(path: str, content: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def push(api: HfApi, repo: str, *operations: Any, **options: Any) -> Any:
    """One commit, of a new shard where nothing else is said."""
    changes = operations or [add("data/new.parquet", SHARD)]
    return api.create_commit(repo, list(changes), commit_message="Second release", repo_type=KIND, **options)


def requests_of(hub: RunningHub) -> list[str]:
    """What was asked for, in order, without the addresses' changing parts."""
    return [f"{entry['method']} {'storage' if '_storage' in entry['path'] else entry['path'].split('/')[-1]}"
            for entry in hub.log()]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- rights


def test_token_tells_who_asks(api: HfApi, hub: RunningHub) -> None:
    """A token stands for a user with organisations; one that is none is refused."""
    told = api.whoami()
    assert (told["name"], [org["name"] for org in told["orgs"]]) == (USER, [ORG])
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(endpoint=hub.url, token="hf_none").whoami()
    assert caught.value.response.status_code == 401


def test_repository_is_made_once(api: HfApi) -> None:
    """A new one has a first commit; a second of the name is a conflict, which ``exist_ok`` passes over."""
    url = api.create_repo(f"{ORG}/once", repo_type=KIND, private=True)
    assert (url.repo_id, url.repo_type) == (f"{ORG}/once", KIND)
    info = api.dataset_info(f"{ORG}/once")
    assert info.private and [file.rfilename for file in info.siblings or []] == [".gitattributes"]
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_repo(f"{ORG}/once", repo_type=KIND)
    assert caught.value.response.status_code == 409
    assert api.create_repo(f"{ORG}/once", repo_type=KIND, exist_ok=True) == url


@pytest.mark.parametrize(
    ("token", "said"), [(READ_TOKEN, "Authorization error"), (OTHER_TOKEN, "create_pr=1"), (False, "Invalid username")]
)
def test_who_may_not_write_is_refused(hub: RunningHub, repo: str, token: str | bool, said: str) -> None:
    """A token to read with, one of somebody else, and none."""
    with pytest.raises(HfHubHTTPError, match=said) as caught:
        push(HfApi(endpoint=hub.url, token=token), repo)
    assert caught.value.response.status_code == (403 if token else 401)


@pytest.mark.parametrize(("token", "status"), [(False, 401), (OTHER_TOKEN, 404)])
def test_private_repository_is_as_if_not_there(hub: RunningHub, token: str | bool, status: int) -> None:
    """Who may not see it cannot tell it from none."""
    hub.commit(f"{ORG}/hidden", {}, private=True)
    for name in ("hidden", "none"):
        with pytest.raises(RepositoryNotFoundError) as caught:
            HfApi(endpoint=hub.url, token=token).dataset_info(f"{ORG}/{name}")
        assert caught.value.response.status_code == status


# --------------------------------------------------------------------------------------------------------- writing


def test_upload_comes_first_and_one_commit_after(api: HfApi, hub: RunningHub, repo: str) -> None:
    """Nothing is seen before the commit and all of it after; large files are stored once."""
    parent = api.dataset_info(repo).sha
    changes = [add("data/new.parquet", SHARD), add("README.md", b"---\nlicense: mit\n---\n# New\n")]
    api.preupload_lfs_files(repo, changes, repo_type=KIND)
    assert set(hub.tree(repo)) == {".gitattributes", "README.md", "data/old.parquet"}
    done = push(api, repo, *changes, CommitOperationDelete("data/old.parquet"), parent_commit=parent)
    sha256 = hashlib.sha256(SHARD).hexdigest()
    tree = hub.tree(repo)
    assert set(tree) == {".gitattributes", "README.md", "data/new.parquet"}
    assert tree["data/new.parquet"] == {"oid": tree["data/new.parquet"]["oid"], "size": len(SHARD), "sha256": sha256}
    assert hub.read(repo, "data/new.parquet") == SHARD
    assert hub.refs(repo) == {"refs/heads/main": done.oid}
    assert hub.uploads() == {sha256: len(SHARD)}
    assert requests_of(hub)[1:] == ["POST main", "POST batch", "PUT storage", "POST verify", "POST validate-yaml",
                                    "POST main"]  # fmt: skip


def test_what_is_there_is_not_uploaded_again(api: HfApi, hub: RunningHub, repo: str) -> None:
    """Neither an object that no commit has yet, nor the files of the last commit, which make no commit."""
    api.preupload_lfs_files(repo, [add("data/new.parquet", SHARD)], repo_type=KIND)
    done = push(api, repo)
    assert push(api, repo).oid == done.oid
    assert list(hub.uploads().values()) == [len(SHARD)]
    assert len(hub.history(repo)) == 3


def test_moved_parent_is_refused(api: HfApi, hub: RunningHub, repo: str) -> None:
    """A commit on what is no longer the head changes nothing; huggingface_hub gives the Hub's words."""
    parent = api.dataset_info(repo).sha
    moved = hub.commit(repo, {"note.txt": b"here"})
    with pytest.raises(HfHubHTTPError, match="The branch was updated") as caught:
        push(api, repo, parent_commit=parent)
    assert caught.value.response.status_code == 412
    assert hub.refs(repo) == {"refs/heads/main": moved}


def test_commit_is_all_or_nothing(api: HfApi, hub: RunningHub, repo: str) -> None:
    """A deletion of what is not there refuses the whole commit."""
    with pytest.raises(RemoteEntryNotFoundError, match="A file with this name doesn't exist"):
        push(api, repo, add("note.txt", b"here"), CommitOperationDelete("data/none.parquet"))
    assert "note.txt" not in hub.tree(repo)
    push(api, repo, CommitOperationDelete("data/"), add("note.txt", b"here"))
    assert set(hub.tree(repo)) == {".gitattributes", "README.md", "note.txt"}


def test_pointer_to_nothing_is_refused(hub: RunningHub, repo: str) -> None:
    """A commit cannot name a large file that was not uploaded."""
    pointer = {"path": "a.parquet", "oid": "0" * 64, "algo": "sha256", "size": 1}
    lines = [{"key": "header", "value": {"summary": "Cheat"}}, {"key": "lfsFile", "value": pointer}]
    body = "\n".join(map(json.dumps, lines)).encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        _open(f"{hub.url}/api/datasets/{repo}/commit/main", body, {"Authorization": f"Bearer {TOKEN}"})
    with caught.value as error:
        assert error.code == 400 and "does not exist" in error.headers["X-Error-Message"]


def test_large_object_comes_in_parts(hub: RunningHub) -> None:
    """Parts of the size that the Hub asks for are put together, and counted."""
    content = b"PAR1" + bytes(range(250)) * 10
    with running_hub(part_bytes=1000) as hub:
        api = HfApi(endpoint=hub.url, token=TOKEN)
        api.create_repo(REPO, repo_type=KIND)
        push(api, REPO, add("a.parquet", content))
        assert hub.read(REPO, "a.parquet") == content
        assert hub.uploads() == {hashlib.sha256(content).hexdigest(): len(content)}
        assert requests_of(hub)[3:] == ["PUT storage"] * 3 + ["POST complete_multipart", "POST verify", "POST main"]


def test_storage_takes_signed_addresses_alone(hub: RunningHub, repo: str) -> None:
    """An address that was not signed is refused, and so is one that comes with a token."""
    with httpx2.Client() as client:
        signed = client.get(f"{hub.url}/datasets/{repo}/resolve/main/data/old.parquet").headers["Location"]
        assert client.get(signed).content == hub.read(repo, "data/old.parquet")
        assert client.get(signed, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 400
        assert client.get(signed.partition("?")[0]).status_code == 403


# ------------------------------------------------------------------------------------------- tags, branches, pulls


def test_tag_keeps_what_it_names(api: HfApi, hub: RunningHub, repo: str) -> None:
    """A reader at the tag sees that release whatever comes; a second tag of the name is a conflict."""
    api.create_tag(repo, tag="v1.0.0", repo_type=KIND)
    push(api, repo, CommitOperationDelete("data/old.parquet"))
    assert "data/old.parquet" in hub.tree(repo, "v1.0.0")
    assert "data/old.parquet" not in hub.tree(repo)
    with pytest.raises(HfHubHTTPError, match=r"Reference refs/tags/v1[.]0[.]0 already exists") as caught:
        api.create_tag(repo, tag="v1.0.0", repo_type=KIND)
    assert caught.value.response.status_code == 409
    with pytest.raises(RevisionNotFoundError):
        api.create_tag(repo, tag="v2", revision="none", repo_type=KIND)
    api.delete_tag(repo, tag="v1.0.0", repo_type=KIND)
    assert api.list_repo_refs(repo, repo_type=KIND).tags == []


def test_branch_goes_its_own_way(api: HfApi, hub: RunningHub, repo: str) -> None:
    """Commits to a branch are not on main; a branch ends, main does not."""
    api.create_branch(repo, branch="next", repo_type=KIND)
    push(api, repo, revision="next")
    assert "data/new.parquet" in hub.tree(repo, "next") and "data/new.parquet" not in hub.tree(repo)
    with pytest.raises(HfHubHTTPError, match="already exists"):
        api.create_branch(repo, branch="next", repo_type=KIND)
    api.delete_branch(repo, branch="next", repo_type=KIND)
    with pytest.raises(HfHubHTTPError, match="Cannot delete refs/heads/main"):
        api.delete_branch(repo, branch="main", repo_type=KIND)


def test_pull_request_is_seen_once_merged(api: HfApi, hub: RunningHub, repo: str) -> None:
    """It starts from the parent that is named even where main has moved, and merging keeps what happened there."""
    parent = api.dataset_info(repo).sha
    hub.commit(repo, {"note.txt": b"meanwhile"})
    pull = push(api, repo, create_pr=True, parent_commit=parent)
    assert (pull.pr_num, pull.pr_revision) == (1, "refs/pr/1")
    assert "note.txt" not in hub.tree(repo, "refs/pr/1") and "data/new.parquet" not in hub.tree(repo)
    push(api, repo, add("more.txt", b"more"), revision="refs/pr/1")
    api.merge_pull_request(repo, 1, repo_type=KIND)
    assert {"note.txt", "more.txt", "data/new.parquet"} < set(hub.tree(repo))
    details = api.get_discussion_details(repo, 1, repo_type=KIND)
    assert (details.status, details.merge_commit_oid) == ("merged", hub.refs(repo)["refs/heads/main"])
    assert hub.history(repo)[0]["title"] == "Second release (#1)"


def test_draft_is_opened_before_it_is_merged(api: HfApi, repo: str) -> None:
    """A pull request without a commit begins as a draft, which cannot be merged."""
    draft = api.create_pull_request(repo, "Third release", repo_type=KIND)
    assert (draft.status, draft.git_reference) == ("draft", "refs/pr/1")
    push(api, repo, revision=draft.git_reference)
    with pytest.raises(HfHubHTTPError, match="draft"):
        api.merge_pull_request(repo, draft.num, repo_type=KIND)
    api.comment_discussion(repo, draft.num, "Looks whole", repo_type=KIND)
    api.change_discussion_status(repo, draft.num, "open", repo_type=KIND)
    api.merge_pull_request(repo, draft.num, repo_type=KIND)
    assert [one.status for one in api.get_repo_discussions(repo, repo_type=KIND)] == ["merged"]


def test_conflict_is_not_merged(api: HfApi, hub: RunningHub, repo: str) -> None:
    """Where both changed a file, the pull request says so and main stays."""
    push(api, repo, add("note.txt", b"mine"), create_pr=True)
    head = hub.commit(repo, {"note.txt": b"yours"})
    assert api.get_discussion_details(repo, 1, repo_type=KIND).conflicting_files == ["note.txt"]
    with pytest.raises(HfHubHTTPError, match="conflicts"):
        api.merge_pull_request(repo, 1, repo_type=KIND)
    assert hub.refs(repo)["refs/heads/main"] == head


# --------------------------------------------------------------------------------------------------------- reading


def test_models_and_spaces_are_kept_apart(api: HfApi, hub: RunningHub, tmp_path: Path) -> None:
    """The same name may be a model, a dataset and a space."""
    for kind in ("model", "dataset", "space"):
        api.create_repo(f"{ORG}/same", repo_type=kind, space_sdk="static" if kind == "space" else None)
        api.upload_file(path_or_fileobj=kind.encode(), path_in_repo="kind.bin", repo_id=f"{ORG}/same", repo_type=kind)
    for kind in ("model", "dataset", "space"):
        found = api.hf_hub_download(f"{ORG}/same", "kind.bin", repo_type=kind, cache_dir=tmp_path)
        assert Path(found).read_text() == kind


def test_tree_comes_in_pages(api: HfApi, hub: RunningHub, repo: str) -> None:
    """A client that follows them has every file and folder, with its last commit where it asks for that."""
    hub.commit(repo, {f"notes/{number}.txt": b"." for number in range(70)}, "Take notes")
    listed = api.list_repo_tree(repo, recursive=True, expand=True, repo_type=KIND)
    last = {item.path: item.last_commit.title for item in listed if item.last_commit}
    assert requests_of(hub) == ["GET main", "GET main"]
    assert last.keys() == {*hub.tree(repo), "notes", "data"}
    assert (last["notes/7.txt"], last["data"]) == ("Take notes", "First release")


def test_readers_are_told_the_same_everywhere(api: HfApi, hub: RunningHub, repo: str) -> None:
    """Information, paths, refs and history agree with each other and with the card."""
    hub.commit(repo, {"README.md": b"---\nlicense: mit\ntags: [audio]\n---\n"}, "Say more")
    info = api.dataset_info(repo, files_metadata=True)
    assert info.card_data is not None and info.card_data.license == "mit"
    assert {"license:mit", "audio"} <= set(info.tags or [])
    sizes = {file.rfilename: file.size for file in info.siblings or []}
    assert sizes == {path: blob["size"] for path, blob in hub.tree(repo).items()}
    paths = api.get_paths_info(repo, ["data", "data/old.parquet", "none"], repo_type=KIND)
    assert [item.path for item in paths] == ["data", "data/old.parquet"]
    assert [commit.commit_id for commit in api.list_repo_commits(repo, repo_type=KIND)] == [
        commit["id"] for commit in hub.history(repo)
    ]
    assert api.list_repo_refs(repo, repo_type=KIND).branches[0].target_commit == info.sha
    assert api.dataset_info(repo, expand=["sha"]).siblings is None


def test_files_are_downloaded_whole_and_in_part(api: HfApi, hub: RunningHub, repo: str, tmp_path: Path) -> None:
    """Large and regular files, at any revision; what is not there is told apart."""
    api.create_tag(repo, tag="v1", repo_type=KIND)
    for path in ("README.md", "data/old.parquet"):
        found = api.hf_hub_download(repo, path, revision="v1", repo_type=KIND, cache_dir=tmp_path)
        assert Path(found).read_bytes() == hub.read(repo, path)
    files = HfFileSystem(endpoint=hub.url, token=TOKEN, skip_instance_cache=True)
    assert files.glob(f"datasets/{repo}@v1/**/*.parquet") == [f"datasets/{repo}@v1/data/old.parquet"]
    assert files.cat_file(f"datasets/{repo}/data/old.parquet", start=1, end=6) == b"ldPAR"
    with pytest.raises(RemoteEntryNotFoundError):
        api.hf_hub_download(repo, "none.txt", repo_type=KIND, cache_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download(repo, "README.md", revision="v2", repo_type=KIND, cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("license: [mit", "expected ',' or"),
        ("- mit", "must be of type object"),
        ("license: my own", '"license" must be one of'),
        ("language: no", r'"language\[0\]" must be a string'),
        ("size_categories: [10K]", r'"size_categories\[0\]" must be one of'),
        ("task_categories: other", '"task_categories" must be an array'),
        ("configs: [{data_files: a.parquet}]", "config_name"),
        ("configs: [{config_name: a, data_files: [{path: a}]}]", "split"),
        ("configs: [{config_name: a}, {config_name: a}]", "duplicate"),
        ("dataset_info: {features: [{name: a}]}", "dtype"),
    ],
)
def test_bad_card_is_refused(api: HfApi, hub: RunningHub, repo: str, metadata: str, said: str) -> None:
    """Before anything is uploaded, with the place that is wrong."""
    with pytest.raises(ValueError, match=said):
        push(api, repo, add("README.md", f"---\n{metadata}\n---\n".encode()), add("data/new.parquet", SHARD))
    assert requests_of(hub) == ["POST validate-yaml"]


_LOAD = """
import io, json, sys
import soundfile
from datasets import Audio, load_dataset
repo = sys.argv[1]
try:
    load_dataset(repo, token=False)
except Exception as error:
    print(type(error).__name__)
for options in ({"streaming": True}, {}):
    for name in ("weak", None):
        rows = load_dataset(repo, name, split="train", **options)
        kind = type(rows.features["audio"]).__name__
        rows = list(rows.cast_column("audio", Audio(decode=False)))
        lengths = [len(soundfile.read(io.BytesIO(row["audio"]["bytes"]))[0]) for row in rows]
        print(json.dumps([kind, [row["id"] for row in rows], lengths]))
print([name for name in ("torch", "torchcodec") if name in sys.modules])
"""

_CARD = b"""---
configs:
- {config_name: all, default: true, data_files: [{split: train, path: data/*.parquet}]}
- {config_name: weak, data_files: [{split: train, path: data/weak-*.parquet}]}
---
"""


def test_datasets_loads_both_configs(hub: RunningHub, tmp_path: Path) -> None:
    """Streaming and not, with audio that decodes, from a private repository, and not without a token."""
    files = {
        "README.md": _CARD,
        "data/weak-0.parquet": write_shard("w", 3),
        "data/strong-0.parquet": write_shard("s", 2),
    }
    hub.commit(f"{ORG}/audio", files, private=True)
    command = [sys.executable, "-c", _LOAD, f"{ORG}/audio"]
    env = {**os.environ, **hub.env(home=tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    weak = ["Audio", ["w0", "w1", "w2"], [160, 320, 480]]
    both = ["Audio", ["s0", "s1", "w0", "w1", "w2"], [160, 320, 160, 320, 480]]
    first, *told, torch = done.stdout.splitlines()
    assert (first, torch) == ("DatasetNotFoundError", "[]")
    assert [json.loads(line) for line in told] == [weak, both, weak, both]


def write_shard(name: str, rows: int) -> bytes:
    """Rows with audio, and the schema metadata that makes it the Audio feature."""
    features = {"id": {"dtype": "string", "_type": "Value"}, "audio": {"_type": "Audio"}}
    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pa.schema([("id", pa.string()), ("audio", audio)], metadata=metadata)
    made = list[dict[str, Any]]()
    for number in range(rows):
        buffer = io.BytesIO()
        soundfile.write(buffer, np.zeros(160 * (number + 1), np.float32), 16000, format="WAV")
        made.append({"id": f"{name}{number}", "audio": {"bytes": buffer.getvalue(), "path": f"{number}.wav"}})
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(made, schema=schema), sink, row_group_size=2)
    content: bytes = sink.getvalue().to_pybytes()
    return content


# ---------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "error", "is_done"),
    [
        ("status:503", HfHubHTTPError, False),
        ("status:429:retry-after=7", HfHubHTTPError, False),
        ("reset", httpx2.TransportError, False),
        ("close_early", httpx2.TransportError, False),
        ("reset_after", httpx2.TransportError, True),
        ("cut", httpx2.TransportError, True),
    ],
)
def test_fault_on_the_commit(api: HfApi, hub: RunningHub, repo: str, fault: str, error: type[Exception],
                             is_done: bool) -> None:  # fmt: skip
    """huggingface_hub does not try it again; whether it is done depends on the fault, and it is whole or not there."""
    hub.fail(fault, method="POST", path="/commit/")
    with pytest.raises(error) as caught:
        push(api, repo)
    assert ("data/new.parquet" in hub.tree(repo)) is is_done
    assert [entry["fault"] for entry in hub.log() if entry["fault"]] == [fault]
    if fault.startswith("status:429"):
        assert caught.value.response.headers["Retry-After"] == "7"  # type: ignore[attr-defined]  # of HfHubHTTPError
    push(api, repo)
    assert len(hub.uploads()) == 1 and sum(hub.uploads().values()) == len(SHARD)


@pytest.mark.parametrize(
    ("fault", "uploaded"), [("status:500", 1.0), ("close_early", 1.5), ("reset_after", 2.0), ("slow:0.1", 1.0)]
)
def test_fault_on_an_upload(api: HfApi, hub: RunningHub, repo: str, fault: str, uploaded: float) -> None:
    """huggingface_hub tries it again by itself, and what came in twice is counted."""
    hub.fail(fault, method="PUT", path="/_storage/")
    push(api, repo)
    assert hub.read(repo, "data/new.parquet") == SHARD
    assert list(hub.uploads().values()) == [uploaded * len(SHARD)]


def test_somebody_else_commits_first(api: HfApi, hub: RunningHub, repo: str) -> None:
    """The parent moves between the question for it and the commit."""
    hub.fail("other_commit", path="/commit/")
    with pytest.raises(HfHubHTTPError) as caught:
        push(api, repo, parent_commit=api.dataset_info(repo).sha)
    assert caught.value.response.status_code == 412
    assert {"somebody-else.txt"} == set(hub.tree(repo)) - {".gitattributes", "README.md", "data/old.parquet"}


@pytest.mark.parametrize(("fault", "commits"), [("hang", 2), ("hang_after", 3)])
def test_client_is_killed_at_a_request(hub: RunningHub, repo: str, fault: str, commits: int) -> None:
    """A test waits for the fault, kills who asked, and looks at what readers see."""
    script = ("import sys; from huggingface_hub import CommitOperationAdd, HfApi; HfApi().create_commit(sys.argv[1], "
              "[CommitOperationAdd('note.txt', b'here')], commit_message='Note', repo_type='dataset')")  # fmt: skip
    hub.fail(fault, nth=2)
    with subprocess.Popen([sys.executable, "-c", script, repo], env={**os.environ, **hub.env()}) as client:
        struck = hub.wait_for_fault()
        client.send_signal(signal.SIGKILL)
    assert (struck["index"], struck["path"], struck["status"]) == (1, f"/api/datasets/{repo}/commit/main", None)
    assert len(hub.history(repo)) == commits


def test_faults_strike_as_often_as_they_say(hub: RunningHub, repo: str) -> None:
    """From the n-th request that matches, so many times, with the words of the rule, until all is forgotten."""
    hub.fail("status:403", path="/refs$", nth=2, times=2, message="Private repository storage limit reached")
    address = f"{hub.url}/api/datasets/{repo}/refs"
    answered = []
    for _ in range(5):
        try:
            with _open(address) as response:
                answered.append(response.status)
        except urllib.error.HTTPError as error:
            with error:
                answered.append(error.code)
                assert error.headers["X-Error-Message"] == "Private repository storage limit reached"
    assert answered == [200, 403, 403, 200, 200] == [entry["status"] for entry in hub.log()]
    hub.fail("status:500", times=None)
    hub.clear()
    with _open(address) as response:
        assert response.status == 200
    assert [entry["index"] for entry in hub.log()] == [0]


def test_fault_has_the_code_of_its_rule(api: HfApi, hub: RunningHub, repo: str) -> None:
    """huggingface_hub tells errors by it: over https it takes each 401 for a missing repository, here this one."""
    hub.fail("status:401", code="RepoNotFound")
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info(repo)


def test_fault_that_is_none_is_refused(hub: RunningHub) -> None:
    """A misspelt fault is no test that passes."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        hub.fail("explode")
    caught.value.close()


def _open(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, body, headers or {}), timeout=30)
