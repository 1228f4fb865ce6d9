"""Questions into shards: each has an id of its own, those of a clip come together, and what is there twice is told."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli import records
from audiomcq_cli.contracts import ImportedQuestion, Importer, NoOptions, Reject, Row
from audiomcq_cli.engine.intake.questions import ImportSpec, partition_questions, read_questions
from audiomcq_cli.errors import InputError
from tests.cli import write_tones


def question(id_: str, clip: str = "", **more: Any) -> ImportedQuestion:
    """A question with two options."""
    given = {"row": 1, "question": "What?", "choices": ("dog", "cat"), "audio": (f"{clip or id_}.wav",)}
    return ImportedQuestion(id=id_, clip=clip or id_, **{**given, **more})


def make_spec(*questions: ImportedQuestion, name: str = "Set", **more: Any) -> ImportSpec:
    """A set of some questions."""
    importer = Importer(help="", dataset=name, read=lambda path, options: iter(questions), options=NoOptions)
    return ImportSpec(adapter="x", importer=importer, options=NoOptions(), path=Path(name), name=name, **more)


def rows_of(folder: Path, *specs: ImportSpec, shards: int | None = None) -> list[Row]:
    """All rows of all shards, in order."""
    return [row for path in partition_questions(specs, folder, shards) for row in read_questions(path)]


def reasons(rows: Sequence[Row]) -> dict[str, str]:
    """Why each row has a problem, by its id."""
    return {row["id"]: row["problem"]["reason"] if row["problem"] else "" for row in rows}


def test_ids_are_those_of_the_set(tmp_path: Path) -> None:
    """A question's id is made of set, clip and its own id; the rest is as the set has it."""
    tags = {"category": "Reasoning"}
    [row] = rows_of(
        tmp_path, make_spec(question("q1", "c1", tags=tags, difficulty="hard", origin="web"), license="CC0")
    )
    assert row["id"] == "Set:c1:imported:q1"
    assert (row["clip_id"], row["source_dataset"], row["source_id"]) == ("Set:c1", "Set", "c1")
    assert row["tags"] == [{"name": "category", "value": "Reasoning"}]
    assert (row["difficulty"], row["license"], row["origin"]) == ("hard", "CC0", "web")
    assert (row["audio_path"], row["audio_present"], row["audio_sha256"]) == ("c1.wav", False, None)


def test_questions_of_a_clip_come_together(tmp_path: Path) -> None:
    """However far apart they stand in the set: later stages count a clip where its rows end."""
    questions = [question(f"q{n}", f"c{n % 3}") for n in range(12)]
    rows = rows_of(tmp_path, make_spec(*questions))
    assert [row["source_id"] for row in rows] == ["c0"] * 4 + ["c1"] * 4 + ["c2"] * 4


def test_shard_is_that_of_the_clip(tmp_path: Path) -> None:
    """All questions of a clip are in the shard of its id, and every one is in one of them."""
    questions = [question(f"q{n}", f"c{n // 2}") for n in range(60)]
    paths = partition_questions([make_spec(*questions)], tmp_path, 4)
    found = [list(read_questions(path)) for path in paths]
    for index, rows in enumerate(found):
        assert {records.shard_of(row["clip_id"], 4) for row in rows} <= {index}
    assert sorted(row["id"] for rows in found for row in rows) == sorted(
        f"Set:{one.clip}:imported:{one.id}" for one in questions
    )


def test_two_questions_of_one_id(tmp_path: Path) -> None:
    """Other questions under the same id get numbers, by their order; none is lost."""
    spec = make_spec(question("q"), question("q", question="Who?"), question("q", choices=("a", "b")))
    assert reasons(rows_of(tmp_path, spec)) == {f"Set:q:imported:{id_}": "" for id_ in ("q", "q#2", "q#3")}


def test_ids_with_a_number_of_their_own(tmp_path: Path) -> None:
    """A number behind an id is never one that the set itself uses."""
    spec = make_spec(question("q", "c"), question("q#2", "c"), question("q", "c", question="Who?"))
    assert set(reasons(rows_of(tmp_path, spec))) == {f"Set:c:imported:{id_}" for id_ in ("q", "q#2", "q#3")}


def test_question_that_is_there_twice(tmp_path: Path) -> None:
    """The same question again is rejected, whatever the order of its options, and says of which row it is the copy."""
    spec = make_spec(question("q", row=3), question("q", row=8, choices=("cat", "dog"), answer=1))
    rows = rows_of(tmp_path, spec)
    assert reasons(rows) == {"Set:q:imported:q": "", "Set:q:imported:q#2": "duplicate_question"}
    assert rows[1]["problem"]["detail"] == "row 8 has the id, question and options of row 3"


def test_two_answers_to_one_question(tmp_path: Path) -> None:
    """Where two rows differ in the key alone neither is taken."""
    rows = rows_of(tmp_path, make_spec(question("q", row=3), question("q", row=8, answer=1)))
    assert set(reasons(rows).values()) == {"conflicting_answers"}
    assert "row 3 and row 8" in rows[0]["problem"]["detail"]


def test_row_at_fault_stays_at_fault(tmp_path: Path) -> None:
    """A row that could not be read is no copy of another, and both are accounted for."""
    wrong = question("q", choices=(), problem=Reject("bad_choices", "no list"))
    assert list(reasons(rows_of(tmp_path, make_spec(wrong, wrong))).values()) == ["bad_choices", "bad_choices"]


def test_audio_that_is_there(tmp_path: Path) -> None:
    """Audio is found by its names below the root, with its hash; a file that is not there has the name it should."""
    write_tones(tmp_path / "audio" / "deep", 1)
    names = ("some/where/tone0.wav", "tone0.wav", "tone0")
    spec = make_spec(question("a", audio=names), question("b"), audio_root=tmp_path / "audio")
    first, second = rows_of(tmp_path / "out", spec)
    assert (first["audio_path"], first["audio_present"]) == ("deep/tone0.wav", True)
    assert len(first["audio_sha256"]) == 64
    assert (second["audio_path"], second["audio_present"]) == ("b.wav", False)


def test_limit_takes_the_first_questions(tmp_path: Path) -> None:
    """A limit counts questions of each set."""
    one, two = (make_spec(*(question(f"q{n}") for n in range(5)), name=name, limit=2) for name in ("A", "B"))
    assert len(rows_of(tmp_path, one, two)) == 4


def test_half_of_a_pair(tmp_path: Path) -> None:
    """A row that is no Unicode is rejected; the others are not."""
    [first, second] = rows_of(tmp_path, make_spec(question("a", question="\ud800?"), question("b")))
    assert first["problem"]["reason"] == "not_unicode"
    assert second["problem"] is None


def test_no_question(tmp_path: Path) -> None:
    """A set of nothing is refused."""
    with pytest.raises(InputError, match="Set: no rows"):
        partition_questions([make_spec()], tmp_path, None)


def test_same_bytes(tmp_path: Path) -> None:
    """The same set gives the same shards."""
    spec = make_spec(*(question(f"q{n}", f"c{n % 7}") for n in range(50)))
    paths = partition_questions([spec], tmp_path / "a", 3)
    before = [path.read_bytes() for path in paths]
    shutil.rmtree(tmp_path / "a")
    assert [path.read_bytes() for path in partition_questions([spec], tmp_path / "a", 3)] == before
