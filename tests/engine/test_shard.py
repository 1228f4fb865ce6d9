"""One shard: whatever order the replies take, the same rows in the same order, and every item once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli import records
from audiomcq_cli.contracts import (
    Call,
    Chat,
    Completion,
    Context,
    Divided,
    Failure,
    Flow,
    NoOptions,
    Origin,
    Outcome,
    Reject,
    Reply,
    Row,
)
from audiomcq_cli.engine.executors import local as executors
from audiomcq_cli.engine.ledger.output import read_pair
from audiomcq_cli.errors import InputError, ModelError, StorageError
from audiomcq_cli.storage.files import HIDDEN, hash_file
from audiomcq_cli.storage.shards import list_shards, read_note, write_digest
from tests.conftest import strike
from tests.engine import (
    READS,
    Bench,
    Puppet,
    Watching,
    answer_well,
    find_temporary,
    good,
    http_model,
    make_stage,
    puppet_model,
    snapshot,
    texts_of,
    write_clips,
)
from tests.servers.process import RunningServer


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def dawdle() -> Puppet:
    """A model whose answers take different times in every run, and some of which are of no use."""

    async def answer(call: Call) -> Completion:
        await asyncio.sleep(random.random() * 0.01)
        if hashlib.sha256(call.messages[-1].text.encode()).digest()[0] < 50:
            return Completion(text="no")
        return Completion(text=good(call))

    return Puppet(answer)


# --------------------------------------------------------------------------------------------- order and bytes


def test_rows_come_out_in_the_order_they_went_in(bench: Bench) -> None:
    """Replies that come in any order do not change the order of the rows."""
    texts = texts_of(60)
    bench.write_input(texts)
    bench.puppet = dawdle()
    bench.run()
    kept = [row["source_id"] for row in bench.kept()]
    failed = [row["id"].removeprefix("Small:") for row in bench.rejects()]
    assert kept == [text for text in texts if text in kept]
    assert failed == [text for text in texts if text in failed]
    assert sorted(kept + failed) == sorted(texts)


def test_bytes_do_not_depend_on_concurrency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call at a time in one shard after another gives the same files as 32 at once in three shards."""
    found = []
    for concurrency, open_shards in ((1, 1), (32, 3), (32, 1), (1, 3)):
        bench = Bench(tmp_path / f"{concurrency}-{open_shards}")
        monkeypatch.setattr(executors, "OPEN_SHARDS", open_shards)
        bench.models = {"writer": puppet_model(concurrency=concurrency)}
        bench.puppet = dawdle()
        bench.write_input(texts_of(40), shards=4)
        bench.run()
        found.append(snapshot(bench.target))
    assert len(found[0]) == 3 * 4 + 1
    assert found[1:] == found[:1] * 3


def test_bytes_do_not_depend_on_the_server(tmp_path: Path, http: RunningServer) -> None:
    """Over HTTP, with faults that pass, the files are the same as without any."""
    found = []
    for name, fault in (("faults", "status:429:retry-after=0"), ("none", "")):
        bench = Bench(tmp_path / name)
        bench.models = {"writer": http_model(http)}
        bench.write_input([f"clip {number} {strike(fault, 1) if fault else ''}".strip() for number in range(12)])

        def flow(row: Row, ctx: Context[Any]) -> Flow:
            [reply] = yield [Chat(model="writer", prompt="ask", variables={"text": row["source_id"]})]
            return [{"source_id": row["source_id"].split(" [")[0], "flags": [str(reply.tries), reply.error]}]

        bench.run(make_stage(flow, writes=("source_id", "flags")))
        found.append(bench.kept())
    assert found[0] == found[1]
    assert http.stats()["faults"] == {"status:429:retry-after=0": 12}


# --------------------------------------------------------------------------------------------------- accounting

OUTCOMES = st.sampled_from(["kept", "kept_twice", "rejected", "failed", "not_json"])


def item_ids(row: Row, options: Any) -> list[str]:
    """Ids of the items of a row; its text says what becomes of each, as ``7:kept,failed``."""
    return [f"{row['clip_id']}:{slot}" for slot, _ in enumerate(row["source_id"].partition(":")[2].split(","))]


