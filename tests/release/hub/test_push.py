"""Tests of ``release/hub``: over HTTP, with the real huggingface_hub, against a stand-in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audiomcq_cli.errors import HubError, StorageError
from audiomcq_cli.release.hub.commits import compare_files, read_release
from audiomcq_cli.release.hub.push import MOST_FILES, Pushed, PushOptions, plan_push, push
from audiomcq_cli.release.hub.read_back import read_back
from audiomcq_cli.release.hub.repo import HubRepo
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.tree import MANIFEST
from tests.release.conftest import INFO, Releases, released_row
from tests.servers.hub import ORG, READ_TOKEN, TOKEN, RunningHub

COMMIT = "/commit/"

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")  # huggingface_hub


@pytest.fixture
def repo(request: pytest.FixtureRequest) -> str:
    """A repository of each test's own."""
    return f"{ORG}/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"


Make = Callable[..., Path]


@pytest.fixture
def make(releases: Releases) -> Make:
    def put(folder: Path, version: str, rows: range = range(40), *, shards: int = 2, text: str = "") -> Path:
        """A release of some rows, all of one subset; ``text`` replaces the questions of the first ten."""
        made = [
            released_row(n, "sft", ("weak", "strong")[n % 2], **({"question": text} if text and n < 10 else {}))
            for n in rows
        ]
        return releases.put(folder / f"release-{version}-{text}", made, info(version), shards=shards)

    return put


def info(version: str) -> ReleaseInfo:
    return replace(INFO, version=version)


def send(folder: Path, repo: str, **options: object) -> Pushed:
    return push(folder, PushOptions(repo=repo, **options), lambda text: None)  # type: ignore[arg-type]


