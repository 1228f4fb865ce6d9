"""A dry run: what a run would send, take and cost, without calling or writing anything.

Stage by stage the rows go from one temporary folder of shards to the next, with each prompt's example as the reply if
the journal has none. So a stage that is not built yet is counted too and has its prepared table. Rows whose replies are
all in the journal are not guessed: they go on unchanged. They also correct the guesses for the other rows, by the ratio
of their actual calls, tokens and kept rows to the guessed ones.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Call, Context, Row
from audiomcq_cli.engine.beside import hash_beside
from audiomcq_cli.engine.due.foresee import Foresight, foresee
from audiomcq_cli.engine.flows.answerers import Counts, Rehearsal
from audiomcq_cli.engine.flows.asker import Asker, Rendered
from audiomcq_cli.engine.flows.drive import Driven, drive
from audiomcq_cli.engine.intake.questions import read_first
from audiomcq_cli.engine.job import Job, audio_roots, make_context
from audiomcq_cli.engine.journal.journal import Entry, Journal
from audiomcq_cli.engine.ledger.run_log import read_log
from audiomcq_cli.engine.opening import rehearse_opening
from audiomcq_cli.engine.planned import plan_shard
from audiomcq_cli.engine.prepared import prepare
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.budget import price_tokens
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.shards import ShardWriter, list_shards, read_rows

LEARNED = 500
"""Most rows of a shard that correct the guess: each of them is driven twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The estimate for a stage.

    Attributes:
        stage: Name of the stage.
        items: Items in, including those in the journal.
        rows: Rows out, including those in the journal.
        calls: Calls not yet in the journal, by model or analysis.
        prompt_tokens: Prompt tokens of those calls, by model.
        completion_tokens: Reply tokens of those calls, by model.
        cost: Money by model, if it has a price.
        seconds: Time, if a throughput is known.
        known: Rows whose replies are all in the journal.
        kept: Share of the other rows that is expected to be kept.
        work: Shards to be made.
    """

    stage: str
    items: int
    rows: int
    calls: Mapping[str, int]
    prompt_tokens: Mapping[str, int]
    completion_tokens: Mapping[str, int]
    cost: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    known: int = 0
    kept: float = 1.0
    work: Foresight | None = None


async def rehearse(jobs: Sequence[Job], runtime: Runtime, throughput: float | None = None) -> list[Estimate]:
    """Estimate what jobs, each reading the output of the one before, would send.

    ``throughput``: prompt and reply tokens a second; by default that of the runs in the log.
    """
    jobs = [await asyncio.to_thread(jobs[0].pinned), *jobs[1:]]
    roots = audio_roots(jobs[0])  # later stages have them from the manifest before, which may not be there yet
    estimates: list[Estimate] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        inputs = _Inputs(await asyncio.to_thread(_find_inputs, jobs[0], folder / "sources"))
        works = await asyncio.to_thread(foresee, jobs, runtime, inputs.sure, roots)
        for number, job in enumerate(jobs):
            stage = _Stage(job, runtime, folder / str(number), roots, None if number else job.stage.reads)
            if not estimates or estimates[-1].rows:  # of no rows there is nothing to prepare either
                inputs = await stage.count(inputs)
            estimates.append(replace(stage.estimate(throughput), work=works[number]))
    return estimates


def _find_inputs(job: Job, folder: Path) -> list[Path]:
    """Return every input shard of the first stage."""
    if job.source is None:
        return job.partition(folder)
    return [shard.path for shard in list_shards(job.source)]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Shards of certain rows, and of guessed rows from an earlier stage; each guessed row counts ``weight``."""

    sure: Sequence[Path]
    guessed: Sequence[Path] = ()
    weight: float = 1.0


@dataclass(slots=True)
class _Tally:
    """The result of some rows: work items, rows kept, calls and tokens."""

    inputs: int = 0
    items: int = 0
    rows: int = 0
    counts: Counts = field(default_factory=Counts)

    def add(self, driven: Driven) -> list[Row]:
        """Count the outcome of an input row; return its kept rows."""
        kept = [row for outcome in driven.outcomes.values() if isinstance(outcome, list) for row in outcome]
        self.inputs += 1
        self.items += len(driven.outcomes)
        self.rows += len(kept)
        return kept


