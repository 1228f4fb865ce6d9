"""Streams that are closed, full or narrow: a sensible exit code, and one line where a line can be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import ROOT, write_tones


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Have a shell start the program: ``@`` stands for it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "COLUMNS")}
    return subprocess.run(
        ["sh", "-c", line.replace("@", f"{sys.executable} -m audiomcq_cli")],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips."""
    folder = tmp_path_factory.mktemp("place")
    write_tones(folder / "tönes", 2)
    return folder


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("@ caption folder:tönes a <&- 2>&-", 0, ""),  # uvloop and worker processes open their own
        pytest.param("@ caption folder:tönes a <&- >&- 2>&-", 0, "", marks=pytest.mark.check),
        ("@ caption folder:tönes a 2>/dev/full", 0, ""),
        ("@ caption folder:tönes a --json >/dev/full", 8, "error: stdout cannot be written: No space left on device"),
        pytest.param(
            "@ caption folder:tönes a --json >&-",
            8,
            "error: stdout cannot be written: Bad file descriptor",
            marks=pytest.mark.check,
        ),
        ("@ --version >/dev/full", 8, "error: stdout cannot be written: No space left on device"),
        pytest.param(
            "@ caption folder:nowhere c --json >/dev/full",
            3,
            "error: stdout cannot be written",
            marks=pytest.mark.check,
        ),
    ],
)
def test_stream_that_cannot_be_used(line: str, code: int, said: str, place: Path) -> None:
    """Messages that nobody can read stop nothing; data that cannot be written is an error; there is no traceback."""
    ended = shell(line, place)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_encoding_that_lacks_letters(environment: dict[str, str], place: Path) -> None:
    """Names that the encoding of the streams cannot hold are escaped, and the JSON document says the same."""
    ended = shell("@ caption folder:tönes ä --json", place, TERM="dumb", COLUMNS="1", **environment)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["stages"][0]["rows"] == 2


def test_names_that_are_no_text_in_the_locale(place: Path) -> None:
    """Where Python itself cannot read the name of a folder as text, a line says so and how to run it."""
    ended = shell("@ caption folder:tönes d", place, LC_ALL="C", PYTHONUTF8="0")
    assert ended.returncode == 3, ended.stderr
    assert b"LC_ALL=C.UTF-8" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_folder_that_is_gone(tmp_path: Path) -> None:
    """Started in a folder that has been removed, a command says so."""
    ended = shell("mkdir gone; cd gone; rmdir ../gone; @ caption folder:x out", tmp_path)
    assert ended.returncode == 3
    assert ended.stderr.decode().startswith("error: ")
    assert len(ended.stderr.splitlines()) <= 2


def test_reader_of_messages_that_has_gone(place: Path) -> None:
    """A reader of stderr that leaves early does not end the work, nor take the data away."""
    ended = shell("{ @ caption folder:tönes b --json 2>&3 | cat; } 3>&1 >&2 | true", place)
    assert json.loads(ended.stderr)["stages"][0]["rows"] == 2
