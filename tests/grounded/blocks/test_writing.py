"""Tests of ``grounded/blocks/writing.py`` and of the stems."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from audiomcq_cli.grounded.blocks.matching import SIZE
from audiomcq_cli.grounded.blocks.naming import load_forms
from audiomcq_cli.grounded.blocks.plan import plan_blocks
from audiomcq_cli.grounded.blocks.reading import read_candidate
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.mcq import mentions_text, words_of
from audiomcq_cli.records import TYPES
from tests.grounded.blocks import blocks, read, read_all
from tests.grounded.measured import make_row

KNOWN = {"presence": set[str](), "doing": {"be", "do", "the"}, "how_often": {"do", "the", "verb"}, "who": {"gerund"}}


@pytest.mark.parametrize("family", load_forms())
def test_stems(family: str) -> None:
    """A stem is a question of a known type, names no text, and is filled in with nothing that its family lacks."""
    form = load_forms()[family]
    assert form.type in TYPES
    assert len(set(form.stems)) == len(form.stems)
    for stem in form.stems:
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