class _Stage:
    """Estimates one stage over its shards, of which it reads some or all columns, and writes the
    kept rows to a folder.
    """

    def __init__(
        self, job: Job, runtime: Runtime, folder: Path, roots: Mapping[str, Path], columns: Sequence[str] | None
    ) -> None:
        self._job = job
        self._roots = roots
        self._runtime = runtime
        self._folder = folder
        self._columns = columns
        self._weight = 1.0
        self._shards = 0
        self._opening = Counts()
        self._known, self._unknown, self._guessed = _Tally(), _Tally(), _Tally()
        self._took, self._expected = _Tally(), _Tally()  # of the same known rows: what they did, what would be guessed

    async def count(self, inputs: _Inputs) -> _Inputs:
        """Drive the rows of all shards; return the shards of kept rows, which exist even if they are empty."""
        self._weight = inputs.weight
        if self._job.stage.divide is not None:  # asks nothing, and where each row goes needs the whole corpus
            for tally, paths in ((self._known, inputs.sure), (self._guessed, inputs.guessed)):
                tally.items = tally.rows = sum(1 for _ in self._read(paths, self._job.stage.key))
            return inputs
        shards = [*inputs.sure, *inputs.guessed]
        context, _ = prepare(
            self._job,
            make_context(self._job, self._runtime),
            [(path, hash_file(path)) for path in shards],
            hash_beside(self._job),
            keep=False,
        )
        context, self._opening = await rehearse_opening(self._job, context, self._runtime, self._roots)
        plans = {
            name: plan_shard(self._job.stage, context, self._read_rows(path for path in shards if path.stem == name))
            for name in dict.fromkeys(path.stem for path in shards)
        }
        made: list[list[Path]] = [[], []]
        for guessed, paths in enumerate((inputs.sure, inputs.guessed)):
            for path in paths:
                sure, unsure = await self._count_shard(path, plans[path.stem], guessed=bool(guessed))
                made[0] += [] if guessed else [sure]
                made[1].append(unsure)
        loose = self._unknown.rows + self._guessed.rows
        weight = (self._unknown.rows + self._guessed.rows * self._weight) * self._find_kept() / loose if loose else 1.0
        return _Inputs(made[0], made[1], weight)

    def _read(self, paths: Iterable[Path], *columns: str) -> Iterator[Row]:
        for path in paths:
            yield from read_rows(path, self._columns or columns)

    def _read_rows(self, paths: Iterable[Path]) -> Iterator[Row]:
        """The input rows of some files, each as its flow is given it."""
        for path in paths:
            yield from read_first(path, self._job.stage) if path.suffix == ".jsonl" else read_rows(path, self._columns)

    async def _count_shard(self, path: Path, context: Context[object], *, guessed: bool) -> tuple[Path, Path]:
        """Drive the rows of a shard; return the shards of certain and of guessed rows."""
        job = self._job
        self._shards += 1  # shards of a name come from several folders; the name is that of the journal
        folder = self._folder / str(self._shards)
        sure, unsure = (folder / name / f"{path.stem}.parquet" for name in ("sure", "unsure"))
        for target in (sure, unsure):
            target.parent.mkdir(parents=True)
        place = job.workdir / "journal" / job.name / f"{path.stem}.sqlite"
        with (
            closing(self._runtime.journals.read(place, job.reuse, replay=False)) as journal,
            ShardWriter(sure, job.stage.writes) as known,
            ShardWriter(unsure, job.stage.writes) as loose,
        ):
            shard = _Shard(job, self._runtime, context, journal, self._roots)
            for row in self._read_rows([path]):
                driven = await shard.drive(row)
                writer = known if shard.answered_all and not guessed else loose
                if shard.answered_all:
                    kept = self._known.add(driven)
                    if not guessed and self._known.inputs <= LEARNED:
                        await self._learn(shard, row, driven)
                else:
                    tally = self._guessed if guessed else self._unknown
                    kept = tally.add(driven)
                    tally.counts.add(shard.asked)
                for one in kept:
                    writer.write(one)
        return sure, unsure

    async def _learn(self, shard: _Shard, row: Row, driven: Driven) -> None:
        """Compare the actual effort for a row, from the journal, with the guessed one."""
        self._took.add(driven)
        self._took.counts.add(shard.taken)
        self._expected.add(await shard.guess(row))
        self._expected.counts.add(shard.asked)

    def _find_kept(self) -> float:
        """Return the output rows for each guessed row: the known rows' ratio, else the expected one."""
        return self._took.rows / self._expected.rows if self._expected.rows else self._job.expected

    def estimate(self, throughput: float | None) -> Estimate:
        """The sums."""
        kept, weight = self._find_kept(), self._weight
        missing: dict[str, Any] = {
            name: {
                model: getattr(self._opening, name)[model] + round((sure + loose * weight) * self._correct(name, model))
                for model in sorted(
                    {
                        *getattr(self._opening, name),
                        *getattr(self._unknown.counts, name),
                        *getattr(self._guessed.counts, name),
                    }
                )
                for sure, loose in [
                    (self._missing(self._unknown, name, model), self._missing(self._guessed, name, model))
                ]
            }
            for name in ("calls", "prompt_tokens", "completion_tokens")
        }
        return Estimate(
            stage=self._job.name,
            items=round(self._known.items + self._unknown.items + self._guessed.items * weight),
            rows=round(self._known.rows + (self._unknown.rows + self._guessed.rows * weight) * kept),
            cost=self._price(missing["prompt_tokens"], missing["completion_tokens"]),
            seconds=self._time(missing, throughput),
            known=self._known.inputs,
            kept=round(kept, 4),
            **missing,
        )

    def _missing(self, tally: _Tally, name: str, model: str) -> int:
        counts: Counter[str] = getattr(tally.counts, name)
        return counts[model]

    def _correct(self, name: str, model: str) -> float:
        """Return the ratio of the known rows' actual effort to the guessed one."""
        took, expected = self._missing(self._took, name, model), self._missing(self._expected, name, model)
        return took / expected if took and expected else 1.0

    def _price(self, prompt: Mapping[str, int], completion: Mapping[str, int]) -> dict[str, float]:
        models = [self._runtime.model(name).model for name in prompt]
        return {
            model.name: price_tokens(model, prompt[model.name], completion.get(model.name, 0))
            for model in models
            if model.prompt_price is not None or model.completion_price is not None
        }

    def _time(self, missing: Mapping[str, Mapping[str, int]], throughput: float | None) -> float | None:
        """Return the seconds by throughput or by the models' limits, whichever is longer; None if neither is known."""
        tokens = sum(sum(missing[name].values()) for name in ("prompt_tokens", "completion_tokens"))
        speed = throughput or _observe(self._job)
        times = [tokens / speed] if speed else []
        for name in missing["prompt_tokens"]:
            model = self._runtime.model(name).model
            own = missing["prompt_tokens"][name] + missing["completion_tokens"].get(name, 0)
            servers = max(1, len(model.base_url))
            times += [60 * missing["calls"][name] / limit / servers for limit in [model.requests_per_minute] if limit]
            times += [60 * own / limit / servers for limit in [model.tokens_per_minute] if limit]
        return max(times, default=None)


