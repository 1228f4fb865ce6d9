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

from audiomcq_cli import audio, audio_files
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


@pytest.fixture(scope="module", autouse=True)
def libraries(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import what listens before any time is taken."""
    path = tmp_path_factory.mktemp("warm") / "a.wav"
    for kind in KINDS:
        path.write_bytes(make(kind))
        assert probe(path)["duration"] == pytest.approx(1.0, abs=0.2)


Edit = tuple[str, int, float, bytes]
"""What is done, within how many bytes from the beginning (0: anywhere), how far into them, and with which bytes."""

EDITS = st.tuples(
    st.sampled_from(("over", "in", "out", "cut", "twice")),
    st.sampled_from((64, 512, 0)),
    st.floats(0, 1),
    st.sampled_from(FIELDS) | st.binary(max_size=8),
)


def damage(data: bytearray, edit: Edit) -> None:
    """Cut a file, or overwrite, put in or take out some bytes of it."""
    what, end, far, piece = edit
    at = round(far * min(end or len(data), len(data)))
    match what:
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


@fuzzed
@given(st.sampled_from(KINDS), st.lists(EDITS, max_size=4))
def test_damaged_files(tmp_path_factory: pytest.TempPathFactory, kind: str, edits: list[Edit]) -> None:
    """Whatever happened to a file, it is measured or has a problem; loading it gives samples or an ``InputError``."""
    data = bytearray(make(kind))
    for edit in edits:
        damage(data, edit)
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
    assert kind is None or kind.extension in (*audio_files.AUDIO_EXTENSIONS, ".ts", ".rm")
