"""Tests of ``grounded/blocks/plan.py``: what holds of every plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.grounded.blocks.claims import Candidate
from audiomcq_cli.grounded.blocks.events import name
from audiomcq_cli.grounded.blocks.plan import ALONE, DUPLICATE, NOTHING, plan_blocks
from audiomcq_cli.grounded.blocks.reading import CLASSES
from audiomcq_cli.grounded.blocks.writing import Block
from audiomcq_cli.grounded.clauses import BEFORE
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import Pair, listen
from audiomcq_cli.grounded.pool import is_implied
from audiomcq_cli.mcq import lint_block
from audiomcq_cli.records import draw
from tests.grounded import CORPUS
from tests.grounded.blocks import LINKS, MUSIC, blocks, captions, corpora, read, read_all

quick = settings(max_examples=25, deadline=None, derandomize=True)


def draw_corpus(clips: int) -> list[str]:
    """Captions of one to three clauses, drawn by number: the same each time."""
    texts = []
    for number in range(clips):
        parts = [CORPUS[draw("clause", number, place) % len(CORPUS)] for place in range(3)]
        link, other = (LINKS[draw("link", number, place) % len(LINKS)] for place in range(2))
        kinds = (parts[0], parts[0] + link + parts[1], parts[0] + link + parts[1] + other + parts[2], MUSIC[number % 5])
        texts.append(kinds[draw("kind", number) % 4])
    return texts


TEXTS = draw_corpus(400)
CANDIDATES = read_all(TEXTS)
PLAN = plan_blocks(CANDIDATES, slots=3)


def check_whole(block: Block, candidates: Mapping[str, Candidate]) -> None:
    """Four clips, one question, four options, four keys that are four answers of theirs."""
    assert len(set(block.answers)) == len(set(block.options)) == len(set(block.keys)) == 4
    assert sorted(block.answers.values()) == [0, 1, 2, 3]
    for clip, place in block.answers.items():
        assert candidates[clip].find(block.family, block.ask, block.keys[place])


HEARD = ("presence", "beside", "while", "background", "comes_after", "comes_before", "pair", *CLASSES.values())
"""Families of which an option is wrong only for clips that its sounds may not be heard in."""


def check_wrong(block: Block, texts: Mapping[str, str], candidates: Mapping[str, Candidate]) -> None:
    """No key of a clip is stated or implied by the captions of another, as the single questions judge it."""
    for clip, place in block.answers.items():
        others = [texts[other] for other in block.answers if other != clip]
        claim = candidates[clip].find(block.family, block.ask, block.keys[place])
        assert claim
        if block.family in HEARD:
            events = [Event(*name(number), False, "", "") for number in claim.events]
            for text in others:
                assert not all(is_implied(event, listen([text])) for event in events)
        check_unsaid(block.options[place], [one for text in others for one in listen([text]).pairs])


def check_unsaid(option: str, pairs: Iterable[Pair]) -> None:
    """An order or a pair of sounds is none that a caption states."""
    stated = {f"{one.first.text}, then {one.second.text}" for one in pairs if one.relation == BEFORE}
    stated |= {
        f"{first} and {second}" for one in pairs for first, second in permutations((one.first.text, one.second.text))
    }
    assert option not in stated


def check_said(block: Block, texts: Mapping[str, str]) -> None:
    """What a caption says in the words of an option about one sound or about music, its clip has as the answer."""
    if block.family in ("presence", "instrument", "genre", "mood", "voice", "tempo"):
        for clip, place in block.answers.items():
            option = block.options[place].removeprefix("a ").removeprefix("an ")
            for other in block.answers:
                assert other == clip or not re.search(rf"\b{re.escape(option)}\b", texts[other], re.IGNORECASE)


@quick
@given(corpora)
def test_whole(candidates: list[Candidate]) -> None:
    """Every block has four clips, one question, four options and each of them as the key of one clip."""
    plan = plan_blocks(candidates, slots=2)
    by_id = {one.clip: one for one in candidates}
    for block in blocks(plan):
        check_whole(block, by_id)
    grouped = [clip for group in plan.groups for clip in group.clips]
    assert len(set(grouped)) == len(grouped)
    for group in plan.groups:
        assert all(set(block.answers) == set(group.clips) for block in group.slots if block)


@quick
@given(st.lists(captions, min_size=8, max_size=60))
def test_no_key_is_implied_by_another_clip(texts: list[str]) -> None:
    """No key is stated or implied by another clip of the block."""
    candidates = {one.clip: one for one in read_all(texts)}
    said = {f"Small:{number}": text for number, text in enumerate(texts)}
    for block in blocks(plan_blocks(candidates.values(), slots=2)):
        check_wrong(block, said, candidates)
        check_said(block, said)


def test_many_families() -> None:
    """A corpus like a real one is asked about in many ways, each whole, with no key implied by another clip."""
    by_id = {one.clip: one for one in CANDIDATES}
    said = {f"Small:{number}": text for number, text in enumerate(TEXTS)}
    for block in blocks(PLAN):
        check_whole(block, by_id)
        check_wrong(block, said, by_id)
        check_said(block, said)
    families = {block.family for block in blocks(PLAN)}
    assert families >= {"presence", "animal", "in_order", "pair", "beside", "genre", "traits"}


@quick
@given(corpora)
def test_lint(candidates: list[Candidate]) -> None:
    """No block has a fault by the lints of blocks."""
    for block in blocks(plan_blocks(candidates, slots=2)):
        assert not lint_block(block.question, block.options)


def test_lint_of_many_families() -> None:
    """Nor has one of a corpus like a real one."""
    assert not [block for block in blocks(PLAN) if lint_block(block.question, block.options)]


@quick
@given(corpora, st.randoms(use_true_random=False))
def test_order_of_clips(candidates: list[Candidate], random: object) -> None:
    """The plan does not depend on the order in which clips come."""
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert plan_blocks(shuffled) == plan_blocks(candidates)


@quick
@given(st.lists(captions, min_size=8, max_size=50), st.lists(captions, min_size=1, max_size=5))
def test_added_clips_move_none(texts: list[str], added: list[str]) -> None:
    """With the earlier plan given, clips that are added join new blocks only."""
    before = read_all(texts)
    earlier = plan_blocks(before, slots=2)
    plan = plan_blocks([*before, *read_all(added, start=len(texts))], slots=2, earlier=earlier)
    groups = {group.clips: group for group in plan.groups}
    for group in earlier.groups:
        kept = groups[group.clips]
        assert all(new == old for new, old in zip(kept.slots, group.slots, strict=True) if old)


def test_added_tenth_moves_none() -> None:
    """A tenth more clips leaves every block of a larger corpus in place, and some of them find blocks."""
    plan = plan_blocks([*CANDIDATES, *read_all(draw_corpus(440)[400:], start=400)], slots=3, earlier=PLAN)
    assert {block.id for block in blocks(PLAN)} <= {block.id for block in blocks(plan)}
    assert len(plan.groups) > len(PLAN.groups)


@quick
@given(corpora, st.data())
def test_lost_clip(candidates: list[Candidate], data: st.DataObject) -> None:
    """A block that lost a clip is planned anew; the others stay."""
    earlier = plan_blocks(candidates)
    lost = data.draw(st.sampled_from([one.clip for one in candidates]))
    plan = plan_blocks([one for one in candidates if one.clip != lost], earlier=earlier)
    kept = {block.id for block in blocks(plan)}
    assert {block.id for block in blocks(earlier) if lost not in block.answers} <= kept
    assert all(lost not in block.answers for block in blocks(plan))


def test_changed_caption() -> None:
    """A block of which a clip no longer states its key, or states that of another clip, is planned anew."""
    texts = ["A dog barks", "A bell rings", "Rain falls", "A man speaks"]
    [group] = (earlier := plan_blocks(read_all(texts))).groups
    for changed in ("Silence", "A dog barks and rain falls"):
        candidates = [read("Small:0", changed), *read_all(texts[1:], start=1)]
        plan = plan_blocks(candidates, earlier=earlier)
        assert all(block.keys != group.slots[0].keys for block in blocks(plan) if group.slots[0])


@quick
@given(corpora)
def test_everyone_is_accounted_for(candidates: list[Candidate]) -> None:
    """Every clip is in one group or is spare, with a reason."""
    plan = plan_blocks(candidates)
    grouped = {clip for group in plan.groups for clip in group.clips}
    assert grouped.isdisjoint(plan.spares)
    assert grouped | set(plan.spares) == {one.clip for one in candidates}
    asked = {one.clip: bool(one.claims) for one in candidates}
    assert all(reason == (ALONE if asked[clip] else NOTHING) for clip, reason in plan.spares.items())


def test_one_of_a_cluster() -> None:
    """Of clips that are the same only one takes part: one that is in a block already."""
    texts = ["A dog barks", "A bell rings", "Rain falls", "A man speaks"]
    plan = plan_blocks(read_all(texts))
    assert not plan.spares
    for again in range(20):
        copy = Candidate(f"Copy:{again}", "Small:0", CANDIDATES[0].claims)
        assert plan_blocks([*read_all(texts), copy], earlier=plan).spares == {copy.clip: DUPLICATE}
        assert DUPLICATE in plan_blocks([*read_all(texts), copy]).spares.values()


@quick
@given(st.lists(st.tuples(captions, st.integers(0, 5)), min_size=8, max_size=50))
def test_a_cluster_joins_once(texts: list[tuple[str, int]]) -> None:
    """Of the clips of one cluster one is in blocks at most, with an earlier plan and without."""
    candidates = [
        read(f"Small:{number}", text, cluster=f"cluster {cluster}" if cluster else "")
        for number, (text, cluster) in enumerate(texts)
    ]
    clusters = {one.clip: one.cluster for one in candidates}
    plan = plan_blocks(candidates[: len(candidates) // 2])
    for found in (plan, plan_blocks(candidates, earlier=plan), plan_blocks(candidates)):
        grouped = [clusters[clip] for group in found.groups for clip in group.clips]
        assert len(set(grouped)) == len(grouped)


def test_id_is_of_content() -> None:
    """A block has the same id whatever else is planned, and another one with other clips."""
    texts = ["A dog barks", "A bell rings", "Rain falls", "A man speaks"]
    [one], [same], [other] = (blocks(plan_blocks(read_all(texts, start=start))) for start in (0, 0, 9))
    assert one == same
    assert one.id != other.id


def test_texts_spread() -> None:
    """No question text of a corpus takes more than a few of its rows."""
    count: dict[str, int] = {}
    for block in blocks(PLAN):
        count[block.question] = count.get(block.question, 0) + 1
    assert max(count.values()) / sum(count.values()) < 0.08


def test_options_in_one_place_say_nothing() -> None:
    """Keys fall on each of the four places about as often."""
    places = [0, 0, 0, 0]
    firsts: Sequence[int] = [block.answers[min(block.answers)] for block in blocks(PLAN)]
    for place in firsts:
        places[place] += 1
    assert min(places) > len(firsts) / 8
