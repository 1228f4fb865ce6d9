"""The audio of a request: what it is, how long it is, and what stands for it in a journal key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.contracts import Audio, Clip, Silence
from audiomcq_cli.errors import InputError

LENGTHS = st.sampled_from([0.0, -0.0, 0.0004, 0.0006, 1.0, 1.0001, 1 / 3, 10, 30.0]) | st.floats(0, 4_000)
CLIPS = st.builds(
    Clip,
    st.sampled_from(["Set", "Other"]),
    st.sampled_from(["a.wav", "b.wav"]),
    st.sampled_from(["", "ab", "cd"]),
    start=LENGTHS,
    seconds=st.none() | LENGTHS,
    root=st.sampled_from([None, Path("here"), Path("there")]),
)
AUDIO = CLIPS | st.builds(Silence, LENGTHS)


def find_heard(audio: Audio) -> tuple[Any, ...]:
    """What a model hears of it."""
    if isinstance(audio, Silence):
        return ("silence", audio.seconds)
    return ("clip", audio.sha256, audio.start, audio.seconds)


@given(AUDIO, AUDIO)
def test_keys_are_equal_where_the_same_is_heard(one: Audio, other: Audio) -> None:
    """Two audio parts share a key if and only if a model hears the same content, to the digits of the key."""
    assert (one.key() == other.key()) == (find_heard(one) == find_heard(other))


@given(CLIPS)
def test_place_of_a_file_is_not_in_its_key(clip: Clip) -> None:
    """Source, path, root and the length in the row change no key; source, path and root tell clips apart."""
    moved = replace(clip, source="New", path="new.wav", root=Path("new"), duration=5.0)
    assert moved.key() == clip.key() and moved != clip
    assert replace(clip, duration=7.0) == clip


@given(CLIPS, LENGTHS, LENGTHS)
def test_part_is_of_the_whole_clip(clip: Clip, start: float, seconds: float) -> None:
    """Cutting a part gives the same from the clip and from another part of it, as long as asked to the millisecond."""
    part = clip.cut(start, seconds)
    assert part == replace(clip, start=0.0, seconds=None).cut(start, seconds)
    assert not part.whole
    assert part.length == pytest.approx(seconds, abs=0.0005 + 1e-9)


@pytest.mark.parametrize(
    ("audio", "length"),
    [
        (Silence(2.5), 2.5),
        (Clip("Set", "a.wav"), None),
        (Clip("Set", "a.wav", duration=8.0), 8.0),
        (Clip("Set", "a.wav", duration=8.0).cut(2, 4), 4.0),
        (Clip("Set", "a.wav", start=2.0, duration=8.0), 6.0),
        (Clip("Set", "a.wav", start=9.0, duration=8.0), 0.0),
        (Clip("Set", "a.wav", start=2.0), None),
    ],
)
def test_length_is_of_what_is_heard(audio: Audio, length: float | None) -> None:
    """Silence and a part say how long they are; a clip, or the rest of one, goes by the length in its row."""
    assert audio.length == length


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_length_that_makes_no_sense_is_refused(seconds: float) -> None:
    """Neither silence nor a part of a clip has a negative or endless length, or begins before the clip."""
    clip = Clip("Set", "a.wav")
    for make in (lambda: Silence(seconds), lambda: clip.cut(seconds, 1.0), lambda: clip.cut(0.0, seconds)):
        with pytest.raises(InputError):
            make()


def test_clip_of_a_row() -> None:
    """A row names its clip before and after caption has measured it."""
    row = {"source_dataset": "Set", "audio_path": "a.wav", "audio_sha256": None}
    assert Clip.of_row(row) == Clip("Set", "a.wav") and Clip.of_row(row).length is None
    assert Clip.of_row(row | {"audio_sha256": "ab", "duration": 2.0}).length == 2.0
