"""Run logs and notes of runs at work, into which anybody can write who shares the folder."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from audiomcq_cli.engine.ledger.alive import enter_killed, find_alive
from audiomcq_cli.engine.ledger.run_log import read_log
from audiomcq_cli.engine.views.status import read_status
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage.files import HIDDEN
from tests.fuzz import fuzzed
from tests.fuzz.test_manifests import changed

ENTRY: dict[str, Any] = {
    "stage": "small", "command": "audiomcq small", "host": socket.gethostname(), "pid": 2**31 - 1, "began": 1.0,
    "beat": 2.0, "input": "../input", "workdir": "../work", "fingerprints": {"part-00000-of-00001.parquet": "f"},
    "items": {"kept": 3}, "seconds": 4.0, "calls": {"writer": 7}, "in_flight": {"writer": 0.5}, "cost": {},
}  # fmt: skip

_LINE = st.one_of(changed(ENTRY).map(lambda entry: json.dumps(entry).encode()), st.binary(max_size=40))


@fuzzed
@given(_LINE, _LINE, st.sampled_from(["a-1", "a-x", f"{socket.gethostname()}-{10**30}", "-", "a--1"]))
@example(b"", json.dumps(ENTRY | {"input": "\0"}).encode(), "a-1")
@example(json.dumps(ENTRY | {"input": "a/" * 5_000, "workdir": "b" * 5_000}).encode(), b"", "a-1")
@example(b"[" * 100_000, b'{"stage":' * 2_000, "a-1")
def test_run_is_read_or_passed_over(log: bytes, now: bytes, name: str) -> None:
    """A note of other types stops neither ``status`` nor the next run of the stage."""
    with tempfile.TemporaryDirectory() as folder:
        hidden = Path(folder, HIDDEN)
        hidden.mkdir()
        (hidden / "run.jsonl").write_bytes(log)
        (hidden / f"now-{name}.json").write_bytes(now)
        (hidden / f".now-{name}.json.tmp").write_bytes(now)
        (hidden / f"seen-{socket.gethostname()}.json").write_bytes(now)
        try:
            [status] = read_status(Path(folder), ["small"])
            assert status.seconds >= 0
        except InputError as error:
            assert "no stage here" in str(error)
        enter_killed(Path(folder))
        assert all(isinstance(entry["pid"], int) for entry in (*read_log(Path(folder)), *find_alive(Path(folder))))


def test_pipe_by_the_name_of_a_note_is_passed_over(tmp_path: Path) -> None:
    """Nothing is read of what is no regular file: nobody may ever write into it, and the reader would wait."""
    hidden = tmp_path / HIDDEN
    hidden.mkdir()
    os.mkfifo(hidden / "now-a-1.json")
    os.mkfifo(hidden / ".now-a-2.json.tmp")
    assert find_alive(tmp_path) == []
    enter_killed(tmp_path)
    assert read_log(tmp_path) == []
