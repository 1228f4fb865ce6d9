"""Finds the shards of a stage that have work, and why: it compares each existing shard with what it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.engine import keys
from audiomcq_cli.engine.beside import hash_beside
from audiomcq_cli.engine.due.causes import OTHER, find_causes
from audiomcq_cli.engine.due.made_of import MadeOf, describe_parts, digest_contents, find_made_of
from audiomcq_cli.engine.job import Job, Part, find_input, find_places, make_context
from audiomcq_cli.engine.ledger.manifest import identity, plain_but_paths
from audiomcq_cli.engine.ledger.output import read_pair
from audiomcq_cli.engine.ledger.run_log import read_log, read_now
from audiomcq_cli.engine.prepared import prepare
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.shard import Unit
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.shards import Shard, is_intact

MOST_GROUPS = 4
"""Most groups of shards whose causes are listed separately in one line."""

_KINDS = {
    "missing": "not there yet",
    "damaged": "damaged or half written",
    "failed": "with failed items to try again",
}
"""Reasons for work on a shard, except ``changed``, which has causes of its own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The intended result of a stage.

    Attributes:
        units: One for each shard, with or without work.
        parts: Parts common to all shards.
        folder: Input folder, relative to that of the stage.
        digests: Hash of every input shard, by its output file.
        places: Where the second inputs are, relative to the folder of the stage, by name.
    """

    units: Sequence[Unit]
    parts: Mapping[str, Any]
    folder: str | None
    digests: Mapping[str, str]
    places: Mapping[str, str]

    def made_of(self, unit: Unit) -> MadeOf:
        """Return the intended parts of one shard."""
        contents = digest_contents(unit.source) if self.folder is None else {}
        return MadeOf(self.parts, self.digests.get(unit.target.path.name, ""), self.folder, contents)

    @property
    def asks_of(self) -> str:
        """Return the hash of everything that decides the requests before the first row."""
        names = ("stage", "version", "options", "seed", "prompts", "models", "prepared")
        return keys.digest({name: self.parts[name] for name in names}).hex()

    def note(self) -> dict[str, Any]:
        """Return the note of a run, from which a later run can say what changed."""
        contents = (
            {} if self.folder is not None else {one.target.path.name: digest_contents(one.source) for one in self.units}
        )
        return {
            "fingerprints": {unit.target.path.name: unit.fingerprint for unit in self.units},
            "made_of": self.parts,
            "inputs": dict(self.digests),
            "contents": contents,
            **({"beside": self.places} if self.places else {}),
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """Reason for making a shard: ``missing``, ``damaged``, ``changed`` (with its causes) or ``failed`` (in part)."""

    kind: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A shard to be made, and why."""

    unit: Unit
    reason: Reason


def make_plan(
    job: Job, runtime: Runtime, parts: Sequence[Part], audio_roots: Mapping[str, Path], *, keep: bool = True
) -> Plan:
    """Return the plan of a stage; ``keep``: whether the prepared table may be written."""
    context = make_context(job, runtime)
    beside = hash_beside(job)
    context, prepared = prepare(job, context, [(part.source, part.digest) for part in parts], beside, keep=keep)
    base: dict[str, Any] = {
        "stage": [job.name, job.stage.version],
        "writes": list(job.stage.writes),
        "options": plain_but_paths(job.options),
        "seed": job.seed,
        "prompts": {name: runtime.prompts.get(name).digest for name in job.prompts},
        "models": {need.model: identity(runtime.model(need.model)) for need in job.needs},
        "prepared": prepared,
        "shards": parts[0].target.count,
    }
    if job.holds_broken:
        base["keep_broken"] = True
    if job.stage.keeps:
        base["keeps"] = job.stage.keeps
    if beside:
        base["beside"] = beside
    folder = job.workdir / "journal" / job.name
    units = [
        Unit(
            name=job.name,
            stage=job.stage,
            context=context,
            source=part.source,
            target=part.target,
            journal=folder / part.target.path.with_suffix(".sqlite").name,
            fingerprint=keys.digest(base | {"input": part.digest}).hex(),
            audio_roots=audio_roots,
            reuse=job.reuse,
            replay=job.replay,
        )
        for part in parts
    ]
    digests = {part.target.path.name: part.digest for part in parts}
    return Plan(units, describe_parts(job, runtime, prepared, beside), find_input(job), digests, find_places(job))


