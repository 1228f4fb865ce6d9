"""Time, CPU and peak memory of each stage, as a user runs them, against the scripted server of the tests.

    python -m benchmarks.stages AUDIOCAPS.csv [--limit N] [--folder DIR]

Each stage is a process of its own; what is reported of it is the operating system's accounting. The server takes CPU
beside it, so on two busy cores the wall time says more about the machine than the CPU time does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers.scripted import running_scripted

ROOT = Path(__file__).parent.parent
STAGES = ("caption", "generate", "verify", "cot", "filter", "split", "publish")
MODELS = {"writer": "writer", "grader": "grader", "judge1": "one", "judge2": "two", "judge3": "three"}


def write_recipe(path: Path, captions: Path, url: str) -> None:
    """A recipe with a writer, a grader and three judges that hear, all on one server."""
    lines = ["[project]", 'name = "benchmark"', 'workdir = "build"']
    for name, model in MODELS.items():
        lines += [f"[models.{name}]", f'model = "{model}"', f'base_url = "{url}"']
        lines += ["audio = true", 'audio_format = "flac"'] if name.startswith("judge") else []
    lines += ["[[sources]]", 'adapter = "audiocaps"', f'path = "{captions.resolve()}"']
    path.write_text("\n".join(lines) + "\n")


def measure(folder: Path, stage: str, limit: int | None) -> str:
    """Run up to one stage (those before are done) and describe what it took."""
    command = [sys.executable, "-m", "audiomcq_cli", "run", "recipe.toml", "--until", stage]
    command += ["--limit", str(limit)] if limit else []
    began = time.monotonic()
    with (folder / f"{stage}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / f"{stage}.log").read_text())
    seconds = time.monotonic() - began
    said = [line for line in (folder / f"{stage}.log").read_text().splitlines() if line.startswith(stage)]
    cpu = usage.ru_utime + usage.ru_stime
    return f"{seconds:8.1f} s wall {cpu:8.1f} s cpu {usage.ru_maxrss / 1024:7.0f} MB peak   {said[-1] if said else ''}"


def main() -> None:
    """Measure every stage in order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captions", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--folder", type=Path, help="where to build; a temporary folder by default")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as temporary,
        running_scripted(models=tuple(MODELS.values())) as server,
    ):
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_recipe(folder / "recipe.toml", arguments.captions, server.base_url)
        for stage in STAGES:
            print(f"{stage:9}{measure(folder, stage, arguments.limit)}", flush=True)


if __name__ == "__main__":
    main()
