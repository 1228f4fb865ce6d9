"""SIGKILL at every request of a push in turn: readers see the old release or the new one, and little is sent twice."""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.layout import ReleaseInfo
from tests.release.conftest import released_row, write_stage
from tests.servers.hub import ORG, RunningHub, running_hub

ROOT = Path(__file__).parent.parent
PUSH = """
import sys
from pathlib import Path
from audiomcq_cli.release.hub.push import PushOptions, push

push(Path("new"), PushOptions(repo=sys.argv[1]), print)
"""
"""What ``publish --repo`` does before it reads the release back, which writes nothing."""

SECONDS = 120


@dataclass(frozen=True, slots=True)
class Work:
    """Two releases; the first is on the Hub in every repository that is asked for, the second is to be pushed."""

    hub: RunningHub
    folder: Path
    old: Mapping[str, bytes]
    new: Mapping[str, bytes]

    def fill(self, repo: str) -> None:
        """Put the first release into a repository, as if it had been pushed."""
        self.hub.commit(repo, self.old)
        self.hub.clear()

    def start(self, repo: str) -> subprocess.Popen[bytes]:
        """Begin to push the second."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", PUSH, repo],
                cwd=self.folder,
                env={**os.environ, **self.hub.env(), "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def push(self, repo: str) -> None:
        """Push the second to the end."""
        assert self.start(repo).wait(SECONDS) == 0, (self.folder / "log").read_text()

    def sees(self, repo: str) -> str:
        """Which release a reader of main sees: old, new, or a mixture."""
        there = {path: self.hub.read(repo, path) for path in self.hub.tree(repo) if path != ".gitattributes"}
        return "old" if there == self.old else "new" if there == self.new else "a mixture"


@contextlib.contextmanager
def working(folder: Path, rows: int, shards: int) -> Iterator[Work]:
    """Make both releases and run a Hub; the second has other questions in half of the shards, and more of them."""
    with running_hub() as hub:
        made = {}
        for version, count, changed in (("1.0.0", rows, 0), ("1.1.0", rows + rows // 4, rows // 2)):
            these = [
                released_row(n, "sft", ("weak", "strong")[n % 2], **({"question": "Other?"} if n < changed else {}))
                for n in range(count)
            ]
            source = write_stage(folder / ("split" if changed else "first"), these, shards=shards)
            target = folder / ("new" if changed else "old")
            build_release(source, target, ReleaseInfo(name="tiny", version=version))
            made[version] = {
                path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()
            }
        yield Work(hub, folder, made["1.0.0"], made["1.1.0"])


def list_moments(work: Work) -> Iterator[tuple[str, int, str]]:
    """Faults for each request of a push that is left alone, with its method and path; behind one that writes too."""
    work.fill(repo := f"{ORG}/alone")
    work.push(repo)
    assert work.sees(repo) == "new"
    for number, one in enumerate(work.hub.log(), 1):
        yield "hang", number, f"{one['method']} {one['path']}"
        if one["method"] != "GET":
            yield "hang_after", number, f"{one['method']} {one['path']}"


def try_moment(work: Work, fault: str, number: int) -> tuple[int, int]:
    """Kill a push at a request and push again; bytes that were sent twice, and in all."""
    hub, repo = work.hub, f"{ORG}/{fault}-{number}"
    work.fill(repo)
    hub.fail(fault, nth=number)
    process = work.start(repo)
    try:
        hub.wait_for_fault(SECONDS)
    finally:
        process.kill()
        process.wait()
    assert (seen := work.sees(repo)) in ("old", "new"), f"{fault} at {number}"
    sent = hub.uploads()
    hub.clear()
    work.push(repo)
    assert work.sees(repo) == "new", f"{fault} at {number}, then {seen}"
    refs = hub.refs(repo)
    assert refs["refs/tags/v1.1.0"] == refs["refs/heads/main"]
    assert sum(one["title"].startswith("Release") for one in hub.history(repo)) == 1
    again = hub.uploads()
    return sum(again[digest] for digest in sent.keys() & again.keys()), sum(again.values()) + sum(sent.values())


@pytest.mark.check
def test_killed_at_every_request(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """One commit: whichever request a push is killed at, nothing is half there, and the same command completes it."""
    with working(tmp_path, rows=40, shards=4) as work:
        moments = list(list_moments(work))
        sweep(work, moments, record_property)
    assert len(moments) > 20


@pytest.mark.check
def test_killed_in_a_pull_request(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """More files than a commit takes: likewise at all that changes a branch or the pull request, and at some others."""
    with working(tmp_path, rows=300, shards=60) as work:
        moments = list(list_moments(work))
        writes = re.compile("POST .*(/commit/|/discussions|/tag/)")
        chosen = [moment for moment in moments if writes.match(moment[2])]
        others = [moment for moment in moments if not writes.match(moment[2])]
        sweep(work, [*chosen, *random.Random(7).sample(others, 6)], record_property)
    assert len(chosen) >= 12


def sweep(work: Work, moments: Sequence[tuple[str, int, str]], record_property: Callable[[str, object], None]) -> None:
    """Try moments one after another; what had arrived is not sent again."""
    twice = [try_moment(work, fault, number) for fault, number, _ in moments]
    repeated, sent = map(sum, zip(*twice, strict=True))
    record_property("push", (len(moments), repeated, sent))
    # What is on its way at the kill, in five threads, has not arrived: it alone may be sent again.
    assert repeated < 0.1 * sent
