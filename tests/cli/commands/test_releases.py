"""``diff``, ``validate`` and ``publish --since`` as their users meet them: exit codes, stdout and JSON."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from audiomcq_cli.release.build import build_release
from tests.cli import audiomcq, spawn
from tests.release.conftest import INFO, released_row, write_stage
from tests.servers.hub import ORG, TOKEN, running_hub

RECIPE = '[project]\nname = "tiny"\nversion = "{}"\n[publish]\nlicense = "cc-by-4.0"\n'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases, the second of a row more and a label flipped, and what they were made of."""
    folder = tmp_path_factory.mktemp("releases")
    old = [released_row(number) for number in range(4)]
    write_stage(folder / "split1", old)
    write_stage(folder / "split2", [released_row(0, label="strong"), *old[1:], released_row(9)])
    (folder / "recipe.toml").write_text(RECIPE.format("1.1.0"))
    for number, version in ((1, "1.0.0"), (2, "1.1.0")):
        build_release(folder / f"split{number}", folder / f"r{number}", replace(INFO, version=version))
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return shutil.copytree(built, tmp_path / "releases")


def test_diff_tells_on_stdout_what_changed(folder: Path) -> None:
    """Text without colours where it is piped, Markdown or JSON where that is asked for; a difference is no failure."""
    told = audiomcq("diff", "r1", "r2", folder=folder)
    assert (told.code, told.err) == (0, "")
    assert "4 → 5 rows: 1 added, 0 removed, 1 changed; 1 label flipped" in told.out
    assert "    label    - weak\n             + strong\n" in told.out
    assert "    votes    - 1 of 1 right: judge_a right\n             + 0 of 1 right: judge_a wrong\n" in told.out
    assert "\x1b" not in told.out
    page = audiomcq("diff", "r1", "r2", "--markdown", "--rows", "0", folder=folder)
    assert page.out.startswith("### r1 (1.0.0) → r2 (1.1.0)\n\n4 → 5 rows")
    assert "<details>" not in page.out
    data = audiomcq("diff", "r1", "r2", "--json", folder=folder)
    assert data.json["diff"]["rows"] == {"added": 1, "removed": 0, "changed": 1}
    assert "error" not in data.json


@pytest.mark.check
def test_diff_may_tell_by_its_exit_code(folder: Path) -> None:
    """12 where they differ, which is no error; 0 where not."""
    assert audiomcq("diff", "r1", "r1", "--exit-code", folder=folder).code == 0
    ended = audiomcq("diff", "r1", "r2", "--exit-code", "--json", folder=folder)
    assert (ended.code, ended.err) == (12, "")
    assert ended.json["diff"]["differs"] and "error" not in ended.json


def test_validate_ends_well_or_with_8(folder: Path) -> None:
    """What is wrong stands on stdout, a line each, the sum on stderr."""
    whole = audiomcq("validate", "r1", folder=folder)
    assert (whole.code, whole.out) == (0, "")
    assert "r1: nothing wrong: 4 rows in 1 files, no audio opened: this release only names its audio" in whole.err
    assert "audio not opened (--no-audio)" in audiomcq("validate", "r1", "--no-audio", folder=folder).err
    (folder / "r1/data/sft/x.parquet").write_text("x")
    (folder / "r1/README.md").unlink()
    broken = audiomcq("validate", "r1", folder=folder)
    assert broken.code == 8
    assert broken.out.splitlines()[0].startswith("README.md: is not there, and the manifest names it")
    assert "data/sft/x.parquet: is not in the manifest" in broken.out
    assert "r1: 3 problems (files 2, card 1)" in broken.error
    data = audiomcq("validate", "r1", "--json", folder=folder)
    assert (data.code, data.json["error"]["exit_code"]) == (8, 8)
    assert data.json["validate"]["by_kind"] == {"card": 1, "files": 2}


def test_what_is_not_there(folder: Path) -> None:
    """A name that is neither a folder nor a dataset, and a folder of something else, are bad input."""
    assert audiomcq("validate", "none", folder=folder).code == 3
    ended = audiomcq("diff", ".", "r1", folder=folder)
    assert (ended.code, ended.out) == (3, "")
    assert "neither a release nor a finished stage: it has no .audiomcq/manifest.json" in ended.error


def test_folder_around_releases_and_stages(folder: Path) -> None:
    """A folder that holds releases and stages is refused with the names of both, releases first."""
    refused = audiomcq("validate", ".", folder=folder)
    assert refused.code == 3
    assert re.search(r"hint: name a folder in it: \./r1, \./r2, .*\./split", refused.error), refused.error


@pytest.mark.check
def test_publish_since(folder: Path) -> None:
    """The changelog is made against what --since or the recipe names; a version that misleads is refused."""
    line = ("publish", "split2", "r3", "--recipe", "recipe.toml")
    assert audiomcq(*line, "--since", "r1", folder=folder).code == 0
    assert "5 questions, 4 in 1.0.0." in (folder / "r3/CHANGELOG.md").read_text()
    (folder / "recipe.toml").write_text(RECIPE.format("1.0.0") + 'since = "r1"\n')
    refused = audiomcq("publish", "split2", "r4", "--recipe", "recipe.toml", folder=folder)
    assert refused.code == 4
    assert "version 1.0.0 is also the version of r1" in refused.error and 'set version = "1.1.0"' in refused.error
    assert not (folder / "r4").exists()


def test_a_version_is_checked_before_anything_is_built(folder: Path) -> None:
    """It would be a pity to hear of it after days of work."""
    (folder / "recipe.toml").write_text(RECIPE.format("1.0"))
    ended = audiomcq("run", "recipe.toml", folder=folder)
    assert ended.code == 4
    assert "recipe.toml, line 3, key project.version: version '1.0' is not a semantic version" in ended.error


@pytest.mark.check
def test_commands_reach_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_ENDPOINT and HF_TOKEN say where and who; a private dataset without a token is as if not there."""
    files = {path.relative_to(folder / "r1").as_posix(): path.read_bytes()
             for path in (folder / "r1").rglob("*") if path.is_file()}  # fmt: skip
    with running_hub() as hub:
        hub.commit(f"{ORG}/tiny", files, private=True)
        for name, value in hub.env().items():
            monkeypatch.setenv(name, value)
        checked = spawn("validate", f"{ORG}/tiny", folder=folder)
        assert checked.code == 0, checked.err
        monkeypatch.setenv("HF_TOKEN", "")
        refused = spawn("validate", f"{ORG}/tiny", folder=folder)
        assert refused.code == 3
        assert "no such dataset on the Hub" in refused.error
        assert TOKEN not in f"{checked.err}{refused.err}"
