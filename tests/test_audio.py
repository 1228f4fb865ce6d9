"""Samples and bytes of audio: what is decoded is what librosa gives, and what is encoded is what was asked for."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from audiomcq_cli import audio
from audiomcq_cli.audio_files import hash_file
from audiomcq_cli.contracts import Clip, Silence
from audiomcq_cli.errors import InputError


def make_tone(seconds: float = 1.0, rate: int = 16_000, channels: int = 1) -> Any:
    """A tone for each channel, at different pitches, shape (frames, channels)."""
    times = np.arange(round(seconds * rate)) / rate
    pitches = 220 * np.arange(1, channels + 1)
    return (0.4 * np.sin(2 * np.pi * times[:, None] * pitches)).astype(np.float32)


def write_tone(path: Path, seconds: float = 1.0, rate: int = 16_000, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, make_tone(seconds, rate, channels), rate)
    return path


# ------------------------------------------------------------------------------------------------------- hearing


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("native", "channels", "extension"), [(44_100, 2, "wav"), (8_000, 1, "flac"), (16_000, 3, "wav")]
)
def test_samples_are_those_of_librosa(tmp_path: Path, native: int, channels: int, extension: str) -> None:
    """Loading gives the samples of librosa.load, at a higher, a lower and the same rate, also over many blocks."""
    import librosa

    path = write_tone(tmp_path / f"a.{extension}", 4.321, native, channels)
    expected, _ = librosa.load(path, sr=16_000, mono=True)
    found = audio.load(path, 16_000)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("extension", ["mp3", "ogg", "flac"])
def test_long_clip_is_decoded_without_a_seam(tmp_path: Path, extension: str) -> None:
    """A clip of more than one block has the samples that reading all of it at once gives: a decoder of mp3 that is
    interrupted begins anew with silence."""
    path = tmp_path / f"a.{extension}"
    write_tone(path, 14.0, 44_100, 2)
    whole, _ = sf.read(path, dtype="float32")
    assert np.array_equal(audio.load(path, 44_100), whole.mean(axis=1))


@pytest.mark.parametrize("content", [b"", b"not audio"])
def test_loading_what_is_not_audio_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    """Loading a file that cannot be decoded names it."""
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.wav: cannot be decoded"):
        audio.load(tmp_path / "a.wav", 16_000)


def test_header_that_lies_does_not_take_memory(tmp_path: Path) -> None:
    """A header that promises hundreds of gigabytes costs only what is there."""
    path = tmp_path / "a.au"
    header = b".snd" + b"".join(number.to_bytes(4, "big") for number in (24, 0xFFFFFFFF, 3, 16_000, 2))
    path.write_bytes(header + bytes(6_400))
    assert len(audio.load(path, 16_000)) == 1_600


@pytest.mark.parametrize("format", audio.FORMATS)
def test_encoded_samples_come_back(format: str) -> None:
    """Encoding keeps samples within 16 bits, and clips those beyond full scale instead of wrapping them."""
    samples = np.append(make_tone()[:, 0], [1.5, -1.5]).astype(np.float32)
    decoded, rate = sf.read(BytesIO(audio.encode(samples, 16_000, format)), dtype="float32")
    assert rate == 16_000
    np.testing.assert_allclose(decoded, np.clip(samples, -1, 1), atol=1e-4)


def test_encoding_is_repeatable() -> None:
    """The same samples give the same bytes."""
    encode = partial(audio.encode, make_tone()[:, 0], 16_000)
    assert [encode("wav"), encode("flac")] == [encode("wav"), encode("flac")]


def test_unknown_format_is_an_input_error() -> None:
    """A format that cannot be written names those that can."""
    with pytest.raises(InputError, match="mp3") as caught:
        audio.encode(make_tone()[:, 0], 16_000, "mp3")
    assert "wav, flac" in caught.value.hint


@pytest.mark.parametrize("format", audio.FORMATS)
def test_silence_is_digital_silence(format: str) -> None:
    """The silence part is zeros of the length asked for, and needs no file."""
    part = audio.read_part(Silence(2.5), 16_000, format)
    decoded, rate = sf.read(BytesIO(part))
    assert (len(decoded), rate) == (40_000, 16_000)
    assert not decoded.any()


def test_original_is_the_clip_at_the_rate_asked(tmp_path: Path) -> None:
    """The original part is the clip, mono, at the model's rate."""
    write_tone(tmp_path / "sub" / "a.wav", 1.0, 44_100, 2)
    part = audio.read_part(Clip("Set", "sub/a.wav", root=tmp_path), 16_000, "wav")
    info = sf.info(BytesIO(part))
    assert (info.frames, info.samplerate, info.channels) == (16_000, 16_000, 1)


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg"])
def test_window_holds_the_samples_of_its_time(tmp_path: Path, extension: str) -> None:
    """A window is the very samples that the whole clip has there, whatever the format, and is as long as asked."""
    write_tone(tmp_path / f"a.{extension}", 4.0, 16_000, 2)
    clip = Clip("Set", f"a.{extension}", root=tmp_path)
    whole, cut = (sf.read(BytesIO(audio.read_part(part, 16_000, "wav")))[0] for part in (clip, clip.cut(1.234, 1.5)))
    assert np.array_equal(cut, whole[19_744:43_744])


