"""Tests of ``grounded/knowledge.py``."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.knowledge import build_table, empty_table, load_table
from tests.grounded import CORPUS, UNREAD, learn, make_clip, small

CLIPS = [make_clip(caption, clip=f"Small:{n}", events=UNREAD) for n, caption in enumerate(CORPUS)]


def counts(*captions: str) -> dict[str, int]:
    """How many clips each event is heard in, where each caption is a clip."""
    pool = learn(captions).pool
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


def test_clips_with_captions_alone_are_not_counted() -> None:
    """Only clips with known sounds, measurements or words are asked outside blocks, and need sounds of others."""
    assert list(load_table(build_table([make_clip("A dog barks")])).pool.events) == []


def test_copies_are_named() -> None:
    """Clips of one caption or one recording are a cluster, which is named after the one that stands for it."""
    clips = [
        make_clip("A dog barks", clip="Small:a"),
        make_clip("a  Dog barks.", clip="Small:b"),
        make_clip("A cow moos", clip="Small:c", audio_sha256="00"),
        make_clip("A cow is mooing", clip="Small:d", audio_sha256="00"),
        make_clip("A cat meows", clip="Small:e"),
    ]
    known = load_table(build_table(clips))
    assert known.clusters.keys() == {f"Small:{name}" for name in "abcd"}
    assert len({known.clusters[f"Small:{name}"] for name in "ab"}) == 1
    assert sorted(clip["clip_id"] for clip in clips if known.is_copy(clip["clip_id"])) == sorted(
        name for pair in (("a", "b"), ("c", "d")) for one in pair if known.clusters[name := f"Small:{one}"] != name
    )


def test_table_holds_all(tmp_path: Path) -> None:
    """A table that was written to a file knows what the corpus says."""
    pq.write_table(build_table(CLIPS), tmp_path / "table.parquet")
    known = load_table(pq.read_table(tmp_path / "table.parquet"))
    heard = [event for caption in CORPUS for event in listen([caption]).events]
    assert set(known.pool.events) == set(heard)
    assert sum(known.pool.clips) == len(heard)
    assert known.clusters == small().clusters


def test_order_of_rows_does_not_matter() -> None:
    """The table is the same whatever the order of the clips."""
    assert build_table(CLIPS).equals(build_table(CLIPS[::-1]))


def test_empty_table() -> None:
    """A table without clips has the same columns, and knows nothing."""
    assert empty_table().schema == build_table(CLIPS).schema
    assert build_table([]).equals(empty_table())
    known = load_table(empty_table())
    assert (list(known.pool.events), known.measured, known.clusters) == ([], {}, {})