def decide(row: Row, ctx: Context[Any]) -> Flow:
    """Do to each item what the row's text says, after asking once about each."""
    wanted = row["source_id"].partition(":")[2].split(",")
    if "not_json" in wanted:  # a failure that takes the whole row with it
        yield [Chat(model="writer", prompt="ask", variables={"text": "not_json"})]
    replies = yield [Chat(model="writer", prompt="ask", variables={"text": word}, optional=True) for word in wanted]
    made: dict[str, Outcome] = {
        "kept": [row],
        "kept_twice": [row, row],
        "kept_none": [],
        "rejected": Reject("no", "a reason"),
    }
    failure = Failure(Reply(stage="small", key="", origin=Origin("m"), error="wanted", text="raw", tries=2))
    outcomes = [failure if word == "failed" else made[word] for word in wanted]
    assert len(replies) == len(wanted)
    return dict(zip(item_ids(row, None), outcomes, strict=True))


@settings(max_examples=12)
@given(rows=st.lists(st.lists(OUTCOMES, min_size=1, max_size=4), min_size=1, max_size=12), shards=st.integers(1, 3))
def test_every_item_is_accounted_for_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], shards: int
) -> None:
    """Items in are items kept, rejected and failed, each id once, whatever becomes of them."""
    bench = Bench(tmp_path_factory.mktemp("items"))

    async def answer(call: Call) -> Completion:
        return Completion(text="no" if "not_json" in call.messages[1].text else good(call))

    bench.puppet = Puppet(answer)
    bench.write_input([f"{number}:{','.join(row)}" for number, row in enumerate(rows)], shards)
    watching = Watching()
    stage = make_stage(decide, items=item_ids, writes=READS)
    report = asyncio.run(bench.run_in_loop(stage, progress=watching, keep_failed=True))

    expected: Counter[str] = Counter()
    kept_rows = 0
    for row in rows:
        if "not_json" in row:
            expected["failed"] += len(row)
            continue
        for word in row:
            expected["failed" if word == "failed" else "rejected" if word == "rejected" else "kept"] += 1
            kept_rows += {"kept": 1, "kept_twice": 2}.get(word, 0)
    items = sum(len(row) for row in rows)
    assert report.items == {"in": items, **{name: expected[name] for name in ("kept", "rejected", "failed")}}
    assert report.rows == len(bench.kept()) == kept_rows
    assert watching.counts == +expected
    rejects = bench.rejects()
    assert len({row["id"] for row in rejects}) == len(rejects) == expected["rejected"] + expected["failed"]
    assert Counter(row["outcome"] for row in rejects) == +Counter({n: expected[n] for n in ("rejected", "failed")})
    assert sum(sum(codes.values()) for codes in report.reasons.values()) == len(rejects)


def test_rejected_row_says_why(bench: Bench) -> None:
    """A rejected item has its reason, detail, the last raw reply and the calls behind it."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [Chat(model="writer", prompt="ask", variables={"text": row["source_id"]})]
        return Reject("too_dull", "nobody would ask that")

    bench.write_input(["rain"])
    report = bench.run(make_stage(flow))
    [row] = bench.rejects()
    assert list(row) == list(records.REJECT)
    assert row["calls"][0]["prompt"] == "ask" and len(row["calls"][0]["key"]) == 64
    assert json.loads(row["raw_reply"])["question"]
    del row["calls"], row["raw_reply"]
    assert row == {
        "id": "Small:rain",
        "stage": "small",
        "outcome": "rejected",
        "reason": "too_dull",
        "detail": "nobody would ask that",
        "tries": 1,
    }
    assert report.reasons == {"rejected": {"too_dull": 1}, "failed": {}}


def test_reject_may_name_the_reply_that_counts(bench: Bench) -> None:
    """A flow that knows which reply was the reason has that one kept; without any reply there is none."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        if row["source_id"] == "unasked":
            return Reject("no")
        yield [Chat(model="writer", prompt="ask", variables={"text": text}) for text in "ab"]
        return Reject("no", raw_reply="this one")

    bench.write_input(["asked", "unasked"])
    bench.run(make_stage(flow))
    assert [(row["raw_reply"], row["tries"], len(row["calls"])) for row in bench.rejects()] == [
        ("this one", 1, 2),
        (None, 0, 0),
    ]


