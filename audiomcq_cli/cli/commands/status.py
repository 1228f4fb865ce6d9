"""``status``: shows the progress of a corpus."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiomcq_cli import registry
from audiomcq_cli.cli.console import describe_reasons, describe_spent, describe_time, out
from audiomcq_cli.cli.looking import ask_again, describe_unread
from audiomcq_cli.cli.options import Json
from audiomcq_cli.errors import InputError

if TYPE_CHECKING:
    from audiomcq_cli.engine.views.status import StageStatus
    from audiomcq_cli.release.standing import Standing

_SPENT = ("calls", "prompt_tokens", "completion_tokens", "cost", "retries")


def status(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder that a run builds in, a stage's or a release.", show_default=False),
    ],
    json: Json = False,
) -> None:
    """Show what is done, left, failed, stale and spent, the labels, and the command that goes on.

    It works during a run and after it.
    """
    from audiomcq_cli.engine.views.status import read_status
    from audiomcq_cli.release.standing import find_releases

    releases = find_releases(folder)
    try:
        found = read_status(folder, list(registry.stages()))
    except InputError:
        if not releases:
            raise
        found = []
    current = {one.folder: _find_source(one, found) for one in releases}
    out.summary["stages"] = [asdict(one) for one in found]
    out.summary["releases"] = [asdict(one) | _describe_state(current[one.folder], found) for one in releases]
    out.summary["totals"] = totals = _total(found)
    if json:
        return
    if found:
        _tell_stages(folder, found)
    if totals["calls"] and sum(bool(one.calls) for one in found) > 1:
        out.say(f"all stages: {describe_spent(totals)}, {describe_time(totals['seconds'])} at work")
    if labelled := [one for one in found if one.labels]:
        _tell_labels(labelled[-1])
    if blocked := [one for one in found if one.blocks]:
        _tell_blocks(blocked[-1])
    for release in out.summary["releases"]:
        _tell_release(release)
    if line := _describe_next(found):
        out.say(line)


def _describe_next(found: Sequence[StageStatus]) -> str:
    """Return the command that goes on, or that tries failed items again once all else is done; empty if nothing is
    left.
    """
    if unfinished := [one for one in found if one.state != "done"]:
        first = unfinished[0]
        return f"to go on: {first.command}" if first.command and first.state != "running" else ""
    failed = [one for one in found if one.items["failed"]]
    if not failed or not failed[0].command:
        return ""
    count = sum(one.items["failed"] for one in failed)
    which = "the failed item" if count == 1 else f"the {count:,} failed items"
    line = f"to try {which} again: {ask_again(failed[0].command)}"
    return line if failed[-1] is not found[-1] else f"{line} (or go on without them: add --keep-failed)"


def _tell_stages(folder: Path, found: Sequence[StageStatus]) -> None:
    columns = ("stage", "state", "shards", "in", "kept", "rejected", "failed", "rows left")
    names = _name_stages(found)
    rows = [
        (
            names[one.folder],
            f"{one.state} ({one.how})" if one.how else one.state,
            f"{one.shards_done} of {one.shards}",
            *(one.items[name] for name in ("in", "kept", "rejected", "failed")),
            "?" if one.rows_left is None else f"{one.rows_left:,}",
        )
        for one in found
    ]
    out.table(str(folder), columns, rows)
    for one in found:
        _tell_more(names[one.folder], one)
    for one in [one for one in found if one.unread][:1]:  # later stages have the same votes
        for line in describe_unread(one.unread, one.folder):
            out.say(f"{names[one.folder]}: {line}")


def _name_stages(found: Sequence[StageStatus]) -> dict[str, str]:
    """Return the name of each stage by its folder; the folder's name is added if it differs."""
    names = {one.folder: Path(one.folder).resolve().name for one in found}
    return {
        one.folder: one.stage + ("" if names[one.folder] == one.stage else f" ({names[one.folder]})") for one in found
    }


def _tell_more(name: str, one: StageStatus) -> None:
    if one.stale:
        out.say(f"{name}: stale: {one.stale}")
    for outcome in ("rejected", "failed"):
        if one.reasons[outcome]:
            out.say(f"{name}: {outcome}: {describe_reasons({outcome: one.reasons[outcome]})}")
    if one.limits:
        out.say(f"{name}: {_describe_limits(one)}")
    if one.calls:
        out.say(f"{name}: {describe_spent(asdict(one))}, {describe_time(one.seconds)} at work")
    for run in one.runs:
        out.say(f"{name}: {_describe_run(run)}")


