"""The demo set is the same on every run, and what is written beside the audio is true of it."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf

from audiomcq_cli.demo.clips import CLIPS, COUNTED, MIXTURES, SEQUENCES
from audiomcq_cli.demo.music import read_pitch
from audiomcq_cli.demo.signals import RATE
from audiomcq_cli.demo.sounds import render
from audiomcq_cli.demo.write import CAPTIONS_FILE, write_clips
from audiomcq_cli.sources import folder

Samples = npt.NDArray[np.float64]

NUMBERS = {"once": 1, "one": 1, "twice": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
SLOW = {"rain falling", "waves rolling onto a shore", "a crowd applauding", "a ship horn blowing"}
"""Sounds that swell up: they have no sharp onset."""

_HOP = 80  # samples: 5 ms


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set on disk."""
    path = tmp_path_factory.mktemp("demo") / "clips"
    write_clips(path)
    return path


def read_lines(path: Path) -> dict[str, dict[str, Any]]:
    """The lines of the captions file by the name of the clip."""
    lines = map(json.loads, (path / CAPTIONS_FILE).read_text("utf-8").splitlines())
    return {line["file_name"].removesuffix(".wav"): line for line in lines}


def read_samples(path: Path, name: str) -> Samples:
    samples, rate = sf.read(path / f"{name}.wav")
    assert rate == RATE
    return np.asarray(samples)


def measure_energy(samples: Samples) -> Samples:
    """The energy of each 5 ms."""
    frames = len(samples) // _HOP
    return np.asarray(np.mean(samples[: frames * _HOP].reshape(frames, _HOP) ** 2, axis=1))


def find_rise(energy: Samples, near: float) -> float:
    """When the energy within 0.2 s of a time first rises clearly over what was there before, in seconds."""
    first = max(0, round((near - 0.2) * RATE / _HOP))
    window = energy[first : first + 80]
    before = np.median(window[:20])
    return float((first + np.argmax(window > before + 0.1 * (window.max() - before))) * _HOP / RATE)