def holds(hub: RunningHub, repo: str, folder: Path, revision: str = "main") -> bool:
    """Whether a reader of a revision sees this release, byte for byte, and no other data."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    there = set(hub.tree(repo, revision)) - {".gitattributes"}
    return there == set(files) and all(hub.read(repo, name, revision) == files[name].read_bytes() for name in files)


def test_first_release(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """A repository is made, private; one commit has everything, and a tag names it."""
    folder = make(tmp_path, "1.0.0")
    pushed = send(folder, repo)
    assert holds(hub, repo, folder)
    assert hub.refs(repo)["refs/tags/v1.0.0"] == pushed.commit == hub.refs(repo)["refs/heads/main"]
    assert HubRepo(repo, print).find_private() is True
    assert sum(COMMIT in one["path"] for one in hub.log()) == 1


def test_next_release_replaces_the_first(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """Shards that are gone are removed in the commit that adds the new ones; what is not ours stays."""
    send(make(tmp_path, "1.0.0", shards=4), repo)
    hub.commit(repo, {"picture.png": b"PNG", "notes.md": b"by hand"})
    hub.clear()
    folder = make(tmp_path, "1.1.0", shards=2)
    pushed = send(folder, repo)
    assert len(pushed.plan.removed) == 8
    assert hub.read(repo, "notes.md") == b"by hand"
    assert set(hub.tree(repo)) - {"picture.png", "notes.md", ".gitattributes"} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    assert sum(COMMIT in one["path"] for one in hub.log()) == 1
    assert set(hub.refs(repo)) >= {"refs/tags/v1.0.0", "refs/tags/v1.1.0"}


def test_nothing_new_makes_no_commit(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """The same release again sends nothing and commits nothing."""
    folder = make(tmp_path, "1.0.0")
    first = send(folder, repo)
    hub.clear()
    again = send(folder, repo)
    assert (again.changed, again.commit, again.tag) == (False, first.commit, "v1.0.0")
    assert {one["method"] for one in hub.log()} <= {"GET", "HEAD"}


def test_unchanged_files_are_not_sent(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """Of the data only shards whose rows changed are uploaded."""
    send(make(tmp_path, "1.0.0", shards=8), repo)
    hub.clear()
    folder = make(tmp_path, "1.0.1", range(41), shards=8)
    pushed = send(folder, repo)
    data = [path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")]
    assert len([file for file in pushed.plan.same if file.path in data]) == len(data) - 1
    assert len(hub.uploads()) == len([file for file in pushed.plan.changed if file.path.endswith((".parquet", ".png"))])


def test_missing_tag_is_made(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """A push that ended between its commit and its tag is completed by the next."""
    folder = make(tmp_path, "1.0.0")
    hub.fail("status:500:retry-after=0", path="/tag/", times=None)
    with pytest.raises(HubError, match="cannot tag"):
        send(folder, repo)
    assert holds(hub, repo, folder)
    hub.clear()
    pushed = send(folder, repo)
    assert hub.refs(repo)["refs/tags/v1.0.0"] == pushed.commit
    assert not any(COMMIT in one["path"] for one in hub.log())


def test_one_version_is_released_once(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """Other content under a version that has a tag is refused before anything is sent."""
    send(make(tmp_path, "1.0.0"), repo)
    hub.clear()
    with pytest.raises(HubError, match=r"has a release 1\.0\.0 .* already"):
        send(make(tmp_path, "1.0.0", text="Other?"), repo)
    assert {one["method"] for one in hub.log()} <= {"GET", "HEAD"}


def test_lower_version(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """What is there is not replaced by an older version."""
    send(make(tmp_path, "1.1.0"), repo)
    with pytest.raises(HubError, match=r"has version 1\.1\.0, and this is 1\.0\.1"):
        send(make(tmp_path, "1.0.1", text="Older?"), repo)


def test_strangers_among_the_data(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """Files that the configs would take in and no release made are not built upon."""
    hub.commit(repo, {"data/sft/weak-old.parquet": b"PAR1"})
    with pytest.raises(HubError, match="in the way"):
        send(make(tmp_path, "1.0.0"), repo)


def test_plan_writes_nothing(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """What a push would do is found out by reading alone, for a new repository as well."""
    folder = make(tmp_path, "1.0.0")
    plan = plan_push(folder, PushOptions(repo=repo), HubRepo(repo, print))
    assert plan.parent == ""
    assert {file.path for file in plan.new} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    assert hub.refs(repo) == {}
    assert {one["method"] for one in hub.log()} <= {"GET", "HEAD"}


def test_visibility_is_not_changed(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """What is said of a repository that is there must be true of it."""
    folder = make(tmp_path, "1.0.0")
    send(folder, repo, private=False)
    assert HubRepo(repo, print).find_private() is False
    with pytest.raises(HubError, match="is public"):
        send(folder, repo, private=True)


def test_branch(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """A release on another branch leaves main and the tags alone."""
    first, second = make(tmp_path, "1.0.0"), make(tmp_path, "1.1.0", text="New?")
    send(first, repo)
    pushed = send(second, repo, branch="next")
    assert holds(hub, repo, first)
    assert holds(hub, repo, second, "next")
    assert (pushed.tag, "refs/tags/v1.1.0" in hub.refs(repo)) == ("", False)


def test_pull_request(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """A pull request holds the release and waits; main is as it was; after the merge the same command tags it."""
    first, second = make(tmp_path, "1.0.0"), make(tmp_path, "1.1.0", text="New?")
    send(first, repo)
    pushed = send(second, repo, pull_request=True)
    assert pushed.url.endswith("/discussions/1")
    assert holds(hub, repo, first)
    assert holds(hub, repo, second, "refs/pr/1")
    assert send(second, repo, pull_request=True).url == pushed.url
    assert "refs/pr/2" not in hub.refs(repo)
    from huggingface_hub import HfApi

    HfApi(endpoint=hub.url).merge_pull_request(repo, 1, repo_type="dataset")
    assert send(second, repo, pull_request=True).tag == "v1.1.0"
    assert hub.refs(repo)["refs/tags/v1.1.0"] == hub.refs(repo)["refs/heads/main"]


def test_many_files_are_merged_when_they_are_whole(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """More files than a commit takes go over a pull request; a reader of main sees nothing of it before the merge."""
    first = make(tmp_path, "1.0.0")
    send(first, repo)
    second = make(tmp_path, "2.0.0", range(260), shards=64)
    assert len(list(second.rglob("*.parquet"))) > MOST_FILES
    hub.fail("status:400", path="/merge")
    with pytest.raises(HubError, match="cannot merge"):
        send(second, repo)
    assert holds(hub, repo, first)
    sent = hub.uploads()
    pushed = send(second, repo)
    assert holds(hub, repo, second)
    assert hub.uploads() == sent
    assert hub.refs(repo)["refs/tags/v2.0.0"] == pushed.commit == hub.refs(repo)["refs/heads/main"]
    assert "refs/pr/2" not in hub.refs(repo)


def test_pull_request_on_an_old_main_is_made_anew(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """One that was begun before main changed is closed: merging it would mix two releases."""
    send(make(tmp_path, "1.0.0"), repo)
    second = make(tmp_path, "2.0.0", range(260), shards=64)
    hub.fail("other_commit", path="/status")
    with pytest.raises(HubError, match="changed by somebody else"):
        send(second, repo)
    hub.clear()
    send(second, repo)
    assert {path for path in hub.tree(repo) if path.startswith("data/")} == {
        path.relative_to(second).as_posix() for path in second.rglob("*.parquet")
    }
    assert hub.uploads() == {}
    assert "refs/pr/2" in hub.refs(repo)


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "cut"])
def test_tag_names_our_commit_and_not_the_next(
    lost: bool, hub: RunningHub, repo: str, make: Make, tmp_path: Path
) -> None:
    """Somebody's commit right after ours is neither tagged nor taken for ours, also where our answer was lost."""
    folder, said = make(tmp_path, "1.0.0"), list[str]()
    hub.commit(repo, {"notes.md": b"before"})
    hub.fail("other_commit_after", path=COMMIT)
    if lost:
        hub.clear()
        hub.fail("reset_after", path=COMMIT)
        hub.fail("other_commit", path="/commits/")
    pushed = push(folder, PushOptions(repo=repo), said.append)
    refs = hub.refs(repo)
    assert refs["refs/tags/v1.0.0"] == pushed.commit != refs["refs/heads/main"]
    [ours] = [one for one in hub.history(repo) if one["id"] == pushed.commit]
    assert ours["title"] == "Release 1.0.0"
    assert any("somebody else has changed main since" in line for line in said)
    assert not str(compare_files(HubRepo(repo, print), folder, read_release(folder)[1], pushed.commit))


