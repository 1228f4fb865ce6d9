"""Tests of ``grounded/clauses.py``."""

from __future__ import annotations

import pytest

from audiomcq_cli.grounded.hearing import listen
from tests.grounded import CORPUS, hear


def texts(*captions: str) -> list[str]:
    """What is heard, as options."""
    return [event.text for event in listen(captions).events]


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("A dog barks", "a dog barking"),
        ("dogs barking", "dogs barking"),
        ("A dog is barking", "a dog barking"),
        ("The dog barked.", "a dog barking"),
        ("A large dog barks loudly", "a dog barking"),
        ("Several dogs are barking", "dogs barking"),
        ("Three dogs bark nearby", "dogs barking"),
        ("An adult female speaks", "a woman speaking"),
        ("two men talk", "men talking"),
        ("People are talking", "people talking"),
        ("A female cheering", "a woman cheering"),
        ("A female voice speaks", "a woman speaking"),
        ("Sheep bleat", "sheep bleating"),
        ("A sheep bleats", "a sheep bleating"),
        ("Water is dripping", "water dripping"),
        ("An owl hoots in a forest", "an owl hooting"),
        ("Someone types on a keyboard", "someone typing on a keyboard"),
        ("A MAN SNEEZES", "a man sneezing"),
    ],
)
def test_plain_clause(caption: str, text: str) -> None:
    """Somebody or something and what it does is an event, however it is put."""
    assert texts(caption) == [text]


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("barking", "a dog barking"),
        ("Laughter", "someone laughing"),
        ("Humming of an engine", "an engine humming"),
        ("Applause", "someone clapping"),
        ("A loud hum", "something humming"),
    ],
)
def test_nobody_is_named(caption: str, text: str) -> None:
    """Of a bare sound whoever makes such a sound is the source, and of a texture nobody is."""
    assert texts(caption) == [text]


@pytest.mark.parametrize(
    ("caption", "second"),
    [
        ("A dog barks and growls", "a dog growling"),
        ("A dog barks, then growls", "a dog growling"),
        ("A dog barking and growling", "a dog growling"),
        ("A woman laughs and then speaks", "a woman speaking"),
        ("A dog barks, followed by laughing", "someone laughing"),
        ("A man speaks followed by laughter", "someone laughing"),
    ],
)
def test_elided_subject(caption: str, second: str) -> None:
    """A verb that goes on has the subject before it; what follows a sound may be anybody's."""
    assert texts(caption)[1:] == [second]


def test_passive() -> None:
    """What is flushed is heard flushing; who is laughed at does not laugh."""
    assert texts("A toilet is flushed") == ["a toilet flushing"]
    assert texts("A surface is tapped") == []
    assert texts("A person is laughed at") == []


@pytest.mark.parametrize(
    "caption",
    [
        "No dog barks",
        "A dog does not bark",
        "A dog never barks",
        "Maybe a dog barks",
        "It sounds like a dog barking",
        "A dog stops barking",
        "A man can't speak",
        "A man says a dog barks",
        "A man imitates a dog barking",
        "A recording of a dog barking",
        "A baby doll cries",
    ],
)
def test_what_is_no_event(caption: str) -> None:
    """What is denied, supposed, told or done to something else is not heard for sure."""
    assert texts(caption) == []


def test_background() -> None:
    """What is far or behind the rest is marked, and only that."""
    first, second = listen(["A man speaks while birds chirp in the background"]).events
    assert (first.background, second.background) == (False, True)
    assert hear("A siren wails in the distance").background


@pytest.mark.parametrize(("caption", "times"), [("A bell rings three times", "three times"), ("A bell rings", "")])
def test_times(caption: str, times: str) -> None:
    """How often something is heard is kept where it is said."""
    assert hear(caption).times == times


@pytest.mark.parametrize("caption", [caption for caption in CORPUS if caption != "Loud humming"])
def test_text_of_an_event_is_read_as_the_event(caption: str) -> None:
    """An option and a clause made of an event mean that event again."""
    event = hear(caption)
    assert hear(event.text).concept == event.concept
    assert hear(event.progress).concept == event.concept


@pytest.mark.parametrize(
    "caption", ["A dog barks loudly twice", "A bell rings three times", "A man coughs twice loudly"]
)
def test_number_of_times(caption: str) -> None:
    """A number right behind its verb counts."""
    assert [event.times for event in listen([caption]).events] in (["twice"], ["three times"])


@pytest.mark.parametrize(
    ("caption", "behind"),
    [
        ("A man speaks near traffic in the distance", []),
        ("A woman talks to a dog in the background", []),
        ("A dog barks in the background", ["a dog barking"]),
        ("A distant bell rings", ["a bell ringing"]),
        ("Birds chirp loudly in the distance", ["birds chirping"]),
    ],
)
def test_who_is_in_the_background(caption: str, behind: list[str]) -> None:
    """The background is that of the sound that it is said of, not of one further off."""
    assert [event.text for event in listen([caption]).events if event.background] == behind


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("A tiger roars", "a tiger roaring"),
        ("A whistle blows", "a whistle blowing"),
        ("A dishwasher hums", "a dishwasher humming"),
        ("A wasp buzzes", "a wasp buzzing"),
        ("A cannon fires", "a cannon firing"),
        ("A television plays", "a television playing"),
        ("Someone knocks", "someone knocking"),
        ("Someone knocks on a door", "someone knocking on a door"),
    ],
)
def test_named_as_it_is_said(caption: str, text: str) -> None:
    """An option names what the caption does, not a relative of it."""
    assert [event.text for event in listen([caption]).events] == [text]


