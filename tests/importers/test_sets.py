"""Question sets in the layouts in which they are published, written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli import registry
from audiomcq_cli.contracts import ImportedQuestion
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.recipe.options import build

MMAU = {
    "id": "3fe64f3d", "audio_id": "./test-mini-audios/3fe64f3d.wav", "question": "Who speaks?",
    "choices": ["Man", "Woman", "Child", "Robot"], "answer": "Man", "dataset": "AudioSet", "task": "sound",
    "split": "test-mini", "category": "['Reasoning']", "sub-category": "Acoustic Source Inference",
    "difficulty": "medium",
}  # fmt: skip
MMAR = {
    "id": "Xy_1_00-10", "audio_path": "./audio/Xy_1_00-10.wav", "question": "What is played?",
    "choices": ["Violin", "Cello"], "answer": "Cello", "modality": "mix-music-speech", "category": "Signal Layer",
    "sub-category": "Acoustic Quality Analysis", "language": "en", "source": "youtube",
    "url": "https://www.youtube.com/watch?v=Xy_1", "timestamp": "00:00:00,00:00:10",
}  # fmt: skip
MMSU = {
    "id": "accent_1", "task_name": "accent_identification", "question": "Which accent is it?", "choice_a": "Indian",
    "choice_b": "British", "choice_c": "Irish", "choice_d": "American", "answer_gt": "Irish", "category": "Perception",
    "sub-category": "Linguistics",
}  # fmt: skip
AUDIOMCQ = {
    "source_dataset": "AudioCaps", "id": "0", "question_type": "sound", "audio_path": "AudioCaps/sample_0.wav",
    "question": "What does the water do?", "answer": "Splash",
    "choices": ["Pour", "Splash", "Boil", "Drip"], "audio-contribution": "strong",
}  # fmt: skip
DCASE = {
    "id": "dev_0001", "audio_path": "dev_audios/dev_0001.wav", "question_text": "How many beeps are there?",
    "multi_choice": ["two", "three", "four", "five"], "answer": "three",
}  # fmt: skip


def read(adapter: str, path: Path, **options: Any) -> list[ImportedQuestion]:
    """All questions of a set."""
    importer = registry.importer(adapter)
    return list(importer.read(path, build(importer.options, options)))


def read_rows(adapter: str, folder: Path, *rows: Any, name: str = "set.json", **options: Any) -> list[ImportedQuestion]:
    """All questions of a set of some rows."""
    path = folder / name
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(lines if name.endswith(".jsonl") else json.dumps(rows, indent=4), "utf-8")
    return read(adapter, path, **options)


def answer_of(question: ImportedQuestion) -> str:
    """The text of the right option; there is nothing wrong with the question."""
    assert question.problem is None, question.problem
    return question.choices[question.answer]


def test_mmau(tmp_path: Path) -> None:
    """MMAU: the task is the type; a category that is a list in a text is its one part."""
    [question] = read_rows("mmau", tmp_path, MMAU)
    assert (question.id, question.clip, question.question_type) == ("3fe64f3d", "3fe64f3d", "sound")
    assert question.audio[0] == "test-mini-audios/3fe64f3d.wav"
    assert question.audio[-1] == "3fe64f3d"
    assert answer_of(question) == "Man"
    assert question.difficulty == "medium"
    assert question.tags == {
        "dataset": "AudioSet", "split": "test-mini", "category": "Reasoning", "task": "sound",
        "sub-category": "Acoustic Source Inference", "difficulty": "medium",
    }  # fmt: skip


def test_mmau_without_answers(tmp_path: Path) -> None:
    """The test set has no answers: what can be read of a question is there, and why it cannot be used."""
    row = {name: value for name, value in MMAU.items() if name != "answer"}
    [question] = read_rows("mmau", tmp_path, row)
    assert question.problem is not None
    assert question.problem.reason == "no_answer"
    assert question.problem.detail == "set.json, row 1, column 'answer': there is no answer"
    assert question.choices == ("Man", "Woman", "Child", "Robot")


@pytest.mark.parametrize("name", ["MMAR-meta.json", "MMAR-meta.jsonl"])
def test_mmar(name: str, tmp_path: Path) -> None:
    """MMAR: a list or lines; the video is the origin; of a mix with speech the type is speech."""
    [question] = read_rows("mmar", tmp_path, MMAR, name=name)
    assert (question.clip, question.question_type) == ("Xy_1_00-10", "speech")
    assert question.origin == "https://www.youtube.com/watch?v=Xy_1"
    assert question.tags["modality"] == "mix-music-speech"
    assert question.tags["timestamp"] == "00:00:00,00:00:10"
    assert answer_of(question) == "Cello"


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("sound", "sound"),
        ("music", "music"),
        ("speech", "speech"),
        ("mix-sound-music", "music"),
        ("mix-sound-speech", "speech"),
        ("mix-sound-music-speech", "speech"),
        ("Temporal", "temporal"),
        ("smell", None),
        ("", None),
    ],
)
def test_types(modality: str, expected: str | None, tmp_path: Path) -> None:
    """A mix is called by what takes most to be understood; what is none of our types stays unknown."""
    [question] = read_rows("mmar", tmp_path, {**MMAR, "modality": modality})
    assert question.question_type == expected
    assert question.tags.get("modality", "") == modality


def test_mmsu_of_the_hub(tmp_path: Path) -> None:
    """MMSU: Parquet with audio, and an option in each column; the key is a text or a letter."""
    audio = {"bytes": b"RIFF", "path": "accent_1.wav"}
    rows = [{**MMSU, "audio": audio}, {**MMSU, "id": "accent_2", "answer_gt": "C", "audio": audio}]
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "train-00000-of-00001.parquet")
    first, second = read("mmsu", tmp_path)
    assert (first.question_type, first.clip, first.audio[0]) == ("speech", "accent_1", "accent_1.wav")
    assert first.tags["task_name"] == "accent_identification"
    assert answer_of(first) == answer_of(second) == "Irish"


def test_mmsu_with_two_options(tmp_path: Path) -> None:
    """A question with fewer options leaves columns empty."""
    row = {**MMSU, "choice_c": "", "choice_d": None, "answer_gt": "British", "audio_path": "/data/MMSU/accent_1.wav"}
    [question] = read_rows("mmsu", tmp_path, row, name="set.jsonl")
    assert question.choices == ("Indian", "British")
    assert answer_of(question) == "British"
    assert question.audio[0] == "data/MMSU/accent_1.wav"


def test_audiomcq(tmp_path: Path) -> None:
    """AudioMCQ: the published label is a tag; clips are told apart by the folder of their source."""
    other = {**AUDIOMCQ, "source_dataset": "Clotho", "audio_path": "Clotho/sample_0.wav"}
    first, second = read_rows("audiomcq", tmp_path, AUDIOMCQ, other)
    assert (first.clip, second.clip) == ("AudioCaps/sample_0", "Clotho/sample_0")
    assert first.audio == ("AudioCaps/sample_0.wav", "AudioCaps/sample_0")
    assert first.guesses == ("/sample_0.wav", "/sample_0")
    assert first.tags == {"source_dataset": "AudioCaps", "audio-contribution": "strong", "question_type": "sound"}
    assert answer_of(first) == "Splash"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("The water splashes.", "simple_cot"),
        ("<stage1>a</stage1><stage2>b</stage2><stage3>c</stage3>", "structured_cot"),
    ],
)
def test_chain_of_thought(text: str, column: str, tmp_path: Path) -> None:
    """A chain of thought in tagged stages is a structured one, any other a simple one; what wrote it is kept."""
    [question] = read_rows("audiomcq", tmp_path, {**AUDIOMCQ, "gemini_cot": text}, name="data.jsonl")
    assert getattr(question, column) == text
    assert {question.structured_cot, question.simple_cot} == {text, None}
    assert question.cot_model == "gemini_cot"


def test_folder_of_audiomcq(tmp_path: Path) -> None:
    """Of the folder of a set the file is found in it, and rows of several files are told apart."""
    (tmp_path / "datasets" / "AudioCaps").mkdir(parents=True)
    row = {name: value for name, value in AUDIOMCQ.items() if name not in ("id", "audio_path")}
    for part in ("a", "b"):
        (tmp_path / "datasets" / "AudioCaps" / f"{part}.json").write_text(json.dumps([row]))
    assert [question.id for question in read("audiomcq", tmp_path)] == [
        "datasets/AudioCaps/a.json-row-1",
        "datasets/AudioCaps/b.json-row-1",
    ]


def test_dcase(tmp_path: Path) -> None:
    """DCASE 2026 task 5: the type is not said."""
    [question] = read_rows("dcase", tmp_path, DCASE, name="dev.jsonl")
    assert (question.id, question.question_type, question.audio[0]) == ("dev_0001", None, "dev_audios/dev_0001.wav")
    assert answer_of(question) == "three"


def test_r1_aqa(tmp_path: Path) -> None:
    """Files of R1-AQA have the same columns, and a key that is a number from 0."""
    [question] = read_rows("dcase", tmp_path, {**DCASE, "answer": 2, "dataset_name": "AVQA"}, name="dev.jsonl")
    assert answer_of(question) == "four"
    assert question.tags == {"dataset_name": "AVQA"}


def test_table_of_ones_own(tmp_path: Path) -> None:
    """A table: every column by its name, an option in each of some columns, numbers from 1."""
    (tmp_path / "my.csv").write_text("nr,file,frage,a,b,c,key,art,thema\n7,x/y.ogg,Was?,Hund,Katze,Kuh,2,music,Tiere\n")
    [question] = read(
        "table",
        tmp_path / "my.csv",
        id_column="nr",
        audio_column="file",
        question_column="frage",
        choices_column=["a", "b", "c"],
        answer_column="key",
        answer_form="index1",
        type_column="art",
        tag_column=["thema"],
    )
    assert (question.id, question.clip, question.question_type) == ("7", "x/y", "music")
    assert (question.audio, question.guesses) == (("x/y.ogg", "x/y"), ("/y.ogg", "/y"))
    assert question.tags == {"thema": "Tiere", "art": "music"}
    assert answer_of(question) == "Katze"


def test_list_in_a_cell(tmp_path: Path) -> None:
    """Options in one cell of a CSV file are a list of JSON or Python."""
    (tmp_path / "my.csv").write_text("question,choices,answer\nWhat?,\"['a dog', 'a cat']\",a cat\n")
    [question] = read("table", tmp_path / "my.csv", question_type="speech")
    assert (question.id, question.clip, question.audio, question.question_type) == ("row-1", "row-1", (), "speech")
    assert answer_of(question) == "a cat"


@pytest.mark.parametrize(
    "options",
    [{"choices_column": []}, {"choices_column": ["a", "a"]}, {"type_column": "t", "question_type": "sound"}],
)
def test_columns_that_contradict_each_other(options: dict[str, Any]) -> None:
    """Options of a table that make no sense together are refused."""
    with pytest.raises(RecipeError):
        build(registry.importer("table").options, options)


@pytest.mark.parametrize(
    ("change", "reason", "place"),
    [
        ({"question": " "}, "no_question", "column 'question': there is no question"),
        ({"answer": ""}, "no_answer", "column 'answer': there is no answer"),
        ({"answer": "Dog"}, "answer_not_among_choices", "column 'answer': 'Dog' is none of ['Man', 'Woman'"),
        ({"choices": ["Man"]}, "too_few_choices", "column 'choices': 1 different options"),
        ({"choices": "Man, Woman"}, "bad_choices", "column 'choices': expected a list of options"),
        ({"choices": {"A": ["Man"]}}, "bad_choices", "column 'choices': expected texts"),
        ({"audio_id": "../../etc/passwd.wav"}, "path_outside_root", "column 'audio_id': path leads out of its folder"),
    ],
)
def test_row_at_fault(change: dict[str, Any], reason: str, place: str, tmp_path: Path) -> None:
    """A row that cannot be used says why, with file, row and column; the others are read."""
    first, second = read_rows("mmau", tmp_path, MMAU, {**MMAU, "id": "b", **change})
    assert first.problem is None
    assert second.problem is not None
    assert second.problem.reason == reason
    assert second.problem.detail.startswith(f"set.json, row 2, {place}")


@pytest.mark.parametrize("adapter", ["mmau", "mmar", "mmsu", "audiomcq", "dcase", "table"])
def test_another_file(adapter: str, tmp_path: Path) -> None:
    """A file of another layout is refused at its first row, with what was expected."""
    with pytest.raises(InputError, match=r"set\.json, row 1: no key .* found: caption") as caught:
        read_rows(adapter, tmp_path, {"caption": "A dog barks"})
    assert "expected" in caught.value.hint
