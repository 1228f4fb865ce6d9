"""Tests of ``stages/generate.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from audiomcq_cli.contracts import Chat, Context, Failure, Materials, Need, Reject, Row
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.records import QUESTION, find_problem
from audiomcq_cli.stages.generate import ANGLES_OFFERED, SEEDS, STAGE, GenerateOptions, draw_angles, draw_type
from audiomcq_cli.storage.prompts import Prompts
from audiomcq_cli.wholeness import find_broken
from tests.cli import Ended, audiomcq, hash_tree, spawn, write_audiocaps
from tests.stages.dialogue import CLIP, Played, fail, play


def write(chat: Chat) -> Any:
    """A writer that numbers its questions."""
    if chat.prompt == "question":
        return {"question": f" Question {len(chat.variables['asked'])}? ", "question_type": "sound"}
    return {"answer": "A door\n", "distractors": ["A gate", "A window", "A chair"]}


def run(clip: dict[str, Any] = CLIP, seed: int = 0, writer: Any = write, **options: Any) -> Played:
    assert STAGE.flow is not None
    return play(STAGE.flow(clip, Context(GenerateOptions(**options), seed)), writer, "generate")


def test_question_then_choices() -> None:
    """A slot takes one request for the question and one for its choices, which sees the question."""
    played = run()
    assert played.prompts == ["question", "choices"]
    assert played.asked[1].variables["question"] == "Question 0?"


def test_row() -> None:
    """The row has every column of a question, carries those of the clip, and names its calls and their origin."""
    outcome = run(CLIP | {"calls": [{"stage": "caption", "prompt": "", "key": "c"}]}).outcome
    assert isinstance(outcome, dict)
    [row] = outcome["AudioCaps:7:llm:0"]
    assert sorted(row) == sorted(QUESTION)
    assert not find_problem(row, QUESTION)
    assert (row["question"], row["answer"], row["method"], row["flags"]) == (
        "Question 0?",
        "A door",
        "llm",
        ["no_audio"],
    )
    assert [call["key"] for call in row["calls"]] == ["c", "k0", "k1"]
    assert [entry["column"] for entry in row["provenance"]] == ["question", "question_type", "choices", "answer"]
    assert row["provenance"][2] == {
        "column": "choices", "model": "writer-8b", "revision": "r1", "prompt": "choices", "prompt_version": "1",
    }  # fmt: skip


def test_items_name_the_slots() -> None:
    """The work items of a clip are its slots, and the outcome has one entry for each."""
    assert STAGE.items is not None
    ids = STAGE.items(CLIP, GenerateOptions(questions_per_clip=3))
    assert ids == ["AudioCaps:7:llm:0", "AudioCaps:7:llm:1", "AudioCaps:7:llm:2"]
    outcome = run(questions_per_clip=3).outcome
    assert isinstance(outcome, dict)
    assert list(outcome) == ids


def test_flow_sees_what_it_asked() -> None:
    """Later slots are told the clip's earlier questions."""
    asked = [chat.variables["asked"] for chat in run(questions_per_clip=3).asked if chat.prompt == "question"]
    assert asked == [[], ["Question 0?"], ["Question 0?", "Question 1?"]]


def test_failed_slot_leaves_the_others() -> None:
    """A slot without a usable reply fails by itself; the others are kept."""

    def writer(chat: Chat) -> Any:
        return fail(chat) if chat.variables.get("question") == "Question 1?" else write(chat)

    outcome = run(writer=writer, questions_per_clip=3).outcome
    assert isinstance(outcome, dict)
    assert [type(one) for one in outcome.values()] == [list, Failure, list]


def test_failed_question_asks_no_choices() -> None:
    """Without a question there is nothing to ask choices for."""
    played = run(writer=fail)
    assert played.prompts == ["question"]
    assert all(chat.optional for chat in played.asked)


def test_no_caption() -> None:
    """A clip without any caption text is rejected in every slot, and nothing is asked."""
    played = run(CLIP | {"captions": [{"text": " ", "origin": "x"}]}, questions_per_clip=2)
    assert played.rounds == []
    assert isinstance(played.outcome, dict)
    assert [one.reason for one in played.outcome.values() if isinstance(one, Reject)] == ["no_caption"] * 2


def test_choices_follow_the_seed() -> None:
    """The same clip gets the same order of choices again, and another seed other orders."""

    def order(seed: int) -> list[list[str]]:
        outcome = run(seed=seed, questions_per_clip=8).outcome
        assert isinstance(outcome, dict)
        return [rows[0]["choices"] for rows in outcome.values()]

    assert order(0) == order(0) != order(1)


