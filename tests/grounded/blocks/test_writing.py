"""Tests of ``grounded/blocks/writing.py`` and of the stems."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest

from audiomcq_cli.grounded import blocks as package
from audiomcq_cli.grounded.blocks.matching import SIZE
from audiomcq_cli.grounded.blocks.naming import load_forms
from audiomcq_cli.grounded.blocks.plan import plan_blocks
from audiomcq_cli.grounded.blocks.reading import read_candidate
from audiomcq_cli.grounded.lexicon import load
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.mcq import mentions_text, words_of
from audiomcq_cli.records import TYPES
from tests.grounded.blocks import blocks, read, read_all
from tests.grounded.measured import make_row

WORDING = Path(str(package.__file__)).with_name("wording.toml")

KNOWN = {"presence": set[str](), "doing": {"be", "do", "the"}, "how_often": {"do", "the", "verb"}, "who": {"gerund"}}


@pytest.mark.parametrize("family", load_forms())
def test_stems(family: str) -> None:
    """A stem is a question of a known type, names no text, and is filled in with nothing that its family lacks."""
    form = load_forms()[family]
    assert form.type in TYPES
    for stems in (form.stems, *form.asks.values()):
        assert len(set(stems)) == len(stems)
    for stem in (*form.stems, *(stem for stems in form.asks.values() for stem in stems)):
        wanted = {name for _, name, _, _ in Formatter().parse(stem) if name}
        assert wanted <= KNOWN.get(family, {"cue", "sound"})
        assert stem.endswith("?")
        assert not mentions_text(stem)


def test_plain_words() -> None:
    """Voices that narrate, murmur or chat are options as speaking, and a background does not stick to other clips."""
    texts = ["A man narrates", "A bell rings in the distance", "A bell rings", "Rain falls", "A frog croaks"]
    options = {option for block in blocks(plan_blocks(read_all(texts))) for option in block.options}
    assert "a man speaking" in options
    [rain] = [one.texts for one in read("Small:9", "Rain flows").claims if one.family == "presence"]
    assert rain == ("rain falling",)
    candidates = read_all(texts)
    assert [any(one.family == "background" for one in clip.claims) for clip in candidates[1:3]] == [True, False]


def test_measured() -> None:
    """Four clips whose measured values keep the margins are asked one question, with their true values as options."""
    rows = [make_row(clip=f"Small:{n}", tempo=bpm) for n, bpm in enumerate((100.0, 110.0, 121.0, 133.0))]
    [block] = [one for one in blocks(plan_blocks(map(read_candidate, rows))) if one.family == "bpm"]
    assert [block.options[block.answers[f"Small:{n}"]].split()[0] for n in range(4)] == ["100", "110", "121", "133"]


def test_measured_too_close() -> None:
    """Values closer than the margin of their family never share a block."""
    rows = [make_row(clip=f"Small:{n}", tempo=bpm) for n, bpm in enumerate((100.0, 101.0, 140.0, 171.0))]
    assert not [one for one in blocks(plan_blocks(map(read_candidate, rows))) if one.family == "bpm"]


def test_families_of_captions_are_none_that_are_measured() -> None:
    """A family has one way to ask and one way to be wrong: no name is used for captions and for measurements."""
    assert not load_forms().keys() & FAMILIES.keys()


def test_one_wording_of_orders() -> None:
    """The orders of a block are worded alike, but for one beside its reverse, which would have the same words."""
    texts = [
        f"{first}, then {second}"
        for first, second in (
            ("a dog barks", "a bell rings"), ("a bell rings", "a dog barks"), ("a cow moos", "rain falls"),
            ("rain falls", "a cow moos"), ("a frog croaks", "a siren wails"), ("a horse neighs", "a door closes"),
        )
    ]  # fmt: skip
    for block in blocks(plan_blocks(read_all(texts), slots=3)):
        if block.family == "in_order":
            assert len({words_of(option) for option in block.options}) == SIZE
            assert len({re.sub(r"\b(?:a|rain)\b[\w ]+?ing\b", "", option) for option in block.options}) <= 2


@pytest.mark.parametrize("family", ["presence", "pair", "traits", "instrument"])
def test_large_families_have_many_stems(family: str) -> None:
    """Families that ask most of a corpus have stems enough that none is asked often."""
    assert len(load_forms()[family].stems) >= 15


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("Pigeons chirp", "pigeons cooing"), ("Waves hit the shore", "waves crashing on the shore"),
        ("A person steps", "someone walking"), ("Traffic drives by", "traffic passing by"),
        ("Birds caw", "crows cawing"), ("A gun shoots", "a gun firing"), ("A train horn honks", "a train horn blowing"),
        ("A stream splashes", "a stream flowing"), ("A crowd converses", "a crowd talking"),
        ("A train honks", "a train blowing its horn"), ("A baby converses", "a baby babbling"),
        ("A drum sounds", "a drum beating"), ("Geese caw", "geese honking"), ("A faucet pours", "a faucet running"),
    ],
)  # fmt: skip
def test_pairs_of_noun_and_verb(caption: str, text: str) -> None:
    """A sound is said as people say it of what makes it, whatever the verb of the caption."""
    told = [one.texts for one in read("Small:1", caption).claims if one.family == "presence"]
    assert told == [(text,)]


def test_plain_words_are_words_of_sounds() -> None:
    """What is said, and instead of what, is known of that source and action: else it is never read."""
    lexicon = load()
    for name, words in tomllib.loads(WORDING.read_text("utf-8"))["plain"].items():
        *source, action = name.split()
        assert all(lexicon.covers(action, one) for one in source)
        assert all(verb in lexicon.actions[action].verbs for verbs in words.values() for verb in verbs)


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("A man and a woman speak", "a man and a woman speaking"),
        ("Birds chirp and crickets chirp", "birds and crickets chirping"),
        ("A man speaks and women speak", "women and a man speaking"),
        ("A man speaks and a woman laughs", "a man speaking and a woman laughing"),
    ],
)
def test_one_verb_of_two(caption: str, text: str) -> None:
    """What two do alike is said once, whoever is named first."""
    [pair] = [one for one in read("Small:1", caption).claims if one.family == "pair"]
    [told] = pair.texts
    assert sorted(told.replace(" and ", " ").split()) == sorted(text.replace(" and ", " ").split())
    assert told.count("ing") == text.count("ing")


def test_stems_by_what_is_asked() -> None:
    """Two instruments are asked for as instruments, other traits of music as what describes it."""
    form = load_forms()["traits"]
    assert all("instruments" in stem for stem in form.list_stems("instrument and instrument"))
    assert not any("instrument" in stem for stem in form.list_stems("tempo and instrument"))


def test_rare_instruments_stand_among_themselves() -> None:
    """An instrument that hardly a clip has is no option beside common ones, nor one of two."""
    played = [
        *("bagpipes", "a didgeridoo", "a sitar", "congas"),
        *("a piano", "a violin", "a trumpet", "drums"),
    ]
    found = blocks(plan_blocks(read_all([f"A song features {one}" for one in played])))
    assert sorted(sorted(block.options) for block in found) == sorted([sorted(played[:4]), sorted(played[4:])])
    claims = read("Small:1", "A slow song features bagpipes and a piano").claims
    assert not any("bagpipes" in text for one in claims if one.family == "traits" for text in one.texts)
