"""Tests of ``engine/exporting/rows.py``."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Row
from audiomcq_cli.engine.exporting.audio import Named
from audiomcq_cli.engine.exporting.rows import LEFT_OUT, write_rows
from tests.engine.exporting import EXPORT, Options, read_records
from tests.release.conftest import released_row

_QUESTIONS = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), max_size=12), st.booleans(), st.sampled_from(["weak", "strong"])),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(_QUESTIONS, st.integers(0, 5), st.integers(0, 3))
def test_every_row_is_written_or_left_out_with_a_reason(
    questions: list[tuple[str, bool, str]], shortest: int, each: int
) -> None:
    """Each row has all of its records in one file, or one line in the list of those left out, in the order read."""
    rows: list[Row] = [
        released_row(number, label=label, question=text + ("<audio>" if marked else ""))
        for number, (text, marked, label) in enumerate(questions)
    ]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        written = write_rows(EXPORT, Options(shortest=shortest, each=each), iter(rows), folder, Named())
        records = read_records(folder)
        path = folder / LEFT_OUT
        left_out = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]] if path.exists() else []
    assert written.rows == len(rows) == written.written + sum(written.left_out.values())
    assert Counter(one["reason"] for one in left_out) == Counter(written.left_out)
    assert len(records) == sum(written.records.values()) == each * written.written
    assert written.written == sum(written.tally.values())
    kept = {record["id"].rpartition(":")[0] for record in records}
    gone = [one["id"] for one in left_out]
    assert kept | set(gone) == {row["id"] for row in rows}
    assert not kept & set(gone)
    assert gone == [row["id"] for row in rows if row["id"] in set(gone)]


def test_reasons_say_who_left_a_row_out(tmp_path: Path) -> None:
    """The export's own reason comes first, then the reader's; a row without a record and a reason has one of ours."""
    rows = [
        released_row(0, question="?"),
        released_row(1, question="an <audio> mark"),
        released_row(2, question="fine"),
    ]
    written = write_rows(EXPORT, Options(shortest=2), iter(rows), tmp_path, Named())
    assert written.left_out == {"literal_audio": 1, "too_few_letters": 1}
    assert write_rows(EXPORT, Options(each=0), iter(rows), tmp_path, Named()).left_out == {"no_record": 3}
