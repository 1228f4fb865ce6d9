"""The journal in numbers: how soon a resume sends its first request, and what packing and reusing take.

    python -m benchmarks.journal resume [--rows N] [--shards N]
    python -m benchmarks.journal pack [--replies N] [--shards N]

``resume`` has ``verify`` grade all rows, takes the replies of the last tenth away, with the shards that they belong to,
and times the command that goes on until a server of its own hears from it (on busy cores the CPU time says more); then
once more without any finished shard, from the journal alone. ``pack`` makes journals of made-up replies and does to
them what can be done.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import filecmp
import hashlib
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from audiomcq_cli import records
from audiomcq_cli.engine.journal import pack
from audiomcq_cli.engine.journal.journal import Entry, Journal, JournalWriter
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.shards import ShardWriter, list_shards, read_rows, shard
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted

ROOT = Path(__file__).parent.parent
GRADE = {"score": 5, "reason": "It is fine as it stands, and nothing is to be said against it."}
WORDS = [hashlib.md5(bytes([n // 256, n % 256])).hexdigest()[: 3 + n % 7] for n in range(3_000)]


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took, and the most memory this process ever had."""
    began = time.monotonic()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:60}{time.monotonic() - began:9.2f} s {peak:8.0f} MB peak", flush=True)


# --------------------------------------------------------------------------------------------------------------- resume


