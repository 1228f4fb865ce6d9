"""A job: one stage to run, with its input and options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Context, Need, Stage
from audiomcq_cli.engine.intake.audio_store import FOLDER
from audiomcq_cli.engine.intake.partition import partition
from audiomcq_cli.engine.intake.questions import ImportSpec, partition_questions
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.intake.watching import Watch
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.shards import Shard, find_kept_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One stage to run.

    Attributes:
        name: Name of the stage.
        stage: The stage.
        options: Its options.
        seed: Seed of its random choices.
        source: Folder to read; None if ``sources`` or ``imports`` are read.
        target: Folder to write.
        workdir: Folder of the journal.
        reuse: Packed journals, work folders or folders of journals searched for replies that the journal lacks.
        shards: Number of shards, chosen only at the first stage. If None, several that ``target`` has stay as many.
        keep_broken: See ``Context``.
        only: Numbers of the shards to work on; None for all.
        keep_failed: Count failed items as done.
        replay: Answer from the journal alone.
        max_failed: Share of the items of this stage and the one before that may fail.
        max_rejected: Share that may be rejected.
        expected: Expected output rows for each row, for a dry run without a journal.
        command: The command that was typed, for the run log.
        drop_later: Drop the columns that later stages have added to the rows of ``source``.
    """

    name: str
    stage: Stage[Any]
    options: Any
    target: Path
    workdir: Path
    reuse: tuple[Path, ...] = ()
    seed: int = 0
    keep_broken: bool = False
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
        """Inputs of a first stage."""
        return (*self.sources, *self.imports)

    @property
    def holds_broken(self) -> bool:
        """True if the stage keeps questions of broken blocks; a stage that reads no blocks rejects none."""
        return self.keep_broken and "block" in self.stage.reads

    def pinned(self) -> Job:
        """Return the same job with remote sources at their current state."""
        return replace(self, sources=tuple(spec.pinned() for spec in self.sources))

    def partition(self, folder: Path, watch: Watch | None = None) -> list[Path]:
        """Sort the inputs of a first stage into shards: one file for each in ``folder``, returned in order.

        Without ``watch``, which reports progress, audio that sources bring along is not kept.
        """
        shards = self.shards or find_kept_count(self.target)
        if self.imports:
            return partition_questions(self.imports, folder, shards, watch)
        store = self.workdir / FOLDER if watch else None
        return partition(self.sources, folder, shards, seed=self.seed, store=store, watch=watch)

    @property
    def needs(self) -> list[Need]:
        """Return the models that the options name."""
        return list(self.stage.needs(self.options)) if self.stage.needs else []

    @property
    def listens(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the local analyses that the stage may request with these options, with their settings."""
        return self.stage.listens(self.options) if self.stage.listens else {}

    @property
    def beside(self) -> Mapping[str, Path]:
        """The files and folders that the stage reads beside its input with these options, by name."""
        return dict(self.stage.beside(self.options)) if self.stage.beside else {}

    @property
    def prompts(self) -> list[str]:
        """Return the prompts that the stage may use with these options."""
        return list(self.stage.prompts(self.options)) if self.stage.prompts else []


@dataclass(frozen=True, slots=True)
class Part:
    """One shard of the input and of the output."""

    source: Path
    target: Shard
    digest: str


def make_context(job: Job, runtime: Runtime) -> Context[Any]:
    """Return the context of a stage's flows, still without prepared knowledge."""
    heard = {need.model: runtime.model(need.model).model.audio_window for need in job.needs}
    windows = {name: seconds for name, seconds in heard.items() if seconds is not None}
    return Context(job.options, job.seed, windows=windows, keep_broken=job.holds_broken)


def find_input(job: Job) -> str | None:
    """Return the folder that a stage reads, relative to its own; None if it reads sources."""
    return os.path.relpath(job.source, job.target) if job.source else None


def find_places(job: Job) -> dict[str, str]:
    """Where the second inputs of a stage are, relative to the folder that it writes, by name."""
    return {name: os.path.relpath(path, job.target) for name, path in sorted(job.beside.items())}


def audio_roots(job: Job) -> dict[str, Path]:
    """Return the audio folder of every source."""
    if job.source is None:
        return {spec.name: root for spec in job.inputs if (root := spec.find_root(job.workdir))}
    found = manifests.read_manifest(job.source)
    return {name: job.source / root for name, root in found["audio_roots"].items()} if found else {}