def find_work(job: Job, plan: Plan) -> list[Work]:
    """Return the shards of a plan that this run makes, in order."""
    wanted = [unit for unit in plan.units if job.only is None or unit.target.index in job.only]
    kinds = [(unit, kind) for unit in wanted if (kind := _find_kind(unit, keep_failed=job.keep_failed))]
    if not any(kind == "changed" for _, kind in kinds):
        return [Work(unit, Reason(kind)) for unit, kind in kinds]
    entries, stage = read_entries(job.target), name_input_stage(job)

    def find_reason(unit: Unit, kind: str) -> Reason:
        if kind != "changed":
            return Reason(kind)
        causes = find_causes(find_old(unit.target, entries), plan.made_of(unit), input_stage=stage)
        return Reason(kind, causes or (OTHER,))

    return [Work(unit, find_reason(unit, kind)) for unit, kind in kinds]


def _find_kind(unit: Unit, *, keep_failed: bool) -> str:
    """Return why a shard has work; empty if it has none."""
    kind = find_fault(unit.target)
    if kind:
        return kind
    note = read_pair(unit.target)
    if note["fingerprint"] != unit.fingerprint:
        return "changed"
    return "failed" if note["items"]["failed"] and not keep_failed else ""


def find_fault(target: Shard) -> str:
    """Return whether a shard is ``missing`` or ``damaged``; empty if it exists as a run wrote it."""
    if not target.path.exists():
        return "missing"
    return "" if read_pair(target) and is_intact(target) else "damaged"


def find_old(target: Shard, entries: Sequence[Mapping[str, Any]]) -> MadeOf | None:
    """Return the parts of the existing shard, from one of the ``entries`` of the run log."""
    return find_made_of(entries, target.path.name, str(read_pair(target).get("fingerprint", "")))


def read_entries(folder: Path) -> list[dict[str, Any]]:
    """Return the notes of runs of a stage, newest first; runs that are active or were killed come first."""
    return [*read_now(folder).values(), *reversed(read_log(folder))]


def name_input_stage(job: Job) -> str:
    """Return the stage that writes the input of a job; its usual input stage if the folder does not say."""
    try:
        found = manifests.read_manifest(job.source) if job.source else None
    except InputError:
        found = None
    return str(found["stage"]) if found else job.stage.after or ""


def read_notes(units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Return the notes of the shards that exist and are up to date."""
    notes = [(unit, read_pair(unit.target)) for unit in units]
    return [note for unit, note in notes if note.get("fingerprint") == unit.fingerprint]


def count_reasons(reasons: Sequence[Reason]) -> tuple[dict[str, int], dict[str, int]]:
    """Count shards by reason, and changed shards by cause."""
    return (
        dict(Counter(reason.kind for reason in reasons)),
        dict(Counter(cause for reason in reasons for cause in reason.causes).most_common()),
    )


def explain_work(stage: str, shards: int, reasons: Sequence[Reason]) -> str:
    """Return a line on what is made again and why; empty if everything is made for the first time."""
    counts = Counter(reason.kind for reason in reasons)
    if not reasons or counts["missing"] == shards:
        return ""
    groups = Counter(reason.causes for reason in reasons if reason.kind == "changed").most_common()
    told = [(count, ", ".join(causes)) for causes, count in groups[:MOST_GROUPS]]
    if more := sum(count for _, count in groups[MOST_GROUPS:]):
        told.append((more, "other causes"))
    if len(told) == 1 and counts["changed"] == len(reasons):
        return f"{stage}: {len(reasons)} of {shards} shards to do again: {told[0][1]}"
    kinds = [f"{counts[kind]} {words}" for kind, words in _KINDS.items() if counts[kind]]
    again = [f"{count} again: {causes}" for count, causes in told]
    return f"{stage}: {len(reasons)} of {shards} shards to do: {'; '.join([*kinds, *again])}"