def test_tag_of_many_files_names_our_merge(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """Of a pull request the commit is the one that the Hub says the merge made, not the head after it."""
    send(make(tmp_path, "1.0.0"), repo)
    folder = make(tmp_path, "2.0.0", range(260), shards=64)
    hub.fail("other_commit_after", path="/merge")
    pushed = send(folder, repo)
    refs = hub.refs(repo)
    assert refs["refs/tags/v2.0.0"] == pushed.commit != refs["refs/heads/main"]
    assert hub.history(repo)[1]["id"] == pushed.commit


def test_later_tag_names_the_commit_that_brought_the_release(
    hub: RunningHub, repo: str, make: Make, tmp_path: Path
) -> None:
    """A tag that was not made is made by the next push on our commit, though others have committed on it."""
    folder = make(tmp_path, "1.0.0")
    hub.fail("status:403", path="/tag/")
    with pytest.raises(HubError, match="cannot tag"):
        send(folder, repo)
    ours = hub.refs(repo)["refs/heads/main"]
    hub.commit(repo, {"notes.md": b"by hand"})
    assert send(folder, repo).tag == "v1.0.0"
    assert hub.refs(repo)["refs/tags/v1.0.0"] == ours


def test_every_difference_is_named(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """A shard too many, one that is gone and one that is another are each named when a commit is read back."""
    folder = make(tmp_path, "1.0.0")
    send(folder, repo)
    gone, other = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))[:2]
    commit = hub.commit(repo, {"data/sft/weak-00009-of-00010.parquet": b"PAR1", gone: None, other: b"PAR1"})
    with pytest.raises(HubError) as caught:
        read_back(folder, HubRepo(repo, print), commit)
    for words in (f"{gone}: not there", f"{other}: not as it was sent", "weak-00009-of-00010.parquet: among the data"):
        assert words in str(caught.value)


# ---------------------------------------------------------------------------------------------------------- faults

FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "parent moved": ({"fault": "other_commit", "path": COMMIT}, "somebody else"),
    "conflict": ({"fault": "status:409", "path": COMMIT}, "somebody else"),
    "precondition": ({"fault": "status:412", "path": COMMIT}, "somebody else"),
    "no right": ({"fault": "status:403", "path": COMMIT}, "may not write"),
    "bad token": ({"fault": "status:401", "path": "/preupload/"}, "HF_TOKEN"),
    "full quota": (
        {"fault": "status:403", "path": "/objects/batch", "message": "Private repository storage quota exceeded"},
        "no room",
    ),
    "payment": ({"fault": "status:402", "path": "/objects/batch"}, "no room"),
    "errors for ever": ({"fault": "status:500:retry-after=0", "path": COMMIT, "times": None}, "sends nothing twice"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_told_and_the_same_command_goes_on(
    name: str, hub: RunningHub, repo: str, make: Make, tmp_path: Path
) -> None:
    """The message says what to do, readers see the old release, and afterwards all is as if nothing had been."""
    first, second = make(tmp_path, "1.0.0"), make(tmp_path, "1.1.0", text="New?")
    repo = f"{ORG}/{name.replace(' ', '-')}"
    send(first, repo)
    fault, said = FAULTS[name]
    hub.clear()
    hub.fail(**fault)  # type: ignore[arg-type]
    with pytest.raises(HubError) as caught:
        send(second, repo)
    assert said in f"{caught.value} {caught.value.hint}"
    assert TOKEN not in f"{caught.value} {caught.value.hint}"
    assert all(
        hub.read(repo, path.relative_to(first).as_posix()) == path.read_bytes() for path in first.rglob("*.parquet")
    )
    once = hub.uploads()
    hub.clear()
    pushed = send(second, repo)
    assert all(
        hub.read(repo, path.relative_to(second).as_posix()) == path.read_bytes() for path in second.rglob("*.*t")
    )
    assert hub.refs(repo)["refs/tags/v1.1.0"] == pushed.commit
    assert not once.keys() & hub.uploads().keys()


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ("status:500:retry-after=0", COMMIT),
        ("status:429:retry-after=0", COMMIT),
        ("status:503:retry-after=0", "/tag/"),
        ("reset", COMMIT),
        ("reset_after", COMMIT),
        ("cut", COMMIT),
        ("reset_after", "/tag/"),
        ("status:503:retry-after=0", "/preupload/"),
        ("close_early:500", "_storage"),
        ("reset", "_storage"),
        ("status:500:retry-after=0", "repos/create"),
    ],
)
def test_fault_that_passes_is_not_noticed(
    fault: str, path: str, hub: RunningHub, repo: str, make: Make, tmp_path: Path
) -> None:
    """What fails once is sent again; a commit or a tag whose answer was lost is found, not made twice."""
    folder = make(tmp_path, "1.0.0")
    hub.fail(fault, path=path)
    pushed = send(folder, repo)
    assert holds(hub, repo, folder)
    assert hub.refs(repo)["refs/tags/v1.0.0"] == pushed.commit
    assert sum(one["title"].startswith("Release") for one in hub.history(repo)) == 1
    assert any(one["fault"] for one in hub.log())


def test_token_that_may_only_read(
    hub: RunningHub, repo: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told before anything is sent."""
    monkeypatch.setenv("HF_TOKEN", READ_TOKEN)
    with pytest.raises(HubError, match="rights"):
        send(make(tmp_path, "1.0.0"), repo)
    assert hub.uploads() == {}


def test_folder_that_is_not_a_whole_release(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """A file that is missing or of another size is noticed before anything is sent."""
    folder = make(tmp_path, "1.0.0")
    next(folder.rglob("*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(StorageError, match="not as the manifest says"):
        send(folder, repo)
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "files": None}))
    with pytest.raises(StorageError, match="not a whole release"):
        send(folder, repo)
    assert hub.log() == []


@pytest.mark.check
def test_what_is_said(hub: RunningHub, repo: str, make: Make, tmp_path: Path) -> None:
    """A person is told what goes on, once for each thing."""
    said: list[str] = []
    say: Callable[[str], None] = said.append
    hub.fail("status:503:retry-after=0", path=COMMIT)
    push(make(tmp_path, "1.0.0"), PushOptions(repo=repo), say)
    assert len(said) == 2
    assert said[0].endswith(" new, 0 changed, 0 unchanged, 0 removed files")
    assert said[1] == "the Hub answers 503: again in 0 s"
