"""Tests of ``grounded/pool.py``."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.pool import Pool, is_implied, kind_of
from tests.grounded import hear, learn, small


@pytest.mark.parametrize(
    ("captions", "event"),
    [
        ("A dog barks", "A dog barks"),
        ("A puppy yaps", "A dog barks"),
        ("A man talks", "A man is speaking"),
        ("An animal howls", "A dog growls"),
        ("A dog barks", "An animal growls"),
        ("barking", "A dog howls"),
        ("Loud dog noises", "A dog barks"),
        ("Rain falls", "Water runs"),
        ("A truck passes", "An engine idles"),
        ("A boy speaks", "A man speaks"),
        ("A man speaks", "Someone speaks"),
        ("A person speaks", "A woman speaks"),
        ("People speak", "A child speaks"),
        ("Humming", "An engine idles"),
        ("An engine idles", "Humming"),
        ("Loud humming", "A vacuum cleaner runs"),
        ("A man speaks but no dog barks", "A dog barks"),
    ],
)
def test_implied(captions: str, event: str) -> None:
    """What is stated, by another name, more or less exactly, easily mistaken, or only perhaps, is no wrong option."""
    assert is_implied(hear(event), listen([captions]))


@pytest.mark.parametrize(
    ("captions", "event"),
    [
        ("A dog barks", "A cat meows"),
        ("A man speaks", "A woman speaks"),
        ("A man speaks", "A man sneezes"),
        ("Rain falls", "A dog barks"),
        ("Humming", "A dog barks"),
        ("A dog barks", "Humming"),
        ("A bell rings", "A train moves"),
    ],
)
def test_not_implied(captions: str, event: str) -> None:
    """What has nothing to do with the captions can be a wrong option; people are told apart."""
    assert not is_implied(hear(event), listen([captions]))


def test_label_implies() -> None:
    """The label of a known event is as good as a caption."""
    assert is_implied(hear("A dog barks"), listen(["A bell rings"], ["Dog"]))


LIKE = {"animal": "a dog barking", "vehicle": "a car passing", "person": "a man speaking", "nature": "rain falling"}


def pick(pool: Pool, *key: str | int, like: str = "animal", count: int = 3, heard: str = "") -> list[str]:
    return pool.pick_like(LIKE[like], listen([heard]), count, *key)


def test_pick_is_deterministic() -> None:
    """The same key draws the same options again, other keys others."""
    pool = small().pool
    assert pick(pool, 0, "a") == pick(pool, 0, "a")
    assert len({tuple(pick(pool, 0, key)) for key in "abcdefgh"}) > 4


def test_pick_does_not_depend_on_the_order_of_the_pool() -> None:
    """A pool in another order gives the same options."""
    pool = small().pool
    turned = Pool(list(reversed(pool.events)), list(reversed(pool.clips)))
    assert [pick(pool, key) for key in range(50)] == [pick(turned, key) for key in range(50)]


def test_picks_are_distinct() -> None:
    """No two options of a question are of one source, or the same sound."""
    by_text = {event.text: event for event in small().pool.events}
    for key in range(200):
        picked = pick(small().pool, key)
        assert len({by_text[text].source for text in picked}) == len(set(picked)) == 3


@pytest.mark.parametrize("kind", ["animal", "vehicle", "person", "nature"])
def test_pick_respects_the_kind(kind: str) -> None:
    """Where there are enough of a kind all options are of it."""
    by_text = {event.text: event for event in small().pool.events}
    picked = [text for key in range(50) for text in pick(small().pool, key, like=kind)]
    assert {kind_of(by_text[text].source) for text in picked} == {kind}


def test_other_kinds_fill_up() -> None:
    """Where a kind has too few others follow."""
    pool = learn(["A dog barks", "A bell rings", "A train moves", "Paper crumples"]).pool
    assert pick(pool, 1)[0] == "a dog barking"
    assert len(pick(pool, 1)) == 3


def test_what_is_heard_is_not_picked() -> None:
    """Nothing is picked that the captions state or imply."""
    picked = [text for key in range(50) for text in pick(small().pool, key, heard="A dog barks and a cat meows")]
    assert picked
    assert not any("dog" in text or "cat" in text for text in picked)


def test_frequent_events_are_picked_more_often() -> None:
    """What many clips have is a wrong option more often than what few have."""
    events = [hear(text) for text in ("A dog barks", "A cat meows", "A cow moos", "A horse neighs", "A frog croaks")]
    pool = Pool(events, [100, 1, 1, 1, 1])
    picked = [text for key in range(200) for text in pick(pool, key, count=1)]
    assert picked.count("a dog barking") > 120


def changed(before: Pool, after: Pool, keys: Sequence[int]) -> int:
    return sum(pick(before, key) != pick(after, key) for key in keys)


@pytest.mark.parametrize("caption", ["A wolf howls", "A donkey neighs", "A turkey gobbles", "A saw cuts"])
def test_new_event_moves_little(caption: str) -> None:
    """An event that joins the pool changes a few picks, and those by one option."""
    pool = small().pool
    grown = Pool([*pool.events, hear(caption)], [*pool.clips, 1])
    keys = range(300)
    assert changed(pool, grown, keys) < 90
    assert all(len(set(pick(grown, key)) - set(pick(pool, key))) <= 1 for key in keys)


def test_too_small_a_pool() -> None:
    """A pool of few events gives few options."""
    assert pick(learn([]).pool, 1) == []
    assert len(pick(learn(["A dog barks", "A bell rings"]).pool, 1)) == 2
