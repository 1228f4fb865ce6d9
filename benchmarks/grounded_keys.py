"""Keys of grounded questions against the truth: synthesises clips, runs caption and generate, and counts wrong keys.

    python -m benchmarks.grounded_keys [--clips 60] [--kinds glide,beat] [--seed 0] [--folder DIR]

Nothing stands in for anything: the clips are files, they are listened to by ``caption`` as a user has it, and every
question is held against what the clip was made of. Each kind of clip is a corpus of its own, so that the truth is as
often one as another: where it is not, the commoner answers are asked about less, and clips are left out for that.
Needs the extra ``listen``, and flite for voices and speech.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from audiomcq_cli.demo.signals import RATE
from audiomcq_cli.storage.shards import list_shards, read_rows
from benchmarks.grounded_scenes import MAKERS, Scene, make_scene
from benchmarks.grounded_truth import FAMILIES, find_wrong, list_families

ROOT = Path(__file__).parent.parent
RECIPE = """
[project]
name = "keys"
workdir = "build"

[[sources]]
adapter = "folder"
path = "clips"

[caption]
describe = ["local"]

[generate]
methods = ["grounded"]
questions_per_clip = 40
"""


def write_scenes(folder: Path, kind: str, clips: int, seed: int) -> dict[str, Scene]:
    """Write so many clips of a kind, with the events that are told; returns the scenes by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = {f"{kind}-{number:03}.wav": make_scene(kind, number, seed) for number in range(clips)}
    lines = []
    for name, scene in scenes.items():
        soundfile.write(folder / name, np.clip(scene.samples, -1, 1), RATE, subtype="PCM_16")
        told = [{"label": label, "onset": on, "offset": off} for label, on, off in scene.events if scene.told]
        lines.append(json.dumps({"file_name": name, "caption": "", "events": told}) + "\n")
    (folder / "clips.jsonl").write_text("".join(lines))
    return scenes


def ask(folder: Path) -> list[dict[str, Any]]:
    """Run caption and generate; returns the questions."""
    (folder / "recipe.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "audiomcq_cli", "run", "recipe.toml", "--until", "generate"]
    subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    return [row for one in list_shards(folder / "build/generate") for row in read_rows(one.path)]


def report(rows: Sequence[Mapping[str, Any]], scenes: Mapping[str, Scene]) -> int:
    """Print a line for each family and each wrong key; returns how many are wrong."""
    applicable = Counter(family for scene in scenes.values() for family in list_families(scene))
    served: defaultdict[str, set[str]] = defaultdict(set)
    questions: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    places: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in rows:
        scene = scenes[row["audio_path"]]
        family = next(fact["text"] for fact in row["proof"] if fact["name"] == "family")
        questions[family] += 1
        if family in list_families(scene):
            served[family].add(row["audio_path"])
        places[family][sorted(row["choices"], key=_sort_key).index(row["answer"])] += 1
        if problem := find_wrong(family, row, scene):
            wrong[family] += 1
            print(f"WRONG {row['id']}: {row['question']} {problem}")
    print(f"{'family':12}{'applies':>9}{'served':>9}{'':>7}{'questions':>11}{'wrong':>7}   keys by place, least first")
    for family in FAMILIES:
        part = len(served[family]) / applicable[family] if applicable[family] else 0.0
        spread = " ".join(f"{places[family][place]:4}" for place in range(4))
        counts = f"{applicable[family]:9}{len(served[family]):9}{part:7.0%}{questions[family]:11}{wrong[family]:7}"
        print(f"{family:12}{counts}   {spread}")
    print(f"{'all':12}{'':9}{'':9}{'':7}{questions.total():11}{wrong.total():7}   of {len(scenes)} clips")
    return wrong.total()


def _sort_key(choice: str) -> tuple[float, str]:
    digits = "".join(letter if letter.isdigit() or letter == "." else " " for letter in choice).split()
    return float(digits[0]) if digits else 0.0, choice


def main() -> None:
    """Make, ask, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=60, help="of each kind")
    parser.add_argument("--kinds", default=",".join(MAKERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scenes: dict[str, Scene] = {}
        rows: list[dict[str, Any]] = []
        for kind in arguments.kinds.split(","):
            folder = (arguments.folder or Path(temporary)) / kind
            scenes |= write_scenes(folder / "clips", kind, arguments.clips, arguments.seed)
            rows += ask(folder)
        raise SystemExit(1 if report(rows, scenes) else 0)


if __name__ == "__main__":
    main()
