"""Tests of ``engine/due``: what changed, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.engine.due.foresee import Foresight, foresee
from audiomcq_cli.engine.ledger.run_log import log_path
from audiomcq_cli.engine.views.status import read_status
from audiomcq_cli.storage.shards import list_shards
from tests.engine import PROMPT, WRITES, Bench, Options, Watching, make_stage, puppet_model, snapshot, texts_of

SHARDS = 4


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with an input of several shards, and an output made of it."""
    bench = Bench(tmp_path)
    bench.write_input(texts_of(24), SHARDS)
    bench.run()
    return bench


def prompt(old: str, new: str) -> Callable[[Bench], dict[str, Any]]:
    def change(bench: Bench) -> dict[str, Any]:
        bench.write_prompt("ask", PROMPT.replace(old, new))
        return {}

    return change


def model(**changes: Any) -> Callable[[Bench], dict[str, Any]]:
    def change(bench: Bench) -> dict[str, Any]:
        bench.models = {"writer": puppet_model(**changes)}
        return {}

    return change


CHANGES = [
    (prompt("asked", "told"), "prompt ask changed"),
    (prompt('version = "1"', 'version = "2"'), "prompt ask changed (version 1 → 2)"),
    (model(model="puppet-2"), "model writer: puppet-1 → puppet-2"),
    (model(revision="r2"), "model writer: revision r1 → r2"),
    (model(sampling={"temperature": 0.7}), "model writer: sampling temperature none → 0.7"),
    (model(tries=7), "model writer: tries 3 → 7"),
    (lambda bench: {"options": Options(flavour="!")}, "option flavour none → !"),
    (lambda bench: {"options": Options(flavour="!" * 99)}, "option flavour changed"),
    (lambda bench: {"seed": 1}, "seed 0 → 1"),
    (lambda bench: {"stage": make_stage(version=2)}, "stage small is of another version: 1 → 2"),
    (lambda bench: {"seed": 2, "options": Options(flavour="!")}, "seed 0 → 2, option flavour none → !"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES, ids=[told for _, told in CHANGES])
def test_what_changed_is_said(change: Callable[[Bench], dict[str, Any]], told: str, bench: Bench) -> None:
    """What differs from the run that made the shards is named with both its values, and counted in the report."""
    watching = Watching()
    report = asyncio.run(bench.run_in_loop(progress=watching, **change(bench)))
    assert watching.said == [f"small: 4 of 4 shards to do again: {told}"]
    assert report.causes == dict.fromkeys(told.split(", "), SHARDS)


def test_each_shard_is_compared_with_what_it_was_made_of(bench: Bench) -> None:
    """After a run of some shards alone, each is compared with the run that made it."""
    bench.run(seed=1, only=frozenset({0}))
    watching = Watching()
    asyncio.run(bench.run_in_loop(progress=watching, options=Options(flavour="!")))
    told = "3 again: option flavour none → !; 1 again: seed 1 → 0, option flavour none → !"
    assert watching.said == [f"small: 4 of 4 shards to do: {told}"]


def test_input_that_changed(bench: Bench) -> None:
    """Shards whose input is another one say so; the others are not made again."""
    bench.write_input([*texts_of(24), "one more"], SHARDS)
    watching = Watching()
    asyncio.run(bench.run_in_loop(progress=watching))
    assert watching.said == ["small: 1 of 4 shards to do again: its input changed"]


def test_without_a_run_log(bench: Bench) -> None:
    """Where no run log says what shards are made of, it is said that something changed."""
    log_path(bench.target).unlink()
    watching = Watching()
    asyncio.run(bench.run_in_loop(progress=watching, seed=1))
    told = "made of another input, or with other options, prompts or models"
    assert watching.said == [f"small: 4 of 4 shards to do again: {told}"]


# -------------------------------------------------------------------------------------------------- two stages

SECOND = {"name": "second", "stage": make_stage(reads=WRITES, writes=WRITES, prompts=lambda options: ("ask",))}


def second(bench: Bench, **changes: Any) -> dict[str, Any]:
    return {**SECOND, "source": bench.target, "target": bench.folder / "second", **changes}


def look_ahead(bench: Bench, **changes: Any) -> list[Foresight]:
    """What a run of both stages would do, the first one with changes."""
    jobs = [bench.job(**changes), bench.job(**second(bench))]
    return foresee(jobs, bench.runtime(), [one.path for one in list_shards(bench.source)], {})


def test_dry_run_tells_what_is_made_again(bench: Bench) -> None:
    """Before a run it is known what changed of a stage, that the next may follow, and nothing is written for it."""
    bench.run(**second(bench))
    before = snapshot(bench.folder, leave_out=())
    assert [one.told for one in look_ahead(bench)] == ["small: no shard to do", "second: no shard to do"]
    assert [one.told for one in look_ahead(bench, seed=1)] == [
        "small: 4 of 4 shards to do again: seed 0 → 1",
        "second: 4 of 4 shards to do again: its input changes: small is done again",
    ]
    assert snapshot(bench.folder, leave_out=()) == before
    bench.write_prompt("ask", PROMPT.replace("asked", "told"))
    assert look_ahead(bench)[1].causes == {
        "prompt ask changed": SHARDS,
        "its input changes: small is done again": SHARDS,
    }


def test_dry_run_of_a_lost_shard(bench: Bench) -> None:
    """A shard that is lost may come back as it was, so what is made of it is made again only if it does not."""
    bench.run(**second(bench))
    list_shards(bench.target)[0].path.unlink()
    assert [one.told for one in look_ahead(bench)] == [
        "small: 1 of 4 shards to do: 1 not there yet",
        "second: 1 of 4 shards to do, if what small writes changes",
    ]


def test_dry_run_of_what_is_not_there(bench: Bench) -> None:
    """A stage that has no shards yet makes all of them, whatever its input comes to."""
    assert [one.told for one in look_ahead(bench, seed=1)][1] == "second: 4 shards to do"


def test_stage_is_stale_when_its_input_was_made_again(bench: Bench) -> None:
    """A stage whose input came out other than it was is stale until it is run again, and so are those after it."""
    third = {**second(bench), "name": "third", "source": bench.folder / "second", "target": bench.folder / "third"}
    for job in ({}, second(bench), third):
        bench.run(**job)
    order = ("small", "second", "third")
    assert [one.state for one in read_status(bench.folder, order)] == ["done"] * 3
    bench.run(options=Options(flavour="!"))
    found = read_status(bench.folder, order)
    assert [one.state for one in found] == ["done", "stale", "stale"]
    assert found[1].stale == "small was done again: 4 of 4 shards that it reads changed"
    assert (found[1].shards_done, found[1].rows_left) == (0, 24)
    assert found[2].stale == "second, which it reads, is stale"
    for job in (second(bench), third):
        bench.run(**job)
    assert [one.state for one in read_status(bench.folder, order)] == ["done"] * 3


def test_stage_after_one_that_is_not_done_is_stale(bench: Bench) -> None:
    """A stage whose input is half made is stale, and no more when that has come out as it was."""
    bench.run(**second(bench))
    bench.run(seed=1, only=frozenset({0}))
    assert [one.state for one in read_status(bench.folder, ("small", "second"))] == ["stopped", "stale"]
    bench.run()
    assert [one.state for one in read_status(bench.folder, ("small", "second"))] == ["done", "done"]
