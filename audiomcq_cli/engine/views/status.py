"""Progress of the stages of a folder: done, left, failed by reason, spent; during a run and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audiomcq_cli import parquet
from audiomcq_cli.engine.due.stale import Stale, find_stale
from audiomcq_cli.engine.ledger.alive import find_alive
from audiomcq_cli.engine.ledger.labels import Unread, count_blocks, count_labels, count_unread
from audiomcq_cli.engine.ledger.output import read_pair
from audiomcq_cli.engine.ledger.run_log import SPENT, read_log, read_now
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.shards import list_shards


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """The status of a stage.

    Attributes:
        stage: Name of the stage.
        folder: Its folder.
        input: Folder that it reads, relative to its own.
        state: ``done``, ``stale`` (its input changed since), ``running``, ``stopped`` (by a budget, a signal or an
            error: ``how``), or ``killed``.
        how: What stopped it, in words.
        stale: Why it is stale.
        shards: Number of its shards.
        shards_done: Number of shards that exist and are up to date.
        rows_left: Input rows of the other shards; None if unknown.
        items: Items of the shards that are done.
        reasons: Reasons in the shards that are done.
        at_work: Items of the shards in progress, by outcome.
        calls: Calls by model, over all runs.
        prompt_tokens: Prompt tokens by model, over all runs.
        completion_tokens: Reply tokens by model, over all runs.
        cost: Cost by model, over all runs.
        retries: Calls sent again by model, over all runs.
        set_aside: How often an address was set aside because it failed, by model, over all runs.
        seconds: Running time over all runs.
        command: The last command; typing it again goes on.
        runs: Active runs: process, host, command, start, progress, calls and cost.
        labels: Questions by type and label in the shards that are done, if the stage has labels.
        unread: Judges with unreadable answers in those shards.
        blocks: Questions of whole balanced blocks, of broken ones and of none in those shards; empty without blocks.
        limits: Limit on the clips or questions read, by source name; only for a first stage.
    """

    stage: str
    folder: str
    input: str | None = None
    state: str
    how: str = ""
    stale: str = ""
    shards: int
    shards_done: int
    rows_left: int | None = None
    items: Mapping[str, int]
    reasons: Mapping[str, Mapping[str, int]]
    at_work: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int]
    prompt_tokens: Mapping[str, int]
    completion_tokens: Mapping[str, int]
    cost: Mapping[str, float]
    retries: Mapping[str, int]
    set_aside: Mapping[str, int]
    seconds: float = 0.0
    command: str = ""
    runs: Sequence[Mapping[str, Any]] = ()
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unread: Sequence[Unread] = ()
    blocks: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)


def read_status(folder: Path, order: Sequence[str]) -> list[StageStatus]:
    """Return the status of each stage in ``folder``: a work folder or a stage folder. ``order``: stage names in order.

    Raises:
        InputError: ``folder`` does not exist, is a file, or holds no stage.
    """
    if not folder.is_dir():
        message = "is a file, expected a folder" if folder.exists() else "no such folder"
        raise InputError(message, file=str(folder), hint="name the work folder, as build, or the folder of a stage")
    folders = [folder] if (folder / HIDDEN).is_dir() else sorted(path for path in folder.iterdir() if path.is_dir())
    found = [status for path in folders if (status := _read_stage(path))]
    if not found:
        hint = "name the work folder, as build, or the folder of a stage"
        raise InputError("no stage here", file=str(folder), hint=hint)
    found.sort(key=lambda one: order.index(one.stage) if one.stage in order else len(order))
    return _follow_stale(found)


def _follow_stale(found: Sequence[StageStatus]) -> list[StageStatus]:
    """Return the same list with the stages after a stale or unfinished one marked as stale."""
    told: dict[Path, StageStatus] = {}
    for one in found:  # in the order of the stages, so that the input of one comes before it
        before = told.get((Path(one.folder) / one.input).resolve()) if one.input else None
        if one.state == "done" and before is not None and before.state != "done":
            name = Path(before.folder).resolve().name
            one = replace(one, state="stale", stale=f"{name}, which it reads, is {before.state}", rows_left=None)
        told[Path(one.folder).resolve()] = one
    return list(told.values())


def _read_stage(folder: Path) -> StageStatus | None:
    if not (folder / HIDDEN).is_dir():
        return None
    log, now = read_log(folder), list(read_now(folder).values())
    manifest = _read_manifest(folder)
    if not (log or now or manifest):
        return None
    last = now[-1] if now else log[-1] if log else {}
    running = find_alive(folder)
    state = "running" if running else "done" if manifest else "killed" if now else "stopped"
    how = str(last.get("how", "")) if state == "stopped" else ""
    if how == "done":  # but not all of it: some shards, or some rows failed
        how = ""
    fingerprints = {one["file"]: one["fingerprint"] for one in manifest["shards"]} if manifest else _planned(log, now)
    notes = {name: note for name, note in _read_notes(folder) if fingerprints.get(name) in (None, note["fingerprint"])}
    stale = find_stale(folder, manifest, [*now, *log[::-1]], fingerprints) if manifest and state == "done" else Stale()
    source = manifest["input"] if manifest else last.get("input")
    done = notes.keys() - stale.files
    return StageStatus(
        stage=manifest["stage"] if manifest else last["stage"],
        folder=str(folder),
        input=source,
        state="stale" if stale.why else state,
        how=how,
        stale=stale.why,
        shards=len(fingerprints) or len(notes),
        shards_done=len(done),
        rows_left=_count_left(folder, source, (fingerprints.keys() | stale.files) - done),
        items=manifests.total_items(note["items"] for note in notes.values()),
        reasons=manifests.total_reasons(note["reasons"] for note in notes.values()),
        at_work=dict(sum((Counter(one.get("items", {})) for one in running), Counter())),
        seconds=sum(float(one.get("seconds", 0)) for one in (*log, *now)),
        command=str(last.get("command", "")),
        runs=[_describe_run(one) for one in running],
        labels=count_labels(paths := [folder / name for name in sorted(notes)]),
        unread=count_unread(paths),
        blocks=count_blocks(paths),
        limits=_list_limits(manifest) if source is None else {},
        **{name: _sum_by_model(name, (*log, *now)) for name in SPENT},
    )


def _list_limits(manifest: Mapping[str, Any] | None) -> dict[str, int]:
    """Return how much of each source was read at most, if its manifest names a limit."""
    sources = manifest["sources"] if manifest else ()
    return {str(one["name"]): one["limit"] for one in sources if isinstance(one.get("limit"), int)}


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a stage; None if there is none, or it is damaged or that of a release."""
    try:
        return manifests.read_manifest(folder)
    except InputError:
        return None


