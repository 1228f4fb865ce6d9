"""What share of clips finds a block, by family, and how long planning takes: on a CSV of captions.

    python -m benchmarks.block_planning CSV [--clips 10000] [--shards 1] [--slots 1] [--rows 100 --folder DIR]

    python -m benchmarks.block_planning CSV --stage [--sizes 5000,20000,49838]

Reads AudioCaps (``caption``), Clotho (``caption_1`` …) and MusicCaps alike: every column whose name begins with
``caption`` is a caption. ``--rows`` writes so many drawn rows as three files: questions with options, keys, captions.

``--stage`` runs the real stage on an AudioCaps CSV at several sizes, with the number of shards that a run chooses, and
prints CPU seconds (user and system) for each: of ``prepare``, which reads the whole corpus once, and of the plans of
all shards, in a process of their own that imports, reads shards and does nothing else; and of the whole command
``audiomcq run --until generate``, which also checks and writes rows, rejects, digests and logs.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.blocks.claims import Candidate
from audiomcq_cli.grounded.blocks.naming import load_forms
from audiomcq_cli.grounded.blocks.plan import Plan, plan_blocks
from audiomcq_cli.grounded.blocks.reading import read_candidate
from audiomcq_cli.grounded.blocks.writing import Block
from audiomcq_cli.grounded.knowledge import build_table, load_table
from audiomcq_cli.grounded.shard_plan import plan_shard
from audiomcq_cli.records import draw
from audiomcq_cli.storage.shards import list_shards, read_rows

ROOT = Path(__file__).parent.parent
RECIPE = """
[project]
name = "planning"
workdir = "build"

[[sources]]
adapter = "audiocaps"
path = "{path}"
limit = {clips}

