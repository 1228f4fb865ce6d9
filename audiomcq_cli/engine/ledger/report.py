"""The report of a stage: the outcome of every item, and the effort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiomcq_cli.engine.intake.audio_missing import list_missing
from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.ledger.labels import Unread, count_unread
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.shards import list_shards


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """The report of a stage.

    Attributes:
        stage: Name of the stage.
        target: Folder that it writes.
        items: Items in, kept, rejected and failed, over all existing shards.
        reasons: Counts by outcome and reason code.
        rows: Number of kept rows.
        shards: Number of shards.
        redone: Number of shards worked on in this run.
        why: Number of those that were missing, damaged, changed (another fingerprint) or failed (items to retry).
        causes: Number of changed shards by cause, in words.
        missing: Shards that do not exist yet, or have other inputs or options (worked on elsewhere).
        seconds: Wall time.
        how: ``done``, or what ended the work before, in words.
        unit: Kind of the input rows: clips or questions.
        done: Input rows finished in this run, with every reply in the journal.
        total: Input rows in the shards of this run; None if unknown.
        audio_missing: Clips without an audio file, once all shards exist.
        unread: Judges with unreadable answers, for a stage with judges, once all shards exist.
        calls: Calls of this run, by model.
        prompt_tokens: Prompt tokens of this run, by model.
        completion_tokens: Reply tokens of this run, by model.
        replies: Replies to those calls in the journal.
        cost: Cost by model, if it has a price.
        retries: Calls that were sent again.
        set_aside: Number of times an address was set aside.
        in_flight: Mean number of calls in flight.
        uncounted: Calls whose tokens the server did not report: their greatest possible number is used.
    """

    stage: str
    target: str
    items: Mapping[str, int]
    reasons: Mapping[str, Mapping[str, int]]
    rows: int
    shards: int
    redone: int
    missing: int
    seconds: float
    how: str = "done"
    unit: str = "rows"
    done: int = 0
    total: int | None = 0
    audio_missing: int = 0
    unread: Sequence[Unread] = ()
    why: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    replies: Mapping[str, int] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
    prompt_tokens: Mapping[str, int] = field(default_factory=dict)
    completion_tokens: Mapping[str, int] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    set_aside: Mapping[str, int] = field(default_factory=dict)
    uncounted: Mapping[str, int] = field(default_factory=dict)
    in_flight: Mapping[str, float] = field(default_factory=dict)


def make_report(
    job: Job,
    notes: Sequence[Mapping[str, Any]],
    shards: int,
    *,
    why: Mapping[str, int],
    causes: Mapping[str, int],
    seconds: float,
    spent: Mapping[str, Any],
) -> StageReport:
    """Count the outcome of every item, from the notes of the existing shards."""
    return StageReport(
        stage=job.name,
        target=str(job.target),
        items=manifests.total_items(note["items"] for note in notes),
        reasons=manifests.total_reasons(note["reasons"] for note in notes),
        rows=sum(note["rows"] for note in notes),
        shards=shards,
        redone=sum(why.values()),
        why=why,
        causes=causes,
        missing=shards - len(notes),
        audio_missing=list_missing(job.target) if job.source is None and len(notes) == shards else 0,
        unread=_list_unread(job) if len(notes) == shards else (),
        seconds=seconds,
        **spent,
    )


def _list_unread(job: Job) -> tuple[Unread, ...]:
    """Return the judges of a stage with unreadable answers."""
    if "votes" not in job.stage.writes or "votes" in job.stage.reads:
        return ()
    return count_unread([one.path for one in list_shards(job.target)])