def test_no_target_by_default() -> None:
    """Without a mix the writer is free in the type, and the row has no difficulty."""
    assert run().asked[0].variables["question_type"] == ""


def test_type_mix() -> None:
    """Targets come in the shares asked for, whatever their scale, and a type without a share never."""
    counts = Counter(draw_type(f"c:{n}:llm:0", {"speech": 3, "sound": 1, "music": 0}, 0) for n in range(4000))
    assert set(counts) == {"speech", "sound"}
    assert counts["speech"] == pytest.approx(3000, abs=100)


def test_targets_reach_the_writer() -> None:
    """Target type and difficulty are variables, and the difficulty is kept in the row."""
    played = run(types={"music": 1.0}, difficulty="hard")
    assert played.asked[0].variables["question_type"] == "music"
    assert {chat.variables["difficulty"] for chat in played.asked} == {"hard"}
    assert isinstance(played.outcome, dict)
    assert played.outcome["AudioCaps:7:llm:0"][0]["difficulty"] == "hard"


def test_slots_get_different_angles() -> None:
    """Slots of a clip are offered different angles; clips differ."""
    first, second = (draw_angles("a:1", slot, "", 0) for slot in (0, 1))
    assert len(first) == ANGLES_OFFERED
    assert not set(first) & set(second)
    assert first != draw_angles("a:2", 0, "", 0)


@pytest.mark.parametrize("types", [{"noise": 1.0}, {"sound": -1.0, "music": 2.0}, {"sound": 0.0}])
def test_bad_mix(types: dict[str, float]) -> None:
    """An unknown type or shares that make no sense are refused."""
    with pytest.raises(RecipeError, match="types"):
        GenerateOptions(types=types)


def test_needs_the_writer() -> None:
    """The stage needs the model that its option names."""
    assert STAGE.needs is not None
    assert STAGE.needs(GenerateOptions(writer="big")) == [Need("big", frozenset({"chat"}))]


# --------------------------------------------------------------------------------------------- the grounded method

CORPUS = (
    "A dog barks", "A cat meows", "A cow moos", "A horse neighs", "A frog croaks", "A bell rings", "A phone rings",
    "Rain falls", "A car passes", "Wind blows", "A helicopter flies", "A man speaks", "A woman laughs", "A baby cries",
    "A clock ticks", "A siren wails", "Paper crumples", "A door closes", "An owl hoots", "A sheep bleats",
)  # fmt: skip
BARKING = CLIP | {"captions": [{"text": "A dog barks while rain falls", "origin": "AudioCaps"}]}
GROUNDED: dict[str, Any] = {"methods": ("grounded",)}


def prepare(captions: Sequence[str] = CORPUS, **options: Any) -> pa.Table:
    """What is prepared for a corpus with one clip for each caption, with a known event that no rule can read."""
    assert STAGE.prepare is not None
    clips = pl.DataFrame(
        {
            "clip_id": [f"Small:{number}" for number in range(len(captions))],
            "captions": [[{"text": text, "origin": "Small"}] for text in captions],
            "audio_sha256": [None] * len(captions),
            "duration": [10.0] * len(captions),
            "events": [[{"label": "xyz", "onset": None, "offset": None, "origin": "source"}]] * len(captions),
            **{name: [[] for _ in captions] for name in ("transcript", "measurements", "flags")},
        }
    )
    return STAGE.prepare.build(Materials(rows=clips.lazy()), Context(GenerateOptions(**options)))


def ask(clip: Row = BARKING, writer: Any = fail, captions: Sequence[str] = CORPUS, **options: Any) -> Played:
    """What is made of a clip in a shard that has one more clip for each caption."""
    assert STAGE.flow is not None
    assert STAGE.prepare is not None
    assert STAGE.plan is not None
    context = Context(GenerateOptions(**options), 0, STAGE.prepare.load(prepare(captions, **GROUNDED)))
    others = [
        CLIP | {"clip_id": f"Small:{number}", "captions": [{"text": text, "origin": "Small"}]}
        for number, text in enumerate(captions)
    ]
    plan = STAGE.plan([clip, *others], context)
    return play(STAGE.flow(clip, replace(context, plan=plan)), writer, "generate")


