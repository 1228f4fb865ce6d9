"""The run log of a stage folder: what differs from run to run (when, how it ended, calls, tokens, money, the command).

While a run is at work on a stage a file of its own (``now-HOST-PID.json``) says so, anew every few seconds; a run that
was killed leaves it behind, and the next one enters it into the log, so that what it spent is not forgotten.

Whether a run on another machine lives is told by whether its file changes, and for how long it does not by the clock of
whoever looks: clocks of two machines are never compared. Each machine notes what it saw in ``seen-HOST.json``.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from audiomcq_cli.contracts import Stage
from audiomcq_cli.engine.job import Job, find_input
from audiomcq_cli.engine.ledger.endings import DONE
from audiomcq_cli.engine.ledger.report import StageReport
from audiomcq_cli.engine.progress import Pace, Progress, Standing
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import InputError, StorageError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.foreign.shape import PATH, require
from audiomcq_cli.storage.files import HIDDEN, replacing

SHOW_SECONDS = 0.5
"""How often whoever wants to know is told where the stage stands."""

BEAT_SECONDS = 2.0
"""How often it is written what a stage at work has done so far."""

LONG_AGO = 600.0
"""Seconds for which this machine has to see no change in the file of a run elsewhere before it takes it for dead."""

SPENT = ("calls", "prompt_tokens", "completion_tokens", "cost", "retries", "set_aside")
"""What is counted by model and adds up over runs."""

_NUMBER = {"type": "number", "minimum": 0, "maximum": 1e15}
_NUMBER_OR_NOT = {**_NUMBER, "type": ["number", "null"]}
_TEXT = {"type": "string"}
_TABLES = {"type": "object", "additionalProperties": {"type": "object"}}

_NOTED: dict[str, Any] = {
    "fingerprints": {"type": "object", "additionalProperties": _TEXT},
    "made_of": {
        "type": "object",
        "required": ["stage", "version", "writes", "options", "seed", "prompts", "models", "prepared", "sources"],
        "properties": {
            "stage": _TEXT,
            "writes": {"type": "array", "items": _TEXT},
            "options": {"type": "object"},
            **dict.fromkeys(("prompts", "models", "sources"), _TABLES),
            "beside": {"type": "object", "additionalProperties": _TEXT},
        },
    },
    "inputs": {"type": "object", "additionalProperties": _TEXT},
    "beside": {"type": "object", "additionalProperties": PATH},
    "contents": {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
    },
}
"""What a run notes of it, as properties of a JSON Schema: anybody can write into a run log."""

_PROCESS = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
_BY_NAME = {"type": "object", "additionalProperties": _NUMBER}
_ENTRY = {
    "type": "object",
    "required": ["stage", "command", "host", "pid", "began"],
    "properties": {
        **dict.fromkeys(("stage", "command", "host", "how", "unit"), _TEXT),
        **dict.fromkeys(("began", "beat", "seconds", "done", "known"), _NUMBER),
        **dict.fromkeys(("total", "rate", "left_s"), _NUMBER_OR_NOT),
        **dict.fromkeys((*SPENT, "in_flight"), _BY_NAME),
        "pid": _PROCESS,
        "workdir": PATH,
        "input": {"anyOf": [PATH, {"type": "null"}]},
        "ended": {"type": ["number", "null"]},
        "items": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 2**53}},
        **_NOTED,
    },
}
"""What a run notes, as a JSON Schema; anybody can write into a shared folder."""

_SEEN = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["word", "since"],
        "properties": {"word": _TEXT, "since": _NUMBER},
    },
}


def log_path(folder: Path) -> Path:
    """Where the run log of a folder is."""
    return folder / HIDDEN / "run.jsonl"


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The runs of a stage in order, as far as they can be read (a kill or a full disk may cut a line)."""
    path = log_path(folder)
    lines = path.read_bytes().splitlines() if path.is_file() else ()
    return [entry for line in lines if (entry := _read_entry(line))]


