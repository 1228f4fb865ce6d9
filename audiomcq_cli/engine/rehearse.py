"""A dry run: what a run would send, without calling or writing anything.

Stage by stage the rows go from one temporary folder of shards to the next, with each prompt's example as the reply
where the journal has none, so a stage that is not built yet is counted too and has its prepared table. The counts are
those of a run in which nothing is rejected.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.contracts import Context
from audiomcq_cli.engine.account import Job, audio_roots
from audiomcq_cli.engine.answerers import Rehearsal
from audiomcq_cli.engine.asking import Asker
from audiomcq_cli.engine.drive import drive
from audiomcq_cli.engine.partition import partition, read_partition
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.stage import prepare
from audiomcq_cli.storage.shards import ShardWriter, hash_file, list_shards, read_rows


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
    runtime.audio_roots = audio_roots(jobs[0])
    estimates: list[Estimate] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shards = _find_inputs(jobs[0], folder / "sources")
        for number, job in enumerate(jobs):
            stage = _Stage(job, runtime, folder / str(number), None if number else job.stage.reads)
            if not estimates or estimates[-1].rows:  # of no rows there is nothing to prepare either
                shards = await stage.count(shards)
            estimates.append(stage.estimate())
    return estimates


def _find_inputs(job: Job, folder: Path) -> list[Path]:
    """Every input shard of the first stage."""
    if job.source is None:
        return partition(job.sources, folder, job.shards)
    return [shard.path for shard in list_shards(job.source)]


class _Stage:
    """Counts one stage over its shards, of which it reads some columns or all, and writes what it keeps to a folder."""

    def __init__(self, job: Job, runtime: Runtime, folder: Path, columns: Sequence[str] | None) -> None:
        self._job = job
        self._runtime = runtime
        self._folder = folder
        self._columns = columns
        self._rehearsal = Rehearsal()
        self._items = self._rows = 0

    async def count(self, shards: Sequence[Path]) -> list[Path]:
        """Drive the rows of all shards; returns the shards of those kept, which are there even if they have none."""
        if self._job.stage.divide is not None:  # asks nothing, and where each row goes needs the whole corpus
            columns = self._columns or (self._job.stage.key,)
            self._items = self._rows = sum(1 for path in shards for _ in read_rows(path, columns))
            return list(shards)
        context, _ = prepare(
            self._job,
            Context(self._job.options, self._job.seed),
            [(path, hash_file(path)) for path in shards],
            keep=False,
        )
        self._folder.mkdir()
        return [await self._count_shard(path, context) for path in shards]

    async def _count_shard(self, path: Path, context: Context[object]) -> Path:
        job, target = self._job, self._folder / f"{path.stem}.parquet"
        place = job.workdir / "journal" / job.name / f"{path.stem}.sqlite"
        journal = self._runtime.journals.read(place, job.reuse, replay=False)
        asker = Asker(job.name, self._runtime, journal, (journal.leased() or ("", 0))[1], self._rehearsal)
        rows = read_partition(path) if path.suffix == ".jsonl" else read_rows(path, self._columns)
        with ShardWriter(target, job.stage.writes) as writer:
            for row in rows:
                self._rehearsal.begin_row()
                driven = await drive(job.stage, row, context, asker.ask)
                self._items += len(driven.outcomes)
                for outcome in driven.outcomes.values():
                    for kept in outcome if isinstance(outcome, list) else ():
                        writer.write(kept)
            self._rows += writer.written
        journal.close()
        return target

    def estimate(self) -> Estimate:
        """The sums."""
        counts: dict[str, Mapping[str, int]] = {
            name: dict(getattr(self._rehearsal, name)) for name in ("calls", "prompt_tokens", "completion_tokens")
        }
        return Estimate(stage=self._job.name, items=self._items, rows=self._rows, **counts)
