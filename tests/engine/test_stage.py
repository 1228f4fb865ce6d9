"""A stage over a folder: only what has to be done is done, and the manifest says what was."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli import records
from audiomcq_cli.contracts import (
    Call,
    Chat,
    Completion,
    Context,
    Flow,
    Materials,
    Need,
    NoOptions,
    Prepare,
    Reject,
    Row,
    Source,
    SourceRow,
    Stage,
)
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.ledger.report import StageReport
from audiomcq_cli.engine.prepared import load_prepared
from audiomcq_cli.errors import CapabilityMissing, EndpointUnreachable, InputError, RecipeError, ReplayMiss
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.manifest import manifest_path, read_manifest
from audiomcq_cli.storage.shards import list_shards, read_rows
from tests.conftest import strike
from tests.engine import (
    PROMPT,
    READS,
    Bench,
    Options,
    Puppet,
    Watching,
    answer_well,
    good,
    http_model,
    make_stage,
    puppet_model,
    snapshot,
    texts_of,
    write_clips,
)
from tests.servers.process import RunningServer

SHARDS = 4


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with an input of several shards."""
    bench = Bench(tmp_path)
    bench.write_input(texts_of(24), SHARDS)
    return bench


# ------------------------------------------------------------------------------------------------ doing it again


def test_second_run_does_nothing(bench: Bench) -> None:
    """A run over a finished folder calls no model, redoes no shard and changes no byte."""
    first = bench.run()
    before = snapshot(bench.folder, leave_out=())
    bench.puppet.sent.clear()
    second = bench.run()
    assert (first.redone, second.redone, second.missing) == (SHARDS, 0, 0)
    assert not bench.puppet.sent and bench.puppet.checks == 1
    assert (second.items, second.rows) == (first.items, first.rows)
    assert snapshot(bench.folder, leave_out=()) == before


def change_prompt(bench: Bench) -> dict[str, Any]:
    bench.write_prompt("ask", PROMPT.replace("You are asked.", "You are asked again."))
    return {}


def change_model(**changes: Any) -> Callable[[Bench], dict[str, Any]]:
    def change(bench: Bench) -> dict[str, Any]:
        bench.models = {"writer": puppet_model(**changes)}
        return {}

    return change


def change_name(bench: Bench) -> dict[str, Any]:
    bench.models["another"] = puppet_model("another")
    return {"options": Options(model="another")}


@pytest.mark.parametrize(
    "change",
    [
        change_prompt,
        change_model(model="puppet-2"),
        change_model(revision="r2"),
        change_model(sampling={"temperature": 0.1}),
        change_model(structured="json_object"),
        change_name,
        lambda bench: {"options": Options(flavour=" and wind")},
        lambda bench: {"seed": 1},
        lambda bench: {"stage": make_stage(version=2)},
    ],
    ids=["prompt", "model", "revision", "sampling", "structured", "name", "option", "seed", "version"],
)
def test_what_could_change_rows_redoes_all_shards(bench: Bench, change: Callable[[Bench], dict[str, Any]]) -> None:
    """Another prompt, model, option, seed or version of the stage redoes every shard."""
    bench.run()
    assert bench.run(**change(bench)).redone == SHARDS


@pytest.mark.parametrize(
    "change",
    [
        change_model(concurrency=1, attempts=2, timeout=5.0, requests_per_minute=10_000),
        change_model(base_url=("http://elsewhere/v1",), api_key_env="KEY", audio_format="flac"),
    ],
)
def test_what_cannot_change_rows_redoes_none(bench: Bench, change: Callable[[Bench], dict[str, Any]]) -> None:
    """Limits and addresses of a model redo nothing."""
    bench.run()
    assert bench.run(**change(bench)).redone == 0


def test_prompt_that_the_stage_does_not_use_redoes_none(bench: Bench) -> None:
    """Only the prompts that the stage names with its options count."""
    bench.run()
    bench.write_prompt("plain", PROMPT)
    assert bench.run().redone == 0
    assert bench.run(options=Options(prompt="plain")).redone == SHARDS


