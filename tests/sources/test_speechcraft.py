"""Tests of ``sources/speechcraft.py`` and of the sentences of ``sources/_voice.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.contracts import SourceRow
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.sources._voice import Voice, describe_voice
from audiomcq_cli.sources.speechcraft import SOURCE

ID = "84_121123_000007_000001"
LABELS = {"pitch": "high", "speed": "slow", "energy": "low", "gender": "female", "age": "youth", "emotion": "sadness"}


def read(folder: Path, rows: Any, **columns: str) -> list[SourceRow]:
    path = folder / "speechcraft.json"
    path.write_text(json.dumps(rows))
    return list(SOURCE.read(path, SOURCE.options(columns=columns)))


def test_labels_become_a_sentence(tmp_path: Path) -> None:
    """Labels and words are a caption; a clip of LibriTTS-R is known by its name."""
    row = {"id": ID, "text": "Come in.", "emphasis": ["in"], **LABELS}
    assert read(tmp_path, [row]) == [
        SourceRow(
            source_id=ID,
            row=1,
            captions=(
                "A young woman speaks slowly in a high-pitched, quiet voice, in a sad tone, stressing the word"
                ' "in". She says: "Come in."',
            ),
            audio=(ID,),
            license="CC BY 4.0",
            origin="LibriTTS-R, speaker 84, chapter 121123",
        )
    ]


def test_description_is_taken_as_it_is(tmp_path: Path) -> None:
    """Words that a description already holds are not said twice."""
    told = "A calm man reads aloud."
    rows = [
        {"id": "a", "description": told, "text": "Stop."},
        {"id": "b", "caption": f'{told} "Stop."', "text": "Stop."},
    ]
    assert [row.captions for row in read(tmp_path, rows)] == [(f'{told} The words are: "Stop."',), (f'{told} "Stop."',)]


def test_other_keys_can_be_named(tmp_path: Path) -> None:
    """A mapping says under which key something stands."""
    [row] = read(tmp_path, [{"name": "a", "words": "Stop.", "sex": "m"}], text="words", id="name")
    assert (row.source_id, row.captions) == ("a", ('A man speaks. He says: "Stop."',))
    with pytest.raises(RecipeError, match="columns: nothing is called 'mood'"):
        SOURCE.options(columns={"mood": "x"})


@pytest.mark.parametrize(
    ("rows", "audio"),
    [
        ({ID: {"text": "Stop."}}, (ID,)),
        (
            [{"audio_path": f"/x/84/{ID}.wav", "text": "Stop."}],
            (f"x/84/{ID}.wav", f"x/84/{ID}", f"84/{ID}.wav", f"84/{ID}", f"{ID}.wav", ID),
        ),
        ([{"id": f"{ID}.wav", "text": "Stop."}], (f"{ID}.wav", ID)),
    ],
    ids=["key", "path", "id with extension"],
)
def test_clip_is_named_by_what_there_is(tmp_path: Path, rows: Any, audio: tuple[str, ...]) -> None:
    """Its id, the key it stands under, or its audio file: all give the same id."""
    [row] = read(tmp_path, rows)
    assert (row.source_id, row.audio) == (ID, audio)


def test_faults(tmp_path: Path) -> None:
    """A row without a name is a problem; one that describes no voice says that the keys are others."""
    [row] = read(tmp_path, [{"text": "Stop."}])
    assert row.problem is not None and row.problem.reason == "no_id"
    with pytest.raises(InputError, match="row 1: no key is known that describes a voice; found: id, words") as caught:
        read(tmp_path, [{"id": "a", "words": "Stop."}])
    assert "columns = " in caught.value.hint
    with pytest.raises(InputError, match="row 1, column 'text': expected a text, found dict"):
        read(tmp_path, [{"id": "a", "text": {"x": 1}}])


@pytest.mark.parametrize(
    ("voice", "sentence"),
    [
        (Voice(gender="M", age="Adult", pitch="normal", energy="very high"),
         "A man speaks in a medium-pitched, very loud voice."),
        (Voice(gender="female", age="elderly", emotion="angry"), "An elderly woman speaks in an angry tone."),
        (Voice(age="child", speed="fast", emphasis="now, never"),
         'A child speaks quickly, stressing the words "now" and "never".'),
        (Voice(pitch="wavering", gender="male"), "A man speaks with wavering pitch."),
        (Voice(pitch="212.5", emotion="unknown"), ""),
        (Voice(), ""),
    ],
)  # fmt: skip
def test_sentences(voice: Voice, sentence: str) -> None:
    """Labels are put into plain English; those that say nothing, or are numbers, are left out."""
    assert describe_voice(voice) == sentence
