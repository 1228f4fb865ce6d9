"""Tests of ``grounded/shard_plan.py``: what the clips of a shard are asked."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.blocks.reading import find_proof
from audiomcq_cli.grounded.blocks.table import read_entries, write_table
from audiomcq_cli.grounded.knowledge import build_table, load_table
from audiomcq_cli.grounded.measured.family import write_facts
from audiomcq_cli.grounded.measured.proof import find_fault, is_of
from audiomcq_cli.grounded.shard_plan import ShardPlan, plan_shard
from audiomcq_cli.mcq import lint_block
from tests.grounded import make_clip
from tests.grounded.blocks import captions
from tests.grounded.measured import BELL, DOG, MAN, RAIN, make_row


def plan(clips: Sequence[Row], slots: int = 1, earlier: Sequence[Row] = ()) -> ShardPlan:
    return plan_shard(clips, load_table(build_table(clips, earlier)), slots, 0)


def make_clips(texts: Sequence[str], start: int = 0) -> list[Row]:
    return [make_clip(text, clip=f"Small:{number}") for number, text in enumerate(texts, start)]


@settings(max_examples=40)
@given(st.lists(captions, max_size=40), st.integers(1, 3))
def test_every_slot_has_a_question_or_a_reason(texts: list[str], slots: int) -> None:
    """Each slot is filled by a block that no rule finds fault with, or alone, or the clip has a reason why not."""
    clips = make_clips(texts)
    found = plan(clips, slots)
    for clip in clips:
        name = clip["clip_id"]
        blocks = found.blocks.get(name, [None] * slots)
        assert len(blocks) == slots
        for slot, block in enumerate(blocks):
            assert (block is not None) + ((name, slot) in found.alone) <= 1
            assert block or (name, slot) in found.alone or found.lacks[name].detail
            assert not block or not lint_block(block.question, block.options)


def test_copies_join_no_block() -> None:
    """Of clips with one caption one takes part; the others say which."""
    clips = make_clips(["A dog barks"] * 3 + ["A bell rings", "Rain falls", "A man speaks"])
    found = plan(clips)
    assert len(found.blocks) == 4
    copies = {clip: lack for clip, lack in found.lacks.items() if lack.reason == "duplicate"}
    [head] = {f"Small:{n}" for n in range(3)} - set(copies)
    assert len(copies) == 2
    assert all(head in lack.detail for lack in copies.values())


def test_every_measured_row_of_a_block_is_proved() -> None:
    """The numbers of a clip prove its answer in a block, against the true values of the three others."""
    pitches = ("rising 4.0", "falling -4.0", "steady 0.1")
    clips = [
        make_row(
            *((BELL, 0.6 + n, 2.1 + 2 * n), (DOG, 3.4 + 1.3 * n, 9.0 + n), (MAN, 14.3, 15 + n / 2), (RAIN, 18.0, 19.0)),
            clip=f"Small:{n}",
            tempo=60.0 + 17 * n,
            pitch_change=pitches[n % 3],
        )
        for n in range(8)
    ]
    found, families = plan(clips, 4), set()
    for clip in clips:
        for block in found.blocks.get(clip["clip_id"], ()):
            if block:
                place = block.answers[clip["clip_id"]]
                proof = write_facts(find_proof(clip, block.family, block.ask, block.keys[place]))
                assert not find_fault(block.options, block.options[place], proof)
                assert is_of(clip | {"proof": proof})
                families.add(block.family)
    assert len(families) >= 3


@settings(max_examples=30)
@given(st.lists(captions, min_size=4, max_size=30), st.lists(captions, max_size=6))
def test_table_of_a_plan_keeps_its_blocks(texts: list[str], added: list[str]) -> None:
    """Blocks come back out of their table, and with the table given none of them moves where clips are added."""
    before = plan(make_clips(texts), 2)
    entries = before.table.to_pylist()
    read = read_entries(entries)
    assert {clip: group.slots[0] for group in read.groups for clip in group.clips} == {
        clip: blocks[0] for clip, blocks in before.blocks.items()
    }
    assert write_table(read).to_pylist() == [entry for entry in entries if entry["block"]]
    after = plan([*make_clips(texts), *make_clips(added, 1000)], 2, entries)
    for clip, blocks in before.blocks.items():
        assert all(block in (None, kept) for block, kept in zip(blocks, after.blocks[clip], strict=True))
