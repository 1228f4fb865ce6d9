"""A dry run: what a run would send, without calling or writing anything.

Rows go through all stages one after another with each prompt's example as the reply where the journal has none, so a
stage that is not built yet is counted too. The counts are those of a run in which nothing is rejected.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Context, Row
from audiomcq_cli.engine.account import Job, audio_roots
from audiomcq_cli.engine.answerers import Rehearsal
from audiomcq_cli.engine.asking import Asker
from audiomcq_cli.engine.drive import drive
from audiomcq_cli.engine.journal import Journal
from audiomcq_cli.engine.partition import partition, read_partition
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.storage.shards import list_shards, read_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a stage would do: items in, rows out, calls not yet in the journal and their tokens by model (or analysis).

    Tokens are counted at four characters each.
    """

    stage: str
    items: int
    rows: int
    calls: Mapping[str, int]
    prompt_tokens: Mapping[str, int]
    completion_tokens: Mapping[str, int]


async def rehearse(jobs: Sequence[Job], runtime: Runtime) -> list[Estimate]:
    """Count what the jobs, each reading what the one before it writes, would send."""
    stages = [_Stage(job) for job in jobs]
    runtime.audio_roots = audio_roots(jobs[0])
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in _inputs(jobs[0], Path(folder)):
            for stage in stages:
                rows = await stage.count(rows, runtime, name)
    return [stage.estimate() for stage in stages]


class _Stage:
    """Counts one stage over the shards."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._rehearsal = Rehearsal()
        self._items = self._rows = 0

    async def count(self, rows: Sequence[Row], runtime: Runtime, name: str) -> list[Row]:
        """Drive the rows of one shard and return those kept."""
        job = self._job
        if job.stage.divide is not None:  # asks nothing, and where each row goes needs the whole corpus
            self._items += len(rows)
            self._rows += len(rows)
            return list(rows)
        journal = Journal.read_only(job.workdir / "journal" / job.name / f"{name}.sqlite")
        asker = Asker(job.name, runtime, journal, (journal.leased() or ("", 0))[1], self._rehearsal)
        context: Context[Any] = Context(job.options, job.seed)
        kept: list[Row] = []
        for row in rows:
            driven = await drive(job.stage, row, context, asker.ask)
            self._items += len(driven.outcomes)
            for outcome in driven.outcomes.values():
                kept += outcome if isinstance(outcome, list) else []
        journal.close()
        self._rows += len(kept)
        return kept

    def estimate(self) -> Estimate:
        """The sums."""
        counts: dict[str, Mapping[str, int]] = {
            name: dict(getattr(self._rehearsal, name)) for name in ("calls", "prompt_tokens", "completion_tokens")
        }
        return Estimate(stage=self._job.name, items=self._items, rows=self._rows, **counts)


def _inputs(job: Job, folder: Path) -> Iterator[tuple[str, list[Row]]]:
    """Name and rows of every input shard of the first stage."""
    if job.source is None:
        for path in partition(job.sources, folder, job.shards):
            yield path.stem, list(read_partition(path))
        return
    for shard in list_shards(job.source):
        yield shard.path.stem, list(read_rows(shard.path, job.stage.reads))
