"""Describes the parts that the shards of a stage are made of, so that a later run can compare them with its own.

The fingerprint of a shard is one hash of all parts, which says that something changed and not what. So each run notes
the parts in the run log: stage, options, seed, prompts, models and sources once, the input of each shard beside them.
No shard or manifest holds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from audiomcq_cli.engine.job import Job
from audiomcq_cli.engine.ledger.manifest import describe_source, identity, plain_but_paths

if TYPE_CHECKING:
    from audiomcq_cli.engine.runtime import Runtime
    from audiomcq_cli.engine.servers.model import ModelHandle

_TEXT = {"type": "string"}


_AUDIO = ("audio_path", "audio_present", "audio_sha256")
"""Columns of a partition about the audio of a row."""

_DIGITS = 16
"""Digits of a hash that only has to distinguish two states of one source."""


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What one shard is made of.

    Attributes:
        parts: What all shards of the stage are made with. input: Hash of the input shard; empty where it is not known.
        folder: Input folder, relative to that of the stage; None for a stage that reads sources.
        places: Where the second inputs were, relative to the folder of the stage, by name.
        contents: By source with rows in the input shard: hash of what its rows say, and of the audio they name.
    """

    parts: Mapping[str, Any]
    input: str = ""
    folder: str | None = None
    contents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def beside(self) -> Mapping[str, str]:
        """Hash of each second input, by name."""
        found: Mapping[str, str] = self.parts.get("beside", {})
        return found


def describe_parts(job: Job, runtime: Runtime, prepared: str, beside: Mapping[str, str]) -> dict[str, Any]:
    """The parts that all shards of a stage are made with.

    Args:
        job, runtime: What is done. prepared: Hash of the prepared table. beside: Hash of each second input.
    """
    parts = {
        "stage": job.name,
        "version": job.stage.version,
        "writes": list(job.stage.writes),
        "options": plain_but_paths(job.options),
        "seed": job.seed,
        "keep_broken": job.holds_broken,
        "prompts": {name: _describe_prompt(runtime, name) for name in job.prompts},
        "models": {need.model: _describe_model(runtime.model(need.model)) for need in job.needs},
        "prepared": prepared,
        "sources": {spec.name: describe_source(spec) for spec in job.inputs},
        "beside": beside,
    }
    as_read: dict[str, Any] = orjson.loads(orjson.dumps(parts))  # as it comes back out of a run log
    return as_read


def _describe_prompt(runtime: Runtime, name: str) -> dict[str, str]:
    """Return a prompt with two hashes: of its text alone, and of its text with its reply schema."""
    prompt = runtime.prompts.get(name)
    text = hashlib.sha256(prompt.source.encode()).hexdigest()
    return {"version": prompt.version, "text": text, "sha256": prompt.digest}


def _describe_model(handle: ModelHandle) -> dict[str, Any]:
    """Return the parts of a model that belong to a fingerprint, by name."""
    [who, sampling, structured, tries, rate, window] = identity(handle)
    named = {"structured": structured, "tries": tries, "sample_rate": rate, "audio_window": window}
    return {**who, "sampling": sampling, **named}


def digest_contents(path: Path) -> dict[str, list[str]]:
    """Return two hashes for each source with rows in a file of a partition: of its rows' texts, and of their audio."""
    texts: dict[str, Any] = {}
    sounds: dict[str, Any] = {}
    with path.open("rb") as file:
        for line in file:
            row = orjson.loads(line)
            name = row["source_dataset"]
            sounds.setdefault(name, hashlib.sha256()).update(orjson.dumps([row.pop(key, None) for key in _AUDIO]))
            texts.setdefault(name, hashlib.sha256()).update(orjson.dumps(row))
    return {name: [one[name].hexdigest()[:_DIGITS] for one in (texts, sounds)] for name in sorted(texts)}


def find_made_of(entries: Iterable[Mapping[str, Any]], file: str, fingerprint: str) -> MadeOf | None:
    """Return the parts of a shard with a fingerprint, as some run noted them; None if no run did."""
    for entry in entries:
        if entry.get("fingerprints", {}).get(file) == fingerprint and "made_of" in entry:
            return MadeOf(
                entry["made_of"],
                entry.get("inputs", {}).get(file, ""),
                entry.get("input"),
                entry.get("contents", {}).get(file, {}),
                entry.get("beside", {}),
            )
    return None
