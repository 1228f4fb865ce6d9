"""Tests of ``publish --repo``: real commands, over HTTP, against a stand-in Hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import ROOT, Ended, audiomcq
from tests.release.conftest import record, released_row, write_stage
from tests.servers.hub import ORG, OTHER_TOKEN, TOKEN, RunningHub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")  # huggingface_hub


@pytest.fixture(autouse=True)
def read_back(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """``datasets``, which has read its environment before, reads from the stand-in and asks nobody else."""
    import datasets.config
    from huggingface_hub import constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.url)
    monkeypatch.setattr(datasets.config, "HF_UPDATE_DOWNLOAD_COUNTS", False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setenv("RES_OPTIONS", "timeout:1 attempts:1")  # of the viewer's host, which is not there


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what split wrote and a recipe."""
    write_stage(tmp_path / "split", [released_row(n, "sft", ("weak", "strong")[n % 2]) for n in range(20)], shards=2)
    write_recipe(tmp_path, "1.0.0")
    return tmp_path


def write_recipe(folder: Path, version: str) -> None:
    project = f'[project]\nname = "tiny"\nversion = "{version}"\n'
    (folder / "recipe.toml").write_text(f'{project}[publish]\nrepo = "{ORG}/of-the-recipe"\n')


def publish(hub: RunningHub, folder: Path, *options: str, token: str = TOKEN) -> Ended:
    """Run the command in this process, against the stand-in and as the owner of a token."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", token)
        ended = audiomcq("publish", "split", "release", "--recipe", "recipe.toml", *options, folder=folder)
    assert not [secret for secret in (TOKEN, OTHER_TOKEN) if secret in ended.out + ended.err]
    return ended


def test_push_of_the_recipe(hub: RunningHub, folder: Path) -> None:
    """With --push the recipe's repository gets it; what was read back is said, and the summary has it all."""
    command = [sys.executable, "-m", "audiomcq_cli", "publish", "split", "release", "--recipe", "recipe.toml"]
    environment = {**os.environ, **hub.env(), "PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        [*command, "--push", "--public", "--json"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    ended = Ended(process.returncode, process.stdout, process.stderr)
    assert ended.code == 0, ended.err
    assert "first rows of all 3" in ended.err
    told = ended.json["push"]
    assert (told["repo"], told["tag"], told["files"]["same"]) == (f"{ORG}/of-the-recipe", "v1.0.0", 0)
    assert told["read_back"]["rows"] == {"all": 3, "sft": 3, "weak": 3, "strong": 3}
    assert hub.refs(told["repo"])["refs/tags/v1.0.0"] == told["commit"]


@pytest.mark.check
def test_dry_run(hub: RunningHub, folder: Path) -> None:
    """Every file with its size on stdout; nothing is written, on the Hub or in the folder."""
    repo = f"{ORG}/dry"
    ended = publish(hub, folder, "--repo", repo, "--dry-run")
    assert ended.code == 0, ended.err
    lines = [line.split() for line in ended.out.splitlines()]
    assert {mark for mark, *_ in lines} == {"new"}
    assert "data/sft/weak-00001-of-00002.parquet" in {line[-1] for line in lines}
    assert not (folder / "release").exists()
    assert hub.refs(repo) == {}
    assert publish(hub, folder, "--repo", repo).code == 0
    write_recipe(folder, "1.0.1")
    ended = publish(hub, folder, "--repo", repo, "--dry-run", "--json")
    plan = ended.json["push"]
    assert (plan["files"]["new"], plan["files"]["removed"]) == (0, 0)
    assert (ended.json["diff"]["new"]["name"], ended.json["diff"]["differs"]) == ("release", False)
    assert "No differences: 20 rows." in publish(hub, folder, "--repo", repo, "--dry-run").out
    assert "data/sft/weak-00001-of-00002.parquet" not in {file["path"] for file in plan["changed"]}
    assert "1.0.0" in json.loads(hub.read(repo, ".audiomcq/manifest.json"))["version"]


@pytest.mark.check
def test_what_people_wrote_on_the_hub_stays(hub: RunningHub, folder: Path) -> None:
    """Their sections of the card and the changelog outlive the next release, which counts from the tag before it."""
    repo = f"{ORG}/written"
    assert publish(hub, folder, "--repo", repo).code == 0
    card, log = (hub.read(repo, name).decode() for name in ("README.md", "CHANGELOG.md"))
    hub.commit(
        repo, {"README.md": f"{card}\n## By hand\n".encode(), "CHANGELOG.md": f"{log}\nAlso by hand.\n".encode()}
    )
    write_recipe(folder, "1.1.0")
    rows = [released_row(n, "sft", ("weak", "strong")[n % 2]) for n in range(24)]
    write_stage(folder / "split", rows, shards=2)
    ended = publish(hub, folder, "--repo", repo)
    assert ended.code == 0, ended.err
    assert "## By hand" in hub.read(repo, "README.md").decode()
    log = hub.read(repo, "CHANGELOG.md").decode()
    assert "24 questions, 20 in 1.0.0." in log
    assert "4 questions" in log
    assert "Also by hand." in log
    again = publish(hub, folder, "--repo", repo, "--json")
    assert (again.json["release"]["changed"], again.json["push"]["changed"]) == (False, False)


def test_what_people_wrote_needs_no_new_version(hub: RunningHub, folder: Path) -> None:
    """The same command after an edit on the Hub keeps it, leaves the tag where it is, and has nothing to do then."""
    repo = f"{ORG}/edited-there"
    first = publish(hub, folder, "--repo", repo, "--json").json["push"]
    hub.commit(repo, {"README.md": hub.read(repo, "README.md") + b"\n## By hand\n"})
    again, third = (publish(hub, folder, "--repo", repo, "--json").json["push"] for _ in range(2))
    assert (again["changed"], again["tag"], third["changed"]) == (True, "", False)
    assert b"## By hand" in hub.read(repo, "README.md")
    assert hub.refs(repo)["refs/tags/v1.0.0"] == first["commit"]
    title = "[publish]\ntitle = 'Another'\n"
    (folder / "recipe.toml").write_text((folder / "recipe.toml").read_text().replace("[publish]\n", title))
    assert "already, and it is another" in publish(hub, folder, "--repo", repo).error


@pytest.mark.check
def test_what_people_wrote_here_goes_before_what_is_there(hub: RunningHub, folder: Path) -> None:
    """A card that was edited in the folder since it was built is newer than that of the Hub."""
    repo = f"{ORG}/edited"
    assert publish(hub, folder, "--repo", repo).code == 0
    with (folder / "release" / "README.md").open("a") as card:
        card.write("\n## Written here\n")
    write_recipe(folder, "1.0.1")
    assert publish(hub, folder, "--repo", repo).code == 0
    assert "## Written here" in hub.read(repo, "README.md").decode()


LOAD = """
import io, json, sys
import soundfile
from datasets import Audio, load_dataset

found = []
for streaming in (True, False):
    rows = load_dataset(sys.argv[1], "weak", split="train", streaming=streaming)
    assert isinstance(rows.features["audio"], Audio), rows.features
    for row in rows.cast_column("audio", Audio(decode=False)):
        found.append((soundfile.info(io.BytesIO(row["audio"]["bytes"])).duration, row["duration"]))
assert "torch" not in sys.modules
print(json.dumps(found))
"""


@pytest.mark.check
def test_audio_loads_from_the_hub(hub: RunningHub, folder: Path) -> None:
    """datasets gives clips whose bytes are as long as their row says, streaming and not, without torch."""
    rows = [released_row(n, **record(folder / "audio", n)) for n in range(3)]
    write_stage(folder / "split", rows, shards=2, audio_roots={"AudioCaps": "../audio"})
    repo = f"{ORG}/heard"
    ended = publish(hub, folder, "--repo", repo, "--audio", "embed")
    assert ended.code == 0, ended.err
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, repo],
        env={**os.environ, **hub.env()}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    found = json.loads(loaded.stdout)
    assert len(found) == 6
    assert all(real == pytest.approx(told) for real, told in found)


