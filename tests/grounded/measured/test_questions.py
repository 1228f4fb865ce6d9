"""Tests of ``grounded/measured/questions.py``: what is drafted, and what is counted of a corpus."""

from __future__ import annotations

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.knowledge import build_table, load_table
from audiomcq_cli.grounded.measured.proof import FAMILIES
from audiomcq_cli.grounded.measured.questions import count_answers
from audiomcq_cli.grounded.measured.turns import list_questions
from audiomcq_cli.grounded.pool import Pool
from tests.grounded.measured import BELL, DOG, MAN, draft, make_row


def test_words_of_a_corpus_are_wrong_options_elsewhere() -> None:
    """Words that other clips say are offered; without such nothing is asked."""
    rows = [make_row(clip=f"Small:{n}", words=word) for n, word in enumerate(("seven", "orange", "winter", "ladder"))]
    known = load_table(build_table(rows)).measured
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
    assert {"begin", "first", "last"} <= {one.form for one in draft(row)}


def test_families_with_habits_are_not_asked_alone() -> None:
    """A family whose habits let a guesser be right is asked in blocks only."""
    row = make_row((BELL, 3.1, 5.0), pitch_change="rising 3.0", loudness_change="louder 19")
    drafted = {one.form for one in draft(row)}
    asked = {one.form for one in list_questions(row, listen([]), Pool([], []), {}, 0)}
    assert asked == {form for form in drafted if FAMILIES[form].alone}
    assert drafted > asked > set()
