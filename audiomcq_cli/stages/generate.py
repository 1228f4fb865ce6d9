"""Makes questions about a clip from what is known of it, by one method or two side by side.

``llm``: for each slot a model writes a question and its type, then its choices. The slots of a clip are filled one
after the other, so that the writer sees its earlier questions about the clip. ``grounded``: no model. Captions, the
source's knowledge and measurements are asked about in fixed forms, of four clips at once, a balanced block: one
question with the same four options, each the answer of one clip. The whole shard is planned at once. A clip without a
block is asked only about what was measured, with wrong options a stated margin away. The numbers behind an answer are
kept as its proof.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli.contracts import (
    Chat,
    Context,
    Earlier,
    Failure,
    Flow,
    Materials,
    Need,
    Outcome,
    Prepare,
    Reject,
    Reply,
    Request,
    Row,
    Stage,
    option,
)
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.grounded import knowledge
from audiomcq_cli.grounded.blocks.reading import find_proof
from audiomcq_cli.grounded.blocks.table import count_blocks, read_table
from audiomcq_cli.grounded.blocks.writing import Block
from audiomcq_cli.grounded.drafts import Question
from audiomcq_cli.grounded.measured.family import write_facts
from audiomcq_cli.grounded.shard_plan import ShardPlan, plan_shard
from audiomcq_cli.mcq import heard_texts, shuffle_choices, tidy
from audiomcq_cli.records import CLIP, QUESTION, TYPES, draw, question_id

if TYPE_CHECKING:
    import pyarrow as pa

LLM, GROUNDED = METHODS = ("llm", "grounded")
"""Methods of making questions, as they are named in ids and in the column ``method``."""

EARLIER = "earlier_blocks"
"""The option that names the blocks of an earlier version."""

ANGLES: Mapping[str, tuple[str, ...]] = {
    "sound": (
        "a sound in the background",
        "what causes a sound",
        "the material or texture of a sound",
        "how loud or how near something is",
        "the place that the sounds suggest",
        "how many sources there are",
        "how an action is carried out",
    ),
    "music": (
        "an instrument and its part",
        "the mood",
        "the tempo or rhythm",
        "the manner of singing or playing",
        "the style",
        "how the piece is built up",
    ),
    "speech": (
        "who speaks",
        "the speaker's emotion",
        "the manner of speaking",
        "what is said",
        "how many people speak",
        "whom or what the speech is for",
    ),
    "temporal": (
        "what comes before or after something",
        "how often something happens",
        "how long something lasts",
        "what goes on at the same time",
        "what changes in the course of the clip",
    ),
}
"""Possible subjects of a question, by type. Each slot is offered a few, and no two slots of a clip
the same one first.
"""

ANGLES_OFFERED = 4

SEEDS: Mapping[str, tuple[str, ...]] = {
    "sound": ("What sounds are heard in this recording?", "Please describe the sounds in this recording in detail."),
    "music": ("Please describe this music in detail.", "What is this piece of music like?"),
    "speech": ("Please describe the speaker and the way of speaking.", "Who speaks here, and how?"),
    "temporal": ("When does each sound begin and end?", "In what order do the sounds of this recording come?"),
    "": ("Please describe this audio in detail.", "What is heard in this audio?"),
}
"""Seed questions for clips whose source asks none, by the requested type; empty if any type will do."""

SOURCE_TYPES: Mapping[str, str] = {
    "AudioCaps": "sound", "Clotho": "sound", "MusicCaps": "music", "LP-MusicCaps": "music", "SpeechCraft": "speech",
    "TACOS": "temporal",
}  # fmt: skip
"""Main type of each source: the type of the seed question if no type is requested."""

_KNOWN_BY = ("clip_id", "audio_sha256", "captions", "events", "transcript", "measurements", "duration", "flags")
"""Columns from which the knowledge about the corpus is computed."""


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """Options of generate.

    Raises:
        RecipeError: ``types`` or ``methods`` names something unknown, or is empty.
    """

    methods: tuple[str, ...] = option(
        (LLM,), "how questions are made: llm: by a model; grounded: by rule, from captions, events and measurements"
    )
    writer: str = option("writer", "model that writes questions and choices (llm)")
    questions_per_clip: int = option(1, "questions about each clip, by each method", minimum=1)
    types: Mapping[str, float] = option(
        {},
        "target share of each question type, as speech = 0.5; empty: the writer chooses what suits the clip (llm)",
    )
    seed_questions: Mapping[str, str] = option(
        {}, 'seed question of a source without questions of its own, as MySet = "Please describe this music." (llm)'
    )
    difficulty: str = option(
        "", "difficulty to ask for; empty: the writer chooses (llm)", choices=("", "easy", "medium", "hard")
    )

    earlier_blocks: str = option(
        "",
        "blocks.parquet of an earlier version, out of .audiomcq/ of its generate: its blocks are kept (grounded)",
        path=True,
    )

    def __post_init__(self) -> None:
        if not self.methods or set(self.methods) - set(METHODS) or len(set(self.methods)) < len(self.methods):
            raise RecipeError(
                f"methods: expected {' or '.join(METHODS)} or both, found {', '.join(self.methods) or 'none'}"
            )
        if unknown := set(self.types) - set(TYPES):
            raise RecipeError(f"types: unknown question type {min(unknown)!r}", hint=f"there are {', '.join(TYPES)}")
        if self.types and not (min(self.types.values()) >= 0 and 0 < sum(self.types.values()) < inf):
            raise RecipeError("types: expected shares of 0 or more that are not all 0")


def list_items(row: Row, options: GenerateOptions) -> list[str]:
    """Return the ids of the question slots of a clip."""
    return [id_ for method in options.methods for id_ in _list_slots(row, options, method)]


def ask(row: Row, ctx: Context[GenerateOptions]) -> Flow:
    """Fill the slots of a clip, method by method."""
    outcomes: dict[str, Outcome] = {}
    for method in ctx.options.methods:
        ids = _list_slots(row, ctx.options, method)
        if method == LLM:
            outcomes |= yield from _ask_writer(row, ctx, ids)
        else:
            outcomes |= _ask_grounded(row, ctx, ids)
    return outcomes


def prepare(materials: Materials, ctx: Context[GenerateOptions]) -> pa.Table:
    """Return the corpus-wide knowledge for the grounded method; an empty table without that method."""
    if GROUNDED not in ctx.options.methods:
        return knowledge.empty_table()
    clips = materials.rows.select(*_KNOWN_BY).collect_batches(chunk_size=5_000, maintain_order=True)
    earlier = read_table(materials.beside[EARLIER]) if EARLIER in materials.beside else ()
    return knowledge.build_table((row for batch in clips for row in batch.iter_rows(named=True)), earlier)


def plan(rows: Iterable[Row], ctx: Context[GenerateOptions]) -> ShardPlan:
    """The questions that the grounded method asks of the clips of a shard; none without it."""
    grounded = GROUNDED in ctx.options.methods
    return plan_shard(rows if grounded else (), ctx.prepared, ctx.options.questions_per_clip, ctx.seed)


def draw_type(id_: str, types: Mapping[str, float], seed: int) -> str:
    """Return the target type of a slot, drawn by the shares in ``types``; empty if there are none."""
    point = draw(seed, id_, "type") / 2**64 * sum(types.values())
    wanted = [name for name in TYPES if types.get(name, 0) > 0]
    ends = zip(wanted, accumulate(types[name] for name in wanted), strict=True)
    # Rounding may leave the point just after the last end.
    return next((name for name, end in ends if point < end), wanted[-1] if wanted else "")


def draw_angles(clip_id: str, slot: int, question_type: str, seed: int) -> list[str]:
    """Return a few angles for a slot, of one type or of all: the slots of a clip take turns in one shuffled list."""
    known = ANGLES[question_type] if question_type else [angle for angles in ANGLES.values() for angle in angles]
    turns = sorted(known, key=lambda angle: draw(seed, clip_id, "angle", angle))
    return [turns[(slot * ANGLES_OFFERED + place) % len(turns)] for place in range(ANGLES_OFFERED)]


def choose_seed(row: Row, slot: int, question_type: str, options: GenerateOptions, seed: int) -> dict[str, str]:
    """Return the seed question of a slot, with its answer if it has one.

    The slots take turns through the source's own questions about the clip. If there are none, one is formed for the
    requested type, else for the source.
    """
    own = sorted(row["seeds"], key=lambda one: draw(seed, row["clip_id"], "seed", one["question"]))
    if own:
        one = own[slot % len(own)]
        return {"question": one["question"], "answer": one["answer"] or ""}
    source = row["source_dataset"]
    if not question_type and source in options.seed_questions:
        return {"question": options.seed_questions[source], "answer": ""}
    forms = SEEDS[question_type or SOURCE_TYPES.get(source, "")]
    return {"question": forms[draw(seed, row["clip_id"], "seed", slot) % len(forms)], "answer": ""}


def _list_slots(row: Row, options: GenerateOptions, method: str) -> list[str]:
    return [question_id(row["clip_id"], method, slot) for slot in range(options.questions_per_clip)]


def _ask_grounded(row: Row, ctx: Context[GenerateOptions], ids: Sequence[str]) -> dict[str, Outcome]:
    """Fill the slots as planned for the shard: first with questions of blocks, then with measured ones."""
    if not any(row[name] for name in ("captions", "events", "measurements", "transcript")):
        return dict.fromkeys(ids, Reject("no_caption", "the clip has no caption, no known sound and no measurement"))
    plan: ShardPlan = ctx.plan
    clip, outcomes = row["clip_id"], dict[str, Outcome]()
    for slot, (id_, block) in enumerate(zip(ids, plan.blocks.get(clip) or [None] * len(ids), strict=True)):
        if block:
            outcomes[id_] = [_make_grounded(row, ctx, id_, block.family, _read_block(row, block))]
        elif alone := plan.alone.get((clip, slot)):
            outcomes[id_] = [_make_grounded(row, ctx, id_, alone.form, _read_alone(id_, alone, ctx.seed))]
        else:
            lack = plan.lacks[clip]
            outcomes[id_] = Reject(lack.reason, lack.detail)
    return outcomes


def _make_grounded(row: Row, ctx: Context[GenerateOptions], id_: str, form: str, asked: Row) -> Row:
    made = ("question", "question_type", "choices", "answer")
    provenance = [
        {"column": column, "model": GROUNDED, "revision": "", "prompt": form, "prompt_version": ""} for column in made
    ]
    return _carry(row) | {
        "id": id_,
        "method": GROUNDED,
        **asked,
        "answer": asked["choices"][asked["answer_index"]],
        "difficulty": None,
        "tags": [],
        "cluster": ctx.prepared.clusters.get(row["clip_id"]),
        "calls": list(row["calls"]),
        "provenance": [*row["provenance"], *provenance],
    }


def _read_block(row: Row, block: Block) -> Row:
    """What a clip is asked in a block; behind what was measured stand the numbers of this clip."""
    place = block.answers[row["clip_id"]]
    return {
        "question": block.question,
        "question_type": block.question_type,
        "choices": list(block.options),
        "answer_index": place,
        "proof": write_facts(find_proof(row, block.family, block.ask, block.keys[place])),
        "block": block.id,
    }


def _read_alone(id_: str, question: Question, seed: int) -> Row:
    choices, index = shuffle_choices(id_, question.answer, question.distractors, seed)
    return {
        "question": question.question,
        "question_type": question.question_type,
        "choices": choices,
        "answer_index": index,
        "proof": list(question.proof),
        "block": None,
    }


def _ask_writer(
    row: Row, ctx: Context[GenerateOptions], ids: Sequence[str]
) -> Generator[Sequence[Request], Sequence[Reply], dict[str, Outcome]]:
    """Fill the slots in order; one that fails does not stop the next."""
    captions = heard_texts(row["captions"])
    if not captions:
        return {id_: Reject("no_caption", "the clip has no caption to ask about") for id_ in ids}
    outcomes: dict[str, Outcome] = {}
    asked: list[str] = []
    for slot, id_ in enumerate(ids):
        outcomes[id_] = yield from _fill_slot(row, ctx, slot, captions, asked)
    return outcomes


def _carry(row: Row) -> Row:
    """Return the columns of a clip that its questions keep."""
    return {name: row[name] for name in QUESTION if name in CLIP}


def _fill_slot(
    row: Row, ctx: Context[GenerateOptions], slot: int, captions: Sequence[str], asked: list[str]
) -> Generator[Sequence[Request], Sequence[Reply], Outcome]:
    """Ask for one question and its choices; the question is added to ``asked`` even if the choices fail."""
    options, id_ = ctx.options, question_id(row["clip_id"], LLM, slot)
    wanted = draw_type(id_, options.types, ctx.seed)
    given = {"captions": list(captions), "difficulty": options.difficulty}
    angles = draw_angles(row["clip_id"], slot, wanted, ctx.seed)
    chosen = choose_seed(row, slot, wanted, options, ctx.seed)
    # An answer that is also a caption is not repeated.
    answer = "" if any(chosen["answer"] in caption for caption in captions) else chosen["answer"]
    variables = {
        **given,
        "question_type": wanted,
        "angles": angles,
        "asked": list(asked),
        "seed": {"question": chosen["question"], "answer": answer},
    }
    [question] = yield [Chat(model=options.writer, prompt="question", variables=variables, optional=True)]
    if question.failed:
        return Failure(question)
    written = {"question": tidy(question.value["question"]), "question_type": question.value["question_type"]}
    asked.append(written["question"])
    [choices] = yield [Chat(model=options.writer, prompt="choices", variables={**given, **written}, optional=True)]
    if choices.failed:
        return Failure(choices)
    return [_make_row(row, ctx, id_, written, question, choices)]


def _make_row(
    row: Row, ctx: Context[GenerateOptions], id_: str, written: Mapping[str, str], question: Reply, choices: Reply
) -> Row:
    answer = tidy(choices.value["answer"])
    shuffled, index = shuffle_choices(id_, answer, [tidy(text) for text in choices.value["distractors"]], ctx.seed)
    return _carry(row) | {
        "id": id_,
        "method": LLM,
        **written,
        "difficulty": ctx.options.difficulty or None,
        "proof": [],
        "tags": [],
        "block": None,
        "cluster": None,
        "choices": shuffled,
        "answer": answer,
        "answer_index": index,
        "calls": [*row["calls"], question.call, choices.call],
        "provenance": [
            *row["provenance"],
            question.made("question"),
            question.made("question_type"),
            choices.made("choices"),
            choices.made("answer"),
        ],
    }


def _list_needs(options: GenerateOptions) -> list[Need]:
    return [Need(options.writer, frozenset({"chat"}))] if LLM in options.methods else []


def _list_prompts(options: GenerateOptions) -> tuple[str, ...]:
    return ("question", "choices") if LLM in options.methods else ()


def _list_beside(options: GenerateOptions) -> dict[str, Path]:
    return {EARLIER: Path(options.earlier_blocks)} if options.earlier_blocks else {}


STAGE: Stage[GenerateOptions] = Stage(
    help="Write questions about each clip, each with four choices.",
    after="caption",
    version=8,
    options=GenerateOptions,
    reads=CLIP,
    writes=QUESTION,
    key="clip_id",
    flow=ask,
    items=list_items,
    prepare=Prepare(build=prepare, load=knowledge.load_table),
    beside=_list_beside,
    plan=plan,
    keeps="blocks.parquet",
    earlier=Earlier(option=EARLIER, count=count_blocks),
    needs=_list_needs,
    prompts=_list_prompts,
    named_only=False,
)