def test_grounded_asks_nobody() -> None:
    """A grounded row has every column, is the same again, names no call, and says which form made it."""
    played = ask(**GROUNDED)
    assert played.rounds == []
    assert isinstance(played.outcome, dict)
    [row] = played.outcome["AudioCaps:7:grounded:0"]
    assert sorted(row) == sorted(QUESTION)
    assert not find_problem(row, QUESTION)
    assert (row["method"], row["difficulty"], row["calls"]) == ("grounded", None, [])
    assert row["choices"][row["answer_index"]] == row["answer"]
    assert {(made["model"], made["prompt_version"]) for made in row["provenance"]} == {("grounded", "")}
    assert [made["column"] for made in row["provenance"]] == ["question", "question_type", "choices", "answer"]
    assert row["provenance"][0]["prompt"]
    assert row["block"]
    assert ask(**GROUNDED).outcome == played.outcome


def test_methods_side_by_side() -> None:
    """Each method fills slots of its own, and all work items of the clip have an outcome."""
    options: dict[str, Any] = {"methods": ("llm", "grounded"), "questions_per_clip": 2}
    assert STAGE.items is not None
    ids = STAGE.items(BARKING, GenerateOptions(**options))
    assert ids == [f"AudioCaps:7:{method}:{slot}" for method in ("llm", "grounded") for slot in (0, 1)]
    played = ask(writer=write, **options)
    assert played.prompts == ["question", "choices"] * 2
    assert isinstance(played.outcome, dict)
    assert list(played.outcome) == ids
    made = [rows[0] for rows in played.outcome.values() if isinstance(rows, list)]
    assert [(row["method"], bool(row["block"])) for row in made[:3]] == [
        ("llm", False), ("llm", False), ("grounded", True),
    ]  # fmt: skip


def test_failing_writer_leaves_grounded_questions() -> None:
    """Where the writer fails, what needs no writer is there all the same."""
    outcome = ask(writer=fail, methods=("llm", "grounded")).outcome
    assert isinstance(outcome, dict)
    assert [type(one) for one in outcome.values()] == [Failure, list]


def reasons(outcome: Any) -> set[str]:
    return {one.reason for one in outcome.values() if isinstance(one, Reject)}


def test_slots_without_a_question() -> None:
    """Slots for which there is no further block are rejected with a reason, and none is lost."""
    outcome = ask(BARKING, questions_per_clip=9, **GROUNDED).outcome
    assert isinstance(outcome, dict)
    assert len(outcome) == 9
    assert sum(isinstance(one, list) for one in outcome.values()) >= 1
    assert reasons(outcome) == {"no_block"}


@pytest.mark.parametrize(
    ("clip", "captions", "reason"),
    [
        (BARKING, ["A cat meows", "A bell rings"], "no_block"),
        (BARKING, ["a dog  barks, while rain falls."] * 5, "duplicate"),
        (BARKING | {"captions": [{"text": "Odd noises", "origin": "AudioCaps"}]}, CORPUS, "nothing_to_ask"),
    ],
)
def test_why_there_is_no_question(clip: Row, captions: Sequence[str], reason: str) -> None:
    """Too few other clips, a copy that stands for the clip, or captions that say nothing: each has its own code."""
    known = [*captions, clip["captions"][0]["text"]]
    assert STAGE.prepare is not None
    assert STAGE.plan is not None
    assert STAGE.flow is not None
    context = Context(GenerateOptions(**GROUNDED), 0, STAGE.prepare.load(prepare(known, **GROUNDED)))
    rows = [clip | {"clip_id": f"Small:{n}", "captions": [{"text": text, "origin": "Small"}]} for n, text in
            enumerate(known)]  # fmt: skip
    planned = replace(context, plan=STAGE.plan(rows, context))
    found = [play(STAGE.flow(row, planned), fail, "generate").outcome for row in rows]
    assert reason in set().union(*map(reasons, found))


def test_blocks_are_kept_as_a_table() -> None:
    """The plan of a shard leaves its blocks and spare clips, that of a writer an empty table of the same form."""
    assert STAGE.plan is not None
    assert STAGE.prepare is not None
    assert STAGE.keeps
    tables = []
    for methods in (("grounded",), ("llm",)):
        context = Context(GenerateOptions(methods=methods), 0, STAGE.prepare.load(prepare(methods=methods)))
        rows = [CLIP | {"clip_id": f"Small:{n}", "captions": [{"text": text, "origin": "Small"}]} for n, text in
                enumerate(CORPUS)]  # fmt: skip
        tables.append(STAGE.plan(rows, context).table)
    assert tables[0].num_rows >= 4
    assert tables[1].num_rows == 0
    assert tables[0].schema == tables[1].schema


def test_nothing_is_known_of_the_clip() -> None:
    """A clip with neither captions nor events is rejected by both methods."""
    outcome = ask(CLIP | {"captions": []}, methods=("llm", "grounded")).outcome
    assert isinstance(outcome, dict)
    assert [one.reason for one in outcome.values() if isinstance(one, Reject)] == ["no_caption"] * 2


