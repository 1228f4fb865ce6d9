"""Tests of ``engine/views/status.py`` and ``engine/ledger/run_log.py``."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Call, Completion
from audiomcq_cli.engine.ledger.alive import LONG_AGO
from audiomcq_cli.engine.ledger.run_log import read_log
from audiomcq_cli.engine.servers.budget import Budget
from audiomcq_cli.engine.views.status import StageStatus, read_status
from audiomcq_cli.errors import BudgetReached, InputError, StorageError
from audiomcq_cli.storage.files import HIDDEN, locked
from tests.engine import Bench, Options, Puppet, Watching, answer_well, puppet_model, texts_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """60 rows in 4 shards, one shard at a time as far as a budget reaches."""
    bench = Bench(tmp_path)
    bench.models = {"writer": puppet_model(sampling={"max_tokens": 5}, concurrency=1)}
    bench.write_input(texts_of(60), shards=4)
    return bench


def look(bench: Bench) -> StageStatus:
    [status] = read_status(bench.target, ["small"])
    return status


def write_now(bench: Bench, **changes: Any) -> Path:
    """What a run at work would have written."""
    usual: Mapping[str, Any] = {
        "stage": "small",
        "command": "audiomcq small in out",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "began": 1.0,
        "beat": 2.0,
        "input": "../input",
        "workdir": "../work",
        "fingerprints": {},
        "items": {"kept": 3},
        "seconds": 4.0,
        "calls": {"writer": 7},
    }
    path = bench.target / HIDDEN / "now-other-1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**usual, **changes}))
    return path


def dead_process() -> int:
    """The number of a process that has ended."""
    process = multiprocessing.get_context("spawn").Process(target=int)
    process.start()
    process.join()
    return process.pid or 0


def test_done(bench: Bench) -> None:
    """A stage that came to its end has all its shards, no rows left, and what it took."""
    bench.run(command="audiomcq small in out")
    status = look(bench)
    assert (status.state, status.shards_done, status.shards, status.rows_left) == ("done", 4, 4, 0)
    assert status.items["kept"] == 60
    assert (status.calls, status.prompt_tokens) == ({"writer": 60}, {"writer": 600})
    assert status.command == "audiomcq small in out"


def test_stopped_by_a_budget(bench: Bench) -> None:
    """What an ended run did is told with how it ended; spending adds up over runs."""
    bench.budget = Budget(tokens=300)
    for _ in range(2):
        with pytest.raises(BudgetReached):
            bench.run()
    status = look(bench)
    assert (status.state, status.how) == ("stopped", "budget used up")
    assert sum(status.calls.values()) == len(bench.puppet.sent)
    assert 0 < len(bench.puppet.sent) < 60
    assert status.rows_left is not None
    assert status.rows_left + status.items["in"] == 60


def test_shards_of_other_options_are_not_done(bench: Bench) -> None:
    """While shards are redone those of before do not count as done."""
    bench.run()
    bench.budget = Budget(tokens=10)
    with pytest.raises(BudgetReached):
        bench.run(options=Options(flavour="!"))
    status = look(bench)
    assert (status.shards_done, status.shards, status.rows_left) == (0, 4, 60)


def test_running(bench: Bench) -> None:
    """A stage at work says which process is at it and how far; when it is done nothing of that is left."""
    seen: list[StageStatus] = []
    progress = Watching()
    progress.on_advance = lambda: seen.append(look(bench))
    bench.run(progress=progress, command="audiomcq small in out")
    assert {status.state for status in seen} == {"running"}
    assert seen[0].runs[0]["pid"] == os.getpid()
    assert not list((bench.target / HIDDEN).glob("now-*"))


def test_running_shard(bench: Bench) -> None:
    """A run at work is shown with its rows of all, rate and time left, as it says itself."""
    write_now(bench, items={"kept": 3, "failed": 1}, done=4, total=12, rate=1.0, left_s=8.0)
    [run] = look(bench).runs
    assert (run["done"], run["total"], run["rate"], run["left_s"]) == (4, 12, 1.0, 8.0)
    assert (run["began"], run["calls"], run["items"]) == (1.0, {"writer": 7}, {"kept": 3, "failed": 1})
    write_now(bench, rate=2.0, left_s=None, total=None)
    [run] = look(bench).runs
    assert (run["rate"], run["left_s"]) == (2.0, None)


def test_killed(bench: Bench) -> None:
    """What a run that was killed left behind says so, and the next run enters what it spent into the log."""
    write_now(bench, pid=dead_process(), command="audiomcq killed")
    assert (look(bench).state, look(bench).command) == ("killed", "audiomcq killed")
    bench.run()
    status = look(bench)
    assert (status.state, status.calls) == ("done", {"writer": 67})
    assert [entry["how"] for entry in read_log(bench.target)] == ["killed", "done"]


def test_killed_when_all_was_done(bench: Bench) -> None:
    """A run that is killed between its last shard and its end is entered as well, though nothing is left to do."""
    bench.run()
    for began in (1.0, read_log(bench.target)[0]["began"]):
        path = write_now(bench, pid=dead_process(), began=began)
        bench.run()
        assert not path.exists()
    assert [entry["how"] for entry in read_log(bench.target)] == ["done", "killed"]


def test_half_written_by_a_killed_run(bench: Bench) -> None:
    """What a run was writing of itself when it was killed is removed; that of one that is there is left alone."""
    names = [f".now-{socket.gethostname()}-{pid}.json.tmp" for pid in (dead_process(), os.getppid())]
    (bench.target / HIDDEN).mkdir(parents=True)
    for name in names:
        (bench.target / HIDDEN / name).write_text("{")
    bench.run()
    assert [path.name for path in (bench.target / HIDDEN).glob(".now-*")] == names[1:]


def seen_unchanged(bench: Bench, seconds: float) -> None:
    """Have this machine's notes say that it has seen what they hold for so much longer."""
    path = bench.target / HIDDEN / f"seen-{socket.gethostname()}.json"
    seen = json.loads(path.read_text())
    path.write_text(json.dumps({name: one | {"since": one["since"] - seconds} for name, one in seen.items()}))


