"""Puts every labelled question into a training subset, by a named plan.

Training plans have two sides, ``sft`` and ``rl``, and a clip with all its questions is on one of them. A question for
which the plan has no place on its clip's side is rejected, so questions in = kept + rejected.

plan             a clip is in sft          sft takes         rl takes
weak-to-strong   if most questions weak    weak questions    strong questions
mixed-to-strong  by its hash, sft_share    weak and strong   strong questions
mixed-to-mixed   by its hash, sft_share    weak and strong   weak and strong

``weak-strong`` is not a training plan: its subsets ``weak`` and ``strong`` are the two labels, and a clip with
questions of both is in both. The plans are those of arXiv 2509.21060; there the SFT set is as large as the weak one in
every plan, which is why the default of ``sft_share`` is the weak share of the corpus.

The place of a clip depends on its own questions, its own hash and one threshold, never on rank or order. With a fixed
``sft_share``, added clips therefore move no other clip; with the default they move those whose hash lies between the
old threshold and the new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiomcq_cli.contracts import Context, Divided, Materials, Prepare, Stage, option
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.records import LABELLED, LABELS, RELEASED, draw
from audiomcq_cli.stages._blocks import BROKEN
from audiomcq_cli.wholeness import COLUMNS, find_broken

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to divide a corpus.

    Attributes:
        subsets: The labels that each subset takes.
        clips: What places a clip with all its questions: ``majority`` (of its labels), ``hash``, or empty if each
            question goes by its own label.
        reason: Reject code of a question that its subset does not take.
    """

    subsets: Mapping[str, tuple[str, ...]]
    clips: str = ""
    reason: str = "not_in_plan"


PLANS = {
    "weak-to-strong": Plan({"sft": ("weak",), "rl": ("strong",)}, clips="majority", reason="clip_on_other_side"),
    "mixed-to-strong": Plan({"sft": LABELS, "rl": ("strong",)}, clips="hash"),
    "mixed-to-mixed": Plan({"sft": LABELS, "rl": LABELS}, clips="hash"),
    "weak-strong": Plan({"weak": ("weak",), "strong": ("strong",)}),
}


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """Options of split."""

    plan: str = option(
        "weak-to-strong",
        "training plan: labels of the SFT set, then of the RL set; weak-strong makes one subset for each label",
        choices=tuple(PLANS),
    )
    sft_share: float = option(
        0.0,
        "share of the clips that mixed plans put into sft; 0: the share of weak questions in the corpus",
        minimum=0.0,
        maximum=1.0,
    )


def build_threshold(materials: Materials, ctx: Context[SplitOptions]) -> pa.Table:
    """Return the one number that placing a clip needs beside the clip: a table of one row, ``sft_share``.

    Raises:
        RecipeError: A share is set for a plan that does not use one.
    """
    import polars as pl
    import pyarrow as pa

    share = ctx.options.sft_share
    by_hash = PLANS[ctx.options.plan].clips == "hash"
    if share and not by_hash:
        names = " and ".join(name for name, plan in PLANS.items() if plan.clips == "hash")
        raise RecipeError(f"sft_share has no meaning in the plan {ctx.options.plan}", hint=f"it sets {names}")
    if by_hash and not share:
        weak = materials.rows.select((pl.col("audio_contribution") == "weak").mean())
        share = weak.collect(engine="streaming").item() or 0.0
    return pa.table({"sft_share": pa.array([share], pa.float64())})


def load_threshold(table: pa.Table) -> float:
    """Return the share of clips that go to sft if the plan places them by hash."""
    share: float = table["sft_share"][0].as_py()
    return share


def divide(rows: pl.DataFrame, ctx: Context[SplitOptions]) -> Divided:
    """Give every question of a shard its subset, or reject it.

    Raises:
        InputError: A question is neither weak nor strong.
    """
    import polars as pl

    plan, label = PLANS[ctx.options.plan], pl.col("audio_contribution")
    unknown = rows.filter(~label.is_in(LABELS).fill_null(False))
    if len(unknown):
        raise InputError(
            f"question {unknown['id'][0]!r} is labelled {unknown['audio_contribution'][0]!r}",
            column="audio_contribution",
            hint=f"expected {' or '.join(LABELS)}; run filter first",
        )
    rows, broken = _hold_blocks(rows, ctx)
    placed = _place(rows, plan, ctx)
    taken = pl.any_horizontal((pl.col("subset") == name) & label.is_in(takes) for name, takes in plan.subsets.items())
    rejected = placed.filter(~taken).select(
        "id",
        reason=pl.lit(plan.reason),
        detail=pl.format(f"a {{}} question of a clip that {ctx.options.plan} puts into {{}}", label, "subset"),
    )
    return Divided(kept=placed.filter(taken), rejected=pl.concat([broken, rejected]))


def _hold_blocks(rows: pl.DataFrame, ctx: Context[SplitOptions]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows to divide, and (id, reason, detail) of the rows of broken blocks, unless these are kept."""
    import polars as pl

    found = find_broken(rows.select(COLUMNS).iter_rows(named=True))
    faults = pl.Series("detail", [found.get(block, "") for block in rows["block"]], dtype=pl.String)
    broken = faults != ""
    if ctx.keep_broken:
        block = pl.when(pl.lit(broken)).then(None).otherwise(pl.col("block"))
        return rows.with_columns(block=block), _list_broken(rows.clear(), faults.clear())
    return rows.filter(~broken), _list_broken(rows.filter(broken), faults.filter(broken))


def _list_broken(rows: pl.DataFrame, faults: pl.Series) -> pl.DataFrame:
    import polars as pl

    return rows.select("id", reason=pl.lit(BROKEN), detail=faults)


def _place(rows: pl.DataFrame, plan: Plan, ctx: Context[SplitOptions]) -> pl.DataFrame:
    """Return the rows with their column ``subset``, in their order."""
    import polars as pl

    label = pl.col("audio_contribution")
    if not plan.clips:
        return rows.with_columns(subset=label)
    majority = plan.clips == "majority"
    # A tie between the labels of a clip is decided by its hash.
    threshold = (0.5 if majority else ctx.prepared) * 2**64
    balance = (label == "weak").sum().cast(pl.Int64) - (label == "strong").sum().cast(pl.Int64)
    clips = rows.group_by("clip_id", maintain_order=True).agg(balance=balance)
    heads = [draw("split", ctx.seed, clip) < threshold for clip in clips["clip_id"]]
    sft = pl.Series("sft", heads, dtype=pl.Boolean)
    if majority:
        sft = clips.select(pl.when(pl.col("balance") == 0).then(sft).otherwise(pl.col("balance") > 0)).to_series()
    sides = clips.select("clip_id", subset=pl.when(sft).then(pl.lit("sft")).otherwise(pl.lit("rl")))
    return rows.join(sides, on="clip_id", how="left", maintain_order="left")


STAGE: Stage[SplitOptions] = Stage(
    help="Divide labelled questions into the subsets of a training plan, clip by clip.",
    after="filter",
    version=2,
    options=SplitOptions,
    reads=LABELLED,
    writes=RELEASED,
    divide=divide,
    prepare=Prepare(build=build_threshold, load=load_threshold),
    named_only=False,
)
