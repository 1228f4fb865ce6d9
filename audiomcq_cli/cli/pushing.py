"""``publish --repo``: shows what goes to the Hub, file by file, and the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli.cli.console import out, printable

if TYPE_CHECKING:
    from audiomcq_cli.release.hub.commits import LocalFile
    from audiomcq_cli.release.hub.push import Plan, PushOptions


def push_release(folder: Path, options: PushOptions) -> None:
    """Put a release folder on the Hub, read it back and sum up."""
    from audiomcq_cli.release.hub.push import push
    from audiomcq_cli.release.hub.read_back import read_back
    from audiomcq_cli.release.hub.repo import HubRepo

    def say(text: str) -> None:
        out.say(f"{options.repo}: {text}")

    _be_quiet()
    pushed = push(folder, options, say)
    if pushed.url:
        say(f"waits to be merged: {pushed.url}; the same command tags it then")
    elif pushed.changed:
        say(f"{options.branch} is {pushed.commit[:8]}" + (f", tagged {pushed.tag}" if pushed.tag else ""))
    else:
        say(f"nothing to send: {options.branch} ({pushed.commit[:8]}) is this release")
    read = read_back(folder, HubRepo(options.repo, say), pushed.commit)
    rows = ", ".join(f"{config} {count}" for config, count in read.rows.items())
    say(f"read back: {read.files:,} files, {read.bytes / 1e6:,.1f} MB, as they were sent; first rows of {rows}")
    out.summary["push"] = {
        "repo": options.repo,
        "commit": pushed.commit,
        "tag": pushed.tag,
        "pull_request": pushed.url,
        "changed": pushed.changed,
        "files": _count(pushed.plan),
        "read_back": asdict(read),
    }


def tell_plan(folder: Path, options: PushOptions, *, shown: Path, json: bool) -> None:
    """Report what a push would send, remove and change for readers, on stdout or only in the summary; write nothing.

    ``shown`` is the folder as people know it.
    """
    from audiomcq_cli.release.hub.push import plan_push
    from audiomcq_cli.release.hub.repo import HubRepo
    from audiomcq_cli.release.tree import MANIFEST

    _be_quiet()
    plan = plan_push(folder, options, HubRepo(options.repo, out.say))
    lines = [
        f"{mark:<8}{file.size:>14,}  {printable(file.path)}"
        for mark in ("new", "changed", "same")
        for file in getattr(plan, mark)
    ]
    lines += [f"{'removed':<8}{'':>14}  {printable(path)}" for path in plan.removed]
    if not json:
        out.data("\n".join(lines))
    if MANIFEST in {file.path for file in (*plan.changed, *plan.same)}:
        _tell_diff(folder, f"hf:{options.repo}@{plan.parent}", shown=shown, json=json)
    sent = sum(file.size for file in (*plan.new, *plan.changed))
    where = f"{options.repo}@{plan.parent[:8]}" if plan.parent else f"{options.repo}, which is not there yet"
    out.say(
        f"would send {len(plan.new) + len(plan.changed):,} files of {len(_all(plan)):,}, at most {sent / 1e6:,.1f} MB,"
        f" and remove {len(plan.removed):,}: {where}"
    )
    out.summary["push"] = {
        "repo": options.repo,
        "dry_run": True,
        "parent": plan.parent,
        "bytes": sent,
        "files": _count(plan),
        "new": [asdict(file) for file in plan.new],
        "changed": [asdict(file) for file in plan.changed],
        "removed": list(plan.removed),
    }


def _tell_diff(folder: Path, old: str, *, shown: Path, json: bool) -> None:
    """Report what readers of the published release would see change."""
    from audiomcq_cli.release.diff.compare import compare, open_side
    from audiomcq_cli.release.diff.text import as_data, render_text
    from audiomcq_cli.release.tree import open_tree

    found = compare(open_side(old), open_side(replace(open_tree(folder), name=str(shown))), full=json)
    out.summary["diff"] = as_data(found)
    if not json:
        out.data("\n" + printable(render_text(found)))


def _all(plan: Plan) -> Sequence[LocalFile]:
    return (*plan.new, *plan.changed, *plan.same)


def _count(plan: Plan) -> dict[str, int]:
    return {name: len(getattr(plan, name)) for name in ("new", "changed", "same", "removed")}


def _be_quiet() -> None:
    """Turn the libraries' progress bars off: this program reports progress itself."""
    import datasets
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    datasets.disable_progress_bars()
