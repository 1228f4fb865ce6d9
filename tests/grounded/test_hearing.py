"""Tests of ``grounded/hearing.py``."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.grounded.clauses import BEFORE, DURING
from audiomcq_cli.grounded.hearing import listen
from tests.grounded import CORPUS


def texts(*captions: str) -> list[str]:
    """What is heard, as options."""
    return [event.text for event in listen(captions).events]


def pairs(caption: str) -> list[tuple[str, str, str]]:
    return [(pair.first.text, pair.relation, pair.second.text) for pair in listen([caption]).pairs]


def test_denied_is_still_named() -> None:
    """What is denied counts as said, so that it is offered to nobody as a wrong option."""
    scene = listen(["A man speaks but no dog barks"])
    assert [event.text for event in scene.events] == ["a man speaking"]
    assert "dog" in scene.sources
    assert "bark" in scene.actions


@pytest.mark.parametrize(
    ("caption", "relation"),
    [
        ("A dog barks followed by a man laughing", BEFORE),
        ("A dog barks, which is followed by a man laughing", BEFORE),
        ("A dog barks, immediately followed by a man laughing", BEFORE),
        ("A dog barks, then a man laughs", BEFORE),
        ("A dog barks and then a man laughs", BEFORE),
        ("A dog barks before a man laughs", BEFORE),
        ("A dog barks after which a man laughs", BEFORE),
        ("A dog barks while a man laughs", DURING),
        ("A dog barks as a man laughs", DURING),
    ],
)
def test_relation(caption: str, relation: str) -> None:
    """The words between two clauses say which comes first, or that both go on together."""
    assert pairs(caption) == [("a dog barking", relation, "a man laughing")]


def test_after_turns_round() -> None:
    """What is told after something comes second."""
    assert pairs("A dog barks after a man laughs") == [("a man laughing", BEFORE, "a dog barking")]


@pytest.mark.parametrize("link", [" and ", ", ", ". ", " with ", " as well as ", " before and after "])
def test_no_relation(link: str) -> None:
    """Other words say nothing of the order."""
    assert pairs(f"A dog barks{link}a man laughs") == []
    assert len(texts(f"A dog barks{link}a man laughs")) == 2


def test_chain() -> None:
    """The order of all events is known where the caption states each step."""
    chain = listen(["A bell rings, then a dog barks, followed by a man laughing"]).chain
    assert [event.text for event in chain] == ["a bell ringing", "a dog barking", "a man laughing"]


@pytest.mark.parametrize(
    "caption",
    [
        "A dog barks",
        "A bell rings, then a dog barks and a man laughs",
        "A bell rings, then a dog barks while a man laughs",
        "A bell rings, then there is an odd noise, then a dog barks",
        "A dog barks, then a cat meows, then a dog barks",
    ],
)
def test_no_chain(caption: str) -> None:
    """One event, a step without an order, something unknown or something that comes back leaves the order open."""
    assert listen([caption]).chain == ()


def test_chain_of_one_caption_only() -> None:
    """Where several captions tell different parts, none has the whole order."""
    assert listen(["A dog barks, then a man laughs", "A bell rings"]).chain == ()


def test_agreement() -> None:
    """An event counts once a caption, whatever the words; half of the captions have to have it."""
    scene = listen(["A dog barks and a man laughs", "A puppy yaps, a dog barks", "A dog is barking"])
    assert [event.text for event in scene.events] == ["a dog barking", "a man laughing"]
    assert scene.counts[scene.events[0].concept] == 3
    assert [event.text for event in scene.agreed()] == ["a dog barking"]
    assert scene.captions == 3


def test_half_is_enough() -> None:
    """Of two captions one is enough."""
    assert len(listen(["A dog barks", "A man laughs"]).agreed()) == 2


def test_labels_are_named() -> None:
    """Labels of known events count as named, and make no events of their own."""
    scene = listen(["A dog barks"], ["a bell ringing"])
    assert [event.text for event in scene.events] == ["a dog barking"]
    assert {"dog", "bell"} <= scene.sources


def test_verb_names_its_source() -> None:
    """Barking says that there is a dog."""
    assert "dog" in listen(["Loud barking and shouting"]).sources


ODD = {
    "empty": "",
    "spaces": " \t\n ",
    "emoji": "🐶 barks 🐶🐶",
    "braces": "{a} dog {cue} barks {0} %s {{}}",
    "nul": "a\0dog\0barks",
    "right to left": "كلب ينبح ‮a dog barks",
    "punctuation": "....,,,;;;---'''\"\"",
    "links": "and then followed by before after while as with",
    "very long": "a dog barks and a man laughs, then " * 3_000,
    "one word": "x" * 100_000,
    "one noun": "dog " * 10_000,
    "modifiers": "a very loud " * 5_000,
    "hyphens": "a-" * 20_000,
    "commas": ", " * 20_000,
}


@pytest.mark.parametrize("caption", ODD.values(), ids=ODD)
def test_odd_text(caption: str) -> None:
    """Nothing that may stand in a caption raises or takes long."""
    begin = time.perf_counter()
    scene = listen([caption, caption], [caption])
    assert time.perf_counter() - begin < 5
    assert len(scene.events) <= 2


@given(st.lists(st.text(max_size=60), max_size=3))
def test_any_text(captions: list[str]) -> None:
    """Any text at all is read."""
    scene = listen(captions)
    assert scene.captions == len(captions)
    assert {event.source for event in scene.events} <= scene.sources | {"something"}


WORDS = sorted(
    {word for caption in CORPUS for word in caption.lower().split()} | {"then", "followed", "by", "not", ","}
)


@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_words(words: list[str]) -> None:
    """The words of captions in any order are read, and what is taken as an event is among what is named."""
    scene = listen([" ".join(words)])
    assert all(event.action in scene.actions for event in scene.events)
    assert all(pair.first in scene.events or pair.second in scene.events for pair in scene.pairs)


@pytest.mark.parametrize(
    "caption",
    [
        "A man speaks in a room where a bell rings three times",
        "A dog barks until a car horn honks twice",
        "A cat meows at a dog that barks twice",
        "The wind blows twice as hard as before",
        "A man coughs once in a while",
        "A woman sneezes once a crowd starts cheering",
        "A dog barks twice, then three times more",
        "Multiple people talking at once",
        "A bell rings, a man speaks and the bell rings twice more",
        "A dog barks once and then barks two more times",
        "A dog barks twice, a man speaks and the dog barks again",
    ],
)
def test_number_that_is_not_of_the_whole_clip(caption: str) -> None:
    """A number of times is that of the verb right before it, and only where nothing else is counted or goes on."""
    assert {event.times for event in listen([caption]).events} <= {""}, caption


def test_long_caption_ends() -> None:
    """Of a caption of a megabyte only the beginning is read."""
    assert len(listen(["A dog barks, then a man speaks, then rain falls, " * 20_000]).pairs) < 400


def test_agreed_in_other_words() -> None:
    """Captions that name a source and its action in a form that is no plain clause count for what another states."""
    captions = [
        "A dog barks",
        "The barking of a small dog can be heard by the listener",
        "Because of a dog there is lots of barking to listen to",
        "Birds chirp",
        "Somebody is out walking",
    ]
    assert [event.text for event in listen(captions).agreed()] == ["a dog barking"]


def test_named_apart_is_not_agreed() -> None:
    """A source without its action counts for nothing."""
    assert not listen(["A dog barks", "There is a dog here", "A dog again, of all things"]).agreed()


def agreed(*captions: str) -> list[str]:
    """What the captions agree on."""
    return [event.text for event in listen(captions).agreed()]


def test_borne_out() -> None:
    """What two captions of five state counts where the others name the thing as well, or nothing that it could be."""
    two = ["A bird chirps", "A bird is chirping"]
    assert agreed(*two, "A bird in a tree", "A quiet park", "An open field") == ["a bird chirping"]
    assert "a bird chirping" not in agreed(*two, "A frog", "A frog sits there", "Frogs")
    assert agreed(two[0], "A quiet park", "An open field") == []


def test_doubted() -> None:
    """What one caption takes for an imitation is not asked about."""
    assert agreed("A dog barks", "A dog is barking", "A man barks like a dog") == []


def test_words_of_most_captions() -> None:
    """One annotator's odd word gives way to the plain one of others, and so does the number."""
    assert agreed("Someone converses", "People speak", "People are speaking") == ["people speaking"]


