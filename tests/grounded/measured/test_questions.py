"""Tests of ``grounded/measured/questions.py``: what is drafted, and what is counted of a corpus."""

from __future__ import annotations

from collections import Counter

from audiomcq_cli.grounded.knowledge import build_table, load_table
from audiomcq_cli.grounded.measured.questions import count_answers
from audiomcq_cli.grounded.questions import write_questions
from audiomcq_cli.measurements import SEGMENTED
from tests.grounded import small
from tests.grounded.measured import BELL, DOG, MAN, draft, make_row


def rising(number: int, change: str) -> dict[str, object]:
    return make_row(clip=f"Small:{number}", pitch_change=change)


def test_measured_questions_join_those_of_captions() -> None:
    """A clip with captions and measurements is asked about both, each measured one with its proof."""
    row = make_row((BELL, 3.1, 5.0), captions=["A bell rings"], tempo=120.0)
    written = write_questions(row, small(), 9, 0).questions
    proved = {one.form: bool(one.proof) for one in written}
    assert proved == {"presence": False, "begin": True, "end": True, "length": True, "bpm": True, "pace": True}


def test_segments_are_no_sounds_of_captions() -> None:
    """What a detector or the energy said is not taken for a label of the source."""
    row = make_row(sounds=[(1.0, 3.0)], voices=[("speech", 1.0, 3.0)], captions=["A bell rings"])
    for seed in range(20):
        for one in write_questions(row, small(), 3, seed).questions:
            assert "speech" not in one.distractors
    table = build_table([row])
    assert SEGMENTED not in table["text"].to_pylist()


def test_common_answers_are_asked_less() -> None:
    """Where most pitches rise, rising is asked about as often as the others on average."""
    rows = [rising(n, "falling -3.0" if n % 10 == 0 else "rising 3.0") for n in range(400)]
    known = load_table(build_table(rows)).traits
    assert known["key:contour"] == {"little_rising": 360, "little_falling": 40}
    kept = Counter(
        question.answer
        for row in rows
        for question in write_questions(row, load_table(build_table(rows[:0])), 1, 0).questions
    )
    assert kept.total() == 400
    counted = load_table(build_table(rows))
    kept = Counter(
        "rising" if "rises" in question.answer or "higher" in question.answer else "falling"
        for row in rows
        for question in write_questions(row, counted, 1, 0).questions
    )
    assert abs(kept["rising"] - kept["falling"]) < 25


def test_words_of_a_corpus_are_wrong_options_elsewhere() -> None:
    """Words that other clips say are offered; without such nothing is asked."""
    rows = [make_row(clip=f"Small:{n}", words=word) for n, word in enumerate(("seven", "orange", "winter", "ladder"))]
    known = load_table(build_table(rows)).traits
    assert known["word"] == dict.fromkeys(("ladder", "orange", "seven", "winter"), 1)
    [one] = draft(rows[0], "word", known=known)
    assert (one.answer, set(one.draw_wrong())) == ("seven", {"orange", "winter", "ladder"})
    assert dict(count_answers(rows[0])) == {"word": "seven"}


def test_wordings_differ() -> None:
    """The same question is asked in several ways from clip to clip."""
    asked = {draft(make_row((BELL, 3.1, 5.0), clip=f"Small:{n}"), "begin")[0].question for n in range(40)}
    assert len(asked) == 4


def test_long_labels() -> None:
    """Labels as long as they may be still make questions within the bounds of a question."""
    labels = [f"{sound} {'in the distance ' * 3}".strip() for sound in (BELL, DOG, MAN)]
    row = make_row(*((label, 1.2 + 4 * n, 3.0 + 4 * n) for n, label in enumerate(labels)))
    assert {"begin", "first", "last"} <= {one.form for one in write_questions(row, small(), 30, 0).questions}
