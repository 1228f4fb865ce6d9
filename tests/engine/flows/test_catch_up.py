"""A resume asks for what is missing before it has gone through what is known, and nothing else changes."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import Call, Completion, Model
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import Interrupted, ModelNotServed
from tests.engine import Bench, Puppet, Watching, answer_well, puppet_model, snapshot, texts_of

ROWS = 3_500
MISSING = 400


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder whose journal lacks the replies of the last rows."""
    bench = Bench(tmp_path_factory.mktemp("whole"))
    bench.write_input(texts_of(ROWS))
    bench.run()
    keys = [bytes.fromhex(row["calls"][0]["key"]) for row in bench.kept()[-MISSING:]]
    [path] = (bench.folder / "work").rglob("*.sqlite")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("DELETE FROM replies WHERE key = ?", [(key,) for key in keys])
    return bench.folder


def make_bench(resumed: Path, folder: Path, puppet: Puppet, **model: Any) -> Bench:
    """A bench that goes on where the journal ends."""
    shutil.copytree(resumed / "input", folder / "input")
    shutil.copytree(resumed / "work", folder / "work")
    models: dict[str, Model] = {"writer": puppet_model(**model)}
    return Bench(folder, models=models, puppet=puppet)


def test_missing_rows_are_asked_for_first(resumed: Path, tmp_path: Path) -> None:
    """The first call is sent long before the known rows are done, each missing reply is asked for once, and the bytes
    are those of a run that was never cut short."""
    progress = Watching()
    seen: list[int] = []

    async def answer(call: Call) -> Completion:
        seen.append(progress.counts.total())
        return await answer_well(call)

    bench = make_bench(resumed, tmp_path, Puppet(answer))
    report = bench.run(progress=progress)
    assert seen[0] < ROWS / 2
    assert report.calls == {"writer": MISSING}
    assert len(bench.kept()) == progress.counts["kept"] == ROWS
    assert snapshot(bench.target) == snapshot(resumed / "output")


def test_useless_replies_are_asked_again_as_ever(resumed: Path, tmp_path: Path) -> None:
    """A row that is driven twice has the tries of one: as many calls as without, and the same rejects."""

    async def answer(call: Call) -> Completion:
        if "7<" in call.messages[1].text:
            return Completion(text="no JSON")
        return await answer_well(call)

    bench = make_bench(resumed, tmp_path, Puppet(answer))
    report = bench.run()
    failed = report.items["failed"]
    assert failed > 10
    assert report.calls == {"writer": MISSING - failed + 3 * failed}
    assert {row["tries"] for row in bench.rejects()} == {3}


def test_error_ahead_ends_the_run(resumed: Path, tmp_path: Path) -> None:
    """A model that cannot be used is found out ahead, and stops the stage as it does in order."""

    async def answer(call: Call) -> Completion:
        raise ModelNotServed("gone")

    bench = make_bench(resumed, tmp_path, Puppet(answer), concurrency=4)
    with pytest.raises(ModelNotServed, match="gone"):
        bench.run()
    assert len(bench.puppet.sent) <= 4 + 4


def test_interrupt_keeps_what_was_asked_ahead(resumed: Path, tmp_path: Path) -> None:
    """A run stopped while it asks ahead keeps those replies, and the next one asks for the rest only."""
    runtimes: list[Runtime] = []

    async def answer(call: Call) -> Completion:
        if len(bench.puppet.sent) == 50:
            runtimes[0].stop()
        return await answer_well(call)

    bench = make_bench(resumed, tmp_path, Puppet(answer))
    with pytest.raises(Interrupted):
        bench.run(begun=runtimes.append)
    first = len(bench.puppet.sent)
    assert 50 <= first < MISSING
    bench.puppet = Puppet(answer_well)
    assert bench.run().calls == {"writer": MISSING - first}
    assert snapshot(bench.target) == snapshot(resumed / "output")