@pytest.mark.parametrize(
    ("caption", "event"),
    [
        ("A crowd cheers vigorously", "a crowd cheering"),
        ("Two different men talking concurrently", "men talking"),
        ("Loud repetitive snoring", "someone snoring"),
        ("A ticking sound", "something ticking"),
        ("Barking occurs", "a dog barking"),
        ("A helicopter engine idles", "an engine idling"),
        ("Birds singing outdoors", "birds singing"),
        ("A meowing cat", "a cat meowing"),
        ("Several barking dogs", "dogs barking"),
        ("Rustling leaves", "leaves rustling"),
        ("Screeching tires from a car", "tires screeching"),
    ],
)
def test_said_in_other_ways(caption: str, event: str) -> None:
    """Adverbs in -ly, mere words for sounds, and participles before the noun leave an event readable."""
    assert [one.text for one in listen([caption]).events] == [event]


@pytest.mark.parametrize("caption", ["A family speaks", "A barking dog toy", "A man makes barking sounds"])
def test_not_said(caption: str) -> None:
    """A noun in -ly is no adverb, and a participle before another noun than one that does it is no event."""
    assert not listen([caption]).events


@pytest.mark.parametrize(
    ("caption", "events"),
    [
        ("A man and a woman speak", ["a man speaking", "a woman speaking"]),
        ("A car and two trucks pass", ["a car passing", "trucks passing"]),
        ("A man and a bell ring", ["a bell ringing"]),
    ],
)
def test_joint_subjects(caption: str, events: list[str]) -> None:
    """Two subjects of one verb both do it, where both can."""
    assert texts(caption) == events


@pytest.mark.parametrize(
    ("caption", "event"),
    [
        ("Someone rings a bell", "a bell ringing"),
        ("A man is opening the heavy door", "a door opening"),
        ("A person crumples some paper", "paper crumpling"),
        ("A man flushes the toilet", "a toilet flushing"),
    ],
)
def test_object(caption: str, event: str) -> None:
    """What somebody makes sound is heard."""
    assert texts(caption) == [event]


@pytest.mark.parametrize("caption", ["A man passes a car", "A man calls a bird", "A woman approaches the door"])
def test_object_that_is_silent(caption: str) -> None:
    """What somebody goes past, or calls, does not sound for that."""
    assert texts(caption) == []


@pytest.mark.parametrize(
    ("caption", "event"),
    [
        ("Thunder in the distance", "thunder rumbling"),
        ("It is raining hard", "rain falling"),
        ("Traffic noise", "traffic passing"),
        ("Crickets can be heard", "crickets chirping"),
        ("A crowd of people are talking", "a crowd talking"),
        ("An explosion occurs", "something exploding"),
    ],
)
def test_named_alone(caption: str, event: str) -> None:
    """Weather, traffic and small animals sound as such things do, where they are named as what is heard."""
    assert texts(caption) == [event]


@pytest.mark.parametrize(
    ("caption", "others"),
    [
        ("An adult male laughs, and tapping occurs", ["something tapping"]),
        ("A man speaks, a wheel turns and cheering", ["a crowd cheering"]),
        ("Quacking and chirping", ["a duck quacking"]),
        ("Humming and clicking of an engine", []),
        ("An engine accelerating and screeching", ["an engine accelerating"]),
        ("A gurgling noise", ["something gurgling"]),
    ],
)
def test_no_doer_is_made_up(caption: str, others: list[str]) -> None:
    """A bare sound belongs to nobody but who is named right before it and can make it."""
    found = texts(caption)
    assert not {"a man tapping", "a man cheering", "a duck chirping", "something screeching"} & set(found)
    assert set(others) <= set(found)
    assert "something humming" not in found


def test_pronoun() -> None:
    """A pronoun stands for what was heard right before, where it can."""
    assert texts("A car passes by, then it accelerates") == ["a car passing by", "a car accelerating"]
    assert texts("A man speaks while it passes") == ["a man speaking"]


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("A thump occurs", "something thumping"),
        ("A loud bang", "something banging"),
        ("Humming from an engine", "an engine humming"),
        ("The hum of an engine", "an engine humming"),
        ("Someone is tapping on metal", "someone tapping"),
    ],
)
def test_in_the_words_of_the_caption(caption: str, text: str) -> None:
    """A noun that says what is heard is told by its own verb, and who makes a sound is named where the caption does."""
    assert texts(caption) == [text]


@pytest.mark.parametrize(
    "caption",
    [
        "A toy car is revved up",
        "A toy car is revving",
        "Remote controlled vehicle driving by",
        "A fake dog barks",
        "Vibrations from a sewing machine",
        "Vibrations occur",
        "Insects are audible in the distance",
        "Some insects making noises",
        "Someone is tapping on a bell",
        "Tapping on a bell",
    ],
)
def test_no_more_than_the_caption_says(caption: str) -> None:
    """A likeness of a thing, a thing without a verb and a tap on something that sounds itself are no events."""
    assert texts(caption) == []