def _describe_limits(one: StageStatus) -> str:
    """Describe how much of the sources was read."""
    unit = "questions" if one.stage == "import" else "clips"
    flag = " (--limit)" if "--limit" in shlex.split(one.command) else ""
    if len(limits := set(one.limits.values())) == 1:
        return f"read the first {limits.pop():,} {unit} of {' and '.join(one.limits)} only{flag}"
    told = [f"{count:,} of {name}" for name, count in one.limits.items()]
    return f"read the first {unit} only: {', '.join(told)}{flag}"


def _describe_run(run: Mapping[str, Any]) -> str:
    """Describe a running run in a line: start, process, progress, speed, calls and cost."""
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(min(run["began"], 2**32)))
    parts = [f"at work since {since} ({describe_time(run['seconds'])}): process {run['pid']} on {run['host']}"]
    total = f" of {run['total']:,.0f}" if run["total"] is not None else ""
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(run["items"].items()) if count)
    parts.append(f"{run['done']:,}{total} {run['unit'] or 'items'}{f' ({outcomes})' if outcomes else ''}")
    if run["rate"]:
        parts.append(f"{run['rate']:,.1f} a second")
    if run["left_s"] is not None:
        parts.append(f"about {describe_time(run['left_s'])} left")
    if run["calls"]:
        parts.append(describe_spent(run))
    return ", ".join(parts)


def _total(found: Sequence[StageStatus]) -> dict[str, Any]:
    """Sum up what all stages sent and spent, by model, and their running time."""
    sums: dict[str, Any] = {}
    for name in _SPENT:
        counts: Counter[str] = Counter()
        for one in found:
            counts.update(getattr(one, name))
        sums[name] = dict(counts)
    return sums | {"seconds": sum(one.seconds for one in found)}


def _tell_labels(one: StageStatus) -> None:
    """Show a table of the labels, by type and in all."""
    sums = {label: sum(counts[label] for counts in one.labels.values()) for label in ("weak", "strong")}
    rows = [
        (kind, counts["weak"], counts["strong"], f"{counts['weak'] / max(1, sum(counts.values())):.1%}")
        for kind, counts in [*one.labels.items(), ("all", sums)]
    ]
    out.table(f"Labels in {Path(one.folder).resolve().name}", ("type", "weak", "strong", "weak share"), rows)


def _tell_blocks(one: StageStatus) -> None:
    """Say how many questions of the last stage with blocks belong to whole ones."""
    rows = sum(one.blocks.values())
    broken = f", {one.blocks['broken']:,} to broken ones" if one.blocks["broken"] else ""
    name = Path(one.folder).resolve().name
    out.say(
        f"{name}: {one.blocks['whole']:,} of {rows:,} questions ({one.blocks['whole'] / rows:.1%}) belong to"
        f" whole balanced blocks{broken}"
    )


def _find_source(release: Standing, found: Sequence[StageStatus]) -> StageStatus | None:
    """Return the stage folder that a release was built from, if its manifest is still the same."""
    from audiomcq_cli.storage.files import hash_file
    from audiomcq_cli.storage.manifest import manifest_path

    paths = [(one, manifest_path(Path(one.folder))) for one in found]
    return next((one for one, path in paths if path.is_file() and hash_file(path) == release.input), None)


def _describe_state(source: StageStatus | None, found: Sequence[StageStatus]) -> dict[str, Any]:
    """Say whether a release matches the rows beside it: ``current``, ``stale``, or ``unknown`` if there are none."""
    if source is None:
        return {"state": "stale" if any(one.stage == "split" for one in found) else "unknown", "of": None}
    return {"state": "current" if source.state == "done" else "stale", "of": source.folder}


def _tell_release(release: Mapping[str, Any]) -> None:
    name, of = Path(release["folder"]).resolve().name, release["of"] and Path(release["of"]).resolve().name
    if release["state"] == "current":
        told = f"built of {of} as it is now"
    elif of:
        told = f"stale: built of {of}, which is stale itself"
    elif release["state"] == "stale":
        told = "stale: built of another split than is here now"
    else:
        told = ""
    line = f"{name}: {release['name']} {release['version']}, {release['rows']:,} rows"
    out.say(f"{line}; {told}" if told else line)