def test_failed_row_says_why(bench: Bench, http: RunningServer) -> None:
    """A failed item has the code and the detail of its failure, the last raw reply, all tries, and the calls."""
    bench.models = {"writer": http_model(http, tries=2)}
    bench.write_input([strike("prose"), strike("status:400"), "rain"])
    report = bench.run()
    prose, refused = bench.rejects()
    assert (prose["outcome"], prose["reason"], prose["tries"]) == ("failed", "not_json", 2)
    assert prose["raw_reply"].startswith("Sure!") and len(prose["calls"]) == 1
    assert (refused["reason"], refused["raw_reply"], refused["tries"]) == ("status_400", None, 1)
    assert "on purpose" in refused["detail"]
    assert report.reasons["failed"] == {"not_json": 1, "status_400": 1}
    assert report.items == {"in": 3, "kept": 1, "rejected": 0, "failed": 2}


# ------------------------------------------------------------------------------------------------ what is refused


def test_stage_that_loses_an_item_is_refused(bench: Bench) -> None:
    """A flow that does not account for an item of a row writes nothing."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return {row["clip_id"] + ":0": [row]}
        yield []

    bench.write_input(["rain"])
    with pytest.raises(StorageError, match="does not account"):
        bench.run(make_stage(flow, items=item_ids_of_two))
    assert not list(bench.target.glob("*.parquet")) and not list(find_temporary(bench.folder))


def item_ids_of_two(row: Row, options: Any) -> list[str]:
    return [f"{row['clip_id']}:{slot}" for slot in range(2)]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"question": None}, "'question' has no value"),
        ({"question": 5}, "do not fit"),
        ({"question": "\ud800"}, "do not fit"),
        ({"calls": [7]}, "do not fit"),
        ({"sample_rate": 10**30}, "do not fit"),
        ({"sample_rate": 2**40}, "do not fit"),
    ],
)
def test_row_that_does_not_fit_its_columns_is_refused(bench: Bench, spoil: Row, message: str) -> None:
    """A value missing or of another type stops the shard, names the row and leaves nothing."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return [row | {"question": "q", "calls": [], "sample_rate": 1} | spoil]
        yield []

    bench.write_input(["rain"])
    with pytest.raises(StorageError, match=message) as caught:
        bench.run(make_stage(flow, writes=("clip_id", "question", "calls", "sample_rate")))
    assert "Small:rain" in str(caught.value)
    assert not list(bench.target.glob("*.parquet")) and not list(find_temporary(bench.folder))