def test_changed_input_shard_redoes_that_one(bench: Bench) -> None:
    """Rows that are added redo the shard that they are in, and only they are asked for."""
    bench.run()
    before = {shard.index: shard.path.read_bytes() for shard in list_shards(bench.target)}
    bench.puppet.sent.clear()
    bench.write_input([*texts_of(24), "one more"], SHARDS)
    report = bench.run()
    touched = records.shard_of("Small:one more", SHARDS)
    after = {shard.index: shard.path.read_bytes() for shard in list_shards(bench.target)}
    assert report.redone == 1 and len(bench.puppet.sent) == 1
    assert {index for index in before if before[index] != after[index]} == {touched}
    assert report.items["in"] == 25


def test_going_back_asks_nothing(bench: Bench) -> None:
    """Options that were there before are answered from the journal, with the same rows."""
    bench.run()
    before = bench.kept()
    bench.run(options=Options(flavour=" and wind"))
    bench.puppet.sent.clear()
    assert bench.run().redone == SHARDS
    assert bench.kept() == before and not bench.puppet.sent


def test_run_in_a_new_folder_is_answered_from_the_journal(bench: Bench, tmp_path: Path) -> None:
    """The rows can be made again from the journal alone, byte for byte."""
    bench.run()
    again = tmp_path / "elsewhere"
    report = bench.run(target=again, replay=True)
    assert report.redone == SHARDS and len(bench.puppet.sent) == 24
    for shard in list_shards(bench.target):
        assert (again / shard.path.name).read_bytes() == shard.path.read_bytes()


def test_replay_needs_no_model(bench: Bench, tmp_path: Path) -> None:
    """A replay goes without servers; one that lacks a reply says so and leaves no shard."""
    bench.models = {"writer": puppet_model()}
    bench.run()
    bench.puppet = Puppet(answer_well)
    bench.run(target=tmp_path / "again", replay=True)
    assert bench.puppet.checks == 0
    with pytest.raises(ReplayMiss):
        bench.run(target=tmp_path / "other", replay=True, options=Options(flavour="!"))
    assert not list((tmp_path / "other").glob("*.parquet"))


# ---------------------------------------------------------------------------------------------- a part of the shards


def test_parts_are_put_together(bench: Bench) -> None:
    """Runs that do a part of the shards each add up to what one run does; the last one writes the manifest."""
    first = bench.run(only=frozenset({0, 2}))
    assert (first.redone, first.missing) == (2, 2)
    assert read_manifest(bench.target) is None
    second = bench.run(only=frozenset({1, 3}))
    assert (second.redone, second.missing) == (2, 0)
    whole = Bench(bench.folder / "whole")
    whole.write_input(texts_of(24), SHARDS)
    whole.run()
    assert snapshot(bench.target) == snapshot(whole.target)


def test_part_of_an_older_version_is_missing(bench: Bench) -> None:
    """Shards of other options are not taken for finished when only a part is done again: there is no manifest."""
    bench.run()
    report = bench.run(only=frozenset({0}), options=Options(flavour="!"))
    assert (report.redone, report.missing) == (1, SHARDS - 1)
    assert read_manifest(bench.target) is None
    assert bench.run(options=Options(flavour="!")).redone == SHARDS - 1
    assert read_manifest(bench.target) is not None


def test_shards_of_another_count_are_removed(bench: Bench) -> None:
    """A version cut into another number of shards leaves none of the older ones, and pays for no reply again."""
    bench.run()
    bench.puppet.sent.clear()
    for shard in list_shards(bench.source):
        shard.path.unlink()
    bench.write_input(texts_of(24), 2)
    report = bench.run()
    assert (report.shards, report.redone) == (2, 2)
    assert not bench.puppet.sent
    assert sorted(path.name for path in bench.target.rglob("part-*.parquet")) == sorted(
        [f"part-{index:05d}-of-00002.parquet" for index in range(2)] * 2
    )