def test_known_events_are_enough() -> None:
    """Events with their times make a question where there is no caption and no block."""
    times = enumerate(("a bell ringing", "a dog barking"))
    events = [{"label": label, "onset": 2.0 * n + 1, "offset": 2.0 * n + 2, "origin": "source"} for n, label in times]
    clip = CLIP | {"captions": [], "events": events, "duration": 10.0}
    outcome = ask(clip, captions=["Rain falls"], **GROUNDED).outcome
    assert isinstance(outcome, dict)
    [row] = outcome["AudioCaps:7:grounded:0"]
    assert (row["question_type"], row["block"]) == ("temporal", None)
    assert row["proof"]


def test_the_writer_needs_no_knowledge() -> None:
    """Without the grounded method what is prepared is empty and the same for every corpus."""
    assert prepare().num_rows == 0
    assert prepare().equals(prepare(captions=CORPUS[:3]))
    assert prepare(**GROUNDED).num_rows >= len(CORPUS)


def test_knowledge_is_of_the_corpus_alone() -> None:
    """What is prepared depends on the clips that are there, not on what was built before."""
    assert prepare(captions=CORPUS[:10], **GROUNDED).num_rows < prepare(**GROUNDED).num_rows
    assert prepare(captions=CORPUS[:10], **GROUNDED).equals(prepare(captions=CORPUS[:10][::-1], **GROUNDED))


def test_only_the_writer_needs_a_model() -> None:
    """A model and prompts are wanted by the method that uses them."""
    assert STAGE.needs is not None
    assert callable(STAGE.prompts)
    assert STAGE.needs(GenerateOptions(**GROUNDED)) == []
    assert tuple(STAGE.prompts(GenerateOptions(**GROUNDED))) == ()
    both = GenerateOptions(methods=("grounded", "llm"))
    assert [need.model for need in STAGE.needs(both)] == ["writer"]
    assert tuple(STAGE.prompts(both)) == ("question", "choices")


@pytest.mark.parametrize("methods", [("rules",), (), ("llm", "llm"), ("grounded", "")])
def test_bad_methods(methods: tuple[str, ...]) -> None:
    """Methods that are unknown, named twice or missing are refused."""
    with pytest.raises(RecipeError, match="methods"):
        GenerateOptions(methods=methods)


RECIPE = """
[project]
name = "tiny"
version = "1.0.0"

[[sources]]
adapter = "audiocaps"
path = "captions.csv"

[generate]
methods = ["grounded"]
"""
STAGES = ("caption", "generate")


def build(
    folder: Path, captions: Sequence[str], run: Callable[..., Ended] = audiomcq, recipe: str = RECIPE
) -> dict[str, Row]:
    """Run caption and generate over a source; returns the questions by id."""
    write_audiocaps(folder / "captions.csv", captions)
    (folder / "recipe.toml").write_text(recipe)
    ended = run("run", "recipe.toml", "--until", "generate", "--json", folder=folder)
    assert ended.code == 0, ended.err
    items = ended.json["stages"][1]["items"]
    assert items["in"] == items["kept"] + items["rejected"] == len(captions)
    assert ended.json["stages"][1]["calls"] == {}
    return {row["id"]: row for row in pl.read_parquet(folder / "build/generate/*.parquet").to_dicts()}


def test_same_blocks_anywhere(tmp_path: Path) -> None:
    """The engine makes the same bytes of the same source anywhere, and every block is whole."""
    for name, run in (("one", spawn), ("two", audiomcq)):
        (tmp_path / name).mkdir()
        rows = build(tmp_path / name, [*CORPUS, *CORPUS, "An odd noise"], run)
    built = [{stage: hash_tree(tmp_path / name / f"build/{stage}") for stage in STAGES} for name in ("one", "two")]
    assert built[0] == built[1]
    assert len(rows) >= 0.7 * len(CORPUS)
    assert set(find_broken(rows.values()).values()) == {""}


