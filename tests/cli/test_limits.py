"""Tests of budgets, limits and ``audiomcq status``: real processes against a real server."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.cli import audiomcq, hash_tree, start, write_audiocaps, write_recipe
from tests.conftest import strike
from tests.servers.process import RunningServer

MODEL = "prompt_price = 2.0\ncompletion_price = 8.0\nconcurrency = 2"


@pytest.fixture
def folder(tmp_path: Path, http: RunningServer) -> Path:
    """Twelve captions and a recipe whose models have prices, partitioned."""
    write_audiocaps(tmp_path / "train.csv", [f"A dog barks {n} times in a hall" for n in range(12)])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:train.csv", model=MODEL)
    assert audiomcq("caption", "build/caption", "--recipe", "recipe.toml", folder=tmp_path).code == 0
    return tmp_path


def test_budget_on_the_command_line(folder: Path, http: RunningServer) -> None:
    """A budget ends a run with its own exit code and the command that goes on; later runs end the same as one."""
    generate = ("generate", "build/caption", "build/generate", "--recipe", "recipe.toml")
    first = audiomcq(*generate, "--budget", "tokens=6000", "--json", folder=folder)
    assert first.code == 9
    assert "the budget of 6,000 tokens does not cover the next call (" in first.error
    assert "this goes on" in first.error
    [stage] = first.json["stages"]
    assert 0 < sum(stage["calls"].values()) < 24
    assert sum(stage["prompt_tokens"].values()) + sum(stage["completion_tokens"].values()) <= 6000
    told = audiomcq("status", "build", "--json", folder=folder).json["stages"]
    assert [(one["stage"], one["state"]) for one in told] == [("caption", "done"), ("generate", "stopped")]
    assert audiomcq(*generate, folder=folder).code == 0
    assert sum(http.requests().values()) == 24
    cut = hash_tree(folder / "build" / "generate")
    again = ("generate", "build/caption", "build/again", "--recipe", "recipe.toml", "--workdir", "other")
    assert audiomcq(*again, folder=folder).code == 0
    assert hash_tree(folder / "build" / "again") == cut


def test_cost_is_told(folder: Path) -> None:
    """Summary, JSON and status say what a stage cost, by model."""
    done = audiomcq("generate", "build/caption", "build/generate", "--recipe", "recipe.toml", "--json", folder=folder)
    [stage] = done.json["stages"]
    expected = (stage["prompt_tokens"]["writer"] * 2 + stage["completion_tokens"]["writer"] * 8) / 1e6
    assert stage["cost"] == {"writer": pytest.approx(expected)}
    assert f"{expected:,.4f} in money" in done.err
    told = audiomcq("status", "build/generate", folder=folder)
    assert told.code == 0
    assert f"{expected:,.4f} in money" in told.err


@pytest.mark.parametrize(
    ("flags", "code"), [((), 6), (("--max-failed", "0.2"), 6), (("--max-failed", "0.25"), 0)], ids=str
)
def test_max_failed(flags: tuple[str, ...], code: int, tmp_path: Path, http: RunningServer) -> None:
    """As many items as allowed may fail, and the stage after it takes that too."""
    captions = [f"A dog barks {n} times {strike('status:400') if n % 4 == 0 else ''}" for n in range(12)]
    write_audiocaps(tmp_path / "train.csv", captions)
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:train.csv")
    done = audiomcq("run", "recipe.toml", "--until", "verify", *flags, "--json", folder=tmp_path)
    assert done.code == code, done.err
    assert done.json["stages"][1]["items"] == {"in": 12, "kept": 9, "rejected": 0, "failed": 3}
    assert len(done.json["stages"]) == (3 if code == 0 else 2)


def test_max_rejected(folder: Path) -> None:
    """More rejected than a stage's limit allows ends the run after that stage, each time, with its own exit code."""
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text() + "\n[limits]\nmax_rejected = { verify = 0.1 }\n[verify]\nthreshold = 5\n")
    for _ in range(2):
        done = audiomcq("run", "recipe.toml", "--json", folder=folder)
        assert done.code == 10, done.err
        assert "max_rejected" in done.error


@pytest.mark.parametrize(
    "flags",
    [
        ("--budget", "beans=3"),
        ("--budget", "tokens"),
        ("--budget", "tokens=-1"),
        ("--max-failed", "2"),
        ("--max-rejected", "-0.1"),
    ],
    ids=str,
)
def test_what_is_no_limit(flags: tuple[str, ...], folder: Path) -> None:
    """A limit that makes no sense is refused before anything is done."""
    done = audiomcq("generate", "build/caption", "out", "--recipe", "recipe.toml", *flags, folder=folder)
    assert done.code == 4
    assert not (folder / "out").exists()


def test_budget_of_money_without_prices(folder: Path) -> None:
    """A budget of money is refused where no model has a price."""
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("_price", "_prize").replace("prompt_prize = 2.0\n", ""))
    recipe.write_text(recipe.read_text().replace("completion_prize = 8.0\n", ""))
    done = audiomcq("run", "recipe.toml", "--budget", "money=1", folder=folder)
    assert done.code == 4
    assert "no model has a price" in done.error


def test_status_of_a_run_and_after_its_kill(tmp_path: Path, http: RunningServer) -> None:
    """While a run is at work status names it; after SIGKILL it says so, and what it spent is not forgotten."""
    captions = [f"A dog barks {n} times {strike('slow:0.3') if n > 3 else ''}" for n in range(40)]
    write_audiocaps(tmp_path / "train.csv", captions)
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:train.csv", model="concurrency = 1")
    process = start("run", "recipe.toml", "--until", "generate", folder=tmp_path)
    for _ in range(200):
        time.sleep(0.1)
        told = audiomcq("status", "build", "--json", folder=tmp_path)
        stages = {one["stage"]: one for one in told.json.get("stages", ())}
        if "generate" in stages and stages["generate"]["calls"]:
            break
    assert stages["generate"]["state"] == "running"
    assert stages["generate"]["runs"][0]["pid"] == process.pid
    process.send_signal(signal.SIGKILL)
    process.communicate()
    told = audiomcq("status", "build", folder=tmp_path)
    assert "killed" in told.err
    assert "to go on: audiomcq run recipe.toml --until generate" in told.err
