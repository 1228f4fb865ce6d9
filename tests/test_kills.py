"""SIGKILL at random moments of every stage, by every driver that runs here: nothing is lost, little is paid twice.

A stage that was killed and run again, until it ended, leaves the bytes of one that was left alone; of the calls that
were sent before a kill those are repeated that no journal had yet, and no others. A provider's batches have a file of
their own (``test_batch_kills.py``).
"""

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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import audiomcq
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted

ROOT = Path(__file__).parent.parent
CLIPS = 60
KILLS = 5
"""Kills before a run is left to its end; many more, and it would be killed before anything was committed."""
SOAK = int(os.environ.get("AUDIOMCQ_SOAK", "1"))
"""How many times as many rounds as usual."""
STAGES = ("caption", "generate", "verify", "cot", "filter", "split", "publish")
CALLING = STAGES[1:5]

RECIPE = """
[project]
name = "killed"
shards = 4
workdir = "."
"""

MODEL = """
[models.{name}]
backend = "{backend}"
model = "{name}"
{more}
"""

ONLINE = 'base_url = "{url}"\nconcurrency = 5\naudio_format = "flac"'
OFFLINE = "concurrency = 5\ngpu_memory_utilization = 0.3"


@dataclass(frozen=True, slots=True)
class Driver:
    """One way to reach the models.

    Attributes:
        folder: Where every stage was run without interruption. options: What its commands are told.
        environment: What their processes find. asked: How often each request was made so far.
    """

    folder: Path
    options: tuple[str, ...]
    environment: Mapping[str, str]
    asked: Callable[[], Counter[str]]

    def start(self, folder: Path, stage: str) -> subprocess.Popen[bytes]:
        """Begin a stage's command in a process of its own."""
        options = self.options if stage in CALLING else ()
        command = [sys.executable, "-m", "audiomcq_cli", *line_of(stage), *options]
        with (folder / f"{stage}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=folder, env={**self.environment}, stdout=log, stderr=log)

    def run(self, folder: Path, stage: str) -> None:
        """Run a stage to its end."""
        assert self.start(folder, stage).wait() == 0, (folder / f"{stage}.log").read_text()


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A counting server that takes about 15 ms a reply."""
    folder = tmp_path_factory.mktemp("online")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with running_scripted(models=("writer", "grader", "judge1", "judge2", "judge3"), latency_ms=15) as server:
        yield prepare(Driver(folder, (), environment, lambda: Counter(server.requests())), server)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The stand-in of vLLM in the command's own process."""
    folder = tmp_path_factory.mktemp("offline")
    log = folder / "asked"
    path = os.pathsep.join((str(ROOT / "tests" / "fakes"), str(ROOT)))
    environment = os.environ | {"PYTHONPATH": path, "FAKE_VLLM_LOG": str(log), "FAKE_VLLM_STEP": "0.005"}
    return prepare(Driver(folder, (), environment, lambda: Counter(log.read_text().splitlines())))


@pytest.fixture(scope="module")
def replay(online: Driver, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """Replies from the journal, and no server."""
    folder = tmp_path_factory.mktemp("replay") / "whole"
    shutil.copytree(online.folder, folder)
    return Driver(folder, ("--replay",), online.environment, Counter)


def line_of(stage: str) -> list[str]:
    """The command of a stage."""
    before = "audiocaps:train.csv" if stage == STAGES[0] else STAGES[STAGES.index(stage) - 1]
    return [stage, before, stage, "--recipe", "recipe.toml"]


def prepare(driver: Driver, server: RunningServer | None = None) -> Driver:
    """Run every stage without interruption."""
    captions = [f"{index},vid{index:08d},{index},A {index} tone chime rings in hall {index}" for index in range(CLIPS)]
    text = "audiocap_id,youtube_id,start_time,caption\n" + "\n".join(captions) + "\n"
    (driver.folder / "train.csv").write_text(text)
    backend, more = ("openai-compatible", ONLINE.format(url=server.base_url)) if server else ("vllm-offline", OFFLINE)
    models = [
        MODEL.format(name=name, backend=backend, more=more if name in ("writer", "grader") else f"{more}\naudio = true")
        for name in ("writer", "grader", "judge1", "judge2", "judge3")
    ]
    (driver.folder / "recipe.toml").write_text("".join([RECIPE, *models]))
    for stage in STAGES:
        if server:
            ended = audiomcq(*line_of(stage), folder=driver.folder)
            assert ended.code == 0, ended.err
        else:
            driver.run(driver.folder, stage)
    return driver


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


def kill(process: subprocess.Popen[bytes], clock: Callable[[], float], at: float, pause: float = 0) -> bool:
    """Kill a process when a clock, of seconds or of requests, shows so much, a pause later; False if it ended."""
    while process.poll() is None:
        if clock() >= at:
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            return process.wait() == -signal.SIGKILL
        time.sleep(0.002)
    return False


def sweep(driver: str, stages: Sequence[str], rounds: int, *, quick: Sequence[str] = ()) -> Iterator[object]:
    """Arguments of a test: stages of a driver with rounds of kills, and of some a short one for the quick tests."""
    for stage in stages:
        if stage in quick:
            yield pytest.param(driver, stage, 2, id=f"{driver} {stage} quickly")
        for number in range(rounds):
            yield pytest.param(driver, stage, KILLS, marks=pytest.mark.check, id=f"{driver} {stage} {number}")


@pytest.fixture
def work(request: pytest.FixtureRequest, stage: str, tmp_path: Path) -> tuple[Driver, Path]:
    """A driver and a folder with all that was there before a stage; for a replay its journal as well."""
    driver: Driver = request.getfixturevalue(request.param)
    names = ["recipe.toml", "train.csv", *STAGES[: STAGES.index(stage)]]
    for name in [*names, "journal"] if driver.options else names:
        copy = shutil.copytree if (driver.folder / name).is_dir() else shutil.copy
        copy(driver.folder / name, tmp_path / name)
    return driver, tmp_path


@pytest.mark.parametrize(
    ("work", "stage", "kills"),
    [
        *sweep("online", CALLING, 5 * SOAK, quick=("generate", "filter")),
        *sweep("offline", CALLING, 2 * SOAK),
    ],
    indirect=["work"],
)
def test_killed_while_it_asks(
    work: tuple[Driver, Path], stage: str, kills: int, record_property: Callable[[str, object], None]
) -> None:
    """After kills at random moments the bytes are those of a run left alone, and no committed call is repeated."""
    driver, folder = work
    calls = count_committed(driver.folder, stage)
    chance = random.Random()
    start = driver.asked()
    for left in reversed(range(kills + 1)):
        before, committed = driver.asked() - start, count_committed(folder, stage)
        process = driver.start(folder, stage)
        if left:
            wanted = before.total() + chance.randint(1, calls // (kills + 1))
            assert kill(process, lambda: (driver.asked() - start).total(), wanted, chance.uniform(0, 0.03)), (
                "it ended before"
            )
        else:
            assert process.wait() == 0, (folder / f"{stage}.log").read_text()
        now = driver.asked() - start
        repeated = sum(now[body] - times for body, times in before.items())
        assert repeated <= len(before) - committed
        if before:  # by the kill before this run
            record_property("kill", (len(before) - committed, repeated))
    assert count_committed(folder, stage) == calls
    assert hash_tree(folder / stage) == hash_tree(driver.folder / stage)


@pytest.mark.parametrize(
    ("work", "stage", "kills"),
    [
        *sweep("online", [stage for stage in STAGES if stage not in CALLING], 2 * SOAK, quick=("publish",)),
        *sweep("replay", CALLING, SOAK),
    ],
    indirect=["work"],
)
def test_killed_while_it_works(
    work: tuple[Driver, Path], stage: str, kills: int, record_property: Callable[[str, object], None]
) -> None:
    """What asks nobody can be killed at any time from its start to its end, and leaves the same bytes."""
    driver, folder = work
    began = time.monotonic()
    shutil.copytree(folder, spare := folder.with_name(f"{folder.name}-spare"))
    driver.run(spare, stage)
    seconds = time.monotonic() - began
    for _ in range(kills):
        at = time.monotonic() + random.uniform(0.2, 1) * seconds
        if kill(driver.start(folder, stage), time.monotonic, at):
            record_property("kill", (0, 0))
    driver.run(folder, stage)
    assert hash_tree(folder / stage) == hash_tree(driver.folder / stage)