def test_windows_of_a_clip_are_all_of_it(tmp_path: Path) -> None:
    """Windows one after another hold every sample once, at a rate that does not divide into them; the last one ends
    with the clip."""
    write_tone(tmp_path / "a.wav", 3.0, 44_100)
    clip = Clip("Set", "a.wav", root=tmp_path)
    ends = (0.0, 1.001, 2.003, 3.5)
    parts = [clip.cut(start, end - start) for start, end in pairwise(ends)]
    lengths = [sf.info(BytesIO(audio.read_part(part, 44_100, "flac"))).frames for part in parts]
    assert sum(lengths) == 3 * 44_100 and lengths[0] == round(1.001 * 44_100)


def test_window_behind_the_end_is_refused(tmp_path: Path) -> None:
    """Where a clip has nothing there is nothing to send."""
    write_tone(tmp_path / "a.wav", 1.0)
    with pytest.raises(InputError, match="holds no samples there"):
        audio.read_part(Clip("Set", "a.wav", root=tmp_path).cut(1.0, 1.0), 16_000, "wav")


def test_length_is_read_from_files_and_bytes(tmp_path: Path) -> None:
    """The header tells how long a file is, and what was encoded here; what has none is refused."""
    path = write_tone(tmp_path / "a.flac", 1.5)
    assert audio.read_length(path) == audio.read_length(BytesIO(path.read_bytes())) == 1.5
    (tmp_path / "b.wav").write_bytes(b"text")
    with pytest.raises(InputError):
        audio.read_length(tmp_path / "b.wav")


def test_part_of_a_changed_file_is_refused(tmp_path: Path) -> None:
    """A file that is no longer the one that was hashed is not sent under its hash."""
    path = write_tone(tmp_path / "a.wav")
    part = Clip("Set", "a.wav", hash_file(path), root=tmp_path)
    assert audio.read_part(part, 16_000, "wav")
    write_tone(path, 2.0)
    with pytest.raises(InputError, match="has changed"):
        audio.read_part(part, 16_000, "wav")


@pytest.mark.parametrize("path", ["../a.wav", "absent.wav", ""])
def test_bad_path_is_an_input_error(tmp_path: Path, path: str) -> None:
    """A path out of the root and a missing file are refused."""
    write_tone(tmp_path / "a.wav")
    with pytest.raises(InputError):
        audio.read_part(Clip("Set", path, root=tmp_path), 16_000, "wav")


def test_clip_of_an_unknown_root_is_an_input_error() -> None:
    """A clip whose audio root nobody knows names its source."""
    with pytest.raises(InputError, match="where the audio of source 'Set' lies is not known"):
        audio.read_part(Clip("Set", "a.wav", "ab"), 16_000, "wav")


def test_rest_of_a_clip_is_all_that_follows(tmp_path: Path) -> None:
    """A part without a length goes to the end of the clip."""
    write_tone(tmp_path / "a.wav", 2.0)
    part = audio.read_part(Clip("Set", "a.wav", root=tmp_path, start=0.5), 16_000, "wav")
    assert sf.info(BytesIO(part)).frames == 24_000
