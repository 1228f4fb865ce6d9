"""Damaged and lying audio files: a right measure or a problem of our own, and little memory."""

from __future__ import annotations

import resource
from functools import cache
from io import BytesIO

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli import audio
from audiomcq_cli.containers import find_kind, read_head
from audiomcq_cli.errors import InputError
from tests.fuzz import fuzzed
from tests.listening import make_tone, probe

KINDS = (
    "WAV",
    "RF64",
    "W64",
    "AIFF",
    "AU",
    "CAF",
    "FLAC",
    "OGG",
    "MP3",
    "webm",
    "mp4",
    "mov",
    "asf",
    "adts",
    "ac3",
    "wv",
)
PROBLEMS = ("audio_empty", "audio_unreadable", "audio_too_long", "audio_crashes_decoder")
FIELDS = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"\x01\0\0\0", b"data")
CODECS = {
    "webm": "libopus",
    "mp4": "aac",
    "mov": "pcm_s16le",
    "asf": "wmav2",
    "adts": "aac",
    "ac3": "ac3",
    "wv": "wavpack",
}
ROOM = 2**30
"""Bytes that a process may take while it goes through files of a second."""


@cache
def make(kind: str) -> bytes:
    """A second of a tone in a kind of file."""
    tone = make_tone(1.0, 48_000)
    with BytesIO() as file:
        if kind not in CODECS:
            sf.write(file, tone, 48_000, format=kind)
            return file.getvalue()
        av = pytest.importorskip("av", reason="the extra [listen] is not installed")
        with av.open(file, "w", format=kind) as container:
            stream = container.add_stream(CODECS[kind], rate=48_000, layout="mono")
            if kind == "asf":
                stream.bit_rate = 64_000
            frame = av.AudioFrame.from_ndarray((16_000 * tone).astype(np.int16)[None, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48_000, 0
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
        return file.getvalue()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of any kind: cut, overwritten mostly near its beginning, with bytes put in or taken out."""
    data = bytearray(make(draw(st.sampled_from(KINDS))))
    for _ in range(draw(st.integers(0, 4))):
        end = draw(st.sampled_from((64, 512, len(data))))
        at = draw(st.integers(0, max(0, min(end, len(data)) - 1)))
        piece = draw(st.sampled_from(FIELDS) | st.binary(max_size=8))
        match draw(st.sampled_from(("over", "in", "out", "cut", "twice"))):
            case "over":
                data[at : at + len(piece)] = piece
            case "in":
                data[at:at] = piece
            case "out":
                del data[at : at + len(piece)]
            case "cut":
                del data[max(at, 8) :]
            case "twice":
                data += data[at:]
    return bytes(data)


@fuzzed
@given(damaged())
def test_damaged_files(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever happened to a file, it is measured or has a problem; loading it gives samples or an ``InputError``."""
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = probe(path)
    assert found.get("problem", "audio_empty") in PROBLEMS
    if "problem" in found:
        assert found["detail"]
        assert str(path.parent) not in found["detail"]
    else:
        assert found["frames"] > 0
        assert found["duration"] == found["frames"] / found["sample_rate"]
    try:
        samples = audio.load(path, 16_000)
    except InputError:
        samples = None
    assert samples is None or samples.dtype == np.float32
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < ROOM >> 10


@fuzzed
@given(st.binary(max_size=600) | st.binary(max_size=600).map(lambda rest: b"ID3\x04\0\x10" + rest))
def test_any_bytes_have_a_kind_or_none(data: bytes) -> None:
    """Finding out what a file is ends for any bytes."""
    kind = find_kind(read_head(BytesIO(data)))
    assert kind is None or kind.extension in (*audio.AUDIO_EXTENSIONS, ".ts", ".rm")