@pytest.mark.parametrize("skew", [-86_400, 0, 86_400], ids=["behind", "as here", "ahead"])
def test_clock_of_another_machine_does_not_count(bench: Bench, skew: float) -> None:
    """A run on another machine that goes on writing is at work, whatever its clock says; its word is left alone."""
    path = write_now(bench, host="elsewhere", beat=time.time() + skew, seconds=4.0)
    assert look(bench).state == "running"
    seen_unchanged(bench, LONG_AGO + 1)
    write_now(bench, host="elsewhere", beat=time.time() + skew, seconds=6.0)
    assert look(bench).state == "running"
    bench.run()
    assert path.exists()


@pytest.mark.parametrize("skew", [-86_400, 86_400], ids=["behind", "ahead"])
def test_silence_of_another_machine_is_measured_here(bench: Bench, skew: float) -> None:
    """A run elsewhere whose word this machine has seen unchanged for long is dead, and is entered into the log."""
    path = write_now(bench, host="elsewhere", beat=time.time() + skew)
    half = path.with_name(".now-elsewhere-7.json.tmp")
    half.write_text("{")
    bench.run()
    assert path.exists() and half.exists()
    seen_unchanged(bench, LONG_AGO + 1)
    assert look(bench).state == "done"
    bench.run(seed=1)
    assert not path.exists() and not half.exists()
    assert [entry["how"] for entry in read_log(bench.target)] == ["done", "killed", "done"]
    look(bench)
    assert not list((bench.target / HIDDEN).glob("seen-*"))


