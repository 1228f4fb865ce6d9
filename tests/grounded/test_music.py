"""Tests of ``grounded/music.py``."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from audiomcq_cli.grounded.music import load_facets, read_traits


def stated(*captions: str) -> dict[str, tuple[str, ...]]:
    """What is stated, by facet."""
    return {trait.facet: trait.stated for trait in read_traits(captions) if trait.stated}


def named(caption: str, facet: str) -> set[str]:
    """Options of a facet that are of a family that is so much as mentioned."""
    families = load_facets()[facet].families
    return {
        option
        for trait in read_traits([caption])
        if trait.facet == facet
        for number in trait.named
        for option in families[number]
    }


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
    """What is denied is mentioned, and not stated."""
    caption += ". A violin plays"
    assert stated(caption)["instrument"] == ("a violin",)
    assert {"drums", "congas", "a tambourine"} <= named(caption, "instrument")


@pytest.mark.parametrize(
    "sentence",
    ["There might be a flute", "It sounds like a flute", "Possibly a flute", "It could be used in a flute concert"],
)
def test_unsure(sentence: str) -> None:
    """What is only supposed is mentioned, and not stated."""
    caption = f"A song with a violin. {sentence}."
    assert stated(caption)["instrument"] == ("a violin",)
    assert "a flute" in named(caption, "instrument")


@pytest.mark.parametrize(
    ("caption", "close"),
    [
        ("A song with an acoustic guitar", {"an electric guitar", "a guitar", "a ukulele", "a harp"}),
        ("A song with a cello", {"a violin", "a viola", "a double bass"}),
        ("A song with an orchestra and a piano", {"a trumpet", "a violin", "a flute", "drums"}),
    ],
)
def test_families_are_mentioned_whole(caption: str, close: set[str]) -> None:
    """What cannot well be told from something named, or belongs to it, is mentioned with it."""
    assert close <= named(caption, "instrument")


def test_longer_word_counts() -> None:
    """An electric guitar is no guitar besides."""
    assert stated("A song with an electric guitar")["instrument"] == ("an electric guitar",)


@pytest.mark.parametrize(
    "captions", [["A sad man speaks"], ["A bell rings"], [""], ["A bell", "Rain", "A sad song"], []]
)
def test_not_about_music(captions: Sequence[str]) -> None:
    """Captions of which most are not about music say nothing of it."""
    assert read_traits(captions) == []


@pytest.mark.parametrize(
    ("caption", "tempo"),
    [
        ("A song. The tempo is medium fast", ("moderately fast",)),
        ("A slow paced song with fast drums", ()),
        ("A song with a slow tempo", ("slow",)),
        ("A song. The tempo is fast and the song is uptempo", ("fast",)),
    ],
)
def test_sure(caption: str, tempo: tuple[str, ...]) -> None:
    """An option is sure where every other word of its facet leaves it open."""
    [trait] = [trait for trait in read_traits([caption]) if trait.facet == "tempo"]
    assert trait.sure == tempo


@pytest.mark.parametrize(
    "caption", ["An instrument that resembles an accordion plays music", "An accordion-like instrument in a song"]
)
def test_resembled(caption: str) -> None:
    """What something only resembles is not stated."""
    assert "instrument" not in stated(caption)


def test_captions_agree() -> None:
    """Half of the captions have to say it."""
    assert stated("A sad song", "A sad song on a piano", "A song on a flute")["mood"] == ("sad",)
    assert "instrument" not in stated("A sad song", "A sad song on a piano", "A song on a flute")


@pytest.mark.parametrize("facet", sorted(load_facets()))
def test_an_option_is_of_one_family(facet: str) -> None:
    """Every option stands in one family and has words for it; families are enough for three wrong options."""
    families = load_facets()[facet].families
    options = [option for family in families for option in family if option]
    assert len(options) == len(set(options))
    assert all(words for family in families for words in family.values())
    assert len([family for family in families if any(family)]) >= 4


@pytest.mark.parametrize("facet", sorted(load_facets()))
def test_rare_options_are_options(facet: str) -> None:
    """What is rare is an option, and rare options are of families enough for blocks of their own."""
    found = load_facets()[facet]
    assert not found.rare or len({found.family(option) for option in found.rare}) >= 4