class _Shard:
    """Drives the rows of one shard with the replies in the journal, and examples for the rest."""

    def __init__(
        self, job: Job, runtime: Runtime, context: Context[object], journal: Journal, roots: Mapping[str, Path]
    ) -> None:
        self._stage = job.stage
        self._context = context
        self._rehearsal = Rehearsal(runtime)
        self._seen: set[bytes] = set()
        self.taken = Counts()
        run = (journal.leased() or ("", 0))[1]
        nothing = Journal.read_only(journal.path.with_suffix(".none"))
        self._asker = Asker(job.name, runtime, journal, run, self._rehearsal, roots, self._watch)
        self._guesser = Asker(job.name, runtime, nothing, 0, self._rehearsal, roots)

    @property
    def asked(self) -> Counts:
        """Return what the journal lacked for the last row, guessed."""
        return self._rehearsal.counts

    @property
    def answered_all(self) -> bool:
        """True if the journal had every reply for the last row."""
        return not self._rehearsal.counts.calls

    async def drive(self, row: Row) -> Driven:
        """Drive a row."""
        self._rehearsal.begin_row()
        self.taken = Counts()
        self._seen.clear()
        return await drive(self._stage, row, self._context, self._asker.ask, self._asker.find_likely)

    async def guess(self, row: Row) -> Driven:
        """Drive a row as if the journal were empty."""
        self._rehearsal.begin_row()
        return await drive(self._stage, row, self._context, self._guesser.ask, self._guesser.find_likely)

    def _watch(self, key: bytes, rendered: Rendered, call: Call, entry: Entry) -> None:
        if key not in self._seen:  # two scorings of one model share it
            self._seen.add(key)
            self.taken.enter(rendered.model.name, entry.prompt_tokens, entry.completion_tokens)


def _observe(job: Job) -> float:
    """Return tokens a second over all runs of a stage; 0 if there was none."""
    log: list[dict[str, Any]] = read_log(job.target)
    seconds = sum(float(entry.get("seconds", 0)) for entry in log)
    kinds = ("prompt_tokens", "completion_tokens")
    return sum(sum(entry.get(kind, {}).values()) for entry in log for kind in kinds) / seconds if seconds else 0.0