def test_earlier_blocks_are_kept(tmp_path: Path) -> None:
    """With earlier blocks named no question moves where clips are added; a file that has none stops the run."""
    before = build(tmp_path, [*CORPUS[:9], "An odd noise"])
    kept = (tmp_path / "build/generate/.audiomcq/blocks.parquet").read_bytes()
    (tmp_path / "earlier.parquet").write_bytes(kept)
    named = f'{RECIPE}earlier_blocks = "earlier.parquet"\n'
    after = build(tmp_path, [*CORPUS[:9], "An odd noise", *CORPUS[9:]], recipe=named)
    asked = ("question", "choices", "answer", "block")
    assert {id_: [after[id_][name] for name in asked] for id_ in before} == {
        id_: [row[name] for name in asked] for id_, row in before.items()
    }
    assert len(after) > len(before) >= 8
    (tmp_path / "earlier.parquet").write_text("clip,block")
    ended = audiomcq("run", "recipe.toml", "--until", "generate", folder=tmp_path)
    assert ended.code != 0
    assert "earlier.parquet: holds no blocks" in ended.err


def test_whole_blocks_and_what_is_kept_of_others(tmp_path: Path) -> None:
    """Status counts questions of whole blocks; keep_broken does again the stages that see blocks, and no other."""
    rows = build(tmp_path, CORPUS)
    told = audiomcq("status", "build", "--json", folder=tmp_path).json["stages"][-1]["blocks"]
    assert told == {"whole": len(rows), "broken": 0, "alone": 0}
    assert "belong to whole balanced blocks" in audiomcq("status", "build", folder=tmp_path).err
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"{RECIPE}\n[verify]\ngraders = []\n")
    assert audiomcq("run", "recipe.toml", "--until", "verify", folder=tmp_path).code == 0
    recipe.write_text(recipe.read_text().replace("[[sources]]", "keep_broken = true\n\n[[sources]]"))
    ended = audiomcq("run", "recipe.toml", "--until", "verify", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.err.count("nothing to do") == 2
    assert "keep_broken" in ended.err


# ----------------------------------------------------------------------------------------------------- seed questions


def seeds_of(played: Played) -> list[dict[str, str]]:
    return [chat.variables["seed"] for chat in played.asked if chat.prompt == "question"]


def asked_of(*pairs: tuple[str, str | None]) -> dict[str, Any]:
    return CLIP | {"seeds": [{"question": one, "answer": answer, "origin": "CompA-R"} for one, answer in pairs]}


def test_slots_take_turns_through_the_source_s_own_questions() -> None:
    """Each slot is shown one, no two of them the same before all had their turn, with its answer; in a fixed order."""
    clip = asked_of(("Which mood?", "It is calm."), ("Why the bell?", None), ("Who is there?", ""))
    shown = seeds_of(run(clip, questions_per_clip=4))
    assert sorted(one["question"] for one in shown[:3]) == ["Which mood?", "Who is there?", "Why the bell?"]
    assert shown[3] == shown[0]
    assert {one["question"]: one["answer"] for one in shown}["Which mood?"] == "It is calm."
    assert shown == seeds_of(run(clip | {"seeds": clip["seeds"][::-1]}, questions_per_clip=4))


def test_answer_that_is_a_caption_is_not_said_twice() -> None:
    """Where the answer serves as a caption (CompA-R) it stands there alone."""
    [shown] = seeds_of(run(asked_of(("What is heard?", "A door creaks while rain falls"))))
    assert shown == {"question": "What is heard?", "answer": ""}


@pytest.mark.parametrize(
    ("source", "types", "options", "forms"),
    [
        ("MusicCaps", {}, {}, SEEDS["music"]),
        ("MusicCaps", {"temporal": 1.0}, {}, SEEDS["temporal"]),
        ("TACOS", {}, {}, SEEDS["temporal"]),
        ("MySet", {}, {}, SEEDS[""]),
        ("MySet", {}, {"MySet": "Which bird is it?"}, ("Which bird is it?",)),
        ("MySet", {"music": 1.0}, {"MySet": "Which bird is it?"}, SEEDS["music"]),
    ],
)
def test_seed_is_formed_for_source_and_type(
    source: str, types: dict[str, float], options: dict[str, str], forms: Sequence[str]
) -> None:
    """Where the source asks nothing, the type that is wanted says what to ask, else the recipe, else the source."""
    clip = CLIP | {"source_dataset": source}
    shown = seeds_of(run(clip, questions_per_clip=12, types=types, seed_questions=options))
    assert {one["question"] for one in shown} == set(forms)
    assert {one["answer"] for one in shown} == {""}


def test_prompt_with_a_seed() -> None:
    """The writer is told what was asked and answered in a block of its own."""
    [chat] = [chat for chat in run(asked_of(("Which mood?", "It is calm."))).asked if chat.prompt == "question"]
    _, user = Prompts().get("question").render(chat.variables)
    assert "</heard>\n\n<seed>\nWhich mood?\nAnswered: It is calm.\n</seed>\n\nType:" in user
