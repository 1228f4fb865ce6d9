"""Tests of ``grounded/lexicon.py`` and of the vocabulary itself."""

from __future__ import annotations

from collections import defaultdict

import pytest

from audiomcq_cli.grounded.lexicon import SOMETHING, gerund, load, pluralize


def test_every_name_is_there() -> None:
    """Whatever the vocabulary refers to has an entry: broader and near sources, near actions, who does something."""
    sources, actions = load().sources, load().actions
    kinds = {source.kind for source in sources.values()}
    named = {name for source in sources.values() for name in (*source.broader, *source.near)}
    assert named <= set(sources)
    assert {name for action in actions.values() for name in action.near} <= set(actions)
    assert {name.removeprefix("=") for action in actions.values() for name in action.of} <= {
        *sources,
        *kinds,
        SOMETHING,
    }
    assert {action.alone for action in actions.values()} - {"", SOMETHING} <= set(sources)
    assert {source.does for source in sources.values()} - {""} <= set(actions)


def test_nothing_is_broader_than_itself() -> None:
    """The relation to what a source is one of has no circles."""
    sources = load().sources

    def above(name: str) -> set[str]:
        return {found for one in sources[name].broader for found in ({one} | above(one))}

    assert [name for name in sources if name in above(name)] == []


def test_a_word_names_one_source() -> None:
    """No noun, singular or plural, stands for two sources."""
    named = defaultdict(set)
    for source in load().sources.values():
        for word in source.words:
            named[word].add(source.name)
            if not source.mass:
                named[pluralize(word)].add(source.name)
    assert {word: names for word, names in named.items() if len(names) > 1} == {}


def test_a_source_that_acts_alone_can_act() -> None:
    """Who is meant where nobody is named is among those who do it."""
    lexicon = load()
    wrong = [one.name for one in lexicon.actions.values() if one.alone and not lexicon.covers(one.name, one.alone)]
    assert wrong == []


@pytest.mark.parametrize(
    ("form", "source"),
    [
        ("mice", "mouse"),
        ("wolves", "wolf"),
        ("geese", "goose"),
        ("women", "woman"),
        ("children", "child"),
        ("flies", "fly"),
        ("leaves", "leaves"),
        ("people", "person"),
        ("church bells", "bell"),
        ("swarms of bees", "bee"),
    ],
)
def test_irregular_plurals(form: str, source: str) -> None:
    """Irregular plurals and those of several words are known as such."""
    noun = load().nouns[tuple(form.split())]
    assert (noun.source, noun.plural) == (source, True)


@pytest.mark.parametrize(
    ("form", "action"),
    [
        ("spoke", "speak"),
        ("sang", "sing"),
        ("rang", "ring"),
        ("flew", "fly"),
        ("running", "run_feet"),
        ("blew", "blow"),
    ],
)
def test_irregular_verbs(form: str, action: str) -> None:
    """Irregular forms of a verb name its action."""
    assert action in [verb.action for verb in load().verbs[form,]]


def test_inflected_phrases() -> None:
    """Of several words the one that changes is changed."""
    assert (pluralize("gust of wind"), gerund("give a speech"), gerund("run")) == (
        "gusts of wind",
        "giving a speech",
        "running",
    )


def test_covers() -> None:
    """A source does what it, its kind or what it is one of does."""
    lexicon = load()
    assert lexicon.covers("chirp", "owl")
    assert lexicon.covers("growl", "dog")
    assert lexicon.covers("hum", SOMETHING)
    assert not lexicon.covers("bark", "cat")
    assert not lexicon.covers("bark", SOMETHING)
