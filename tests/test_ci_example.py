"""The scripts of ``examples/ci``, as a workflow runs them: plan, rebuild, release, over real HTTP."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import ROOT, hash_tree, write_audiocaps, write_recipe
from tests.servers.hub import ORG, RunningHub, running_hub
from tests.servers.process import RunningServer

CI = ROOT / "examples" / "ci"
CAPTIONS = [f"A {n} tone chime rings in hall {n}" for n in range(12)]
REPO, JOURNAL = f"{ORG}/corpus", f"{ORG}/corpus-journal"

pytestmark = pytest.mark.check


@dataclass(frozen=True, slots=True)
class Runner:
    """A machine of a workflow: a checkout, and what the scripts find in the environment."""

    folder: Path
    hub: RunningHub
    bin: Path

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the example."""
        return subprocess.run(
            ["bash", f"ci/{script}", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.hub.env(), "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                 "PYTHONPATH": str(ROOT), "JOURNAL_REPO": JOURNAL, **environment},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def check_out(self, folder: Path) -> Runner:
        """The same checkout on another machine."""
        folder.mkdir()
        for name in ("a.csv", "recipe.toml"):
            shutil.copy(self.folder / name, folder)
        shutil.copytree(self.folder / "ci", folder / "ci")
        return Runner(folder, self.hub, self.bin)


@pytest.fixture
def runner(http: RunningServer, tmp_path: Path) -> Iterator[Runner]:
    """A checkout with a recipe, and the commands that installing audiomcq gives."""
    folder, commands = tmp_path / "one", tmp_path / "bin"
    folder.mkdir()
    commands.mkdir()
    for name, arguments in (("python", ""), ("audiomcq", "-m audiomcq_cli ")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        (commands / name).chmod(0o755)
    shutil.copytree(CI, folder / "ci")
    write_audiocaps(folder / "a.csv", CAPTIONS)
    stages = f'[split]\nplan = "weak-to-strong"\n[publish]\nrepo = "{REPO}"\nlicense = "cc-by-4.0"\n'
    write_recipe(folder / "recipe.toml", http.base_url, sources="audiocaps:a.csv", stages=stages)
    with running_hub() as hub:
        yield Runner(folder, hub, commands)


def test_from_pull_request_to_release(runner: Runner, http: RunningServer, tmp_path: Path) -> None:
    """A plan says what it costs, a build stores what it paid for, a release is made of it: on machines of their own."""
    planned = runner.run("plan.sh")
    assert planned.returncode == 0, planned.stderr
    plan = (runner.folder / "plan.md").read_text()
    assert "| generate |" in plan
    assert "the journal does not have every reply" in plan
    assert http.stats()["received"] == 0

    built = runner.run("rebuild.sh")
    assert built.returncode == 0, built.stderr
    assert "journal.sqlite" in runner.hub.tree(JOURNAL)
    asked = http.stats()["received"]
    assert asked > 0

    other = runner.check_out(tmp_path / "two")
    assert other.run("rebuild.sh", REPLAY="1").returncode == 0
    assert hash_tree(other.folder / "build/release") == hash_tree(runner.folder / "build/release")
    wrong = other.run("release.sh", "v9.9.9")
    assert (wrong.returncode, "the tag is v9.9.9" in wrong.stderr) == (1, True)
    released = other.run("release.sh", "v1.2.0")
    assert released.returncode == 0, released.stderr
    assert "refs/tags/v1.2.0" in runner.hub.refs(REPO)

    third = runner.check_out(tmp_path / "three")
    recipe = (third.folder / "recipe.toml").read_text()
    (third.folder / "recipe.toml").write_text(
        recipe.replace("weak-to-strong", "mixed-to-strong").replace("1.2.0", "1.3.0")
    )
    planned = third.run("plan.sh")
    assert planned.returncode == 0, planned.stderr
    plan = (third.folder / "plan.md").read_text()
    assert "Against the release on the Hub" in plan
    assert "removed" in plan or "moved" in plan
    assert third.run("rebuild.sh").returncode == 0
    assert http.stats()["received"] == asked


def test_workflow_runs_nothing_but_these_scripts() -> None:
    """What the workflow does beside installing and commenting is in the scripts that are tested here."""
    steps = re.findall(r"- run: (.*)", (CI / "audiomcq.yml").read_text())
    scripts = {match[1] for step in steps if (match := re.match(r"(?:REPLAY=1 )?ci/(\w+\.sh)", step))}
    assert scripts == {path.name for path in CI.glob("*.sh")}
    others = {step.split()[0] for step in steps if not re.match(r"(?:REPLAY=1 )?ci/", step)}
    assert others == {"pip", "gh"}