def _planned(log: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the intended fingerprints of the shards, from the last run."""
    return next((dict(one["fingerprints"]) for one in (*now[::-1], *log[::-1]) if one.get("fingerprints")), {})


def _read_notes(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        found = list_shards(folder)
    except InputError:  # none yet
        return
    for one in found:
        if note := read_pair(one):
            yield one.path.name, note


def _describe_run(now: Mapping[str, Any]) -> dict[str, Any]:
    """Return an active run as plain data: process, start, rows done and in all, rate, time left, items, and cost."""
    return {
        **{name: now[name] for name in ("pid", "host", "began", "command")},
        **{name: now.get(name) for name in ("unit", "total", "rate", "left_s")},
        **{"seconds": float(now.get("seconds", 0)), "items": dict(now.get("items", {})), "done": now.get("done", 0)},
        **{name: now.get(name, {}) for name in SPENT},
    }


def _count_left(folder: Path, source: str | None, missing: Set[str]) -> int | None:
    """Return the rows of the input shards whose output is missing."""
    if not missing:
        return 0
    if not source:
        return None
    try:
        inputs = {one.path.name: one.path for one in list_shards(folder / source)}
        return sum(int(parquet.read_metadata(inputs[name]).num_rows) for name in missing)
    except (InputError, OSError, KeyError, ValueError):
        return None


def _sum_by_model(name: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    totals: dict[str, Any] = {}
    for entry in entries:
        for model, count in entry.get(name, {}).items():
            totals[model] = totals.get(model, 0) + count
    return totals
