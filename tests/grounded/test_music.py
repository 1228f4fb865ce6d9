"""Tests of ``grounded/music.py``."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from audiomcq_cli.grounded.music import draft_music, load_facets, read_traits


def stated(*captions: str) -> dict[str, tuple[str, ...]]:
    """What is stated, by facet."""
    return {trait.facet: trait.stated for trait in read_traits(captions) if trait.stated}


def wrong_of(caption: str, facet: str, seed: int = 0) -> list[str]:
    """Wrong options of the first question about a facet."""
    drafts = list(draft_music("Small:1", read_traits([caption]), {}, seed))
    return list(next(draft for draft in drafts if draft.form == facet).draw_wrong())


def asked(caption: str) -> dict[str, str]:
    return {draft.form: draft.answer for draft in draft_music("Small:1", read_traits([caption]), {}, 0)}


def test_facets() -> None:
    """Instruments, voice, tempo, style and mood are read."""
    caption = "A fast paced heavy metal song with electric guitars and drums. A male vocalist sings. It sounds spooky."
    assert stated(caption) == {
        "instrument": ("an electric guitar", "drums"),
        "voice": ("a man",),
        "tempo": ("fast",),
        "genre": ("metal",),
        "mood": ("spooky",),
    }


@pytest.mark.parametrize(
    "caption",
    ["A song with no drums", "A song without drums", "This song lacks drums", "There aren't any drums in this song"],
)
def test_denied(caption: str) -> None:
    """What is denied is not stated, and is no wrong option either."""
    caption += ". A violin plays"
    assert stated(caption)["instrument"] == ("a violin",)
    assert not {"drums", "bongos", "a tambourine"} & {
        option for seed in range(30) for option in wrong_of(caption, "instrument", seed)
    }


@pytest.mark.parametrize(
    "sentence",
    ["There might be a flute", "It sounds like a flute", "Possibly a flute", "It could be used in a flute concert"],
)
def test_unsure(sentence: str) -> None:
    """What is only supposed is not stated, and is no wrong option either."""
    caption = f"A song with a violin. {sentence}."
    assert stated(caption)["instrument"] == ("a violin",)
    assert "a flute" not in {option for seed in range(30) for option in wrong_of(caption, "instrument", seed)}


@pytest.mark.parametrize(
    ("caption", "never"),
    [
        ("A song with an acoustic guitar", {"an electric guitar", "a guitar", "a ukulele", "a harp"}),
        ("A song with a cello", {"a violin", "a viola", "a double bass"}),
        ("A song with an orchestra and a piano", {"a trumpet", "a violin", "a flute", "drums"}),
    ],
)
def test_families_are_ruled_out(caption: str, never: set[str]) -> None:
    """What cannot well be told from something named, or belongs to it, is no wrong option."""
    options = {option for seed in range(40) for option in wrong_of(caption, "instrument", seed)}
    assert options
    assert not never & options


def test_wrong_options_are_of_different_families() -> None:
    """Where there are enough families, each gives one wrong option."""
    facet = load_facets()["instrument"]
    for seed in range(30):
        assert len({facet.family(option) for option in wrong_of("A song with a violin", "instrument", seed)}) == 3


def test_longer_word_counts() -> None:
    """An electric guitar is no guitar besides."""
    assert stated("A song with an electric guitar")["instrument"] == ("an electric guitar",)


@pytest.mark.parametrize(
    ("caption", "facet"),
    [
        ("A sad song that turns cheerful", "mood"),
        ("A jazz song with a bit of reggae", "genre"),
        ("A song with a slow tempo that gets a fast tempo", "tempo"),
        ("A male vocalist and a female vocalist sing this song", "voice"),
    ],
)
def test_whole_is_asked_of_only_where_it_is_one(caption: str, facet: str) -> None:
    """A mood, style, tempo or voice is asked about where the caption has just one."""
    assert facet not in asked(caption)


def test_several_instruments() -> None:
    """Each of several instruments can be asked about, with none of them among the wrong options."""
    caption = "A song with a violin, a flute and a trumpet"
    drafts = list(draft_music("Small:1", read_traits([caption]), {}, 0))
    assert sorted(draft.answer for draft in drafts) == ["a flute", "a trumpet", "a violin"]
    assert not {"a violin", "a flute", "a trumpet"} & {option for draft in drafts for option in draft.draw_wrong()}


@pytest.mark.parametrize(
    "captions", [["A sad man speaks"], ["A bell rings"], [""], ["A bell", "Rain", "A sad song"], []]
)
def test_not_about_music(captions: Sequence[str]) -> None:
    """Captions of which most are not about music say nothing of it."""
    assert read_traits(captions) == []


def test_captions_agree() -> None:
    """Half of the captions have to say it."""
    assert stated("A sad song", "A sad song on a piano", "A song on a flute")["mood"] == ("sad",)
    assert "instrument" not in stated("A sad song", "A sad song on a piano", "A song on a flute")


def test_what_other_clips_have_comes_first() -> None:
    """Wrong options are those that are heard elsewhere in the corpus, as far as they go."""
    traits = read_traits(["A song with a violin"])
    known = {"instrument": {"a flute": 3, "a trumpet": 2, "an organ": 1, "a violin": 9}}
    [draft] = draft_music("Small:1", traits, known, 0)
    assert sorted(draft.draw_wrong()) == ["a flute", "a trumpet", "an organ"]


@pytest.mark.parametrize("facet", sorted(load_facets()))
def test_an_option_is_of_one_family(facet: str) -> None:
    """Every option stands in one family and has words for it; families are enough for three wrong options."""
    families = load_facets()[facet].families
    options = [option for family in families for option in family if option]
    assert len(options) == len(set(options))
    assert all(words for family in families for words in family.values())
    assert len([family for family in families if any(family)]) >= 4
