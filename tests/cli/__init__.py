"""The command line as its users meet it, in a folder of its own, and a tiny corpus to run it on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
NOWHERE = "http://127.0.0.1:9/v1"
JUDGES = ("judge1", "judge2", "judge3")


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def error(self) -> str:
        """The one error message, with its hint."""
        lines = self.err.splitlines()
        starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
        assert len(starts) == 1, self.err
        assert "Traceback" not in self.err
        return "\n".join(lines[starts[0] :])


def audiomcq(*arguments: str | Path, folder: Path) -> Ended:
    """Run a command line in this process, which has the libraries already: starting takes longer than most commands.

    ``spawn`` is for what a process of its own shows: another checkout, its environment, its hash seed, its end.
    """
    from audiomcq_cli.cli.console import out
    from audiomcq_cli.cli.main import main

    told, said = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    out.summary.clear()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(said),
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(SystemExit) as ended,
    ):
        patch.setenv("COLUMNS", "200")
        patch.setattr(sys, "argv", ["audiomcq", *map(str, arguments)])
        try:
            main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    code = ended.value.code
    return Ended(code if isinstance(code, int) else int(code is not None), told.getvalue(), said.getvalue())


def spawn(*arguments: str | Path, folder: Path, root: Path = ROOT, timeout: float = 120) -> Ended:
    """Run ``python -m audiomcq_cli`` in a folder, with the package of a checkout."""
    with start(*arguments, folder=folder, root=root) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Ended(process.returncode, out, err)


def start(*arguments: str | Path, folder: Path, root: Path = ROOT) -> subprocess.Popen[str]:
    """Start it and do not wait."""
    return subprocess.Popen(
        [sys.executable, "-m", "audiomcq_cli", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def write_tones(folder: Path, count: int) -> None:
    """Write a ``folder`` source: short tones of different pitch, and a table with two captions for each."""
    import numpy as np
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    time = np.arange(4_000) / 16_000
    rows = ["file_name,caption_1,caption_2"]
    for n in range(count):
        soundfile.write(folder / f"tone{n}.wav", 0.1 * np.sin(2 * np.pi * (200 + 50 * n) * time), 16_000)
        rows.append(f"tone{n}.wav,A tone of pitch {n} hums,Steady humming number {n} near an open window")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")


def write_audiocaps(path: Path, captions: Sequence[str]) -> None:
    """Write an AudioCaps file with one clip for each caption."""
    rows = [f'{n},video{n:06d},{10 * n},"{caption}"' for n, caption in enumerate(captions)]
    path.write_text("\n".join(["audiocap_id,youtube_id,start_time,caption", *rows]) + "\n")


def write_recipe(path: Path, base_url: str, *, sources: str, stages: str = "", model: str = "") -> Path:
    """Write a recipe with the models that the stages look for, all on one server.

    Args:
        path: Where. base_url: Of the server, if there is one. sources: ``ADAPTER:PATH``, several with a comma between.
        stages: Further tables. model: Further keys of every model.
    """
    parts = ['[project]\nname = "tiny"\nversion = "1.2.0"\n']
    for number, name in enumerate(("writer", "grader", *JUDGES)):
        address = f'base_url = "{base_url}"\n' if base_url else ""
        keys = f'model = "scripted"\n{address}sampling = {{seed = {number}}}\n{model}\n'
        parts.append(f"[models.{name}]\n{keys}" + ("audio = true\n" if name in JUDGES else ""))
    for source in sources.split(","):
        adapter, _, where = source.partition(":")
        parts.append(f'[[sources]]\nadapter = "{adapter}"\npath = "{where}"\n')
    path.write_text("\n".join([*parts, stages]))
    return path


def hash_tree(folder: Path, *, leave_out: Sequence[str] = ("run.jsonl", "audio.sqlite")) -> Mapping[str, str]:
    """SHA-256 of every file below a folder, by its path there; the run log differs from run to run."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in leave_out
    }
