from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.listening import make_noise, make_tone, probe, values, write


def write_tone(path: Path, seconds: float = 1.0, rate: int = 16_000, channels: int = 1) -> Path:
    tones = [make_tone(seconds, rate, 220.0 * number) for number in range(1, channels + 1)]
    return write(path, np.stack(tones, axis=1), rate)


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg"])
def test_probe_measures(tmp_path: Path, extension: str) -> None:
    """A good file gives its length, rate, channels and format."""
    found = probe(write_tone(tmp_path / f"a.{extension}", 1.5, 16_000, 2))
    expected = {"duration": 1.5, "sample_rate": 16_000, "channels": 2, "frames": 24_000, "format": extension.upper()}
    assert {name: found[name] for name in expected} == expected


def test_file_without_bytes_is_empty(tmp_path: Path) -> None:
    """A file of zero bytes is reported as empty."""
    path = tmp_path / "a.wav"
    path.touch()
    assert probe(path)["problem"] == "audio_empty"


def test_file_without_samples_is_empty(tmp_path: Path) -> None:
    """A valid header with no samples behind it is reported as empty."""
    assert probe(write_tone(tmp_path / "a.wav", seconds=0))["problem"] == "audio_empty"


@pytest.mark.parametrize("sample", [np.nan, np.inf, -1e30])
def test_samples_that_are_no_numbers_are_unreadable(tmp_path: Path, sample: float) -> None:
    """Floating point can say what no recording holds; nothing could be measured of it, and no model can hear it."""
    samples = make_tone()
    samples[1000:1010] = sample
    found = probe(write(tmp_path / "a.wav", samples, subtype="FLOAT"))
    assert found == {"problem": "audio_unreadable", "detail": "has samples that are no numbers, or beyond 32 bits"}


@pytest.mark.parametrize("rate", [1, 3_000])
def test_rate_that_no_recording_has_is_unreadable(tmp_path: Path, rate: int) -> None:
    """A header with a few samples a second is damaged; there is no loudness of that."""
    found = probe(write(tmp_path / "a.wav", make_tone(), rate))
    assert found == {"problem": "audio_unreadable", "detail": f"has {rate} samples a second, by its header"}


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.raw"])
def test_other_content_is_unreadable(tmp_path: Path, name: str) -> None:
    """A file that is not audio is reported, whatever its extension, and its path is not in the detail."""
    (tmp_path / name).write_text("this is not audio, " * 50)
    found = probe(tmp_path / name)
    assert found["problem"] == "audio_unreadable"
    assert found["detail"]
    assert str(tmp_path) not in found["detail"]


def test_flac_cut_short_is_unreadable(tmp_path: Path) -> None:
    """A FLAC file cut in half is refused although its header has the full length."""
    path = write_tone(tmp_path / "a.flac", 5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(path)["problem"] == "audio_unreadable"


def test_flac_damaged_in_the_middle_is_unreadable(tmp_path: Path) -> None:
    """Damage between an intact beginning and an intact end is found."""
    path = write_tone(tmp_path / "a.flac", 5)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(500) + data[middle + 500 :])
    assert probe(path)["problem"] == "audio_unreadable"