def read_many(path: Path, options: Any) -> Iterator[SourceRow]:
    """A source large enough that processes which read it at once meet."""
    for number in range(20_000):
        yield SourceRow(source_id=f"clip {number}", row=number + 1, captions=("a door",))


def keep(row: Row, ctx: Context[Any]) -> Flow:
    return [row]
    yield []


def run_part(folder: Path, only: frozenset[int] | None) -> int:
    """Do some shards of a stage that reads a source: what one machine of a job array does."""
    source = Source(help="rows", dataset="Small", read=read_many, options=NoOptions)
    spec = SourceSpec(adapter="rows", source=source, options=NoOptions(), path=Path("rows"), name="Small")
    stage = make_stage(keep, writes=READS, needs=None, prompts=None)
    return Bench(folder).run(stage, source=None, sources=(spec,), shards=6, only=only).redone


def test_processes_may_work_on_one_stage_at_once(tmp_path: Path) -> None:
    """Processes that begin at the same time, each with shards of its own, make together what one makes alone."""
    parts = [frozenset({number, number + 3}) for number in range(3)]
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(run_part, [tmp_path / "many"] * 3, parts)) == [2, 2, 2]
    run_part(tmp_path / "one", None)
    assert run_part(tmp_path / "many", None) == 0
    assert snapshot(tmp_path / "many" / "output") == snapshot(tmp_path / "one" / "output")
    assert len(list(read_rows(list_shards(tmp_path / "many" / "output")[0].path))) > 3_000


# ------------------------------------------------------------------------------------------------------- failures


def test_retry_asks_for_failed_rows_alone(tmp_path: Path, http: RunningServer) -> None:
    """A run after failed rows redoes just the shards that have some, and sends just those rows."""
    bench = Bench(tmp_path)
    bench.models = {"writer": http_model(http, tries=2)}
    bad = strike("prose", 2)  # both tries of the first run; the third request is answered well
    bench.write_input([*texts_of(20), bad], SHARDS)
    first = bench.run()
    assert first.items == {"in": 21, "kept": 20, "rejected": 0, "failed": 1}
    assert http.stats()["received"] == 22
    before = {shard.index: shard.path.read_bytes() for shard in list_shards(bench.target)}

    http_before = http.stats()["received"]
    second = bench.run()
    assert http.stats()["received"] - http_before == 1
    assert second.redone == 1
    assert second.items == {"in": 21, "kept": 21, "rejected": 0, "failed": 0}
    after = {shard.index: shard.path.read_bytes() for shard in list_shards(bench.target)}
    assert {index for index in before if before[index] != after[index]} == {records.shard_of(f"Small:{bad}", SHARDS)}
    assert not bench.rejects()


def test_row_that_never_succeeds_adds_up_its_tries(tmp_path: Path, http: RunningServer) -> None:
    """Every further run asks a row that failed afresh and counts its tries on."""
    bench = Bench(tmp_path)
    bench.models = {"writer": http_model(http, tries=2)}
    bench.write_input([strike("prose")])
    tries = []
    for _ in range(3):
        assert bench.run().items["failed"] == 1
        tries += [row["tries"] for row in bench.rejects()]
    assert tries == [2, 4, 6]


def test_keep_failed_leaves_them(tmp_path: Path) -> None:
    """With failed rows kept as they are, a second run does nothing, and one without that retries them."""

    async def answer(call: Call) -> Completion:
        return Completion(text="no" if "clip 3<" in call.messages[1].text else good(call))

    bench = Bench(tmp_path, puppet=Puppet(answer))
    bench.write_input(texts_of(6), 2)
    assert bench.run(keep_failed=True).items["failed"] == 1
    assert bench.run(keep_failed=True).redone == 0
    assert bench.run().redone == 1


