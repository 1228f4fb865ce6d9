"""What is told of corpora of which it is known how far they can be guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from math import sqrt
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.probe.counting import GUESSERS, guess
from audiomcq_cli.probe.report import Guessed, Report, as_data, probe
from audiomcq_cli.probe.table import make_table
from tests.probe.corpora import SOUNDS, ask, make_blocks, make_fair

few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32)


def best_of(report: Report) -> Guessed:
    assert report.best is not None
    return report.best


@few
@given(seeds, st.integers(2, 6))
def test_what_does_not_follow_from_the_text_is_guessed_by_chance(seed: int, options: int) -> None:
    """Where the key does not depend on the options, every guesser is right as often as chance, most and least."""
    report = probe(make_fair(seed, 600, options))
    assert [one.guesser for one in report.guessers] == list(GUESSERS)
    for one in report.guessers:
        for found in (one.most, one.least):
            assert found.chance == pytest.approx(1 / options, abs=1e-6)
            assert abs(found.excess) < 4.5 * sqrt(found.chance * (1 - found.chance) / 600)
            assert found.low < found.share < found.high


@few
@given(seeds)
def test_a_word_that_is_always_the_key_is_found(seed: int) -> None:
    """Where an option with one word is always right, it is guessed, also in options and sets never seen before."""
    random = Random(seed)
    others = [text for text in SOUNDS if "siren" not in text]
    rows = []
    for number in range(300):
        key = random.randrange(4)
        options = random.sample(others, 4)
        options[key] = f"a siren {number} away"
        rows.append(ask(number, options, key))
    report = probe(rows)
    assert best_of(report).most.share > 0.95
    assert {word.name for word in report.above[:2]} == {"siren", "away"}
    assert report.above[0].key == report.above[0].offered == 300


@few
@given(seeds, st.integers(12, 60))
def test_whole_blocks_are_guessed_exactly_by_chance(seed: int, blocks: int) -> None:
    """In whole blocks every guesser is right in exactly one row of four, by its most and by its least likely option."""
    for one in probe(make_blocks(seed, blocks)).guessers:
        assert (one.most.right, one.least.right) == (blocks, blocks), one.guesser


@few
@given(seeds)
def test_whole_blocks_without_ids_are_guessed_by_chance(seed: int) -> None:
    """Where a table does not say which rows are a block, their common options are kept apart: nothing tells them."""
    for one in probe(make_blocks(seed, 150, ids=False)).guessers:
        for found in (one.most, one.least):
            assert abs(found.excess) < 4.5 * sqrt(0.25 * 0.75 / 600), one.guesser


def test_blocks_that_share_their_options_are_guessed_exactly_by_chance() -> None:
    """Blocks of one list of options, as slow, moderate and fast, do not tell each other's keys by elimination."""
    rows = [replace(row, options=SOUNDS[:4], stem="tempo", question="How fast?") for row in make_blocks(1, 40)]
    for one in probe(rows).guessers:
        assert (one.most.right, one.least.right) == (40, 40), one.guesser


@few
@given(seeds)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    """The report of the same rows in another order has the same bytes."""
    rows = [*make_fair(seed, 150), *make_blocks(seed, 10), *(replace(row, cluster="c") for row in make_fair(1, 9))]
    mixed = Random(seed).sample(rows, len(rows))
    assert json.dumps(as_data(probe(rows))) == json.dumps(as_data(probe(mixed)))


@few
@given(seeds)
def test_dropping_rows_by_their_answer_shows(seed: int) -> None:
    """Whole blocks of which rows are taken out by their answer can be guessed: what is left out is never the key."""
    whole = make_blocks(seed, 150)
    left = [row for row in whole if row.options[row.key].split()[1] not in ("dog", "bell", "piano", "door")]
    found = best_of(probe(left))
    assert found.guesser in ("options", "question", "same options")
    assert found.most.low > 0.27
    assert found.least.share < 0.15


def test_options_that_always_come_together_tell_what_is_common() -> None:
    """Where every row offers the same options, the common one is guessed: folds by options alone would not see it."""
    random = Random(3)
    rows = [ask(number, SOUNDS[:4], random.choices(range(4), (6, 2, 1, 1))[0]) for number in range(400)]
    found = best_of(probe([replace(row, options=_turn(row.options, n), key=(row.key - n) % 4)
                           for n, row in enumerate(rows)]))  # fmt: skip
    assert found.guesser == "same options"
    assert found.most.share > 0.5


def _turn(options: tuple[str, ...], places: int) -> tuple[str, ...]:
    return options[places % 4 :] + options[: places % 4]


@pytest.mark.parametrize("name", ["position", "length"])
def test_position_and_length_are_seen(name: str) -> None:
    """Keys that stand at one place, or are the longest, are guessed by that."""
    rows = make_fair(5, 300)
    if name == "position":
        rows = [replace(row, key=2) for row in rows]
    else:
        rows = [
            replace(row, options=tuple(one + " x" * (9 * (n == row.key)) for n, one in enumerate(row.options)))
            for row in rows
        ]
    found = {one.guesser: one.most.share for one in probe(rows).guessers}
    assert found[name] == 1.0


@pytest.mark.parametrize("kind", ["clip", "block", "cluster"])
def test_related_rows_do_not_tell_each_other(kind: str) -> None:
    """Rows that share a clip, a block or a cluster are not trained on to guess one another, whatever they repeat."""
    random = Random(7)
    rows = []
    for number in range(600):
        shared = number // 6
        options = [f"sound{shared} {random.random()}", *(f"x{random.random()}" for _ in range(3))]
        key = 0 if Random(shared).random() < 0.25 else 1  # the word of the group is always the key, or never
        rows.append(ask(number, options, key, form=f"form {shared}", **{kind: f"g{shared}"}))
    table = make_table([replace(row, question=f"{row.question} {row.id}") for row in rows])
    right = guess(table)["options"].most
    assert abs(right.mean() - 0.25) < 0.08
    assert len(set(table.related.tolist())) == 100


def test_relations_chain() -> None:
    """A clip in two blocks joins both: all of their rows are one group."""
    rows = [
        ask(1, SOUNDS[:4], 0, clip="a", block="x"),
        ask(2, SOUNDS[:4], 0, clip="b", block="x"),
        ask(3, SOUNDS[:4], 0, clip="b", cluster="k"),
        ask(4, SOUNDS[:4], 0, clip="c", cluster="k"),
        ask(5, SOUNDS[:4], 0, clip="d"),
    ]
    assert make_table(rows).related.tolist() == [0, 0, 0, 0, 1]


def test_case_and_articles_are_no_difference() -> None:
    """Options are compared without case and outer punctuation, words without articles."""
    table = make_table([ask(1, ["A Dog.", "the cat"], 0), ask(2, ["a dog", "The cat!"], 0)])
    assert table.options.tolist() == [0, 1, 0, 1]
    assert list(table.vocabulary) == ["dog", "cat"]


def test_a_trained_model_is_reported_apart() -> None:
    """A trained model finds what gives the key away, and the best guesser stays one that counts."""
    rows = [replace(row, options=("a siren near", *row.options[1:]), key=0) for row in make_fair(2, 200)]
    rows = [replace(row, options=_turn(row.options, n), key=-n % 4) for n, row in enumerate(rows)]
    report = probe(rows, learned=200)
    assert report.learned is not None
    assert report.learned.most.share == 1.0
    assert report.learned not in report.guessers
    assert as_data(report)["learned"]["decides"] is False
