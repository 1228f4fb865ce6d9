"""The report of a stage: what became of every item, and what that took."""

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
    """What a stage did.

    Attributes:
        stage, target: Which. items: in, kept, rejected, failed, over all shards that are there. reasons: Counts by
            outcome and reason code. rows: Kept. shards: How many there are; redone: worked on in this run.
        why: How many of those were missing, damaged, changed (another fingerprint) or failed (items to retry).
        causes: Of those that changed: what did, in words, with the number of shards.
        missing: Shards not there yet, or of other inputs or options (worked on elsewhere). seconds: Wall time.
        how: ``done``, or what ended the work before, in words. unit: What input rows are: clips or questions.
        done: Input rows whose work has ended in this run, with every reply behind them in the journal, of
            ``total`` in the shards that were to be worked on (None: unknown).
        audio_missing: Clips whose audio file is not there, once all shards are. unread: Judges some of whose answers
            could not be read, of a stage that asks judges, once all shards are.
        calls, prompt_tokens, completion_tokens: Of this run, by model. replies: Of those calls, in the journal.
        cost: Where it has a price. retries: Calls that were sent again. set_aside: How often an address was set aside.
        in_flight: Calls in flight, on average.
        uncounted: Calls whose tokens the server did not tell: the most that they may have taken stands for them.
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
    """Count what became of every item, over the notes of those of the ``shards`` that are there."""
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
    """Judges of a stage that could not all be understood."""
    if "votes" not in job.stage.writes or "votes" in job.stage.reads:
        return ()
    return count_unread([one.path for one in list_shards(job.target)])