def test_no_right(hub: RunningHub, folder: Path) -> None:
    """The message names the repository and what may be wrong; the release folder is there all the same."""
    ended = publish(hub, folder, "--repo", f"{ORG}/mine", token=OTHER_TOKEN)
    assert ended.code == 11
    assert f"{ORG}/mine: cannot make the repository" in ended.error
    assert "HF_TOKEN" in ended.error
    assert (folder / "release" / "README.md").exists()


@pytest.mark.check
def test_config_that_cannot_be_read_is_told(hub: RunningHub, folder: Path) -> None:
    """What datasets cannot read back is an error, whatever the Hub has accepted."""
    hub.clear()
    hub.fail("status:404", method="GET", path=r"resolve/.*weak-.*parquet", times=None, code="EntryNotFound")
    ended = publish(hub, folder, "--repo", f"{ORG}/unreadable")
    hub.clear()
    assert ended.code == 11
    assert "cannot be read" in ended.error


@pytest.mark.parametrize("flag", ["--push", "--public", "--branch=dev"])
def test_no_repository_is_named(flag: str, hub: RunningHub, folder: Path) -> None:
    """Options of a push without a repository are an error, before anything is built."""
    (folder / "recipe.toml").write_text('[project]\nname = "tiny"\n')
    ended = publish(hub, folder, flag)
    assert ended.code == 4
    assert "--repo ORG/NAME" in ended.error
    assert not (folder / "release").exists()


@pytest.mark.parametrize(("repo", "code"), [("a/b/c", 4), ("https://huggingface.co/datasets/a/b", 4), ("-a-/b--", 3)])
def test_name_that_is_none_of_a_repository(repo: str, code: int, hub: RunningHub, folder: Path) -> None:
    """It is the name that is wrong, and not the network."""
    ended = publish(hub, folder, f"--repo={repo}")
    assert ended.code == code
    assert repo in ended.error
    assert "org/name" in ended.error
    assert "network" not in ended.error
    assert not (folder / "release").exists()


def test_card_names_the_repository_of_the_flag(hub: RunningHub, folder: Path) -> None:
    """What readers copy out of the card loads it from where it lies, whatever the recipe says."""
    repo = f"{ORG}/of-the-flag"
    assert publish(hub, folder, "--repo", repo).code == 0
    assert f'load_dataset("{repo}", "strong")' in hub.read(repo, "README.md").decode()
    assert f"/datasets/{repo}" in hub.read(repo, "croissant.json").decode()


def test_card_that_the_hub_refuses(hub: RunningHub, folder: Path) -> None:
    """What the Hub says of a card is told whole, and is not taken for a broken connection."""
    assert publish(hub, folder).code == 0
    card = folder / "release" / "README.md"
    card.write_text(card.read_text().replace("---\n", "---\nannotations_creators: {a: 1}\n", 1))
    (folder / "recipe.toml").write_text((folder / "recipe.toml").read_text().replace("1.0.0", "1.0.1"))
    ended = publish(hub, folder, f"--repo={ORG}/refused")
    assert ended.code == 11
    assert "annotations_creators" in ended.error
    assert "network" not in ended.error
