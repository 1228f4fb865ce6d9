"""SIGKILL and signals over the life of a batch: nothing is lost, and nothing is paid for twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli import audiomcq
from tests.servers.batches import running_batches
from tests.servers.process import RunningServer, fetch_json
from tests.test_kills import ROOT, SOAK, hash_tree

CLIPS = 24
MODELS = ("writer", "grader")
SECONDS = 120

RECIPE = """
[project]
name = "killed"
shards = 3
workdir = "."

[models.writer]
backend = "{backend}"
model = "writer"
base_url = "{url}"
{settings}
"""

BATCH = "poll_seconds = 0.05\nrequests_per_file = 10"

MOMENTS = ("upload hang", "upload hang_after", "create hang", "create hang_after", "retrieve hang", "content hang")


def prepare(folder: Path, server: RunningServer, backend: str, settings: str = "") -> None:
    """A folder with captions, a recipe, and the first stage done."""
    folder.mkdir()
    captions = [f"{index},vid{index:08d},{index},A {index} tone chime rings in hall {index}" for index in range(CLIPS)]
    (folder / "train.csv").write_text("audiocap_id,youtube_id,start_time,caption\n" + "\n".join(captions) + "\n")
    (folder / "recipe.toml").write_text(RECIPE.format(url=server.base_url, backend=backend, settings=settings))
    assert audiomcq("caption", "audiocaps:train.csv", "caption", "--recipe", "recipe.toml", folder=folder).code == 0


GENERATE = ("generate", "caption", "generate", "--recipe", "recipe.toml")


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Begin the stage's command in a process of its own."""
    command = [sys.executable, "-m", "audiomcq_cli", *GENERATE]
    with (folder / "generate.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)


def state(server: RunningServer) -> Mapping[str, Any]:
    found: Mapping[str, Any] = fetch_json(f"{server.url}/batches")
    return found


def wait_until(process: subprocess.Popen[bytes], reached: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the stage gives online, without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    with running_batches(folder, models=MODELS) as server:
        prepare(folder / "online", server, "openai-compatible")
        assert audiomcq(*GENERATE, folder=folder / "online").code == 0
        yield hash_tree(folder / "online/generate")


@pytest.mark.check
def test_killed_at_a_step(
    whole: dict[str, str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Killed before and after an upload, the beginning of a batch, a look at it and its download, one after another."""
    faults = [dict(zip(("on", "do"), moment.split(), strict=True)) for moment in MOMENTS]
    with running_batches(tmp_path, models=MODELS, batch_faults=faults) as server:
        prepare(tmp_path / "b", server, "openai-batch", BATCH)
        for number in range(len(MOMENTS)):
            process = start(tmp_path / "b")
            wait_until(process, lambda number=number: state(server)["hung"] > number)
            process.kill()
            process.wait()
            record_property("kill", (0, 0))
        assert start(tmp_path / "b").wait(SECONDS) == 0
        assert set(server.requests().values()) == {1}
    assert hash_tree(tmp_path / "b/generate") == whole


@pytest.mark.parametrize(
    "kills", [pytest.param(5, marks=pytest.mark.check, id=f"5 again {n}") for n in range(4 * SOAK)]
)
def test_killed_at_random(
    whole: dict[str, str], tmp_path: Path, kills: int, record_property: Callable[[str, object], None]
) -> None:
    """Killed at random moments of its life, a run ends with the same bytes and pays for every request once."""
    chance = random.Random()
    with running_batches(tmp_path, models=MODELS, batch_seconds=0.3) as server:
        prepare(tmp_path / "b", server, "openai-batch", BATCH)
        killed = 0
        for _ in range(kills):
            process = start(tmp_path / "b")
            wanted = state(server)["asked"] + chance.randint(1, 16)
            while process.poll() is None and state(server)["asked"] < wanted:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.05))
            killed += process.poll() is None
            process.kill()
            process.wait()
        assert killed >= 2
        assert start(tmp_path / "b").wait(SECONDS) == 0
        assert set(server.requests().values()) == {1}, f"after {killed} kills"
    for _ in range(killed):
        record_property("kill", (0, 0))
    assert hash_tree(tmp_path / "b/generate") == whole


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.check)])
def test_stopped_while_it_waits(whole: dict[str, str], tmp_path: Path, number: signal.Signals) -> None:
    """One Ctrl-C or SIGTERM ends the waiting at once, says the command that goes on, and leaves the batches alone."""
    with running_batches(tmp_path, models=MODELS, batch_seconds=1e6) as server:
        prepare(tmp_path / "b", server, "openai-batch", BATCH)
        process = start(tmp_path / "b")
        wait_until(process, lambda: len(state(server)["batches"]) == -(-CLIPS // 10))
        time.sleep(0.3)
        process.send_signal(number)
        assert process.wait(SECONDS) == 130
        assert {batch["status"] for batch in state(server)["batches"]} == {"in_progress"}
    said = (tmp_path / "b/generate.log").read_text()
    assert "this goes on: audiomcq generate" in said and "batch_0 of model 'writer' submitted" in said


@pytest.mark.check
def test_stopped_twice_in_an_upload(tmp_path: Path) -> None:
    """Signals end a run whose provider does not answer, the first one during an upload, the second in any case."""
    faults = [{"on": "upload", "do": "hang"}, {"on": "create", "do": "hang"}]
    with running_batches(tmp_path, models=MODELS, batch_faults=faults) as server:
        prepare(tmp_path / "b", server, "openai-batch", BATCH)
        for signals in (1, 2):
            process = start(tmp_path / "b")
            wait_until(process, lambda signals=signals: state(server)["hung"] == signals)
            for _ in range(signals):
                process.send_signal(signal.SIGINT)
                time.sleep(0.3)
            assert process.wait(SECONDS) == 130