[generate]
methods = ["grounded"]
questions_per_clip = {slots}
"""
IDS = ("youtube_id", "ytid", "file_name")


def read_captions(path: Path, clips: int) -> list[dict[str, Any]]:
    """The first clips of a CSV as rows of ``records.CLIP``, as far as captions are read from them.

    A recording that comes again is left out.
    """
    rows: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            captions = [text for name, text in line.items() if name.startswith("caption") and text]
            id_ = next(line[name] for name in IDS if name in line)
            said = [{"text": text, "origin": "CSV"} for text in captions]
            empty: dict[str, Any] = {"events": [], "transcript": [], "measurements": [], "duration": 10.0, "flags": []}
            rows.setdefault(id_, {"clip_id": id_, "captions": said} | empty)
            if len(rows) == clips:
                break
    return list(rows.values())


def split(candidates: Sequence[Candidate], shards: int) -> list[list[Candidate]]:
    """Clips by shard."""
    return [[one for one in candidates if draw(one.clip) % shards == shard] for shard in range(shards)]


def list_blocks(plans: Sequence[Plan]) -> list[Block]:
    """Every block of some plans."""
    return [block for plan in plans for group in plan.groups for block in group.slots if block]


def report(candidates: Sequence[Candidate], plans: Sequence[Plan]) -> None:
    """Print the shares that matter."""
    askable = sum(bool(one.claims) for one in candidates)
    placed = sum(len(group.clips) for plan in plans for group in plan.groups)
    print(f"clips {len(candidates)}, askable {askable}, placed {placed}", end=" ")
    print(f"({placed / len(candidates):.1%} of all, {placed / askable:.1%} of those that can be asked)")
    print("spares:", dict(Counter(reason for plan in plans for reason in plan.spares.values())))
    blocks = list_blocks(plans)
    families = Counter(block.family for block in blocks)
    print("by family:", {name: f"{count / len(blocks):.1%}" for name, count in families.most_common()})
    asks_presence = sum(
        count for name, count in families.items() if name in load_forms() and load_forms()[name].presence
    )
    print(f"presence in its renamings: {asks_presence / len(blocks):.1%} of {len(blocks)} blocks")
    slots = max((len(group.slots) for plan in plans for group in plan.groups), default=0)
    for place in range(slots):
        filled = sum(bool(group.slots[place]) for plan in plans for group in plan.groups)
        print(f"slot {place}: {filled} of {sum(len(plan.groups) for plan in plans)} groups")
    texts = Counter(block.question for block in blocks)
    print("commonest texts:", [(text, f"{count / len(blocks):.1%}") for text, count in texts.most_common(5)])
    reversed_ = [block for block in blocks if block.family == "in_order"]
    own = sum(sum(" > ".join(key.split(" > ")[::-1]) in block.keys for key in block.keys) for block in reversed_)
    if reversed_:
        print(f"order rows that offer the clip's own reverse: {own / 4 / len(reversed_):.1%} of {4 * len(reversed_)}")


def write_rows(plans: Sequence[Plan], captions: dict[str, list[str]], count: int, folder: Path) -> None:
    """Write drawn rows as a question without its key, and key and captions apart."""
    drawn = sorted(
        ((block, clip) for block in list_blocks(plans) for clip in block.answers),
        key=lambda one: draw("read", one[0].id, one[1]),
    )[:count]
    rows, keys, heard = [], [], []
    for number, (block, clip) in enumerate(drawn, start=1):
        options = "".join(f"   {'ABCD'[place]}) {text}\n" for place, text in enumerate(block.options))
        rows.append(f"{number}. {block.question}\n{options}")
        keys.append(f"{number}. {'ABCD'[block.answers[clip]]}\t{block.family}\n")
        heard.append(f"{number}. {' | '.join(captions[clip])}\n")
    for name, lines in (("rows", rows), ("keys", keys), ("captions", heard)):
        (folder / f"blocks-{name}.txt").write_text("".join(lines), encoding="utf-8")


def run(folder: Path, stage: str) -> float:
    """Run a recipe up to a stage; returns the CPU seconds of the process."""
    command = [sys.executable, "-m", "audiomcq_cli", "run", "recipe.toml", "--until", stage]
    with (folder / f"{stage}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / f"{stage}.log").read_text())
    return usage.ru_utime + usage.ru_stime


def plan_all(folder: Path, slots: int) -> tuple[float, float]:
    """CPU seconds of ``prepare`` and of the plans of a folder of clips; the first with all that was imported."""
    paths = [shard.path for shard in list_shards(folder)]
    knowledge = load_table(build_table(row for path in paths for row in read_rows(path)))
    prepared = time.process_time()
    for path in paths:
        plan_shard(read_rows(path), knowledge, slots, 0)
    return prepared, time.process_time() - prepared


def measure_stage(path: Path, clips: int, slots: int) -> str:
    """A row of a Markdown table for so many clips."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.toml").write_text(RECIPE.format(path=path.resolve(), clips=clips, slots=slots))
        run(folder, "caption")
        shards = len(list_shards(folder / "build/caption"))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            prepared, planned = alone.submit(plan_all, folder / "build/caption", slots).result()
        whole = run(folder, "generate")
    both = prepared + planned
    cells = f"{prepared:.1f} | {planned:.1f} | {both:.1f} | {1000 * both / clips:.2f} | {whole:.1f}"
    return f"| {clips:,} | {shards} | {cells} |"


def main() -> None:
    """Read, plan, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--stage", action="store_true", help="measure the real stage")
    parser.add_argument("--sizes", default="5000,20000,49838")
    args = parser.parse_args()
    if args.stage:
        print("| clips | shards | prepare, s | plans, s | both, s | a clip, ms | whole command, s |\n|" + "---|" * 7)
        for clips in map(int, args.sizes.split(",")):
            print(measure_stage(args.csv, clips, args.slots), flush=True)
        return
    rows = read_captions(args.csv, args.clips)
    start = time.process_time()
    candidates = [read_candidate(row) for row in rows]
    read = time.process_time()
    plans = [plan_blocks(shard, slots=args.slots) for shard in split(candidates, args.shards)]
    print(f"CPU: reading {read - start:.1f} s, planning {time.process_time() - read:.1f} s")
    report(candidates, plans)
    if args.rows:
        captions = {row["clip_id"]: [one["text"] for one in row["captions"]] for row in rows}
        write_rows(plans, captions, args.rows, args.folder)


if __name__ == "__main__":
    main()
