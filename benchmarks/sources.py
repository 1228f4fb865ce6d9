"""Time and peak memory of caption and import over synthetic sets of a million rows, one for each way of reading.

    python -m benchmarks.sources [--rows N] [--folder DIR] [NAME ...]

Each is ``audiomcq caption`` (or ``import``) in a process of its own; what is reported of it is the operating system's
accounting. The sets have no audio, but for ``files``: there each clip has a file (the same few bytes, which no decoder
takes).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORDS = ("rain falls on a tin roof", "a dog barks twice", "a crowd cheers", "an engine starts", "birds sing far away")
CLIPS = 5
"""Rows of a clip, where a clip has several."""


def describe(number: int) -> str:
    """A caption that no other row has."""
    return f"{WORDS[number % 5]} while {WORDS[number // 5 % 5]}, take {number}"


def write_audiocaps(path: Path, rows: int) -> str:
    """CSV, a row a clip."""
    with path.open("w") as file:
        file.write("audiocap_id,youtube_id,start_time,caption\n")
        file.writelines(f'{n},v{n:010d},30,"{describe(n)}"\n' for n in range(rows))
    return f"audiocaps:{path.name}"


def write_cells(path: Path, rows: int) -> str:
    """CSV of one's own, several rows a clip, far apart."""
    with path.open("w") as file:
        file.write("clip_id,caption,license\n")
        file.writelines(f'c{n % (rows // CLIPS)},"{describe(n)}",CC0\n' for n in range(rows))
    return f"table:{path.name}"


def write_columns(path: Path, rows: int) -> str:
    """Parquet of one's own in one row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids, texts = (f"c{n % (rows // CLIPS)}" for n in range(rows)), (describe(n) for n in range(rows))
    columns = {"clip_id": pa.array(ids, pa.string()), "caption": pa.array(texts, pa.string())}
    pq.write_table(pa.table(columns), path, row_group_size=rows)
    return f"table:{path.name}"


def write_lines(path: Path, rows: int) -> str:
    """JSON Lines, several rows a clip, far apart."""
    with path.open("w") as file:
        for n in range(rows):
            file.write(json.dumps({"id": f"c{n % (rows // CLIPS)}", "caption": describe(n), "license": "CC0"}) + "\n")
    return f"table:{path.name}"


def write_list(path: Path, rows: int) -> str:
    """A JSON list on one line, several questions a clip."""
    with path.open("w") as file:
        file.write("[")
        for n in range(rows):
            entry = {"audio_id": f"/data/audioset/Y{n // CLIPS:09d}.wav", "instruction": f"What is heard in take {n}?"}
            file.write((", " if n else "") + json.dumps({**entry, "output": describe(n)}))
        file.write("]")
    return f"compa-r:{path.name}"


def write_parquet(path: Path, rows: int) -> str:
    """Parquet in one row group, three captions a row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def column(name: str) -> Iterator[str]:
        return (f"{name}: {describe(n)}" for n in range(rows))

    texts = ("title", "artist_name", "release", "caption_writing", "caption_summary", "caption_paraphrase")
    columns = {name: pa.array(column(name), pa.string()) for name in texts}
    columns["track_id"] = pa.array([str(n) for n in range(rows)])
    columns["path"] = pa.array([f"f/track-{n}.mp3" for n in range(rows)])
    pq.write_table(pa.table(columns), path, row_group_size=rows)
    return f"lp-musiccaps:{path.name}"


def write_voices(path: Path, rows: int) -> str:
    """One JSON object with a row under each id."""
    with path.open("w") as file:
        file.write("{")
        for n in range(rows):
            voice = {"text": describe(n), "pitch": "high", "speed": "slow", "gender": "female", "emotion": "happy"}
            file.write((", " if n else "") + f'"84_{n}_000001_000001": {json.dumps(voice)}')
        file.write("}")
    return f"speechcraft:{path.name}"


def write_questions(path: Path, rows: int) -> str:
    """A JSON list of multiple-choice questions, each about a clip of its own."""
    with path.open("w") as file:
        file.write("[")
        for n in range(rows):
            own = {"id": f"q{n}", "audio_id": f"./test-mini-audios/q{n}.wav", "question": f"What is heard in take {n}?"}
            rest = {"choices": list(WORDS[:4]), "answer": WORDS[n % 4], "task": "sound", "difficulty": "easy"}
            file.write((", " if n else "") + json.dumps(own | rest))
        file.write("]")
    return f"mmau:{path.name}"


def write_files(path: Path, rows: int) -> str:
    """A folder of files without captions."""
    for n in range(rows):
        file = path / f"{n // 1000:04d}" / f"{n}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"RIFF")
    return f"folder:{path.name}"


WRITERS: dict[str, tuple[str, Callable[[Path, int], str]]] = {
    "csv": ("train.csv", write_audiocaps),
    "table-csv": ("rows.csv", write_cells),
    "table-jsonl": ("rows.jsonl", write_lines),
    "table-parquet": ("rows.parquet", write_columns),
    "json-list": ("compa_r.json", write_list),
    "json-object": ("voices.json", write_voices),
    "parquet": ("train.parquet", write_parquet),
    "questions": ("mmau.json", write_questions),
    "files": ("clips", write_files),
}
IMPORTED = ("questions",)
SLOW = ("files",)
"""Left out unless named: a million files."""


def measure(folder: Path, source: str, out: str, *options: str) -> str:
    """Run the first stage over a set and describe what it took."""
    stage = "import" if out in IMPORTED else "caption"
    command = [sys.executable, "-m", "audiomcq_cli", stage, source, f"{out}/{stage}", *options]
    began = time.monotonic()
    with (folder / f"{out}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = (folder / f"{out}.log").read_text()
    if process.returncode:
        raise SystemExit(said)
    seconds, cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    summary = next(line for line in said.splitlines() if line.startswith(f"{stage}: ") and " in = " in line)
    return f"{seconds:8.1f} s wall {cpu:8.1f} s cpu {usage.ru_maxrss / 1024:7.0f} MB peak   {summary}"


def main() -> None:
    """Measure each kind of source, and drawing a sample of the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(WRITERS)}")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to build; a temporary folder by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        folder = Path(temporary)
        for name in arguments.names or [one for one in WRITERS if one not in SLOW]:
            file, write = WRITERS[name]
            # Elsewhere: the peak of a new process is at least that of the one that starts it.
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                source = pool.submit(write, folder / file, arguments.rows).result()
            print(f"{name:13} {measure(folder, source, name)}", flush=True)
            if name == "csv":
                print(f"{'csv, sample':13} {measure(folder, source, 'sample', '--sample', '10000')}", flush=True)


if __name__ == "__main__":
    main()