def test_row_without_a_column_is_refused(bench: Bench) -> None:
    """A column that a stage declared and did not make is named."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        return [row]
        yield []

    bench.write_input(["rain"])
    with pytest.raises(StorageError, match="'question' is missing"):
        bench.run(make_stage(flow))


@pytest.mark.parametrize("kind", ["flow", "divide"])
def test_id_that_is_there_twice_is_refused(bench: Bench, kind: str) -> None:
    """A duplicate id in the input is named with its file, its column and itself."""
    bench.write_input(["rain", "wind", "rain"])
    stage = make_stage() if kind == "flow" else divider(lambda rows: Divided(kept=rows, rejected=none_rejected()))
    with pytest.raises(InputError, match="'Small:rain' is there twice") as caught:
        bench.run(stage)
    assert "part-00000-of-00001.parquet" in str(caught.value) and "'clip_id'" in str(caught.value)
    assert not list(bench.target.glob("*.parquet")) and not list(find_temporary(bench.folder))


@pytest.mark.parametrize("kind", ["flow", "divide"])
def test_missing_column_of_the_input_is_named(bench: Bench, kind: str) -> None:
    """An input without a column that the stage reads is named with its file and the column."""
    bench.write_input(["rain"])
    reads = (*READS, "license")
    stage = make_stage(reads=reads)
    if kind == "divide":
        stage = divider(lambda rows: Divided(kept=rows, rejected=none_rejected()), reads=reads)
    with pytest.raises(InputError, match="license") as caught:
        bench.run(stage)
    assert "part-00000-of-00001.parquet" in str(caught.value)


@pytest.mark.parametrize("times", [1, 3])
def test_error_in_the_middle_leaves_nothing(bench: Bench, http: RunningServer, times: int) -> None:
    """When a model cannot be used any more its error comes out itself, and no half file is left."""
    bench.models = {"writer": http_model(http)}
    bench.write_input([*texts_of(5), strike("status:402"), *(f"{text}!" for text in texts_of(5))])

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [
            Chat(model="writer", prompt="ask", variables={"text": row["source_id"] + " " * number})
            for number in range(times)
        ]
        return [row]

    with pytest.raises(ModelError, match="402"):
        bench.run(make_stage(flow, writes=READS))
    assert not list(bench.target.glob("*.parquet")) and not list(find_temporary(bench.folder))


# -------------------------------------------------------------------------------------------------- half a shard


def test_pair_of_two_runs_is_not_done(bench: Bench) -> None:
    """Kept rows of one run beside rejects of another, as a kill between the two leaves them, are done again."""

    async def refuse(call: Call) -> Completion:
        return Completion(text="no")

    bench.write_input(texts_of(5))
    bench.puppet = Puppet(refuse)
    bench.run()
    [shard] = list_shards(bench.target)
    kept_old = shard.path.read_bytes()
    bench.run()  # all failed once more
    shard.path.write_bytes(kept_old)
    assert read_pair(shard) == {}
    assert bench.run(keep_failed=True).redone == 1


def test_half_a_pair_goes_on_as_it_was(bench: Bench) -> None:
    """A run killed between putting its two files in place is gone on with: nothing is asked once more."""

    async def refuse(call: Call) -> Completion:
        return Completion(text="no")

    bench.write_input(texts_of(5))
    bench.puppet = Puppet(refuse)
    bench.run()
    [shard] = list_shards(bench.target)
    kept_old = shard.path.read_bytes()
    bench.run()
    whole = snapshot(bench.target)
    shard.path.write_bytes(kept_old)
    bench.puppet.sent.clear()
    bench.run(keep_failed=True)
    assert not bench.puppet.sent
    assert snapshot(bench.target) == whole


def test_shard_without_its_rejects_is_not_done(bench: Bench) -> None:
    """Kept rows whose rejects are gone are done again, from the journal."""
    bench.write_input(texts_of(5))
    bench.run()
    [shard] = list_shards(bench.target)
    shard.rejects.unlink()
    bench.puppet.sent.clear()
    assert bench.run().redone == 1
    assert shard.rejects.is_file() and not bench.puppet.sent


def test_footer_holds_counts_and_fingerprint(bench: Bench) -> None:
    """The note of a shard says what it was made with and what became of every item."""
    bench.write_input(texts_of(3))
    bench.run()
    note = read_note(list_shards(bench.target)[0].path)
    assert note["items"] == {"in": 3, "kept": 3, "rejected": 0, "failed": 0}
    assert (note["stage"], note["rows"], len(note["fingerprint"])) == ("small", 3, 64)


# ------------------------------------------------------------------------------------------- stages that divide


def none_rejected() -> pl.DataFrame:
    return pl.DataFrame(schema={"id": pl.String, "reason": pl.String, "detail": pl.String})


def divider(divide: Any, **changes: Any) -> Any:
    """A stage that makes this of its table."""
    return make_stage(
        None,
        divide=lambda rows, ctx: divide(rows),
        options=NoOptions,
        needs=None,
        prompts=None,
        **{"writes": READS} | changes,
    )


def reject(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(id="clip_id", reason=pl.lit("odd"), detail=pl.lit("is odd"))


def test_table_is_divided(bench: Bench) -> None:
    """Rows of a table are kept in their order or rejected with their reason; no model is needed."""
    bench.write_input(texts_of(6))
    odd = pl.int_range(pl.len()) % 2 == 1
    report = bench.run(divider(lambda rows: Divided(kept=rows.filter(~odd), rejected=reject(rows.filter(odd)))))
    assert [row["source_id"] for row in bench.kept()] == ["clip 0", "clip 2", "clip 4"]
    assert [row["id"] for row in bench.rejects()] == ["Small:clip 1", "Small:clip 3", "Small:clip 5"]
    assert report.items == {"in": 6, "kept": 3, "rejected": 3, "failed": 0}
    assert report.reasons["rejected"] == {"odd": 3}


@pytest.mark.parametrize(
    "divide",
    [
        lambda rows: Divided(kept=rows.head(2), rejected=none_rejected()),
        lambda rows: Divided(kept=rows, rejected=reject(rows.head(1))),
        lambda rows: Divided(kept=rows.head(1), rejected=reject(pl.concat([rows[1:3], rows[1:2]]))),
        lambda rows: Divided(kept=rows.head(2), rejected=reject(rows.tail(1).with_columns(clip_id=pl.lit("new")))),
    ],
    ids=["lost", "both", "doubled", "invented"],
)
def test_table_that_does_not_add_up_is_refused(bench: Bench, divide: Any) -> None:
    """A stage that loses, doubles or invents an item of its table is refused and leaves nothing."""
    bench.write_input(texts_of(3))
    with pytest.raises(StorageError, match="does not account"):
        bench.run(divider(divide))
    assert not list(bench.target.glob("*.parquet")) and not list(find_temporary(bench.folder))


@pytest.mark.parametrize(
    "columns",
    [
        {"question": pl.lit(None, pl.String)},
        {"question": pl.lit(["a list"])},
        {},
    ],
    ids=["null", "type", "missing"],
)
def test_table_that_does_not_fit_is_refused(bench: Bench, columns: dict[str, pl.Expr]) -> None:
    """A table that lacks a column, a value or the right type is refused with the column's name."""
    bench.write_input(texts_of(3))
    stage = divider(
        lambda rows: Divided(kept=rows.with_columns(**columns), rejected=none_rejected()), writes=(*READS, "question")
    )
    with pytest.raises(StorageError, match=r"question|fit"):
        bench.run(stage)