def find_peak(samples: Samples, near: float) -> float:
    """The strongest pitch within half an octave of one, in Hz: an overtone may well be stronger."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17))
    pitches = np.fft.rfftfreq(1 << 17, 1 / RATE)
    spectrum[(pitches < near / 1.41) | (pitches > near * 1.41)] = 0
    return float(pitches[np.argmax(spectrum)])


def name_head(label: str) -> str:
    """The word of a label that says what is heard."""
    return re.sub("^(a|an) ", "", label).split()[0].lower()


# ---------------------------------------------------------------------------------------------------- the files


def test_same_seed_same_bytes(written: Path, tmp_path: Path) -> None:
    """The same seed gives the same files."""
    write_clips(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        file.name: file.read_bytes() for file in written.iterdir()
    }


def test_other_seed_other_audio() -> None:
    """Another seed gives other audio, of tones as well as of noises."""
    assert [clip.name for clip in CLIPS[::5] if np.array_equal(render(clip, 0), render(clip, 1))] == []


def test_audio_is_sound(written: Path) -> None:
    """Every file is 16-bit mono of 3 to 8 seconds, is neither silent nor clipped, and no two are alike."""
    assert len(CLIPS) >= 30
    for clip in CLIPS:
        info = sf.info(written / f"{clip.name}.wav")
        assert (info.channels, info.subtype, info.samplerate) == (1, "PCM_16", RATE)
        assert 3.0 <= info.duration <= 8.0
        assert info.duration == pytest.approx(clip.seconds)
        samples = read_samples(written, clip.name)
        assert 0.6 < np.max(np.abs(samples)) < 0.8
        assert np.sqrt(np.mean(samples**2)) > 0.015
        assert abs(np.mean(samples)) < 0.005
    assert len({(written / f"{clip.name}.wav").read_bytes() for clip in CLIPS}) == len(CLIPS)


def test_the_folder_source_reads_it(written: Path) -> None:
    """The folder source reads every clip with both captions and its license."""
    rows = list(folder.read(written, folder.Options()))
    assert [row.problem for row in rows] == [None] * len(CLIPS)
    assert [(row.source_id, row.captions) for row in rows] == [(f"{clip.name}.wav", clip.captions) for clip in CLIPS]
    assert {row.license for row in rows} == {"CC0-1.0"}


# ------------------------------------------------------------------------------------------------- what is said


def test_events_lie_in_their_clips(written: Path) -> None:
    """Every event lies in its clip, and they come in the order of their onsets."""
    lines = read_lines(written)
    for clip in CLIPS:
        events = lines[clip.name]["events"]
        assert len(events) == len(clip.parts) > 0
        assert all(0 < event["onset"] < event["offset"] <= clip.seconds for event in events)
        assert [event["onset"] for event in events] == sorted(event["onset"] for event in events)


def test_captions_name_everything() -> None:
    """Both captions of a clip name everything that is heard, and no caption is there twice."""
    for clip in CLIPS:
        for caption in clip.captions:
            missing = [part.sound.label for part in clip.parts if name_head(part.sound.label) not in caption.lower()]
            assert (caption, missing) == (caption, [])
    captions = [caption.lower() for clip in CLIPS for caption in clip.captions]
    assert len(set(captions)) == len(captions)


def test_captions_name_things_in_order() -> None:
    """Where sounds follow each other, captions name them in that order; elsewhere, what is in front comes first."""
    for clip in CLIPS:
        heads = list(dict.fromkeys(name_head(part.sound.label) for part in clip.parts))
        for caption in clip.captions:
            places = [caption.lower().index(head) for head in heads]
            assert (caption, places) == (caption, sorted(places))


def test_sequences_do_not_overlap() -> None:
    """The sounds of a sequence follow each other with a gap; those of a mixture do not."""
    for clip in (*COUNTED, *SEQUENCES):
        assert all(first.offset + 0.1 < second.onset for first, second in pairwise(clip.parts)), clip.name
    for clip in MIXTURES:
        *front, back = clip.parts
        assert all(back.onset < part.onset and part.offset < back.offset for part in front), clip.name


def test_captions_count_right() -> None:
    """The numbers in the captions of sounds are those of their events, and events heard several times are counted."""
    for clip in (*COUNTED, *SEQUENCES, *MIXTURES):
        labels = [part.sound.label for part in clip.parts]
        counts = sorted(labels.count(label) for label in set(labels))
        for caption in clip.captions:
            words = caption.lower().replace("one after another", "").split()
            said = sorted(NUMBERS[word] for word in words if word in NUMBERS)
            assert [number for number in said if number > 1] == [number for number in counts if number > 1], caption
            assert said.count(1) <= counts.count(1), caption


# -------------------------------------------------------------------------------------------- what can be measured


def test_onsets_are_where_they_are_said_to_be(written: Path) -> None:
    """The sound rises within 30 ms of the onset of every event that begins sharply and in silence."""
    lines, checked = read_lines(written), 0
    for clip in CLIPS:
        energy = measure_energy(read_samples(written, clip.name))
        for event in lines[clip.name]["events"]:
            if clip in MIXTURES or event["label"] in SLOW:
                continue
            found = find_rise(energy, event["onset"])
            assert found == pytest.approx(event["onset"], abs=0.03), (clip.name, event)
            checked += 1
    assert checked > 60


def test_it_is_quiet_between_events(written: Path) -> None:
    """Between the events of a sequence, after a moment of reverberation, there is 35 dB less than at the peak."""
    for clip in (*COUNTED, *SEQUENCES):
        energy = measure_energy(read_samples(written, clip.name))
        for first, second in pairwise(clip.parts):
            gap = energy[round((first.offset + 0.12) * RATE / _HOP) : round((second.onset - 0.02) * RATE / _HOP)]
            assert not len(gap) or 10 * np.log10(gap.max() / energy.max()) < -35, (clip.name, first.offset)


def test_events_are_heard_to_their_end(written: Path) -> None:
    """In its last quarter second an event is still 10 dB louder than the noise of the room."""
    for clip in CLIPS:
        energy = measure_energy(read_samples(written, clip.name))
        for part in clip.parts:
            end = energy[round((part.offset - 0.25) * RATE / _HOP) : round(part.offset * RATE / _HOP)]
            assert end.max() > 1.6e-6, (clip.name, part.sound.label)


@pytest.mark.parametrize(
    ("name", "word", "tempo"),
    [("drums-slow", "slow", 66), ("drums-moderate", "moderate", 104), ("drums-fast", "fast", 168)],
)
def test_drums_keep_their_tempo(written: Path, name: str, word: str, tempo: float) -> None:
    """The bass drum comes every other beat at the tempo that the caption's word stands for."""
    samples = read_samples(written, name)
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE) > 120] = 0
    energy = measure_energy(np.fft.irfft(spectrum, len(samples)))
    loud = energy > 0.2 * energy.max()
    onsets = np.flatnonzero(loud & ~np.roll(loud, 1)) * _HOP / RATE
    onsets = onsets[np.diff(onsets, prepend=-1) > 0.3]
    assert 120 / np.median(np.diff(onsets)) == pytest.approx(tempo, rel=0.02)
    assert f" {word} " in read_lines(written)[name]["caption_1"]


@pytest.mark.parametrize(
    ("name", "tempo", "notes"),
    [
        ("guitar-slow-rising", 70, "C3 D3 E3 F3 G3 A3 B3 C4"),
        ("piano-falling", 120, "C5 B4 A4 G4 F4 E4 D4 C4"),
        ("piano-ode", 138, "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4"),
        ("flute-then-drums", 72, "D5 F5 E5 D5"),
    ],
)
def test_notes_have_their_pitch(written: Path, name: str, tempo: float, notes: str) -> None:
    """The strongest pitch at each beat of a tune is the note's: scales rise and fall as they are said to."""
    samples = read_samples(written, name)
    for number, note in enumerate(notes.split()):
        first = 0.3 + number * 60 / tempo
        part = samples[round((first + 0.05) * RATE) : round((first + 0.95 * 60 / tempo) * RATE)]
        pitch = read_pitch(note)
        assert find_peak(part, pitch) == pytest.approx(pitch, rel=0.012), (note, number)
