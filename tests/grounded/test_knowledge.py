"""Tests of ``grounded/knowledge.py``."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.knowledge import build_table, empty_table, load_table
from audiomcq_cli.grounded.questions import write_questions
from tests.grounded import CORPUS, make_clip, small

CLIPS = [make_clip(caption, clip=f"Small:{n}") for n, caption in enumerate(CORPUS)]


def counts(*captions: str) -> dict[str, int]:
    """How many clips each event is heard in, where each caption is a clip."""
    pool = load_table(build_table([make_clip(caption) for caption in captions])).pool
    return dict(zip([event.text for event in pool.events], pool.clips, strict=True))


def test_clips_are_counted() -> None:
    """An event counts once a clip, and what is not said for sure not at all."""
    assert counts("A dog barks", "A dog barks and a dog is barking", "A cat meows", "No cow moos") == {
        "a dog barking": 2,
        "a cat meowing": 1,
    }


def test_events_of_the_source_count() -> None:
    """Labels of known events are in the pool as captions are."""
    known = load_table(build_table([make_clip("Noises", events=[("a bell ringing", 1.0, 2.0)] * 3)]))
    assert [event.text for event in known.pool.events] == ["a bell ringing"]
    assert list(known.pool.clips) == [1]


def test_traits_are_counted() -> None:
    """What is said of music is counted by facet."""
    clips = [make_clip("A sad song with a violin"), make_clip("A sad tune")]
    known = load_table(build_table(clips))
    assert known.traits == {"instrument": {"a violin": 1}, "mood": {"sad": 2}}


def test_table_holds_all(tmp_path: Path) -> None:
    """A table that was written to a file knows what the corpus says, and leads to the same questions."""
    pq.write_table(build_table(CLIPS), tmp_path / "table.parquet")
    known = load_table(pq.read_table(tmp_path / "table.parquet"))
    heard = [event for caption in CORPUS for event in listen([caption]).events]
    assert set(known.pool.events) == set(heard)
    assert sum(known.pool.clips) == len(heard)
    assert [write_questions(clip, known, 1, 3) for clip in CLIPS] == [
        write_questions(clip, small(), 1, 3) for clip in CLIPS
    ]


def test_order_of_rows_does_not_matter() -> None:
    """The table is the same whatever the order of the clips."""
    assert build_table(CLIPS).equals(build_table(CLIPS[::-1]))


def test_empty_table() -> None:
    """A table without clips has the same columns, and knows nothing."""
    assert empty_table().schema == build_table(CLIPS).schema
    assert build_table([]).equals(empty_table())
    known = load_table(empty_table())
    assert (list(known.pool.events), known.traits) == ([], {})
    assert write_questions(CLIPS[0], known, 1, 0).questions == []