# ---------------------------------------------------------------------------------------------------- large input


def test_more_rows_than_are_held_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first row that waits long holds the others back within bounds, and all come out in order."""
    from audiomcq_cli.engine import shard as shards

    monkeypatch.setattr(shards, "BUFFER", 4)
    bench = Bench(tmp_path)

    async def answer(call: Call) -> Completion:
        await asyncio.sleep(0.05 if "clip 0<" in call.messages[1].text else 0)
        return await answer_well(call)

    bench.puppet = Puppet(answer)
    bench.write_input(texts_of(50))
    bench.run()
    assert [row["source_id"] for row in bench.kept()] == texts_of(50)


def read_hidden(folder: Path) -> Iterator[str]:
    return (path.name for path in (folder / HIDDEN).iterdir())


def test_folder_shows_only_shards(bench: Bench) -> None:
    """What is not a kept row lies in the hidden folder."""
    write_clips(bench.source, texts_of(8), shards=2)
    bench.run()
    shown = sorted(path.name for path in bench.target.iterdir())
    assert shown == [HIDDEN, "part-00000-of-00002.parquet", "part-00001-of-00002.parquet"]
    assert sorted(read_hidden(bench.target)) == ["digests", "locks", "manifest.json", "rejects", "run.jsonl"]


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.pop("items"),
        lambda note: note.update(items=[1]),
        lambda note: note.update(reasons={"rejected": 5, "failed": {}}),
        lambda note: note.update(rows="three"),
        lambda note: note.update(rejects=[]),
        lambda note: note.update(deep=deepen(3_000)),
    ],
)
def test_footer_of_others_is_done_anew(bench: Bench, change: Callable[[dict[str, Any]], None]) -> None:
    """A shard whose note has the right fingerprint and another form is made again, from the journal."""
    import pyarrow.parquet as pq

    bench.write_input(texts_of(3))
    bench.run()
    [shard] = list_shards(bench.target)
    whole, note = snapshot(bench.target), read_note(shard.path)
    change(note)
    table = pq.read_table(shard.path)
    footer = json.dumps(note) if "deep" not in note else f'{{"deep": {note["deep"]}}}'
    pq.write_table(table.replace_schema_metadata({"audiomcq": footer}), shard.path)
    write_digest(shard, hash_file(shard.path))
    bench.puppet.sent.clear()
    assert bench.run().redone == 1
    assert not bench.puppet.sent
    assert snapshot(bench.target) == whole


def deepen(levels: int) -> str:
    """Lists within each other, as JSON."""
    return "[" * levels + "]" * levels
