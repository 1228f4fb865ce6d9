"""What was paid for once is not paid for again, and what looks like two is not counted as two."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli import registry
from audiomcq_cli.contracts import Chat, Completion, Context, Flow, Need, Row, Silence
from audiomcq_cli.errors import CapabilityMissing, InputError, RecipeError
from tests.engine import Bench, Options, Puppet, make_stage, texts_of

CHAT = frozenset({"chat"})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench without an input."""
    return Bench(tmp_path)


def test_other_number_of_shards_asks_for_nothing_again(bench: Bench) -> None:
    """A trial run in one shard is not paid for again by the whole in several, and the keys in the rows are the same."""
    bench.write_input(texts_of(6))
    first = bench.run()
    before = {row["clip_id"]: row for row in bench.kept()}
    for path in bench.source.glob("*.parquet"):
        path.unlink()
    bench.write_input([*texts_of(6), "one more"], 3)
    second = bench.run()
    assert (first.calls, second.calls) == ({"writer": 6}, {"writer": 1})
    assert {row["clip_id"]: row for row in bench.kept() if row["clip_id"] in before} == before


def test_history_is_not_in_the_rows(bench: Bench) -> None:
    """A version built after another one in the same folders has the bytes of that version built alone."""
    bench.write_input(texts_of(6))
    bench.run(options=Options(flavour="!"))
    bench.run(options=Options(flavour="?"))
    after = bench.kept()
    fresh = Bench(bench.folder / "fresh")
    fresh.write_input(texts_of(6))
    fresh.run(options=Options(flavour="?"))
    assert fresh.kept() == after


def test_one_model_under_two_names_is_refused(bench: Bench) -> None:
    """Two judges that are one model with one sampling would be one reply counted as two votes."""
    bench.write_input(texts_of(1))
    bench.models["second"] = replace(bench.models["writer"], name="second")
    stage = make_stage(needs=lambda options: [Need(name, CHAT, distinct=True) for name in ("writer", "second")])
    with pytest.raises(RecipeError, match="'writer' and 'second' are one model"):
        bench.run(stage)
    bench.models["second"] = replace(bench.models["second"], sampling={"temperature": 0.3})
    assert bench.run(stage).items["kept"] == 1


def test_silence_longer_than_a_model_hears_is_refused(bench: Bench) -> None:
    """A model that hears 10 s is not sent 30 s to cut."""

    def flow(row: Row, ctx: Context[Any]) -> Flow:
        yield [Chat(model="writer", prompt="ask", variables={"text": ""}, audio=(Silence(30),))]
        return [row | {"question": "", "calls": []}]

    bench.write_input(texts_of(1))
    bench.models["writer"] = replace(bench.models["writer"], audio_window=10.0)
    with pytest.raises(CapabilityMissing, match="small sends 30 s of silence"):
        bench.run(make_stage(flow))


def test_folder_with_failed_items_is_not_read_without_a_word(bench: Bench) -> None:
    """A stage that lacks rows is not gone on from unless that is asked for."""

    async def fail(call: Any) -> Completion:
        return Completion(text="no JSON")

    bench.write_input(texts_of(2))
    bench.puppet = Puppet(fail)
    assert bench.run().items["failed"] == 2
    onward: dict[str, Any] = {"source": bench.target, "target": bench.folder / "next"}
    with pytest.raises(InputError, match="2 items of this stage failed"):
        bench.run(**onward)
    report = bench.run(**onward, keep_failed=True)
    assert report.items["in"] == 0


@pytest.mark.parametrize("name", registry.names("stages"))
def test_stages_can_be_sent_to_another_process(name: str) -> None:
    """Executors that use other processes hand them the stage itself."""
    stage = registry.stages()[name]
    assert pickle.loads(pickle.dumps(stage)) == stage


@pytest.mark.parametrize("name", registry.names("backends"))
def test_backends_can_be_sent_to_another_process(name: str) -> None:
    """Likewise the kinds of backends."""
    kind = registry.backend(name)
    assert pickle.loads(pickle.dumps(kind)) == kind
