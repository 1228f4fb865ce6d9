"""The run log of a stage folder: what differs from run to run (times, ending, calls, tokens, money, the command).

While a run is active, a file of its own (``now-HOST-PID.json``) says so and is rewritten every few seconds. A killed
run leaves it behind, and the next run adds it to the log, so that its cost is not lost (see ``alive``).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Mapping
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
from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.foreign.shape import PATH, require
from audiomcq_cli.storage.files import HIDDEN, replacing

SHOW_SECONDS = 0.5
"""Seconds between two progress reports."""

BEAT_SECONDS = 2.0
"""Seconds between two writes of the active run's file."""

SPENT = ("calls", "prompt_tokens", "completion_tokens", "cost", "retries", "set_aside")
"""Counts by model that add up over runs."""

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
"""Properties of a run's note, as a JSON Schema: anybody can write into a run log."""

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
"""JSON Schema of a run's entry: anybody can write into a shared folder."""


def log_path(folder: Path) -> Path:
    """Return the path of a folder's run log."""
    return folder / HIDDEN / "run.jsonl"


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the runs of a stage in order, as far as they are readable (a kill or a full disk may cut a line)."""
    path = log_path(folder)
    lines = path.read_bytes().splitlines() if path.is_file() else ()
    return [entry for line in lines if (entry := _read_entry(line))]


def read_now(folder: Path) -> dict[Path, dict[str, Any]]:
    """Return the last state of active and of killed runs of a stage, by file."""
    found = {}
    for path in sorted((folder / HIDDEN).glob("now-*.json")):
        with suppress(OSError):
            # A pipe by that name would be waited for without end.
            if path.is_file() and (entry := _read_entry(path.read_bytes())):
                found[path] = entry
    return found


def _read_entry(data: bytes) -> dict[str, Any]:
    """Parse the entry of a run; empty if it cannot be read."""
    try:
        return require(read_json(data, ""), _ENTRY, "a run", "")
    except InputError:
        return {}


def append_entry(folder: Path, entry: Mapping[str, Any]) -> None:
    """Append an entry on a new line, even if the last line was cut."""
    with log_path(folder).open("ab+", buffering=0) as file:
        if end := file.seek(0, os.SEEK_END):
            file.seek(end - 1)
        line = (b"" if file.read(1) in (b"", b"\n") else b"\n") + orjson.dumps(entry) + b"\n"
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Logbook(Progress):
    """Keeps the run log of one stage while it is active, and passes progress on."""

    def __init__(self, job: Job, runtime: Runtime, progress: Progress, planned: Mapping[str, Any]) -> None:
        """Begin a log; ``planned``: the intended parts of every shard (``made_of.py``)."""
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
        """Return calls, tokens, money and server events of this stage in this run, by model."""
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
        """Return the running time of the stage."""
        return time.monotonic() - self._began

    @property
    def rows(self) -> dict[str, Any]:
        """Return the kind of the input rows, their number, and how many are done, for a report."""
        done = max(self._pace.done, self._count_earlier())
        return {"unit": self._unit, "done": done, "total": self._rows}

    def enter(self, report: StageReport) -> None:
        """Add a run that has ended.

        If the log cannot be written, the error that ended the run matters more: the run's state stays as that of a
        killed run, and the next run adds it.
        """
        with suppress(OSError):
            append_entry(self._target, {**self._known, "ended": time.time(), **asdict(report)})
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
        """Count finished rows."""
        self._pace.advance(rows, outcomes, known=known)
        if time.monotonic() - self._beat > BEAT_SECONDS:
            self._write()
        self._progress.advance(rows, outcomes, known=known)

    def show(self, standing: Standing) -> None:
        """Passed on."""
        self._progress.show(standing)

    async def keep_beating(self) -> None:
        """Write the state of this run from time to time, for ever, even while no row is finished."""
        while True:
            await asyncio.sleep(SHOW_SECONDS)
            self.show(self.standing)
            if time.monotonic() - self._beat > BEAT_SECONDS:
                self._write()

    def say(self, message: str) -> None:
        """Pass on a line, such as one about a batch hours before the next item."""
        self._write()
        self._progress.say(message)

    def end(self) -> None:
        """The stage is over."""
        self._progress.end()

    def _count_earlier(self) -> int:
        """Return rows done in the run that this one continues, and those done since: this one may
        not have come as far.
        """
        asked = self._pace.done - self._pace.known
        same = {name: self._known.get(name) for name in ("fingerprints", "workdir")} | {"total": self._rows}
        [last] = read_log(self._target)[-1:] or [{}]
        goes_on = last.get("how") != DONE and all(last.get(name) == value for name, value in same.items())
        return int(last.get("done", 0)) + asked if goes_on and (self._pace.known or not asked) else 0

    def _count(self) -> dict[str, dict[str, Any]]:
        """Return all counts of this process so far; for calls in flight, their seconds."""
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
    """Return the kind of a stage's input rows."""
    return "clips" if stage.key == "clip_id" else "questions"


def _plain(standing: Standing) -> dict[str, Any]:
    """Return the progress of a stage as plain data for its file."""
    return {
        "items": dict(standing.outcomes),
        "unit": standing.unit,
        "done": standing.done,
        "known": standing.known,
        "total": standing.total,
        "rate": standing.rate,
        "left_s": standing.left,
    }
