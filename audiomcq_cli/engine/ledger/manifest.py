"""Writes the manifest of a stage, which accounts for every item."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from audiomcq_cli import __version__
from audiomcq_cli.engine import keys
from audiomcq_cli.engine.intake.questions import ImportSpec
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.job import Job, Part, audio_roots, find_input
from audiomcq_cli.engine.ledger.described import describe_model
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.model import ModelHandle
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.files import hash_file


def write_manifest(
    job: Job, runtime: Runtime, parts: Sequence[Part], notes: Sequence[Mapping[str, Any]], beside: Mapping[str, str]
) -> None:
    """Write the manifest of a stage whose shards are all there.

    Args:
        job, runtime: What was done. parts, notes: Its shards, and the note of each. beside: Hash of each second input.
    """
    earlier = manifests.read_manifest(job.source) if job.source else None
    items = manifests.total_items(note["items"] for note in notes)
    reasons = manifests.total_reasons(note["reasons"] for note in notes)
    step = {
        "stage": job.name,
        "version": job.stage.version,
        "seed": job.seed,
        **({"keep_broken": True} if job.holds_broken else {}),
        "options": plain(job.options),
        "models": {need.model: describe_model(runtime.model(need.model)) for need in job.needs},
        "prompts": {name: _prompt(runtime, name) for name in job.prompts},
        "items": items,
        "reasons": reasons,
        **({"beside": beside} if beside else {}),
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
    """Return the parts of a model that belong to a fingerprint."""
    model = handle.model
    sampling = keys.plain_numbers(model.sampling)
    hearing = [model.sample_rate, handle.model.audio_window]
    return [asdict(handle.identity), sampling, model.structured, model.tries, *hearing]


def describe_source(spec: SourceSpec | ImportSpec) -> dict[str, Any]:
    """Return a source or set as its recipe names it; of a local path only the file name."""
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
    """Options as plain data; of a path on this machine the file's name."""
    paths = {one.name for one in fields(options) if one.metadata.get("path")}
    return {name: Path(value).name if name in paths else _listed(value) for name, value in asdict(options).items()}


def plain_but_paths(options: Any) -> dict[str, Any]:
    """The options that decide over rows by themselves: of a path what is there does."""
    paths = {one.name for one in fields(options) if one.metadata.get("path")}
    return {name: value for name, value in plain(options).items() if name not in paths}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
