"""Writes the results of a shard: its kept rows and its rejects, put in place together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from audiomcq_cli import records
from audiomcq_cli.contracts import Divided, Failure, Outcome, Reject, Reply, Request, Row
from audiomcq_cli.engine.flows.drive import Driven
from audiomcq_cli.engine.planned import write_plan_table
from audiomcq_cli.errors import StorageError
from audiomcq_cli.foreign.shape import fits
from audiomcq_cli.storage.files import hash_file, replacing
from audiomcq_cli.storage.resources import schema
from audiomcq_cli.storage.shards import Shard, ShardWriter, read_note, write_digest

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


OUTCOMES = ("kept", "rejected", "failed")


class ShardOutput:
    """Takes outcomes in order, counts them, and writes both files of a shard.

    The rejects are put in place first and the footer of the kept rows names their hash, so that a pair left half by a
    kill is seen as such (``read_pair``); the hash of the kept rows lies beside them. The run's number is noted only
    where rows failed: what never failed leaves no trace of it. A table that the shard's plan leaves behind is a third
    file, which is put in place and named in the footer like the rejects.
    """

    def __init__(
        self,
        stage: str,
        columns: Sequence[str],
        target: Shard,
        fingerprint: str,
        run: int = 0,
        plan: pa.Table | None = None,
    ) -> None:
        self._stage = stage
        self._columns = columns
        self._target = target
        self._fingerprint = fingerprint
        self._run = run
        self._plan = plan
        self._plan_path: Path | None = None
        self._items: Counter[str] = Counter()
        self._reasons: dict[str, Counter[str]] = {"rejected": Counter(), "failed": Counter()}
        self._stack = ExitStack()

    def __enter__(self) -> ShardOutput:
        with ExitStack() as stack:
            kept = stack.enter_context(replacing(self._target.path))
            stack.push(partial(self._sign, kept))
            self._rejects_path = stack.enter_context(replacing(self._target.rejects))
            if self._plan is not None:
                self._plan_path = stack.enter_context(replacing(self._target.plan))
                write_plan_table(self._plan, self._plan_path)
            self._kept = stack.enter_context(ShardWriter(kept, self._columns))
            self._rejects = stack.enter_context(ShardWriter(self._rejects_path, records.REJECT))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, driven: Driven) -> None:
        """Add the outcome of every work item of one input row."""
        for item, outcome in driven.outcomes.items():
            if isinstance(outcome, list):
                for row in outcome:
                    self._kept.write(row)
                self._count("kept")
            else:
                self._rejects.write(_reject_row(self._stage, item, outcome, driven.exchanges))
                self._count(*_named(outcome))

    def add_table(self, divided: Divided, key: str, items: pl.Series) -> None:
        """Add the outcome of a whole shard of distinct items; each must be either kept or rejected."""
        kept, rejected = divided.kept, divided.rejected
        ids = kept[key].unique()
        if Counter([*ids, *rejected["id"]]) != Counter(items):
            raise StorageError(f"stage {self._stage} does not account for each of its {len(items)} items once")
        self._kept.write_table(kept.to_arrow())
        self._count("kept", times=len(ids))
        for row in rejected.iter_rows(named=True):
            outcome = Reject(row["reason"], row["detail"])
            self._rejects.write(_reject_row(self._stage, row["id"], outcome, ()))
            self._count("rejected", outcome.reason)

    @property
    def items(self) -> Counter[str]:
        """Number of items kept, rejected and failed so far."""
        return Counter({name: self._items[name] for name in OUTCOMES if self._items[name]})

    def finish(self) -> dict[str, Any]:
        """End both files and return the note of the shard; leaving the context puts them in place."""
        items = {name: self._items[name] for name in ("in", *OUTCOMES)}
        if items["in"] != items["kept"] + items["rejected"] + items["failed"]:
            raise StorageError(f"items do not add up: {items}")
        note: dict[str, Any] = {"stage": self._stage, "fingerprint": self._fingerprint}
        self._rejects.note(note | ({"run": self._run} if items["failed"] else {}))
        self._rejects.close()
        note |= {
            "items": items,
            "reasons": {outcome: dict(sorted(codes.items())) for outcome, codes in self._reasons.items()},
            "rows": self._kept.written,
            "rejects": hash_file(self._rejects_path),
        }
        if self._plan_path:
            note["plan"] = hash_file(self._plan_path)
        self._kept.note(note)
        return note

    def _sign(self, kept: Path, kind: type[BaseException] | None, *_: object) -> None:
        """Write the hash of the kept rows, which are not yet in place."""
        if kind is None:
            write_digest(self._target, hash_file(kept))

    def _count(self, outcome: str, reason: str = "", times: int = 1) -> None:
        self._items["in"] += times
        self._items[outcome] += times
        if reason:
            self._reasons[outcome][reason] += times


def read_pair(target: Shard) -> dict[str, Any]:
    """The note of a shard whose files belong together; empty where there is no such pair, or it says too little."""
    note = read_note(target.path)
    if not note or not _is_file(target.rejects, note.get("rejects")):
        return {}
    if "plan" in note and not _is_file(target.plan, note["plan"]):
        return {}
    return note if fits(note, _form_of_note()) else {}


def _is_file(path: Path, digest: Any) -> bool:
    """Whether a file is there with the bytes of a hash."""
    return path.is_file() and hash_file(path) == digest


def read_failed_run(target: Shard) -> int | None:
    """Return the number of the run whose failed rows a shard holds; None if none failed."""
    run = read_note(target.rejects).get("run")
    return run if isinstance(run, int) else None


@cache
def _form_of_note() -> dict[str, Any]:
    """Return the schema of a shard's note: a shard from another program may have any other note."""
    shared = schema("manifest")["$defs"]
    counted = {name: {"$ref": f"#/$defs/{name}"} for name in ("items", "reasons")}
    values = {"fingerprint": {"type": "string"}, "rows": {"type": "integer", "minimum": 0}, **counted}
    return {"type": "object", "required": list(values), "properties": values, "$defs": shared}


def count_outcomes(driven: Driven) -> Counter[str]:
    """Count the work items of one input row that were kept, rejected and failed."""
    return Counter(_named(outcome)[0] for outcome in driven.outcomes.values())


def _named(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome, Failure):
        return "failed", outcome.reply.error
    if isinstance(outcome, Reject):
        return "rejected", outcome.reason
    return "kept", ""


def _reject_row(stage: str, item: str, outcome: Outcome, exchanges: Sequence[tuple[Request, Reply]]) -> Row:
    replies = [reply for _, reply in exchanges]
    name, reason = _named(outcome)
    if isinstance(outcome, Failure):
        detail, raw, tries = outcome.reply.detail, outcome.reply.text, outcome.reply.tries
    elif isinstance(outcome, Reject):
        last = next((reply for reply in reversed(replies) if reply.text), None)
        detail, raw = outcome.detail, outcome.raw_reply or (last.text if last else "")
        tries = last.tries if last else 0
    else:
        raise StorageError(f"{item!r} was kept")
    return {
        "id": item,
        "stage": stage,
        "outcome": name,
        "reason": reason,
        "detail": detail,
        "raw_reply": raw or None,
        "tries": tries,
        "calls": [reply.call for reply in replies if reply.key],
    }
