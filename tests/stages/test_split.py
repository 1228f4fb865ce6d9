"""Tests of ``stages/split.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Context, Materials
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.records import LABELLED, LABELS, RELEASED, shard_of
from audiomcq_cli.stages.split import PLANS, STAGE, SplitOptions

TRAINING = tuple(name for name, plan in PLANS.items() if plan.clips)
Corpus = dict[str, list[str]]
"""Labels of the questions of each clip."""

corpora = st.dictionaries(
    st.integers(0, 10_000).map(lambda number: f"AudioCaps:{number}"),
    st.lists(st.sampled_from(LABELS), min_size=1, max_size=4),
    max_size=40,
)
# The first example pays for imports; a slow machine is no failure.
unhurried = settings(max_examples=40)
seeds = st.integers(0, 2**63)
shares = st.floats(0.01, 1.0)


@dataclass(frozen=True)
class Result:
    """What split made of a corpus: (clip, id, label, subset) kept and (id, reason, detail) rejected."""

    kept: pl.DataFrame
    rejected: pl.DataFrame

    def sides(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self.kept.iter_rows(named=True):
            found.setdefault(row["clip_id"], set()).add(row["subset"])
        return found

    def count(self, **values: str) -> int:
        return self.kept.filter(**values).height


def questions(corpus: Corpus) -> pl.DataFrame:
    """The columns that split looks at, one row per question."""
    rows = [
        {"id": f"{clip}:llm:{slot}", "clip_id": clip, "audio_contribution": label}
        for clip, labels in corpus.items()
        for slot, label in enumerate(labels)
    ]
    schema = {"id": pl.String, "clip_id": pl.String, "audio_contribution": pl.String}
    return pl.DataFrame(rows, schema=schema).with_columns(
        block=pl.lit(None, pl.String), question=pl.lit("?"), choices=pl.lit(["a", "b"]), answer_index=pl.lit(0)
    )


def split(corpus: Corpus, plan: str, *, seed: int = 0, share: float = 0.0, shards: Sequence[int] = (0,)) -> Result:
    """Run the stage as the engine does: the whole input is prepared, then each shard is divided by itself."""
    assert STAGE.prepare and STAGE.divide
    rows = questions(corpus)
    options = SplitOptions(plan=plan, sft_share=share)
    prepared: Any = STAGE.prepare.load(STAGE.prepare.build(Materials(rows=rows.lazy()), Context(options, seed)))
    place = pl.Series([shard_of(clip, len(shards)) for clip in rows["clip_id"]], dtype=pl.Int64)
    parts = [STAGE.divide(rows.filter(place == shard), Context(options, seed, prepared)) for shard in shards]
    return Result(pl.concat([part.kept for part in parts]), pl.concat([part.rejected for part in parts]))


@pytest.mark.parametrize("plan", PLANS)
@unhurried
@given(corpus=corpora, seed=seeds)
def test_every_question_is_kept_or_rejected_once(plan: str, corpus: Corpus, seed: int) -> None:
    """Kept and rejected ids together are the ids that came in."""
    result = split(corpus, plan, seed=seed)
    out = [*result.kept["id"], *result.rejected["id"]]
    assert sorted(out) == sorted(questions(corpus)["id"])


@pytest.mark.parametrize("plan", TRAINING)
@unhurried
@given(corpus=corpora, seed=seeds)
def test_a_clip_is_on_one_side(plan: str, corpus: Corpus, seed: int) -> None:
    """No training plan shows a clip to both sides, whatever the seed."""
    assert all(len(sides) == 1 for sides in split(corpus, plan, seed=seed).sides().values())


@pytest.mark.parametrize("plan", PLANS)
@unhurried
@given(corpus=corpora, seed=seeds)
def test_a_subset_takes_only_its_labels(plan: str, corpus: Corpus, seed: int) -> None:
    """What a subset holds is what the plan says of it."""
    for row in split(corpus, plan, seed=seed).kept.iter_rows(named=True):
        assert row["audio_contribution"] in PLANS[plan].subsets[row["subset"]]


@pytest.mark.parametrize("plan", PLANS)
@unhurried
@given(corpus=corpora, seed=seeds, order=st.permutations(range(5)))
def test_shards_and_their_order_do_not_matter(plan: str, corpus: Corpus, seed: int, order: list[int]) -> None:
    """A corpus in five shards in any order is divided as it is in one."""
    one, many = split(corpus, plan, seed=seed), split(corpus, plan, seed=seed, shards=order)
    assert one.kept.sort("id").equals(many.kept.sort("id"))
    assert one.rejected.sort("id").equals(many.rejected.sort("id"))


@pytest.mark.parametrize("plan", TRAINING)
@unhurried
@given(old=corpora, new=corpora, seed=seeds, share=shares)
def test_added_clips_move_no_other(plan: str, old: Corpus, new: Corpus, seed: int, share: float) -> None:
    """With a given share a clip stays on its side when the corpus grows."""
    given_share = share if PLANS[plan].clips == "hash" else 0.0
    before = split(old, plan, seed=seed, share=given_share)
    after = split({**new, **old}, plan, seed=seed, share=given_share)
    assert before.sides().items() <= after.sides().items()


@unhurried
@given(corpus=corpora, seed=seeds, shares=st.tuples(shares, shares).map(sorted))
def test_a_larger_share_keeps_what_a_smaller_one_had(corpus: Corpus, seed: int, shares: list[float]) -> None:
    """Raising the share only brings clips into sft, it takes none out."""
    small, large = (split(corpus, "mixed-to-mixed", seed=seed, share=share) for share in shares)
    assert set(small.kept.filter(subset="sft")["id"]) <= set(large.kept.filter(subset="sft")["id"])


def test_weak_to_strong_follows_the_majority_of_a_clip() -> None:
    """The minority questions of a clip are rejected with their reason, not moved to the other side."""
    corpus = {"A:1": ["weak", "weak", "strong"], "A:2": ["strong", "strong", "weak"]}
    result = split(corpus, "weak-to-strong")
    assert result.sides() == {"A:1": {"sft"}, "A:2": {"rl"}}
    assert result.rejected.rows() == [
        ("A:1:llm:2", "clip_on_other_side", "a strong question of a clip that weak-to-strong puts into sft"),
        ("A:2:llm:2", "clip_on_other_side", "a weak question of a clip that weak-to-strong puts into rl"),
    ]


def test_ties_go_to_both_sides_evenly() -> None:
    """A clip with as many weak as strong questions goes by its hash."""
    result = split({f"A:{number}": ["weak", "strong"] for number in range(1_000)}, "weak-to-strong")
    assert 450 < result.count(subset="sft") < 550
    assert result.rejected.height == 1_000


def test_mixed_to_strong_rejects_weak_questions_of_rl_clips() -> None:
    """They have no place in the plan, and the reason says so."""
    result = split({f"A:{number}": ["weak", "strong"] for number in range(50)}, "mixed-to-strong")
    assert set(result.rejected["reason"]) == {"not_in_plan"}
    assert set(result.rejected["detail"]) == {"a weak question of a clip that mixed-to-strong puts into rl"}
    assert result.count(subset="rl") == result.rejected.height
    assert result.count(subset="sft", audio_contribution="weak") == result.count(
        subset="sft", audio_contribution="strong"
    )


def test_the_default_share_makes_sft_as_large_as_the_weak_subset() -> None:
    """As in the paper, the SFT set of a mixed plan has about as many questions as there are weak ones."""
    corpus = {f"A:{number}": ["weak" if number % 10 < 7 else "strong"] for number in range(5_000)}
    result = split(corpus, "mixed-to-mixed")
    assert result.count(audio_contribution="weak") == 3_500
    assert abs(result.count(subset="sft") - 3_500) < 150
    assert not result.rejected.height


def test_weak_strong_describes_the_labels() -> None:
    """Its subsets are the labels as they are, so a clip with both is in both."""
    result = split({"A:1": ["weak", "strong"]}, "weak-strong")
    assert result.sides() == {"A:1": {"weak", "strong"}}
    assert not result.rejected.height


def test_the_seed_divides_anew() -> None:
    """Another seed is another division of the clips that are placed by hash."""
    corpus = {f"A:{number}": ["strong"] for number in range(100)}
    first, second = (split(corpus, "mixed-to-mixed", seed=seed, share=0.5).sides() for seed in (0, 1))
    assert first != second


def test_every_clip_can_be_asked_into_sft() -> None:
    """A share of 1 leaves nothing for rl."""
    result = split({f"A:{number}": ["weak", "strong"] for number in range(200)}, "mixed-to-strong", share=1.0)
    assert result.count(subset="sft") == 400


def test_a_share_is_refused_where_it_means_nothing() -> None:
    """An option that would be ignored is an error."""
    with pytest.raises(RecipeError, match="no meaning in the plan weak-to-strong"):
        split({"A:1": ["weak"]}, "weak-to-strong", share=0.3)


@pytest.mark.parametrize("label", ["", "Weak", None])
def test_an_unknown_label_is_an_error(label: str | None) -> None:
    """A question that is neither weak nor strong stops the stage by name rather than vanishing."""
    rows = questions({"A:1": ["weak"]}).with_columns(audio_contribution=pl.lit(label, pl.String))
    assert STAGE.divide
    with pytest.raises(InputError, match="question 'A:1:llm:0' is labelled"):
        STAGE.divide(rows, Context(SplitOptions(), 0, 0.0))


@pytest.mark.parametrize("keep", [False, True])
def test_questions_of_broken_blocks(keep: bool) -> None:
    """Three questions of a block are rejected, or kept as single ones; a whole block stays one."""
    rows = questions({f"A:{n}": ["weak"] for n in range(7)}).with_columns(
        block=pl.Series(["whole"] * 4 + ["broken"] * 3),
        choices=pl.lit(["a", "b", "c", "d"]),
        answer_index=pl.Series([0, 1, 2, 3, 0, 1, 2]),
    )
    assert STAGE.divide
    found = STAGE.divide(rows, Context(SplitOptions(plan="weak-strong"), 0, 0.0, keep_broken=keep))
    assert found.kept["block"].to_list() == ["whole"] * 4 + [None] * 3 * keep
    assert found.rejected["reason"].to_list() == ["block_broken"] * 3 * (not keep)


def test_columns_come_out_as_declared() -> None:
    """The subset is the one column added, at the end; row order is kept."""
    rows = pl.DataFrame({name: ["x", "y"] for name in LABELLED}).with_columns(
        audio_contribution=pl.lit("weak"), clip_id=pl.Series(["A:2", "A:1"]), block=pl.lit(None, pl.String)
    )
    assert STAGE.divide
    kept = STAGE.divide(rows, Context(SplitOptions(), 0, 0.0)).kept
    assert tuple(kept.columns) == RELEASED
    assert kept["clip_id"].to_list() == ["A:2", "A:1"]