def write_questions(folder: Path, rows: int, shards: int) -> None:
    """Write questions as generate does, five of a clip."""
    folder.mkdir(parents=True)
    chance = random.Random(1)
    made_by = {"stage": "generate", "prompt": "question", "key": "0" * 64}
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(ShardWriter(shard(folder, n, shards).path, records.QUESTION)) for n in range(shards)
        ]
        for number in range(rows):
            clip = records.clip_id("Made", str(number // 5))
            choices = [" ".join(chance.choices(WORDS, k=3)) for _ in range(4)]
            row = {
                "source_dataset": "Made", "id": records.question_id(clip, "llm", number % 5), "question_type": "sound",
                "audio_path": None, "question": f"Which of these is heard in {number}?", "choices": choices,
                "answer": choices[0], "answer_index": 0, "clip_id": clip, "source_id": str(number // 5),
                "audio_sha256": None, "duration": None, "sample_rate": None, "channels": None,
                "captions": [{"text": " ".join(chance.choices(WORDS, k=12)), "origin": "made"}], "events": [],
                "transcript": [], "measurements": [], "fingerprint": None, "license": None, "origin": None,
                "method": "llm", "difficulty": None, "flags": [], "calls": [made_by], "provenance": [], "proof": [],
                "tags": [], "block": None, "cluster": None,
            }  # fmt: skip
            writers[records.shard_of(clip, shards)].write(row)


def write_recipes(folder: Path, url: str) -> None:
    """The same model in this process and on a server: their replies are one another's."""
    names = ("answer_consistency", "incorrect_options_quality", "language_fluency")
    script = json.dumps({"*": [json.dumps(dict.fromkeys(names, GRADE))]}).encode()
    (folder / "script.json").write_bytes(script)
    revision = hashlib.sha256(script).hexdigest()[:16]  # what a script is known by
    ways = {
        "fill": 'backend = "scripted"\nscript = "script.json"',
        "go": f'base_url = "{url}"\nrevision = "{revision}"',
    }
    for name, way in ways.items():
        text = f'[project]\nname = "made"\nworkdir = "work"\n[models.grader]\nmodel = "scripted"\n{way}\n'
        (folder / f"{name}.toml").write_text(text)


def start(folder: Path, recipe: str) -> subprocess.Popen[bytes]:
    """Start verify; what it says goes to a file."""
    command = [sys.executable, "-m", "audiomcq_cli", "verify", "in", "out", "--recipe", f"{recipe}.toml"]
    with (folder / f"{recipe}.log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=log)


def take_away(folder: Path, rows: int) -> None:
    """Take away the replies of the last rows, and the shards they are in."""
    left = rows
    for one in reversed(list_shards(folder / "out")):
        if left <= 0:
            break
        keys = [bytes.fromhex(row["calls"][-1]["key"]) for row in read_rows(one.path, ["calls"])]
        keys = keys[-left:]
        left -= len(keys)
        journal = folder / "work/journal/verify" / one.path.with_suffix(".sqlite").name
        with contextlib.closing(sqlite3.connect(journal)) as connection, connection:
            connection.executemany("DELETE FROM replies WHERE key = ?", [(key,) for key in keys])
        one.path.unlink()
    (folder / "out" / HIDDEN / "manifest.json").unlink()


def time_first_request(folder: Path, server: RunningServer) -> None:
    """Go on until the server hears from it, then stop it."""
    server.reset()
    began = time.monotonic()
    process = start(folder, "go")
    while process.poll() is None and not server.stats()["received"]:
        time.sleep(0.02)
    seconds = time.monotonic() - began
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    process.terminate()
    _, _, usage = os.wait4(process.pid, 0)
    what = f"to the first new request ({cpu:.2f} s of CPU)"
    print(f"{what:60}{seconds:9.2f} s {usage.ru_maxrss / 1024:8.0f} MB peak", flush=True)


def measure_resume(folder: Path, rows: int, shards: int) -> None:
    """Time a resume with nine tenths done."""
    with running_scripted() as server:
        write_questions(folder / "in", rows, shards)
        write_recipes(folder, server.base_url)
        with timed(f"{rows:,} rows in {shards} shards, nothing done"):
            if start(folder, "fill").wait():
                raise SystemExit((folder / "fill.log").read_text())
        take_away(folder, rows // 10)
        shutil.copytree(folder / "work", folder / "kept")
        print("nine tenths are done, finished shards are there:")
        time_first_request(folder, server)
        shutil.rmtree(folder / "out")
        shutil.rmtree(folder / "work")
        shutil.copytree(folder / "kept", folder / "work")
        print("nine tenths are done, only the journal is there:")
        time_first_request(folder, server)


# ----------------------------------------------------------------------------------------------------------------- pack


def write_journals(folder: Path, replies: int, shards: int) -> None:
    """Journals of made-up replies of the length that a writer's have."""
    chance = random.Random(1)

    async def fill(writer: JournalWriter, number: int) -> None:
        journal = writer.open(folder / f"journal/generate/part-{number:05d}-of-{shards:05d}.sqlite")
        journal.lease("0" * 64, None)
        for reply in range(number, replies, shards):
            text = json.dumps({"question": " ".join(chance.choices(WORDS, k=60))})
            key = hashlib.sha256(reply.to_bytes(8, "big")).digest()
            journal.put(key, Entry(text=text, prompt_tokens=500, completion_tokens=100))
        await writer.close_journal(journal)

    for number in range(shards):
        with JournalWriter() as writer:
            asyncio.run(fill(writer, number))


def look_up(folder: Path, place: Path, replies: int, shards: int, name: str) -> None:
    """Look 20,000 replies up that another place has, and 20,000 that none has."""
    with JournalWriter() as writer:
        with timed(f"{name}: open"):
            journal = writer.read(folder / f"journal/generate/part-00000-of-{shards:05d}.sqlite", [place], replay=True)
        for what, first in (("there", 0), ("nowhere", replies)):
            keys = [hashlib.sha256((first + n).to_bytes(8, "big")).digest() for n in range(20_000)]
            with timed(f"{name}: 20,000 lookups, {what}"):
                found = sum(journal.get(key) is not None for key in keys)
            if found != (len(keys) if not first else 0):
                raise SystemExit(f"{found} of {len(keys)} found")
        journal.close()


def measure_pack(folder: Path, replies: int, shards: int) -> None:
    """Time everything that is done to journals as a whole."""
    with timed(f"write {replies:,} replies into {shards} journals"):
        write_journals(folder / "a", replies, shards)
    with timed("pack"):
        pack.pack(folder / "a", folder / "packed")
    print(f"{'packed':60}{(folder / 'packed').stat().st_size / 2**20:9.0f} MB")
    with timed("pack again"):
        pack.pack(folder / "a", folder / "again")
    same = filecmp.cmp(folder / "packed", folder / "again", shallow=False)
    print(f"{'the same bytes':60}{same!s:>9}")
    with timed("unpack"):
        pack.unpack(folder / "packed", folder / "b")
    with timed("unpack where all is there"):
        pack.unpack(folder / "packed", folder / "b")
    with timed("info"):
        pack.summarise(folder / "packed")
    look_up(folder / "c", folder / "packed", replies, shards, "reuse of the packed file")
    look_up(folder / "c", folder / "a", replies, shards, "reuse of the workdir, same shard first")
    look_up(folder / "c", folder / "a", replies, shards + 1, "reuse of the workdir, cut otherwise")
    with timed("open one journal"):
        Journal.read_only(folder / f"a/journal/generate/part-00000-of-{shards:05d}.sqlite").close()


def main() -> None:
    """Measure one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("resume", "pack"))
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--replies", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=64)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if arguments.what == "resume":
            measure_resume(Path(temporary), arguments.rows, arguments.shards)
        else:
            measure_pack(Path(temporary), arguments.replies, arguments.shards)


if __name__ == "__main__":
    main()
