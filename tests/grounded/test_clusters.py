"""Tests of ``grounded/clusters.py``: which clips are copies of one another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.grounded.clusters import find_clusters, list_marks
from tests.grounded import make_clip

marked = st.dictionaries(st.sampled_from("abcdefghij"), st.lists(st.sampled_from("12345"), max_size=2))


def test_marks() -> None:
    """Case, punctuation and white space are no difference between captions; an empty caption marks nothing."""
    assert list(list_marks(make_clip("A dog -  BARKS!"))) == list(list_marks(make_clip("a dog barks")))
    assert list(list_marks(make_clip("", " ...", audio_sha256="ab"))) == ["audio ab"]


@given(marked)
def test_clusters(marks: dict[str, list[str]]) -> None:
    """Who shares a mark shares a cluster named after one of it; who shares none is in none; order does not matter."""
    clusters = find_clusters(marks.items())
    assert find_clusters(list(marks.items())[::-1]) == clusters
    for one, own in marks.items():
        near = [other for other in marks if other != one and set(own) & set(marks[other])]
        assert (one in clusters) == bool(near)
        assert all(clusters[one] == clusters[other] for other in near)
    assert all(clusters[head] == head for head in clusters.values())


def test_preferred_clips_stand_for_their_cluster() -> None:
    """A clip that is in a block already stands for its copies."""
    marks = [(clip, ["1"]) for clip in "abcdef"]
    assert {find_clusters(marks, {clip})["a"] for clip in "abcdef"} == set("abcdef")