@pytest.mark.parametrize(
    "changes",
    [{"pid": "7"}, {"pid": 10**30}, {"beat": "yesterday"}, {"items": [1]}, {"calls": {"writer": "many"}},
     {"stage": None}, {"seconds": float("nan")}, {"input": 3}, {"workdir": {}}, {"fingerprints": {"a": 1}}],
    ids=str,
)  # fmt: skip
def test_run_of_other_types(bench: Bench, changes: dict[str, Any]) -> None:
    """A note of a run or a line of its log that has other types counts as one that cannot be read; nothing stops."""
    for host in (socket.gethostname(), "elsewhere"):
        text = write_now(bench, **{"host": host, **changes}).read_bytes()
        (bench.target / HIDDEN / "run.jsonl").write_bytes(text + b"\n")
        bench.run(options=Options(flavour=host))
        assert (look(bench).state, len(read_log(bench.target))) == ("done", 1)


def test_second_run_names_the_first(bench: Bench) -> None:
    """Who works on the same shards is told which process has them."""
    write_now(bench, pid=os.getppid(), command="audiomcq small in out")
    with locked(bench.target, "part-00002-of-00004", wait=False), pytest.raises(StorageError) as caught:
        bench.run()
    assert f"process {os.getppid()} on {socket.gethostname()} (audiomcq small in out)" in caught.value.hint
    assert bench.puppet.sent == []


def test_error_is_told(bench: Bench) -> None:
    """A stage that ended in an error is not done, and the log says so without the name of an exception."""

    async def fail(call: Call) -> Completion:
        raise RuntimeError("a fault")

    bench.puppet = Puppet(fail)
    with pytest.raises(RuntimeError):
        bench.run()
    assert (look(bench).state, look(bench).how) == ("stopped", "unexpected error")
    bench.puppet = Puppet(answer_well)
    bench.run()
    assert look(bench).state == "done"


def test_damaged_log(bench: Bench) -> None:
    """A line that a kill cut short is passed over."""
    bench.run()
    with (bench.target / HIDDEN / "run.jsonl").open("ab") as file:
        file.write(b'{"stage": "sma')
    assert look(bench).calls == {"writer": 60}


def test_nothing_here(tmp_path: Path) -> None:
    """A folder without a stage is an error that says what to name."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError):
            read_status(folder, [])


def test_file_is_no_work_folder(tmp_path: Path) -> None:
    """A file, as the recipe, is not said to be missing; the hint names what to give."""
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(InputError, match="is a file, expected a folder") as caught:
        read_status(tmp_path / "recipe.toml", [])
    assert "name the work folder, as build" in caught.value.hint


def test_release_beside_the_stages(bench: Bench) -> None:
    """A release in the same folder is no stage, and is passed over."""
    bench.run()
    release = bench.folder / "release" / HIDDEN
    release.mkdir(parents=True)
    (release / "manifest.json").write_text('{"release": {}}')
    assert [one.stage for one in read_status(bench.folder, ["small"])] == ["small"]


def test_entry_after_one_that_was_cut_stands_on_a_line_of_its_own(bench: Bench) -> None:
    """A line that a kill or a full disk cut costs itself alone, and noise in the log or beside it is passed over."""
    bench.run()
    log = bench.target / HIDDEN / "run.jsonl"
    log.write_bytes(log.read_bytes()[:-20] + b'\n17\n{}\n\xff\n{"stage": "sm')
    (bench.target / HIDDEN / "now-other-1.json").write_bytes(b"[1]")
    bench.run(seed=1)
    assert [entry["why"] for entry in read_log(bench.target)] == [{"changed": 4}]
    assert look(bench).state == "done"


def test_log_that_cannot_be_written_forgets_nothing(bench: Bench) -> None:
    """What a run spent that could not be entered is left beside the log, and the next run enters it."""
    log = bench.target / HIDDEN / "run.jsonl"
    log.mkdir(parents=True)
    assert bench.run().redone == 4
    log.rmdir()
    assert look(bench).shards_done == 4
    bench.run(seed=1)
    assert [entry["how"] for entry in read_log(bench.target)] == ["done"]
