"""What is in a file counts, whatever its name and its header say; memory does not grow with what they promise."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from audiomcq_cli import audio, audio_files
from audiomcq_cli.containers import find_kind
from audiomcq_cli.contracts import Clip
from audiomcq_cli.decoding import FASTEST
from audiomcq_cli.errors import ClipTooLong
from tests.listening import make_tone, probe, write

ZERO4, ZERO8 = bytes(4), bytes(8)


def patch(path: Path, mark: bytes, offset: int, value: bytes) -> Path:
    """Write some bytes behind a mark of a file."""
    data = bytearray(path.read_bytes())
    at = data.index(mark) + offset
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("format", "mark", "offset", "value"),
    [
        ("WAV", b"data", 4, ZERO4),
        ("WAV", b"data", 4, b"\xff" * 4),
        ("WAV", b"data", 4, struct.pack("<I", 0x7FFF_F000)),
        ("WAV", b"RIFF", 4, ZERO4),
        ("WAVEX", b"data", 4, ZERO4),
        ("RF64", b"ds64", 16, ZERO8),
        ("RF64", b"ds64", 16, b"\xff" * 8),
        ("RF64", b"ds64", 8, bytes(24)),
        ("W64", b"data", 16, ZERO8),
        ("W64", b"data", 16, b"\xff" * 8),
        ("AIFF", b"SSND", 4, ZERO4),
        ("AIFF", b"COMM", 10, ZERO4),
        ("AU", b".snd", 8, ZERO4),
        ("AU", b".snd", 8, b"\xff" * 4),
        ("CAF", b"data", 4, ZERO8),
        ("CAF", b"data", 4, b"\xff" * 8),
        ("FLAC", b"fLaC", 22, ZERO4),
    ],
)
def test_size_that_was_never_written_is_measured(
    format: str, mark: bytes, offset: int, value: bytes, tmp_path: Path
) -> None:
    """Of a header that does not know how much follows, what follows counts."""
    path = tmp_path / "a.wav"
    sf.write(path, make_tone(2.0), 16_000, format=format)
    if format == "FLAC":
        patch(path, b"fLaC", 21, bytes([path.read_bytes()[21] & 0xF0]))
    assert probe(patch(path, mark, offset, value))["duration"] == pytest.approx(2.0, abs=0.01)


def test_size_of_nothing_before_other_chunks_is_empty(tmp_path: Path) -> None:
    """A file that has no samples, and a title behind them, is empty."""
    path = write(tmp_path / "a.wav", make_tone(0))
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 16) + b"INFOINAM" + struct.pack("<I", 4) + b"song")
    assert probe(path)["problem"] == "audio_empty"


@pytest.mark.parametrize(
    ("size", "detail"),
    [
        (128_000, "ends after 2.00 s of the 4.00 s in its header"),
        (100, "the header says 100 bytes of samples, 64,000 follow"),
    ],
)
def test_size_that_is_wrong_is_unreadable(size: int, detail: str, tmp_path: Path) -> None:
    """A header that promises more than there is, or a small part of it, is told with both sizes."""
    path = patch(write(tmp_path / "a.wav", make_tone(2.0)), b"data", 4, struct.pack("<I", size))
    assert probe(path) == {"problem": "audio_unreadable", "detail": detail}


def test_rate_that_no_recorder_has_is_unreadable(tmp_path: Path) -> None:
    """A rate of millions would ask for memory by it."""
    found = probe(write(tmp_path / "a.wav", make_tone(), FASTEST + 1))
    assert found == {"problem": "audio_unreadable", "detail": "has 768001 samples a second, by its header"}


# ------------------------------------------------------------------------------------------ what FFmpeg is asked for

CONTAINERS = {
    "webm": ("webm", "libopus"), "mka": ("matroska", "libopus"), "mkv": ("matroska", "aac"), "mp4": ("mp4", "aac"),
    "mov": ("mov", "pcm_s16le"), "3gp": ("3gp", "aac"), "wma": ("asf", "wmav2"), "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"), "mp2": ("mp2", "mp2"), "caf": ("caf", "alac"), "wv": ("wv", "wavpack"),
    "tta": ("tta", "tta"), "aac": ("adts", "aac"), "avi": ("avi", "mp2"), "flv": ("flv", "aac"), "mpg": ("mpeg", "mp2"),
    "opus": ("ogg", "libopus"), "wav": ("wav", "adpcm_ima_wav"), "aiff": ("aiff", "pcm_s24be"),
}  # fmt: skip


def write_by_ffmpeg(path: Path, format: str, codec: str, *, film: bool = False, sound: bool = True) -> Path:
    """Write two seconds of a tone, or of a picture, or of both."""
    av = pytest.importorskip("av", reason="the extra [listen] is not installed")
    with av.open(str(path), "w", format=format) as container:
        picture = container.add_stream("mpeg4", rate=5, width=64, height=64) if film else None
        stream = container.add_stream(codec, rate=48_000, layout="mono") if sound else None
        if picture:
            frames = [av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24") for _ in range(10)]
            container.mux([packet for frame in (*frames, None) for packet in picture.encode(frame)])
        if stream:
            if codec == "wmav2":
                stream.bit_rate = 64_000
            samples = (16_000 * make_tone(2.0, 48_000)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48_000, 0
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


@pytest.mark.parametrize("extension", CONTAINERS)
def test_containers_are_measured(extension: str, tmp_path: Path) -> None:
    """Each kind of container is measured, under its own name and under that of another, and is looked for."""
    path = write_by_ffmpeg(tmp_path / f"a.{extension}", *CONTAINERS[extension])
    assert f".{extension}" in audio_files.AUDIO_EXTENSIONS
    assert probe(path)["duration"] == pytest.approx(2.0, abs=0.1)
    assert probe(path.rename(tmp_path / "b.mp3"))["duration"] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("extension", ["aac", "mp2", "webm"])
def test_tag_before_other_content_is_passed(extension: str, tmp_path: Path) -> None:
    """An ID3 tag stands before many a file that is no MP3, as in streams cut into pieces."""
    path = write_by_ffmpeg(tmp_path / f"a.{extension}", *CONTAINERS[extension])
    kind = find_kind(path.read_bytes()[:400])
    path.write_bytes(b"ID3\x04\0\0\0\0\x01\0" + bytes(128) + path.read_bytes())
    assert kind is not None
    if extension != "webm":  # FFmpeg itself does not pass a tag before that one
        assert probe(path)["duration"] == pytest.approx(2.0, abs=0.1)


def test_sound_of_a_film_is_measured(tmp_path: Path) -> None:
    """Of a film the sound track counts; one without is unreadable, and says so."""
    film = write_by_ffmpeg(tmp_path / "a.mp4", "mp4", "aac", film=True)
    assert probe(film)["duration"] == pytest.approx(2.0, abs=0.1)
    silent = write_by_ffmpeg(tmp_path / "b.mp4", "mp4", "", film=True, sound=False)
    assert probe(silent) == {"problem": "audio_unreadable", "detail": "has no sound track"}


def test_webm_cut_short_is_unreadable(tmp_path: Path) -> None:
    """A webm of which the end is missing is refused."""
    path = write_by_ffmpeg(tmp_path / "a.webm", "webm", "libopus")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(path)["problem"] == "audio_unreadable"


def test_playlist_opens_nothing(tmp_path: Path) -> None:
    """A playlist under the name of audio is not followed: it names other files and addresses."""
    tone = write(tmp_path / "tone.wav", make_tone())
    (tmp_path / "a.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{tone}\n#EXT-X-ENDLIST\n")
    (tmp_path / "b.mp3").write_text(f"ffconcat version 1.0\nfile {tone.name}\n")
    for name in ("a.mp4", "b.mp3"):
        assert probe(tmp_path / name)["problem"] == "audio_unreadable"


# ------------------------------------------------------------------------------------------------------- memory


def write_silence(path: Path, hours: float, rate: int, channels: int = 1) -> Path:
    """Hours of silence, in a few hundred kilobytes."""
    with sf.SoundFile(path, "w", rate, channels, "PCM_16", format="FLAC") as file:
        block = np.zeros((1 << 20, channels), np.int16)
        for _ in range(-(-round(hours * 3600 * rate) // len(block))):
            file.write(block)
    return path


def test_hours_of_silence_take_little_memory(tmp_path: Path) -> None:
    """A few bytes can say hours of silence: no analysis, and no call to a model, takes memory for all of it."""
    path = write_silence(tmp_path / "a.flac", 1.1, 4_000)
    assert path.stat().st_size < 2**20
    code = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from audiomcq_cli import audio\n"
        "from audiomcq_cli.errors import ClipTooLong\n"
        "from audiomcq_cli.listening.analyses import run_analysis\n"
        f"path = {str(path)!r}\n"
        "import scipy.signal, soxr, soundfile, librosa\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert run_analysis('measure', path, {}) == {'measurements': [], 'events': []}\n"
        "try: audio.load(Path(path), 16_000, most=1800)\n"
        "except ClipTooLong: pass\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300, "MiB"


def test_part_of_hours_is_sent_and_all_of_it_is_not(tmp_path: Path) -> None:
    """A clip longer than an hour is not sent whole, with a hint; a window of it is."""
    write_silence(tmp_path / "a.flac", 1.1, 4_000)
    clip = Clip("x", "a.flac", root=tmp_path)
    with pytest.raises(ClipTooLong, match=r"a\.flac: is longer than 3,600 s"):
        audio.read_part(clip, 4_000, "wav")
    window = audio.read_part(clip.cut(3_700, 2), 4_000, "wav")
    assert len(window) == 44 + 2 * 8_000


def test_blocks_change_nothing(tmp_path: Path) -> None:
    """What is resampled block by block is what is resampled at once, bit for bit."""
    import soxr

    samples = np.random.default_rng(1).uniform(-1, 1, 700_000).astype(np.float32)
    path = write(tmp_path / "a.wav", samples, 44_100, "FLOAT")
    once = soxr.resample(samples, 44_100, 16_000, quality="HQ")
    assert np.array_equal(audio.load(path, 16_000)[: len(once)], once)


def test_words_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    """A title, or the name of a format, that is not UTF-8 is no reason not to decode."""
    path = write_by_ffmpeg(tmp_path / "a.mp4", *CONTAINERS["mp4"])
    assert probe(patch(path, b"ftyp", 12, b"\xff"))["duration"] == pytest.approx(2.0, abs=0.1)


def test_codec_that_nobody_knows_is_unreadable(tmp_path: Path) -> None:
    """A container that is well and holds what nothing decodes is told as unreadable."""
    path = patch(write(tmp_path / "a.wav", make_tone()), b"fmt ", 8, b"\x34\x12")
    assert probe(path)["problem"] == "audio_unreadable"
