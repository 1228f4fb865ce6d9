"""Predicts which shards a run would make again and why, stage by stage, as far as this is known before the run.

A shard made from different parts is a different shard, whatever its rows, so shards made from it are made again too. A
shard that is lost, damaged or failed in part may come out as before: shards made from it are counted as open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audiomcq_cli.engine.beside import hash_beside
from audiomcq_cli.engine.due.causes import find_causes
from audiomcq_cli.engine.due.made_of import MadeOf, describe_parts
from audiomcq_cli.engine.due.plan import (
    Reason,
    count_reasons,
    explain_work,
    find_fault,
    find_old,
    find_work,
    make_plan,
    name_input_stage,
    read_entries,
)
from audiomcq_cli.engine.job import Job, Part, find_input
from audiomcq_cli.engine.ledger.output import read_pair
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.shards import Shard, shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """The shards of one stage that a run would make.

    Attributes:
        stage: Name of the stage.
        shards: Number of its shards.
        why: Shards to be made, by reason, as in the report of a run.
        causes: Changed shards, by cause, as in the report of a run.
        open: Shards that are made again only if their input comes out different.
        told: All of it in a line.
    """

    stage: str
    shards: int
    why: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    open: int = 0
    told: str = ""


def foresee(
    jobs: Sequence[Job], runtime: Runtime, paths: Sequence[Path], audio_roots: Mapping[str, Path]
) -> list[Foresight]:
    """Predict the work of jobs that each read the output of the one before; ``paths``: input shards of the first."""
    found: list[Foresight] = []
    brought = any(spec.source.brings_audio for spec in jobs[0].sources)  # it is fetched by a run alone
    known = {} if brought else dict(enumerate(paths))
    changed: frozenset[int] = frozenset()
    for job in jobs:
        targets = [shard(job.target, index, len(paths)) for index in range(len(paths))]
        reasons = _find_known(job, runtime, targets, known, audio_roots)
        left = [one for one in targets if one.index not in reasons and (job.only is None or one.index in job.only)]
        unsure = _find_unsure(job, runtime, left, changed)
        made = [reason for reason in [*reasons.values(), *unsure.values()] if reason is not None]
        unknown = sum(reason is None for reason in unsure.values())
        found.append(_sum_up(job, len(targets), made, unknown))
        known = {index: targets[index].path for index, reason in reasons.items() if reason is None}
        all_ = {**reasons, **unsure}
        changed = frozenset(index for index, reason in all_.items() if reason and reason.kind == "changed")
    return found


def _find_known(
    job: Job, runtime: Runtime, targets: Sequence[Shard], known: Mapping[int, Path], audio_roots: Mapping[str, Path]
) -> dict[int, Reason | None]:
    """Return why each shard with known input is made (None if it is not); empty if a common part is unknown."""
    if not known or (job.stage.prepare is not None and len(known) < len(targets)):
        return {}
    parts = [Part(path, targets[index], hash_file(path)) for index, path in sorted(known.items())]
    plan = make_plan(job, runtime, parts, audio_roots, keep=False)
    work = {one.unit.target.index: one.reason for one in find_work(job, plan)}
    return {part.target.index: work.get(part.target.index) for part in parts}


def _find_unsure(
    job: Job, runtime: Runtime, targets: Sequence[Shard], changed: frozenset[int]
) -> dict[int, Reason | None]:
    """Return why each shard with unknown input is made in any case; None if it may not be.

    ``changed``: numbers of the input shards that will be different.
    """
    if not targets:
        return {}
    new = MadeOf(describe_parts(job, runtime, "", hash_beside(job)), folder=find_input(job))
    entries = read_entries(job.target)

    def find_reason(target: Shard) -> Reason | None:
        if fault := find_fault(target):
            return Reason(fault)
        old = find_old(target, entries)
        causes = find_causes(old, new) if old else ()
        if target.index in changed:
            causes += (f"its input changes: {name_input_stage(job)} is done again",)
        if causes:
            return Reason("changed", causes)
        failed = read_pair(target)["items"]["failed"]
        return Reason("failed") if failed and not job.keep_failed else None

    return {target.index: find_reason(target) for target in targets}


def _sum_up(job: Job, shards: int, reasons: Sequence[Reason], unknown: int) -> Foresight:
    why, causes = count_reasons(reasons)
    told = explain_work(job.name, shards, reasons)
    if not told:
        number = f"{shards} shard{'s'[: shards != 1]}" if reasons else "no shard"
        told = f"{job.name}: {number} to do"
    if unknown:
        before = f"{told}; {unknown} more" if reasons else f"{job.name}: {unknown} of {shards} shards to do"
        told = (
            f"{before}, if {f'what {name_input_stage(job)} writes' if job.source else 'what its sources hold'} changes"
        )
    return Foresight(stage=job.name, shards=shards, why=why, causes=causes, open=unknown, told=told)