def test_no_order_of_what_comes_back() -> None:
    """A sound that is heard before and after another has no order to it."""
    assert pairs("A woman speaks followed by a dog barking, then a woman speaks") == []


def test_hints() -> None:
    """Words that let one expect a source are kept apart from those that name it."""
    scene = listen(["A mechanical hum on a wet road"])
    assert {"machine", "water", "traffic"} <= scene.hinted
    assert not {"machine", "water", "traffic"} & scene.sources


@pytest.mark.parametrize(
    "captions",
    [
        ("A goose is cackling", "A goose is cackling", "Chickens cluck", "Chickens are clucking", "Ducks quack"),
        ("A car passes", "Cars pass by", "A car passes", "A fan blows", "A fan spins"),
        ("A car revs", "A car revs up", "A toy car is revved up", "A saw buzzes", "A drill spins"),
        ("A stream is running", "A stream runs", "A tap runs", "A faucet is running", "Water falls"),
        ("Rain falls", "It is raining", "Rain falls", "Water in a fountain splashes", "A fountain splashes"),
    ],
)
def test_disputed(captions: tuple[str, ...]) -> None:
    """Where captions take a sound for different things, or one says that it is a likeness, none is agreed on."""
    assert agreed(*captions) == []


def test_one_odd_caption() -> None:
    """One caption of five may take a sound for something else; what another names beside it is no rival."""
    said = ["A dog barks", "A dog is barking", "A dog barks", "A dog barks near a cat", "A wolf howls"]
    assert agreed(*said) == ["a dog barking"]


@pytest.mark.parametrize("caption", ["Heavy wind with faint murmuring", "Muttering is heard"])
def test_voice_of_nobody(caption: str) -> None:
    """Voices that nobody is named for are said to be heard."""
    assert "speak" in listen([caption]).actions


def test_verb_of_another() -> None:
    """A bird that sings is no voice of somebody."""
    assert not {"speak", "sing"} & listen(["A bird sings"]).actions


def test_who_of_several() -> None:
    """Who does what in one caption only is not agreed on because others name the same people beside another's act."""
    said = ("Children laugh and scream", "Kids play and adults laugh", "A child plays as people laugh")
    assert agreed(*said) == ["people laughing"]


def test_an_airplane_or_a_car() -> None:
    """Vehicles that drive by are no airplane that flies."""
    said = ("A plane flies by", "A plane flies", "A vehicle drives by", "A vehicle passes", "Autos cruise by")
    assert "an airplane flying by" not in agreed(*said)
