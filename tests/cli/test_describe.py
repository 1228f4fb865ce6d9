"""``caption --describe model``: captions from models that hear, over real HTTP, whatever drives it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from audiomcq_cli import audio
from tests.backends.test_vllm_offline import WITH_FAKES
from tests.cli import audiomcq, hash_tree, spawn, start
from tests.servers.batches import running_batches
from tests.servers.llama import HEARING, running_hearing
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted

CLIPS = 4
WORDS = """'root ::= [a-z]{2,7} (" " [a-z]{2,7}){2,4} "."'"""
COMMAND = ("caption", "build/caption", "--recipe", "recipe.toml", "--describe", "model")


def write_clips(folder: Path, count: int = CLIPS) -> None:
    """Write clips of noise, one second long and half a second more each, which nobody has described."""
    folder.mkdir()
    for number in range(count):
        noise = np.random.default_rng(number).uniform(-0.2, 0.2, 8_000 * (number + 2)).astype(np.float32)
        (folder / f"clip{number}.wav").write_bytes(audio.encode(noise, 16_000, "wav"))


def write_recipe(folder: Path, url: str, *, model: str = "scripted", ears: str = "", more: str = "") -> None:
    """Write a recipe with two captioners: ``ears`` hears a second at once, ``more`` all of a clip."""
    address = f'base_url = "{url}"\n' if url else ""
    (folder / "recipe.toml").write_text(
        f"""
[project]
name = "heard"

[[sources]]
adapter = "folder"
path = "clips"

[caption]
captioners = ["ears", "more"]

[models.ears]
model = "{model}"
revision = "a"
{address}audio = true
audio_window = 1.0
{ears}

[models.more]
model = "{model}"
revision = "b"
{address}audio = true
{more}
"""
    )


def read_clips(folder: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(folder / "build/caption/*.parquet").sort("clip_id").to_dicts()


def hash_captions(folder: Path) -> Any:
    return hash_tree(folder / "build/caption")


# --------------------------------------------------------------------------------------------------- a real model


@pytest.fixture(scope="module")
def hearing() -> Iterator[RunningServer]:
    with running_hearing() as server:
        yield server


@pytest.mark.check
def test_llama_describes_clips(hearing: RunningServer, tmp_path: Path) -> None:
    """llama.cpp with an audio projector is heard out about every clip and every part of one, in flac or wav; what it
    says depends on what it hears, and a replay says the same."""
    write_clips(tmp_path / "clips", 2)
    greedy = f"sampling = {{ temperature = 0, max_tokens = 64, grammar = {WORDS} }}"
    write_recipe(tmp_path, hearing.base_url, model=HEARING, ears=greedy, more=f'audio_format = "wav"\n{greedy}')
    ended = audiomcq(*COMMAND, "--json", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.json["stages"][0]["calls"] == {"ears": 3, "more": 2}
    first, second = read_clips(tmp_path)
    assert [caption["origin"] for caption in first["captions"]] == [HEARING, HEARING]
    assert [caption["origin"] for caption in second["captions"]] == [
        f"{HEARING} (0 s to 0.75 s)", f"{HEARING} (0.75 s to 1.5 s)", HEARING
    ]  # fmt: skip
    assert first["captions"][0] == first["captions"][1]  # the same sound as flac and as wav
    said = [caption["text"] for clip in (first, second) for caption in clip["captions"][:1]]
    assert len(set(said)) == 2 and all(text.endswith(".") and len(text.split()) >= 3 for text in said)
    made = hash_captions(tmp_path)
    shutil.rmtree(tmp_path / "build/caption")
    assert audiomcq(*COMMAND, "--replay", folder=tmp_path).code == 0
    assert hash_captions(tmp_path) == made


def test_model_without_ears_stops_before_the_first_call(tmp_path: Path) -> None:
    """A captioner whose table does not say that it hears is named, and so is what to write."""
    write_clips(tmp_path / "clips", 1)
    write_recipe(tmp_path, "http://127.0.0.1:9/v1")
    text = (tmp_path / "recipe.toml").read_text().replace("audio = true\n", "", 1)
    (tmp_path / "recipe.toml").write_text(text)
    ended = audiomcq(*COMMAND, folder=tmp_path)
    assert ended.code != 0
    assert "stage caption needs audio of model 'ears'" in ended.error and "audio = true" in ended.error


# ---------------------------------------------------------------------------------------------------- all drivers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_batches(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def online(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the captions were asked for online."""
    folder = tmp_path_factory.mktemp("online")
    write_clips(folder / "clips")
    write_recipe(folder, server.base_url)
    ended = audiomcq(*COMMAND, folder=folder)
    assert ended.code == 0, ended.err
    return folder


