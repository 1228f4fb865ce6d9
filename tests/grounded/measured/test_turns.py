"""Tests of ``grounded/measured/turns.py``: which measured question a clip without a block is asked."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.grounded.drafts import Question
from audiomcq_cli.grounded.measured.turns import Wanting, take_turns

FAMILIES = ("begin", "end", "pace", "count", "bpm")


def question(family: str, subject: object = None) -> Question:
    return Question(family, "sound", f"{family}?", "a", ("b", "c", "d"), subject=subject or family)


@st.composite
def wanted(draw: st.DrawFn) -> list[Wanting]:
    """Clips with a few families each, and slots that are open."""
    families = st.lists(st.sampled_from(FAMILIES), unique=True, max_size=5)
    return [
        Wanting(f"Small:{number}", range(draw(st.integers(1, 3))), [question(one) for one in draw(families)])
        for number in range(draw(st.integers(0, 40)))
    ]


@given(wanted())
def test_no_family_takes_more_than_its_share(clips: list[Wanting]) -> None:
    """A family has a third of the questions at most, or an equal part where there are fewer families."""
    count = Counter(one.form for one in take_turns(clips).values())
    assert bool(count) == any(clip.questions for clip in clips)
    assert all(number <= -(-count.total() // min(3, len(count))) for number in count.values())


@given(wanted(), st.dictionaries(st.sampled_from(FAMILIES), st.integers(1, 20)))
def test_blocks_count(clips: list[Wanting], asked: dict[str, int]) -> None:
    """A family that blocks ask more than its share already is not asked alone as well."""
    alone = Counter(one.form for one in take_turns(clips, asked).values())
    count = alone + Counter(asked)
    assert all(count[family] <= -(-count.total() // min(3, len(count))) for family in alone)


@given(wanted())
def test_no_clip_is_asked_twice_about_one_thing(clips: list[Wanting]) -> None:
    """Each slot has one question, in families that differ; the order of the clips does not matter."""
    taken = take_turns(clips)
    assert len({(clip, one.subject) for (clip, _), one in taken.items()}) == len(taken)
    assert take_turns(clips[::-1]) == taken


def test_families_of_blocks_come_last() -> None:
    """What a block asks of a clip already is asked alone only where there is nothing else."""
    clip = Wanting("Small:1", (1,), [question("begin"), question("end")], frozenset({"begin"}))
    assert [one.form for one in take_turns([clip]).values()] == ["end"]
    clip = Wanting("Small:1", (1,), [question("begin", "another bell")], frozenset({"begin"}))
    assert [one.form for one in take_turns([clip]).values()] == ["begin"]
