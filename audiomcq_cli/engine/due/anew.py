"""Predicts whether a run would plan the groups of a finished stage anew, though models were already asked about them.

The file that a stage keeps of its plans says what they were made of. The input of the coming run is known beforehand
where no earlier stage has work.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from audiomcq_cli.engine.beside import hash_beside
from audiomcq_cli.engine.due.foresee import foresee
from audiomcq_cli.engine.job import Job, audio_roots
from audiomcq_cli.engine.journal import file as journal_file
from audiomcq_cli.engine.planned import count_earlier_shards, find_kept
from audiomcq_cli.engine.prepared import name_inputs
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage.files import HIDDEN, hash_file
from audiomcq_cli.storage.shards import list_shards, read_note, shard


@dataclass(frozen=True, slots=True)
class Ahead:
    """The input that a run will give to a stage.

    Attributes:
        changes: True if it will certainly differ from the existing one.
        digests: Hash of each of its shards; None where an earlier stage has work, which may leave it as it is.
    """

    changes: bool = False
    digests: Sequence[str] | None = None


def count_groups(job: Job) -> int:
    """Return the number of groups that the plans of a finished stage left; 0 for a stage that keeps none."""
    if job.stage.earlier is None or not find_kept(job).is_file():
        return 0
    try:
        return job.stage.earlier.count(find_kept(job))
    except InputError:  # damaged: nothing is left to keep
        return 0


def count_replies(workdir: Path, stages: Iterable[str]) -> dict[str, int]:
    """Return the number of replies in the journals of some stages, by stage; stages without any are missing."""
    found = {}
    for stage in stages:
        count = 0
        for path in journal_file.list_journals(workdir / "journal", stage):
            if path.name != journal_file.OPENING:
                with closing(journal_file.connect(path, write=False)) as connection:
                    count += journal_file.count_replies(connection, path)
        if count:
            found[stage] = count
    return found


def look_ahead(jobs: Sequence[Job], runtime: Runtime) -> Ahead:
    """Find out what the last of some jobs, each reading the output of the one before, will read."""
    first, job = jobs[0].pinned(), jobs[-1]
    with tempfile.TemporaryDirectory() as temporary:
        paths = _list_inputs(first, Path(temporary))
        if len(paths) != count_earlier_shards(find_kept(job)):
            return Ahead(changes=True)
        works = foresee([first, *jobs[1:-1]], runtime, paths, audio_roots(first)) if jobs[1:] else []
        if any(work.why.get("changed") for work in works):
            return Ahead(changes=True)
        if any(work.why or work.open for work in works):
            return Ahead()
        read = [shard(jobs[-2].target, index, len(paths)).path for index in range(len(paths))] if jobs[1:] else paths
        return Ahead(digests=[hash_file(path) for path in read])


def is_anew(job: Job, ahead: Ahead) -> bool | None:
    """Return whether a stage would plan other groups than it kept; None if its input is not known yet."""
    if ahead.changes:
        return True
    if ahead.digests is None:
        return None
    return name_inputs(job, ahead.digests, hash_beside(job)) != read_note(find_kept(job)).get("inputs")


def _list_inputs(job: Job, folder: Path) -> list[Path]:
    """The input shards of a first job. Sources are sorted into ``folder``, with what is known of them from before."""
    if job.source is not None:
        return [one.path for one in list_shards(job.source)]
    for pattern in ("audio.sqlite", "source-*.jsonl"):
        for path in (job.target / HIDDEN / "partition").glob(pattern):
            shutil.copy(path, folder)
    return job.partition(folder)
