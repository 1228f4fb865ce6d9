"""Tells active runs of a stage from killed ones, and adds the killed ones to the run log.

On this machine, a run is active if its process exists. A run on another machine is active if its file changes, measured
by the observer's own clock: clocks of two machines are never compared. Each machine notes its observations in
``seen-HOST.json``.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from audiomcq_cli.engine.ledger.run_log import append_entry, read_log, read_now
from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.foreign.shape import require
from audiomcq_cli.storage.files import HIDDEN, replacing

LONG_AGO = 600.0
"""Seconds without a change of a remote run's file after which this machine takes the run for dead."""

_SEEN = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["word", "since"],
        "properties": {"word": {"type": "string"}, "since": {"type": "number", "minimum": 0, "maximum": 1e15}},
    },
}


def find_alive(folder: Path) -> list[dict[str, Any]]:
    """Return the last state of the active runs of a stage."""
    found = read_now(folder)
    alive = _find_living(folder, {path: (now["host"], now["pid"], path.read_bytes) for path, now in found.items()})
    return [now for path, now in found.items() if path in alive]


def enter_killed(folder: Path) -> None:
    """Add killed runs of a stage to its log, and remove their incomplete files."""
    found = read_now(folder)
    half = {path: _name_of(path) for path in (folder / HIDDEN).glob(".now-*.json.tmp") if path.is_file()}
    alive = _find_living(
        folder,
        {path: (now["host"], now["pid"], path.read_bytes) for path, now in found.items()}
        | {path: (*name, path.read_bytes) for path, name in half.items()},
    )
    for path, left in found.items():
        if path not in alive:
            if left["began"] not in (entry["began"] for entry in read_log(folder)):  # else killed after its last word
                append_entry(folder, left | {"how": "killed", "ended": left.get("beat")})
            path.unlink(missing_ok=True)
    for path in half.keys() - alive:
        path.unlink(missing_ok=True)  # a run that is alive may have put it in place


_Run = tuple[str, int, Callable[[], bytes]]
"""Host and number of a process, and a function that reads its last state."""


def _name_of(path: Path) -> tuple[str, int]:
    """Return host and process in the name of a temporary file."""
    host, _, pid = path.name.removeprefix(".now-").removesuffix(".json.tmp").rpartition("-")
    return host, int(pid) if pid.isascii() and pid.isdigit() and len(pid) < 11 else 0


def _find_living(folder: Path, runs: Mapping[Path, _Run]) -> set[Path]:
    """Return the files whose runs are active: a local process exists, a remote one's file has changed recently."""
    here = {path for path, (host, _, _) in runs.items() if host == socket.gethostname()}
    words = {path: read for path, (_, _, read) in runs.items() if path not in here}
    return {path for path in here if _is_process(runs[path][1])} | _find_changing(folder, words)


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # it is there, and somebody else's
        return True
    except (OSError, OverflowError):
        return False
    return pid > 0


def _find_changing(folder: Path, words: Mapping[Path, Callable[[], bytes]]) -> set[Path]:
    """Return the files that this machine has not seen unchanged for ``LONG_AGO``; its observations are saved."""
    notes = folder / HIDDEN / f"seen-{socket.gethostname()}.json"
    before, now = _read_seen(notes), time.time()
    seen = {name: note for name, note in before.items() if (notes.parent / name).exists()}
    for path, read in words.items():
        seen.pop(path.name, None)
        with suppress(OSError):  # it has ended meanwhile
            word = hashlib.sha256(read()).hexdigest()
            known = before.get(path.name)
            same = known is not None and known["word"] == word and known["since"] <= now
            seen[path.name] = known if same and known else {"word": word, "since": now}
    if seen != before:
        with suppress(StorageError):  # who may only read here sees each run as one that is at work
            if seen:
                with replacing(notes) as temporary:
                    temporary.write_bytes(orjson.dumps(seen))
            else:
                notes.unlink(missing_ok=True)
    return {path for path in words if path.name in seen and now - seen[path.name]["since"] < LONG_AGO}


def _read_seen(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return require(read_json(path.read_bytes(), str(path)), _SEEN, "a note of runs", str(path))
    except (OSError, InputError):
        return {}