def read_now(folder: Path) -> dict[Path, dict[str, Any]]:
    """What the runs at work on a stage, or those that were killed at it, wrote last, by file."""
    found = {}
    for path in sorted((folder / HIDDEN).glob("now-*.json")):
        with suppress(OSError):
            # A pipe by that name would be waited for without end.
            if path.is_file() and (entry := _read_entry(path.read_bytes())):
                found[path] = entry
    return found


def _read_entry(data: bytes) -> dict[str, Any]:
    """What a run noted; empty where that cannot be read."""
    try:
        return require(read_json(data, ""), _ENTRY, "a run", "")
    except InputError:
        return {}


def find_alive(folder: Path) -> list[dict[str, Any]]:
    """What those runs wrote last that are still at work on a stage."""
    found = read_now(folder)
    alive = _find_living(folder, {path: (now["host"], now["pid"], path.read_bytes) for path, now in found.items()})
    return [now for path, now in found.items() if path in alive]


def enter_killed(folder: Path) -> None:
    """Enter what killed runs of a stage left behind into its log, and remove what they had half written."""
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
                _append(folder, left | {"how": "killed", "ended": left.get("beat")})
            path.unlink(missing_ok=True)
    for path in half.keys() - alive:
        path.unlink(missing_ok=True)  # a run that is alive may have put it in place


_Run = tuple[str, int, Callable[[], bytes]]
"""Host and number of a process, and what reads what it wrote last."""


def _name_of(path: Path) -> tuple[str, int]:
    """Host and process that a file names which was not put in place."""
    host, _, pid = path.name.removeprefix(".now-").removesuffix(".json.tmp").rpartition("-")
    return host, int(pid) if pid.isascii() and pid.isdigit() and len(pid) < 11 else 0


def _find_living(folder: Path, runs: Mapping[Path, _Run]) -> set[Path]:
    """Those files whose runs are at work: here the process is there, elsewhere its file has changed not long ago."""
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
    """Those files that this machine has not yet seen unchanged for ``LONG_AGO``; what it sees is noted."""
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


