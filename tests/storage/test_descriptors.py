from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audiomcq_cli.storage.shards import ShardWriter, shard
from tests.cli import ROOT

pytest.importorskip("resource", reason="only POSIX counts open files")

LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {1}))\n"


def run(code: str, folder: Path) -> str:
    """Run Python in a process of its own; returns what it prints."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_more_shards_than_files_may_be_open(tmp_path: Path) -> None:
    """A stage of more shards than this process may ever open files works: few are open at a time."""
    lines = [f'{n},video{n:06},{n},"A dog barks {n}"\n' for n in range(60)]
    (tmp_path / "a.csv").write_text("audiocap_id,youtube_id,start_time,caption\n" + "".join(lines))
    command = "['audiomcq', 'caption', 'audiocaps:a.csv', 'out', '--workdir', 'work', '--shard-count', '50']"
    ending = "from audiomcq_cli.cli.main import main\ntry: main()\nexcept SystemExit as end: assert not end.code, end\n"
    run(f"{LIMIT.format(45, 45)}sys.argv = {command}\n{ending}", tmp_path)
    assert len(list((tmp_path / "out").glob("part-*.parquet"))) == 50
    assert (tmp_path / "out/.audiomcq/manifest.json").is_file()


def test_limit_is_raised_as_far_as_it_may_be(tmp_path: Path) -> None:
    """Of the two limits of a system the lower one is no reason to stop."""
    code = "from audiomcq_cli.storage.descriptors import raise_limit\nprint(raise_limit(), raise_limit())"
    assert run(LIMIT.format(100, 200) + code, tmp_path).split() == ["200", "200"]


def test_too_many_open_files_are_told_as_such(tmp_path: Path) -> None:
    """When no file can be opened any more, no error says that the disk is full, a file damaged or a folder missing."""
    path = shard(tmp_path, 0, 1).path
    with ShardWriter(path, ["clip_id"]) as writer:
        writer.write({"clip_id": "a"})
    code = f"""
import os
from contextlib import ExitStack
from pathlib import Path
import filelock, pyarrow.fs, pyarrow.parquet
from audiomcq_cli import parquet
from audiomcq_cli.engine.journal import file as journal_file
from audiomcq_cli.errors import StorageError
from audiomcq_cli.storage.shards import read_note, read_rows, shard, is_intact
from audiomcq_cli.storage.files import locked, replacing
list(read_rows(Path({str(path)!r})))
held = []
try:
    while True: held.append(os.open(os.devnull, 0))
except OSError: pass
def write():
    with replacing(Path("new")) as temporary: temporary.write_bytes(b"")
def lock():
    with locked(Path.cwd(), "a", wait=False): pass
tries = [
    write, lock, lambda: list(read_rows(Path({str(path)!r}))), lambda: read_note(Path({str(path)!r})),
    lambda: is_intact(shard(Path.cwd(), 0, 1)), lambda: journal_file.acquire(Path("journal.sqlite")),
]
for one in tries:
    try: one()
    except StorageError as error: print(error.hint)
    else: print("nothing")
"""
    hints = run(LIMIT.format(60, 60) + code, tmp_path).splitlines()
    assert len(hints) == 6
    assert all(hint.startswith("too many files are open: this process may have 60;") for hint in hints), hints
