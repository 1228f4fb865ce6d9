from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import soundfile as sf

from audiomcq_cli.listening.analyses import ANALYSES, run_analysis
from tests.listening import make_tone, probe, write


def test_probe_in_another_process(tmp_path: Path) -> None:
    """An analysis runs by name in a worker process."""
    path = write(tmp_path / "a.wav", make_tone())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(run_analysis, "probe", str(path), {}).result()["frames"] == 16_000


def test_analyses_can_be_pickled() -> None:
    """The table of analyses can be sent to another process."""
    assert pickle.loads(pickle.dumps(ANALYSES)) == ANALYSES


def test_example_looks_like_a_result(tmp_path: Path) -> None:
    """What a rehearsal is told of a clip has the form of what a run would be told."""
    found, example = probe(write(tmp_path / "a.wav", make_tone())), ANALYSES["probe"].example
    assert {name: type(value) for name, value in example.items()} == {name: type(found[name]) for name in found}


def test_version_names_the_tools() -> None:
    """An analysis' version changes with the libraries behind it."""
    version = ANALYSES["probe"].version
    assert sf.__version__ in version
    assert sf.__libsndfile_version__ in version