def _append(folder: Path, entry: Mapping[str, Any]) -> None:
    """Add a line, on one of its own also where the last one was cut."""
    with log_path(folder).open("ab+", buffering=0) as file:
        if end := file.seek(0, os.SEEK_END):
            file.seek(end - 1)
        line = (b"" if file.read(1) in (b"", b"\n") else b"\n") + orjson.dumps(entry) + b"\n"
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Logbook(Progress):
    """Keeps the run log of one stage while it is at work; shows the same to whoever else wants to know."""

    def __init__(self, job: Job, runtime: Runtime, progress: Progress, planned: Mapping[str, Any]) -> None:
        """Make one; ``planned``: what every shard is to be made of (``made_of.py``)."""
        self._target = job.target
        self._now = job.target / HIDDEN / f"now-{socket.gethostname()}-{os.getpid()}.json"
        self._runtime = runtime
        self._progress = progress
        self._pace = Pace()
        self._rows: int | None = None
        self._stage = job.name
        self._unit = name_rows(job.stage)
        self._before = self._count()
        self._beat = 0.0
        self._entered = False
        self._began = time.monotonic()
        self._known = {
            "stage": job.name,
            "command": job.command,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "began": time.time(),
            "workdir": os.path.relpath(job.workdir, job.target),
            "input": find_input(job),
            **planned,
        }

    def __enter__(self) -> Logbook:
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.end()
        if self._entered:
            self._now.unlink(missing_ok=True)

    @property
    def spent(self) -> dict[str, dict[str, Any]]:
        """Calls, tokens and money of this stage in this run, by model, and what went on with the servers."""
        since = {
            name: {
                model: count - self._before[name].get(model, 0)
                for model, count in counts.items()
                if count != self._before[name].get(model, 0)
            }
            for name, counts in self._count().items()
        }
        busy = since.pop("in_flight")
        return since | {"in_flight": {name: round(total / self.seconds, 1) for name, total in busy.items()}}

    @property
    def seconds(self) -> float:
        """How long the stage has been at work."""
        return time.monotonic() - self._began

    @property
    def rows(self) -> dict[str, Any]:
        """What the input rows are, how many were to be done and how many are, as a report says it."""
        done = max(self._pace.done, self._count_earlier())
        return {"unit": self._unit, "done": done, "total": self._rows}

    def enter(self, report: StageReport) -> None:
        """Enter a run that has ended.

        Where the log cannot be written the error that ended the run is what counts: what it spent is left as that of a
        killed run, and the next one enters it.
        """
        with suppress(OSError):
            _append(self._target, {**self._known, "ended": time.time(), **asdict(report)})
            self._entered = True

    @property
    def standing(self) -> Standing:
        """Where the stage stands."""
        rate, left, from_journal = self._pace.look(self._rows)
        spent = self.spent
        return Standing(
            what=self._stage,
            unit=self._unit,
            done=self._pace.done,
            known=self._pace.known,
            total=self._rows,
            outcomes=+self._pace.outcomes,
            rate=rate,
            left=left,
            from_journal=from_journal,
            seconds=self.seconds,
            cost=sum(spent["cost"].values()) if spent["cost"] else None,
            **{name: sum(spent[name].values()) for name in ("calls", "prompt_tokens", "completion_tokens")},
        )

    def begin(self, stage: str, shards: int, rows: int | None) -> None:
        """The stage begins."""
        self._rows = rows
        self._write()
        self._progress.begin(stage, shards, rows)
        self.show(self.standing)

    def advance(self, rows: int, outcomes: Mapping[str, int], *, known: bool = False) -> None:
        """The work on so many rows has ended."""
        self._pace.advance(rows, outcomes, known=known)
        if time.monotonic() - self._beat > BEAT_SECONDS:
            self._write()
        self._progress.advance(rows, outcomes, known=known)

    def show(self, standing: Standing) -> None:
        """Passed on."""
        self._progress.show(standing)

    async def keep_beating(self) -> None:
        """Say for ever that this run is at work, how far it is and what it has sent, also while nothing ends."""
        while True:
            await asyncio.sleep(SHOW_SECONDS)
            self.show(self.standing)
            if time.monotonic() - self._beat > BEAT_SECONDS:
                self._write()

    def say(self, message: str) -> None:
        """Something worth a line: a batch was begun or has ended, say, hours from the next item."""
        self._write()
        self._progress.say(message)

    def end(self) -> None:
        """The stage is over."""
        self._progress.end()

    def _count_earlier(self) -> int:
        """Rows done in the run that this one goes on with, and those asked since: it may not have come as far again."""
        asked = self._pace.done - self._pace.known
        same = {name: self._known.get(name) for name in ("fingerprints", "workdir")} | {"total": self._rows}
        [last] = read_log(self._target)[-1:] or [{}]
        goes_on = last.get("how") != DONE and all(last.get(name) == value for name, value in same.items())
        return int(last.get("done", 0)) + asked if goes_on and (self._pace.known or not asked) else 0

    def _count(self) -> dict[str, dict[str, Any]]:
        """All that this process has counted so far; of what is in flight the seconds."""
        usage = self._runtime.usage
        names = ("calls", "replies", "prompt_tokens", "completion_tokens", "uncounted", "cost")
        counts = {name: dict(getattr(usage, name)) for name in names}
        traffic = {name: dict(getattr(usage.traffic, name)) for name in ("retries", "set_aside")}
        return counts | traffic | {"in_flight": dict(usage.traffic.seconds)}

    def _write(self) -> None:
        self._beat = time.monotonic()
        now = self._known | {"beat": time.time(), "seconds": self.seconds, **_plain(self.standing), **self.spent}
        with replacing(self._now) as temporary:
            temporary.write_bytes(orjson.dumps(now))


def name_rows(stage: Stage[Any]) -> str:
    """What the input rows of a stage are."""
    return "clips" if stage.key == "clip_id" else "questions"


def _plain(standing: Standing) -> dict[str, Any]:
    """Where a stage stands, as its file says it while it is at work."""
    return {
        "items": dict(standing.outcomes),
        "unit": standing.unit,
        "done": standing.done,
        "known": standing.known,
        "total": standing.total,
        "rate": standing.rate,
        "left_s": standing.left,
    }