def test_rehearsal_counts_what_is_then_sent(server: RunningServer, online: Path, tmp_path: Path) -> None:
    """A dry run predicts the calls to each captioner, parts of long clips included, and nothing once they are known."""
    shutil.copytree(online / "clips", tmp_path / "clips")
    write_recipe(tmp_path, server.base_url)
    ended = audiomcq(*COMMAND, "--dry-run", "--json", folder=tmp_path)
    assert ended.code == 0, ended.err
    [stage] = ended.json["dry_run"]
    assert stage["calls"] == {"ears": 1 + 2 + 2 + 3, "more": 4, "probe": 4}
    assert stage["prompt_tokens"]["more"] > 4 * 25  # what is heard counts, beside the words
    assert sum(len(clip["captions"]) for clip in read_clips(online)) == 8 + 4
    known = audiomcq(*COMMAND, "--dry-run", "--json", folder=online)
    assert not any(known.json["dry_run"][0]["calls"].values())


@pytest.mark.parametrize("driver", ["batch", "offline"])
def test_captions_are_the_same_by_every_driver(
    server: RunningServer, online: Path, driver: str, tmp_path: Path
) -> None:
    """By a batch API, which is sent wav, and by vLLM in this process the same rows come as online with flac."""
    shutil.copytree(online / "clips", tmp_path / "clips")
    if driver == "batch":
        keys = 'backend = "openai-batch"\npoll_seconds = 0.05'
        write_recipe(tmp_path, server.base_url, ears=keys, more=keys)
        ended = audiomcq(*COMMAND, folder=tmp_path)
    else:
        keys = 'backend = "vllm-offline"\ngpu_memory_utilization = 0.4'
        write_recipe(tmp_path, "", ears=keys, more=keys)
        ended = spawn(*COMMAND, folder=tmp_path, root=WITH_FAKES)
    assert ended.code == 0, ended.err
    assert read_clips(tmp_path) == read_clips(online)


@pytest.mark.check
def test_killed_run_goes_on(tmp_path: Path) -> None:
    """After a SIGKILL the same command asks for what is missing and ends with the rows of a run that was left alone."""
    write_clips(tmp_path / "clips", 8)
    with running_scripted(latency_ms=60, folder=tmp_path) as slow:
        write_recipe(tmp_path, slow.base_url, ears="concurrency = 1", more="concurrency = 1")
        process = start(*COMMAND, folder=tmp_path)
        deadline = time.monotonic() + 60
        while slow.stats()["completed"] < 14 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)  # replies are committed within 50 ms
        process.kill()
        process.communicate()
        ended = audiomcq(*COMMAND, folder=tmp_path)
        assert ended.code == 0, ended.err
        asked = slow.requests()
        # The first clip goes to both as it is; beside that, what was in flight or came back at the last moment.
        assert 1 <= sum(asked.values()) - len(asked) <= 8
        killed = hash_captions(tmp_path)
        for name in ("caption", "journal"):
            shutil.rmtree(tmp_path / "build" / name)
        assert audiomcq(*COMMAND, folder=tmp_path).code == 0
    assert hash_captions(tmp_path) == killed