def test_rejected_rows_are_not_retried(bench: Bench) -> None:
    """What a rule said no to is done."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return Reject("no")
        yield []

    stage = make_stage(flow)
    assert bench.run(stage).items["rejected"] == 24
    assert bench.run(stage).redone == 0


# -------------------------------------------------------------------------------------------------------- prepare


def make_prepared(counts: Counter[str], found: Callable[[pl.LazyFrame], list[str]]) -> Stage[Any]:
    """A stage whose prepared table is a list of texts, of which every row takes the first."""

    def build(materials: Materials, ctx: Context[Options]) -> pa.Table:
        counts["built"] += 1
        return pa.table({"text": found(materials.rows)})

    def load(table: pa.Table) -> list[str]:
        counts["loaded"] += 1
        texts: list[str] = table["text"].to_pylist()
        return texts

    def flow(row: Row, ctx: Context[Options]) -> Flow:
        counts["rows"] += 1
        return [row | {"question": ctx.prepared[0], "calls": []}]
        yield []

    return make_stage(flow, prepare=Prepare(build=build, load=load))


def shortest(rows: pl.LazyFrame) -> list[str]:
    return rows.select(pl.col("source_id").sort()).head(1).collect()["source_id"].to_list()


def test_prepared_table_is_built_once_over_all_rows(bench: Bench) -> None:
    """The table is made of the rows of all shards, once, and kept for the next run."""
    counts: Counter[str] = Counter()
    stage = make_prepared(counts, shortest)
    for _ in range(2):
        bench.run(stage)
    assert counts == {"built": 1, "loaded": 2, "rows": 24}
    assert {row["question"] for row in bench.kept()} == {"clip 0"}


def test_prepared_table_that_changes_redoes_all_shards(bench: Bench) -> None:
    """A row added to one shard that changes the table redoes every shard; one that does not redoes its own."""
    counts: Counter[str] = Counter()
    stage = make_prepared(counts, shortest)
    bench.run(stage)
    bench.write_input([*texts_of(24), "zebra"], SHARDS)
    assert bench.run(stage).redone == 1
    bench.write_input([*texts_of(24), "aardvark"], SHARDS)
    assert bench.run(stage).redone == SHARDS
    assert counts["built"] == 3


def test_prepared_table_is_built_again_for_other_options(bench: Bench) -> None:
    """Options, seed and version of the stage go into the table."""
    counts: Counter[str] = Counter()
    stage = make_prepared(counts, shortest)
    bench.run(stage)
    bench.run(stage, options=Options(flavour="!"))
    bench.run(stage, options=Options(flavour="!"), seed=1)
    assert counts["built"] == 3


def test_prepared_table_is_whole_or_not_there(bench: Bench) -> None:
    """A run that ends while the table is being made leaves nothing that a later run could stumble over."""

    def fail(rows: pl.LazyFrame) -> list[str]:
        raise InputError("nothing to go on")

    with pytest.raises(InputError):
        bench.run(make_prepared(Counter(), fail))
    assert not list((bench.target / HIDDEN).glob("*prepared*")) if bench.target.exists() else True
    bench.run(make_prepared(Counter(), shortest))
    assert [path.name for path in (bench.target / HIDDEN).glob("*prepared*")] == ["prepared.parquet"]


@pytest.mark.parametrize("damage", [b"", b"PAR1 and no more", None], ids=["empty", "noise", "other rows"])
def test_damaged_prepared_table_is_built_again(bench: Bench, damage: bytes | None) -> None:
    """A table that cannot be read, or does not hold what was put into it, is not trusted, and no shard is redone."""
    counts: Counter[str] = Counter()
    stage = make_prepared(counts, shortest)
    bench.run(stage)
    path = bench.target / HIDDEN / "prepared.parquet"
    if damage is None:
        noted = pq.read_schema(path).metadata
        pq.write_table(pa.table({"text": ["clip 9"]}).replace_schema_metadata(noted), path)
    else:
        path.write_bytes(damage)
    with pytest.raises(InputError, match=r"prepared\.parquet: the table of the stage is missing or damaged"):
        load_prepared(stage, bench.target)
    assert bench.run(stage).redone == 0
    assert counts["built"] == 2
    assert load_prepared(stage, bench.target) == ["clip 0"]


# ---------------------------------------------------------------------------------------------------- what is refused


def test_input_that_is_not_there(bench: Bench) -> None:
    """A folder that does not exist is named with what to do first."""
    with pytest.raises(InputError, match="nowhere") as caught:
        bench.run(source=bench.folder / "nowhere")
    assert caught.value.hint


def test_input_without_all_its_shards_is_refused(bench: Bench) -> None:
    """A folder of which a shard is missing is not worked on."""
    list_shards(bench.source)[1].path.unlink()
    with pytest.raises(InputError, match="1 of 4 shards are missing"):
        bench.run()


def test_input_of_an_unfinished_stage_is_refused(bench: Bench) -> None:
    """A stage folder without its manifest is not worked on, even if all shards are there."""
    bench.run()
    (bench.target / HIDDEN / "manifest.json").unlink()
    with pytest.raises(InputError, match="has not ended") as caught:
        bench.run(name="next", source=bench.target, target=bench.folder / "next")
    assert "run it again" in caught.value.hint


def test_input_with_failed_items_is_refused(bench: Bench) -> None:
    """A stage folder with failed items is not worked on unless they are to be left behind."""

    async def answer(call: Call) -> Completion:
        return Completion(text="no" if "clip 3<" in call.messages[1].text else good(call))

    bench.puppet = Puppet(answer)
    bench.run()
    further: dict[str, Any] = {"name": "next", "source": bench.target, "target": bench.folder / "next"}
    with pytest.raises(InputError, match="1 items of this stage failed") as caught:
        bench.run(**further)
    assert "--keep-failed" in caught.value.hint
    assert bench.run(**further, keep_failed=True).items["in"] == 23


def test_damaged_shard_is_done_again(bench: Bench) -> None:
    """A shard whose bytes are not those of the manifest is made again, from the journal."""
    bench.run()
    whole = snapshot(bench.target)
    path = list_shards(bench.target)[1].path
    path.write_bytes(path.read_bytes().replace(b"clip", b"clap", 1))
    bench.puppet.sent.clear()
    assert bench.run().why == {"damaged": 1}
    assert snapshot(bench.target) == whole and not bench.puppet.sent


def flip_bit(path: Path, near: bytes) -> None:
    """Flip a bit in the first place where these bytes stand."""
    data = bytearray(path.read_bytes())
    data[data.index(near)] ^= 1
    path.write_bytes(data)


def test_damaged_shard_of_an_unfinished_stage_is_done_again(bench: Bench) -> None:
    """What was damaged before there is a manifest is noticed as well, in the rows as in the rejects."""
    stage = make_stage(lambda row, ctx: reject_some(row))
    bench.run(stage)
    whole = snapshot(bench.target)
    bench.run(stage, only=frozenset({0}), seed=1)  # the manifest goes
    shards = list_shards(bench.target)
    flip_bit(shards[1].path, b"clip")
    flip_bit(shards[2].rejects, b"odd")
    shards[3].digest.unlink()
    assert bench.run(stage).why == {"changed": 1, "damaged": 3}
    assert snapshot(bench.target) == whole


def reject_some(row: Row) -> Flow:
    if int(row["source_id"].split()[-1]) % 2:
        return Reject("odd")
    return [row | {"question": "?", "calls": []}]
    yield []


def test_what_is_done_again_is_said(bench: Bench) -> None:
    """The report counts shards by why they were worked on, and people are told, where not all are new."""
    watching = Watching()
    assert asyncio.run(bench.run_in_loop(progress=watching)).why == {"missing": SHARDS}
    assert watching.said == []
    list_shards(bench.target)[0].path.unlink()
    assert asyncio.run(bench.run_in_loop(progress=watching)).why == {"missing": 1}
    asyncio.run(bench.run_in_loop(progress=watching, seed=1))
    assert watching.said == [
        "small: 1 of 4 shards to do: 1 not there yet",
        "small: 4 of 4 shards to do again: seed 0 → 1",
    ]


def test_damaged_manifest_is_written_anew(bench: Bench) -> None:
    """The manifest of the folder that is written follows from its shards: nothing is done again for it."""
    bench.run()
    whole = snapshot(bench.target)
    manifest_path(bench.target).write_text('{"format": 9')
    assert bench.run().redone == 0
    assert snapshot(bench.target) == whole


def test_damaged_input_is_refused(bench: Bench, tmp_path: Path) -> None:
    """An input shard that is not the one that the manifest beside it names is no input, and is named."""
    bench.run()
    path = list_shards(bench.target)[2].path
    flip_bit(path, b"clip")
    with pytest.raises(
        InputError, match=r"part-00002-of-00004\.parquet: its SHA-256 differs from the one in"
    ) as caught:
        bench.run(source=bench.target, target=tmp_path / "next")
    assert "run the stage that writes this folder again" in caught.value.hint


def test_missing_capability_stops_before_the_first_call(bench: Bench) -> None:
    """A model that cannot do what the stage needs is named with the stage, and nothing is asked."""
    bench.can = {"audio": False}
    stage = make_stage(needs=lambda options: [Need("writer", frozenset({"chat", "audio"}))])
    with pytest.raises(CapabilityMissing, match="stage small needs audio of model 'writer'") as caught:
        bench.run(stage)
    assert "audio = true" in caught.value.hint
    assert not bench.puppet.sent and bench.puppet.checks == 0


def test_judges_that_are_one_model_are_refused(bench: Bench) -> None:
    """Two names of one model with the same sampling are not two opinions; with another sampling they are."""
    needs = [Need(name, frozenset({"chat"}), distinct=True) for name in ("writer", "other")]
    stage = make_stage(needs=lambda options: needs)
    bench.models["other"] = puppet_model("other")
    with pytest.raises(RecipeError, match="other"):
        bench.run(stage)
    assert not bench.puppet.sent
    bench.models["other"] = puppet_model("other", sampling={"temperature": 1})
    assert bench.run(stage).items["kept"] == 24


def test_two_ways_of_asking_one_model_are_two_opinions(bench: Bench) -> None:
    """One model that is asked in two ways counts as two, and asked twice in the same way as one."""
    ways = ["", "likelihood", "letter"]
    stage = make_stage(needs=lambda options: [Need("writer", frozenset({"chat"}), distinct=True, way=w) for w in ways])
    assert bench.run(stage).items["kept"] == 24
    ways.append("letter")
    with pytest.raises(RecipeError, match="are one model"):
        bench.run(stage, target=bench.folder / "again")


def test_unknown_model_is_named(bench: Bench) -> None:
    """An option that names a model which the recipe lacks says which it has."""
    with pytest.raises(RecipeError, match=r"no model 'editor' in the recipe \(it has writer\)") as caught:
        bench.run(options=Options(model="editor"))
    assert "[models.editor]" in caught.value.hint


def test_server_that_is_not_there_stops_before_the_first_call(bench: Bench, http: RunningServer) -> None:
    """Every model is looked for before a shard is begun, and finished shards stay."""
    bench.run(only=frozenset({0}))
    bench.models = {"writer": http_model(http, base_url=("http://127.0.0.1:9/v1",), model="puppet-1", revision="r1")}
    with pytest.raises(EndpointUnreachable):
        bench.run()
    assert [shard.index for shard in list_shards(bench.target)] == [0]


# ------------------------------------------------------------------------------------------------------- manifest


def test_manifest_says_what_was_done(bench: Bench) -> None:
    """The manifest lists the shards with their hashes and counts, and the stage with options, models and prompts."""
    report = bench.run()
    manifest = read_manifest(bench.target)
    assert manifest is not None
    assert [entry["file"] for entry in manifest["shards"]] == [one.path.name for one in list_shards(bench.target)]
    assert sum(entry["items"]["in"] for entry in manifest["shards"]) == 24
    assert manifest["totals"] == {"rows": 24, "items": report.items, "reasons": report.reasons}
    [step] = manifest["lineage"]
    assert step["prompts"]["ask"]["text"] == PROMPT
    assert step["models"]["writer"]["revision"] == "r1"
    assert step["options"] == {"model": "writer", "prompt": "ask", "flavour": ""}
    assert manifest["input"] == "../input"


def test_lineage_grows_with_every_stage(bench: Bench) -> None:
    """The manifest of a later stage holds those before it."""
    bench.run()
    bench.run(name="next", source=bench.target, target=bench.folder / "next", seed=5)
    manifest = read_manifest(bench.folder / "next")
    assert manifest is not None
    assert [(step["stage"], step["seed"]) for step in manifest["lineage"]] == [("small", 0), ("next", 5)]


def test_failed_run_leaves_no_manifest(bench: Bench) -> None:
    """While shards are redone the folder does not count as finished."""
    bench.run()

    async def fail(call: Call) -> Completion:
        raise RuntimeError("a fault")

    bench.puppet = Puppet(fail)
    with pytest.raises(RuntimeError):
        bench.run(options=Options(flavour="!"))
    assert read_manifest(bench.target) is None


def test_run_log_has_a_line_for_every_run_that_worked(bench: Bench) -> None:
    """Calls and tokens go to the run log, one line a run, and a run that did nothing leaves none."""
    for seed in (0, 0, 1):
        bench.run(seed=seed)
    lines = (bench.target / HIDDEN / "run.jsonl").read_text().splitlines()
    first, second = map(json.loads, lines)
    assert (first["calls"], first["prompt_tokens"], first["completion_tokens"]) == (
        {"writer": 24},
        {"writer": 240},
        {"writer": 120},
    )
    assert second["calls"] == {}


def test_key_is_nowhere(tmp_path: Path, http: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of a model is in no file that a run with failures leaves."""
    monkeypatch.setenv("MY_KEY", "sk-secret-0123456789")
    bench = Bench(tmp_path)
    bench.models = {"writer": http_model(http, api_key_env="MY_KEY", attempts=1, tries=2)}
    faults = ["status:400", "status:503", "prose", "not_json", "refusal"]
    bench.write_input([*texts_of(3), *map(strike, faults)])
    report: StageReport = bench.run()
    assert report.items == {"in": 8, "kept": 3, "rejected": 0, "failed": 5}
    assert len(list(read_journal(bench.folder / "work"))) == 3 + 3 + 2 * 2
    for text in [*snapshot(bench.folder, leave_out=()).values(), *read_journal(bench.folder / "work")]:
        assert b"sk-secret" not in text
    assert "sk-secret" not in json.dumps(bench.kept()) + json.dumps(bench.rejects())


