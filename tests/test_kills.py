"""SIGKILL at random moments of every stage that calls models: nothing is lost and nothing committed is paid twice."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted

ROOT = Path(__file__).parent.parent
CLIPS = 60
FEW = 2
MANY = 5
ROUNDS = 4
"""More kills a round, and a run would be killed before anything was committed."""
STAGES = ("caption", "generate", "verify", "cot", "filter")

RECIPE = """
[project]
name = "killed"
shards = 4
workdir = "."

[models.writer]
model = "writer"
base_url = "{url}"
concurrency = 6
[models.grader]
model = "grader"
base_url = "{url}"
concurrency = 6
[models.judge1]
model = "one"
base_url = "{url}"
audio = true
audio_format = "flac"
concurrency = 4
[models.judge2]
model = "two"
base_url = "{url}"
audio = true
audio_format = "flac"
concurrency = 4
[models.judge3]
model = "three"
base_url = "{url}"
audio = true
audio_format = "flac"
concurrency = 4
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A counting server that takes about 15 ms a reply."""
    with running_scripted(models=("writer", "grader", "one", "two", "three"), latency_ms=15) as running:
        yield running


@pytest.fixture(scope="module")
def whole(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage was run without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    captions = [f"{index},vid{index:04d},{index},A {index} tone chime rings in hall {index}" for index in range(CLIPS)]
    text = "audiocap_id,youtube_id,start_time,caption\n" + "\n".join(captions) + "\n"
    (folder / "train.csv").write_text(text)
    (folder / "recipe.toml").write_text(RECIPE.format(url=server.base_url))
    for stage in STAGES:
        assert start(folder, stage).wait() == 0
    return folder


def start(folder: Path, stage: str) -> subprocess.Popen[bytes]:
    """Begin a stage's command in a process of its own."""
    before = ["audiocaps:train.csv"] if stage == "caption" else [STAGES[STAGES.index(stage) - 1]]
    command = [sys.executable, "-m", "audiomcq_cli", stage, *before, stage, "--recipe", "recipe.toml"]
    with (folder / f"{stage}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)


def hash_tree(folder: Path) -> dict[str, str]:
    """Hashes of all files of a stage folder but the run log, which tells one run from another."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.jsonl"
    }


def count_committed(folder: Path, stage: str) -> int:
    """Replies that the journals of a stage hold, as the next run will find them."""
    count = 0
    for path in (folder / "journal" / stage).glob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'replies'").fetchone():
                count += connection.execute("SELECT count(*) FROM replies").fetchone()[0]
    return count


def kill_after(process: subprocess.Popen[bytes], server: RunningServer, requests: int, pause: float) -> bool:
    """Kill a process when the server has received so many requests and a little later; False if it ended before."""
    while process.poll() is None:
        if sum(server.requests().values()) >= requests:
            time.sleep(pause)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return True
        time.sleep(0.002)
    return False


@pytest.mark.parametrize(
    "kills", [FEW, *(pytest.param(MANY, marks=pytest.mark.check, id=f"{MANY} again {n}") for n in range(ROUNDS))]
)
@pytest.mark.parametrize("stage", STAGES[1:])
def test_killed_stage(stage: str, kills: int, server: RunningServer, whole: Path, tmp_path: Path) -> None:
    """After kills at random moments the bytes are those of a run left alone, and no committed call is repeated."""
    for name in ("recipe.toml", *STAGES[: STAGES.index(stage)]):
        copy = shutil.copytree if (whole / name).is_dir() else shutil.copy
        copy(whole / name, tmp_path / name)
    calls = count_committed(whole, stage)
    chance = random.Random()
    server.reset()
    for kill in range(kills + 1):
        before, committed = server.requests(), count_committed(tmp_path, stage)
        process = start(tmp_path, stage)
        if kill < kills:
            share = chance.randint(1, calls // (kills + 1))
            assert kill_after(process, server, sum(before.values()) + share, chance.uniform(0, 0.03)), "it ended before"
        else:
            assert process.wait() == 0
        now = server.requests()
        repeated = sum(now[body] - times for body, times in before.items())
        assert repeated <= len(before) - committed
    assert count_committed(tmp_path, stage) == calls
    assert hash_tree(tmp_path / stage) == hash_tree(whole / stage)
