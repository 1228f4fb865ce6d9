"""What a stage is given, what it reports, and the manifest that accounts for every item."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from audiomcq_cli import __version__
from audiomcq_cli.contracts import Context, Need, Stage
from audiomcq_cli.engine import keys
from audiomcq_cli.engine.audio_store import FOLDER
from audiomcq_cli.engine.described import describe_model
from audiomcq_cli.engine.importing import ImportSpec, partition_questions
from audiomcq_cli.engine.labels import Unread, count_unread
from audiomcq_cli.engine.missing import list_missing
from audiomcq_cli.engine.partition import partition
from audiomcq_cli.engine.reading import SourceSpec
from audiomcq_cli.engine.runtime import ModelHandle, Runtime
from audiomcq_cli.engine.watching import Watch
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.shards import Shard, hash_file, list_shards


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One stage to be run.

    Attributes:
        name, stage, options, seed: What is done. source: Folder read; None where ``sources`` or ``imports`` are.
        target: Folder written. workdir: Where the journal lies. reuse: Packed journals, work folders or folders of
            journals that are looked into for what the journal lacks. shards: Number of shards, chosen at the first
            stage only.
        only: Numbers of the shards to work on; None for all. keep_failed: Count failed items as done.
        replay: Answer from the journal alone. max_failed: Part of the items of this stage and the one before that may
            fail. max_rejected: Part that may be rejected. expected: Rows expected of a row, for a dry run, where no
            journal says. command: What was typed, for the run log. drop_later: Leave out what later stages have
            added to the rows of ``source``.
    """

    name: str
    stage: Stage[Any]
    options: Any
    target: Path
    workdir: Path
    reuse: tuple[Path, ...] = ()
    seed: int = 0
    source: Path | None = None
    sources: tuple[SourceSpec, ...] = ()
    imports: tuple[ImportSpec, ...] = ()
    shards: int | None = None
    only: frozenset[int] | None = None
    keep_failed: bool = False
    replay: bool = False
    max_failed: float = 0.0
    max_rejected: float = 1.0
    expected: float = 1.0
    command: str = ""
    drop_later: bool = False

    @property
    def inputs(self) -> tuple[SourceSpec | ImportSpec, ...]:
        """What a first stage reads."""
        return (*self.sources, *self.imports)

    def pinned(self) -> Job:
        """The same with sources that lie elsewhere at the state that they have now."""
        return replace(self, sources=tuple(spec.pinned() for spec in self.sources))

    def partition(self, folder: Path, watch: Watch | None = None) -> list[Path]:
        """Sort what a first stage reads into shards: one file for each in ``folder``, returned in order.

        Without ``watch``, which is told how far reading has come, audio that sources bring along is not kept.
        """
        if self.imports:
            return partition_questions(self.imports, folder, self.shards, watch)
        store = self.workdir / FOLDER if watch else None
        return partition(self.sources, folder, self.shards, seed=self.seed, store=store, watch=watch)

    @property
    def needs(self) -> list[Need]:
        """The models that the options name."""
        return list(self.stage.needs(self.options)) if self.stage.needs else []

    @property
    def listens(self) -> Mapping[str, Mapping[str, Any]]:
        """The local analyses that the stage may ask for with these options, with their settings."""
        return self.stage.listens(self.options) if self.stage.listens else {}

    @property
    def prompts(self) -> list[str]:
        """The prompts that the stage may use with these options."""
        return list(self.stage.prompts(self.options)) if self.stage.prompts else []


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


@dataclass(frozen=True, slots=True)
class Part:
    """One shard of the input and of the output."""

    source: Path
    target: Shard
    digest: str


def make_context(job: Job, runtime: Runtime) -> Context[Any]:
    """What the flows of a stage are given, but for what is prepared."""
    heard = {need.model: runtime.model(need.model).model.audio_window for need in job.needs}
    windows = {name: seconds for name, seconds in heard.items() if seconds is not None}
    return Context(job.options, job.seed, windows=windows)


def find_input(job: Job) -> str | None:
    """The folder that a stage reads, relative to that which it writes; None where it reads sources."""
    return os.path.relpath(job.source, job.target) if job.source else None


def audio_roots(job: Job) -> dict[str, Path]:
    """Folder below which the audio of every source lies."""
    if job.source is None:
        return {spec.name: root for spec in job.inputs if (root := spec.find_root(job.workdir))}
    found = manifests.read_manifest(job.source)
    return {name: job.source / root for name, root in found["audio_roots"].items()} if found else {}


def report(
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


def write_manifest(job: Job, runtime: Runtime, parts: Sequence[Part], notes: Sequence[Mapping[str, Any]]) -> None:
    """Write the manifest of a stage whose shards are all there, each with its note."""
    earlier = manifests.read_manifest(job.source) if job.source else None
    items = manifests.total_items(note["items"] for note in notes)
    reasons = manifests.total_reasons(note["reasons"] for note in notes)
    step = {
        "stage": job.name,
        "version": job.stage.version,
        "seed": job.seed,
        "options": plain(job.options),
        "models": {need.model: describe_model(runtime.model(need.model)) for need in job.needs},
        "prompts": {name: _prompt(runtime, name) for name in job.prompts},
        "items": items,
        "reasons": reasons,
    }
    manifests.write_manifest(
        job.target,
        {
            "format": manifests.FORMAT,
            "stage": job.name,
            "stage_version": job.stage.version,
            "tool_version": __version__,
            "input": find_input(job),
            "shards": [
                {
                    "file": part.target.path.name,
                    "sha256": hash_file(part.target.path),
                    **{name: note[name] for name in ("rows", "fingerprint", "items", "reasons")},
                }
                for part, note in zip(parts, notes, strict=True)
            ],
            "totals": {"rows": sum(note["rows"] for note in notes), "items": items, "reasons": reasons},
            "lineage": [*(earlier["lineage"] if earlier else ()), step],
            "sources": earlier["sources"] if earlier else [describe_source(spec) for spec in job.inputs],
            "audio_roots": {name: os.path.relpath(root, job.target) for name, root in sorted(audio_roots(job).items())},
        },
    )


def identity(handle: ModelHandle) -> list[Any]:
    """What of a model goes into a fingerprint."""
    model = handle.model
    sampling = keys.plain_numbers(model.sampling)
    hearing = [model.sample_rate, handle.model.audio_window]
    return [asdict(handle.identity), sampling, model.structured, model.tries, *hearing]


def describe_source(spec: SourceSpec | ImportSpec) -> dict[str, Any]:
    """A source or set as its recipe names it; of a path on this machine the file's name."""
    return {
        "name": spec.name,
        "adapter": spec.adapter,
        "file": spec.path.as_posix() if spec.remote else spec.path.name,
        "limit": spec.limit,
        "sample": spec.sample if isinstance(spec, SourceSpec) else None,
        "options": plain(spec.options),
        "license": spec.license,
        "origin": spec.origin,
    }


def _prompt(runtime: Runtime, name: str) -> dict[str, str]:
    prompt = runtime.prompts.get(name)
    return {"version": prompt.version, "sha256": prompt.digest, "text": prompt.source}


def plain(options: Any) -> dict[str, Any]:
    """Options as plain data."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(options).items()}