def read_journal(folder: Path) -> Iterator[bytes]:
    """Every reply in the journals below a folder."""
    for path in sorted(folder.rglob("*.sqlite")):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            for [body] in connection.execute("SELECT body FROM replies"):
                yield zlib.decompress(body)


def test_two_models_of_one_stage_are_told_apart(bench: Bench) -> None:
    """Calls are counted by the model that they went to."""
    bench.models["grader"] = puppet_model("grader", model="puppet-2")

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        variables = {"text": row["source_id"]}
        replies = yield [Chat(model=name, prompt="ask", variables=variables) for name in ("writer", "grader")]
        return [row | {"question": "q", "calls": [reply.call for reply in replies]}]

    report = bench.run(make_stage(flow))
    assert report.calls == {"writer": 24, "grader": 24}
    assert all(len({call["key"] for call in row["calls"]}) == 2 for row in bench.kept())


def test_same_text_in_two_shards_is_known_in_each(tmp_path: Path) -> None:
    """A stage folder stands on its own journals: each shard's holds every reply behind its rows."""
    bench = Bench(tmp_path)

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        [reply] = yield [Chat(model="writer", prompt="ask", variables={"text": "the same"})]
        return [row | {"question": "q", "calls": [reply.call]}]

    write_clips(bench.source, texts_of(12), 3)
    bench.run(make_stage(flow))
    assert len({row["calls"][0]["key"] for row in bench.kept()}) == 1
    assert len(list(read_journal(bench.folder / "work"))) == 3
    assert sum(1 for shard in list_shards(bench.target) for _ in read_rows(shard.path)) == 12
