"""A stage folder as split leaves it, small and made by hand."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.records import RELEASED, clip_id, question_id, shard_of
from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.rows.files import read_clips
from audiomcq_cli.release.rows.statistics import Statistics, count_blocks, count_rows
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.manifest import manifest_path, read_manifest, write_manifest
from audiomcq_cli.storage.shards import ShardWriter, list_shards, shard
from tests.servers.hub import RunningHub

INFO = ReleaseInfo(name="tiny", version="1.2.0", title="Tiny AudioMCQ", license="cc-by-4.0", repo="org/tiny")


def released_row(number: int, subset: str = "sft", label: str = "weak", **values: Any) -> Row:
    """A row with every column of a release; ``values`` replace some."""
    source = values.get("source_dataset", "AudioCaps")
    clip = clip_id(source, str(number))
    provenance = {"column": "question", "model": "m", "revision": "r", "prompt": "question", "prompt_version": "1"}
    vote = {
        "judge": "judge_a", "model": "some/judge", "revision": "abc", "condition": "silence:30",
        "order": [0, 1, 2, 3], "chosen": 0 if label == "weak" else 1, "status": "right" if label == "weak" else "wrong",
        "call": f"{number:064x}",
    }  # fmt: skip
    row = {
        "source_dataset": source, "id": question_id(clip, "llm", 0), "question_type": "sound",
        "audio_path": f"{number}.wav", "question": "What is heard?", "choices": ["rain", "wind", "a dog", "a bell"],
        "answer": "rain", "answer_index": 0, "clip_id": clip, "source_id": str(number), "audio_sha256": None,
        "duration": 10.0, "sample_rate": 16_000, "channels": 1,
        "captions": [{"text": "rain falls", "origin": "AudioCaps"}], "events": [], "transcript": [],
        "measurements": [], "fingerprint": None, "proof": [], "tags": [], "block": None, "cluster": None,
        "license": "CC-BY-4.0", "origin": None, "method": "llm", "difficulty": None, "flags": [],
        "calls": [{"stage": "generate", "prompt": "question", "key": "00ff"}], "provenance": [provenance],
        "scores": [{"dimension": "fluency", "score": 5, "grader": "g", "reason": "fine"}],
        "structured_cot": "<stage1>…</stage1>", "simple_cot": "It rains.",
        "votes": [vote], "audio_contribution": label, "subset": subset,
    }  # fmt: skip
    return row | values


def record(folder: Path, number: int, *, seconds: float = 1.0, rate: int = 8_000) -> Row:
    """Write the clip of a row, noise that no other number gives; gives the values of the row that follow from it."""
    import numpy as np
    import soundfile

    path = folder / f"{number}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(number).uniform(-0.5, 0.5, int(rate * seconds))
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return {
        "audio_path": path.name, "audio_sha256": hash_file(path), "duration": seconds, "sample_rate": rate,
    }  # fmt: skip


def write_stage(folder: Path, rows: Iterable[Row], *, shards: int = 1, **manifest: Any) -> Path:
    """A finished stage folder with some rows; ``manifest`` replaces keys of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    entries = []
    for index in range(shards):
        file = shard(folder, index, shards).path
        mine = [row for row in rows if shard_of(row["clip_id"], shards) == index]
        with ShardWriter(file, RELEASED) as writer:
            for row in mine:
                writer.write(row)
        entries.append(
            {
                "file": file.name, "rows": len(mine), "sha256": hash_file(file), "fingerprint": "f" * 64,
                "items": {"in": len(mine), "kept": len(mine), "rejected": 0, "failed": 0},
                "reasons": {"rejected": {}, "failed": {}},
            }
        )  # fmt: skip
    write_manifest(folder, _manifest(entries, len(rows)) | manifest)
    return folder


def _manifest(shards: list[dict[str, Any]], rows: int) -> dict[str, Any]:
    totals = {"in": rows, "kept": rows, "rejected": 0, "failed": 0}
    model = {"backend": "openai-compatible", "model": "some/judge", "revision": "abc", "sampling": {"temperature": 0}}
    lineage = [
        {"stage": "caption", "version": 1, "seed": 0, "options": {}, "models": {}, "prompts": {},
         "items": totals, "reasons": {"rejected": {}, "failed": {}}},
        {"stage": "filter", "version": 1, "seed": 0, "options": {"seconds": 30.0, "judges": ["judge_a"]},
         "models": {"judge_a": model},
         "prompts": {"judge": {"version": "1", "sha256": "ab" * 32, "text": "Answer the question."}},
         "items": {"in": rows + 3, "kept": rows, "rejected": 2, "failed": 1},
         "reasons": {"rejected": {"too_few_votes": 2}, "failed": {"schema": 1}}},
    ]  # fmt: skip
    return {
        "format": 1, "stage": "split", "stage_version": 1, "tool_version": "0.1.0", "input": "../filter",
        "shards": shards, "lineage": lineage, "audio_roots": {"AudioCaps": "../../audio"},
        "totals": {"rows": rows, "items": totals, "reasons": {"rejected": {}, "failed": {}}},
        "sources": [{"name": "AudioCaps", "adapter": "audiocaps", "license": None, "origin": None}],
    }  # fmt: skip


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """``datasets`` asks nobody."""
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


