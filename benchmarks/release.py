"""Releases with audio: time and peak memory of a build, and what a changed version uploads.

    pip install fastcdc
    python -m benchmarks.release [--clips 6400] [--seconds 10] [--questions 1] [--shards 64] [--folder DIR]

Every clip is noise and a tone, 16 kHz, 32 kB a second; each build is a process of its own, as a user starts it, and
what is reported of it is the operating system's accounting. Then 1 % of the rows change (of these 40 % get another
text, 30 % go, and 30 % are new, with new clips) and the release is built again. The Hub stores a file as chunks cut by
content (a gear hash, 64 kB on average, 8 to 128 kB) and takes no chunk twice; chunks are cut here the same way.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import mmap
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audiomcq_cli.contracts import Row
from tests.release.conftest import released_row, write_stage

ROOT = Path(__file__).parent.parent
RATE = 16_000
PAIRS = (("sft", "weak"), ("sft", "strong"), ("rl", "strong"))
RECIPE = '[project]\nname = "benchmark"\n[publish]\nlicense = "cc-by-4.0"\naudio = "embed"\n'
SMALLEST, AVERAGE, LARGEST = 8 << 10, 64 << 10, 128 << 10
"""Bytes of the Hub's chunks."""


def write_clip(folder: Path, number: int, seconds: int) -> Row:
    """Write a clip that no other is like; gives what its rows say of it."""
    import soundfile

    random = np.random.default_rng(number)
    tone = np.sin(np.arange(RATE * seconds) * (0.05 + number % 100 / 100))
    samples = 0.2 * tone + 0.2 * random.uniform(-1, 1, RATE * seconds)
    path = folder / f"{number}.wav"
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return {"audio_path": path.name, "audio_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def write_text(seed: str) -> str:
    """Some 1,200 signs that no other seed gives: words compress as those of a model would, or worse."""
    words = np.random.default_rng(list(seed.encode())).integers(0, 5_000, 200)
    return " ".join(f"w{word}" for word in words)


def make_rows(clip: int, audio: Row, questions: int) -> list[Row]:
    """The questions about a clip."""
    pair = PAIRS[clip % 3]
    rows = [released_row(clip, *pair, **audio, structured_cot=write_text(f"{clip}:{n}")) for n in range(questions)]
    return [row | {"id": f"{row['clip_id']}:llm:{n}"} for n, row in enumerate(rows)]


def change(rows: list[Row], folder: Path, clips: int, seconds: int, questions: int) -> list[Row]:
    """A new version: 1 % of the rows have another text, are gone, or are new."""
    chosen = np.random.default_rng(1).permutation(len(rows))[: max(3, len(rows) // 100)]
    edited, removed = (set(part) for part in np.split(chosen, [4 * len(chosen) // 10, 7 * len(chosen) // 10])[:2])
    kept = [
        row | {"structured_cot": write_text(f"new {row['id']}")} if number in edited else row
        for number, row in enumerate(rows)
        if number not in removed
    ]
    new = len(chosen) - len(edited) - len(removed)
    for number in range(clips, clips + -(-new // questions)):
        place = (number * 7919) % len(kept)
        while place < len(kept) and place and kept[place]["clip_id"] == kept[place - 1]["clip_id"]:
            place += 1
        kept[place:place] = make_rows(number, write_clip(folder, number, seconds), questions)
    print(f"{len(edited)} rows with another text, {len(removed)} gone, {new} new")
    return kept


def build(folder: Path, stage: str, release: str) -> None:
    """Publish a stage folder in a process of its own, and tell what that took."""
    command = [sys.executable, "-m", "audiomcq_cli", "publish", stage, release, "--recipe", "recipe.toml"]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    seconds, cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    print(f"{release}: {seconds:.1f} s wall, {cpu:.1f} s cpu, {usage.ru_maxrss / 1024:.0f} MB peak", flush=True)


def list_chunks(folder: Path) -> Iterator[tuple[bytes, int]]:
    """Hash and size of the chunks of every file of a release."""
    cut = importlib.import_module("fastcdc").fastcdc
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for chunk in cut(str(path), SMALLEST, AVERAGE, LARGEST):
                begin, size = chunk.offset, chunk.length
                yield hashlib.sha256(data[begin : begin + size]).digest(), size


def compare(old: Path, new: Path) -> None:
    """Tell how many bytes of a new version are in chunks that the old one does not have."""
    stored = dict(list_chunks(old))
    whole = sum(path.stat().st_size for path in new.rglob("*") if path.is_file())
    fresh = {hash_: size for hash_, size in list_chunks(new) if hash_ not in stored}
    sent = sum(fresh.values())
    print(f"first upload: {sum(stored.values()) / 1e6:,.1f} MB in {len(stored):,} chunks")
    print(f"next upload: {sent / 1e6:,.1f} MB of {whole / 1e6:,.1f} MB: {100 * sent / whole:.2f} %")


def main() -> None:
    """Build a release, change it, build it again, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=6_400)
    parser.add_argument("--seconds", type=int, default=10, help="of each clip")
    parser.add_argument("--questions", type=int, default=1, help="of each clip")
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="where to build; a temporary folder by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        audio = folder / "audio"
        audio.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.toml").write_text(RECIPE)
        rows = [
            row
            for clip in range(arguments.clips)
            for row in make_rows(clip, write_clip(audio, clip, arguments.seconds), arguments.questions)
        ]
        size = sum(path.stat().st_size for path in audio.iterdir())
        print(f"{arguments.clips:,} clips, {size / 1e6:,.0f} MB, {len(rows):,} rows, {arguments.shards} shards")
        given = {"shards": arguments.shards, "audio_roots": {"AudioCaps": "../audio"}}
        write_stage(folder / "split1", rows, **given)
        build(folder, "split1", "release1")
        rows = change(rows, audio, arguments.clips, arguments.seconds, arguments.questions)
        write_stage(folder / "split2", rows, **given)
        build(folder, "split2", "release2")
        compare(folder / "release1", folder / "release2")


if __name__ == "__main__":
    main()
