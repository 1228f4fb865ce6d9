"""Tests of ``grounded/shard_plan.py``: what the clips of a shard are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.blocks.reading import find_proof
from audiomcq_cli.grounded.blocks.table import read_entries, write_table
from audiomcq_cli.grounded.knowledge import build_table, load_table
from audiomcq_cli.grounded.measured.family import write_facts
from audiomcq_cli.grounded.measured.proof import FAMILIES, find_fault, is_of
from audiomcq_cli.grounded.shard_plan import ShardPlan, plan_shard
from audiomcq_cli.mcq import lint_block
from tests.grounded import make_clip
from tests.grounded.blocks import captions
from tests.grounded.measured import BELL, DOG, MAN, RAIN, make_row

PLAIN = ("A dog barks", "A bell rings", "Rain falls", "A man speaks")
PITCHES = ("rising 4.0", "falling -4.0", "steady 0.1")


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
    clips = [
        make_row(
            *((BELL, 0.6 + n, 2.1 + 2 * n), (DOG, 3.4 + 1.3 * n, 9.0 + n), (MAN, 14.3, 15 + n / 2), (RAIN, 18.0, 19.0)),
            clip=f"Small:{n}",
            tempo=60.0 + 17 * n,
            pitch_change=PITCHES[n % 3],
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


@st.composite
def measured(draw: st.DrawFn) -> list[Row]:
    """Clips of which one thing or several were measured."""
    tempos = st.sampled_from([60.0, 77.0, 94.0, 111.0, 128.0, 145.0])
    rows = []
    for number in range(draw(st.integers(0, 24))):
        bells = [(BELL, 0.6 + 4 * n, 2.0 + 4 * n) for n in range(draw(st.integers(0, 4)))]
        heard: dict[str, Any] = {"tempo": draw(tempos), "pitch_change": draw(st.sampled_from(PITCHES))}
        unknown = draw(st.sets(st.sampled_from(["pitch_change", "tempo"])))
        known = {name: value for name, value in heard.items() if name not in unknown}
        rows.append(make_row(*bells, clip=f"Small:{number}", **known))
    return rows


def count_measured(found: ShardPlan) -> Counter[str]:
    """Questions about what was measured, by family: of blocks and alone."""
    blocks = Counter(block.family for asks in found.blocks.values() for block in asks if block)
    return Counter(one.form for one in found.alone.values()) + Counter(
        {family: count for family, count in blocks.items() if family in FAMILIES}
    )


@settings(max_examples=20)
@given(measured(), st.integers(1, 2))
def test_no_measured_family_has_more_than_its_share(clips: list[Row], slots: int) -> None:
    """A family has a third of the measured questions, or an equal part where there are fewer families, or one block."""
    count = count_measured(plan(clips, slots))
    share = -(-count.total() // min(3, max(1, len(count))))
    assert all(number < share + 4 for number in count.values())


@settings(max_examples=15)
@given(measured())
def test_nothing_is_asked_twice(clips: list[Row]) -> None:
    """No clip is asked alone what a block of its asks."""
    found = plan(clips, 2)
    for clip in clips:
        name = clip["clip_id"]
        proofs: list[Sequence[Mapping[str, Any]]] = [
            write_facts(find_proof(clip, block.family, block.ask, block.keys[block.answers[name]]))
            for block in found.blocks.get(name, ())
            if block
        ]
        proofs += [list(one.proof) for (asked, _), one in found.alone.items() if asked == name]
        assert all(one not in proofs[:place] for place, one in enumerate(proofs))


def test_blocks_beyond_a_share() -> None:
    """Where nearly all is of one family, others have as many questions; clips without one are told what is wanted."""
    tempos = [make_row(clip=f"Tempo:{n}", tempo=90 * 1.07 ** (n % 5)) for n in range(40)]
    bells = [
        make_row(*((BELL, 1 + 2.0 * k, 2 + 2.0 * k) for k in range(2 + n % 4)), clip=f"Bell:{n}") for n in range(8)
    ]
    assert count_measured(plan(tempos)) == {"bpm": 40}
    found = plan([*tempos, *bells])
    count = count_measured(found)
    assert len(count) > 1
    assert count["bpm"] < 20
    assert any("share" in found.lacks[clip["clip_id"]].detail for clip in tempos if clip["clip_id"] in found.lacks)


def test_a_clip_beyond_the_share_of_one_family_joins_another_block() -> None:
    """Clips whose block is left out are asked what their captions say."""
    said = [f"{text} {where}" for where in ("in a yard", "near a wall", "far away") for text in PLAIN]
    tempos = [make_row(clip=f"Tempo:{n}", tempo=90 * 1.1 ** (n % 4), captions=[text]) for n, text in enumerate(said)]
    bells = [
        make_row(*((BELL, 1 + 2.0 * k, 2 + 2.0 * k) for k in range(2 + n % 4)), clip=f"Bell:{n}") for n in range(4)
    ]
    asked = {clip: [block.family for block in asks if block] for clip, asks in plan([*tempos, *bells]).blocks.items()}
    assert {family for one in tempos for family in asked.get(one["clip_id"], ())} > {"bpm"}
    assert all(one["clip_id"] in asked for one in tempos)


@settings(max_examples=8)
@given(measured(), measured())
def test_earlier_blocks_stay_beyond_a_share(clips: list[Row], added: list[Row]) -> None:
    """Blocks of an earlier version stay, even where their family has more than its share now."""
    added = [row | {"clip_id": row["clip_id"].replace("Small", "Added")} for row in added]
    before = plan(clips, 2)
    after = plan([*clips, *added], 2, before.table.to_pylist())
    for clip, blocks in before.blocks.items():
        assert all(block in (None, kept) for block, kept in zip(blocks, after.blocks[clip], strict=True))


@settings(max_examples=25)
@given(st.lists(captions, min_size=4, max_size=8), st.lists(st.integers(0, 7), min_size=8, max_size=30))
def test_copies_of_a_caption_join_once(texts: list[str], drawn: list[int]) -> None:
    """No two clips of one cluster are in blocks, whatever of a corpus comes again."""
    clips = make_clips([texts[n % len(texts)] for n in drawn])
    clusters = load_table(build_table(clips)).clusters
    grouped = [clusters.get(clip, clip) for clip in plan(clips, 2).blocks]
    assert len(set(grouped)) == len(grouped)


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