def count_stage(folder: Path) -> tuple[Statistics, dict[str, Any]]:
    """What a release of a stage folder counts, and the manifest of the folder."""
    statistics = Statistics()
    for one in list_shards(folder):
        statistics += count_blocks(one.path)
        for table in read_clips(one):
            statistics += count_rows(table)
    manifest = read_manifest(folder)
    assert manifest is not None
    return statistics, manifest


def staged_rows() -> list[Row]:
    """Forty questions: both labels in sft, strong ones in rl."""
    pairs = [("sft", "weak"), ("sft", "strong"), ("rl", "strong"), ("sft", "weak")]
    kinds = ("sound", "music", "speech")
    return [released_row(n, *pairs[n % 4], question_type=kinds[n % 3]) for n in range(40)]


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """Forty questions in four shards."""
    return write_stage(tmp_path / "split", staged_rows(), shards=4)


class Releases:
    """Gives releases for tests to look at or to damage: each is built once, as its plots take their time, and copied.

    What building itself does is tested on ``build_release``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: dict[str, Path] = {}

    def put(
        self, target: Path, rows: Sequence[Row], info: ReleaseInfo = INFO, *, shards: int = 1, **manifest: Any
    ) -> Path:
        """A release of some rows in a folder that is not there yet; ``manifest`` as of ``write_stage``."""
        name = hashlib.sha256(repr((rows, info, shards, manifest)).encode()).hexdigest()
        if name not in self._built:
            folder = self._folder / name
            build_release(write_stage(folder / "split", rows, shards=shards, **manifest), folder / "release", info)
            self._built[name] = folder / "release"
        return shutil.copytree(self._built[name], target)


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    return Releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture
def release(releases: Releases, tmp_path: Path) -> Path:
    """What is built of ``stage``, in ``release``."""
    return releases.put(tmp_path / "release", staged_rows(), shards=4)


# ------------------------------------------------------------------------------------------------ audio and the Hub


def write_tone(path: Path, seconds: float, pitch: int) -> None:
    """A short tone."""
    import numpy as np
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * 8_000)) / 8_000
    soundfile.write(path, 0.1 * np.sin(2 * np.pi * pitch * time), 8_000)


def rewrite(folder: Path, path: str, change: Callable[[Any], Any], *, row_group: int = 100, **how: Any) -> None:
    """Change the table of a data file, and name the new file in the manifest, as somebody who knows it would."""
    import pyarrow.parquet as pq

    table = change(pq.read_table(folder / path, partitioning=None))
    pq.write_table(table, folder / path, row_group_size=row_group, **({"write_page_index": True} | how))
    refresh(folder, path, rows=table.num_rows)


def refresh(folder: Path, path: str, **values: Any) -> None:
    """Name a file in the manifest as it is now."""
    manifest = json.loads(manifest_path(folder).read_text())
    for entry in manifest.get("files", manifest.get("shards")):
        if entry["file"] == path:
            entry |= {"sha256": hash_file(folder / path), **values}
            entry |= {"size": (folder / path).stat().st_size} if "size" in entry else {}
    manifest_path(folder).write_text(json.dumps(manifest))


def embed_tones(folder: Path) -> None:
    """Put a tone into every row of a release, and take the features out of its card, where there is no audio yet."""
    import pyarrow as pa

    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

    def add(table: Any) -> Any:
        rows = table.to_pylist()
        for row in rows:
            tone = folder.parent / "tones" / row["audio_path"]
            write_tone(tone, 0.5, 200 + 10 * int(row["source_id"]))
            row |= {"audio_sha256": hash_file(tone), "duration": 0.5}
            row["audio"] = {"bytes": tone.read_bytes(), "path": row["audio_path"]}
        return pa.Table.from_pylist(rows, schema=pa.schema([pa.field("audio", kind), *table.schema]))

    for file in sorted(folder.glob("data/*/*.parquet")):
        rewrite(folder, file.relative_to(folder).as_posix(), add)
    card = (folder / "README.md").read_text()
    (folder / "README.md").write_text(re.sub(r"dataset_info:\n(?:(?:- |  ).*\n)*", "", card))


def upload(hub: RunningHub, repo: str, folder: Path, **options: Any) -> str:
    """Commit a folder in place of what is there; returns the commit."""
    old = hub.tree(repo) if hub.refs(repo) else {}
    files: dict[str, bytes | None] = {path: None for path in old if path != ".gitattributes"}
    files |= {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return hub.commit(repo, files, **options)