def test_mp3_cut_short_says_where(tmp_path: Path) -> None:
    """An MP3 file that ends before the length in its Info frame is refused, with both lengths."""
    path = write_tone(tmp_path / "a.mp3", 5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = probe(path)
    assert found["problem"] == "audio_unreadable"
    assert "of the 5.00 s" in found["detail"]


def test_missing_file_is_unreadable(tmp_path: Path) -> None:
    """A file that is not there comes back as a problem, not as an error."""
    assert probe(tmp_path / "a.wav") == {"problem": "audio_unreadable", "detail": "No such file or directory"}


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A named pipe is refused at once."""
    os.mkfifo(tmp_path / "a.wav")
    assert probe(tmp_path / "a.wav")["detail"] == "not a regular file"


def test_opus_is_decoded(tmp_path: Path) -> None:
    """Opus is heard at the 48 kHz that it is decoded to."""
    found = probe(write(tmp_path / "a.opus", make_tone(1.5, 48_000), 48_000, "OPUS"))
    assert (found["sample_rate"], found["channels"]) == (48_000, 1)
    assert found["duration"] == pytest.approx(1.5, abs=0.03)


# --------------------------------------------------------------------------------------------------------- levels


@pytest.mark.parametrize("level", [1.0, 0.5, 0.001])
def test_peak_is_the_largest_sample(tmp_path: Path, level: float) -> None:
    """The peak of a tone is its amplitude, in dB of full scale."""
    found = probe(write(tmp_path / "a.wav", make_tone(level=level), subtype="FLOAT"))
    assert values(found, "peak") == [pytest.approx(20 * np.log10(level), abs=0.01)]


@pytest.mark.parametrize("extension", ["wav", "flac"])
@pytest.mark.parametrize("gain", [1.0, 1.5, 4.0])
def test_clipped_part_is_measured(tmp_path: Path, gain: float, extension: str) -> None:
    """The part that stays at full scale is told of a tone driven past it; one that only touches it is fine."""
    found = probe(write(tmp_path / f"a.{extension}", np.clip(make_tone(2, pitch=110, level=gain), -1, 1)))
    expected = 0.0 if gain == 1 else 1 - 2 / np.pi * np.arcsin(1 / gain)
    assert values(found, "clipped") == [pytest.approx(expected, abs=0.01)]


def test_clipping_in_one_channel_counts_half(tmp_path: Path) -> None:
    """The clipped part is that of the samples of all channels."""
    loud, fine = np.clip(make_tone(level=4.0), -1, 1), make_tone(level=0.5)
    one = values(probe(write(tmp_path / "a.wav", loud)), "clipped")[0]
    both = values(probe(write(tmp_path / "b.wav", np.stack([loud, fine], axis=1))), "clipped")[0]
    assert both == pytest.approx(one / 2)


@pytest.mark.parametrize(("tone", "silence"), [(1.0, 3.0), (2.0, 0.5), (1.0, 0.0)])
def test_silent_part_is_measured(tmp_path: Path, tone: float, silence: float) -> None:
    """The silent part is that of the time, whether the silence is digital or has the noise of 16 bits."""
    quiet = make_noise(silence, level=1e-4)
    quiet[: len(quiet) // 2] = 0
    found = probe(write(tmp_path / "a.wav", np.concatenate([make_tone(tone), quiet])))
    assert values(found, "silent") == [pytest.approx(silence / (tone + silence), abs=0.01)]


def test_digital_silence_has_no_level(tmp_path: Path) -> None:
    """Of silence neither a peak nor a loudness is told; its fingerprint says nothing."""
    found = probe(write(tmp_path / "a.wav", np.zeros(32_000)))
    assert {one["name"]: one["value"] for one in found["measurements"]} == {"clipped": 0.0, "silent": 1.0}
    assert set(found["fingerprint"]) == {0}


def test_a_few_samples(tmp_path: Path) -> None:
    """A file of less than a hundredth of a second is told its length alone."""
    found = probe(write(tmp_path / "a.wav", make_tone(0.005)))
    assert (found["frames"], found["measurements"], found["fingerprint"]) == (80, [], None)


def test_block_size_changes_nothing(tmp_path: Path) -> None:
    """What is measured of a file does not depend on where its blocks end: four channels make four times the blocks."""
    samples = np.concatenate([make_noise(9, 48_000), np.zeros(48_000, np.float32), make_noise(3, 48_000, 0.01)])
    one = probe(write(tmp_path / "a.wav", samples, 48_000))
    four = probe(write(tmp_path / "b.wav", np.stack([samples] * 4, axis=1), 48_000))
    for name, shift in (("silent", 0.0), ("clipped", 0.0), ("loudness", 20 * np.log10(2))):
        assert values(four, name)[0] == pytest.approx(values(one, name)[0] + shift, abs=1e-3)
    assert four["fingerprint"] == one["fingerprint"]


# ------------------------------------------------------------------------------------- formats that FFmpeg decodes


def write_m4a(path: Path, samples: Any, rate: int) -> Path:
    av = pytest.importorskip("av", reason="the extra [listen] is not installed")
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


@pytest.mark.parametrize("name", ["a.m4a", "a.mp3", "a.wav"])
def test_m4a_is_decoded_by_pyav(tmp_path: Path, name: str) -> None:
    """With PyAV an m4a file is probed as any other, levels included, also where it has another's name."""
    samples = make_tone(2.0, 44_100, 440.0, 0.5)
    found = probe(write_m4a(tmp_path / "m.m4a", samples, 44_100).rename(tmp_path / name))
    wav = probe(write(tmp_path / "b.wav", samples, 44_100))
    assert (found["sample_rate"], found["channels"], found["format"]) == (44_100, 1, "M4A")
    assert found["duration"] == pytest.approx(2.0, abs=0.05)
    assert values(found, "loudness")[0] == pytest.approx(values(wav, "loudness")[0], abs=0.2)


def test_m4a_cut_short_is_unreadable(tmp_path: Path) -> None:
    """An m4a file of which the end is missing is refused."""
    path = write_m4a(tmp_path / "a.m4a", make_noise(5.0, 44_100), 44_100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(path)["problem"] == "audio_unreadable"


def test_missing_decoder_is_named(tmp_path: Path) -> None:
    """Without PyAV an m4a file is rejected with a reason of its own that names what to install."""
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(64))
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from audiomcq_cli.listening.analyses import run_analysis\n"
        f"print(run_analysis('probe', {str(tmp_path / 'a.m4a')!r}, {{}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert eval(done.stdout) == {
        "problem": "audio_no_decoder",
        "detail": 'm4a needs PyAV: pip install ".[listen]" in a checkout of audiomcq',
    }
